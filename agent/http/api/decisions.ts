/** Baselines and what people decide: what waits, and the answers of operators. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { createRoute, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { forReview, ANSWERS, type Baseline, BASELINE_STATUSES, DECISION_WAYS, type Decision } from "../../core/decisions.ts";
import { DIFFERENCE_KINDS } from "../../core/baseline.ts";
import type { Auth } from "../auth.ts";
import type { HttpDeps } from "../deps.ts";
import { notFound, Refusal } from "../errors.ts";
import { errorSchema, idParam } from "./schemas.ts";

const time = z.iso.datetime();
const baselineSchema = z
  .strictObject({
    id: z.string(),
    source: z.string(),
    pointId: z.string(),
    status: z.enum(BASELINE_STATUSES),
    proposedAt: time,
    decidedAt: time.nullable(),
    inventory: z.record(z.string(), z.number()),
  })
  .openapi("Baseline");
const baselinesSchema = z
  .strictObject({
    approved: baselineSchema.nullable(),
    proposed: baselineSchema.nullable(),
    differences: z.array(
      z.strictObject({
        kind: z.enum(DIFFERENCE_KINDS),
        weight: z.enum(["loss", "change"]),
        collection: z.string().nullable(),
        what: z.string(),
        count: z.number(),
        note: z.string(),
      }),
    ),
  })
  .openapi("BaselineOfSource");
export const decisionSchema = z
  .strictObject({
    id: z.string(),
    about: z.enum(["baseline", "alarm"]),
    subject: z.string(),
    source: z.string(),
    answer: z.enum(ANSWERS),
    at: time,
    actor: z.string().openapi({ description: "Opaque; the name behind it can be erased" }),
    reason: z.string(),
    via: z.enum(DECISION_WAYS),
  })
  .openapi("Decision");
const orderSchema = z
  .strictObject({
    about: z.enum(["baseline", "alarm"]),
    source: z.string().min(1).max(128),
    subject: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .openapi({ description: "Id of the alarm, or of the baseline; absent: the one that waits" }),
    answer: z.enum(ANSWERS),
    reason: z.string().min(1).max(2000),
  })
  .openapi("DecisionOrder");

const json = <T extends z.ZodType>(schema: T, description: string) => ({ description, content: { "application/json": { schema } } });

const baselineRoute = createRoute({
  method: "get",
  path: "/sources/{id}/baseline",
  summary: "What its backups are compared with, what waits in its place, and how they differ",
  request: { params: idParam },
  responses: { 200: json(baselinesSchema, "Its baselines"), 404: json(errorSchema, "There is no such source") },
});
const decisionsRoute = createRoute({
  method: "get",
  path: "/sources/{id}/decisions",
  summary: "What people decided of it, newest first",
  request: { params: idParam },
  responses: {
    200: json(z.strictObject({ items: z.array(decisionSchema) }).openapi("Decisions"), "Its decisions"),
    404: json(errorSchema, "There is no such source"),
  },
});

export function mountDecisions(app: OpenAPIHono, deps: HttpDeps, auth: Auth): void {
  const { decisions } = deps.repositories;
  const known = (id: string): void => {
    if (!deps.policies().some((policy) => policy.id === id)) throw notFound("source");
  };
  app.openapi(baselineRoute, async (c) => {
    const { id } = c.req.valid("param");
    known(id);
    return c.json(await baselinesOf(deps, id), 200);
  });
  app.openapi(decisionsRoute, async (c) => {
    const { id } = c.req.valid("param");
    known(id);
    return c.json({ items: (await decisions.list({ sourceId: id, limit: 200 })).map(presentDecision) }, 200);
  });
  describeOrder(app);
  const limit = bodyLimit({
    maxSize: 16 * 1024,
    onError: () => {
      throw new Refusal(413, "too-large", "A decision is at most 16 KiB.");
    },
  });
  // Nothing of the body is read before it is known who asks.
  const operatorOnly: MiddlewareHandler = async (c, next) => {
    auth.requireOperator(c);
    await next();
  };
  app.post("/decisions", operatorOnly, limit, async (c) => {
    if (!/^application\/json\b/iu.test(c.req.header("content-type") ?? ""))
      throw new Refusal(415, "not-json", "Send the decision as JSON, with content-type: application/json.");
    const parsed = orderSchema.safeParse(await c.req.json().catch(() => null));
    if (!parsed.success)
      throw new Refusal(
        422,
        "decision-invalid",
        `The decision is not valid: ${parsed.error.issues.map((one) => `${one.path.join(".") || "body"}: ${one.message}`).join("; ")}`,
      );
    const { about, source, subject, answer, reason } = parsed.data;
    const { name } = auth.actor(c);
    const decision = await deps.decide({ about, sourceId: source, subject: subject ?? null, answer, reason, actor: name, via: "api" });
    return c.json(presentDecision(decision), 201);
  });
}

export async function baselinesOf(deps: Pick<HttpDeps, "repositories">, sourceId: string) {
  const { baselines } = deps.repositories;
  const [[approved = null], [proposed = null]] = await Promise.all([
    baselines.list({ sourceId, status: "approved", limit: 1 }),
    baselines.list({ sourceId, status: "proposed", limit: 1 }),
  ]);
  const differences = approved === null || proposed === null ? [] : [...forReview(approved.facts, proposed.facts)];
  return { approved: presentBaseline(approved), proposed: presentBaseline(proposed), differences };
}

function presentBaseline(baseline: Baseline | null): z.infer<typeof baselineSchema> | null {
  if (baseline === null) return null;
  const { id, sourceId, pointId, status, proposedAt, decidedAt, facts } = baseline;
  return {
    id,
    source: sourceId,
    pointId,
    status,
    proposedAt: new Date(proposedAt).toISOString(),
    decidedAt: decidedAt === null ? null : new Date(decidedAt).toISOString(),
    inventory: { ...facts.inventory },
  };
}

function presentDecision({ sourceId, at, ...rest }: Decision): z.infer<typeof decisionSchema> {
  return { ...rest, source: sourceId, at: new Date(at).toISOString() };
}

function describeOrder(app: OpenAPIHono): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "operator", { type: "http", scheme: "bearer" });
  const refusal = (description: string) => json(errorSchema, description);
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/decisions",
    summary: "An operator's answer: a baseline approved or rejected, an alarm expected. The same answer again changes nothing.",
    security: [{ operator: [] }],
    request: { body: { required: true, content: { "application/json": { schema: orderSchema } } } },
    responses: {
      201: json(decisionSchema, "Recorded"),
      401: refusal("No token, or none that is known"),
      403: refusal("Nobody may write, the role is not operator, or a page of another origin asks"),
      413: refusal("More than 16 KiB"),
      415: refusal("Not sent as application/json"),
      422: refusal("A field is wrong, or there is nothing of the kind to decide on"),
      429: refusal("Too many attempts or decisions in a minute"),
    },
  });
}
