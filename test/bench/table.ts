/** What every benchmark prints: the machine first, then plain tables, a goal beside each figure that has one. */
import { cpus, loadavg, totalmem } from "node:os";

/** Two lines: what ran this, and how busy it was with other things. */
export function machine(): string {
  const all = cpus();
  const model = all[0]?.model.trim() ?? "unknown";
  const load = loadavg()
    .map((one) => one.toFixed(1))
    .join(" ");
  return [
    `machine: ${all.length} cores (${model === "" || /^\d+$/u.test(model) ? `${process.arch}, model ${model}` : model}), ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}, node ${process.version}`,
    `load average: ${load} (1, 5, 15 minutes${(loadavg()[0] ?? 0) > all.length / 2 ? "; busy with other work: wall times are too long, compare CPU" : ""})`,
  ].join("\n");
}

export type Cell = string | number | null;

/** First column to the left, the others to the right; null is a dash. */
export function table(title: string, headers: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cells = [headers, ...rows.map((row) => headers.map((_, index) => cellText(row[index] ?? null)))];
  const widths = headers.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, column) => (column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0))).join(" | ")} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  const [head = [], ...body] = cells;
  return [title, "", line(head), rule, ...body.map(line)].join("\n");
}

function cellText(value: Cell): string {
  if (value === null) return "–";
  return typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: Math.abs(value) < 10 ? 1 : 0 }) : value;
}

/** Greater of the two in the middle where their number is even. Throws where there is none. */
export function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  if (middle === undefined) throw new Error("no values");
  return middle;
}

/** The value that `part` of all are below or equal to. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(part * sorted.length) - 1))] ?? 0;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** A figure and what was wanted of it: `3.2 s (goal < 4 s: met)`. */
export function beside(figure: string, goal: string, met: boolean): string {
  return `${figure} (goal ${goal}: ${met ? "met" : "missed"})`;
}
