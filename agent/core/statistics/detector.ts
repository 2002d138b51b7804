/**
 * The anomaly detector: one small state a series, one step a run. Rules that need no learning, a forecast with a band as wide as the budget
 * of false alarms asks for, level shifts, slow drift; each a function of its own. Pure and deterministic: the same runs give the same
 * alarms, bit for bit, also across a restart. States are changed in place, and are plain JSON.
 */
import { addToDrift, driftOf } from "./drift.ts";
import { explainDrift, explainLate, explainRule, explainShift, explainSpike } from "./explain.ts";
import { beginForecast, learn, seasonAt } from "./forecast.ts";
import { paceOf } from "./pace.ts";
import {
  type Found,
  bestOf,
  brokenRule,
  dayLimit,
  dayOf,
  directed,
  displaced,
  follow,
  fromScale,
  isWanted,
  judgeFailed,
  lateBeyond,
  nothingOf,
  off,
  outlookOf,
  rebase,
  recurs,
  remember,
  seasonsOf,
  shiftLimit,
  shiftOf,
  toScale,
  DAY,
  QUIET_RUNS,
  LEAST_RUNS,
  EVENT_WEIGHT,
  SHIFT_RUNS,
  LAST,
} from "./parts.ts";
import { DAY_PRIOR, SHIFT_PRIOR, SPIKE_PRIOR } from "./priors.ts";
import type { DetectorOptions, Judged, Run, SeriesState } from "./series-state.ts";
import { TRAITS } from "./signals.ts";
import { studentInflation } from "./student.ts";
import { addToTail, heaviness, tailRate } from "./tail.ts";

export { type DetectorOptions, type DetectorPart, type Judged, type Run, type SeriesState, beginSeries } from "./series-state.ts";

/** Changes `state`. A run at or before the last one that counted is judged, and changes nothing. */
export function step(state: SeriesState, run: Run, options: DetectorOptions): { readonly state: SeriesState; readonly judged: Judged } {
  const { at, value } = run;
  if (!Number.isFinite(value) || (state.lastAt !== null && at <= state.lastAt)) return { state, judged: nothingOf(state, run) };
  if (run.failed === true || value < 0 || (value === 0 && TRAITS[options.signal].offset === null))
    return { state, judged: judgeFailed(state, run, options) };
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
  const broken = off(options, "rules") ? null : brokenRule(state, value, z / k, options);
  const rule = broken !== null && state.runs >= LEAST_RUNS && recurs(state, at, error, pace.everyMs) ? null : broken;
  const late = off(options, "rules") ? null : lateBeyond(state, value, outlook, options, pace);

  let found = decide();
  const shifted = found?.kind === "shift";
  const side = z > 0 ? "up" : "down";
  if (outside || broken !== null || late !== null) {
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
    rule === null && late === null ? 0 : 1,
    found === null ? 0 : 1,
  );
  return {
    state,
    judged: {
      at,
      value,
      expected: fromScale(options, expected),
      lower: TRAITS[options.signal].upperOnly ? 0 : fromScale(options, expected - k * scale),
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
    if (
      moved !== null &&
      !off(options, "shift") &&
      state.runs >= pace.learned &&
      state.quiet.shift === 0 &&
      shiftScore > 1 &&
      !recurs(state, moved.since, moved.by, pace.everyMs)
    )
      return { kind: "shift", since: moved.since, sentence: explainShift(signal, value, fromScale(options, y - moved.by), moved.since) };
    if (state.quiet[z > 0 ? "up" : "down"] > 0) return null;
    if (rule !== null) return { kind: "rule", since: at, sentence: explainRule(signal, value, rule, at) };
    if (late !== null) return { kind: "rule", since: at, sentence: explainLate(value, fromScale(options, expected), late, at) };
    if (!outside || off(options, "spike") || state.runs < LEAST_RUNS || recurs(state, at, error, pace.everyMs)) return null;
    const lower = TRAITS[signal].upperOnly ? 0 : fromScale(options, expected - k * scale);
    const band = [lower, fromScale(options, expected + k * scale)] as const;
    return { kind: "spike", since: at, sentence: explainSpike(signal, value, fromScale(options, expected), band, rarity(), at) };
  }

  function rarity(): { readonly rate: number; readonly runs: number } {
    return {
      rate: tailRate(state.spikes, Math.abs(z) / studentInflation(state.runs), { ...SPIKE_PRIOR, memory: pace.memory }),
      runs: state.runs,
    };
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

/** A person says that it was expected: what the last run said is the level now. */
export function acceptLevel(state: SeriesState): void {
  const last = state.recent.at(-1);
  if (last === undefined) return;
  state.recent = [last];
  rebase(state, 0);
}
