/** What the API answers on coverage and promises, as schemas. */
import { z } from "@hono/zod-openapi";
import { UNREAD_REASONS } from "../../core/sampling/census.ts";
import { SAMPLED_LAYERS } from "../../core/sampling/plan-facts.ts";

const time = z.iso.datetime();
const count = z.number().int().nonnegative();
const amount = z.number().nonnegative();
const BEHIND = [...UNREAD_REASONS, "late"] as const;

const coverage = {
  population: count.openapi({ description: "Items of the last recovery point the layer read of" }),
  covered: count.openapi({ description: "Of these, verified within the promised time" }),
  ratio: z.number().min(0).max(1).nullable().openapi({ description: "null: there are none, or they cannot be told apart over time" }),
  oldestUnverifiedAt: time
    .nullable()
    .openapi({ description: "When the item was last verified that waits longest; one that never was counts from when it was there" }),
  behind: z.partialRecord(z.enum(BEHIND), count).openapi({
    description:
      "Items by why they do not count: never read yet, new since, unreadable, untimed (nobody knows when they were made), doubted, late (read longer ago)",
  }),
};
const costSchema = z.strictObject({ items: amount, bytes: amount, calls: amount, seconds: amount });
const effort = { perDrill: costSchema, perMonth: costSchema, moneyPerMonth: amount };

export const planSchema = z
  .strictObject({
    kept: z.boolean().openapi({ description: "Whether the budget reads every item within the promised time" }),
    cycleSeconds: amount.nullable().openapi({ description: "Time in which every item is read once; null: never" }),
    breaksInSeconds: amount.nullable().openapi({ description: "At today's growth; 0: it is broken now, null: not at this growth" }),
    limitedBy: z.enum(["items", "bytes", "calls", "seconds"]).nullable(),
    warnings: z.array(z.string()),
    budget: z.strictObject({ ...effort }).openapi({ description: "What drills cost within the budget" }),
    needed: z
      .strictObject({ random: amount, lanes: amount, ...effort })
      .openapi({ description: "What every drill would have to read so that the promise holds" }),
    assumed: z.array(z.string()).openapi({ description: "What nobody measured or configured" }),
  })
  .openapi("CoveragePlan");

export const layerCoverageSchema = z
  .strictObject({
    layer: z.enum(SAMPLED_LAYERS),
    promised: z.boolean(),
    withinSeconds: amount.openapi({ description: "Every item is to be verified at least this often" }),
    coverage: z
      .strictObject({ ...coverage, strata: z.array(z.strictObject({ collection: z.string(), kind: z.string(), ...coverage })) })
      .nullable()
      .openapi({ description: "null: the layer never read anything, so there is no number; strata furthest behind first" }),
    badRateUpper: z.number().nullable().openapi({ description: "With 95 % confidence fewer are bad; a single bad one may still be there" }),
    why: z.array(z.string()).openapi({ description: "Why items are behind, worst first" }),
    plan: planSchema.nullable().openapi({ description: "null: not known yet how many items there are, or there is no connection" }),
  })
  .openapi("LayerCoverage");

export const sourceCoverageSchema = z
  .strictObject({ source: z.string(), asOf: time, layers: z.array(layerCoverageSchema) })
  .openapi("SourceCoverage");

/** Beside the status of a source: no more than what decides whether to look at the whole. */
export const coverageSummarySchema = z
  .strictObject({
    layer: z.enum(SAMPLED_LAYERS),
    ratio: coverage.ratio,
    oldestUnverifiedAt: coverage.oldestUnverifiedAt,
    withinSeconds: amount,
    promiseKept: z.boolean().nullable().openapi({ description: "null: not known" }),
  })
  .openapi("CoverageSummary");
