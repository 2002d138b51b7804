/** The TCPD's measures by hand, and what is chosen on the others. */
import { expect, test } from "vitest";
import { coverOf, f1Of, fitOf, leaveOneOut, meanFit, readTcpd } from "../../../bench/anomaly/tcpd.ts";

test("F1: one found point serves one of the true ones, and each person counts", () => {
  // 50 takes 55, 60 is left of everybody's: precision 2 of 2, and each person has the beginning and its own.
  expect(f1Of([[50], [60]], [55])).toBe(1);
  // One person with both: recall 2 of 3.
  expect(f1Of([[50, 60]], [55])).toBeCloseTo((2 * (2 / 3)) / (5 / 3), 12);
  expect(f1Of([[50]], [56])).toBeCloseTo(0.5, 12);
});

test("cover: pieces of 30 and 70, found as 50 and 50", () => {
  // 30 of 50, and 50 of 70.
  expect(coverOf([[30]], [50], 100)).toBeCloseTo(0.3 * (30 / 50) + 0.7 * (50 / 70), 12);
  // A second person who saw nothing: the best half of a whole.
  expect(coverOf([[30], []], [50], 100)).toBeCloseTo((0.68 + 0.5) / 2, 12);
});

test("left out: the setting that is best on the others, though another were better on this one", () => {
  const fits = (...values: number[]) => values.map((f1) => ({ f1, cover: 2 * f1 }));
  // Without the first the second setting leads (1.5 to 0.9), without the second the first, without the third they tie and the first is taken.
  const { fit, chosen } = leaveOneOut([fits(1, 0, 0.9), fits(0, 1, 0.5)]);
  expect(chosen).toEqual([2, 1]);
  expect(fit.f1).toBeCloseTo((0 + 0 + 0.9) / 3, 12);
  expect(fit.cover).toBeCloseTo(2 * fit.f1, 12);
});

test("all fifteen series are read, by five people each, and finding nothing scores what the benchmark's authors printed", () => {
  const series = readTcpd();
  expect(series.length).toBe(15);
  for (const { values, truth } of series) {
    expect(truth.length).toBe(5);
    expect(values.every((value) => Number.isFinite(value))).toBe(true);
    expect(truth.flat().every((at) => at > 0 && at < values.length)).toBe(true);
  }
  // Over all 37 univariate series "zero" is printed with .645 and .566; these are some of them.
  const none = meanFit(series.map((one) => fitOf(one, [])));
  expect(Math.abs(none.f1 - 0.645)).toBeLessThan(0.02);
  expect(Math.abs(none.cover - 0.566)).toBeLessThan(0.02);
});
