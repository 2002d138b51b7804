/** The Turing Change Point Dataset's own measures (van den Burg and Williams 2020): F1 with a margin of five, and cover. */
import { existsSync, readFileSync } from "node:fs";

const DATA = new URL("../../../../shared/data/tcpd/", import.meta.url);
const MARGIN = 5;

/** Members of `truth` that have one of `found` within the margin, each of `found` used once. */
function matched(truth: Iterable<number>, found: Iterable<number>): number {
  const left = new Set(found);
  let count = 0;
  for (const point of [...truth].toSorted((a, b) => a - b)) {
    const near = [...left]
      .filter((one) => Math.abs(one - point) <= MARGIN)
      .toSorted((a, b) => Math.abs(a - point) - Math.abs(b - point))[0];
    if (near === undefined) continue;
    left.delete(near);
    count += 1;
  }
  return count;
}

export function f1Of(annotations: readonly (readonly number[])[], points: readonly number[]): number {
  const found = new Set([0, ...points]);
  const each = annotations.map((one) => new Set([0, ...one]));
  const precision = matched(new Set(each.flatMap((one) => [...one])), found) / found.size;
  const recall = each.reduce((sum, one) => sum + matched(one, found) / one.size, 0) / each.length;
  return (2 * precision * recall) / (precision + recall);
}

function pieces(points: readonly number[], n: number): (readonly [number, number])[] {
  const edges = [...new Set([0, ...points.filter((one) => one > 0 && one < n), n])].toSorted((a, b) => a - b);
  return edges.slice(1).map((end, at) => [edges[at] ?? 0, end] as const);
}

export function coverOf(annotations: readonly (readonly number[])[], points: readonly number[], n: number): number {
  const found = pieces(points, n);
  const one = (truth: readonly number[]): number =>
    pieces(truth, n).reduce((sum, [p, q]) => {
      const best = Math.max(...found.map(([u, v]) => Math.max(0, Math.min(q, v) - Math.max(p, u)) / (Math.max(q, v) - Math.min(p, u))));
      return sum + ((q - p) / n) * best;
    }, 0);
  return annotations.reduce((sum, truth) => sum + one(truth), 0) / annotations.length;
}

export interface Annotated {
  readonly name: string;
  readonly values: readonly number[];
  /** What each person marked. */
  readonly truth: readonly (readonly number[])[];
}

/** The series that are there; a missing value is the one before it. */
export function readTcpd(): readonly Annotated[] {
  const annotations = JSON.parse(readFileSync(new URL("annotations.json", DATA), "utf8")) as Record<string, Record<string, number[]>>;
  return Object.entries(annotations).flatMap(([name, people]) => {
    const file = new URL(`${name}.json`, DATA);
    if (!existsSync(file)) return [];
    const { series } = JSON.parse(readFileSync(file, "utf8")) as { series: { raw: (number | null)[] }[] };
    const values: number[] = [];
    for (const value of series[0]?.raw ?? []) values.push(value ?? values.at(-1) ?? 0);
    return [{ name, values, truth: Object.values(people) }];
  });
}

export interface Fit {
  readonly f1: number;
  readonly cover: number;
}

export function fitOf({ values, truth }: Annotated, points: readonly number[]): Fit {
  return { f1: f1Of(truth, points), cover: coverOf(truth, points, values.length) };
}

export function meanFit(fits: readonly Fit[]): Fit {
  const mean = (of: (fit: Fit) => number): number => fits.reduce((sum, fit) => sum + of(fit), 0) / fits.length;
  return { f1: mean((fit) => fit.f1), cover: mean((fit) => fit.cover) };
}

/**
 * @param fits by setting, then by series
 * @returns each series' fit under the setting that was best (F1 and cover together) on all the others, and how often each setting was chosen
 */
export function leaveOneOut(fits: readonly (readonly Fit[])[]): { readonly fit: Fit; readonly chosen: readonly number[] } {
  const chosen = fits.map(() => 0);
  const each = (fits[0] ?? []).map((_, left): Fit => {
    const sums = fits.map((own) => own.reduce((sum, fit, at) => sum + (at === left ? 0 : fit.f1 + fit.cover), 0));
    const best = sums.indexOf(Math.max(...sums));
    chosen[best] = (chosen[best] ?? 0) + 1;
    return fits[best]?.[left] ?? { f1: Number.NaN, cover: Number.NaN };
  });
  return { fit: meanFit(each), chosen };
}
