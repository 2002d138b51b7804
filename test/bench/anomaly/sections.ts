/** The parts of the measurement: each takes series and gives plain figures, which `print.ts` shows and `--json` writes. */
import type { DetectorPart } from "../../../agent/core/statistics/detector.ts";
import { type Cell, JUDGES, OURS, ours } from "./judges.ts";
import { addTo, emptyScore, f1, merge, precision, rateInterval, recall, type Score } from "./score.ts";
import type { EventKind } from "./series.ts";

/** What a score comes to; NaN where there was nothing to count. */
export interface Figures {
  readonly f1: number;
  readonly precision: number;
  readonly recall: number;
  readonly recallOf: Readonly<Record<EventKind, number>>;
  readonly falseAlarms: number;
  readonly years: number;
  /** False alarms a series-year, and its 95 % interval. */
  readonly rate: number;
  readonly interval: readonly [number, number];
  /** Runs to the first alarm of a shift, in the middle. */
  readonly delay: number;
}

export function figuresOf(score: Score): Figures {
  const { falseAlarms, years, byKind, shiftDelays } = score;
  const share = (kind: EventKind): number => (byKind.get(kind)?.caught ?? 0) / (byKind.get(kind)?.events ?? 0);
  return {
    f1: f1(score),
    precision: precision(score),
    recall: recall(score),
    recallOf: { drop: share("drop"), spike: share("spike"), shift: share("shift"), drift: share("drift") },
    falseAlarms,
    years,
    rate: falseAlarms / years,
    interval: rateInterval(falseAlarms, years),
    delay: shiftDelays.toSorted((a, b) => a - b)[shiftDelays.length >> 1] ?? Number.NaN,
  };
}

export interface CellFigures {
  readonly regime: string;
  readonly schedule: string;
  /** By judge: on series with events, and on clean ones. */
  readonly judges: ReadonlyMap<string, { readonly events: Figures; readonly clean: Figures }>;
}
export interface Total {
  readonly name: string;
  readonly events: Figures;
  readonly clean: Figures;
  /** Of the clean series of one cell, the highest rate. */
  readonly worst: number;
}

export function compare(cells: readonly Cell[]): { readonly cells: readonly CellFigures[]; readonly totals: readonly Total[] } {
  const sums = new Map([...JUDGES.keys()].map((name) => [name, { events: emptyScore(), clean: emptyScore(), worst: 0 }]));
  const figures = cells.map(({ regime, schedule, events, clean }) => {
    const judges = new Map<string, { events: Figures; clean: Figures }>();
    for (const [name, judge] of JUDGES) {
      const [withEvents, without] = [emptyScore(), emptyScore()];
      for (const one of events) addTo(withEvents, one, judge(one));
      for (const one of clean) addTo(without, one, judge(one));
      judges.set(name, { events: figuresOf(withEvents), clean: figuresOf(without) });
      const sum = sums.get(name);
      if (sum === undefined) continue;
      merge(sum.events, withEvents);
      merge(sum.clean, without);
      sum.worst = Math.max(sum.worst, without.falseAlarms / without.years);
    }
    return { regime, schedule, judges };
  });
  const totals = [...sums].map(([name, { events, clean, worst }]) => ({
    name,
    events: figuresOf(events),
    clean: figuresOf(clean),
    worst,
  }));
  return { cells: figures, totals };
}

export const PARTS = ["rules", "season", "spike", "shift", "drift"] as const satisfies readonly DetectorPart[];

/** The detector without one of its parts, on series with events and on clean ones. */
export function ablate(
  cells: readonly Cell[],
): readonly { readonly part: DetectorPart; readonly events: Figures; readonly clean: Figures }[] {
  return PARTS.map((part) => {
    const [withEvents, without] = [emptyScore(), emptyScore()];
    for (const { events, clean } of cells) {
      for (const one of events) addTo(withEvents, one, ours(one, 2, [part]));
      for (const one of clean) addTo(without, one, ours(one, 2, [part]));
    }
    return { part, events: figuresOf(withEvents), clean: figuresOf(without) };
  });
}

export const BUDGETS = [0.5, 1, 2, 4, 8, 16] as const;

export interface BudgetFigures {
  readonly budget: number;
  readonly events: Figures;
  /** Clean series: all of them weighted by their years, and each schedule by itself. */
  readonly clean: Figures;
  readonly bySchedule: ReadonlyMap<string, Figures>;
}

/** What is asked for and what comes: the frontier of false alarms against recall, and what is realised of each budget. */
export function frontier(cells: readonly Cell[]): readonly BudgetFigures[] {
  return BUDGETS.map((budget) => {
    const [withEvents, all] = [emptyScore(), emptyScore()];
    const bySchedule = new Map<string, Score>();
    for (const { schedule, events, clean } of cells) {
      for (const one of events) addTo(withEvents, one, ours(one, budget));
      const own = bySchedule.get(schedule) ?? emptyScore();
      bySchedule.set(schedule, own);
      for (const one of clean) addTo(own, one, ours(one, budget));
    }
    for (const own of bySchedule.values()) merge(all, own);
    return {
      budget,
      events: figuresOf(withEvents),
      clean: figuresOf(all),
      bySchedule: new Map([...bySchedule].map(([schedule, score]) => [schedule, figuresOf(score)])),
    };
  });
}

/** Where a peer lies beside the frontier: recall of the detector at no more false alarms than the peer gives; NaN where it gives fewer than any. */
export function beside(points: readonly BudgetFigures[], peer: Total): number {
  return Math.max(Number.NEGATIVE_INFINITY, ...points.filter((one) => one.clean.rate <= peer.clean.rate).map((one) => one.events.recall));
}

/** @returns the peer with the highest F1 among `totals`, which the detector is not */
export function bestPeer<T extends { readonly name: string; readonly events: Figures }>(totals: readonly T[]): T | undefined {
  return totals.filter(({ name }) => name !== OURS).toSorted((a, b) => b.events.f1 - a.events.f1)[0];
}
