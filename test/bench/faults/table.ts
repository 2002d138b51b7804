/** The tables people read: on a terminal, and in the README. */
import { readFileSync } from "node:fs";
import { machine, table } from "../table.ts";
import type { Measured, Way } from "./measure.ts";
import { type Cell, type ClassSummary, invisibleAlone, type Summary } from "./summary.ts";

/** `3/3` caught; `1+2/3`: 1 caught, 2 told as a change; `?` a doubt; nothing: does not apply. */
export function cellText(cell: Cell | undefined): string {
  if (cell === undefined) return "";
  const seen = [String(cell.caught), ...(cell.told > 0 ? [`${cell.told}t`] : []), ...(cell.doubt > 0 ? [`${cell.doubt}?`] : [])];
  return `${seen.join("+")}/${cell.planted}`;
}

/** With a baseline and with what a configuration knows, the better of both. */
function helped(cells: Partial<Record<Way, Cell>>): Cell | undefined {
  const { baseline, configured } = cells;
  return configured !== undefined && configured.caught > (baseline?.caught ?? 0) ? configured : baseline;
}

function rowOf(one: ClassSummary, formats: readonly string[]): string[] {
  return formats.map((format) => {
    const cells = one.formats[format];
    if (cells === undefined) return "–";
    const configured = cells.configured !== undefined && helped(cells) === cells.configured ? "c" : "";
    return `${cellText(cells.alone)} → ${cellText(helped(cells))}${configured}`;
  });
}

function totals(
  summary: Summary,
  way: (cells: Partial<Record<Way, Cell>>) => Cell | undefined,
): { caught: number; told: number; planted: number } {
  const cells = summary.classes.flatMap((one) => Object.values(one.formats)).flatMap((each) => way(each) ?? []);
  const sum = (pick: (cell: Cell) => number): number => cells.reduce((all, cell) => all + pick(cell), 0);
  return { caught: sum((cell) => cell.caught), told: sum((cell) => cell.told), planted: sum((cell) => cell.planted) };
}

function sentence(summary: Summary): string {
  const [alone, with_] = [totals(summary, (cells) => cells.alone), totals(summary, helped)];
  const { clean } = summary;
  const real = clean.real === null ? "real documents were not there" : `${clean.real} clean real documents`;
  return (
    `Of ${alone.planted} planted faults ${alone.caught} are caught by the artifact alone, ${with_.caught} with a baseline or a configuration` +
    `${with_.told > 0 ? ` (${with_.told} more are shown as a change to look at)` : ""}. False alarms: ${summary.falseAlarms.length} on ${clean.generated} clean generated and ${real}.`
  );
}

export function printed(summary: Summary, measured: Measured): string {
  const head = `${machine()}\n`;
  const rows = summary.classes.map((one) => [one.fault, ...rowOf(one, summary.formats)]);
  const lines = [
    head,
    table("caught / planted: alone → with baseline (c: with what a configured source knows)", ["fault class", ...summary.formats], rows),
    "",
    "t: told as a change, not failed · ?: neither verified nor failed · –: does not apply",
    "",
    "said by:",
    ...summary.classes.map((one) => `  ${one.fault}: ${caughtBy(one).join(", ") || "nothing"}`),
    "",
    "does not apply:",
    ...summary.classes.flatMap((one) =>
      Object.entries(one.inapplicable).map(([format, reason]) => `  ${one.fault} · ${format}: ${reason}`),
    ),
    "",
    "invisible in the artifact alone:",
    ...summary.classes.flatMap((one) => (invisibleAlone(one).length === 0 ? [] : [`  ${one.fault}: ${invisibleAlone(one).join(", ")}`])),
    "",
    "missed with a baseline too:",
    ...measured.trials
      .filter((trial) => trial.outcome === "missed" && trial.way !== "alone")
      .filter((trial) => !measured.trials.some((other) => sameTrial(trial, other) && other.outcome !== "missed"))
      .map((trial) => `  ${trial.fault} · ${trial.format} (${trial.document}) · ${trial.severity} · ${trial.way}`),
    "",
    ...summary.clean.broken.map((one) => `known to be broken: ${one}`),
    ...summary.falseAlarms.map((one) => `FALSE ALARM: ${one}`),
    sentence(summary),
  ];
  return lines.join("\n");
}

type TrialKey = Pick<Measured["trials"][number], "fault" | "format" | "document" | "severity">;
function sameTrial(one: TrialKey, other: TrialKey): boolean {
  return one.fault === other.fault && one.format === other.format && one.document === other.document && one.severity === other.severity;
}

function caughtBy(one: ClassSummary): readonly string[] {
  const cells = Object.values(one.formats).flatMap((ways) => Object.values(ways));
  return [...new Set(cells.flatMap((cell) => cell.by))].sort();
}

/** For the README. */
export function faultsTable(summary: Summary): string {
  const { formats } = summary;
  const all = (one: ClassSummary, pick: (cells: Partial<Record<Way, Cell>>) => Cell | undefined): string => {
    const cells = Object.values(one.formats).flatMap((each) => pick(each) ?? []);
    const sum = (of: (cell: Cell) => number): number => cells.reduce((total, cell) => total + of(cell), 0);
    const [caught, told, planted] = [sum((cell) => cell.caught), sum((cell) => cell.told), sum((cell) => cell.planted)];
    return planted === 0 ? "–" : `${caught}${told > 0 ? ` + ${told} told` : ""} of ${planted}`;
  };
  return [
    sentence(summary),
    "",
    "| fault class | the artifact alone | with a baseline or a configuration | not seen alone in | does not apply to | said by |",
    "|---|---|---|---|---|---|",
    ...summary.classes.map((one) =>
      [
        "",
        one.fault,
        all(one, (cells) => cells.alone),
        all(one, helped),
        invisibleAlone(one).join(", ") || "–",
        formats.filter((format) => format in one.inapplicable).join(", ") || "–",
        caughtBy(one)
          .map((id) => `\`${id}\``)
          .join(", ") || "–",
        "",
      ]
        .join(" | ")
        .trim(),
    ),
  ].join("\n");
}

/** The README's block, from the figures that `--write` keeps. */
export function committedFaultsTable(): string {
  return faultsTable(JSON.parse(readFileSync(new URL("result.json", import.meta.url), "utf8")) as Summary);
}
