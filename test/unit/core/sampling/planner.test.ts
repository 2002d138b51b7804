/** The planner beside the sampler itself: what it promises is what a simulated source gets. */
import { describe, expect, test } from "vitest";
import { NO_LIMIT } from "../../../../agent/core/sampling/budget.ts";
import { coverageAt, coverageFacts } from "../../../../agent/core/sampling/coverage.ts";
import { censusAfter } from "../../../../agent/core/sampling/census.ts";
import { drawSample } from "../../../../agent/core/sampling/draw.ts";
import { frameOf } from "../../../../agent/core/sampling/frame.ts";
import { EMPTY_LEDGER, type Ledger, record } from "../../../../agent/core/sampling/ledger.ts";
import { neededFor, type PlanFacts, type PlanTarget, promiseOf } from "../../../../agent/core/sampling/planner.ts";
import { seededRandom } from "../../../../agent/kit/random.ts";
import { Collection, DAY, HOUR } from "./world.ts";

const facts: PlanFacts = {
  population: 10_000,
  drillsPerDay: 1,
  growthPerDay: 0,
  newPerDay: 0,
  changedPerDay: 0,
  critical: 0,
  bytesPerItem: 1000,
  callsPerItem: 0.1,
  secondsPerItem: 0.05,
  callsPerDrill: 10,
  secondsPerDrill: 5,
  pricePerCall: 0.001,
  pricePerGb: 0.1,
  laneShare: 0.5,
};
const target: PlanTarget = { badRate: null, confidence: 0.95, coverWithinMs: 30 * DAY };

describe("from target to cost", () => {
  test("everything within the time, in whole buckets, at the prices given", () => {
    const needed = neededFor(facts, target);
    expect(needed.because).toBe("coverage");
    expect(needed.random).toBeGreaterThan(10_000 / 30);
    expect(needed.random).toBeLessThan(10_000 / 30 + 20);
    expect(needed.perDrill).toEqual({
      items: needed.random,
      bytes: needed.random * 1000,
      calls: Math.ceil(needed.random * 0.1 + 10),
      seconds: needed.random * 0.05 + 5,
    });
    expect(needed.moneyPerMonth).toBeCloseTo(needed.perMonth.calls * 0.001 + (needed.perMonth.bytes / 1e9) * 0.1, 9);
  });

  test("a rate asks for more than the cycle does", () => {
    const needed = neededFor(facts, { ...target, badRate: 0.001 });
    expect(needed.because).toBe("bad-rate");
    expect(promiseOf(facts, { ...NO_LIMIT, items: needed.random }, { ...target, badRate: 0.001 }).keepsBadRate).toBe(true);
  });

  test.each([
    [{}, null],
    [{ newPerDay: 50, growthPerDay: 50 }, null],
    [{ population: 300, critical: 5 }, 0.02],
    [{ drillsPerDay: 24, changedPerDay: 500 }, null],
    [{ population: 1_000_000 }, 0.01],
    [{ population: 3 }, 0.5],
  ])("what is needed for it, given as a budget, keeps it: %o, %s", (more, badRate) => {
    const own = { ...facts, ...more };
    const wanted = { ...target, badRate };
    const promise = promiseOf(own, { ...NO_LIMIT, items: neededFor(own, wanted).perDrill.items }, wanted);
    expect(promise.warnings.filter((one) => /^(Reading|Nothing|A drill)/.test(one))).toEqual([]);
    expect(promise).toMatchObject({ keepsCoverage: true, keepsBadRate: true });
  });
});

