/**
 * `npm run bench:anomaly`: the detector and what others do, on the same series. `--full`: more of them; `--seed N`: other ones;
 * `--series DIR`: your own, CSV files `timestamp,value,label` with a label (drop, spike, shift, drift) on the first row of an event.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readSeries } from "../../agent/cli/series.ts";
import { backtest, usualDistance } from "../../agent/core/statistics/backtest.ts";
import { changePoints } from "../../agent/core/statistics/changepoints.ts";
import { beginSeries, type DetectorPart, step } from "../../agent/core/statistics/detector.ts";
import { PEERS } from "./anomaly/peers.ts";
import { addTo, emptyScore, f1, rateInterval, type Score } from "./anomaly/score.ts";
import { EVENT_KINDS, type EventKind, type LabelledSeries, makeSeries, REGIMES, type Schedule, SCHEDULES } from "./anomaly/series.ts";
import { tcpd } from "./anomaly/tcpd.ts";

const { values: flags } = parseArgs({
  options: { full: { type: "boolean", default: false }, seed: { type: "string", default: "1" }, series: { type: "string" } },
});
const EACH = flags.full ? 200 : 12;
const BASE = Number(flags.seed) * 1_000_003;
const schedules = Object.keys(SCHEDULES) as Schedule[];

function ours(series: LabelledSeries, falseAlarmsPerYear = 2, without: readonly DetectorPart[] = []): readonly boolean[] {
  const { rows } = backtest(series.rows, { signal: "bytes", everyMs: series.everyMs, falseAlarmsPerYear, without });
  return rows.map((row) => row.alarm !== null);
}

function own(directory: string): LabelledSeries[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".csv"))
    .map((name) => {
      const text = readFileSync(join(directory, name), "utf8");
      const { runs } = readSeries(text, name);
      const labels = text
        .trim()
        .split(/\r?\n/u)
        .slice(1)
        .map((line) => line.split(",")[2]?.trim() ?? "");
      const events = runs.flatMap(({ row }, at) => {
        const kind = labels[row] as EventKind;
        if (!EVENT_KINDS.includes(kind) || labels[row - 1] === kind) return [];
        return [{ kind, from: at, to: at + (kind === "shift" ? 10 : kind === "drift" ? 74 : 0) }];
      });
      return { rows: runs, events, everyMs: usualDistance(runs) };
    });
}

const line = (cells: readonly (string | number)[], widths: readonly number[]): void =>
  console.log(cells.map((cell, at) => String(cell).padEnd(widths[at] ?? 8)).join(" "));
const fixed = (value: number, digits = 2): string => (Number.isFinite(value) ? value.toFixed(digits) : "–");
const shares = (score: Score): string =>
  EVENT_KINDS.map((kind) => {
    const { caught = 0, events = 0 } = score.byKind.get(kind) ?? {};
    return events === 0 ? "  –" : fixed(caught / events);
  }).join(" ");
const delay = (score: Score): string | number => score.shiftDelays.toSorted((a, b) => a - b)[score.shiftDelays.length >> 1] ?? "–";

if (flags.series !== undefined) {
  const mine = own(flags.series);
  for (const [name, rule] of [["Restorewatch", ours] as const, ...Object.entries(PEERS)]) {
    const score = emptyScore();
    for (const one of mine)
      addTo(
        score,
        one,
        name === "Restorewatch"
          ? ours(one)
          : (rule as (typeof PEERS)[string])(
              one.rows.map((row) => row.value),
              one.rows.map((row) => row.at),
            ),
      );
    line([name, `F1 ${fixed(f1(score))}`, `false a year ${fixed(score.falseAlarms / score.years)}`, shares(score)], [36, 10, 22]);
  }
  process.exit(0);
}

const began = performance.now();
console.log(
  `Series: ${EACH} of each of ${REGIMES.length} regimes × ${schedules.length} schedules, with events and without; budget 2 false alarms a series-year.\n`,
);
const widths = [22, 8, 6, 26, 26, 7, 6];
line(
  ["regime", "schedule", "F1", "false a year, events (95 %)", "false a year, clean (95 %)", "delay", "recall drop spike shift drift"],
  widths,
);
const totals = new Map<string, { events: Score; clean: Score; cells: number[] }>();
const all: { readonly regime: string; readonly schedule: Schedule; readonly events: LabelledSeries[]; readonly clean: LabelledSeries[] }[] =
  [];
for (const [r, regime] of REGIMES.entries())
  for (const [s, schedule] of schedules.entries()) {
    const seedOf = (at: number, clean: number): number => BASE + ((r * 3 + s) * 2 + clean) * 1000 + at;
    const made = (clean: boolean) =>
      Array.from({ length: EACH }, (_, at) => makeSeries(regime, schedule, seedOf(at, clean ? 1 : 0), !clean));
    all.push({ regime, schedule, events: made(false), clean: made(true) });
  }
const rate = ({ falseAlarms, years }: Score): string => {
  const [low, high] = rateInterval(falseAlarms, years);
  return `${fixed(falseAlarms / years)} (${fixed(low)}–${fixed(high)})`;
};
for (const { regime, schedule, events, clean } of all) {
  const [withEvents, without] = [emptyScore(), emptyScore()];
  for (const one of events) addTo(withEvents, one, ours(one));
  for (const one of clean) addTo(without, one, ours(one));
  line([regime, schedule, fixed(f1(withEvents)), rate(withEvents), rate(without), delay(withEvents), shares(withEvents)], widths);
}

console.log("\nBeside what others do, over all of these series:");
const names = ["Restorewatch", ...Object.keys(PEERS)];
for (const name of names) {
  const total = { events: emptyScore(), clean: emptyScore(), cells: [] as number[] };
  for (const { events, clean } of all) {
    const judge = (one: LabelledSeries): readonly boolean[] =>
      PEERS[name] === undefined
        ? ours(one)
        : PEERS[name](
            one.rows.map((row) => row.value),
            one.rows.map((row) => row.at),
          );
    const cell = emptyScore();
    for (const one of events) addTo(total.events, one, judge(one));
    for (const one of clean) {
      const raw = judge(one);
      addTo(total.clean, one, raw);
      addTo(cell, one, raw);
    }
    total.cells.push(cell.falseAlarms / cell.years);
  }
  totals.set(name, total);
  line(
    [
      name,
      `F1 ${fixed(f1(total.events))}`,
      `false a year ${fixed(total.clean.falseAlarms / total.clean.years)}, worst cell ${fixed(Math.max(...total.cells), 1)}`,
      `delay ${delay(total.events)}`,
      shares(total.events),
    ],
    [36, 9, 38, 10],
  );
}

console.log("\nWithout one of its parts:");
for (const part of ["rules", "season", "spike", "shift", "drift"] as const) {
  const score = emptyScore();
  for (const { events } of all) for (const one of events) addTo(score, one, ours(one, 2, [part]));
  line([part, `F1 ${fixed(f1(score))}`, `false a year ${fixed(score.falseAlarms / score.years)}`, shares(score)], [10, 9, 22]);
}

console.log("\nWhat is asked for and what comes, clean series:");
for (const budget of [0.5, 1, 2, 4, 8]) {
  const score = emptyScore();
  for (const { clean } of all) for (const one of clean) addTo(score, one, ours(one, budget));
  line([`budget ${budget}`, `realised ${rate(score)}`, `ratio ${fixed(score.falseAlarms / score.years / budget)}`], [12, 28]);
}

const found = tcpd((values) => changePoints(values));
const none = tcpd(() => []);
console.log(
  `\nChange points, ${found.series} series of the TCPD: F1 ${fixed(found.f1, 3)}, cover ${fixed(found.cover, 3)}; no change: ${fixed(none.f1, 3)}, ${fixed(none.cover, 3)}.`,
);

const [sample] = all.filter(({ schedule }) => schedule === "hourly");
const state = beginSeries();
const times: number[] = [];
for (const row of sample?.events[0]?.rows ?? []) {
  const from = performance.now();
  step(state, row, { signal: "bytes", everyMs: 3_600_000, falseAlarmsPerYear: 2 });
  times.push((performance.now() - from) * 1000);
}
console.log(
  `A run: ${fixed(times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0, 1)} µs in the middle; state of an hourly series: ${JSON.stringify(state).length} characters.`,
);
console.log(`Took ${fixed((performance.now() - began) / 1000, 0)} s.`);
