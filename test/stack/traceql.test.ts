/** The questions of dashboards/traceql.md, put to the spans of real drills: of the quickstart, and of a live product behind a proxy that spoils answers. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describePath } from "../../agent/core/critical-path.ts";
import { type FaultyProxy, startFaultyProxy } from "../doubles/faulty-proxy.ts";
import { resourceAttributes, spansOf } from "../doubles/otlp-reading.ts";
import { type OtlpReceiver, otlpReceiver } from "../doubles/otlp-receiver.ts";
import { type RunningAgent, startAgentProcess, until } from "../integration/agent/running.ts";
import { textOf } from "../meta/sources.ts";
import { type AirtableShop, startShop } from "../platforms/airtable/shop.ts";
import { askOfShop, configureShop } from "../platforms/airtable/watched.ts";
import { type Condition, holds, matching, parseQuery, type TraceSpan, valueOf } from "./traceql.ts";

interface Question {
  readonly number: number;
  readonly words: string;
  readonly query: string;
}
const QUESTIONS: readonly Question[] = [...textOf("dashboards/traceql.md").matchAll(/^(\d+)\. (.+)\n\n *```traceql\n *(.+)\n *```/gmu)].map(
  ([, number = "", words = "", query = ""]) => ({ number: Number(number), words, query }),
);

let home = "";
let shopHome = "";
let sink: OtlpReceiver;
let shop: AirtableShop;
let proxy: FaultyProxy;
let agents: readonly RunningAgent[] = [];
let spans: readonly TraceSpan[] = [];

beforeAll(async () => {
  [home, shopHome] = [await mkdtemp(join(tmpdir(), "rw-traceql-")), await mkdtemp(join(tmpdir(), "rw-traceql-shop-"))];
  sink = await otlpReceiver();
  shop = await startShop();
  proxy = await startFaultyProxy(shop.server.url);
  await configureShop(shopHome, { ...shop, server: { ...shop.server, url: proxy.url } });
  const path = join(shopHome, "restorewatch.yaml");
  // One record that has to be there and is not: the drill fails.
  await writeFile(path, (await readFile(path, "utf8")).replace("sample: {", 'critical: ["things/gone"], sample: {'));
  await askOfShop(shopHome, "capture");
  // Of what a drill asks of its scratch base one answer is a refusal for the rate, and one is lost.
  let asked = 0;
  proxy.set(({ method, url }) => {
    if (method !== "GET" || !url.includes(shop.scratch.id)) return null;
    asked += 1;
    if (asked === 5) return { kind: "answer", status: 429, headers: { "retry-after": "1" } };
    return asked === 8 ? { kind: "answer", status: 503 } : null;
  });
  const otlp = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.endpoint };
  const start = ["start", "--log", "json"];
  agents = [await startAgentProcess(home, start, [], otlp), await startAgentProcess(shopHome, start, [], otlp)];
  await askOfShop(shopHome, "drill");
  const all = (): readonly TraceSpan[] =>
    sink.bodies("traces").flatMap((body) => spansOf([body]).map((span) => ({ ...span, resource: resourceAttributes(body) })));
  await until(
    () => Promise.resolve(all()),
    (found) => new Set(found.filter(({ name }) => name === "restore.drill").map((one) => one.attributes["backup.source"])).size === 6,
    120_000,
  );
  spans = all();
}, 400_000);
afterAll(async () => {
  for (const agent of agents) await agent.stop("SIGKILL");
  await proxy?.close();
  await shop?.stop();
  await sink?.close();
  for (const each of [home, shopHome]) await rm(each, { recursive: true, force: true });
});

/** Nothing takes long here, and nothing is asked often: how much is asked for is left out, that it is a number stays. */
const relaxed = (condition: Condition): Condition =>
  typeof condition.value === "number" && condition.op === ">" ? { ...condition, value: 0 } : condition;

describe("what a platform engineer asks", () => {
  test("there are eleven questions", () => {
    expect(QUESTIONS.map(({ number }) => number)).toEqual(Array.from({ length: 11 }, (_, index) => index + 1));
  });

  test.each(QUESTIONS)("$words", ({ query: text, number }) => {
    const query = parseQuery(text.replaceAll('"crm"', '"shop"'));
    const relax = (one: readonly Condition[]): readonly Condition[] => one.map(relaxed);
    const found = matching(spans, { ...query, wanted: relax(query.wanted), above: query.above === null ? null : relax(query.above) });
    console.log(`${number}: ${found.length} spans of ${new Set(found.map(({ traceId }) => traceId)).size} traces`);
    expect(found.length).toBeGreaterThan(0);
    for (const attribute of query.groupedBy)
      expect(
        found.filter((span) => valueOf(span, attribute) !== undefined),
        attribute,
      ).not.toEqual([]);
    if (query.moreThan !== null) expect(found.length).toBeGreaterThan(1);
    for (const condition of query.compared) expect(found.some((span) => holds(span, relaxed(condition)))).toBe(true);
  });

  test("a query that names what no span has finds nothing", () => {
    expect(matching(spans, parseQuery('{ name="restore.drill" && span.restore.nothing="x" }'))).toEqual([]);
    expect(() => parseQuery("{ name=restore.drill || kind=client }")).toThrow("not understood");
  });

  test("a drill's critical path names vault, platform and sandbox, sums up, and agrees with its own API", async () => {
    const root = spans.find(({ name, attributes }) => name === "restore.drill" && attributes["backup.source"] === "shop");
    const path = String(root?.attributes["restore.critical_path"]);
    console.log(path);
    const url = agents[1]?.url ?? "";
    const drill = (await (await fetch(`${url}/api/v1/drills/${String(root?.attributes["restore.drill.id"])}`)).json()) as {
      readonly criticalPath: Parameters<typeof describePath>[0];
      readonly startedAt: string;
      readonly finishedAt: string;
    };
    expect(describePath(drill.criticalPath)).toBe(path);
    const whole = drill.criticalPath.reduce((sum, { ms }) => sum + ms, 0);
    expect(Math.abs(whole - (Date.parse(drill.finishedAt) - Date.parse(drill.startedAt)))).toBeLessThan(drill.criticalPath.length + 1);
    expect(path).toContain("load airtable (waiting)");
    expect(drill.criticalPath.some(({ phase, peer }) => phase === "readback" && peer === "airtable")).toBe(true);
  });
});
