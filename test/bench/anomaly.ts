/**
 * `npm run bench:anomaly`: the detector and what others do, on the same series. `--generator own|other|both`; `--full`: more of them;
 * `--seed N`: other ones; `--series DIR`: your own; `--export DIR`: writes these; `--json`. See anomaly/README.md.
 */
import { parseArgs } from "node:util";
import { changePoints } from "../../agent/core/statistics/changepoints.ts";
import { beginSeries, step } from "../../agent/core/statistics/detector.ts";
import { exportTo, readFolder } from "./anomaly/folder.ts";
import { type Cell, cellsOf, type Generator, GENERATORS, OURS } from "./anomaly/judges.ts";
import { fixed, printCells, printFrontier, printTotals, rateOf, table } from "./anomaly/print.ts";
import { ablate, bestPeer, compare, frontier } from "./anomaly/sections.ts";
import { tcpd } from "./anomaly/tcpd.ts";

const { values: flags } = parseArgs({
  options: {
    full: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
    generator: { type: "string", default: "both" },
    series: { type: "string" },
    export: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const seed = Number(flags.seed);
const wanted = GENERATORS.filter((one) => flags.generator === "both" || flags.generator === one);
if (!Number.isSafeInteger(seed) || wanted.length === 0) {
  console.error(`--seed takes a whole number, --generator one of ${GENERATORS.join(", ")}, both.`);
  process.exit(2);
}
const say = (text = ""): void => {
  if (!flags.json) console.log(text);
};
const began = performance.now();
const result: Record<string, unknown> = { seed };
const EACH: Readonly<Record<Generator, number>> = flags.full ? { own: 200, other: 100 } : { own: 12, other: 6 };

if (flags.series !== undefined) {
  const mine = readFolder(flags.series);
  const cell: Cell = { regime: flags.series, schedule: "yours", events: mine, clean: mine.filter(({ events }) => events.length === 0) };
  const { totals } = compare([cell]);
  result["totals"] = totals;
  say(`${mine.length} series of ${flags.series}, ${cell.clean.length} of them without an event:`);
  if (!flags.json) printTotals(totals, []);
} else for (const generator of wanted) measure(generator);

if (flags.series === undefined) common();
const seconds = (performance.now() - began) / 1000;
if (flags.json) {
  const plain = (_: string, value: unknown): unknown => (value instanceof Map ? Object.fromEntries(value) : value);
  console.log(JSON.stringify({ ...result, seconds }, plain, 2));
} else console.log(`Took ${fixed(seconds, 0)} s.`);

function measure(generator: Generator): void {
  const cells = cellsOf(generator, EACH[generator], seed);
  const count = cells.reduce((sum, { events, clean }) => sum + events.length + clean.length, 0);
  if (flags.export !== undefined) say(`Wrote ${exportTo(flags.export, generator, cells)} files to ${flags.export}.`);
  const compared = compare(cells);
  const points = frontier(cells);
  const parts = ablate(cells);
  result[generator] = { series: count, ...compared, frontier: points, ablations: parts };
  if (flags.json) return;
  say(
    `## ${generator === "own" ? "The detector's author's generator" : "A second generator"}: ${count} series, seed ${seed}, budget 2 false alarms a series-year\n`,
  );
  printCells(compared.cells);
  say("\nBeside what others do, over all of these series (last column: what share of events we tell at no more false alarms than they):");
  printTotals(compared.totals, points);
  say("\nWhat is asked for and what comes, by schedule:");
  printFrontier(points);
  say("\nWithout one of its parts:");
  table(
    ["part", "F1", "drops", "spikes", "shifts", "drifts", "false a year, clean (95 %)"],
    parts.map(({ part, events, clean }) => [
      part,
      fixed(events.f1),
      ...Object.values(events.recallOf).map((one) => fixed(one)),
      rateOf(clean),
    ]),
  );
  const own = compared.totals.find(({ name }) => name === OURS);
  const peer = bestPeer(compared.totals);
  if (own === undefined || peer === undefined) return;
  say("\nGoals:");
  const goal = (what: string, value: number, limit: number, reached: boolean, digits = 2): string[] => [
    what,
    fixed(value, digits),
    fixed(limit, digits),
    reached ? "reached" : "not reached",
  ];
  table(
    ["", "figure", "goal", ""],
    [
      goal("F1 by event, at least", own.events.f1, 0.75, own.events.f1 >= 0.75),
      goal(`F1 over the best peer (${peer.name}), at least`, own.events.f1 - peer.events.f1, 0.1, own.events.f1 - peer.events.f1 >= 0.1),
      goal("false alarms a series-year in the worst cell, at most", own.worst, 3, own.worst <= 3),
      goal("delay of a shift, runs, at most", own.events.delay, 5, own.events.delay <= 5, 0),
    ],
  );
  say();
}

function common(): void {
  const found = tcpd((values) => changePoints(values));
  const none = tcpd(() => []);
  result["changePoints"] = { found, none };
  say(
    `Change points, ${found.series} series of the TCPD: F1 ${fixed(found.f1, 3)}, cover ${fixed(found.cover, 3)}; no change: ${fixed(none.f1, 3)}, ${fixed(none.cover, 3)}.`,
  );
  const sample = cellsOf("own", 1, seed).find(({ schedule }) => schedule === "hourly");
  const state = beginSeries();
  const times: number[] = [];
  for (const row of sample?.events[0]?.rows ?? []) {
    const from = performance.now();
    step(state, row, { signal: "bytes", everyMs: 3_600_000, falseAlarmsPerYear: 2 });
    times.push((performance.now() - from) * 1000);
  }
  const cost = { microseconds: times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0, state: JSON.stringify(state).length };
  result["cost"] = cost;
  say(`A run: ${fixed(cost.microseconds, 1)} µs in the middle; state of an hourly series: ${cost.state} characters.`);
}
