/** From what was observed to the alarms that begin or end. */
import type { EvidenceEntry } from "../core/evidence.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { Repositories } from "../core/ports.ts";
import { contextOf } from "../core/alarm-context.ts";
import { alarmChanges, hardRuleAlarms } from "../core/statistics/rules.ts";
import type { Alarm, DrillRecord, Observation, RecoveryPoint, RunReport } from "../core/values.ts";
import { SIGNALS, type Signal } from "../core/words.ts";
import { causeFinder, withContext } from "./causes.ts";
import { detect, paperName } from "./detections.ts";

/** How many observations of a signal the rules look back on. */
export const RULE_WINDOW = 500;

/**
 * @returns what to record, and what to keep once it is recorded
 * @param settled whether the clock is believed: what only the time decides neither begins nor ends while it is not
 * @param fresh what is about to be recorded together with the alarms, and so is not in state yet; `runs` newest first
 */
export async function alarmEntries(
  policy: SourcePolicy,
  repositories: Repositories,
  fresh: {
    readonly observations: readonly Observation[];
    /** In the vault, newest first, also those that are not in state yet. */
    readonly points: readonly RecoveryPoint[];
    readonly runs: readonly RunReport[];
    /** Whether the vault was just looked at. */
    readonly polled?: boolean;
    /** That just ended: it may tell what else moved. */
    readonly drill?: DrillRecord;
  },
  now: number,
  settled: boolean,
): Promise<{ readonly entries: readonly EvidenceEntry[]; readonly keep: () => Promise<void> }> {
  const observations: Partial<Record<Signal, readonly Observation[]>> = {};
  for (const signal of SIGNALS) {
    const stored = await repositories.observations.list(policy.id, signal, { limit: RULE_WINDOW });
    const added = fresh.observations.filter((observation) => observation.signal === signal);
    observations[signal] = [...stored, ...added].sort((a, b) => a.at - b.at).slice(-RULE_WINDOW);
  }
  const runs = [...fresh.runs].sort((a, b) => b.finishedAt - a.finishedAt);
  const known = await repositories.alarms.list({ sourceId: policy.id, all: true, limit: 1000 });
  const active = known.filter((alarm) => alarm.endedAt === null);
  const { points } = fresh;
  const newest = points[0] ?? null;
  const counted = await countedRecords(runs, points, fresh.drill, repositories);
  const polledAt = fresh.polled === true ? now : ((await repositories.sources.poll(policy.id))?.lastOkAt ?? null);
  const current = hardRuleAlarms({
    policy,
    observations,
    newest,
    runs,
    seen: polledAt === null ? null : { points, at: polledAt },
    counted,
    now,
  });
  const ruled = alarmChanges(
    active.filter((alarm) => alarm.kind === "rule"),
    current,
    new Set(known.map((alarm) => alarm.id)),
    now,
  ).filter((alarm) => settled || alarm.signal !== "gap" || alarm.ref !== newest?.id);
  const { alarms: unusual, papers } = await detect(policy, repositories, fresh.observations, merged(known, ruled));
  const changed = merged(ruled, unusual);
  const told = merged(changed, await explained(policy, merged(known, changed), fresh.drill, repositories));
  const entries = told.map((alarm): EvidenceEntry => ({ type: "alarm.changed", at: now, alarm }));
  return {
    entries,
    async keep() {
      for (const { signal, body } of papers) await repositories.papers.put(policy.id, paperName(signal), body);
    },
  };
}

/** How many earlier drills say what is usual. */
const DRILLS_BEFORE = 6;

/** Alarms that are active because of the run that was just drilled, with what the drill tells of it. */
async function explained(
  policy: SourcePolicy,
  known: readonly Alarm[],
  drill: DrillRecord | undefined,
  repositories: Repositories,
): Promise<readonly Alarm[]> {
  const active = known.filter((alarm) => alarm.endedAt === null && alarm.signal !== "gap" && alarm.signal !== "outcome");
  if (drill === undefined || active.length === 0) return [];
  const runOf = await causeFinder(policy, repositories);
  const about: Alarm[] = [];
  // The drill itself is not in state yet.
  for (const alarm of active) if (alarm.ref === drill.id || (await runOf(alarm.ref)) === drill.pointId) about.push(alarm);
  if (about.length === 0) return [];
  const drills = await repositories.drills.list({ sourceId: policy.id, limit: 4 * DRILLS_BEFORE });
  const before = drills
    .filter((other) => other.pointId !== drill.pointId && other.layers.content === "verified" && other.kind === drill.kind)
    .slice(0, DRILLS_BEFORE);
  const phrases = contextOf(drill, before);
  return about.map((alarm) => withContext(alarm, phrases)).filter((alarm, at) => alarm !== about[at]);
}

/** Records that were counted in the newest points whose run reported a number, by point. */
async function countedRecords(
  runs: readonly RunReport[],
  points: readonly RecoveryPoint[],
  drill: DrillRecord | undefined,
  repositories: Repositories,
): Promise<ReadonlyMap<string, number>> {
  const counted = new Map<string, number>();
  const [newest] = runs.filter((run) => run.outcome === "success" && run.items?.records !== undefined);
  const point = points.find((one) => one.runId !== null && one.runId === newest?.id);
  if (point === undefined) return counted;
  const own = drill?.pointId === point.id ? [drill] : await repositories.drills.list({ pointId: point.id, limit: 5 });
  const records = own.find((one) => one.layers.content === "verified")?.facts?.inventory.records;
  if (records !== undefined) counted.set(point.id, records);
  return counted;
}

function merged(known: readonly Alarm[], changed: readonly Alarm[]): readonly Alarm[] {
  return [...new Map([...known, ...changed].map((alarm) => [alarm.id, alarm])).values()];
}
