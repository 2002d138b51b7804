/** The measure of the detector, measured: labels are where the events are, scores and the change points' F1 and cover as counted by hand. */
import { describe, expect, test } from "vitest";
import { PEERS } from "../../bench/anomaly/peers.ts";
import { addTo, emptyScore, f1, rateInterval } from "../../bench/anomaly/score.ts";
import { type LabelledSeries, makeSeries } from "../../bench/anomaly/series.ts";
import { coverOf, f1Of } from "../../bench/anomaly/tcpd.ts";

const DAY = 86_400_000;

describe("series", () => {
  test("are the same for a seed, others for another, and miss one run in ten", () => {
    expect(makeSeries("gauss", "daily", 7, true)).toEqual(makeSeries("gauss", "daily", 7, true));
    expect(makeSeries("gauss", "daily", 8, true)).not.toEqual(makeSeries("gauss", "daily", 7, true));
    const { rows } = makeSeries("trend", "daily", 7, false);
    expect(Math.abs(rows.length / 500 - 0.9)).toBeLessThan(0.05);
  });

  test("hold what their labels say, where they say it", () => {
    const [clean, planted] = [makeSeries("gauss", "daily", 3, false), makeSeries("gauss", "daily", 3, true)];
    expect(clean.events).toEqual([]);
    expect(planted.events.map((one) => one.kind).toSorted()).toEqual(["drift", "drop", "drop", "shift", "shift", "spike", "spike"]);
    for (const { kind, from } of planted.events.filter((one) => one.kind === "drop" || one.kind === "spike")) {
      const around = (planted.rows[from - 1]?.value ?? 0) + (planted.rows[from + 1]?.value ?? 0);
      const ratio = (2 * (planted.rows[from]?.value ?? 0)) / around;
      expect(kind === "drop" ? ratio < 0.75 : ratio > 1.4).toBe(true);
    }
  });
});

describe("scores", () => {
  const series: LabelledSeries = {
    rows: Array.from({ length: 100 }, (_, at) => ({ at: at * DAY, value: 1 })),
    everyMs: DAY,
    events: [
      { kind: "spike", from: 20, to: 20 },
      { kind: "shift", from: 60, to: 70 },
    ],
  };
  const alarms = (...at: number[]): boolean[] => series.rows.map((_, row) => at.includes(row));

  test("an alarm within its window catches an event once; others are for nothing; the like within a week is one", () => {
    const score = emptyScore();
    addTo(score, series, alarms(21, 22, 64, 90, 93));
    expect(score).toMatchObject({ caught: 2, events: 2, falseAlarms: 1, shiftDelays: [4] });
    expect(f1(score)).toBeCloseTo(4 / 5, 10);
    const late = emptyScore();
    addTo(late, series, alarms(23, 85));
    expect(late).toMatchObject({ caught: 0, falseAlarms: 2 });
    expect(f1(late)).toBe(0);
  });

  test("the interval of a rate agrees with the exact one of Poisson's tables", () => {
    // 95 % limits of a count of 10: 4.80 and 18.39; of none: 0 and 3.69.
    const [low, high] = rateInterval(10, 1);
    expect([low, high].map((one) => Math.round(one * 10) / 10)).toEqual([4.8, 18.4]);
    expect(rateInterval(0, 1)[0]).toBe(0);
    expect(Math.abs(rateInterval(0, 1)[1] - 3.69)).toBeLessThan(0.15);
  });
});

describe("change points", () => {
  test("F1 counts the beginning as one, precision against everybody, recall by person", () => {
    expect(f1Of([[50]], [50])).toBe(1);
    expect(f1Of([[50]], [54])).toBe(1);
    // Found nothing: precision 1 of 1, recall 1 of 2.
    expect(f1Of([[50]], [])).toBeCloseTo((2 * 0.5) / 1.5, 10);
    // Two people, one of whom saw nothing: precision 2 of 2, recall the mean of 1 and 1.
    expect(f1Of([[50], []], [50])).toBe(1);
    expect(f1Of([[50]], [50, 80])).toBeCloseTo((2 * (2 / 3)) / (5 / 3), 10);
  });

  test("cover is the overlap of each piece with the best one found, by its length", () => {
    expect(coverOf([[50]], [50], 100)).toBe(1);
    expect(coverOf([[50]], [], 100)).toBe(0.5);
    expect(coverOf([[]], [50], 100)).toBe(0.5);
  });
});

test("peers do what their rule says, on numbers one can follow", () => {
  const times = Array.from({ length: 40 }, (_, at) => at * DAY);
  const values = times.map((_, at) => (at === 35 ? 200 : 100 + (at % 2)));
  for (const name of ["modified z, last 10", "3 SD of 30", "online z 2.5", "weekday MAD"])
    expect([name, PEERS[name]?.(values, times)[35], PEERS[name]?.(values, times).slice(0, 35).includes(true)]).toEqual([
      name,
      name !== "weekday MAD",
      false,
    ]);
  expect(PEERS["never alarms"]?.(values, times).includes(true)).toBe(false);
});
