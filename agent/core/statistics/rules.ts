/**
 * Hard rules: what is surely wrong from the first runs on, without any learning (anomaly.md, step 1).
 * Pure; the same observations give the same alarms.
 */
import { quantile } from "simple-statistics";
import { idOf } from "../ids.ts";
import type { SourcePolicy } from "../policy.ts";
import type { Alarm, Observation, RecoveryPoint, RunReport } from "../values.ts";
import { describeBytes, describeDuration, describeNumber, describeTime } from "../words-for-people.ts";
import type { Signal } from "../words.ts";

/** Below this share of the median of the last three, or above this multiple of it. */
export const VOLUME_LOW = 0.5;
export const VOLUME_HIGH = 5;
const BEFORE = 3;
/** Two runs make no median of three, but a collapse at the third run must be seen. */
const LEAST_BEFORE = 2;
const RUNS_TO_END = 3;
const RUNS_AT_MOST = 14;

export interface RuleInput {
  readonly policy: SourcePolicy;
  /** Oldest first, by signal. */
  readonly observations: Readonly<Partial<Record<Signal, readonly Observation[]>>>;
  readonly newest: RecoveryPoint | null;
  /** Newest finished first. */
  readonly runs: readonly RunReport[];
  /** In the vault, when it was last looked at. Absent: nobody looked, and what the job says cannot be held against it. */
  readonly seen?: { readonly points: readonly RecoveryPoint[]; readonly at: number } | null;
  /** Records a drill counted in a verified point, by point. */
  readonly counted?: ReadonlyMap<string, number>;
  readonly now: number;
}

/** Every alarm of the hard rules, ended or active, over the observations given. Ids are stable from call to call. */
export function hardRuleAlarms(input: RuleInput): Alarm[] {
  return [
    ...volumeAlarms(input.policy.id, "bytes", input.observations.bytes ?? []),
    ...volumeAlarms(input.policy.id, "records", input.observations.records ?? []),
    ...gapAlarms(input),
    ...failureAlarms(input),
    ...disagreementAlarms(input),
  ];
}

/** Collapse, explosion and emptiness of a volume signal, judged run by run against the median of the three runs before. */
export function volumeAlarms(sourceId: string, signal: "bytes" | "records", observations: readonly Observation[]): Alarm[] {
  const alarms: Alarm[] = [];
  let active: { readonly alarm: Alarm; inside: number; outside: number } | null = null;
  const baseline: number[] = [];
  for (const [index, observation] of observations.entries()) {
    if (active !== null) {
      const { lower, upper } = active.alarm;
      const inside =
        observation.value > 0 && (lower === null || observation.value >= lower) && (upper === null || observation.value <= upper);
      active.inside = inside ? active.inside + 1 : 0;
      active.outside = inside ? active.outside : active.outside + 1;
      if (inside) baseline.push(observation.value);
      const accepted = active.outside >= RUNS_AT_MOST;
      if (active.inside >= RUNS_TO_END || accepted) {
        alarms.push({ ...active.alarm, endedAt: observation.at });
        active = null;
        if (accepted) {
          baseline.length = 0;
          baseline.push(observation.value);
        }
      }
      continue;
    }
    const before = baseline.slice(-BEFORE);
    const expected = before.length >= LEAST_BEFORE ? quantile(before, 0.5) : null;
    const rule = broken(observation.value, expected);
    if (rule === null) {
      baseline.push(observation.value);
      continue;
    }
    active = { alarm: volumeAlarm(sourceId, signal, rule, observation, expected, index), inside: 0, outside: 1 };
  }
  return active === null ? alarms : [...alarms, active.alarm];
}

function broken(value: number, expected: number | null): "volume.empty" | "volume.collapse" | "volume.explosion" | null {
  if (value === 0) return "volume.empty";
  if (expected === null || expected === 0) return null;
  if (value < VOLUME_LOW * expected) return "volume.collapse";
  return value > VOLUME_HIGH * expected ? "volume.explosion" : null;
}

function volumeAlarm(
  sourceId: string,
  signal: "bytes" | "records",
  rule: string,
  observation: Observation,
  expected: number | null,
  runs: number,
): Alarm {
  const show = signal === "bytes" ? describeBytes : (value: number): string => `${describeNumber(value)} records`;
  const what = signal === "bytes" ? "The backup" : "The backup's content";
  const compared =
    expected === null || expected === 0
      ? ""
      : `, expected about ${show(expected)} (median of the runs before): ${ratio(observation.value, expected)}`;
  const look =
    rule === "volume.explosion"
      ? "look for duplicated or unexpected data"
      : "look at which collections shrank and at the backup job's own log";
  return {
    id: idOf("alarm", sourceId, signal, "rule", rule, observation.at),
    sourceId,
    signal,
    kind: "rule",
    rule,
    since: observation.at,
    endedAt: null,
    observed: observation.value,
    expected,
    lower: expected === null ? null : VOLUME_LOW * expected,
    upper: expected === null ? null : VOLUME_HIGH * expected,
    sentence: `${what} is ${show(observation.value)}${compared}, since ${describeTime(observation.at)}; ${look}.`,
    runs,
    ref: observation.ref,
  };
}

function ratio(value: number, expected: number): string {
  if (value === 0) return "nothing is left";
  return value < expected ? `${describeNumber(expected / value)} times less` : `${describeNumber(value / expected)} times more`;
}

