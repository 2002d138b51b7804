/** What the API answers, as schemas: the OpenAPI document is made of them, and tests parse every answer with them. */
import { z } from "@hono/zod-openapi";
import { COVERAGES, FINDING_KINDS, SEVERITIES } from "../../core/catalogue.ts";
import { DRILL_STATES, LEVELS, RPO_STATES } from "../../core/status.ts";
import {
  ALARM_KINDS,
  CHECK_STATUSES,
  DRILL_KINDS,
  LAYERS,
  PHASES,
  PLATFORMS,
  RUN_OUTCOMES,
  SIGNALS,
  TIERS,
  VERDICTS,
} from "../../core/words.ts";
import { LIMIT_DEFAULT, LIMIT_MOST } from "../paging.ts";
import { coverageSummarySchema } from "./coverage-schemas.ts";
import { forecastSchema, restoreCostSchema } from "./forecast.ts";
import { productSchema } from "./product.ts";

const time = z.iso.datetime().openapi({ example: "2026-03-01T02:00:00.000Z" });
const count = z.number().int().nonnegative();
const seconds = z.number().nonnegative();

export const errorSchema = z
  .strictObject({
    error: z.strictObject({
      code: z.string().openapi({ description: "Stable, kebab-case", example: "not-found" }),
      message: z.string().openapi({ description: "For people: what is wrong and how to mend it" }),
    }),
  })
  .openapi("Error");

export const rpoSchema = z.strictObject({
  state: z.enum(RPO_STATES).openapi({
    description:
      "ok; late: schedule missed, objective not yet; breached: older than the objective; never: looked and there is no backup; unknown: could not look, or no objective",
  }),
  newestAt: time.nullable(),
  ageSeconds: seconds.nullable(),
  objectiveSeconds: seconds.nullable(),
});

export const statusSchema = z
  .strictObject({
    id: z.string(),
    platform: z.enum(PLATFORMS),
    owner: z.string().nullable().openapi({ description: "Team" }),
    domain: z.string(),
    tier: z.enum(TIERS),
    level: z.enum(LEVELS).openapi({
      description: "failing: a restore would fail or lose more than allowed; attention: a person should look; waiting: not known yet; fine",
    }),
    headline: z.string().openapi({ description: "What matters most, one sentence" }),
    rpo: rpoSchema,
    verdict: z.enum(DRILL_STATES).openapi({
      description: "Of the newest drill of the newest recovery point; pending before it had one; none while there is no point",
    }),
    drillId: z.string().nullable().openapi({ description: "The drill the verdict is from" }),
    layers: z.array(
      z.strictObject({
        layer: z.enum(LAYERS),
        verdict: z.enum([...VERDICTS, "pending"]),
        verifiedAt: time.nullable(),
        stale: z.boolean().openapi({ description: "Verified longer ago than the objective" }),
        promised: z.boolean(),
      }),
    ),
    verifiedAt: time.nullable(),
    stale: z.boolean(),
    activeAlarms: count,
    failingChecks: count,
    failedRuns: count,
    trouble: z
      .strictObject({ code: z.string(), message: z.string(), failures: count, since: time.nullable() })
      .nullable()
      .openapi({ description: "Set while polling the vault fails" }),
    product: productSchema
      .nullable()
      .openapi({ description: "The live product of the source; null where it has none, or it was not asked yet" }),
  })
  .openapi("SourceStatus");

export const summarySchema = z
  .strictObject({
    sources: count,
    levels: z.record(z.enum(LEVELS), count),
    verdicts: z.record(z.enum(DRILL_STATES), count),
    rpo: z.record(z.enum(RPO_STATES), count),
    alarms: count,
    headline: z.string(),
  })
  .openapi("FleetSummary");

