/** Bounds beside tables in whole numbers, worked out here from the definition, and beside the truth in simulation. */
import { describe, expect, test } from "vitest";
import {
  boundOf,
  boundsOf,
  clopperPearsonUpper,
  describeBound,
  fewerThan,
  zeroFailureSize,
} from "../../../../agent/core/sampling/bounds.ts";
import { binomialAtMost, hypergeometricAtMost } from "../../../../agent/core/sampling/hypergeometric.ts";
import { seededRandom } from "../../../../agent/kit/random.ts";

/** Pascal's triangle in whole numbers: no formula is shared with what is tested. */
const PASCAL: bigint[][] = [[1n]];
for (let n = 1; n <= 400; n += 1) {
  const above = PASCAL[n - 1] ?? [];
  PASCAL.push(Array.from({ length: n + 1 }, (_, k) => (above[k - 1] ?? 0n) + (above[k] ?? 0n)));
}
function ways(n: number, k: number): bigint {
  return k < 0 ? 0n : (PASCAL[n]?.[k] ?? 0n);
}

/** P(at most x) as a fraction, by counting samples. */
function counted(x: number, population: number, bad: number, drawn: number): readonly [bigint, bigint] {
  let sum = 0n;
  for (let at = 0; at <= x; at += 1) sum += ways(bad, at) * ways(population - bad, drawn - at);
  return [sum, ways(population, drawn)];
}

function ratio([over, under]: readonly [bigint, bigint]): number {
  return Number((over * 10n ** 30n) / under) / 1e30;
}

describe("exact", () => {
  test("every chance of every population up to 24 is right to 1e-9 of itself", () => {
    let looked = 0;
    for (let population = 0; population <= 24; population += 1)
      for (let bad = 0; bad <= population; bad += 1)
        for (let drawn = 0; drawn <= population; drawn += 1)
          for (let x = 0; x <= drawn; x += 1) {
            const truth = ratio(counted(x, population, bad, drawn));
            const told = hypergeometricAtMost(x, population, bad, drawn);
            if (Math.abs(told - truth) > 1e-9 * truth) expect([population, bad, drawn, x, told]).toBe(truth);
            looked += 1;
          }
    expect(looked).toBeGreaterThan(40_000);
  });

  test("and of larger ones", () => {
    const random = seededRandom(7);
    for (let n = 0; n < 2000; n += 1) {
      const population = 1 + Math.floor(random.next() * 400);
      const bad = Math.floor(random.next() * (population + 1));
      const drawn = Math.floor(random.next() * (population + 1));
      const x = Math.floor(random.next() * (Math.min(bad, drawn) + 1));
      const truth = ratio(counted(x, population, bad, drawn));
      // Below what thirty digits can tell, only that it is nothing.
      const told = hypergeometricAtMost(x, population, bad, drawn);
      expect(Math.abs(told - truth)).toBeLessThanOrEqual(1e-9 * truth + 1e-20);
    }
  });

  test("a million items: beside a product in whole numbers", () => {
    // None among 3,000 drawn of 1,000,000 with 700 bad: the chance is the product over the bad ones of not being drawn.
    let [over, under] = [1n, 1n];
    for (let at = 0; at < 700; at += 1) {
      over *= BigInt(1_000_000 - 3000 - at);
      under *= BigInt(1_000_000 - at);
    }
    const truth = ratio([over, under]);
    expect(Math.abs(hypergeometricAtMost(0, 1_000_000, 700, 3000) / truth - 1)).toBeLessThan(1e-9);
  });

  test.each([0.8, 0.9, 0.95, 0.99])("K* is the smallest, for every sample of populations up to 30, at %d", (confidence) => {
    const alpha = BigInt(Math.round((1 - confidence) * 100));
    for (let population = 1; population <= 30; population += 1)
      for (let sampled = 0; sampled <= population; sampled += 1)
        for (let bad = 0; bad <= sampled; bad += 1) {
          let least = bad + 1;
          for (; least <= population; least += 1) {
            const [over, under] = counted(bad, population, least, sampled);
            if (over * 100n <= under * alpha) break;
          }
          expect(fewerThan({ population, sampled, bad }, confidence)).toBe(Math.min(least, population - sampled + bad + 1));
        }
  });

  test.each([
    [100, 95],
    [1000, 258],
    [10_000, 294],
    [null, 299],
  ])("none bad of a population of %s: %i are enough for 1 %% at 95 %%", (population, size) => {
    expect(zeroFailureSize(population, 0.01, 0.95)).toBe(size);
    if (population === null) return;
    expect(boundOf({ population, sampled: size, bad: 0 }, 0.95).badRateUpper).toBeLessThanOrEqual(0.01);
    expect(boundOf({ population, sampled: size - 1, bad: 0 }, 0.95).badRateUpper).toBeGreaterThan(0.01);
  });

  test("459 at 99 %, and the size grows towards the limit", () => {
    expect(zeroFailureSize(null, 0.01, 0.99)).toBe(459);
    expect(zeroFailureSize(10_000_000, 0.01, 0.99)).toBe(459);
  });

  test("millions take no time", () => {
    const from = performance.now();
    for (let bad = 0; bad < 200; bad += 1) fewerThan({ population: 50_000_000, sampled: 100_000, bad: bad * 10 }, 0.95);
    expect(performance.now() - from).toBeLessThan(3000);
  });
});