/** Seconds after the newest point at which the next one is late: schedule + max(jitter, 25 %, the 99th percentile of its own lateness). */
export function gapAllowance(policy: SourcePolicy, gaps: readonly Observation[]): number | null {
  if (policy.backups.everyMs === null) return null;
  const every = policy.backups.everyMs / 1000;
  const late = gaps.map((gap) => Math.max(0, gap.value - every)).filter((seconds) => seconds < every);
  const own = late.length >= 20 ? quantile(late, 0.99) : 0;
  return every + Math.max(policy.backups.jitterMs / 1000, every / 4, own);
}

function gapAlarms({ policy, observations, newest, now }: RuleInput): Alarm[] {
  const gaps = observations.gap ?? [];
  const allowed = gapAllowance(policy, gaps);
  if (allowed === null || newest === null) return [];
  const since = newest.createdAt + allowed * 1000;
  if (now <= since) return [];
  const seconds = (now - newest.createdAt) / 1000;
  const every = (policy.backups.everyMs ?? 0) / 1000;
  return [
    {
      id: idOf("alarm", policy.id, "gap", "rule", "gap.late", newest.id),
      sourceId: policy.id,
      signal: "gap",
      kind: "rule",
      rule: "gap.late",
      since,
      endedAt: null,
      observed: seconds,
      expected: every,
      lower: null,
      upper: allowed,
      sentence: `No new backup since ${describeTime(newest.createdAt)}; one is expected every ${describeDuration(every * 1000)} and late after ${describeDuration(allowed * 1000)}; look at the backup job's schedule and log.`,
      runs: gaps.length,
      ref: newest.id,
    },
  ];
}

function failureAlarms({ policy, runs }: RuleInput): Alarm[] {
  const concluded = runs.filter((run) => run.outcome === "success" || run.outcome === "failure");
  const lastSuccess = concluded.findIndex((run) => run.outcome === "success");
  const failures = concluded.slice(0, lastSuccess === -1 ? concluded.length : lastSuccess);
  const firstFailure = failures.at(-1);
  if (firstFailure === undefined) return [];
  const count = failures.length;
  return [
    {
      id: idOf("alarm", policy.id, "outcome", "rule", "run.failed", firstFailure.id),
      sourceId: policy.id,
      signal: "outcome",
      kind: "rule",
      rule: "run.failed",
      since: firstFailure.finishedAt,
      endedAt: null,
      observed: count,
      expected: 0,
      lower: null,
      upper: 0,
      sentence: `${count === 1 ? "The last backup run" : `The last ${count} backup runs`} reported failure, since ${describeTime(firstFailure.finishedAt)}; look at the backup job's own log.`,
      runs: concluded.length,
      ref: firstFailure.id,
    },
  ];
}

/** Longer than a listing takes to show what was written. */
const SHOWN_WITHIN_MS = 3_600_000;

/** Where the job and the vault, or the job and the restore, say different things, one of them is wrong. */
function disagreementAlarms({ policy, runs, seen, counted }: RuleInput): Alarm[] {
  const [newest] = runs.filter((run) => run.outcome === "success" || run.outcome === "failure");
  if (newest === undefined || newest.outcome !== "success" || seen === undefined || seen === null) return [];
  const base = { sourceId: policy.id, kind: "rule", endedAt: null, lower: null, upper: null, runs: runs.length, ref: newest.id } as const;
  const began = (newest.startedAt ?? newest.finishedAt) - SHOWN_WITHIN_MS;
  const shown = newest.finishedAt + policy.backups.settleMs + Math.max(SHOWN_WITHIN_MS, 2 * policy.pollMs);
  const there = seen.points.some((point) => point.runId === newest.id || point.createdAt >= began);
  if (!there && seen.at > shown)
    return [
      {
        ...base,
        id: idOf("alarm", policy.id, "outcome", "rule", "run.nothing-new", newest.id),
        signal: "outcome",
        rule: "run.nothing-new",
        since: newest.finishedAt,
        observed: 0,
        expected: 1,
        sentence: `The backup job reported success at ${describeTime(newest.finishedAt)}, but the vault shows nothing new since; look whether it writes to the place that is watched, and at its own log.`,
      },
    ];
  const said = newest.items?.records;
  const point = seen.points.find((one) => one.runId === newest.id);
  const found = point === undefined ? undefined : counted?.get(point.id);
  if (point === undefined || said === undefined || found === undefined || found === said) return [];
  return [
    {
      ...base,
      id: idOf("alarm", policy.id, "records", "rule", "records.disagree", newest.id),
      signal: "records",
      rule: "records.disagree",
      since: point.createdAt,
      observed: found,
      expected: said,
      sentence: `The backup job says it wrote ${describeNumber(said)} records, and ${describeNumber(found)} are there when the backup is restored, since ${describeTime(point.createdAt)}; look at what the job counts and at what it left out.`,
    },
  ];
}

/** What has to be recorded: alarms that are new or that ended, given what state holds as active. */
export function alarmChanges(active: readonly Alarm[], current: readonly Alarm[], known: ReadonlySet<string>, now: number): Alarm[] {
  const byId = new Map(current.map((alarm) => [alarm.id, alarm]));
  const changes: Alarm[] = [];
  for (const alarm of current) {
    const before = active.find((other) => other.id === alarm.id);
    // Being late can end and begin again for the same backup, when the clock was wrong in between; nothing else does.
    if (before === undefined ? !known.has(alarm.id) || alarm.signal === "gap" : before.endedAt !== alarm.endedAt)
      changes.push(before?.context === undefined ? alarm : { ...alarm, context: before.context });
  }
  for (const alarm of active) if (!byId.has(alarm.id)) changes.push({ ...alarm, endedAt: Math.max(now, alarm.since) });
  return changes;
}
