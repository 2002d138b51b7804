import { expect, test } from "vitest";
import {
  describeAge,
  describeBytes,
  describeCount,
  describeDuration,
  describeMoment,
  describeNumber,
  describeTime,
} from "../../../agent/core/words-for-people.ts";

const S = 1000;
const MIN = 60 * S;
const H = 60 * MIN;
const D = 24 * H;

test.each([
  [-5, "0 s"],
  [0, "0 s"],
  [Number.NaN, "0 s"],
  [0.4, "under 1 ms"],
  [420, "420 ms"],
  [1000, "1 s"],
  [4200, "4.2 s"],
  [9_960, "10 s"],
  [59_600, "1 min"],
  [200 * S, "3 min 20 s"],
  [59 * MIN + 59.7 * S, "1 h"],
  [2 * H + 5 * MIN, "2 h 5 min"],
  [D, "24 h"],
  [26 * H + 10 * MIN, "26 h 10 min"],
  [2 * D, "2 days"],
  [3 * D + 4 * H, "3 d 4 h"],
  [4 * D - 1, "4 days"],
  [1500 * D, "1,500 days"],
])("a duration of %d ms reads %s", (ms, text) => expect(describeDuration(ms)).toBe(text));

test.each([
  [-1, "under 1 min"],
  [59 * S, "under 1 min"],
  [4 * MIN + 50 * S, "4 min"],
  [9 * H + 59 * MIN, "9 h"],
  [3 * D + 4 * H + 30 * MIN, "3 d 4 h"],
  [12.9 * D, "12 days"],
])("an age of %d ms reads %s and is never rounded up", (ms, text) => expect(describeAge(ms)).toBe(text));

test.each([
  [0, "0 bytes"],
  [1, "1 byte"],
  [999, "999 bytes"],
  [1000, "1 kB"],
  [463_872, "463.9 kB"],
  [999_960, "1 MB"],
  [1.23e9, "1.2 GB"],
  [5e18, "5000 PB"],
])("%d bytes read %s", (bytes, text) => expect(describeBytes(bytes)).toBe(text));

test.each([
  [0, "0"],
  [999, "999"],
  [1_234_567, "1,234,567"],
  [-1234, "-1,234"],
  [2.3456, "2.35"],
  [0.012_345, "0.0123"],
  [1234.5, "1,235"],
  [Number.POSITIVE_INFINITY, "unknown"],
])("the number %d reads %s", (value, text) => expect(describeNumber(value)).toBe(text));

test("counts agree with their noun", () => {
  expect(describeCount(1, "source")).toBe("1 source");
  expect(describeCount(1200, "source")).toBe("1,200 sources");
  expect(describeCount(2, "entry", "entries")).toBe("2 entries");
});

test("times are UTC and as short as stays clear", () => {
  const at = Date.UTC(2026, 2, 1, 2, 0);
  expect(describeTime(at)).toBe("2026-03-01 02:00 UTC");
  expect(describeMoment(at, Date.UTC(2026, 2, 1, 23))).toBe("02:00 UTC");
  expect(describeMoment(at, Date.UTC(2026, 4, 1))).toBe("1 Mar 02:00 UTC");
  expect(describeMoment(at, Date.UTC(2027, 4, 1))).toBe("1 Mar 2026 02:00 UTC");
  expect(describeTime(1e17)).toBe("unknown time");
});
