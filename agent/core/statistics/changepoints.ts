/**
 * Since when: the best division of a series into straight pieces, by optimal partitioning (Jackson et al. 2005) with the residuals of a
 * least-squares line as the cost of a piece. What a piece more has to pay for is told by the noise, found in two rounds: first from
 * neighbours, then from what the first division leaves over, and how far that hangs together: an AR(1) process wanders by itself.
 */
import { mad, MAD_TO_SD, median } from "./order.ts";

export interface ChangePointOptions {
  /** Times ln n times the variance of the noise: the price of a piece. */
  readonly penalty: number;
  /** Shortest piece, share of the series. */
  readonly least: number;
}

export const CHANGE_POINT_DEFAULTS: ChangePointOptions = { penalty: 4, least: 0.06 };

/** Longer series are looked at by medians of blocks: the search grows with the square. */
const MOST_POINTS = 1500;

/** @returns first indices of pieces but the first, rising */
export function changePoints(values: readonly number[], options: ChangePointOptions = CHANGE_POINT_DEFAULTS): readonly number[] {
  const block = Math.ceil(values.length / MOST_POINTS);
  if (block === 1) return divide(values, options);
  const blocks = Array.from({ length: Math.ceil(values.length / block) }, (_, at) => median(values.slice(at * block, (at + 1) * block)));
  return divide(blocks, options).map((at) => at * block);
}

function divide(given: readonly number[], { penalty, least }: ChangePointOptions): readonly number[] {
  const values = withoutLoners(given);
  const n = values.length;
  const shortest = Math.max(3, Math.ceil(least * n));
  if (n < 2 * shortest) return [];
  const pieces = linePieces(values);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  // Where nothing varies but once, any noise at all would do; a thousandth of the range is less than anybody sees.
  const floor = Math.max(((high - low) * 1e-3) ** 2, Number.MIN_VALUE);
  const steps = values.slice(1).map((value, at) => Math.abs(value - (values[at] ?? 0)));
  const price = penalty * Math.log(n);
  const first = partition(n, pieces.cost, price * Math.max((median(steps) * MAD_TO_SD) ** 2 / 2, floor), shortest);
  const { variance, rho } = leftOver(values, first, pieces.line);
  const wandering = (1 + rho) / (1 - rho);
  return partition(n, pieces.cost, price * Math.max(variance, floor) * wandering, shortest);
}

/** One value that differs from both of its neighbours, far more than they do from theirs, begins nothing: it is taken for the nearer one. */
function withoutLoners(values: readonly number[]): readonly number[] {
  const off = values.map((value, at) => {
    const [before, after] = [values[at - 1], values[at + 1]];
    if (before === undefined || after === undefined) return 0;
    const middle = Math.max(Math.min(before, after), Math.min(value, Math.max(before, after)));
    return Math.abs(value - middle);
  });
  const steps = values.slice(1).map((value, at) => Math.abs(value - (values[at] ?? 0)));
  const most = LONER * median(steps) * MAD_TO_SD;
  return values.map((value, at) => {
    if ((off[at] ?? 0) <= most || most === 0) return value;
    const [before = value, after = value] = [values[at - 1], values[at + 1]];
    return value > before ? Math.max(before, after) : Math.min(before, after);
  });
}

const LONER = 5;

function partition(n: number, cost: (begin: number, end: number) => number, price: number, shortest: number): number[] {
  const best = new Float64Array(n + 1).fill(Number.POSITIVE_INFINITY);
  const from = new Int32Array(n + 1);
  best[0] = -price;
  for (let end = shortest; end <= n; end += 1)
    for (let begin = 0; begin <= end - shortest; begin += 1) {
      const total = (best[begin] ?? 0) + cost(begin, end) + price;
      if (total < (best[end] ?? 0)) {
        best[end] = total;
        from[end] = begin;
      }
    }
  const points: number[] = [];
  for (let at = from[n] ?? 0; at > 0; at = from[at] ?? 0) points.push(at);
  return points.toReversed();
}

const MOST_RHO = 0.95;

/** What the lines of a division leave over: its variance, robust but no less than half of the plain one, and its lag-1 autocorrelation. */
function leftOver(
  values: readonly number[],
  points: readonly number[],
  line: (begin: number, end: number) => { readonly middle: number; readonly mean: number; readonly slope: number },
): { readonly variance: number; readonly rho: number } {
  const residuals: number[] = [];
  let [own, cross] = [0, 0];
  const edges = [0, ...points, values.length];
  for (const [index, end] of edges.slice(1).entries()) {
    const begin = edges[index] ?? 0;
    const { middle, mean, slope } = line(begin, end);
    for (let at = begin; at < end; at += 1) {
      const residual = (values[at] ?? 0) - mean - slope * (at - middle);
      own += residual * residual;
      if (at > begin) cross += residual * (residuals.at(-1) ?? 0);
      residuals.push(residual);
    }
  }
  const robust = (MAD_TO_SD * mad(residuals)) ** 2;
  const rho = own === 0 ? 0 : Math.min(MOST_RHO, Math.max(0, cross / own));
  return { variance: Math.max(robust, own / values.length / 2), rho };
}

/** Least-squares lines over [begin, end) from running sums: their residual sum of squares, and themselves. */
function linePieces(values: readonly number[]) {
  const n = values.length;
  const centre = values.reduce((sum, value) => sum + value, 0) / n;
  const [sy, sxy, syy] = [new Float64Array(n + 1), new Float64Array(n + 1), new Float64Array(n + 1)];
  for (let at = 0; at < n; at += 1) {
    const y = (values[at] ?? 0) - centre;
    sy[at + 1] = (sy[at] ?? 0) + y;
    sxy[at + 1] = (sxy[at] ?? 0) + at * y;
    syy[at + 1] = (syy[at] ?? 0) + y * y;
  }
  const sums = (begin: number, end: number) => {
    const m = end - begin;
    const y = (sy[end] ?? 0) - (sy[begin] ?? 0);
    // Places counted from the middle of the piece.
    const middle = begin + (m - 1) / 2;
    return { m, y, middle, xy: (sxy[end] ?? 0) - (sxy[begin] ?? 0) - middle * y, xx: (m * (m * m - 1)) / 12 };
  };
  return {
    cost(begin: number, end: number): number {
      const { m, y, xy, xx } = sums(begin, end);
      const yy = (syy[end] ?? 0) - (syy[begin] ?? 0) - (y * y) / m;
      return Math.max(0, yy - (xx === 0 ? 0 : (xy * xy) / xx));
    },
    line(begin: number, end: number) {
      const { m, y, middle, xy, xx } = sums(begin, end);
      return { middle, mean: centre + y / m, slope: xx === 0 ? 0 : xy / xx };
    },
  };
}
