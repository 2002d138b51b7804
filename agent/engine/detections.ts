/**
 * What the detector makes of a source's numbers: its state of each series goes on where it was left, so the same observations give the same
 * alarms, and is made anew from all of them where it was lost.
 */
import { z } from "zod";
import { idOf } from "../core/ids.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { Repositories } from "../core/ports.ts";
import { usualDistance } from "../core/statistics/backtest.ts";
import { acceptLevel, beginSeries, type DetectorOptions, type Judged, type SeriesState, step } from "../core/statistics/detector.ts";
import { BANDED, budgetOf, TRAITS } from "../core/statistics/signals.ts";
import type { Alarm, Observation } from "../core/values.ts";
import { type Signal, SIGNALS } from "../core/words.ts";
import { onePerCause } from "./causes.ts";

export type Watched = Exclude<Signal, "outcome">;
/** Signals the detector judges; of a gap only the band is told: that a backup is late, a rule says already. */
export const WATCHED: readonly Watched[] = SIGNALS.filter((signal) => signal !== "outcome");

/** Whether its band is told always, and not only while something is the matter with it. */
export function isBanded(signal: Signal): boolean {
  return (BANDED as readonly Signal[]).includes(signal);
}

/** The newest judgement of a series, for gauges and pages. */
export type Band = Pick<Judged, "at" | "value" | "expected" | "lower" | "upper" | "score" | "runs">;

interface SeriesPaper {
  readonly version: 1;
  /** Of the options it was made with: with others it is made anew. */
  readonly key: string;
  readonly everyMs: number;
  readonly state: SeriesState;
  readonly band: Band | null;
  /** Alarms that are active, as they were told. */
  readonly open: readonly Alarm[];
  /** Time of the last mark of a person that was taken in. */
  readonly marked: number;
}

export interface Detected {
  /** Those that began or ended by what is new. */
  readonly alarms: readonly Alarm[];
  /** To be kept once the alarms are recorded; what is lost in between is made again from what was recorded. */
  readonly papers: readonly { readonly signal: Watched; readonly body: string }[];
}

const FEW = 500;
const ALL = 200_000;
const PAPER = z.looseObject({
  version: z.literal(1),
  key: z.string(),
  everyMs: z.number(),
  state: z.looseObject({ runs: z.number() }),
  marked: z.number(),
});

/** @param fresh what is about to be recorded */
export async function detect(
  policy: SourcePolicy,
  repositories: Repositories,
  fresh: readonly Observation[],
  known: readonly Alarm[],
): Promise<Detected> {
  const marks = (await repositories.decisions.list({ sourceId: policy.id })).filter((one) => one.about === "alarm");
  const alarms: Alarm[] = [];
  const papers: { signal: Watched; body: string }[] = [];
  for (const signal of WATCHED) {
    const kept = await paperOf(policy, signal, repositories);
    const added = fresh.filter((one) => one.signal === signal);
    const marked = marks
      .filter((mark) => known.find((alarm) => alarm.id === mark.subject)?.signal === signal)
      .map((mark) => ({ at: mark.at, subject: mark.subject }))
      .toSorted((a, b) => a.at - b.at);
    const stored = await sinceOf(policy, signal, kept, repositories);
    const observations = inOrder([...stored, ...added]);
    const begin = kept ?? beginPaper(policy, observations);
    const next = goOn(policy, signal, begin, observations, marked);
    if (next.paper === null) continue;
    alarms.push(...next.alarms);
    papers.push({ signal, body: JSON.stringify(next.paper) });
  }
  return { alarms: await onePerCause(policy, alarms, known, repositories), papers };
}

/** The band of each signal that was judged. */
export async function bandsOf(policy: SourcePolicy, repositories: Repositories): Promise<ReadonlyMap<Watched, Band>> {
  const bands = new Map<Watched, Band>();
  for (const signal of WATCHED) {
    const band = (await paperOf(policy, signal, repositories))?.band ?? null;
    if (band !== null) bands.set(signal, band);
  }
  return bands;
}

export function paperName(signal: Watched): string {
  return `series.${signal}`;
}

async function paperOf(policy: SourcePolicy, signal: Watched, { papers }: Repositories): Promise<SeriesPaper | null> {
  const body = await papers.get(policy.id, paperName(signal));
  if (body === null) return null;
  const parsed = PAPER.safeParse(JSON.parse(body));
  // What an older version kept, or other settings made, is made again: it follows from the observations.
  return parsed.success && parsed.data.key === keyOf(policy) ? (parsed.data as unknown as SeriesPaper) : null;
}

function keyOf({ backups, anomalies }: SourcePolicy): string {
  return idOf("series", "2", backups.everyMs, anomalies?.falseAlarmsPerYear ?? null);
}

