/** The second generator makes what it says: shapes, events where their labels are, jobs by the clock on the wall. */
import { describe, expect, test } from "vitest";
import { makeOther, OTHER_SCHEDULES, type OtherSchedule, SHAPES, summer } from "../../../bench/anomaly/other.ts";
import { drawFrom } from "../../../bench/anomaly/random.ts";

const HOUR = 3_600_000;
const names = Object.keys(SHAPES);
const schedules = Object.keys(OTHER_SCHEDULES) as OtherSchedule[];

describe.each(schedules)("%s", (schedule) => {
  test.each(names)("%s: runs in order, numbers a backup can tell, events apart and inside", (name) => {
    const series = makeOther(name, schedule, 11, true);
    const { rows, events } = series;
    expect(rows.every(({ at }, row) => row === 0 || at > (rows[row - 1]?.at ?? at))).toBe(true);
    expect(rows.every(({ value }) => Number.isSafeInteger(value) && (value > 0 || (name === "dead runs" && value === 0)))).toBe(true);
    expect(events.length).toBeGreaterThan(1);
    for (const [at, { from, to }] of events.entries()) {
      expect(from).toBeGreaterThan(events[at - 1]?.to ?? 10);
      expect(to).toBeLessThan(rows.length);
      expect(to).toBeGreaterThanOrEqual(from);
    }
    expect(makeOther(name, schedule, 11, true)).toEqual(series);
    expect(makeOther(name, schedule, 12, true).rows).not.toEqual(rows);
    const missing = 1 - rows.length / OTHER_SCHEDULES[schedule][1];
    expect(Math.abs(missing - 0.1)).toBeLessThan(0.06);
  });
});

test("events are in the values, and only there", () => {
  for (let seed = 1; seed < 20; seed += 1) {
    const { rows, events } = makeOther("a byte more or less", "daily", seed, true);
    for (const { kind, from } of events.filter((one) => one.kind !== "drift")) {
      const ratio = (rows[from]?.value ?? 0) / (rows[from - 1]?.value ?? 1);
      if (kind === "spike") expect(ratio).toBeGreaterThan(1.7);
      else if (kind === "drop") expect(ratio).toBeLessThan(0.6);
      else expect(ratio > 1.2 || ratio < 0.85).toBe(true);
    }
    const clean = makeOther("a byte more or less", "daily", seed, false);
    const values = clean.rows.map((row) => row.value);
    expect(clean.events).toEqual([]);
    expect(Math.max(...values) - Math.min(...values)).toBeLessThanOrEqual(2);
  }
});

test("outages are empty runs, labelled also where nothing else is planted", () => {
  const { rows, events } = makeOther("dead runs", "daily", 5, false);
  const empty = rows.flatMap(({ value }, at) => (value === 0 ? [at] : []));
  expect(empty.length).toBeGreaterThan(0);
  expect(empty.every((at) => events.some(({ kind, from, to }) => kind === "drop" && at >= from && at <= to))).toBe(true);
});

test("full backups come on Sundays, counters hold, a schedule changes once", () => {
  const full = makeOther("full and incremental", "daily", 3, false).rows;
  const sizes = full.map((row) => row.value).toSorted((a, b) => a - b);
  const middle = sizes[sizes.length >> 1] ?? 0;
  expect(full.every(({ at, value }) => value > 3 * middle === (new Date(at).getUTCDay() === 0))).toBe(true);
  const counter = makeOther("counter", "daily", 3, false).rows;
  const held = counter.filter(({ value }, at) => value === counter[at - 1]?.value).length;
  expect(held / counter.length).toBeGreaterThan(0.4);
  const changing = makeOther("schedule that changes", "daily", 3, false).rows;
  const days = changing.slice(1).map(({ at }, row) => Math.round((2 * (at - (changing[row]?.at ?? 0))) / (24 * HOUR)) / 2);
  const [early, late] = [days.slice(0, 100), days.slice(-100)].map((list) => list.toSorted((a, b) => a - b)[50]);
  expect(early).toBe(1);
  expect([0.5, 2]).toContain(late);
});

test("summer begins and ends when clocks are set, in Europe and in America", () => {
  const at = (text: string, zone: number): number => summer(Date.parse(text), zone);
  expect([at("2026-03-29T00:59:59Z", 1), at("2026-03-29T01:00:00Z", 1)]).toEqual([0, 1]);
  expect([at("2026-10-25T00:59:59Z", 1), at("2026-10-25T01:00:00Z", 1)]).toEqual([1, 0]);
  expect([at("2026-03-08T06:59:59Z", -5), at("2026-03-08T07:00:00Z", -5)]).toEqual([0, 1]);
  expect([at("2026-11-01T05:59:59Z", -5), at("2026-11-01T06:00:00Z", -5)]).toEqual([1, 0]);
});

test("draws have the moments of what they are named after", () => {
  const draw = drawFrom(1);
  const moments = (next: () => number): readonly [number, number] => {
    const list = Array.from({ length: 20_000 }, next);
    const mean = list.reduce((sum, one) => sum + one, 0) / list.length;
    return [mean, list.reduce((sum, one) => sum + (one - mean) ** 2, 0) / list.length];
  };
  for (const [next, mean, variance] of [
    [draw.gauss, 0, 1],
    [draw.exponential, 1, 1],
    [() => draw.gamma(4), 1, 0.25],
    [() => draw.student(10), 0, 1.25],
    [() => draw.between(2, 4), 3, 1 / 3],
  ] as const) {
    const [m, v] = moments(next);
    expect(Math.abs(m - mean)).toBeLessThan(0.03);
    expect(Math.abs(v / variance - 1)).toBeLessThan(0.1);
  }
});
