import { describe, expect, test } from "vitest";
import { boundedSteps, type StepCost, workMs } from "../../../../agent/core/forecasting/costs.ts";
import { costOf, fitCosts } from "../../../../agent/core/forecasting/fit.ts";
import { type Forecast, forecastAfter, forecastOf, LEAST_DRILLS } from "../../../../agent/core/forecasting/predict.ts";
import { parseForecast, serialiseForecast } from "../../../../agent/core/forecasting/state.ts";
import { anyWorld, dice, type Dice, observedIn, restoreIn, totalMs, type World } from "./worlds.ts";

const STILL: Pick<World, "day" | "moment"> = { day: () => 1, moment: () => 1 };

function paperOf(world: World, drills: number, random: Dice, sampled: (drill: number) => number = () => 30 + 200 * random.next()): string {
  let paper: string | null = null;
  for (let drill = 0; drill < drills; drill += 1) {
    const most = Math.floor(sampled(drill));
    paper = forecastAfter(
      paper,
      observedIn(
        world,
        restoreIn(world, () => most, random),
        drill,
      ),
    );
  }
  return paper ?? "";
}

function foretold(world: World, drills: number, random: Dice): Forecast {
  const forecast = forecastOf(paperOf(world, drills, random));
  if (forecast === null) throw new Error("nothing was foretold");
  return forecast;
}

describe("unit costs", () => {
  test("are found again where nothing disturbs", () => {
    const costs = { request: 12, item: 0.7, byte: 0.002 };
    const random = dice(1);
    const rows = Array.from({ length: 30 }, () => {
      const sizes = { requests: 1 + Math.floor(9 * random.next()), items: Math.floor(500 * random.next()), bytes: 20_000 * random.next() };
      return { ...sizes, ms: costOf(sizes, costs) };
    });
    const found = fitCosts(rows);
    for (const unit of ["request", "item", "byte"] as const) expect(found?.[unit]).toBeCloseTo(costs[unit], 5);
  });

  test("do not move far for a few times that are far off", () => {
    const random = dice(2);
    const rows = Array.from({ length: 30 }, (_, at) => {
      const items = 10 + Math.floor(500 * random.next());
      return { requests: 1, items, bytes: 0, ms: items * (at % 10 === 0 ? 20 : 2) * Math.exp(0.02 * random.normal()) };
    });
    const found = fitCosts(rows);
    expect(costOf({ requests: 1, items: 1000, bytes: 0 }, found ?? { request: 0, item: 0, byte: 0 }) / 2000).toBeLessThan(1.25);
  });

  test("are never below zero, and unknown where nothing was measured", () => {
    const random = dice(3);
    for (let round = 0; round < 200; round += 1) {
      const rows = Array.from({ length: 3 + (round % 5) }, () => ({
        requests: Math.ceil(5 * random.next()),
        items: Math.floor(100 * random.next()),
        bytes: 1e4 * random.next(),
        ms: 1000 * random.next(),
      }));
      const found = fitCosts(rows);
      expect(Math.min(found?.request ?? -1, found?.item ?? -1, found?.byte ?? -1)).toBeGreaterThanOrEqual(0);
    }
    expect(fitCosts([])).toBeNull();
    expect(fitCosts([{ requests: 0, items: 0, bytes: 0, ms: 5 }])).toBeNull();
  });
});

