/** Each peer against thresholds worked out by hand, just below and just above. */
import { describe, expect, test } from "vitest";
import { PEERS } from "../../../bench/anomaly/peers.ts";

const DAY = 86_400_000;
const MONDAY = Date.UTC(2024, 0, 1);

/** Whether the last value alarms. */
function last(name: string, values: readonly number[]): boolean | undefined {
  const times = values.map((_, at) => MONDAY + at * DAY);
  return PEERS[name]?.(values, times).at(-1);
}
const repeat = (value: number, times: number): number[] => Array.from({ length: times }, () => value);
const turns = (low: number, high: number, times: number): number[] => Array.from({ length: times }, (_, at) => (at % 2 === 0 ? low : high));

describe("thresholds", () => {
  const spread = [98, 99, 100, 101, 102];
  const mondays = spread.flatMap((value) => [value, ...repeat(50, 6)]);
  const cases: readonly (readonly [string, readonly number[], number, number])[] = [
    // Median 100, MAD 1: beyond 3.5 / 0.6745 = 5.19.
    ["modified z, last 10", spread, 105.18, 105.2],
    // Ten of 99 and 101: SD √(10 ⁄ 9) = 1.0541, three of them 3.1623.
    ["3 SD of 30", turns(99, 101, 10), 103.16, 103.17],
    // 2.5 of them 2.6352.
    ["online z 2.5", turns(99, 101, 10), 102.63, 102.64],
    // Median 100, MAD 1: 3 × 1.4826 and a tenth of the median, 14.4478.
    ["robust band, 26 h of 24 h medians", [...spread, 100, 99, 101], 114.44, 114.45],
    // Fourteen times the same: the variance fades from 0.01 to 0.01 × 0.95¹⁴; four SD are a factor of e^0.27934 = 1.32226.
    ["log Holt-Winters, 4 sigma", repeat(100, 14), 132.22, 132.23],
    // Five Mondays with median 100 and MAD 1: beyond 4 × 1.4826 = 5.9304. The days in between do not matter.
    ["weekday MAD", mondays, 105.93, 105.94],
    // After the 110 errors are −3 × 0.7^k: the mean is 100.0415, the variance 5 × 0.95¹² + 0.45 × (0.95¹² − 0.49¹²) ⁄ 0.46 = 3.2302.
    ["EWMA, 3 sigma", [100, 110, ...repeat(100, 12)], 105.43, 105.44],
  ];
  test.each(cases)("of %s", (name, before, ordinary, unusual) => {
    expect([last(name, [...before, ordinary]), last(name, [...before, unusual])]).toEqual([false, true]);
    const middle = before[0] ?? 0;
    if (name !== "EWMA, 3 sigma" && name !== "log Holt-Winters, 4 sigma" && name !== "modified z, last 10" && name !== "weekday MAD")
      return;
    expect(last(name, [...before, middle])).toBe(false);
  });

  test("nobody alarms before it has seen enough", () => {
    const least: Readonly<Record<string, number>> = {
      "modified z, last 10": 5,
      "3 SD of 30": 10,
      "online z 2.5": 10,
      "robust band, 26 h of 24 h medians": 8,
      "log Holt-Winters, 4 sigma": 14,
      "EWMA, 3 sigma": 14,
    };
    for (const [name, runs] of Object.entries(least)) {
      const before = turns(99, 101.5, runs).map((value, at) => value + (at % 3) / 10);
      expect([name, last(name, [...before.slice(1), 1e6]), last(name, [...before, 1e6])]).toEqual([name, false, true]);
    }
  });
});

test("3 SD with the tested run included can reach (n − 1) ⁄ √n at most: 2.85 of 10 runs, 3.47 of 14", () => {
  expect(last("3 SD of 14, itself included", [...repeat(100, 9), 1e9])).toBe(false);
  expect(last("3 SD of 14, itself included", [...repeat(100, 13), 101])).toBe(true);
});

test.each([0.8, 1.2])("CUSUM adds up what is over half an SD, and begins anew when it alarmed (e^%d)", (level) => {
  // Thirty of e^0.9 and e^1.1: SD of the logarithms 0.1 × √(30 ⁄ 29) = 0.10171; 0.2 ⁄ 0.10171 − 0.5 = 1.466, four of which are over 5.
  const values = [...turns(Math.exp(0.9), Math.exp(1.1), 30), ...repeat(Math.exp(level), 9)];
  const alarms =
    PEERS["CUSUM"]?.(
      values,
      values.map((_, at) => at * DAY),
    ) ?? [];
  expect(alarms.flatMap((alarm, at) => (alarm ? [at] : []))).toEqual([33, 37]);
});

test("weekday MAD compares hourly runs with those of the same hour of the week", () => {
  const hourly = Array.from({ length: 24 * 7 * 6 }, (_, at) => 100 + 10 * (at % 24) + (Math.floor(at / 168) % 3));
  const times = hourly.map((_, at) => MONDAY + at * 3_600_000);
  const changed = [...hourly.slice(0, -1), hourly[0] ?? 0];
  const rule = PEERS["weekday MAD"];
  expect(rule?.(hourly, times).includes(true)).toBe(false);
  expect(rule?.(changed, times).at(-1)).toBe(true);
});

test("whoever never alarms does not", () => {
  expect(PEERS["never alarms"]?.([1, 1, 1e9, 0], [0, 1, 2, 3])).toEqual([false, false, false, false]);
});
