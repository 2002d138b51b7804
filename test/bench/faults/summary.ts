/** What is kept of a run and printed: detection per class and format, in figures that do not change with the machine. */
import type { Measured, Outcome, Trial, Way } from "./measure.ts";
import type { RealResult } from "./real.ts";
import { FAULT_CLASSES } from "./classes.ts";

export interface Cell {
  readonly planted: number;
  readonly caught: number;
  readonly told: number;
  readonly doubt: number;
  /** Names of severities that were neither caught nor told. */
  readonly missed: readonly string[];
  readonly by: readonly string[];
}

export interface ClassSummary {
  readonly fault: string;
  readonly severities: readonly string[];
  /** By format; formats it does not apply to are in `inapplicable`. */
  readonly formats: Readonly<Record<string, Partial<Record<Way, Cell>>>>;
  readonly inapplicable: Readonly<Record<string, string>>;
}

export interface Summary {
  readonly seed: number;
  readonly formats: readonly string[];
  readonly classes: readonly ClassSummary[];
  readonly clean: { readonly generated: number; readonly real: number | null; readonly broken: readonly string[] };
  /** One line each; empty is the goal. */
  readonly falseAlarms: readonly string[];
}

export function summaryOf(measured: Measured, real: readonly RealResult[] | null, seed: number): Summary {
  const formats = [...new Set(measured.clean.map((one) => one.format))];
  const classes = FAULT_CLASSES.flatMap((fault): ClassSummary[] => {
    const trials = measured.trials.filter((trial) => trial.fault === fault.id);
    const inapplicable = measured.inapplicable.filter((one) => one.fault === fault.id);
    if (trials.length + inapplicable.length === 0) return [];
    const applied = formats.filter((format) => trials.some((trial) => trial.format === format));
    return [
      {
        fault: fault.id,
        severities: fault.severities.map((severity) => severity.name),
        formats: Object.fromEntries(applied.map((format) => [format, ways(trials.filter((trial) => trial.format === format))])),
        inapplicable: Object.fromEntries(
          inapplicable.filter((one) => !applied.includes(one.format)).map((one) => [one.format, one.reason]),
        ),
      },
    ];
  });
  const alarmed = [...measured.clean, ...(real ?? [])].flatMap((one) =>
    one.falseAlarms.map((alarm) => `${one.format}, ${one.document}: ${alarm}`),
  );
  const broken = (real ?? []).flatMap((one) =>
    one.broken === null ? [] : [`${one.document}: ${one.broken.why}${one.broken.said ? "" : " (not said)"}`],
  );
  const whole = real?.filter((one) => one.broken === null).length ?? null;
  return { seed, formats, classes, clean: { generated: measured.clean.length, real: whole, broken }, falseAlarms: alarmed };
}

function ways(trials: readonly Trial[]): Partial<Record<Way, Cell>> {
  const all: readonly Way[] = ["alone", "baseline", "configured"];
  return Object.fromEntries(
    all.flatMap((way) => {
      const own = trials.filter((trial) => trial.way === way);
      return own.length === 0 ? [] : [[way, cellOf(own)]];
    }),
  );
}

function cellOf(trials: readonly Trial[]): Cell {
  const count = (outcome: Outcome): number => trials.filter((trial) => trial.outcome === outcome).length;
  const missed = trials.filter((trial) => trial.outcome === "missed").map((trial) => trial.severity);
  return {
    ...{ planted: trials.length, caught: count("caught"), told: count("told"), doubt: count("doubt") },
    missed: [...new Set(missed)],
    by: [...new Set(trials.flatMap((trial) => trial.by))].sort(),
  };
}

/** Where nothing was seen of it by itself in any format, and something was with a baseline or a configuration. */
export function invisibleAlone(one: ClassSummary): readonly string[] {
  return Object.entries(one.formats)
    .filter(([, cell]) => cell.alone !== undefined && cell.alone.caught + cell.alone.told + cell.alone.doubt === 0)
    .map(([format]) => format);
}