describe("the forecast", () => {
  test("says nothing until there were enough drills, and nothing of what another version kept", () => {
    const world = anyWorld(dice(4), STILL);
    for (let drills = 0; drills < LEAST_DRILLS; drills += 1) expect(forecastOf(paperOf(world, drills, dice(5)))).toBeNull();
    expect(forecastOf(paperOf(world, LEAST_DRILLS, dice(5)))).not.toBeNull();
    expect(forecastOf(null)).toBeNull();
    expect(forecastOf('{"version":2}')).toBeNull();
    expect(forecastOf("{")).toBeNull();
  });

  test("of a product that always takes the same time is right within a few percent in the middle", () => {
    const random = dice(6);
    const errors = Array.from({ length: 60 }, () => {
      const world = anyWorld(random, STILL);
      return Math.abs(foretold(world, 6, random).expectedMs / totalMs(restoreIn(world, (all) => all, random)) - 1);
    });
    expect(errors.toSorted((a, b) => a - b)[30]).toBeLessThan(0.08);
  });

  test.each([
    ["moments that differ", { day: () => 1, moment: (random: Dice) => Math.exp(0.3 * random.normal()) }],
    ["busy days", { day: (random: Dice) => Math.exp(0.2 * random.normal()), moment: (random: Dice) => Math.exp(0.1 * random.normal()) }],
    ["very busy days", { day: (random: Dice) => Math.exp(0.4 * random.normal()), moment: () => 1 }],
    [
      "hiccups",
      {
        day: (random: Dice) => Math.exp(0.1 * random.normal()),
        moment: (random: Dice) => (random.next() < 0.1 ? 1 + 2 * random.next() : 1) * Math.exp(0.1 * random.normal()),
      },
    ],
  ] as const)("holds the full restore as often as its interval says, with %s", (_, noise) => {
    for (const perSecond of [null, 5]) {
      const random = dice(7);
      const rounds = 150;
      let inside = 0;
      for (let round = 0; round < rounds; round += 1) {
        const world = { ...anyWorld(random, noise), perSecond };
        const { lowerMs, upperMs } = foretold(world, 3 + (round % 6), random);
        const took = totalMs(restoreIn(world, (all) => all, random));
        if (took >= lowerMs && took <= upperMs) inside += 1;
      }
      expect(inside / rounds).toBeGreaterThanOrEqual(0.85);
      expect(inside / rounds).toBeLessThanOrEqual(0.985);
    }
  });

  test("is ordered, tells what it rests on and what takes most", () => {
    const random = dice(8);
    for (let round = 0; round < 40; round += 1) {
      const world = {
        ...anyWorld(random, { day: () => 1, moment: (of) => Math.exp(0.3 * of.normal()) }),
        perSecond: round % 2 === 0 ? null : 3,
      };
      const { lowerMs, expectedMs, upperMs, floorMs, drills, dominates, basis } = foretold(world, 4, random);
      expect(lowerMs).toBeGreaterThan(0);
      expect(expectedMs).toBeGreaterThanOrEqual(lowerMs);
      expect(upperMs).toBeGreaterThanOrEqual(expectedMs);
      expect(lowerMs).toBeGreaterThanOrEqual(Math.min(floorMs ?? 0, expectedMs));
      expect([drills, basis, floorMs === null]).toEqual([4, "product", round % 2 === 0]);
      expect(dominates.share).toBeGreaterThan(0);
      expect(dominates.share).toBeLessThanOrEqual(1);
    }
  });

  test("grows with the records a source holds", () => {
    const random = dice(9);
    for (let round = 0; round < 40; round += 1) {
      const world = {
        ...anyWorld(random, { day: () => 1, moment: (of) => Math.exp(0.2 * of.normal()) }),
        perSecond: round % 2 === 0 ? null : 5,
      };
      const costs = [50, 120, 200].map((most) => restoreIn(world, () => most, random));
      const of = (times: number): Forecast => {
        const larger = { ...world, collections: world.collections.map((one) => ({ ...one, records: one.records * times })) };
        const made = forecastOf(costs.reduce<string | null>((paper, cost, at) => forecastAfter(paper, observedIn(larger, cost, at)), null));
        if (made === null) throw new Error("nothing was foretold");
        return made;
      };
      const [once, twice, tenfold] = [of(1), of(2), of(10)];
      for (const bound of ["expectedMs", "upperMs", "lowerMs"] as const) {
        expect(twice[bound]).toBeGreaterThanOrEqual(once[bound]);
        expect(tenfold[bound]).toBeGreaterThanOrEqual(twice[bound]);
      }
      if (world.perSecond === null)
        expect(tenfold.upperMs / tenfold.expectedMs).toBeGreaterThanOrEqual(once.upperMs / once.expectedMs - 1e-9);
    }
  });

  test("does not multiply a large item that is in every sample", () => {
    const world: World = {
      ...anyWorld(dice(12), STILL),
      ...{ request: 5, item: 0, byte: 0.001, structure: 10, batch: 100 },
      collections: [{ id: "notes", records: 5000, bytes: 100, factor: 1 }],
    };
    const large = 1_000_000;
    const heavy = (cost: ReturnType<typeof restoreIn>): ReturnType<typeof restoreIn> => ({
      ...cost,
      steps: cost.steps.map((one) =>
        one.step === "records" ? { ...one, bytes: one.bytes + large, ms: one.ms + large * world.byte } : one,
      ),
    });
    const [paper] = [60, 140, 220, 320].reduce<[string | null, number]>(
      ([before, at], most) => [forecastAfter(before, observedIn(world, heavy(restoreIn(world, () => most, dice(1))), at)), at + 1],
      [null, 0],
    );
    const took = totalMs(heavy(restoreIn(world, (all) => all, dice(1))));
    expect((forecastOf(paper)?.expectedMs ?? 0) / took).toBeLessThan(1.3);
    expect((forecastOf(paper)?.expectedMs ?? 0) / took).toBeGreaterThan(0.8);
  });

  test("is the same from the same drills, and its paper is small and survives being kept", () => {
    const world: World = {
      ...anyWorld(dice(10), STILL),
      collections: Array.from({ length: 60 }, (_, at) => ({ id: `collection-${at}`, records: 100 + at, bytes: 100, factor: 1 })),
    };
    const paper = paperOf(world, 25, dice(11));
    expect(paperOf(world, 25, dice(11))).toBe(paper);
    expect(serialiseForecast(parseForecast(paper))).toBe(paper);
    expect(paper.length).toBeLessThan(16_384);
    expect(forecastOf(paper)?.drills).toBe(10);
  });
});

describe("steps", () => {
  const step: StepCost = { step: "records", collection: "c", items: 2, bytes: 10, ms: 1000, requests: 4, waitMs: 3000, retries: 1 };

  test("of very many collections are added up, and lose nothing", () => {
    const many = Array.from({ length: 1000 }, (_, at) => ({ ...step, collection: `c${at}`, ms: at }));
    const bounded = boundedSteps(many);
    expect(bounded.length).toBeLessThanOrEqual(201);
    for (const figure of ["items", "bytes", "ms", "requests", "waitMs", "retries"] as const)
      expect(bounded.reduce((sum, one) => sum + one[figure], 0)).toBe(many.reduce((sum, one) => sum + one[figure], 0));
    expect(boundedSteps(many.slice(0, 200))).toEqual(many.slice(0, 200));
  });

  test("only that waiting is left out which the rate explains", () => {
    expect(workMs(step, null)).toBe(1000);
    expect(workMs(step, 8)).toBe(500);
    expect(workMs({ ...step, waitMs: 100 }, 8)).toBe(900);
    expect(workMs(step, 1)).toBe(0);
  });
});