describe("without end", () => {
  test.each([
    [0, 299],
    [1, 50],
    [3, 1000],
    [17, 40],
    [999, 1000],
  ])("%i bad of %i: at the bound, the chance of so few is what is left of the confidence", (bad, sampled) => {
    for (const confidence of [0.9, 0.95, 0.99]) {
      const upper = clopperPearsonUpper(bad, sampled, confidence);
      // The chance in whole numbers, the rate as a fraction of 2^60.
      const p = BigInt(Math.round(upper * 2 ** 52)) << 8n;
      const one = 1n << 60n;
      let sum = 0n;
      let choose = 1n;
      for (let x = 0; x <= bad; x += 1) {
        sum += choose * p ** BigInt(x) * (one - p) ** BigInt(sampled - x);
        choose = (choose * BigInt(sampled - x)) / BigInt(x + 1);
      }
      const chance = Number((sum * 10n ** 20n) / one ** BigInt(sampled)) / 1e20;
      expect(Math.abs(chance - (1 - confidence))).toBeLessThan(1e-9);
      expect(Math.abs(binomialAtMost(bad, sampled, upper) - (1 - confidence))).toBeLessThan(1e-9);
    }
  });

  test("populations that grow come to it from below", () => {
    const limit = clopperPearsonUpper(2, 500, 0.95);
    const rates = [1000, 10_000, 1_000_000, 100_000_000].map(
      (population) => boundOf({ population, sampled: 500, bad: 2 }, 0.95).badRateUpper,
    );
    for (const [at, rate] of rates.entries()) expect(rate).toBeGreaterThan(rates[at - 1] ?? 0);
    expect(Math.abs((rates.at(-1) ?? 0) - limit)).toBeLessThan(1e-7);
    expect(rates.at(-1)).toBeLessThanOrEqual(limit + 1e-8);
  });
});

describe("in simulation", () => {
  function drawn(population: number, bad: number, sampled: number, next: () => number): number {
    let found = 0;
    let [left, leftBad] = [population, bad];
    for (let at = 0; at < sampled; at += 1) {
      if (next() * left < leftBad) {
        found += 1;
        leftBad -= 1;
      }
      left -= 1;
    }
    return found;
  }

  test.each([
    [100, 2, 60],
    [500, 5, 100],
    [2000, 20, 258],
    [300, 0, 50],
  ])("of %i with %i bad, %i drawn: the truth lies below the bound at least as often as stated", (population, bad, sampled) => {
    const random = seededRandom(population + bad);
    const tries = 4000;
    let held = 0;
    for (let n = 0; n < tries; n += 1)
      if (bad < fewerThan({ population, sampled, bad: drawn(population, bad, sampled, random.next) }, 0.95)) held += 1;
    expect(held / tries).toBeGreaterThanOrEqual(0.95 - 3 * Math.sqrt((0.95 * 0.05) / tries));
  });

  test("strata hold together, not only each by itself", () => {
    const random = seededRandom(5);
    const truth = [
      [200, 4, 60],
      [1000, 10, 150],
      [50, 1, 50],
      [400, 30, 40],
    ] as const;
    const total = truth.reduce((all, [, bad]) => all + bad, 0);
    const tries = 1500;
    let held = 0;
    for (let n = 0; n < tries; n += 1) {
      const strata = new Map(
        truth.map(([population, bad, sampled], at) => [
          `s${at}`,
          { population, sampled, bad: drawn(population, bad, sampled, random.next) },
        ]),
      );
      if (total < boundsOf(strata, 0.95).overall.fewerThan) held += 1;
    }
    expect(held / tries).toBeGreaterThanOrEqual(0.95);
  });
});

describe("for people", () => {
  test.each([
    [
      { population: 1_000_000, sampled: 1100, bad: 0 },
      "with 95 % confidence fewer than 0.28 % of items are bad; a single lost record may still be there",
    ],
    [{ population: 100, sampled: 100, bad: 0 }, "every item was looked at and none is bad"],
    [{ population: 100, sampled: 100, bad: 1 }, "every item was looked at: 1 of 100 is bad"],
    [{ population: 100, sampled: 0, bad: 0 }, "too few were drawn to say how many items are bad"],
    [{ population: 100, sampled: 95, bad: 0 }, "with 95 % confidence no item is bad; 5 were not looked at"],
    [
      { population: 5000, sampled: 300, bad: 2 },
      "2 of 300 drawn at random are bad; with 95 % confidence fewer than 2.1 % of items are bad; a single lost record may still be there",
    ],
    [{ population: 0, sampled: 0, bad: 0 }, "there are no items"],
  ])("%o", (given, said) => {
    expect(describeBound(boundOf(given, 0.95))).toBe(said);
  });

  test("numbers that cannot be are refused", () => {
    expect(() => fewerThan({ population: 5, sampled: 6, bad: 0 }, 0.95)).toThrow(RangeError);
    expect(() => fewerThan({ population: 5, sampled: 3, bad: 0 }, 1)).toThrow(RangeError);
  });
});
