/** From the values of state to what the API answers: times as ISO 8601, durations in seconds. Pure. */
import type { z } from "@hono/zod-openapi";
import type { Check, LedgerRow } from "../../core/ports.ts";
import type { LayerStanding } from "../../core/sampling/standing.ts";
import type { SourceStatus } from "../../core/status.ts";
import type { Alarm, DrillRecord, RecoveryPoint } from "../../core/values.ts";
import type { FailingSource } from "../failing.ts";
import type { SourceView } from "../reader.ts";
import { coverageSummary } from "./coverage.ts";
import { presentForecast } from "./forecast.ts";
import { presentProduct } from "./product.ts";
import type { alarmSchema, checkSchema, drillRowSchema, drillSchema, pointSchema, sourceSchema, statusSchema } from "./schemas.ts";

function iso(at: number): string {
  return new Date(Math.min(Math.max(at, -8.64e15), 8.64e15)).toISOString();
}

function isoOrNull(at: number | null): string | null {
  return at === null ? null : iso(at);
}

function secondsOrNull(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}

export function presentStatus(status: SourceStatus): z.infer<typeof statusSchema> {
  const { rpo, trouble } = status;
  return {
    id: status.sourceId,
    platform: status.platform,
    owner: status.owner,
    domain: status.domain,
    tier: status.tier,
    level: status.level,
    headline: status.headline,
    rpo: {
      state: rpo.state,
      newestAt: isoOrNull(rpo.newestAt),
      ageSeconds: secondsOrNull(rpo.ageMs),
      objectiveSeconds: secondsOrNull(rpo.objectiveMs),
    },
    verdict: status.verdict,
    drillId: status.drill?.id ?? null,
    layers: status.layers.map((layer) => ({ ...layer, verifiedAt: isoOrNull(layer.verifiedAt) })),
    verifiedAt: isoOrNull(status.verifiedAt),
    stale: status.stale,
    activeAlarms: status.counts.alarms,
    failingChecks: status.counts.failingChecks,
    failedRuns: status.failedRuns,
    trouble: trouble === null ? null : { ...trouble, since: isoOrNull(trouble.since) },
    product: status.product === null ? null : presentProduct(status.product),
  };
}

export function presentSource(
  { at, policy, status, poll, forecast }: SourceView,
  standing: readonly LayerStanding[],
): z.infer<typeof sourceSchema> {
  const { objectives, backups } = policy;
  return {
    asOf: iso(at),
    status: presentStatus(status),
    objectives: {
      rpoSeconds: secondsOrNull(objectives.rpoMs),
      rtoSeconds: secondsOrNull(objectives.rtoMs),
      verifySeconds: objectives.verifyMs / 1000,
    },
    backups: {
      vault: backups.vaultId,
      path: backups.path,
      pattern: backups.pattern,
      format: backups.format,
      everySeconds: secondsOrNull(backups.everyMs),
      retentionSeconds: secondsOrNull(backups.retentionMs),
      points: status.counts.points,
      bytes: status.counts.bytes,
    },
    forecast: forecast === null ? null : presentForecast(forecast, policy.objectives),
    coverage: coverageSummary(standing),
    polledAt: isoOrNull(poll?.lastPollAt ?? null),
  };
}

export function presentPoint(point: RecoveryPoint, drill: LedgerRow | undefined): z.infer<typeof pointSchema> {
  return {
    id: point.id,
    path: point.path,
    kind: point.kind,
    createdAt: iso(point.createdAt),
    createdFrom: point.createdFrom,
    modifiedAt: iso(point.modifiedAt),
    firstSeenAt: iso(point.firstSeenAt),
    bytes: point.bytes,
    immutableUntil: isoOrNull(point.immutableUntil),
    runId: point.runId,
    verdict: drill?.verdict ?? "pending",
    drillId: drill?.drillId ?? null,
  };
}

export function presentDrillRow(row: LedgerRow): z.infer<typeof drillRowSchema> {
  const { drillId, kind, sourceId, pointId, attempt, finishedAt, verdict, layers } = row;
  return { id: drillId, kind, source: sourceId, pointId, attempt, finishedAt: iso(finishedAt), verdict, layers };
}

export function presentDrill(drill: DrillRecord): z.infer<typeof drillSchema> {
  const { sourceId, facts, startedAt, finishedAt, reasons, checks, restoreCost, criticalPath, ...rest } = drill;
  return {
    ...rest,
    source: sourceId,
    startedAt: iso(startedAt),
    finishedAt: iso(finishedAt),
    reasons: [...reasons],
    checks: checks.map((check) => ({ ...check, examples: [...check.examples] })),
    inventory: facts === null ? null : { ...facts.inventory },
    ...(restoreCost === undefined ? {} : { restoreCost: { ...restoreCost, steps: [...restoreCost.steps] } }),
    ...(criticalPath === undefined ? {} : { criticalPath: [...criticalPath] }),
  };
}

export function presentAlarm(alarm: Alarm): z.infer<typeof alarmSchema> {
  const { id, sourceId, signal, kind, rule, since, endedAt, observed, expected, lower, upper, sentence, context, grouped } = alarm;
  return {
    id,
    source: sourceId,
    signal,
    kind,
    rule,
    since: iso(since),
    endedAt: isoOrNull(endedAt),
    observed,
    expected,
    lower,
    upper,
    sentence,
    context: [...(context ?? [])],
    grouped: grouped === true,
  };
}

export function presentCheck(check: Check, failing: readonly FailingSource[]): z.infer<typeof checkSchema> {
  const { id, layer, question, needs, aspect, pitfalls, limits } = check;
  return {
    id,
    layer,
    question,
    needs,
    aspect,
    pitfalls: [...pitfalls],
    limits,
    failing: failing.map(({ sourceId, drillId, result }) => ({ source: sourceId, drillId, observed: result.observed })),
  };
}
