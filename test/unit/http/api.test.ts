import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  alarmSchema,
  checkSchema,
  drillRowSchema,
  drillSchema,
  errorSchema,
  pageOf,
  pointSchema,
  sourceSchema,
  statusSchema,
  summarySchema,
} from "../../../agent/http/api/schemas.ts";
import { fiveWorld, type World, world } from "./world.ts";

let five: World;
beforeAll(async () => {
  five = await fiveWorld();
});

async function get(path: string, status = 200): Promise<unknown> {
  const response = await five.app.request(path);
  expect([path, response.status]).toEqual([path, status]);
  expect(response.headers.get("content-type")).toMatch(/^application\/json/u);
  return response.json();
}

const sources = pageOf(statusSchema, "A").extend({ summary: summarySchema });
const points = pageOf(pointSchema, "B");
const drills = pageOf(drillRowSchema, "C");
const alarms = pageOf(alarmSchema, "D");

test("/api/v1/sources gives every source by id, with a summary", async () => {
  const body = sources.parse(await get("/api/v1/sources"));
  expect(body.items.map((item) => [item.id, item.level, item.verdict, item.rpo.state])).toEqual([
    ["broken", "failing", "failed", "ok"],
    ["collapsed", "attention", "verified", "ok"],
    ["healthy", "fine", "verified", "ok"],
    ["late", "failing", "verified", "breached"],
    ["locked", "failing", "failed", "ok"],
  ]);
  expect(body.nextCursor).toBeNull();
  expect(body.summary.levels).toEqual({ failing: 3, attention: 1, waiting: 0, fine: 1 });
  expect(body.items[0]?.headline).toMatch(
    /^3 dangling references in Orders\.customer: links\.resolve failed on the backup of 02:0\d UTC \(and 1 more check\)$/u,
  );
});

test("/api/v1/sources can be asked for one level", async () => {
  const body = sources.parse(await get("/api/v1/sources?level=failing"));
  expect(body.items.map((item) => item.id)).toEqual(["broken", "late", "locked"]);
});

test("/api/v1/sources/:id gives objectives and where backups lie", async () => {
  const body = sourceSchema.parse(await get("/api/v1/sources/late"));
  expect(body.objectives).toEqual({ rpoSeconds: 86_400, rtoSeconds: 3600, verifySeconds: 604_800 });
  expect(body.backups).toMatchObject({ vault: "nightly", path: "late", everySeconds: 86_400, points: 45 });
  expect(body.status.rpo).toMatchObject({ state: "breached", newestAt: expect.stringMatching(/^2026-02-17T02:0\d/u) as string });
});

test("recovery points come newest first with the verdict of each, page by page, none twice and none left out", async () => {
  const pages: z.infer<typeof points>[] = [];
  for (let cursor: string | null = ""; cursor !== null; cursor = pages.at(-1)?.nextCursor ?? null)
    pages.push(points.parse(await get(`/api/v1/sources/broken/points?limit=20${cursor === "" ? "" : `&cursor=${cursor}`}`)));
  const items = pages.flatMap((page) => page.items);
  expect(pages.map((page) => page.items.length)).toEqual([20, 20, 5]);
  expect(items.slice(0, 2).map((item) => item.verdict)).toEqual(["failed", "verified"]);
  expect(items.at(-1)).toMatchObject({ verdict: "pending", drillId: null });
  expect(items.map((item) => item.id)).toEqual(Array.from({ length: 45 }, (_, index) => `broken-${45 - index}`));
});

test("drills of a source and one drill, whole", async () => {
  const list = drills.parse(await get("/api/v1/sources/broken/drills?limit=3"));
  expect(list.items.map((item) => item.id)).toEqual(["drill-broken-45", "drill-broken-44", "drill-broken-43"]);
  expect(list.nextCursor).not.toBeNull();
  const drill = drillSchema.parse(await get("/api/v1/drills/drill-broken-45"));
  expect(drill).toMatchObject({ verdict: "failed", layers: { artifact: "verified", content: "failed" }, source: "broken" });
  expect(drill.checks.find((check) => check.id === "links.resolve")?.examples[0]).toEqual({
    collection: "Orders",
    item: "1042",
    field: "customer",
    note: "points at Customers 88, which is not there",
  });
});

async function alarmIds(query: string): Promise<string[]> {
  return alarms.parse(await get(`/api/v1/alarms${query}`)).items.map((alarm) => alarm.id);
}

test("alarms: active ones, all of them, of one source", async () => {
  expect(await alarmIds("")).toEqual(["alarm-collapsed"]);
  expect(await alarmIds("?all=true")).toEqual(["alarm-collapsed", "alarm-old"]);
  expect(await alarmIds("?all=true&source=healthy")).toEqual(["alarm-old"]);
});

