/**
 * Probabilities of drawing without putting back, by Loader's saddle-point form (C. Loader, "Fast and Accurate Computation of Binomial
 * Probabilities", 2000): no difference of great logarithms, so nothing is lost at a million items.
 */

/** ln(n!) less Stirling's formula. */
function stirlingError(n: number): number {
  const known = STIRLING[n];
  if (known !== undefined) return known;
  const square = n * n;
  return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square) / square) / n;
}

/** By the sum of logarithms while n! is a small number, where the series does not hold yet. */
const STIRLING: readonly number[] = Array.from({ length: 16 }, (_, n) => {
  if (n === 0) return 0;
  let factorial = 1;
  for (let at = 2; at <= n; at += 1) factorial *= at;
  return Math.log(factorial) - ((n + 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI));
});

/** x·ln(x/m) + m − x, without loss where x is near m. */
function deviance(x: number, m: number): number {
  if (Math.abs(x - m) >= 0.1 * (x + m)) return x * Math.log(x / m) + m - x;
  const v = (x - m) / (x + m);
  let sum = (x - m) * v;
  let term = 2 * x * v;
  for (let at = 1; at < 1000; at += 1) {
    term *= v * v;
    const next = sum + term / (2 * at + 1);
    if (next === sum) break;
    sum = next;
  }
  return sum;
}

/** @returns P(exactly x of n), each with probability p; q is 1 − p, given apart so that neither is rounded */
export function binomialPoint(x: number, n: number, p: number, q: number): number {
  if (x < 0 || x > n) return 0;
  if (p === 0) return x === 0 ? 1 : 0;
  if (q === 0) return x === n ? 1 : 0;
  if (x === 0) return n === 0 ? 1 : Math.exp(p < 0.1 ? -deviance(n, n * q) - n * p : n * Math.log(q));
  if (x === n) return Math.exp(q < 0.1 ? -deviance(n, n * p) - n * q : n * Math.log(p));
  const log = stirlingError(n) - stirlingError(x) - stirlingError(n - x) - deviance(x, n * p) - deviance(n - x, n * q);
  return Math.exp(log) * Math.sqrt(n / (2 * Math.PI * x * (n - x)));
}

/**
 * @param bad of `population` items
 * @returns P(exactly x bad among `drawn`)
 */
export function hypergeometricPoint(x: number, population: number, bad: number, drawn: number): number {
  if (x < Math.max(0, drawn - (population - bad)) || x > Math.min(drawn, bad)) return 0;
  if (drawn === 0 || drawn === population) return 1;
  const p = drawn / population;
  const q = (population - drawn) / population;
  return (binomialPoint(x, bad, p, q) * binomialPoint(drawn - x, population - bad, p, q)) / binomialPoint(drawn, population, p, q);
}

/** @returns P(at most x bad among `drawn`) */
export function hypergeometricAtMost(x: number, population: number, bad: number, drawn: number): number {
  const least = Math.max(0, drawn - (population - bad));
  const most = Math.min(drawn, bad);
  if (x < least) return 0;
  if (x >= most) return 1;
  const good = population - bad;
  // The tail that is the smaller is added up, from its greatest term.
  if (x * (population + 2) <= (drawn + 1) * (bad + 1))
    return Math.min(
      1,
      tail(
        hypergeometricPoint(x, population, bad, drawn),
        x,
        least,
        (at) => (at * (good - drawn + at)) / ((bad - at + 1) * (drawn - at + 1)),
        -1,
      ),
    );
  const above = tail(
    hypergeometricPoint(x + 1, population, bad, drawn),
    x + 1,
    most,
    (at) => ((bad - at) * (drawn - at)) / ((at + 1) * (good - drawn + at + 1)),
    1,
  );
  return Math.max(0, 1 - above);
}

/** @returns P(at most x of n) */
export function binomialAtMost(x: number, n: number, p: number): number {
  if (x < 0) return 0;
  if (x >= n) return 1;
  const q = 1 - p;
  if (x <= (n + 1) * p)
    return Math.min(
      1,
      tail(binomialPoint(x, n, p, q), x, 0, (at) => (at * q) / ((n - at + 1) * p), -1),
    );
  return Math.max(0, 1 - tail(binomialPoint(x + 1, n, p, q), x + 1, n, (at) => ((n - at) * p) / ((at + 1) * q), 1));
}

/** @param ratio of the term one step further to the one at `at` */
function tail(first: number, from: number, to: number, ratio: (at: number) => number, step: 1 | -1): number {
  let sum = first;
  let term = first;
  for (let at = from; at !== to; at += step) {
    term *= ratio(at);
    if (sum + term === sum) break;
    sum += term;
  }
  return sum;
}
