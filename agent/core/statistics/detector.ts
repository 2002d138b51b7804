/**
 * The anomaly detector: one small state a series, one step a run. Rules that need no learning, a forecast with a band as wide as the budget
 * of false alarms asks for, level shifts, slow drift; each a function of its own. Pure and deterministic: the same runs give the same
 * alarms, bit for bit, also across a restart. States are changed in place, and are plain JSON.
 */
import type { AlarmKind, Signal } from "../words.ts";
import { addToDrift, beginDrift, type Drift, driftOf, rebaseDrift } from "./drift.ts";
import { explainDrift, explainRule, explainShift, explainSpike } from "./explain.ts";
import { autoregression, baseOf, beginForecast, expectedOf, type Forecast, learn, seasonAt } from "./forecast.ts";
import { type Pace, paceOf } from "./pace.ts";
import { studentInflation } from "./student.ts";
import { addToTail, emptyTail, heaviness, type Tail, tailQuantile, type TailPrior } from "./tail.ts";

export type DetectorPart = "rules" | "season" | "spike" | "shift" | "drift";

export interface DetectorOptions {
  readonly signal: Signal;
  /** Expected time between runs, ms; null: a day. */
  readonly everyMs: number | null;
  /** Of this series alone; see `splitBudget`. */
  readonly falseAlarmsPerYear: number;
  readonly without?: readonly DetectorPart[];
}

export interface Run {
  readonly at: number;
  readonly value: number;
  readonly failed?: boolean;
}

export interface Judged {
  readonly at: number;
  readonly value: number;
  readonly expected: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
  /** 1 where an alarm is due; the higher, the more out of the ordinary. */
  readonly score: number;
  readonly alarm: AlarmKind | null;
  readonly active: readonly AlarmKind[];
  readonly sentence: string | null;
  /** When what the alarm is about began, or null. */
  readonly since: number | null;
  /** Runs that all this rests on. */
  readonly runs: number;
}

interface Active {
  readonly kind: AlarmKind;
  readonly since: number;
  inside: number;
  outside: number;
}

/** One of the last runs: its value, and the level it should have had by what was known before it. */
interface Recent {
  readonly at: number;
  readonly y: number;
  readonly level: number;
  readonly trend: number;
}

export interface SeriesState {
  readonly version: 1;
  runs: number;
  lastAt: number | null;
  /** One forecast a season worth trying. */
  models: Forecast[];
  best: number;
  /** The last values that counted, for the rules. */
  last: number[];
  recent: Recent[];
  spikes: Tail;
  shifts: Tail;
  /** For runs within a day: how far the last day's lie from the level, and how far that usually is. */
  days: Tail;
  day: number[];
  drift: Drift;
  /** Runs for which the like says nothing new. */
  quiet: { up: number; down: number; shift: number; drift: number; failed: number };
  /** Spikes that were told, for those that come every month. */
  told: { at: number; error: number }[];
  active: Active[];
}

const SHIFT_RUNS = 5;
/** Of runs that come more often than daily, so many make a level too. */
const DAY_RUNS = 24;
const QUIET_RUNS = 7;
const RUNS_TO_END = 3;
const RUNS_AT_MOST = 14;
const LEAST_RUNS = 8;
const SPIKE_LEAST = 3.5;
const SHIFT_LEAST = 1.6;
const SHIFT_MOST = 8;
/** However rarely runs come, a level is nothing that changes every other month. */
const MOST_SHIFT_RATE = 0.01;
const LAST = 3;
const LOW = 0.5;
const HIGH = 5;
const TOLD = 8;
/** An alarm counts for so much of a run in what noise is. */
const EVENT_WEIGHT = 0.3;
/** A season is believed where it makes the squares of the errors this much smaller. */
const SEASON_PAYS = 0.8;

/** Shares of the budget. */
const SPIKE_SHARE = 0.45;
const SHIFT_SHARE = 0.3;
const DAY_SHARE = 0.15;
const YEAR = 365.25 * 86_400_000;
const DAY = 86_400_000;

