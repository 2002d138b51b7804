/** The read-only half of `/api/v1`: every answer is what the pages show, for programs. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { LEVELS } from "../../core/status.ts";
import type { HttpDeps } from "../deps.ts";
import { notFound, Refusal } from "../errors.ts";
import { failingByCheck } from "../failing.ts";
import { byPlace, paginate } from "../paging.ts";
import type { Reader, SourceView } from "../reader.ts";
import { presentAlarm, presentCheck, presentDrill, presentDrillRow, presentPoint, presentSource, presentStatus } from "./present.ts";
import {
  alarmSchema,
  checkSchema,
  drillRowSchema,
  drillSchema,
  errorSchema,
  idParam,
  pageOf,
  pagingQuery,
  pointSchema,
  sourceSchema,
  statusSchema,
  summarySchema,
} from "./schemas.ts";

const json = <T extends z.ZodType>(schema: T, description: string) => ({ description, content: { "application/json": { schema } } });
const refused = { 400: json(errorSchema, "The request is not valid"), 404: json(errorSchema, "There is no such thing here") };

const sourcesRoute = createRoute({
  method: "get",
  path: "/sources",
  summary: "Every source with its status, by id; a summary of all beside it",
  request: { query: pagingQuery.extend({ level: z.enum(LEVELS).optional() }) },
  responses: {
    200: json(pageOf(statusSchema, "SourceStatusPage").extend({ summary: summarySchema }), "One page of sources"),
    400: refused[400],
  },
});
const sourceRoute = createRoute({
  method: "get",
  path: "/sources/{id}",
  summary: "One source: status, objectives, where its backups lie",
  request: { params: idParam },
  responses: { 200: json(sourceSchema, "The source"), ...refused },
});
const pointsRoute = createRoute({
  method: "get",
  path: "/sources/{id}/points",
  summary: "Its recovery points that are in the vault, newest first, with the verdict of each",
  request: { params: idParam, query: pagingQuery },
  responses: { 200: json(pageOf(pointSchema, "RecoveryPointPage"), "One page of recovery points"), ...refused },
});
const drillsRoute = createRoute({
  method: "get",
  path: "/sources/{id}/drills",
  summary: "Its finished drills, newest first",
  request: { params: idParam, query: pagingQuery },
  responses: { 200: json(pageOf(drillRowSchema, "DrillPage"), "One page of drills"), ...refused },
});
const drillRoute = createRoute({
  method: "get",
  path: "/drills/{id}",
  summary: "One drill, whole: verdict, reasons, checks with examples, phases, resources, isolation",
  request: { params: idParam },
  responses: { 200: json(drillSchema, "The drill"), ...refused },
});
const alarmsRoute = createRoute({
  method: "get",
  path: "/alarms",
  summary: "Alarms, newest first: active ones, or with all=true ended ones too",
  request: { query: pagingQuery.extend({ source: z.string().max(128).optional(), all: z.enum(["true", "false"]).default("false") }) },
  responses: { 200: json(pageOf(alarmSchema, "AlarmPage"), "One page of alarms"), 400: refused[400] },
});
const checksRoute = createRoute({
  method: "get",
  path: "/checks",
  summary: "Every check: what it asks, what it cannot see, where it fails now",
  responses: { 200: json(z.strictObject({ items: z.array(checkSchema) }).openapi("Checks"), "All checks") },
});

export function mountApi(app: OpenAPIHono, deps: HttpDeps, reader: Reader): void {
  const { repositories } = deps;

  app.openapi(sourcesRoute, async (c) => {
    const { level, ...page } = c.req.valid("query");
    const fleet = await reader.fleet();
    const chosen = fleet.entries.filter((entry) => level === undefined || entry.status.level === level);
    const byId = byPlace(chosen, sourcePlace);
    const { items, nextCursor } = paginate(byId, sourcePlace, { limit: page.limit, cursor: page.cursor });
    return c.json({ summary: fleet.summary, items: items.map((entry) => presentStatus(entry.status)), nextCursor }, 200);
  });

  app.openapi(sourceRoute, async (c) => {
    const source = await sourceOf(c.req.valid("param").id);
    return c.json(presentSource(source, await deps.standing(source.policy)), 200);
  });

  app.openapi(pointsRoute, async (c) => {
    const { points, ledger } = await sourceOf(c.req.valid("param").id);
    const { limit, cursor } = c.req.valid("query");
    const place = (point: (typeof points)[number]): { at: number; id: string } => ({ at: point.createdAt, id: point.id });
    const page = paginate(byPlace(points, place), place, { limit, cursor });
    const items = page.items.map((point) =>
      presentPoint(
        point,
        ledger.find((row) => row.pointId === point.id),
      ),
    );
    return c.json({ items, nextCursor: page.nextCursor }, 200);
  });

  app.openapi(drillsRoute, async (c) => {
    const { ledger } = await sourceOf(c.req.valid("param").id);
    const { limit, cursor } = c.req.valid("query");
    const place = (row: (typeof ledger)[number]): { at: number; id: string } => ({ at: row.finishedAt, id: row.drillId });
    const page = paginate(byPlace(ledger, place), place, { limit, cursor });
    return c.json({ items: page.items.map(presentDrillRow), nextCursor: page.nextCursor }, 200);
  });

  app.openapi(drillRoute, async (c) => {
    const drill = await repositories.drills.get(c.req.valid("param").id);
    if (drill === null) throw notFound("drill");
    return c.json(presentDrill(drill), 200);
  });

  app.openapi(alarmsRoute, async (c) => {
    const { source, all, limit, cursor } = c.req.valid("query");
    const alarms = await repositories.alarms.list({ ...(source === undefined ? {} : { sourceId: source }), all: all === "true" });
    const place = (alarm: (typeof alarms)[number]): { at: number; id: string } => ({ at: alarm.since, id: alarm.id });
    const page = paginate(byPlace(alarms, place), place, { limit, cursor });
    return c.json({ items: page.items.map(presentAlarm), nextCursor: page.nextCursor }, 200);
  });

  app.openapi(checksRoute, async (c) => {
    const failing = failingByCheck(await reader.fleet());
    return c.json({ items: deps.checks.map((check) => presentCheck(check, failing.get(check.id) ?? [])) }, 200);
  });

  async function sourceOf(id: string): Promise<SourceView> {
    const source = await reader.source(id);
    if (source === null) throw notFound("source");
    return source;
  }
}

function sourcePlace(entry: { readonly policy: { readonly id: string } }): { at: number; id: string } {
  return { at: 0, id: entry.policy.id };
}

/** Names every query or path parameter that is wrong. */
export function refuseInvalid(result: { readonly success: true } | { readonly success: false; readonly error: z.ZodError }): void {
  if (result.success) return;
  const problems = result.error.issues.map((issue) => `${issue.path.join(".") || "request"}: ${issue.message}`).join("; ");
  throw new Refusal(400, "bad-request", `The request is not valid: ${problems}.`);
}
