/** How much of a source was restored or compared lately, and whether its budget keeps what is promised. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Coverage } from "../../core/sampling/coverage.ts";
import type { Effort } from "../../core/sampling/planner.ts";
import type { LayerPlan, LayerStanding } from "../../core/sampling/standing.ts";
import type { HttpDeps } from "../deps.ts";
import { notFound } from "../errors.ts";
import type { coverageSummarySchema, planSchema } from "./coverage-schemas.ts";
import { sourceCoverageSchema } from "./coverage-schemas.ts";
import { errorSchema, idParam } from "./schemas.ts";

const DAY_SECONDS = 86_400;
const json = <T extends z.ZodType>(schema: T, description: string) => ({ description, content: { "application/json": { schema } } });
const coverageRoute = createRoute({
  method: "get",
  path: "/sources/{id}/coverage",
  summary: "Per sampled layer: what was verified in time, what is behind and why, and what the promise costs",
  request: { params: idParam },
  responses: {
    200: json(sourceCoverageSchema, "Its layers; empty where everything is read in every drill"),
    400: json(errorSchema, "The request is not valid"),
    404: json(errorSchema, "There is no such thing here"),
  },
});
const promisesRoute = createRoute({
  method: "get",
  path: "/coverage",
  summary: "Every source that reads samples, those that cannot keep their promise first",
  responses: { 200: json(z.strictObject({ items: z.array(sourceCoverageSchema) }).openapi("Coverages"), "All of them") },
});

export function mountCoverage(api: OpenAPIHono, deps: Pick<HttpDeps, "policies" | "standing" | "clock">): void {
  api.openapi(coverageRoute, async (c) => {
    const { id } = c.req.valid("param");
    const policy = deps.policies().find((one) => one.id === id);
    if (policy === undefined) throw notFound("source");
    return c.json(presentStanding(id, await deps.standing(policy), deps.clock.now()), 200);
  });
  api.openapi(promisesRoute, async (c) => {
    const now = deps.clock.now();
    return c.json({ items: (await allStandings(deps)).map(({ id, standing }) => presentStanding(id, standing, now)) }, 200);
  });
}

export interface SourceStanding {
  readonly id: string;
  readonly standing: readonly LayerStanding[];
}

/** Of sources that read samples; those that cannot keep their promise first, then those that will break it soonest. */
export async function allStandings({ policies, standing }: Pick<HttpDeps, "policies" | "standing">): Promise<readonly SourceStanding[]> {
  const all: SourceStanding[] = [];
  for (const policy of policies()) {
    const own = await standing(policy);
    if (own.length > 0) all.push({ id: policy.id, standing: own });
  }
  return all.toSorted((a, b) => urgency(a) - urgency(b) || (a.id < b.id ? -1 : 1));
}

function urgency({ standing }: SourceStanding): number {
  const known = standing.map(({ plan }) => plan?.promise.breaksInDays ?? Number.POSITIVE_INFINITY);
  return Math.min(...known);
}

export function presentStanding(source: string, standing: readonly LayerStanding[], now: number): z.infer<typeof sourceCoverageSchema> {
  return {
    source,
    asOf: iso(now),
    layers: standing.map((one) => ({
      layer: one.layer,
      promised: one.promised,
      withinSeconds: one.withinMs / 1000,
      coverage:
        one.coverage === null
          ? null
          : {
              ...presentCoverage(one.coverage),
              strata: one.coverage.strata.map((each) => ({
                collection: each.stratum.collection,
                kind: each.stratum.kind,
                ...presentCoverage(each),
              })),
            },
      badRateUpper: one.badRateUpper,
      why: [...one.why],
      plan: one.plan === null ? null : presentPlan(one.plan),
    })),
  };
}

export function coverageSummary(standing: readonly LayerStanding[]): z.infer<typeof coverageSummarySchema>[] {
  return standing.map(({ layer, coverage: own, withinMs, plan }) => ({
    layer,
    ratio: own?.ratio ?? null,
    oldestUnverifiedAt: own?.oldestAt == null ? null : iso(own.oldestAt),
    withinSeconds: withinMs / 1000,
    promiseKept: plan?.promise.keepsCoverage ?? null,
  }));
}

function presentCoverage({ population, covered, ratio, oldestAt, behind }: Coverage) {
  return { population, covered, ratio, oldestUnverifiedAt: oldestAt === null ? null : iso(oldestAt), behind: { ...behind } };
}

function presentPlan({ promise, needed, assumed }: LayerPlan): z.infer<typeof planSchema> {
  const costs = ({ perDrill, perMonth, moneyPerMonth }: Effort) => ({
    perDrill: { ...perDrill },
    perMonth: { ...perMonth },
    moneyPerMonth,
  });
  const seconds = (days: number | null): number | null => (days === null || !Number.isFinite(days) ? null : days * DAY_SECONDS);
  return {
    kept: promise.keepsCoverage,
    cycleSeconds: seconds(promise.cycleDays),
    breaksInSeconds: seconds(promise.breaksInDays),
    limitedBy: promise.limitedBy,
    warnings: [...promise.warnings],
    budget: costs(promise),
    needed: { random: needed.random, lanes: needed.lanes, ...costs(needed) },
    assumed: [...assumed],
  };
}

function iso(at: number): string {
  return new Date(Math.min(Math.max(at, -8.64e15), 8.64e15)).toISOString();
}
