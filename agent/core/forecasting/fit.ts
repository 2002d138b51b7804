/**
 * What a request, an item and a byte cost: least squares on as few of the three as explain the times, none below zero, far-off times counting
 * less (Huber 1964). Errors are taken to grow as the time itself does, between a constant and a proportional one (variance ∝ time).
 */
import { mad, MAD_TO_SD } from "../statistics/order.ts";

export interface Sizes {
  /** Of what asks nobody anything: 1, so that there is a fixed cost. */
  readonly requests: number;
  readonly items: number;
  readonly bytes: number;
}

export interface Row extends Sizes {
  readonly ms: number;
}

/** Milliseconds each; never negative. */
export interface UnitCosts {
  readonly request: number;
  readonly item: number;
  readonly byte: number;
}

const ROUNDS = 12;
/** Huber's constant: 95 % as good as least squares where errors are normal. */
const HUBER = 1.345;
/** One cost more has to lessen the loss by this share. */
const WORTH = 0.05;
/** Plainer first: where two explain the times equally well, what grows with the items is taken. */
const SUBSETS: readonly (readonly number[])[] = [[1], [2], [0], [0, 1], [0, 2], [1, 2], [0, 1, 2]];

/** @returns null where there is nothing to learn from */
export function fitCosts(rows: readonly Row[]): UnitCosts | null {
  const used = rows.filter((row) => row.ms > 0 && row.requests + row.items + row.bytes > 0);
  if (used.length === 0) return null;
  const columns = used.map(({ requests, items, bytes }) => [requests, items, bytes]);
  const means = [0, 1, 2].map((at) => columns.reduce((sum, row) => sum + (row[at] ?? 0), 0) / columns.length);
  const scaled = columns.map((row) => row.map((value, at) => value / (means[at] === 0 ? 1 : (means[at] ?? 1))));
  const times = used.map((row) => row.ms);
  const least = Math.max(...times) * 1e-6;
  let fitted = times;
  let best: readonly number[] = [0, 0, 0];
  for (let round = 0; round < ROUNDS; round += 1) {
    const weights = weigh(times, fitted, least, round > 0);
    best = chosen(scaled, times, weights);
    fitted = scaled.map((row) => predict(row, best));
  }
  const [request = 0, item = 0, byte = 0] = best.map((value, at) => (means[at] === 0 ? 0 : value / (means[at] ?? 1)));
  return { request, item, byte };
}

/** Milliseconds. */
export function costOf({ requests, items, bytes }: Sizes, { request, item, byte }: UnitCosts): number {
  return requests * request + items * item + bytes * byte;
}

function weigh(times: readonly number[], fitted: readonly number[], least: number, robust: boolean): readonly number[] {
  const scales = fitted.map((value) => Math.sqrt(Math.max(value, least)));
  if (!robust) return scales.map((scale) => 1 / scale ** 2);
  const residuals = times.map((time, at) => (time - (fitted[at] ?? 0)) / (scales[at] ?? 1));
  const spread = MAD_TO_SD * mad(residuals);
  return scales.map((scale, at) => {
    const far = spread === 0 ? 0 : Math.abs(residuals[at] ?? 0) / (HUBER * spread);
    return 1 / scale ** 2 / Math.max(1, far);
  });
}

function chosen(rows: readonly (readonly number[])[], times: readonly number[], weights: readonly number[]): readonly number[] {
  let best: { readonly values: readonly number[]; readonly loss: number } | null = null;
  for (const subset of SUBSETS) {
    const values = solved(rows, times, weights, subset);
    if (values === null || values.some((value) => value < 0)) continue;
    const raw = rows.reduce((sum, row, at) => sum + (weights[at] ?? 0) * ((times[at] ?? 0) - predict(row, values)) ** 2, 0);
    // What fits to the last digit is not made better by another cost.
    const loss = raw * (1 + WORTH) ** (subset.length - 1);
    if (best === null || loss < best.loss * (1 - 1e-9)) best = { values, loss };
  }
  return best?.values ?? [0, 0, 0];
}

function predict(row: readonly number[], values: readonly number[]): number {
  return row.reduce((sum, value, at) => sum + value * (values[at] ?? 0), 0);
}

/** Normal equations by elimination with pivots; null where the columns cannot be told apart. */
function solved(
  rows: readonly (readonly number[])[],
  times: readonly number[],
  weights: readonly number[],
  subset: readonly number[],
): readonly number[] | null {
  const size = subset.length;
  const matrix = subset.map((i) => [
    ...subset.map((j) => rows.reduce((sum, row, at) => sum + (weights[at] ?? 0) * (row[i] ?? 0) * (row[j] ?? 0), 0)),
    rows.reduce((sum, row, at) => sum + (weights[at] ?? 0) * (row[i] ?? 0) * (times[at] ?? 0), 0),
  ]);
  const scale = Math.max(...matrix.map((row, at) => row[at] ?? 0));
  if (!(scale > 0)) return null;
  for (let at = 0; at < size; at += 1) {
    const pivot = matrix.slice(at).reduce((most, row) => (Math.abs(row[at] ?? 0) > Math.abs(most[at] ?? 0) ? row : most));
    if (!(Math.abs(pivot[at] ?? 0) > scale * 1e-9)) return null;
    const from = matrix.indexOf(pivot);
    [matrix[at], matrix[from]] = [pivot, matrix[at] ?? []];
    for (const row of matrix) {
      if (row === pivot) continue;
      const factor = (row[at] ?? 0) / (pivot[at] ?? 1);
      for (let column = at; column <= size; column += 1) row[column] = (row[column] ?? 0) - factor * (pivot[column] ?? 0);
    }
  }
  const values = [0, 0, 0];
  for (const [at, column] of subset.entries()) values[column] = (matrix[at]?.[size] ?? 0) / (matrix[at]?.[at] ?? 1);
  return values;
}
