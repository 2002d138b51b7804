/**
 * One online forecast of a series: damped level and trend (Holt 1957, Gardner & McKenzie 1985), additive season by slot of the clock
 * (Winters 1960), and what is left of the last error (AR(1)). Updates are clipped: one value moves it no further than an ordinary one
 * would, and values that stay where they are move it in the end.
 */

export interface Forecast {
  /** Slots of the season: 0 none, 7 weekdays, 24 hours, 168 hours of the week. */
  readonly slots: number;
  level: number;
  trend: number;
  /** Residual of the last run from level and season, clipped. */
  rest: number;
  /** Sums for the autocorrelation of residuals, fading. */
  cross: number;
  own: number;
  season: number[];
  /** Times each slot was met, up to where learning is slow. */
  met: number[];
  /** Absolute errors of the last runs, oldest first; rounded, so that the state stays small. */
  errors: number[];
  scale: number;
  /** Mean square of the errors, clipped and fading: what seasons are chosen by, since rare steps of the season count in it. */
  cost: number;
}

export interface Smoothing {
  readonly level: number;
  readonly trend: number;
  /** Of a slot that was met often. */
  readonly season: number;
}

const DAMPING = 0.98;
/** Errors beyond so many scales count as so many. */
const CLIP = 2.5;
const ERRORS = 60;
/** Nothing is steadier than that: 1 % of the value. */
export const LEAST_SCALE = 0.01;
const WIDE = 0.25;
/** Square of an error that is as good as any larger one. */
const MOST_COST = 0.5;

export function beginForecast(slots: number, y: number): Forecast {
  return {
    slots,
    level: y,
    trend: 0,
    rest: 0,
    cross: 0,
    own: 0,
    season: Array.from({ length: slots }, () => 0),
    met: Array.from({ length: slots }, () => 0),
    errors: [],
    scale: WIDE,
    cost: 0,
  };
}

const DAY = 86_400_000;
const HOUR = 3_600_000;

/** Hours of the day and days of the week, added up: fewer to learn than all hours of the week. */
export const HOURS_AND_DAYS = 31;

/** Slot of a time by UTC; a Thursday is day 0 of the epoch. */
function slotOf(slots: number, at: number): number {
  if (slots === 7) return Math.floor(at / DAY) % 7;
  return Math.floor(at / HOUR) % (slots === HOURS_AND_DAYS ? 24 : slots);
}

/** What the season adds at that time. */
export function seasonAt({ slots, season }: Forecast, at: number): number {
  if (slots === 0) return 0;
  const own = season[slotOf(slots, at)] ?? 0;
  return slots === HOURS_AND_DAYS ? own + (season[24 + slotOf(7, at)] ?? 0) : own;
}

export function autoregression(model: Forecast): number {
  return model.own <= 0 ? 0 : Math.min(0.9, Math.max(0, model.cross / model.own));
}

/** @param steps runs since the last one that counted, 1 where none is missing */
export function expectedOf(model: Forecast, at: number, steps: number): number {
  const rho = autoregression(model);
  return baseOf(model, at, steps) + (rho === 0 ? 0 : rho ** steps * model.rest);
}

/** Level, trend and season alone. */
export function baseOf(model: Forecast, at: number, steps: number): number {
  const drift = model.trend * damped(steps);
  return model.level + drift + seasonAt(model, at);
}

function damped(steps: number): number {
  return steps === 1 ? DAMPING : (DAMPING * (1 - DAMPING ** Math.min(steps, 400))) / (1 - DAMPING);
}

/** Takes one value in. @param freshen whether the scale is to be computed again: dear, so not at every run of a fast series */
export function learn(model: Forecast, y: number, at: number, steps: number, smoothing: Smoothing, freshen: boolean, memory: number): void {
  const rho = autoregression(model);
  const base = baseOf(model, at, steps);
  const expected = base + (rho === 0 ? 0 : rho ** steps * model.rest);
  const error = y - expected;
  const limit = CLIP * model.scale;
  model.cost += (Math.min(error * error, MOST_COST) - model.cost) / memory;
  const rest = clip(y - base, limit);
  // Autocorrelation is of neighbours; across a gap nothing is learned of it.
  if (steps === 1) {
    model.cross = model.cross * 0.98 + rest * model.rest;
    model.own = model.own * 0.98 + model.rest * model.rest;
  }
  const taken = clip(error, limit);
  const drift = model.trend * damped(steps);
  // Where the residuals hang together, part of one goes on by itself and is no new level.
  const pull = smoothing.level * (1 - 0.7 * rho);
  const whole = clip(y - base, limit);
  model.level += drift + pull * whole;
  model.trend = model.trend * DAMPING ** Math.min(steps, 50) + smoothing.trend * pull * taken;
  if (model.slots > 0) learnSeason(model, y - base, at, limit, smoothing.season);
  model.rest = rest - pull * whole;
  model.errors.push(Math.round(Math.abs(error) * 1e4) / 1e4);
  if (model.errors.length > ERRORS) model.errors.shift();
  if (freshen || model.errors.length < 30) model.scale = scaleOf(model.errors);
}

/** The first few times a slot is taken as it comes: a weekend is no outlier that came every week. */
const AS_IT_COMES = 3;

function learnSeason(model: Forecast, error: number, at: number, limit: number, least: number): void {
  const update = (slot: number, share: number): void => {
    const met = model.met[slot] ?? 0;
    const taken = met < AS_IT_COMES ? clip(error, 3) : clip(error, limit);
    model.season[slot] = round((model.season[slot] ?? 0) + share * Math.max(least, 1 / (met + 2)) * taken);
    model.met[slot] = Math.min(met + 1, 1000);
  };
  if (model.slots !== HOURS_AND_DAYS) {
    update(slotOf(model.slots, at), 1);
    return;
  }
  update(slotOf(24, at), 0.5);
  // A day of the week is met at every hour of it: it learns by the day.
  update(24 + slotOf(7, at), 0.5);
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

const buffer = new Float64Array(ERRORS);

/** Robust scale of errors about 0: for 60 of them, the 50th and the 70th percentile, whichever says more. */
function scaleOf(errors: readonly number[]): number {
  const n = errors.length;
  for (let at = 0; at < n; at += 1) buffer[at] = errors[at] ?? 0;
  const sorted = buffer.subarray(0, n).sort();
  const half = (sorted[Math.floor((n - 1) * 0.5)] ?? 0) / 0.6745;
  const more = (sorted[Math.floor((n - 1) * 0.7)] ?? 0) / 1.0364;
  const found = Math.max(half, more, LEAST_SCALE);
  // Few errors say little: a wide scale gives way to them.
  return n >= 12 ? found : Math.max(found, (WIDE * (12 - n) + found * n) / 12);
}

function clip(value: number, most: number): number {
  return value > most ? most : value < -most ? -most : value;
}
