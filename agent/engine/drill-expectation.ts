/** What a drill is measured by, from state and policy. */
import type { SourcePolicy } from "../core/policy.ts";
import type { Expectation, LedgerRow, OpenArtifact, Repositories } from "../core/ports.ts";
import type { DrillRecord, RecoveryPoint } from "../core/values.ts";
import { baselineExpectation } from "./baselines.ts";
import type { DrillerDeps } from "./driller.ts";
import { readErasure } from "./erasure.ts";
import { relationsExpectation } from "./relations.ts";

/** What the child compares with: the run that wrote the point, the point before it, the objectives. */
export async function expectationOf(
  policy: SourcePolicy,
  point: RecoveryPoint,
  opened: OpenArtifact,
  deps: DrillerDeps,
): Promise<Expectation> {
  const { repositories, clock } = deps;
  const run = point.runId === null ? null : await repositories.runs.get(point.runId);
  const alive = await repositories.points.list(policy.id);
  const now = clock.now();
  const previous = await previousVerified(policy, point, await repositories.drills.ledger(policy.id), alive, repositories);
  return {
    now,
    sourceId: policy.id,
    point,
    run,
    checksum: opened.entry.checksum,
    previous: previous?.facts ?? null,
    previousAt: previous?.at ?? null,
    points: {
      count: alive.length,
      oldestAt: alive.at(-1)?.createdAt ?? null,
      newestAt: alive[0]?.createdAt ?? null,
      ...overdue(alive, policy.data.retentionMs, now),
    },
    objectives: {
      rpoMs: policy.objectives.rpoMs,
      rtoMs: policy.objectives.rtoMs,
      retentionMs: policy.backups.retentionMs,
      minPoints: policy.backups.minPoints,
      immutableMs: policy.backups.immutableMs,
      dataRetentionMs: policy.data.retentionMs,
    },
    critical: policy.verify.critical,
    ...(opened.entry.lockUnknown === true ? { lockUnknown: true as const } : {}),
    ...(await readErasure(policy, deps.readText)),
    ...(await relationsExpectation(policy, point.id, run?.startedAt ?? point.createdAt, repositories, deps.digestKey)),
    ...(await baselineExpectation(policy, repositories)),
  };
}

/** @returns how many points are older than their data may be kept; what removes them may run once a day, so a day more is none yet */
function overdue(
  alive: readonly RecoveryPoint[],
  retentionMs: number | null,
  now: number,
): { readonly overdue: number; readonly overdueProtected: number } {
  const late = retentionMs === null ? [] : alive.filter((point) => now - point.createdAt > retentionMs + 86_400_000);
  return { overdue: late.length, overdueProtected: late.filter((point) => (point.immutableUntil ?? 0) > now).length };
}

/** The newest point older than this one whose content was verified: a point that failed is no measure for the next. */
async function previousVerified(
  policy: SourcePolicy,
  point: RecoveryPoint,
  ledger: readonly LedgerRow[],
  alive: readonly RecoveryPoint[],
  repositories: Repositories,
): Promise<{ readonly facts: DrillRecord["facts"]; readonly at: number } | null> {
  const created = new Map(alive.map((other) => [other.id, other.createdAt]));
  const rows = ledger.filter((row) => row.layers.content === "verified" && row.pointId !== point.id);
  let best: { readonly row: LedgerRow; readonly at: number } | null = null;
  for (const row of rows) {
    const at = created.get(row.pointId) ?? (await repositories.points.get(row.pointId))?.createdAt;
    if (at === undefined || at >= point.createdAt) continue;
    if (best === null || at >= best.at) best = { row, at };
  }
  if (best === null) return null;
  const drill = await repositories.drills.get(best.row.drillId);
  return drill?.facts === undefined || drill.facts === null ? null : { facts: drill.facts, at: best.at };
}