test("checks say where they fail now", async () => {
  const body = z.strictObject({ items: z.array(checkSchema) }).parse(await get("/api/v1/checks"));
  const failing = body.items.filter((check) => check.failing.length > 0).map((check) => [check.id, check.failing.map((one) => one.source)]);
  expect(failing).toEqual([
    ["links.resolve", ["broken"]],
    ["links.digest", ["broken"]],
    ["credentials.decrypt", ["locked"]],
  ]);
});

describe("what is not there or not valid is refused in words", () => {
  test.each([
    ["/api/v1/sources/nobody", 404, "not-found"],
    ["/api/v1/sources/nobody/points", 404, "not-found"],
    ["/api/v1/sources/nobody/drills", 404, "not-found"],
    ["/api/v1/drills/nothing", 404, "not-found"],
    ["/api/v1/nowhere", 404, "not-found"],
    ["/api/v1/sources?limit=0", 400, "bad-request"],
    ["/api/v1/sources?limit=many", 400, "bad-request"],
    ["/api/v1/sources?level=awful", 400, "bad-request"],
    ["/api/v1/alarms?all=perhaps", 400, "bad-request"],
    ["/api/v1/sources/broken/points?cursor=bm9wZQ", 400, "bad-cursor"],
    ["/api/v1/sources/broken/points?cursor=%00", 400, "bad-cursor"],
  ])("%s", async (path, status, code) => {
    const { error } = errorSchema.parse(await get(path, status));
    expect(error.code).toBe(code);
    expect(error.message).not.toMatch(/ at |node_modules|\.ts/u);
  });
});

test("an error inside is a plain 500 and told to the log, never to the visitor", async () => {
  const broken = await fiveWorld();
  const failure = new Error("SELECT secret FROM table");
  const { app, errors } = world({
    state: {
      ...broken.state,
      repositories: { ...broken.state.repositories, drills: { ...broken.state.repositories.drills, get: () => Promise.reject(failure) } },
    },
    sources: broken.policies,
  });
  const response = await app.request("/api/v1/drills/x");
  expect(response.status).toBe(500);
  expect(await response.text()).not.toMatch(/SELECT|stack|\.ts/u);
  const page = await app.request("/drills/x", { headers: { accept: "text/html" } });
  expect(page.status).toBe(500);
  expect(await page.text()).toContain("Something went wrong");
  expect(errors).toEqual([failure, failure]);
});

describe("the OpenAPI document", () => {
  const documentSchema = z.object({
    openapi: z.literal("3.1.0"),
    paths: z.record(
      z.string(),
      z.record(
        z.string(),
        z.object({
          summary: z.string(),
          responses: z.record(
            z.string(),
            z.object({ content: z.object({ "application/json": z.object({ schema: z.record(z.string(), z.unknown()) }) }) }),
          ),
        }),
      ),
    ),
    components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
  });

  /** A schema of the document as Zod reads it, with the document's components beside it. */
  function readSchema(document: z.infer<typeof documentSchema>, schema: Record<string, unknown>): z.ZodType {
    const text = JSON.stringify({ ...schema, $defs: document.components.schemas }).replaceAll("#/components/schemas/", "#/$defs/");
    return z.fromJSONSchema(JSON.parse(text) as Parameters<typeof z.fromJSONSchema>[0]);
  }

  test("names every path, and what each returns is what it says", async () => {
    const document = documentSchema.parse(await get("/api/v1/openapi.json"));
    expect(Object.keys(document.paths).sort()).toEqual([
      "/api/v1/alarms",
      "/api/v1/catalogue",
      "/api/v1/catalogue/findings",
      "/api/v1/checks",
      "/api/v1/coverage",
      "/api/v1/decisions",
      "/api/v1/drills/{id}",
      "/api/v1/runs",
      "/api/v1/sources",
      "/api/v1/sources/{id}",
      "/api/v1/sources/{id}/baseline",
      "/api/v1/sources/{id}/coverage",
      "/api/v1/sources/{id}/decisions",
      "/api/v1/sources/{id}/drills",
      "/api/v1/sources/{id}/points",
    ]);
    for (const [path, methods] of Object.entries(document.paths)) {
      const schema = methods["get"]?.responses["200"]?.content["application/json"].schema;
      if (schema === undefined) continue;
      const filled = path.replace("/drills/{id}", "/drills/drill-broken-45").replace("{id}", "broken");
      const reader = readSchema(document, schema);
      expect([path, reader.safeParse(await get(filled)).error]).toEqual([path, undefined]);
      expect([path, reader.safeParse({ something: "else" }).success]).toEqual([path, false]);
    }
  });

  test("describes the run report with its token", async () => {
    const document = (await get("/api/v1/openapi.json")) as {
      paths: Record<
        string,
        { post?: { security: unknown; requestBody: { content: { "application/json": { schema: { required: string[] } } } } } }
      >;
    };
    const post = document.paths["/api/v1/runs"]?.post;
    expect(post?.security).toEqual([{ runsToken: [] }]);
    expect(post?.requestBody.content["application/json"].schema.required).toEqual(["finished", "outcome"]);
  });
});