describe("from budget to promise", () => {
  test.each([
    [{ items: 350 }, "items"],
    [{ bytes: 350_000, items: 5000 }, "bytes"],
    [{ calls: 45 }, "calls"],
    [{ seconds: 22.5 }, "seconds"],
  ] as const)("%o: whichever ends first", (more, limitedBy) => {
    const promise = promiseOf(facts, { ...NO_LIMIT, ...more }, target);
    expect(promise).toMatchObject({ limitedBy, random: 350, keepsCoverage: true });
  });

  test("no limit: everything in every drill", () => {
    expect(promiseOf(facts, NO_LIMIT, target)).toMatchObject({
      random: 10_000,
      lanes: 0,
      cycleDays: 1,
      badRate: 0,
      warnings: [],
      breaksInDays: null,
    });
  });

  test("too little is said before anything is promised", () => {
    const promise = promiseOf(facts, { ...NO_LIMIT, items: 100 }, { ...target, badRate: 0.01 });
    expect(promise.keepsCoverage).toBe(false);
    expect(promise.warnings[0]).toMatch(/^Reading everything once takes \d+ days, longer than the 30 days promised\.$/);
    expect(promise.warnings[1]).toMatch(/^A drill can say that fewer than 3\.\d+ % of items are bad, not 1 %\.$/);
  });

  test("a budget that pays for no item never covers anything", () => {
    const promise = promiseOf({ ...facts, critical: 100 }, { ...NO_LIMIT, items: 100 }, target);
    expect(promise).toMatchObject({ cycleDays: null, keepsCoverage: false, badRate: 1 });
    expect(promise.warnings[0]).toBe("Nothing is ever covered: a drill may read 100 items, and none is left for the cycle.");
    expect(promiseOf(facts, { ...NO_LIMIT, calls: 5 }, target)).toMatchObject({ random: 0, cycleDays: null, limitedBy: "calls" });
  });

  test("less than a bucket is read in parts: it takes long, and that is said", () => {
    const promise = promiseOf({ ...facts, population: 1_000_000 }, { ...NO_LIMIT, items: 100 }, target);
    expect(promise).toMatchObject({ random: 100, cycleDays: 10_000, keepsCoverage: false });
    expect(promise.badRate).toBeLessThan(0.03);
  });

  test("growth breaks it on a day that is told before", () => {
    const promise = promiseOf({ ...facts, growthPerDay: 50 }, { ...NO_LIMIT, items: 400 }, target);
    expect(promise.keepsCoverage).toBe(true);
    expect(promise.breaksInDays).toBeGreaterThan(20);
    expect(promise.breaksInDays).toBeLessThan(40);
    expect(promise.warnings[0]).toMatch(/^At 50 more items a day, reading everything once takes longer than 30 days in \d+ days\.$/);
    const then = { ...facts, growthPerDay: 50, population: facts.population + 50 * ((promise.breaksInDays ?? 0) + 5) };
    expect(promiseOf({ ...then, population: Math.ceil(then.population) }, { ...NO_LIMIT, items: 400 }, target).keepsCoverage).toBe(false);
  });

  test("lanes that are fuller than their share wait", () => {
    const promise = promiseOf({ ...facts, changedPerDay: 1000 }, { ...NO_LIMIT, items: 1000 }, target);
    expect(promise).toMatchObject({ lanes: 500, waitingPerDay: 500 });
  });

  test("nothing to read costs nothing and keeps everything", () => {
    expect(promiseOf({ ...facts, population: 0 }, { ...NO_LIMIT, items: 5 }, target)).toMatchObject({ keepsCoverage: true, badRate: 0 });
  });
});

describe("beside the sampler", () => {
  test.each([
    [2000, 20, 0],
    [5000, 30, 25],
    [400, 10, 4],
  ])("%i items within %i days, %i new a day: after that nothing is ever older", (population, days, made) => {
    const own: PlanFacts = { ...facts, population, growthPerDay: made, newPerDay: made, changedPerDay: population / 100 };
    const wanted = { ...target, coverWithinMs: days * DAY };
    const budget = { ...NO_LIMIT, items: neededFor(own, wanted).perDrill.items };
    expect(promiseOf(own, budget, wanted).keepsCoverage).toBe(true);
    const collection = new Collection("c", "times", seededRandom(population));
    let now = Date.UTC(2026, 0, 1);
    const began = now;
    collection.add(population, now - 100 * DAY, now);
    let ledger: Ledger = EMPTY_LEDGER;
    for (let day = 0; day < 2 * days; day += 1) {
      const point = now;
      const frames = [frameOf("seed", { collection: "c", kind: "records" }, collection.list(), { mode: "times" })];
      const lanes = { critical: new Map(), endingWithinMs: 0, share: own.laneShare };
      const sample = drawSample({ seed: "seed", layer: "live", ledger, frames, point, now: now + HOUR, budget, lanes });
      const outcome = { at: now + HOUR, open: [] };
      const census = censusAfter(sample.census, ledger, sample.taken, outcome);
      ledger = record(ledger, sample.taken, outcome);
      const [layer] = coverageAt(coverageFacts(census, ledger), now + HOUR, days * DAY);
      if (day >= days - 1) expect(layer?.ratio).toBe(1);
      expect(layer?.oldestAt ?? 0).toBeGreaterThanOrEqual(Math.max(began, now + HOUR - days * DAY));
      if (day < days) collection.add(made, now, now + DAY);
      else collection.live({ made: 0, edited: 0.01, deleted: made / population, remade: 0, imports: 0 }, now, now + DAY);
      now += DAY;
    }
  });
});
