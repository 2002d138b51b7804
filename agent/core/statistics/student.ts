/** Student's t distribution by the incomplete beta function (Abramowitz & Stegun 26.5.27, continued fraction 26.5.8), and its quantile by bisection. */

/** ln Γ(x) for x > 0, by Lanczos' approximation (g = 7, nine coefficients); about fifteen digits. */
export function logGamma(x: number): number {
  const coefficients = [
    0.999_999_999_999_809_93, 676.520_368_121_885_1, -1259.139_216_722_402_8, 771.323_428_777_653_13, -176.615_029_162_140_59,
    12.507_343_278_686_905, -0.138_571_095_265_720_12, 9.984_369_578_019_571_6e-6, 1.505_632_735_149_311_6e-7,
  ];
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const z = x - 1;
  const t = z + 7.5;
  let sum = coefficients[0] ?? 0;
  for (let i = 1; i < coefficients.length; i += 1) sum += (coefficients[i] ?? 0) / (z + i);
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Regularised incomplete beta function I_x(a, b). */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  // Lentz's method.
  let [c, d] = [1, 1 - ((a + b) * x) / (a + 1)];
  d = 1 / (Math.abs(d) < 1e-300 ? 1e-300 : d);
  let h = d;
  for (let m = 1; m < 500; m += 1) {
    for (const numerator of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 + numerator * d;
      d = 1 / (Math.abs(d) < 1e-300 ? 1e-300 : d);
      c = 1 + numerator / c;
      if (Math.abs(c) < 1e-300) c = 1e-300;
      h *= c * d;
    }
    if (Math.abs(c * d - 1) < 1e-16) break;
  }
  return front * h;
}

export function studentCdf(t: number, degrees: number): number {
  const half = incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
  return t > 0 ? 1 - half : half;
}

/** @param p strictly between 0 and 1 */
export function studentQuantile(p: number, degrees: number): number {
  if (p === 0.5) return 0;
  if (p < 0.5) return -studentQuantile(1 - p, degrees);
  // The upper tail, so that no digits are lost near 1.
  const tail = (t: number): number => incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
  let [low, high] = [0, 1];
  while (tail(high) > 1 - p) high *= 2;
  for (let i = 0; i < 200 && high - low > 1e-15 * high; i += 1) {
    const middle = (low + high) / 2;
    if (tail(middle) > 1 - p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** How much wider a band has to be because few runs tell how wide it is: quantiles of t against those of the normal, at 0.9995. */
const INFLATION: readonly number[] = Array.from({ length: 60 }, (_, runs) =>
  runs < 6 ? 3 : studentQuantile(0.9995, Math.max(3, runs * 0.6)) / 3.290_526_731_491_926,
);

/** @param runs that the scale was learned from */
export function studentInflation(runs: number): number {
  return Math.min(3, INFLATION[runs] ?? 1);
}
