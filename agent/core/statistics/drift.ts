/** Slow change: a trend over the last eight weeks that neither chance, nor runs that hang together, nor the trend before explains. */
import type { Pace } from "./pace.ts";
import { autocorrelation, mannKendall, theilSen } from "./trend.ts";

export interface Drift {
  /** Deseasonalised logarithms, one a point, oldest first; rounded. */
  values: number[];
  times: number[];
  /** Runs gathered for the next point. */
  gathering: number[];
  /** Slopes found before, one a look, oldest first. */
  slopes: number[];
  sinceLook: number;
}

const WINDOW = 56;
const LEAST = 42;
const LOOK_EVERY = 7;
const LEAST_Z = 5.5;
/** A quarter more, or a fifth less, over the window. */
const LEAST_CHANGE = Math.log(1.25);
const SLOPES = 16;

export function beginDrift(): Drift {
  return { values: [], times: [], gathering: [], slopes: [], sinceLook: 0 };
}

/** @returns whether it is time to look */
export function addToDrift(drift: Drift, value: number, at: number, { driftEvery }: Pace): boolean {
  drift.gathering.push(Math.round(value * 1e5) / 1e5);
  if (drift.gathering.length < driftEvery) return false;
  const sorted = drift.gathering.toSorted((a, b) => a - b);
  drift.values.push(sorted[sorted.length >> 1] ?? value);
  drift.times.push(at);
  drift.gathering = [];
  if (drift.values.length > WINDOW) {
    drift.values.shift();
    drift.times.shift();
  }
  drift.sinceLook += 1;
  if (drift.sinceLook < LOOK_EVERY || drift.values.length < LEAST) return false;
  drift.sinceLook = 0;
  return true;
}

export interface Drifting {
  /** ln per point, and over the whole window. */
  readonly slope: number;
  readonly change: number;
  readonly z: number;
  readonly points: number;
  readonly since: number;
}

/** @returns what drifts, or null; the slope is kept either way */
export function driftOf(drift: Drift): Drifting | null {
  const { values, times, slopes } = drift;
  const slope = theilSen(values);
  // What always grew goes on growing: only what differs from the trend of some time ago is news.
  const before = slopes.slice(0, Math.max(0, slopes.length - WINDOW / LOOK_EVERY)).toSorted((a, b) => a - b);
  const usual = before.length >= 2 ? (before[before.length >> 1] ?? 0) : 0;
  slopes.push(Math.round(slope * 1e7) / 1e7);
  if (slopes.length > SLOPES) slopes.shift();
  const excess = slope - usual;
  const change = excess * values.length;
  if (Math.abs(change) <= LEAST_CHANGE) return null;
  // Growth that ends is no shrinking: it has to go that way itself.
  if (slope * values.length * Math.sign(change) < LEAST_CHANGE / 2) return null;
  const against = values.map((value, at) => value - usual * at);
  const flat = values.map((value, at) => value - slope * at);
  const { z } = mannKendall(against, Math.max(0, autocorrelation(flat)));
  return Math.abs(z) > LEAST_Z ? { slope, change, z, points: values.length, since: times[0] ?? 0 } : null;
}

/** A step that was told is no drift: what lies before it moves along. @param points how many belong to the new level already */
export function rebaseDrift(drift: Drift, by: number, points: number): void {
  const from = Math.max(0, drift.values.length - points);
  for (let at = 0; at < from; at += 1) drift.values[at] = Math.round(((drift.values[at] ?? 0) + by) * 1e5) / 1e5;
}
