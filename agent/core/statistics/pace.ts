/** What follows from how often runs come: how fast to learn, how long to remember, which seasons can be seen. */
import { HOURS_AND_DAYS, type Smoothing } from "./forecast.ts";

export interface Pace {
  readonly everyMs: number;
  readonly smoothing: Smoothing;
  /** Seasons worth trying, by slots. */
  readonly slots: readonly number[];
  /** Runs after which seasons are known, if there are any. */
  readonly learned: number;
  /** No spike has to be further out than that. */
  readonly spikeMost: number;
  /** Runs after which what a tail was counts for a third. */
  readonly memory: number;
  /** The scale is computed anew every so many runs. */
  readonly freshenEvery: number;
  /** Runs that make one point of the slow series drift is looked for in. */
  readonly driftEvery: number;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export function paceOf(everyMs: number): Pace {
  if (everyMs > 3.5 * DAY) return { ...SLOW, everyMs };
  if (everyMs > 12 * HOUR) return { ...DAILY, everyMs };
  const runsADay = Math.round(DAY / everyMs);
  return {
    everyMs,
    // By the day as fast as a daily series: a level that follows the hours would take the season for itself.
    smoothing: { level: 0.2 / runsADay, trend: 0.02, season: runsADay > 48 ? 0.02 : 0.1 },
    slots: [0, 24, HOURS_AND_DAYS, 168],
    learned: 21 * runsADay,
    spikeMost: 30,
    memory: 2000,
    freshenEvery: runsADay > 48 ? 8 : 3,
    driftEvery: runsADay,
  };
}

const DAILY: Pace = {
  everyMs: DAY,
  smoothing: { level: 0.15, trend: 0.02, season: 0.15 },
  slots: [0, 7],
  learned: 21,
  spikeMost: 16,
  memory: 400,
  freshenEvery: 1,
  driftEvery: 1,
};

const SLOW: Pace = {
  everyMs: 7 * DAY,
  smoothing: { level: 0.2, trend: 0.03, season: 0.2 },
  slots: [0],
  learned: 21,
  spikeMost: 10,
  memory: 150,
  freshenEvery: 1,
  driftEvery: 1,
};
