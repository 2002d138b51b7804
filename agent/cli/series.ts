/** A series from a file of two columns. What cannot be read is left out and told, never guessed. */
import { AgentError } from "../core/errors.ts";

export interface SeriesRow {
  /** As it was written. */
  readonly timestamp: string | number;
  readonly value: number | null;
  /** In the file, from 1, its header counted. */
  readonly line: number;
}

export interface Series {
  /** In the order of time; rows without a time at their place in the file. */
  readonly rows: readonly SeriesRow[];
  /** Those that count, each with its place among `rows`. */
  readonly runs: readonly { readonly at: number; readonly value: number; readonly row: number }[];
  readonly skipped: readonly { readonly row: number; readonly reason: string }[];
}

const TIME_NAMES = /^(?:timestamp|time|date|datetime|at|ts)$/iu;
const VALUE_NAMES = /^(?:value|bytes|records|duration|seconds|y)$/iu;

/** @param path for messages; @throws AgentError `usage` where nothing in it is a run */
export function readSeries(text: string, path: string): Series {
  const lines = text.replace(/^\uFEFF/u, "").split(/\r?\n/u);
  while (lines.at(-1)?.trim() === "") lines.pop();
  const [first = ""] = lines;
  const separator = [",", ";", "\t"].find((one) => first.includes(one));
  if (separator === undefined)
    throw new AgentError("usage", "no-series", `${path}: Its first line has no two columns.`, {
      mend: "give a CSV with the columns timestamp,value",
    });
  const head = cells(first, separator);
  const named = { time: head.findIndex((one) => TIME_NAMES.test(one)), value: head.findIndex((one) => VALUE_NAMES.test(one)) };
  const headed = momentOf(head[0] ?? "") === null || (named.time >= 0 && named.value >= 0);
  const [timeAt, valueAt] = named.time >= 0 && named.value >= 0 ? [named.time, named.value] : [0, 1];
  const heads = headed ? 1 : 0;
  const read = lines.slice(heads).map((line, place) => {
    const parts = cells(line, separator);
    const written = parts[timeAt] ?? "";
    return { place, written, at: momentOf(written), value: numberOf(parts[valueAt] ?? ""), given: parts[valueAt] ?? "" };
  });
  // Late rows are put in their place; what has no time keeps its neighbours.
  let last = Number.NEGATIVE_INFINITY;
  const keyed = read.map((one) => {
    last = one.at ?? last;
    return { ...one, order: last };
  });
  const ordered = keyed.toSorted((a, b) => a.order - b.order || a.place - b.place);
  const runs: { at: number; value: number; row: number }[] = [];
  const skipped: { row: number; reason: string }[] = [];
  let before: number | null = null;
  for (const [row, one] of ordered.entries()) {
    const reason: string | null =
      one.at === null
        ? "its timestamp is neither ISO 8601 nor seconds or milliseconds since 1970"
        : one.value === null
          ? one.given.trim() === ""
            ? "its value is missing"
            : "its value is no number"
          : one.at === before
            ? "there is a run of the same time before it"
            : null;
    if (reason !== null || one.at === null || one.value === null) {
      skipped.push({ row, reason: reason ?? "it cannot be read" });
      continue;
    }
    before = one.at;
    runs.push({ at: one.at, value: one.value, row });
  }
  if (runs.length === 0)
    throw new AgentError("usage", "no-series", `${path}: No row of it holds a time and a number.`, {
      mend: "give a CSV with the columns timestamp,value",
    });
  return {
    rows: ordered.map(({ written, value, place }) => ({
      timestamp: /^-?\d+(?:\.\d+)?$/u.test(written) ? Number(written) : written,
      value,
      line: place + heads + 1,
    })),
    runs,
    skipped,
  };
}

function cells(line: string, separator: string): string[] {
  return line.split(separator).map((cell) =>
    cell
      .trim()
      .replace(/^"(.*)"$/u, "$1")
      .trim(),
  );
}

function numberOf(text: string): number | null {
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/u.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** ISO 8601 (without a zone: UTC), or seconds or milliseconds since 1970; null where it is neither. */
function momentOf(text: string): number | null {
  if (/^\d+(?:\.\d+)?$/u.test(text)) {
    const value = Number(text);
    return value < 1e11 ? Math.round(value * 1000) : Math.round(value);
  }
  const iso = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(Z|[+-]\d{2}:?\d{2})?)?$/u.exec(text);
  if (iso === null) return null;
  const zone = (iso[3] ?? "Z").replace(/^([+-]\d{2})(\d{2})$/u, "$1:$2");
  const at = Date.parse(`${iso[1] ?? ""}T${iso[2] ?? "00:00"}${zone}`);
  return Number.isNaN(at) ? null : at;
}
