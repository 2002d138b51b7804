/** The pieces of the detector against published and independently computed values. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changePoints } from "../../../../agent/core/statistics/changepoints.ts";
import { beginForecast, expectedOf, learn } from "../../../../agent/core/statistics/forecast.ts";
import { SPIKE_PRIOR } from "../../../../agent/core/statistics/priors.ts";
import { mad, median, quantile } from "../../../../agent/core/statistics/order.ts";
import { incompleteBeta, logGamma, studentCdf, studentInflation, studentQuantile } from "../../../../agent/core/statistics/student.ts";
import { addToTail, emptyTail, heaviness, tailQuantile, tailRate } from "../../../../agent/core/statistics/tail.ts";
import { seededRandom } from "../../../../agent/kit/random.ts";
import { autocorrelation, mannKendall, theilSen } from "../../../../agent/core/statistics/trend.ts";

const close = (actual: number, wanted: number): void =>
  expect(Math.abs(actual - wanted)).toBeLessThan(1e-9 * Math.max(1, Math.abs(wanted)));

describe("order statistics", () => {
  test("quantiles of type 7, as R's default", () => {
    // quantile(c(1, 2, 3, 4)) and quantile(c(2, 4, 4, 5, 9, 11), c(.1, .9))
    expect([0, 0.25, 0.5, 0.75, 1].map((p) => quantile([4, 1, 3, 2], p))).toEqual([1, 1.75, 2.5, 3.25, 4]);
    close(quantile([2, 4, 4, 5, 9, 11], 0.1), 3);
    close(quantile([2, 4, 4, 5, 9, 11], 0.9), 10);
    expect(quantile([], 0.5)).toBeNaN();
  });

  test("median and MAD of a textbook sample", () => {
    // Wikipedia, "Median absolute deviation".
    expect([median([1, 1, 2, 2, 4, 6, 9]), mad([1, 1, 2, 2, 4, 6, 9])]).toEqual([2, 1]);
  });
});

describe("Student's t", () => {
  test.each([
    // Abramowitz & Stegun, table 26.10, and exact: for 1 degree the quantile is a tangent, for 2 it is algebraic.
    [0.975, 1, Math.tan(Math.PI * 0.475)],
    [0.9995, 1, Math.tan(Math.PI * 0.4995)],
    [0.975, 2, (2 * 0.975 - 1) * Math.sqrt(2 / (4 * 0.975 * 0.025))],
    [0.9, 2, 0.8 * Math.sqrt(2 / (4 * 0.9 * 0.1))],
  ])("quantile %f with %i degrees of freedom", (p, degrees, wanted) => close(studentQuantile(p, degrees), wanted));

  test("agrees with printed tables", () => {
    for (const [p, degrees, printed] of [
      [0.975, 10, 2.228],
      [0.995, 5, 4.032],
      [0.9995, 30, 3.646],
      [0.95, 120, 1.658],
    ] as const)
      expect(studentQuantile(p, degrees)).toBeCloseTo(printed, 3);
  });

  test("distribution and quantile undo each other, and mirror", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 0.999, noNaN: true }), fc.integer({ min: 1, max: 200 }), (p, degrees) => {
        close(studentCdf(studentQuantile(p, degrees), degrees), p);
        close(studentQuantile(p, degrees), -studentQuantile(1 - p, degrees));
      }),
    );
  });

  test("its parts: gamma at halves and factorials, beta where it is a polynomial", () => {
    close(logGamma(0.5), Math.log(Math.PI) / 2);
    close(logGamma(11), Math.log(3_628_800));
    // I_x(2, 3) = 6x² - 8x³ + 3x⁴
    for (const x of [0.1, 0.37, 0.5, 0.93]) close(incompleteBeta(x, 2, 3), 6 * x ** 2 - 8 * x ** 3 + 3 * x ** 4);
    expect([incompleteBeta(0, 2, 3), incompleteBeta(1, 2, 3)]).toEqual([0, 1]);
  });

  test("a band is wider the fewer runs tell how wide", () => {
    expect(studentInflation(8)).toBeGreaterThan(studentInflation(20));
    expect([studentInflation(0), studentInflation(60), studentInflation(10_000)]).toEqual([3, 1, 1]);
  });
});

describe("trend", () => {
  test("Theil and Sen's slope is the median of all slopes", () => {
    close(theilSen([1, 3, 5, 7]), 2);
    // One wild value of six moves it not at all; slopes of the pairs counted by hand.
    close(theilSen([0, 1, 2, 3, 4, 100]), 1);
    // Slopes -2, -3/4 and -1/3.
    close(theilSen([10, 8, 7], [0, 1, 4]), -3 / 4);
  });

  test("Mann and Kendall's S, with the variance of ties taken off", () => {
    // n = 4 without ties: S = 6, var = n(n-1)(2n+5)/18 = 26/3.
    expect(mannKendall([1, 2, 3, 4]).s).toBe(6);
    close(mannKendall([1, 2, 3, 4]).variance, 26 / 3);
    close(mannKendall([1, 2, 3, 4]).z, 5 / Math.sqrt(26 / 3));
    // Gilbert 1987, p. 209: 23, 24, 29, 6, 29, 24, 24, 29, 23 has ties of 2, 3 and 3.
    const gilbert = mannKendall([23, 24, 29, 6, 29, 24, 24, 29, 23]);
    close(gilbert.variance, (9 * 8 * 23 - 2 * 1 * 9 - 2 * 3 * 2 * 11) / 18);
    expect(mannKendall([5, 5, 5, 5]).z).toBe(0);
  });

  test("a positive autocorrelation widens it by the factor of an AR(1) process, computed term by term", () => {
    const [n, rho] = [10, 0.6];
    let sum = 0;
    for (let k = 1; k <= n - 2; k += 1) sum += (n - k) * (n - k - 1) * (n - k - 2) * rho ** k;
    const factor = 1 + (2 / (n * (n - 1) * (n - 2))) * sum;
    const ys = [1, 3, 2, 5, 4, 6, 8, 7, 9, 10];
    close(mannKendall(ys, rho).variance / mannKendall(ys).variance, factor);
    expect(Math.abs(mannKendall(ys, rho).z)).toBeLessThan(mannKendall(ys).z);
  });

  test("autocorrelation of a short list, by hand", () => {
    // mean 2; deviations -1, 0, 1: own 2, cross -1·0 + 0·1 = 0
    expect(autocorrelation([1, 2, 3])).toBe(0);
    close(autocorrelation([1, 1, 3, 3]), 1 / 4);
    expect(autocorrelation([7, 7, 7])).toBe(0);
  });
});

describe("tails", () => {
  const prior = { levels: [2, 3, 4], shares: [0.05, 0.005, 0.0005], weight: 100, memory: 1000 };

  test("before anything is known the prior decides, by straight lines between logarithms", () => {
    const tail = emptyTail(prior);
    close(tailQuantile(tail, 0.05, prior), 2);
    close(tailQuantile(tail, 0.005, prior), 3);
    // Half of the way in the logarithm of the rate is half of the way in that of the level.
    close(tailQuantile(tail, Math.sqrt(0.05 * 0.005), prior), Math.sqrt(6));
    expect(tailQuantile(tail, 0.9, prior)).toBe(2);
    expect(tailQuantile(tail, 1e-6, prior)).toBeGreaterThan(4);
  });

  test("a few far out widen nothing, many do", () => {
    const [few, many] = [emptyTail(prior), emptyTail(prior)];
    for (let at = 0; at < 500; at += 1) {
      addToTail(few, at === 77 || at === 333 ? 10 : 1, 1, prior);
      addToTail(many, at % 10 === 0 ? 10 : 1, 1, prior);
    }
    expect(tailQuantile(few, 0.003, prior)).toBeLessThan(3.3);
    expect(tailQuantile(many, 0.003, prior)).toBeGreaterThan(5);
    expect([heaviness(few), heaviness(many)]).toEqual([0, 1]);
  });
});

describe("the counted tail, computed again by python3's decimal with 40 digits", () => {
  const prior = { ...SPIKE_PRIOR, memory: 400 };
  const tail = emptyTail(prior);
  for (let run = 1; run <= 200; run += 1) addToTail(tail, run === 150 ? 7 : run % 50 === 0 ? 5 : run % 20 === 0 ? 3 : 1, 1, prior);

  test("counts fade", () => {
    expect(tail.runs).toBeCloseTo(157.5395744421173, 9);
    for (const [at, count] of [9.63502132509174, 3.34788248232909, 0.882358793003].entries()) expect(tail.beyond[at]).toBeCloseTo(count, 9);
  });

  test.each([
    [0.02, 3.51291266906144],
    [0.004, 5.24869099055881],
    [0.0005, 8.21490451378124],
    [0.00001, 19.0813651865944],
  ])("so far out lies a share of %s", (rate, value) => {
    expect(Math.abs(tailQuantile(tail, rate, prior) - value)).toBeLessThan(1e-9);
    expect(Math.abs(tailRate(tail, value, prior) / rate - 1)).toBeLessThan(1e-9);
  });

  test("below the first level nothing is rare, and nothing is rarer than can be said", () => {
    expect([tailRate(tail, 1, prior), tailRate(tail, 1e9, prior)]).toEqual([1, 1e-9]);
  });
});

describe("the damped forecast with season and what is left of the last error, computed again by python3's decimal with 50 digits", () => {
  const VALUES = [
    13.81, 13.84, 13.79, 13.86, 13.9, 13.4, 13.42, 13.83, 13.88, 13.85, 13.91, 13.95, 13.45, 13.47, 13.9, 15.1, 13.94, 13.97, 13.5, 13.52,
    13.96,
  ];
  // One day is missing before the sixteenth, two before the last.
  const DAYS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 23];
  const forecasts = (slots: number) => {
    const model = beginForecast(slots, VALUES[0] ?? 0);
    const told = VALUES.map((y, index) => {
      const [day = 0, before = day - 1] = [DAYS[index], DAYS[index - 1]];
      const steps = index === 0 ? 1 : day - before;
      const expected = expectedOf(model, day * 86_400_000, steps);
      learn(model, y, day * 86_400_000, steps, { level: 0.15, trend: 0.02, season: 0.15 }, true, 21);
      return expected;
    });
    return { model, told };
  };

  test.each([
    [
      0,
      [13.7610204094731, 13.9458593633077, 13.8610188231219, 13.8845056056509, 13.7410105462601, 13.7618657186339],
      {
        level: 13.7917818998065,
        trend: -0.00001566068568,
        rest: 0.16821810019347,
        scale: 0.27740254727904,
        cost: 0.05268007799622,
      },
    ],
    [
      7,
      [13.8114027659259, 13.9706086695771, 13.9218423797224, 13.5891657685495, 13.5705492471021, 14.1568421773528],
      {
        level: 13.7888060831696,
        trend: -0.00041215772736,
        rest: -0.17630608316967,
        scale: 0.14280200694712,
        cost: 0.03547066302279,
      },
    ],
  ])("season of %s: level, trend, rest, scale and the last forecasts, across gaps and an outlier", (slots, last, wanted) => {
    const { model, told } = forecasts(slots);
    for (const [at, value] of last.entries()) expect(Math.abs((told[told.length - 6 + at] ?? 0) - value)).toBeLessThan(1e-9);
    for (const [name, value] of Object.entries(wanted))
      expect(Math.abs(model[name as keyof typeof wanted] - value), name).toBeLessThan(1e-9);
  });
});

describe("change points", () => {
  const random = seededRandom(7);
  const noises = Array.from(
    { length: 20_000 },
    () => 0.5 * Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next()),
  );
  const noise = (at: number): number => noises[at] ?? 0;

  test("a step, a bend and nothing at all", () => {
    const step = Array.from({ length: 100 }, (_, at) => noise(at) + (at < 40 ? 0 : 10));
    const bend = Array.from({ length: 100 }, (_, at) => noise(at) + Math.max(0, at - 60));
    expect(changePoints(step)).toEqual([40]);
    expect(changePoints(bend)).toHaveLength(1);
    expect(Math.abs((changePoints(bend)[0] ?? 0) - 60)).toBeLessThanOrEqual(3);
    expect(changePoints(Array.from({ length: 100 }, (_, at) => noise(at)))).toEqual([]);
    expect(changePoints(Array.from({ length: 100 }, () => 7))).toEqual([]);
    expect(changePoints([1, 2])).toEqual([]);
  });

  test("what only wanders gives few", () => {
    let level = 0;
    const walk = Array.from({ length: 300 }, (_, at) => (level += noise(at)));
    expect(changePoints(walk).length).toBeLessThanOrEqual(10);
  });

  test("long series are looked at in blocks", () => {
    const long = Array.from({ length: 20_000 }, (_, at) => noise(at) + (at < 9000 ? 0 : 5));
    const [found] = changePoints(long);
    expect(Math.abs((found ?? 0) - 9000)).toBeLessThan(50);
  });
});
