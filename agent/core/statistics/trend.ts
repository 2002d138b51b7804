/** Robust trend: slope by Theil (1950) and Sen (1968); test by Mann (1945) and Kendall (1975), corrected for ties and for AR(1). */
import { quantileSorted } from "./order.ts";

/** Median of the slopes of all pairs; NaN with fewer than two. @param xs strictly rising, or null: 0, 1, 2, … */
export function theilSen(ys: readonly number[], xs: readonly number[] | null = null): number {
  const n = ys.length;
  const slopes = new Float64Array((n * (n - 1)) / 2);
  let at = 0;
  for (let i = 0; i < n; i += 1)
    for (let j = i + 1; j < n; j += 1) {
      const dx = xs === null ? j - i : (xs[j] ?? 0) - (xs[i] ?? 0);
      slopes[at] = ((ys[j] ?? 0) - (ys[i] ?? 0)) / dx;
      at += 1;
    }
  return quantileSorted(slopes.sort(), 0.5);
}

export interface MannKendall {
  /** Pairs that rise minus pairs that fall. */
  readonly s: number;
  readonly variance: number;
  /** Normal deviate with continuity correction; 0 where nothing varies. */
  readonly z: number;
}

/**
 * @param rho lag-1 autocorrelation of the detrended series; a positive one widens the variance by the factor of an AR(1) process
 *   (Hamed & Rao 1998, with all its autocorrelations ρ^k)
 */
export function mannKendall(ys: readonly number[], rho = 0): MannKendall {
  const n = ys.length;
  let s = 0;
  for (let i = 0; i < n; i += 1) for (let j = i + 1; j < n; j += 1) s += Math.sign((ys[j] ?? 0) - (ys[i] ?? 0));
  let variance = (n * (n - 1) * (2 * n + 5)) / 18;
  for (const ties of tieGroups(ys)) variance -= (ties * (ties - 1) * (2 * ties + 5)) / 18;
  if (rho > 0 && n > 2) {
    let sum = 0;
    for (let k = 1; k < n - 1; k += 1) sum += (n - k) * (n - k - 1) * (n - k - 2) * rho ** k;
    variance *= 1 + (2 / (n * (n - 1) * (n - 2))) * sum;
  }
  return { s, variance, z: variance <= 0 || s === 0 ? 0 : (s - Math.sign(s)) / Math.sqrt(variance) };
}

function tieGroups(ys: readonly number[]): number[] {
  const counts = new Map<number, number>();
  for (const y of ys) counts.set(y, (counts.get(y) ?? 0) + 1);
  return [...counts.values()].filter((count) => count > 1);
}

/** Lag-1 autocorrelation about the mean; 0 where nothing varies. */
export function autocorrelation(ys: readonly number[]): number {
  const mean = ys.reduce((sum, y) => sum + y, 0) / ys.length;
  let [cross, own] = [0, 0];
  for (const [at, y] of ys.entries()) {
    own += (y - mean) ** 2;
    if (at > 0) cross += (y - mean) * ((ys[at - 1] ?? 0) - mean);
  }
  return own === 0 ? 0 : cross / own;
}
