/** The parts of the detector: each asks one question of a series. */
import type { AlarmKind, Signal } from "../words.ts";
import { rebaseDrift } from "./drift.ts";
import { autoregression, baseOf, beginForecast, expectedOf, type Forecast, seasonAt } from "./forecast.ts";
import type { Pace } from "./pace.ts";
import { DAY_PRIOR, SHIFT_PRIOR, SPIKE_PRIOR } from "./priors.ts";
import type { DetectorOptions, DetectorPart, Judged, Run, SeriesState } from "./series-state.ts";
import { studentInflation } from "./student.ts";
import { tailQuantile } from "./tail.ts";
import { explainRule } from "./explain.ts";
import { TRAITS } from "./signals.ts";

export const SHIFT_RUNS = 5;
/** Of runs that come more often than daily, so many make a level too. */
const DAY_RUNS = 24;
export const QUIET_RUNS = 7;
const RUNS_TO_END = 3;
const RUNS_AT_MOST = 14;
export const LEAST_RUNS = 8;
const SPIKE_LEAST = 3.5;
const SHIFT_LEAST = 1.6;
const SHIFT_MOST = 8;
/** However rarely runs come, a level is nothing that changes every other month. */
const MOST_SHIFT_RATE = 0.01;
export const LAST = 3;
const LOW = 0.5;
const HIGH = 5;
const TOLD = 8;
/** An alarm counts for so much of a run in what noise is. */
export const EVENT_WEIGHT = 0.3;
/** A season is believed where it makes the squares of the errors this much smaller. */
const SEASON_PAYS = 0.8;

/** Shares of the budget. */
const SPIKE_SHARE = 0.45;
const SHIFT_SHARE = 0.3;
const DAY_SHARE = 0.15;
const YEAR = 365.25 * 86_400_000;
export const DAY = 86_400_000;

/** What is known before a run is taken in. */
export interface Outlook {
  readonly model: Forecast;
  readonly expected: number;
  readonly scale: number;
  readonly k: number;
  /** Share of runs that lie beyond k by chance. */
  readonly rate: number;
  readonly steps: number;
}

export interface Found {
  readonly kind: AlarmKind;
  readonly since: number;
  readonly sentence: string;
}

export function outlookOf(state: SeriesState, at: number, y: number, options: DetectorOptions, pace: Pace): Outlook {
  const model = state.models[state.best] ?? beginForecast(0, y);
  const steps = stepsSince(state.lastAt, at, pace.everyMs);
  const rate = (options.falseAlarmsPerYear * SPIKE_SHARE * pace.everyMs) / YEAR;
  const k = tailQuantile(state.spikes, rate, { ...SPIKE_PRIOR, memory: pace.memory });
  // Until a season could be learned, its ups and downs look like trouble.
  const unlearned = state.runs < pace.learned ? 1.6 : 1;
  return {
    model,
    expected: expectedOf(model, at, steps),
    scale: model.scale,
    k: Math.min(pace.spikeMost, Math.max(SPIKE_LEAST, k)) * studentInflation(state.runs) * unlearned,
    rate,
    steps,
  };
}

export function shiftLimit(state: SeriesState, model: Forecast, options: DetectorOptions, pace: Pace): number {
  // Medians of five overlap: one excursion is some five of them.
  const rate = Math.min(MOST_SHIFT_RATE, (options.falseAlarmsPerYear * SHIFT_SHARE * SHIFT_RUNS * pace.everyMs) / YEAR);
  const found = tailQuantile(state.shifts, rate, { ...SHIFT_PRIOR, memory: pace.memory });
  // Where runs hang together, levels come and go by themselves.
  const rho = autoregression(model);
  return Math.min(SHIFT_MOST, Math.max(SHIFT_LEAST * Math.sqrt((1 + rho) / (1 - rho)), 1.1 * found));
}

/** How far the last five runs lie from the level before them, in the middle. */
export function shiftOf(
  state: SeriesState,
  model: Forecast,
  at: number,
  y: number,
  steps: number,
): { readonly by: number; readonly since: number } | null {
  const before = state.recent.slice(1 - SHIFT_RUNS);
  const [first] = before;
  if (before.length < SHIFT_RUNS - 1 || first === undefined || state.runs < SHIFT_RUNS) return null;
  const own = { y: y - seasonAt(model, at) };
  void steps;
  const off5 = [...before, own].map((one, index) => one.y - first.level - first.trend * (index + 1));
  const sorted = off5.toSorted((a, b) => a - b);
  const by = sorted[SHIFT_RUNS >> 1] ?? 0;
  // Whoever is on the way back makes no new level.
  const same =
    Math.sign(off5.at(-1) ?? 0) === Math.sign(by) && off5.filter((one) => Math.sign(one) === Math.sign(by)).length >= SHIFT_RUNS - 1;
  return { by: same ? by : 0, since: first.at };
}

