/** The simulated days of bench:peers: each reader reads what its tool's rule says, and what was read is counted once. */
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../../agent/kit/random.ts";
import { borgWhole, type Life, restorewatch, resticParts, resticPercent, simulate, type Unit } from "../../../bench/peers/coverage.ts";

const DAYS = [30, 50, 100];
const still: Life = { sizes: Array.from({ length: 1000 }, (_, at) => 1000 + at), growth: 0, share: 0.02, days: DAYS };

function units(count: number): Unit[] {
  return Array.from({ length: count }, (_, at) => ({ key: `u${at}`, bytes: 10, firstByte: at % 256, day: 0 }));
}

describe("what a day reads", () => {
  it("parts of restic: each pack in one part, all packs in all parts together", () => {
    const reader = resticParts(0.02);
    const read = Array.from({ length: 50 }, (_, day) => reader(units(600), day, 0)).flat();
    expect(read.toSorted()).toEqual(
      units(600)
        .map((unit) => unit.key)
        .toSorted(),
    );
  });

  it("a percentage of restic: so many different packs", () => {
    const read = resticPercent(0.02, seededRandom(1))(units(600), 1, 0);
    expect(new Set(read).size).toBe(12);
  });

  it("borg: everything on the day it can be afforded, nothing before", () => {
    const reader = borgWhole();
    const read = Array.from({ length: 100 }, (_, day) => reader(units(100), day, 20).length);
    expect(read.map((count, day) => (count === 0 ? null : day)).filter((day) => day !== null)).toEqual([49, 99]);
    expect(read[49]).toBe(100);
  });

  it("Restorewatch: never more bytes than the budget, and no artifact twice before all were read", () => {
    const reader = restorewatch("seed", false);
    const seen: string[] = [];
    for (let day = 1; day <= 40; day += 1) {
      const read = reader(units(600), day, 200);
      expect(read.length).toBeLessThanOrEqual(20);
      seen.push(...read);
    }
    const first = seen.slice(0, 600);
    expect(new Set(first).size).toBe(first.length);
  });
});

describe("days", () => {
  it("where nothing is new, a systematic reader is through when its shares make a whole", () => {
    const [, , hundred] = simulate(still, resticParts(0.02), seededRandom(2));
    expect(hundred?.ratio).toBe(1);
    expect(hundred?.oldest).toBeLessThan(51);
  });

  it("drawing anew every day leaves what chance leaves: 1 − 0.98^d", () => {
    for (const { day, ratio } of simulate(still, resticPercent(0.02, seededRandom(3)), seededRandom(2)))
      expect(Math.abs(ratio - (1 - 0.98 ** day))).toBeLessThan(0.05);
  });

  it("nobody reads more than the share, and the cycle of Restorewatch is through in its time", () => {
    const [thirty, fifty, hundred] = simulate(still, restorewatch("seed", false), seededRandom(2));
    expect(hundred?.read).toBeLessThanOrEqual(0.02);
    // 60 % could be afforded; it reads whole buckets, so that a day leaves the rest of its share, which holds two buckets and a half.
    expect(thirty?.ratio).toBeGreaterThan(0.36);
    expect(thirty?.ratio).toBeLessThanOrEqual(0.6);
    expect((fifty?.ratio ?? 0) > (thirty?.ratio ?? 1)).toBe(true);
    expect(hundred?.ratio).toBe(1);
  });

  it("the same numbers give the same days", () => {
    const run = (): unknown => simulate({ ...still, growth: 0.003 }, restorewatch("seed", true), seededRandom(5));
    expect(run()).toEqual(run());
  });
});
