/** Labelled series as files, for other people's detectors and generators; the format is in README.md beside this. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readSeries } from "../../../agent/cli/series.ts";
import { usualDistance } from "../../../agent/core/statistics/backtest.ts";
import { type Signal, SIGNALS } from "../../../agent/core/words.ts";
import type { Cell } from "./judges.ts";
import { EVENT_KINDS, type EventKind, type LabelledSeries, type Planted } from "./series.ts";

const TIME_NAMES = /^(?:timestamp|time|date|datetime|at|ts)$/u;
/** Rows in which a kind may be told, where a file labels only the first. */
const USUAL: Readonly<Record<EventKind, number>> = { drop: 0, spike: 0, shift: 10, drift: 74 };

/** @param name of the file; what stands after its last double hyphen is the signal: `x--records.csv` */
export function parseLabelled(text: string, name: string): LabelledSeries {
  const lines = text
    .replace(/^\uFEFF/u, "")
    .trim()
    .split(/\r?\n/u);
  const separator = [",", ";", "\t"].find((one) => (lines[0] ?? "").includes(one)) ?? ",";
  const cells = (line: string): string[] => line.split(separator).map((one) => one.replaceAll('"', "").trim());
  const head = cells((lines[0] ?? "").toLowerCase());
  const [timeAt, labelAt] = [
    Math.max(
      0,
      head.findIndex((one) => TIME_NAMES.test(one)),
    ),
    head.indexOf("label"),
  ];
  const { runs } = readSeries(text, name);
  // The same times with the number of their line for a value: what is read of both belongs together.
  const numbered = lines.map((line, at) => `${cells(line)[timeAt] ?? ""},${at}`).slice(1);
  const lineOf = new Map<number, number>();
  for (const { at, value } of readSeries(["timestamp,value", ...numbered].join("\n"), name).runs) lineOf.set(at, value);
  const labelled = runs.map(({ at }) => (labelAt < 0 ? "" : (cells(lines[lineOf.get(at) ?? 0] ?? "")[labelAt] ?? "")));
  const events: Planted[] = [];
  for (const [at, label] of labelled.entries()) {
    const kind = EVENT_KINDS.find((one) => one === label);
    if (kind === undefined || labelled[at - 1] === label) continue;
    let last = at;
    while (labelled[last + 1] === label) last += 1;
    events.push({ kind, from: at, to: last > at ? last : Math.min(runs.length - 1, at + USUAL[kind]) });
  }
  const signal = SIGNALS.find((one) => one === /--([a-z_]+)\.csv$/u.exec(name)?.[1]);
  return {
    rows: runs.map(({ at, value }) => ({ at, value })),
    events,
    everyMs: usualDistance(runs),
    ignored: new Set(labelled.flatMap((label, at) => (label === "ignore" ? [at] : []))),
    ...(signal === undefined ? {} : { signal }),
  };
}

export function readFolder(directory: string): readonly LabelledSeries[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".csv"))
    .toSorted()
    .map((name) => parseLabelled(readFileSync(join(directory, name), "utf8"), name));
}

export function writeLabelled({ rows, events, ignored }: LabelledSeries): string {
  const label = (at: number): string =>
    events.find((event) => at >= event.from && at <= event.to)?.kind ?? (ignored?.has(at) === true ? "ignore" : "");
  return ["timestamp,value,label", ...rows.map(({ at, value }, row) => `${new Date(at).toISOString()},${value},${label(row)}`), ""].join(
    "\n",
  );
}

/** One file a series. @returns how many were written */
export function exportTo(directory: string, generator: string, cells: readonly Cell[]): number {
  mkdirSync(directory, { recursive: true });
  const plain = (text: string): string => text.replaceAll(/[^a-z0-9]+/giu, "-");
  let count = 0;
  for (const { regime, schedule, events, clean } of cells)
    for (const [which, list] of [["events", events] as const, ["clean", clean] as const])
      for (const [at, one] of list.entries()) {
        const signal: Signal = one.signal ?? "bytes";
        writeFileSync(
          join(directory, `${generator}-${plain(regime)}-${plain(schedule)}-${which}-${at}--${signal}.csv`),
          writeLabelled(one),
        );
        count += 1;
      }
  return count;
}
