/** The detector over a whole series, as it would have judged each run when it came. */
import type { Signal } from "../words.ts";
import { changePoints } from "./changepoints.ts";
import { beginSeries, type DetectorPart, type Judged, step } from "./detector.ts";
import { median } from "./order.ts";

export interface BacktestOptions {
  readonly signal: Signal;
  /** `auto`: the median distance of the runs. */
  readonly everyMs: number | "auto";
  readonly falseAlarmsPerYear: number;
  readonly without?: readonly DetectorPart[];
  readonly changepoints?: boolean;
}

export interface Backtest {
  readonly rows: readonly Judged[];
  /** Indices at which something new begins; null where they were not asked for. */
  readonly changepoints: readonly number[] | null;
}

const DAY = 86_400_000;

/** @param rows in the order of their times */
export function backtest(rows: readonly { readonly at: number; readonly value: number }[], options: BacktestOptions): Backtest {
  const { signal, falseAlarmsPerYear, without } = options;
  const everyMs = options.everyMs === "auto" ? usualDistance(rows) : options.everyMs;
  const state = beginSeries();
  const given = { signal, everyMs, falseAlarmsPerYear, ...(without === undefined ? {} : { without }) };
  const judged = rows.map((row) => step(state, row, given).judged);
  return { rows: judged, changepoints: options.changepoints === true ? changePoints(rows.map((row) => row.value)) : null };
}

/** Median distance of neighbours, ms; a day where there are fewer than two. */
export function usualDistance(rows: readonly { readonly at: number }[]): number {
  const distances = rows
    .slice(1)
    .map((row, index) => row.at - (rows[index]?.at ?? row.at))
    .filter((ms) => ms > 0);
  return distances.length === 0 ? DAY : median(distances);
}
