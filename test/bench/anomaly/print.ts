/** Figures as tables for a terminal. */
import { OURS } from "./judges.ts";
import type { BudgetFigures, CellFigures, Figures, Total } from "./sections.ts";
import { beside, bestPeer } from "./sections.ts";
import { EVENT_KINDS } from "./series.ts";

export const fixed = (value: number, digits = 2): string => (Number.isFinite(value) ? value.toFixed(digits) : "–");

/** Columns as wide as what is in them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((cell, at) => Math.max(cell.length, ...rows.map((row) => row[at]?.length ?? 0)));
  for (const row of [head, ...rows])
    console.log(
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}

export const rateOf = ({ rate, interval }: Pick<Figures, "rate" | "interval">): string =>
  `${fixed(rate)} (${fixed(interval[0])}–${fixed(interval[1])})`;
const recalls = ({ recallOf }: Figures): string[] => EVENT_KINDS.map((kind) => fixed(recallOf[kind]));
const RECALLS = EVENT_KINDS.map((kind) => `${kind}s`);

export function printCells(cells: readonly CellFigures[]): void {
  table(
    [
      "regime",
      "schedule",
      "F1",
      "precision",
      ...RECALLS,
      "delay",
      "false a year, events (95 %)",
      "false a year, clean (95 %)",
      "best peer here",
    ],
    cells.flatMap(({ regime, schedule, judges }) => {
      const own = judges.get(OURS);
      if (own === undefined) return [];
      const peer = bestPeer([...judges].map(([name, { events, clean }]) => ({ name, events, clean })));
      const { events, clean } = own;
      return [
        [
          regime,
          schedule,
          fixed(events.f1),
          fixed(events.precision),
          ...recalls(events),
          fixed(events.delay, 0),
          rateOf(events),
          rateOf(clean),
          peer === undefined ? "–" : `F1 ${fixed(peer.events.f1)}, false ${fixed(peer.clean.rate, 1)} a year: ${peer.name}`,
        ],
      ];
    }),
  );
}

export function printTotals(totals: readonly Total[], points: readonly BudgetFigures[]): void {
  table(
    ["", "F1", "precision", "recall", ...RECALLS, "delay", "false a year, events", "clean (95 %)", "worst cell", "our recall at no more"],
    totals.map((total) => [
      total.name,
      fixed(total.events.f1),
      fixed(total.events.precision),
      fixed(total.events.recall),
      ...recalls(total.events),
      fixed(total.events.delay, 0),
      fixed(total.events.rate),
      rateOf(total.clean),
      fixed(total.worst, 1),
      total.name === OURS || points.length === 0 ? "" : fixed(beside(points, total)),
    ]),
  );
}

export function printFrontier(points: readonly BudgetFigures[]): void {
  const schedules = [...(points[0]?.bySchedule.keys() ?? [])];
  table(
    ["budget", "F1", "recall", ...schedules.map((one) => `${one}: false a year (95 %), ×`), "all"],
    points.map(({ budget, events, clean, bySchedule }) => [
      fixed(budget, 1),
      fixed(events.f1),
      fixed(events.recall),
      ...schedules.map((schedule) => {
        const one = bySchedule.get(schedule);
        return one === undefined ? "–" : `${rateOf(one)}, ${fixed(one.rate / budget)}`;
      }),
      `${fixed(clean.rate)}, ${fixed(clean.rate / budget)}`,
    ]),
  );
}
