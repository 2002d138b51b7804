/** The detector and the peers behind one door, and the series they are given. */
import { backtest } from "../../../agent/core/statistics/backtest.ts";
import type { DetectorPart } from "../../../agent/core/statistics/detector.ts";
import { makeOther, OTHER_SCHEDULES, type OtherSchedule, SHAPES } from "./other.ts";
import { PEERS } from "./peers.ts";
import { type LabelledSeries, makeSeries, REGIMES, type Schedule, SCHEDULES } from "./series.ts";

export type Judge = (series: LabelledSeries) => readonly boolean[];

/** Series of one kind that come equally often; `clean` ones have no event planted. */
export interface Cell {
  readonly regime: string;
  readonly schedule: string;
  readonly events: readonly LabelledSeries[];
  readonly clean: readonly LabelledSeries[];
}

export const OURS = "Restorewatch";
export const GENERATORS = ["own", "other"] as const;
export type Generator = (typeof GENERATORS)[number];

/** @returns where the detector alarms */
export function ours(series: LabelledSeries, falseAlarmsPerYear = 2, without: readonly DetectorPart[] = []): readonly boolean[] {
  const { rows } = backtest(series.rows, { signal: series.signal ?? "bytes", everyMs: series.everyMs, falseAlarmsPerYear, without });
  return rows.map((row) => row.alarm !== null);
}

export const JUDGES: ReadonlyMap<string, Judge> = new Map<string, Judge>([
  [OURS, (series) => ours(series)],
  ...Object.entries(PEERS).map(
    ([name, rule]) =>
      [
        name,
        (series: LabelledSeries) =>
          rule(
            series.rows.map((row) => row.value),
            series.rows.map((row) => row.at),
          ),
      ] as const,
  ),
]);

/** @param each series in a cell, with events and without; of five-minute ones a third */
export function cellsOf(generator: Generator, each: number, seed: number): readonly Cell[] {
  const base = seed * 1_000_003;
  const cell = (
    regime: string,
    schedule: string,
    place: number,
    count: number,
    make: (seed: number, events: boolean) => LabelledSeries,
  ): Cell => {
    const made = (clean: number) => Array.from({ length: count }, (_, at) => make(base + (place * 2 + clean) * 1000 + at, clean === 0));
    return { regime, schedule, events: made(0), clean: made(1) };
  };
  if (generator === "own") {
    const schedules = Object.keys(SCHEDULES) as Schedule[];
    return REGIMES.flatMap((regime, r) =>
      schedules.map((schedule, s) => cell(regime, schedule, r * 3 + s, each, (one, events) => makeSeries(regime, schedule, one, events))),
    );
  }
  const schedules = Object.keys(OTHER_SCHEDULES) as OtherSchedule[];
  return Object.keys(SHAPES).flatMap((shape, r) =>
    schedules.map((schedule, s) =>
      cell(shape, schedule, 500 + r * 4 + s, schedule === "5 minutes" ? Math.ceil(each / 3) : each, (one, events) =>
        makeOther(shape, schedule, one, events),
      ),
    ),
  );
}