// Somewhat heavier than normal noise would show; medians of five over a moving level have two thirds of its width.
const SPIKE_PRIOR = { levels: [2.5, 4, 6], shares: [0.02, 0.003, 0.0007], weight: 60 };
const SHIFT_PRIOR = { levels: [1.3, 2.1, 3.2], shares: [0.05, 0.003, 0.0005], weight: 60 };
/** Medians of a day of hourly runs are a fifth as wide again. */
const DAY_PRIOR = { levels: [0.8, 1.3, 2], shares: [0.05, 0.005, 0.001], weight: 300 };

export function beginSeries(): SeriesState {
  return {
    version: 1,
    runs: 0,
    lastAt: null,
    models: [],
    best: 0,
    last: [],
    recent: [],
    spikes: emptyTail(SPIKE_PRIOR),
    shifts: emptyTail(SHIFT_PRIOR),
    days: emptyTail(DAY_PRIOR),
    day: [],
    drift: beginDrift(),
    quiet: { up: 0, down: 0, shift: 0, drift: 0, failed: 0 },
    told: [],
    active: [],
  };
}

/** What is known before a run is taken in. */
interface Outlook {
  readonly model: Forecast;
  readonly expected: number;
  readonly scale: number;
  readonly k: number;
  /** Share of runs that lie beyond k by chance. */
  readonly rate: number;
  readonly steps: number;
}

interface Found {
  readonly kind: AlarmKind;
  readonly since: number;
  readonly sentence: string;
}

/** Changes `state`. A run at or before the last one that counted is judged, and changes nothing. */
export function step(state: SeriesState, run: Run, options: DetectorOptions): { readonly state: SeriesState; readonly judged: Judged } {
  const { at, value } = run;
  if (!Number.isFinite(value) || (state.lastAt !== null && at <= state.lastAt)) return { state, judged: nothingOf(state, run) };
  if (run.failed === true || value <= 0) return { state, judged: judgeFailed(state, run, options) };
  const pace = paceOf(options.everyMs ?? DAY);
  const y = toScale(options, value);
  if (state.models.length === 0) state.models = seasonsOf(options, pace).map((slots) => beginForecast(slots, y));
  const outlook = outlookOf(state, at, y, options, pace);
  const { model, expected, scale, k, steps } = outlook;
  const error = y - expected;
  const z = directed(options.signal, error / scale);
  const shift = shiftOf(state, model, at, y, steps);
  const fast = shift === null ? 0 : directed(options.signal, shift.by / model.scale) / shiftLimit(state, model, options, pace);
  const day = dayOf(state, model, at, y, steps, pace);
  const slow = day === null ? 0 : directed(options.signal, day.by / model.scale) / dayLimit(state, options, pace);
  const [shiftScore, moved] = Math.abs(slow) > Math.abs(fast) ? [Math.abs(slow), day] : [Math.abs(fast), shift];
  const outside = Math.abs(z) > k && !displaced(model, at, y, steps, scale * k);
  const rule = off(options, "rules") ? null : brokenRule(state, value, z / k, options);

  let found = decide();
  const shifted = found?.kind === "shift";
  const side = z > 0 ? "up" : "down";
  if (outside || rule !== null) {
    remember(state, at, error);
    // As long as it stays out there, it says nothing new.
    if (found !== null || state.quiet[side] > 0) state.quiet[side] = QUIET_RUNS + 1;
  }
  takeIn();
  if (shifted && moved !== null) rebase(state, moved.by);
  const time = addToDrift(state.drift, y - seasonAt(model, at), at, pace);
  if (time && !off(options, "drift")) {
    const drifting = driftOf(state.drift);
    if (drifting !== null && found === null && state.quiet.drift === 0 && isWanted(options.signal, drifting.change)) {
      found = { kind: "drift", since: drifting.since, sentence: explainDrift(options.signal, value, drifting) };
      state.quiet.drift = 56 * pace.driftEvery;
    }
  }
  follow(state, !outside, found, at);
  const score = Math.max(
    state.runs > LEAST_RUNS ? Math.abs(z) / k : 0,
    state.runs > pace.learned ? shiftScore : 0,
    rule === null ? 0 : 1,
    found === null ? 0 : 1,
  );
  return {
    state,
    judged: {
      at,
      value,
      expected: fromScale(options, expected),
      lower: options.signal === "gap" ? 0 : fromScale(options, expected - k * scale),
      upper: fromScale(options, expected + k * scale),
      score,
      alarm: found?.kind ?? null,
      active: state.active.map((one) => one.kind),
      sentence: found?.sentence ?? null,
      since: found?.since ?? null,
      runs: state.runs,
    },
  };

  function decide(): Found | null {
    const { signal } = options;
    if (moved !== null && !off(options, "shift") && state.runs >= pace.learned && state.quiet.shift === 0 && shiftScore > 1)
      return { kind: "shift", since: moved.since, sentence: explainShift(signal, value, fromScale(options, y - moved.by), moved.since) };
    if (state.quiet[z > 0 ? "up" : "down"] > 0) return null;
    if (rule !== null) return { kind: "rule", since: at, sentence: explainRule(signal, value, rule, at) };
    if (!outside || off(options, "spike") || state.runs < LEAST_RUNS || recurs(state, at, error)) return null;
    const band = [fromScale(options, expected - k * scale), fromScale(options, expected + k * scale)] as const;
    return { kind: "spike", since: at, sentence: explainSpike(signal, value, fromScale(options, expected), band, outlook.rate, at) };
  }

  function takeIn(): void {
    // What was told may be noise all the same; what follows it is the same event.
    const heavy = heaviness(state.spikes);
    const told = found !== null || state.quiet.up + state.quiet.down + state.quiet.shift > 0;
    const noise = told ? EVENT_WEIGHT + (1 - EVENT_WEIGHT) * heavy : 1;
    addToTail(state.spikes, Math.abs(z), noise, { ...SPIKE_PRIOR, memory: pace.memory });
    if (state.runs >= pace.learned && shift !== null)
      addToTail(state.shifts, Math.abs(directed(options.signal, shift.by / model.scale)), noise, { ...SHIFT_PRIOR, memory: pace.memory });
    if (state.runs >= pace.learned && day !== null)
      addToTail(state.days, Math.abs(directed(options.signal, day.by / model.scale)), noise, { ...DAY_PRIOR, memory: 2 * pace.memory });
    state.recent.push({ at, y: y - seasonAt(model, at), level: model.level, trend: model.trend });
    if (state.recent.length > SHIFT_RUNS) state.recent.shift();
    const freshen = state.runs % pace.freshenEvery === 0;
    for (const each of state.models) learn(each, y, at, steps, pace.smoothing, freshen, pace.learned);
    state.best = bestOf(state.models);
    state.runs += 1;
    state.lastAt = at;
    state.last.push(value);
    if (state.last.length > LAST) state.last.shift();
    const { quiet } = state;
    for (const name of ["up", "down", "shift", "drift"] as const) quiet[name] = Math.max(0, quiet[name] - 1);
    quiet.failed = 0;
  }
}

