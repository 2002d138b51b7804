/** Draws from distributions, from one seeded source. */
import { seededRandom } from "../../../agent/kit/random.ts";

export interface Draw {
  /** In [0, 1). */
  readonly next: () => number;
  readonly between: (low: number, high: number) => number;
  readonly chance: (share: number) => boolean;
  readonly gauss: () => number;
  /** Of mean 1. */
  readonly gamma: (shape: number) => number;
  readonly student: (degrees: number) => number;
  readonly exponential: () => number;
}

export function drawFrom(seed: number): Draw {
  const random = seededRandom(seed);
  const next = (): number => random.next();
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  /** Marsaglia and Tsang 2000, for shapes of at least 1. */
  const gamma = (shape: number): number => {
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = gauss();
      const v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(1 - next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return (d * v) / shape;
    }
  };
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    chance: (share) => next() < share,
    gauss,
    gamma,
    student: (degrees) => gauss() / Math.sqrt(Array.from({ length: degrees }, gauss).reduce((sum, one) => sum + one * one, 0) / degrees),
    exponential: () => -Math.log(1 - next()),
  };
}
