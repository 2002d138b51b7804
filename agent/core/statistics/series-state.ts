/** What the detector keeps of a series, what goes into it and what comes out. */
import type { AlarmKind, Signal } from "../words.ts";
import { beginDrift, type Drift } from "./drift.ts";
import type { Forecast } from "./forecast.ts";
import { DAY_PRIOR, SHIFT_PRIOR, SPIKE_PRIOR } from "./priors.ts";
import { emptyTail, type Tail } from "./tail.ts";

export type DetectorPart = "rules" | "season" | "spike" | "shift" | "drift";

export interface DetectorOptions {
  readonly signal: Signal;
  /** Expected time between runs, ms; null: a day. */
  readonly everyMs: number | null;
  /** Of this series alone; see `budgetOf`. */
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

export interface Active {
  readonly kind: AlarmKind;
  readonly since: number;
  inside: number;
  outside: number;
}

/** One of the last runs: its value, and the level it should have had by what was known before it. */
export interface Recent {
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
  told: { at: number; error: number; until?: number }[];
  active: Active[];
}

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
