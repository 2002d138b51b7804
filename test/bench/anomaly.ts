/**
 * `npm run bench:anomaly`: the detector and what others do, on the same series. `--generator own|other|both`; `--full`: more of them;
 * `--seed N`: other ones; `--series DIR`: your own; `--export DIR`: writes these; `--json`. See anomaly/README.md.
 */
import { parseArgs } from "node:util";
import { CHANGE_POINT_DEFAULTS, changePoints } from "../../agent/core/statistics/changepoints.ts";
import { beginSeries, step } from "../../agent/core/statistics/detector.ts";
import { exportTo, readFolder } from "./anomaly/folder.ts";
import { type Cell, cellsOf, type Generator, GENERATORS, JUDGES, OURS } from "./anomaly/judges.ts";
import { fixed, printCells, printFrontier, printTotals, rateOf, table } from "./anomaly/print.ts";
import { coldStart, compareRough } from "./anomaly/rough.ts";
import { measureSources, SOURCE_SCHEDULES, type SourceFigures, type SourceSchedule } from "./anomaly/sources.ts";
import { ablate, bestPeer, compare, frontier } from "./anomaly/sections.ts";
import { type Fit, fitOf, leaveOneOut, meanFit, readTcpd } from "./anomaly/tcpd.ts";

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
const COLD = [OURS, "log Holt-Winters, 4 sigma", "EWMA, 3 sigma"];
const EACH: Readonly<Record<Generator, number>> = flags.full ? { own: 200, other: 100 } : { own: 12, other: 6 };

if (flags.series !== undefined) {
  const mine = readFolder(flags.series);
  const cell: Cell = {
    regime: flags.series,
    schedule: "yours",
    events: mine.filter(({ events }) => events.length > 0),
    clean: mine.filter(({ events }) => events.length === 0),
  };
  const { totals } = compare([cell]);
  result["totals"] = totals;
  say(`${mine.length} series of ${flags.series}, ${cell.clean.length} of them without an event:`);
  if (!flags.json) printTotals(totals, []);
} else for (const generator of wanted) measure(generator);

if (flags.series === undefined) {
  await sources();
  common();
}
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
  const rough = compareRough(
    cells.filter(({ schedule }) => schedule === "daily"),
    seed,
  );
  const cold = [...JUDGES].flatMap(([name, judge]) => (COLD.includes(name) ? [{ name, ages: coldStart(cells, judge, seed) }] : []));
  result[generator] = { series: count, ...compared, frontier: points, ablations: parts, rough, coldStart: cold };
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
  say("\nA rough history (daily series; 5 % of runs off by 1.5 to 3 times, 1 % empty, alarms there count neither way), before and after:");
  table(
    ["", "F1", "rough", "recall", "rough", "false a year", "rough"],
    rough.map(({ name, plain, rough: after }) => [
      name,
      ...[plain.f1, after.f1, plain.recall, after.recall, plain.rate, after.rate].map((one) => fixed(one)),
    ]),
  );
  say("\nYoung series: false alarms of clean ones, and recall of −50 %, ×2, +30/−25 % planted at that age:");
  const schedules = [...new Set(cells.map(({ schedule }) => schedule))];
  table(
    ["", "runs", "false a series", ...schedules.map((one) => `${one}, a year`), "drops", "spikes", "shifts"],
    cold.flatMap(({ name, ages }) =>
      ages.map(({ from, to, falseAlarmsPerSeries, rates, recallOf }) => [
        name,
        `${from}–${to - 1}`,
        fixed(falseAlarmsPerSeries, 3),
        ...schedules.map((one) => fixed(rates.get(one) ?? Number.NaN, 1)),
        ...[...recallOf.values()].map((one) => fixed(one)),
      ]),
    ),
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
      ...[...(points.find(({ budget }) => budget === 2)?.bySchedule ?? [])].map(([schedule, { rate }]) => [
        `false alarms a year for a budget of 2, ${schedule}, within 2×`,
        fixed(rate),
        "1–4",
        within(rate, 2),
      ]),
      goal("delay of a shift, runs, at most", own.events.delay, 5, own.events.delay <= 5, 0),
    ],
  );
  say();
}

async function sources(): Promise<void> {
  const figures: SourceFigures[] = [];
  for (const schedule of Object.keys(SOURCE_SCHEDULES) as SourceSchedule[])
    // eslint-disable-next-line no-await-in-loop -- one after the other, on one processor
    figures.push(...(await measureSources(schedule, [0.5, 1, 2, 4, 8], seed)));
  result["sources"] = figures;
  say("## Sources with all signals, nothing the matter with them; one alarm a cause, through the engine\n");
  if (flags.json) return;
  table(
    ["schedule", "sources", "budget", "false a source-year (95 %)", "×", "each signal by itself", "within 2×", "kinds", "told by"],
    figures.map(({ schedule, sources: count, budget, rate, interval, ungrouped, bySignal, byKind }) => [
      schedule,
      String(count),
      fixed(budget, 1),
      rateOf({ rate, interval }),
      fixed(rate / budget),
      fixed(ungrouped),
      within(rate, budget),
      counted(byKind),
      counted(bySignal),
    ]),
  );
  say();
}

function counted(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .toSorted((a, b) => b[1] - a[1])
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}

/** More than asked for breaks the promise; less is evidence that is too short to be so rare, or quiet series. */
function within(rate: number, budget: number): string {
  return rate > 2 * budget ? "not reached" : rate < budget / 2 ? "fewer than asked for" : "reached";
}

function common(): void {
  const series = readTcpd();
  const settings = [1, 1.5, 2, 3, 4, 5, 6, 8, 12, 16].flatMap((penalty) =>
    [0.02, 0.04, 0.06, 0.08, 0.1].map((least) => ({ penalty, least })),
  );
  const found = meanFit(series.map((one) => fitOf(one, changePoints(one.values))));
  const none = meanFit(series.map((one) => fitOf(one, [])));
  const left = leaveOneOut(settings.map((setting) => series.map((one) => fitOf(one, changePoints(one.values, setting)))));
  const most = settings[left.chosen.indexOf(Math.max(...left.chosen))];
  const changes = {
    series: series.length,
    found,
    none,
    leftOut: left.fit,
    settings: settings.length,
    settingsChosen: left.chosen.filter(Boolean).length,
    most,
  };
  result["changePoints"] = changes;
  say(`## Change points, ${series.length} series of the TCPD\n`);
  const { penalty, least } = CHANGE_POINT_DEFAULTS;
  const reach = ({ f1, cover }: Fit): string => (f1 >= 0.76 && cover >= 0.7 ? "reached" : "not reached");
  if (!flags.json)
    table(
      ["", "F1", "cover", "goal .76, .70"],
      [
        [
          `one setting for all (penalty ${penalty}, least ${least}), tuned on these same series`,
          fixed(found.f1, 3),
          fixed(found.cover, 3),
          reach(found),
        ],
        [
          `each left out: the best of ${settings.length} settings on the others (${changes.settingsChosen} different ones, mostly ${most?.penalty}, ${most?.least})`,
          fixed(left.fit.f1, 3),
          fixed(left.fit.cover, 3),
          reach(left.fit),
        ],
        ["no change", fixed(none.f1, 3), fixed(none.cover, 3), reach(none)],
      ],
    );
  say("Only the two numbers are left out so; the method itself was chosen by whoever had seen all of the series.\n");
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