/** The false alarms of a source a year, over its series: those that come more often take no larger a share. */
export function splitBudget(falseAlarmsPerYear: number, series: number): number {
  return falseAlarmsPerYear / Math.max(1, series);
}

function outlookOf(state: SeriesState, at: number, y: number, options: DetectorOptions, pace: Pace): Outlook {
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

function shiftLimit(state: SeriesState, model: Forecast, options: DetectorOptions, pace: Pace): number {
  // Medians of five overlap: one excursion is some five of them.
  const rate = Math.min(MOST_SHIFT_RATE, (options.falseAlarmsPerYear * SHIFT_SHARE * SHIFT_RUNS * pace.everyMs) / YEAR);
  const found = tailQuantile(state.shifts, rate, { ...SHIFT_PRIOR, memory: pace.memory });
  // Where runs hang together, levels come and go by themselves.
  const rho = autoregression(model);
  return Math.min(SHIFT_MOST, Math.max(SHIFT_LEAST * Math.sqrt((1 + rho) / (1 - rho)), 1.1 * found));
}

/** How far the last five runs lie from the level before them, in the middle. */
function shiftOf(
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
function dayOf(
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

function dayLimit(state: SeriesState, options: DetectorOptions, pace: Pace): number {
  const rate = (options.falseAlarmsPerYear * DAY_SHARE * DAY_RUNS * pace.everyMs) / YEAR;
  return Math.min(SHIFT_MOST, Math.max(1, 1.2 * tailQuantile(state.days, rate, { ...DAY_PRIOR, memory: 2 * pace.memory })));
}

/** The new level is taken for what the last runs say it is. */
function rebase(state: SeriesState, by: number): void {
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
function brokenRule(state: SeriesState, value: number, score: number, { signal }: DetectorOptions): number | null {
  if ((signal !== "bytes" && signal !== "records") || state.last.length < LAST) return null;
  const sorted = state.last.toSorted((a, b) => a - b);
  const [least = 0, middle = 0, most = 0] = sorted;
  const known = state.runs >= LEAST_RUNS;
  if (value < LOW * least && (!known || score < -1)) return middle;
  return value > HIGH * most && (!known || score > 1) ? middle : null;
}

function judgeFailed(state: SeriesState, run: Run, options: DetectorOptions): Judged {
  const told = state.quiet.failed > 0 || off(options, "rules");
  const middle = state.last.toSorted((a, b) => a - b)[state.last.length >> 1] ?? 0;
  state.quiet.failed = QUIET_RUNS;
  const sentence = told ? null : explainRule(options.signal, run.value, middle, run.at);
  if (!told) follow(state, false, { kind: "rule", since: run.at, sentence: sentence ?? "" }, run.at);
  return { ...nothingOf(state, run), score: 2, alarm: told ? null : "rule", sentence, since: told ? null : run.at };
}

/** Whether it would be ordinary a slot earlier or later: clocks are set, and jobs start late. */
function displaced(model: Forecast, at: number, y: number, steps: number, band: number): boolean {
  if (model.slots < 24) return false;
  return [-3_600_000, 3_600_000].some((by) => Math.abs(y - baseOf(model, at + by, steps)) <= band);
}

/** What came a month and two months ago comes every month. */
function recurs(state: SeriesState, at: number, error: number): boolean {
  const like = state.told.filter((one) => Math.sign(one.error) === Math.sign(error) && Math.abs(one.error) > Math.abs(error) / 2);
  const months = like.map((one) => Math.round((at - one.at) / (30.44 * DAY)));
  const inTime = like.filter(
    (one, index) => (months[index] ?? 0) >= 1 && Math.abs(at - one.at - (months[index] ?? 0) * 30.44 * DAY) < 2.5 * DAY,
  );
  return (
    inTime.length >= 2 &&
    new Set(inTime.map((one) => Math.round((at - one.at) / (30.44 * DAY)))).size >= 2 &&
    like.length <= inTime.length + 1
  );
}

function remember(state: SeriesState, at: number, error: number): void {
  state.told.push({ at, error: Math.round(error * 1e4) / 1e4 });
  if (state.told.length > TOLD) state.told.shift();
}

/** An alarm goes on until three runs lie inside of the band again, and at most fourteen. */
function follow(state: SeriesState, inside: boolean, found: Found | null, at: number): void {
  for (const one of state.active) {
    one.inside = inside ? one.inside + 1 : 0;
    one.outside += 1;
  }
  state.active = state.active.filter((one) => one.inside < RUNS_TO_END && one.outside < RUNS_AT_MOST);
  if (found === null) return;
  state.active = [...state.active.filter((one) => one.kind !== found.kind), { kind: found.kind, since: at, inside: 0, outside: 0 }];
}

function bestOf(models: readonly Forecast[]): number {
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

function seasonsOf(options: DetectorOptions, pace: Pace): readonly number[] {
  return off(options, "season") || options.signal === "gap" ? [0] : pace.slots;
}

function stepsSince(last: number | null, at: number, everyMs: number): number {
  return last === null ? 1 : Math.min(1000, Math.max(1, Math.round((at - last) / everyMs)));
}

/** Gaps are told in schedules, everything else by its logarithm. */
function toScale({ signal, everyMs }: DetectorOptions, value: number): number {
  return signal === "gap" ? (value * 1000) / (everyMs ?? DAY) : Math.log(value);
}

function fromScale({ signal, everyMs }: DetectorOptions, y: number): number {
  return signal === "gap" ? (y * (everyMs ?? DAY)) / 1000 : Math.exp(y);
}

/** A backup that came early, or was quick, is no trouble. */
function directed(signal: Signal, z: number): number {
  return signal === "gap" ? Math.max(0, z) : z;
}

function isWanted(signal: Signal, change: number): boolean {
  return signal !== "gap" || change > 0;
}

function off({ without }: DetectorOptions, part: DetectorPart): boolean {
  return without?.includes(part) === true;
}

function nothingOf(state: SeriesState, { at, value }: Run): Judged {
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
