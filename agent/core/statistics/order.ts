/** Order statistics. Quantiles are of type 7 (Hyndman & Fan 1996: linear between order statistics), as R and NumPy compute them by default. */

/** @param sorted ascending; @returns NaN for an empty list */
export function quantileSorted(sorted: ArrayLike<number>, p: number): number {
  const at = (sorted.length - 1) * p;
  const low = Math.floor(at);
  const a = sorted[low];
  if (a === undefined) return Number.NaN;
  const b = sorted[low + 1] ?? a;
  return a + (at - low) * (b - a);
}

export function quantile(values: ArrayLike<number>, p: number): number {
  return quantileSorted(Float64Array.from(values).sort(), p);
}

export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

/** Makes a median absolute deviation comparable with a standard deviation: 1 / Φ⁻¹(3/4). */
export const MAD_TO_SD = 1.482_602_218_505_602;

/** Median absolute deviation from the median, as it is. */
export function mad(values: ArrayLike<number>): number {
  const middle = median(values);
  return median(Float64Array.from(values, (value) => Math.abs(value - middle)));
}
