/** From what was observed to the alarms that begin or end. */
import type { EvidenceEntry } from "../core/evidence.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { Repositories } from "../core/ports.ts";
import { alarmChanges, hardRuleAlarms } from "../core/statistics/rules.ts";
import type { Observation, RecoveryPoint, RunReport } from "../core/values.ts";
import { SIGNALS, type Signal } from "../core/words.ts";

/** How many observations of a signal the rules look back on. */
export const RULE_WINDOW = 500;

/**
 * @param settled whether the clock is believed: what only the time decides neither begins nor ends while it is not
 * @param fresh what is about to be recorded together with the alarms, and so is not in state yet; `runs` newest first
 */
export async function alarmEntries(
  policy: SourcePolicy,
  repositories: Repositories,
  fresh: { readonly observations: readonly Observation[]; readonly newest: RecoveryPoint | null; readonly runs: readonly RunReport[] },
  now: number,
  settled: boolean,
): Promise<EvidenceEntry[]> {
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
  return alarmChanges(active, current, new Set(known.map((alarm) => alarm.id)), now)
    .filter((alarm) => settled || alarm.signal !== "gap" || alarm.ref !== fresh.newest?.id)
    .map((alarm) => ({ type: "alarm.changed", at: now, alarm }));
}