/** How far the runs of the last day lie from the level, in the middle; null where runs come no more often than that. */
export function dayOf(
  state: SeriesState,
  model: Forecast,
  at: number,
  y: number,
  steps: number,
  pace: Pace,
): { readonly by: number; readonly since: number } | null {
  if (pace.driftEvery <= 1) return null;
  state.day.push(Math.round((y - baseOf(model, at, steps)) * 1e4) / 1e4);
  if (state.day.length > DAY_RUNS) state.day.shift();
  if (state.day.length < DAY_RUNS) return null;
  const sorted = Float64Array.from(state.day).sort();
  return { by: sorted[DAY_RUNS >> 1] ?? 0, since: at - (DAY_RUNS >> 1) * pace.everyMs };
}

export function dayLimit(state: SeriesState, options: DetectorOptions, pace: Pace): number {
  const rate = (options.falseAlarmsPerYear * DAY_SHARE * DAY_RUNS * pace.everyMs) / YEAR;
  return Math.min(SHIFT_MOST, Math.max(1, 1.2 * tailQuantile(state.days, rate, { ...DAY_PRIOR, memory: 2 * pace.memory })));
}

/** The new level is taken for what the last runs say it is. */
export function rebase(state: SeriesState, by: number): void {
  const ys = state.recent.map((one) => one.y);
  const sorted = ys.toSorted((a, b) => a - b);
  const level = sorted[sorted.length >> 1] ?? 0;
  const best = state.models[state.best];
  const move = best === undefined ? 0 : level - best.level;
  for (const each of state.models) {
    each.level += move;
    each.rest = 0;
    each.trend *= 0.5;
  }
  rebaseDrift(state.drift, by, SHIFT_RUNS);
  state.recent = [];
  state.day = [];
  state.quiet = { ...state.quiet, up: QUIET_RUNS, down: QUIET_RUNS, shift: QUIET_RUNS };
}

/** The median it is measured by, where the value is far too small or far too large and known not to be ordinary. */
export function brokenRule(state: SeriesState, value: number, score: number, { signal }: DetectorOptions): number | null {
  if ((signal !== "bytes" && signal !== "records") || state.last.length < LAST) return null;
  const sorted = state.last.toSorted((a, b) => a - b);
  const [least = 0, middle = 0, most = 0] = sorted;
  const known = state.runs >= LEAST_RUNS;
  if (value < LOW * least && (!known || score < -1)) return middle;
  return value > HIGH * most && (!known || score > 1) ? middle : null;
}

/** A quarter of the schedule, or what the series' own jitter exceeds once in a hundred runs, if that is more. */
const LATE_LEAST = 0.25;
const LATE_RATE = 0.01;

/** The longest gap that is on time, s, where this one is longer; from the first run on. */
export function lateBeyond(
  state: SeriesState,
  value: number,
  { expected, scale }: Outlook,
  options: DetectorOptions,
  pace: Pace,
): number | null {
  if (options.signal !== "gap") return null;
  // A schedule that turned out to be longer than it was said to be is the schedule.
  const due = state.runs < LEAST_RUNS ? 1 : Math.max(1, expected);
  const own = state.runs < LEAST_RUNS ? 0 : scale * tailQuantile(state.spikes, LATE_RATE, { ...SPIKE_PRIOR, memory: pace.memory });
  const allowed = fromScale(options, due + Math.max(LATE_LEAST, own));
  return value > allowed ? allowed : null;
}

export function judgeFailed(state: SeriesState, run: Run, options: DetectorOptions): Judged {
  const told = state.quiet.failed > 0 || off(options, "rules");
  const middle = state.last.toSorted((a, b) => a - b)[state.last.length >> 1] ?? 0;
  state.quiet.failed = QUIET_RUNS;
  const sentence = told ? null : explainRule(options.signal, run.value, middle, run.at);
  if (!told) follow(state, false, { kind: "rule", since: run.at, sentence: sentence ?? "" }, run.at);
  return { ...nothingOf(state, run), score: 2, alarm: told ? null : "rule", sentence, since: told ? null : run.at };
}

/** Whether it would be ordinary a slot earlier or later: clocks are set, and jobs start late. */
export function displaced(model: Forecast, at: number, y: number, steps: number, band: number): boolean {
  if (model.slots < 24) return false;
  return [-3_600_000, 3_600_000].some((by) => Math.abs(y - baseOf(model, at + by, steps)) <= band);
}

