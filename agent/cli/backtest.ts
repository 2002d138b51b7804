/** `restorewatch backtest FILE.csv`: how the anomaly detector would have judged a series, run by run. The contract is in anomaly.md. */
import { AgentError, asAgentError } from "../core/errors.ts";
import { backtest, usualDistance } from "../core/statistics/backtest.ts";
import type { Judged } from "../core/statistics/detector.ts";
import type { Signal } from "../core/words.ts";
import { describeCount, describeDuration } from "../core/words-for-people.ts";
import type { Output } from "./output.ts";
import { clean } from "./render.ts";
import { readSeries, type Series } from "./series.ts";

export const BACKTEST_SIGNALS = ["bytes", "records", "duration", "gap"] as const;

export interface BacktestOptions {
  readonly signal: (typeof BACKTEST_SIGNALS)[number];
  /** `daily`, `weekly`, `hourly`, `auto`, or a duration in ms. */
  readonly everyMs: number | "auto";
  /** False alarms a year. */
  readonly budget: number;
  readonly changepoints: boolean;
  readonly output: "text" | "json" | "ndjson";
}

export interface BacktestDeps {
  readonly out: Output;
  /** The file, or standard input for `-`. */
  readonly read: (path: string) => Promise<string>;
}

/** @returns 0 whatever was found: it looked; 2 for a file that is no series */
export async function backtestCommand(path: string, options: BacktestOptions, deps: BacktestDeps): Promise<number> {
  try {
    const series = readSeries(await deps.read(path), path);
    const everyMs = options.everyMs === "auto" ? usualDistance(series.runs) : options.everyMs;
    const { rows, changepoints } = backtest(series.runs, {
      signal: options.signal,
      everyMs,
      falseAlarmsPerYear: options.budget,
      changepoints: options.changepoints,
    });
    // A row is told by its place in the file's order of time, whether it counted or not.
    const places = changepoints?.map((at) => series.runs[at]?.row ?? at) ?? null;
    if (options.output === "ndjson") tellLines(series, rows, places, deps.out);
    else if (options.output === "json") deps.out.line(JSON.stringify(documentOf(series, rows, places, everyMs, options)));
    else for (const line of textOf(series, rows, places, everyMs, options.signal)) deps.out.line(line);
    return 0;
  } catch (thrown) {
    return deps.out.failure(asAgentError(thrown), options.output === "text" ? "text" : "json");
  }
}

/** Where a row stands in the file, as an editor counts. */
function lineOf({ rows }: Series, row: number): number {
  return rows[row]?.line ?? row + 1;
}

interface Line {
  readonly timestamp: string | number;
  readonly value: number | null;
  readonly expected: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
  readonly score: number;
  readonly alarm: Judged["alarm"];
}

function linesOf(series: Series, rows: readonly Judged[]): Line[] {
  const judged = new Map(series.runs.map((run, at) => [run.row, rows[at]]));
  return series.rows.map(({ timestamp, value }, row): Line => {
    const found = judged.get(row);
    const { expected = null, lower = null, upper = null, score = 0, alarm = null } = found ?? {};
    return { timestamp, value, expected: short(expected), lower: short(lower), upper: short(upper), score: short(score) ?? 0, alarm };
  });
}

/** Six digits tell all there is. */
function short(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(6));
}

const LINES_AT_ONCE = 5000;

function tellLines(series: Series, rows: readonly Judged[], changepoints: readonly number[] | null, out: Output): void {
  const lines = linesOf(series, rows).map((line) => JSON.stringify(line));
  for (let at = 0; at < lines.length; at += LINES_AT_ONCE) out.line(lines.slice(at, at + LINES_AT_ONCE).join("\n"));
  if (changepoints !== null) out.line(JSON.stringify({ changepoints }));
  for (const { row, reason } of series.skipped.slice(0, 20)) out.warn(`line ${lineOf(series, row)} was left out: ${reason}`);
  if (series.skipped.length > 20) out.warn(`and ${series.skipped.length - 20} more rows were left out`);
}

function documentOf(
  series: Series,
  rows: readonly Judged[],
  changepoints: readonly number[] | null,
  everyMs: number,
  { signal, budget }: BacktestOptions,
): object {
  const alarms = rows.flatMap((row, at) =>
    row.alarm === null
      ? []
      : [
          {
            row: series.runs[at]?.row ?? at,
            kind: row.alarm,
            since: row.since === null ? null : new Date(row.since).toISOString(),
            sentence: row.sentence,
          },
        ],
  );
  return {
    schema: "restorewatch.backtest/v1",
    signal,
    everySeconds: everyMs / 1000,
    budget,
    rows: linesOf(series, rows),
    alarms,
    alarmsPerYear: yearsOf(series) === 0 ? null : short(alarms.length / yearsOf(series)),
    changepoints,
    skipped: series.skipped.map(({ row, reason }) => ({ row, line: lineOf(series, row), reason })),
  };
}

const YEAR = 365.25 * 86_400_000;

function yearsOf({ runs }: Series): number {
  return ((runs.at(-1)?.at ?? 0) - (runs[0]?.at ?? 0)) / YEAR;
}

function textOf(
  series: Series,
  rows: readonly Judged[],
  changepoints: readonly number[] | null,
  everyMs: number,
  signal: Signal,
): string[] {
  const alarms = rows.filter((row) => row.alarm !== null);
  const years = yearsOf(series);
  const rate = years < 0.05 ? "" : `, ${Math.round((alarms.length / years) * 10) / 10} a year`;
  return [
    `${describeCount(series.runs.length, "run")} of ${signal}, one every ${describeDuration(everyMs)}: ${describeCount(alarms.length, "alarm")}${rate}.`,
    ...alarms.map((row) => `  ${new Date(row.at).toISOString()}  ${(row.alarm ?? "").padEnd(5)}  ${clean(row.sentence ?? "")}`),
    ...(changepoints === null
      ? []
      : [
          changepoints.length === 0
            ? "Nothing new begins anywhere."
            : `Something new begins at lines ${changepoints.map((at) => lineOf(series, at)).join(", ")}.`,
        ]),
    ...series.skipped.slice(0, 20).map(({ row, reason }) => `  line ${lineOf(series, row)} was left out: ${reason}`),
    ...(series.skipped.length > 20 ? [`  and ${series.skipped.length - 20} more rows were left out`] : []),
  ];
}

const SCHEDULES: Readonly<Record<string, number>> = { hourly: 3_600_000, daily: 86_400_000, weekly: 7 * 86_400_000 };

/** @throws AgentError `usage` */
export function scheduleOf(text: string, duration: (text: string) => number | null): number | "auto" {
  if (text === "auto") return "auto";
  const known = SCHEDULES[text] ?? duration(text);
  if (known === null || known <= 0)
    throw new AgentError("usage", "bad-schedule", `--schedule "${text}" is no schedule.`, {
      mend: "write daily, weekly, hourly, auto, or a duration such as 5m",
    });
  return known;
}