export const sourceSchema = z
  .strictObject({
    asOf: time,
    status: statusSchema,
    objectives: z.strictObject({ rpoSeconds: seconds.nullable(), rtoSeconds: seconds.nullable(), verifySeconds: seconds }),
    backups: z.strictObject({
      vault: z.string(),
      path: z.string(),
      pattern: z.string(),
      format: z.string(),
      everySeconds: seconds.nullable(),
      retentionSeconds: seconds.nullable(),
      points: count,
      bytes: count,
    }),
    forecast: forecastSchema.nullable().openapi({ description: "How long a full restore would take; null until enough drills told" }),
    coverage: z.array(coverageSummarySchema).openapi({ description: "Of the layers that look at a sample" }),
    polledAt: time.nullable(),
  })
  .openapi("Source");

export const catalogueEntrySchema = z
  .strictObject({
    id: z.string(),
    platform: z.enum(PLATFORMS),
    owner: z.strictObject({ team: z.string(), contact: z.string().nullable() }).nullable(),
    domain: z.string(),
    tier: z.enum(TIERS),
    classification: z.string().nullable().openapi({ description: "What kind of data it is, in the organisation's own word" }),
    objectives: z.strictObject({ rpoSeconds: seconds.nullable(), rtoSeconds: seconds.nullable() }),
    coverage: z.enum(COVERAGES).openapi({
      description:
        "none: no backup is configured; empty: looked, and there is none; unknown: not looked at yet, or it could not be; covered",
    }),
    backup: z
      .strictObject({ vault: z.string(), path: z.string(), pattern: z.string(), format: z.string(), everySeconds: seconds.nullable() })
      .nullable(),
    newestAt: time.nullable(),
    layers: z.array(z.enum(LAYERS)).openapi({ description: "Promised" }),
    drills: z.array(z.enum(DRILL_KINDS)).openapi({ description: "Kinds of calendar drills that come round to it" }),
    findings: z.array(z.enum(FINDING_KINDS)).openapi({ description: "What is missing, gravest first" }),
  })
  .openapi("CatalogueEntry");

export const findingSchema = z
  .strictObject({
    kind: z.enum(FINDING_KINDS),
    severity: z.enum(SEVERITIES),
    source: z.string().nullable(),
    vault: z.string().nullable(),
    path: z.string().nullable(),
    product: z
      .strictObject({
        platform: z.enum(PLATFORMS),
        scope: z.string(),
        kind: z.string(),
        name: z.string(),
        address: z.string().nullable(),
        seenBy: z.array(z.string()).openapi({ description: "Sources whose tokens see it" }),
      })
      .nullable()
      .openapi({ description: "What no source covers on a live product" }),
    sentence: z.string(),
    mend: z.string(),
  })
  .openapi("CatalogueFinding");

export const catalogueSummarySchema = z
  .strictObject({
    headline: z.string(),
    coverage: z.record(z.enum(COVERAGES), count),
    findings: z.record(z.enum(FINDING_KINDS), count),
    unseen: z
      .array(z.strictObject({ vault: z.string().nullable(), source: z.string().nullable(), problem: z.string() }))
      .openapi({ description: "What could not be looked at: while this is not empty, more may be missing than is found" }),
  })
  .openapi("CatalogueSummary");

export const pointSchema = z
  .strictObject({
    id: z.string(),
    path: z.string(),
    kind: z.enum(["file", "directory"]),
    createdAt: time,
    createdFrom: z.enum(["run-report", "name", "modified"]),
    modifiedAt: time,
    firstSeenAt: time,
    bytes: count,
    immutableUntil: time.nullable(),
    runId: z.string().nullable(),
    verdict: z.enum([...VERDICTS, "pending"]).openapi({ description: "Of its newest drill" }),
    drillId: z.string().nullable(),
  })
  .openapi("RecoveryPoint");

export const drillRowSchema = z
  .strictObject({
    id: z.string(),
    kind: z.enum(DRILL_KINDS),
    source: z.string(),
    pointId: z.string(),
    attempt: count,
    finishedAt: time,
    verdict: z.enum(VERDICTS),
    layers: z.partialRecord(z.enum(LAYERS), z.enum(VERDICTS)),
  })
  .openapi("DrillRow");

export const checkResultSchema = z
  .strictObject({
    id: z.string(),
    layer: z.enum(LAYERS),
    status: z.enum(CHECK_STATUSES),
    observed: z.string(),
    expected: z.string().nullable(),
    count: count,
    examples: z.array(
      z.strictObject({ collection: z.string(), item: z.string(), field: z.string().optional(), note: z.string().optional() }),
    ),
    durationMs: z.number().nonnegative(),
  })
  .openapi("CheckResult");

