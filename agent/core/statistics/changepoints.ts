/**
 * Since when: the best division of a series into straight pieces, by optimal partitioning (Jackson et al. 2005) with the cost of a
 * least-squares line a piece, and a penalty of the number of pieces that grows with the noise between neighbours.
 */
import { MAD_TO_SD, mad } from "./order.ts";

export interface ChangePointOptions {
  /** Times ln n times the variance of the noise. */
  readonly penalty: number;
  /** Shortest piece, share of the series. */
  readonly least: number;
}

export const CHANGE_POINT_DEFAULTS: ChangePointOptions = { penalty: 12, least: 0.06 };

/** @returns first indices of pieces but the first, rising */
export function changePoints(values: readonly number[], options: ChangePointOptions = CHANGE_POINT_DEFAULTS): readonly number[] {
  const n = values.length;
  const least = Math.max(3, Math.ceil(options.least * n));
  if (n < 2 * least) return [];
  const noise = noiseOf(values);
  const penalty = options.penalty * Math.log(n) * noise * noise;
  const cost = lineCosts(values);
  const best = new Float64Array(n + 1).fill(Number.POSITIVE_INFINITY);
  const from = new Int32Array(n + 1);
  best[0] = -penalty;
  for (let end = least; end <= n; end += 1)
    for (let begin = 0; begin <= end - least; begin += 1) {
      const before = best[begin] ?? Number.POSITIVE_INFINITY;
      if (before === Number.POSITIVE_INFINITY) continue;
      const total = before + cost(begin, end) + penalty;
      if (total < (best[end] ?? 0)) {
        best[end] = total;
        from[end] = begin;
      }
    }
  const points: number[] = [];
  for (let at = from[n] ?? 0; at > 0; at = from[at] ?? 0) points.push(at);
  return points.reverse();
}

/** Standard deviation of the noise, from second differences: neither level nor slope is in it. */
function noiseOf(values: readonly number[]): number {
  const differences: number[] = [];
  for (let at = 2; at < values.length; at += 1) differences.push((values[at] ?? 0) - 2 * (values[at - 1] ?? 0) + (values[at - 2] ?? 0));
  const found = (MAD_TO_SD * mad(differences)) / Math.sqrt(6);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return Math.max(found, (high - low) * 1e-3, Number.MIN_VALUE);
}

/** Residual sum of squares of the best line over [begin, end), from running sums. */
function lineCosts(values: readonly number[]): (begin: number, end: number) => number {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const [sy, sxy, syy] = [new Float64Array(n + 1), new Float64Array(n + 1), new Float64Array(n + 1)];
  for (let at = 0; at < n; at += 1) {
    const y = (values[at] ?? 0) - mean;
    sy[at + 1] = (sy[at] ?? 0) + y;
    sxy[at + 1] = (sxy[at] ?? 0) + at * y;
    syy[at + 1] = (syy[at] ?? 0) + y * y;
  }
  return (begin, end) => {
    const m = end - begin;
    const y = (sy[end] ?? 0) - (sy[begin] ?? 0);
    const yy = (syy[end] ?? 0) - (syy[begin] ?? 0) - (y * y) / m;
    // x counted from the middle of the piece.
    const middle = begin + (m - 1) / 2;
    const xy = (sxy[end] ?? 0) - (sxy[begin] ?? 0) - middle * y;
    const xx = (m * (m * m - 1)) / 12;
    return Math.max(0, yy - (xx === 0 ? 0 : (xy * xy) / xx));
  };
}