interface Period {
  readonly ms: number;
  /** How far off it may be. */
  readonly within: number;
}
const PERIODS: readonly Period[] = [
  { ms: DAY, within: 5_400_000 },
  { ms: 7 * DAY, within: 5_400_000 },
  { ms: 30.44 * DAY, within: 2.5 * DAY },
];

/** What came a month and two months ago comes every month; and so by the week and by the day, where runs come more often than that. */
export function recurs(state: SeriesState, at: number, error: number, everyMs: number): boolean {
  const like = state.told.filter((one) => Math.sign(one.error) === Math.sign(error) && Math.abs(one.error) > Math.abs(error) / 2);
  return PERIODS.some(({ ms, within }) => {
    if (ms < 2 * everyMs) return false;
    const times = like.flatMap((one) => {
      const count = Math.round((at - one.at) / ms);
      return count >= 1 && Math.abs(at - one.at - count * ms) < Math.max(within, everyMs / 2) ? [count] : [];
    });
    // Of so many at any time some lie a period apart by chance.
    return new Set(times).size >= 2 && like.length <= times.length + 1;
  });
}

/** What is out there for hours is one event, as far out as its furthest run. */
export function remember(state: SeriesState, at: number, error: number): void {
  const last = state.told.at(-1);
  const size = Math.round(error * 1e4) / 1e4;
  if (
    last !== undefined &&
    at - last.at < DAY * 0.9 &&
    Math.sign(last.error) === Math.sign(error) &&
    at - (last.until ?? last.at) < 7_200_000
  ) {
    last.until = at;
    if (Math.abs(size) > Math.abs(last.error)) last.error = size;
    return;
  }
  state.told.push({ at, error: size });
  if (state.told.length > TOLD) state.told.shift();
}

/** An alarm goes on until three runs lie inside of the band again, and at most fourteen. */
export function follow(state: SeriesState, inside: boolean, found: Found | null, at: number): void {
  for (const one of state.active) {
    one.inside = inside ? one.inside + 1 : 0;
    one.outside += 1;
  }
  state.active = state.active.filter((one) => one.inside < RUNS_TO_END && one.outside < RUNS_AT_MOST);
  if (found === null) return;
  state.active = [...state.active.filter((one) => one.kind !== found.kind), { kind: found.kind, since: at, inside: 0, outside: 0 }];
}

export function bestOf(models: readonly Forecast[]): number {
  let best = 0;
  for (let at = 1; at < models.length; at += 1) {
    const model = models[at];
    const current = models[best];
    if (model === undefined || current === undefined) continue;
    // Three times round before a season can be told from chance.
    const times = model.met.reduce((sum, met) => sum + Math.min(met, 3), 0);
    if (times >= 3 * model.slots * 0.85 && model.cost < current.cost * SEASON_PAYS) best = at;
  }
  return best;
}

export function seasonsOf(options: DetectorOptions, pace: Pace): readonly number[] {
  return off(options, "season") || options.signal === "gap" ? [0] : pace.slots;
}

function stepsSince(last: number | null, at: number, everyMs: number): number {
  return last === null ? 1 : Math.min(1000, Math.max(1, Math.round((at - last) / everyMs)));
}

/** Gaps are told in schedules, everything else by its logarithm. */
export function toScale({ signal, everyMs }: DetectorOptions, value: number): number {
  return signal === "gap" ? (value * 1000) / (everyMs ?? DAY) : Math.log(value + (TRAITS[signal].offset ?? 0));
}

export function fromScale({ signal, everyMs }: DetectorOptions, y: number): number {
  return signal === "gap" ? (y * (everyMs ?? DAY)) / 1000 : Math.exp(y) - (TRAITS[signal].offset ?? 0);
}

/** A backup that came early, or was quick, is no trouble. */
export function directed(signal: Signal, z: number): number {
  return TRAITS[signal].upperOnly ? Math.max(0, z) : z;
}

export function isWanted(signal: Signal, change: number): boolean {
  return !TRAITS[signal].upperOnly || change > 0;
}

export function off({ without }: DetectorOptions, part: DetectorPart): boolean {
  return without?.includes(part) === true;
}

export function nothingOf(state: SeriesState, { at, value }: Run): Judged {
  return {
    at,
    value,
    expected: null,
    lower: null,
    upper: null,
    score: 0,
    alarm: null,
    active: state.active.map((one) => one.kind),
    sentence: null,
    since: null,
    runs: state.runs,
  };
}