/** Observations the state has not seen; all of them where there is none. */
async function sinceOf(
  policy: SourcePolicy,
  signal: Watched,
  kept: SeriesPaper | null,
  { observations }: Repositories,
): Promise<readonly Observation[]> {
  if (kept === null) return observations.list(policy.id, signal, { limit: ALL });
  const after = kept.state.lastAt ?? Number.NEGATIVE_INFINITY;
  const few = await observations.list(policy.id, signal, { limit: FEW });
  const all = few.length === FEW && (few[0]?.at ?? after) > after ? await observations.list(policy.id, signal, { limit: ALL }) : few;
  return all.filter((one) => one.at > after);
}

function inOrder(observations: readonly Observation[]): readonly Observation[] {
  const byRef = new Map(observations.map((one) => [one.ref, one]));
  return [...byRef.values()].toSorted((a, b) => a.at - b.at || (a.ref < b.ref ? -1 : 1));
}

function beginPaper(policy: SourcePolicy, observations: readonly Observation[]): SeriesPaper {
  // Where nobody says how often they come, they say it themselves once there are some.
  const everyMs = policy.backups.everyMs ?? usualDistance(observations);
  return { version: 1, key: keyOf(policy), everyMs, state: beginSeries(), band: null, open: [], marked: 0 };
}

function optionsOf(policy: SourcePolicy, signal: Watched, everyMs: number): DetectorOptions {
  const budget = budgetOf(signal, WATCHED, policy.anomalies?.falseAlarmsPerYear ?? 2);
  // What is surely wrong is told by rules that know more than one series.
  return { signal, everyMs, falseAlarmsPerYear: budget, without: ["rules"] };
}

function goOn(
  policy: SourcePolicy,
  signal: Watched,
  paper: SeriesPaper,
  observations: readonly Observation[],
  marks: readonly { readonly at: number; readonly subject: string }[],
): { readonly paper: SeriesPaper | null; readonly alarms: readonly Alarm[] } {
  const options = optionsOf(policy, signal, paper.everyMs);
  const { state } = paper;
  const changed = new Map<string, Alarm>();
  let { band, marked } = paper;
  let open = [...paper.open];
  const end = (goes: (alarm: Alarm) => boolean, at: number): void => {
    for (const alarm of open.filter(goes)) changed.set(alarm.id, { ...alarm, endedAt: Math.max(at, alarm.since) });
    open = open.filter((alarm) => !goes(alarm));
  };
  const pending = marks.filter((mark) => mark.at > paper.marked);
  const takeMarks = (before: number): void => {
    for (const mark of pending.filter((one) => one.at > marked && one.at <= before)) {
      marked = mark.at;
      acceptLevel(state);
      end((alarm) => alarm.id === mark.subject, mark.at);
    }
  };
  for (const observation of observations) {
    takeMarks(observation.at);
    const { judged } = step(state, { at: observation.at, value: positive(signal, observation.value) }, options);
    if (judged.expected !== null)
      band = {
        at: judged.at,
        value: observation.value,
        expected: judged.expected,
        lower: judged.lower,
        upper: judged.upper,
        score: judged.score,
        runs: judged.runs,
      };
    end((alarm) => !judged.active.includes(alarm.kind), observation.at);
    if (judged.alarm === null || signal === "gap" || suppressed(policy, observation.at)) continue;
    const alarm = alarmOf(policy.id, signal, judged, observation);
    end((other) => other.kind === alarm.kind, observation.at);
    open.push(alarm);
    changed.set(alarm.id, alarm);
  }
  takeMarks(Number.POSITIVE_INFINITY);
  const nothingNew = observations.length === 0 && marked === paper.marked;
  return { paper: nothingNew ? null : { ...paper, state, band, open, marked }, alarms: [...changed.values()] };
}

const MEASURED: readonly Watched[] = ["duration", "gap", "restore_seconds", "restore_seconds_per_gb"];

/** A run may be too quick to be measured, and is no failure for that. */
function positive(signal: Watched, value: number): number {
  return MEASURED.includes(signal) && TRAITS[signal].offset === null ? Math.max(value, 0.001) : value;
}

function suppressed({ anomalies }: SourcePolicy, at: number): boolean {
  return anomalies?.suppress.some(({ from, to }) => at >= from && at <= to) === true;
}

function alarmOf(sourceId: string, signal: Watched, judged: Judged, { ref, at }: Observation): Alarm {
  const kind = judged.alarm ?? "spike";
  const since = judged.since ?? at;
  const up = judged.value >= (judged.expected ?? judged.value);
  return {
    id: idOf("alarm", sourceId, signal, kind, at),
    sourceId,
    signal,
    kind,
    rule: `${kind}.${up ? "up" : "down"}`,
    since,
    endedAt: null,
    observed: judged.value,
    expected: judged.expected,
    lower: judged.lower,
    upper: judged.upper,
    sentence: judged.sentence ?? "",
    runs: judged.runs,
    ref,
  };
}
