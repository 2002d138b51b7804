/** The one sentence a source is introduced with: what matters most, in plain words. Pure. */
import type { SourcePolicy } from "./policy.ts";
import type { StatusDrill, StatusFacts } from "./status.ts";
import type { RecoveryPoint } from "./values.ts";
import { describeAge, describeCount, describeDuration, describeMoment } from "./words-for-people.ts";

/** In the order of the ranks of status.ts, so that the sentence says what the place in the list is for. */
export function headlineOf(facts: StatusFacts, policy: SourcePolicy, points: readonly RecoveryPoint[], now: number): string {
  const { rpo, drill, previous } = facts;
  if (facts.verdict === "failed" && drill !== null) return `${failure(drill, points, now)}${alsoOld(facts)}`;
  if (rpo.state === "breached" && rpo.ageMs !== null && rpo.objectiveMs !== null)
    return `No new backup for ${describeAge(rpo.ageMs)}; objective ${describeDuration(rpo.objectiveMs)}${afterwards(facts)}`;
  if (rpo.state === "never") return `No backup found in vault ${policy.backups.vaultId} under ${place(policy)}`;
  if (facts.verdict === "pending" && previous?.verdict === "failed")
    return `The newest backup is not verified yet; before it: ${failure(previous, points, now)}`;
  if (facts.trouble !== null) return pollFailing(facts, now);
  const [alarm] = facts.alarms;
  if (alarm !== undefined)
    return `${withoutStop(alarm.sentence)}${facts.alarms.length === 1 ? "" : ` (and ${describeCount(facts.alarms.length - 1, "more alarm")})`}`;
  if (facts.verdict === "inconclusive" && drill !== null)
    return `Could not tell whether the newest backup restores: ${withoutStop(drill.reasons?.[0] ?? "the drill did not finish")}`;
  if (facts.failedRuns > 0)
    return facts.failedRuns === 1 ? "The last backup run reported failure" : `The last ${facts.failedRuns} backup runs reported failure`;
  const [problem] = facts.product?.problems ?? [];
  if (problem !== undefined) return problem.sentence;
  if (facts.stale) return staleness(facts, policy, now);
  if (rpo.state === "late" && rpo.ageMs !== null)
    return `The next backup is late: the newest is ${describeAge(rpo.ageMs)} old${policy.backups.everyMs === null ? "" : `, one is expected every ${describeDuration(policy.backups.everyMs)}`}`;
  if (facts.verdict === "none") return "Not looked at yet: the first poll has not finished";
  if (facts.verdict === "pending") return "The newest backup is not verified yet; its drill is due";
  if (rpo.state === "unknown" && rpo.ageMs !== null && rpo.objectiveMs !== null)
    return `The newest backup known is ${describeAge(rpo.ageMs)} old, and the vault has not been looked at since it was due`;
  return fine(facts, policy, now);
}

function failure(drill: StatusDrill, points: readonly RecoveryPoint[], now: number): string {
  const failing = (drill.checks ?? []).filter((check) => check.status === "fail");
  const [check] = failing;
  const point = points.find((candidate) => candidate.id === drill.pointId);
  const where = point === undefined ? "" : ` on the backup of ${describeMoment(point.createdAt, now)}`;
  const more = failing.length > 1 ? ` (and ${describeCount(failing.length - 1, "more check")})` : "";
  if (check !== undefined) return `${withoutStop(check.observed)}: ${check.id} failed${where}${more}`;
  const [reason] = drill.reasons ?? [];
  return reason === undefined ? `Verification failed${where}` : `${withoutStop(reason)}${where}`;
}

function alsoOld({ rpo }: StatusFacts): string {
  return rpo.state === "breached" && rpo.ageMs !== null ? `; and no new backup for ${describeAge(rpo.ageMs)}` : "";
}

function afterwards(facts: StatusFacts): string {
  return facts.verdict === "verified" ? " (the last one verified)" : "";
}

function place(policy: SourcePolicy): string {
  return [policy.backups.path, policy.backups.pattern].filter((part) => part !== "").join("/");
}

function pollFailing({ trouble, rpo }: StatusFacts, now: number): string {
  if (trouble === null) return "";
  const since = trouble.since === null ? "" : ` for ${describeAge(now - trouble.since)}`;
  const newest = rpo.ageMs === null ? "" : `; newest backup known is ${describeAge(rpo.ageMs)} old`;
  return `Could not look at the vault${since}: ${withoutStop(trouble.message)}${newest}`;
}

function staleness(facts: StatusFacts, policy: SourcePolicy, now: number): string {
  const [layer] = facts.layers.filter((one) => one.promised && one.stale);
  const objective = `objective every ${describeDuration(policy.objectives.verifyMs)}`;
  if (layer === undefined || layer.verifiedAt === null) return `${layer?.layer ?? "One layer"} was never verified; ${objective}`;
  return `${layer.layer} was last verified ${describeAge(now - layer.verifiedAt)} ago; ${objective}`;
}

function fine(facts: StatusFacts, policy: SourcePolicy, now: number): string {
  const verified = facts.drill === null ? "" : `verified ${describeAge(now - facts.drill.finishedAt)} ago, `;
  const newest = facts.rpo.ageMs === null ? "no backup" : `newest backup ${describeAge(facts.rpo.ageMs)} old`;
  if (policy.objectives.rpoMs === null && policy.backups.everyMs === null)
    return `Restores: ${verified}${newest}; no objective says how old it may be`;
  return `All good: ${verified}${newest}`;
}

function withoutStop(sentence: string): string {
  return sentence.replace(/[.\s]+$/u, "");
}
