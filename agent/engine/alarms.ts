/** From what was observed to the alarms that begin or end. */
import type { EvidenceEntry } from "../core/evidence.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { Repositories } from "../core/ports.ts";
import { alarmChanges, hardRuleAlarms } from "../core/statistics/rules.ts";
import type { Alarm, Observation, RecoveryPoint, RunReport } from "../core/values.ts";
import { SIGNALS, type Signal } from "../core/words.ts";
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
  fresh: { readonly observations: readonly Observation[]; readonly newest: RecoveryPoint | null; readonly runs: readonly RunReport[] },
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
  const current = hardRuleAlarms({ policy, observations, newest: fresh.newest, runs, now });
  const ruled = alarmChanges(
    active.filter((alarm) => alarm.kind === "rule"),
    current,
    new Set(known.map((alarm) => alarm.id)),
    now,
  ).filter((alarm) => settled || alarm.signal !== "gap" || alarm.ref !== fresh.newest?.id);
  const { alarms: unusual, papers } = await detect(policy, repositories, fresh.observations, merged(known, ruled));
  const entries = [...ruled, ...unusual].map((alarm): EvidenceEntry => ({ type: "alarm.changed", at: now, alarm }));
  return {
    entries,
    async keep() {
      for (const { signal, body } of papers) await repositories.papers.put(policy.id, paperName(signal), body);
    },
  };
}

function merged(known: readonly Alarm[], changed: readonly Alarm[]): readonly Alarm[] {
  return [...new Map([...known, ...changed].map((alarm) => [alarm.id, alarm])).values()];
}