export const isolationSchema = z
  .strictObject({
    process: z.boolean(),
    permissions: z.boolean(),
    network: z.boolean(),
    memoryLimit: z.boolean(),
    databaseLocked: z.boolean(),
  })
  .openapi("Isolation");

export const drillSchema = z
  .strictObject({
    ...drillRowSchema.shape,
    trigger: z.enum(["plan", "person"]),
    startedAt: time,
    reasons: z.array(z.string()),
    trouble: z.string().nullable(),
    artifact: z.strictObject({
      path: z.string(),
      format: z.string().nullable(),
      formatVersion: z.string().nullable(),
      bytes: count,
      sha256: z.string().nullable(),
      unread: z
        .strictObject({ files: count, bytes: count })
        .optional()
        .openapi({ description: "what was left in the vault (`verify.sample.fetchBytes`); absent where every byte was read" }),
    }),
    inventory: z.record(z.string(), count).nullable(),
    sample: z
      .strictObject({ population: count, checked: count, strategy: z.enum(["all", "random"]), seedCommitment: z.string().nullable() })
      .nullable(),
    checks: z.array(checkResultSchema),
    phases: z.partialRecord(z.enum(PHASES), z.number().nonnegative()).openapi({ description: "Milliseconds" }),
    resources: z.strictObject({ cpuMs: z.number(), peakRssBytes: z.number(), readBytes: z.number(), diskBytes: z.number() }).nullable(),
    isolation: isolationSchema.nullable(),
    restoreCost: restoreCostSchema.optional(),
    criticalPath: z
      .array(z.strictObject({ phase: z.enum(PHASES).nullable(), peer: z.string().nullable(), ms: z.number().nonnegative() }))
      .optional()
      .openapi({ description: "Where its time went, by what it waited for; milliseconds that sum up to the whole" }),
    traceId: z.string().nullable(),
  })
  .openapi("Drill");

export const alarmSchema = z
  .strictObject({
    id: z.string(),
    source: z.string(),
    signal: z.enum(SIGNALS),
    kind: z.enum(ALARM_KINDS),
    rule: z.string(),
    since: time,
    endedAt: time.nullable(),
    observed: z.number(),
    expected: z.number().nullable(),
    lower: z.number().nullable(),
    upper: z.number().nullable(),
    sentence: z.string(),
    context: z.array(z.string()).openapi({ description: "What else moved in the same run, and who is hit; phrases" }),
    grouped: z.boolean().openapi({ description: "Counted with the others of a day on which more began than are told one by one" }),
  })
  .openapi("Alarm");

export const checkSchema = z
  .strictObject({
    id: z.string(),
    layer: z.enum(LAYERS),
    question: z.string(),
    needs: z.enum(["artifact", "content", "sandbox"]),
    aspect: z.string().nullable(),
    pitfalls: z.array(z.string()),
    limits: z.string(),
    failing: z
      .array(z.strictObject({ source: z.string(), drillId: z.string(), observed: z.string() }))
      .openapi({ description: "Where it fails now" }),
  })
  .openapi("Check");

export const runAcceptedSchema = z
  .strictObject({ id: z.string(), source: z.string(), outcome: z.enum(RUN_OUTCOMES), finishedAt: time })
  .openapi("RunAccepted");

export function pageOf<T extends z.ZodType>(item: T, name: string) {
  return z
    .strictObject({
      items: z.array(item),
      nextCursor: z.string().nullable().openapi({ description: "Pass it as `cursor` for the next page; null on the last" }),
    })
    .openapi(name);
}

export const pagingQuery = z.object({
  limit: z.coerce.number().int().min(1).max(LIMIT_MOST).default(LIMIT_DEFAULT).openapi({ description: "How many at most" }),
  cursor: z.string().max(512).optional().openapi({ description: "From `nextCursor` of the page before" }),
});

export const idParam = z.object({ id: z.string().min(1).max(128) });
