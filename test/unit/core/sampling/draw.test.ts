/** What a drill takes: lanes, turns, budgets, restarts. */
import { describe, expect, test } from "vitest";
import { type Account, NO_LIMIT, NOTHING, remaining, reserve, settle } from "../../../../agent/core/sampling/budget.ts";
import { stratumId } from "../../../../agent/core/sampling/buckets.ts";
import { drawSample, type Sample } from "../../../../agent/core/sampling/draw.ts";
import type { DrawInput, LaneRules } from "../../../../agent/core/sampling/drawing.ts";
import { type Frame, type FrameItem, frameOf, modeFor } from "../../../../agent/core/sampling/frame.ts";
import { EMPTY_LEDGER, type Ledger, type Outcome, record } from "../../../../agent/core/sampling/ledger.ts";
import { parseLedger, serialiseLedger } from "../../../../agent/core/sampling/packing.ts";
import { DAY } from "./world.ts";

const SEED = "draw";
const T = Date.UTC(2026, 0, 1);
const lanes: LaneRules = { critical: new Map(), endingWithinMs: 2 * DAY, share: 0.5 };

function items(count: number, more: Partial<FrameItem> = {}, from = 0): FrameItem[] {
  return Array.from({ length: count }, (_, at) => ({ key: `k${from + at}`, createdAt: T - DAY, updatedAt: T - DAY, ...more }));
}

function frame(collection: string, list: readonly FrameItem[], mode: Frame["mode"] = "times"): Frame {
  return frameOf(SEED, { collection, kind: "records" }, list, { mode });
}

function id(collection: string): string {
  return stratumId("live", { collection, kind: "records" });
}

function draw(ledger: Ledger, frames: readonly Frame[], most: number | null, more: Partial<DrawInput> = {}): Sample {
  return drawSample({ seed: SEED, layer: "live", ledger, frames, point: T, now: T, budget: { ...NO_LIMIT, items: most }, lanes, ...more });
}

function after(ledger: Ledger, sample: Sample, at = T, open: Outcome["open"] = []): Ledger {
  return record(ledger, sample.taken, { at, open });
}

function keys(sample: Sample, collection: string, lane?: string): string[] {
  return (sample.items.get(id(collection)) ?? []).filter((one) => lane === undefined || one.lane === lane).map((one) => one.key);
}

const wholly = (list: readonly FrameItem[], collection = "a"): Ledger =>
  after(EMPTY_LEDGER, draw(EMPTY_LEDGER, [frame(collection, list)], null));

describe("turns", () => {
  test("a drill goes on where the last recorded one ended, also in another process", () => {
    const all = items(400);
    const drills: string[][] = [];
    let ledger = EMPTY_LEDGER;
    while ((ledger.strata[id("a")]?.cycle ?? 0) === 0 && drills.length < 20) {
      const sample = draw(ledger, [frame("a", all)], 50);
      drills.push(keys(sample, "a"));
      ledger = parseLedger(serialiseLedger(after(ledger, sample)));
    }
    expect(new Set(drills.flat()).size).toBe(400);
    // Only the last one read some of the next cycle.
    const before = drills.slice(0, -1).flat();
    expect(new Set(before).size).toBe(before.length);
  });

  test("what was not recorded is drawn again, by whichever agent", () => {
    const all = items(300);
    const ledger = after(EMPTY_LEDGER, draw(EMPTY_LEDGER, [frame("a", all)], 60));
    const killed = draw(ledger, [frame("a", all)], 60);
    expect(draw(parseLedger(serialiseLedger(ledger)), [frame("a", all.toReversed())], 60).taken).toEqual(killed.taken);
  });

  test("collections get on at the same pace, and one that comes later catches up", () => {
    const frames = [frame("big", items(3000)), frame("small", items(300))];
    let ledger = EMPTY_LEDGER;
    for (let drill = 0; drill < 5; drill += 1) ledger = after(ledger, draw(ledger, frames, 330));
    const done = (collection: string): number => {
      const own = ledger.strata[id(collection)];
      return (own?.buckets.filter((entry) => entry !== null).length ?? 0) / (own?.buckets.length ?? 1);
    };
    expect(done("big")).toBeCloseTo(0.5, 1);
    expect(done("small")).toBeCloseTo(0.5, 1);
    const sample = draw(ledger, [...frames, frame("late", items(200))], 330);
    expect(keys(sample, "late").length).toBeGreaterThan(90);
  });

  test("nobody without the seed can tell what is drawn", () => {
    const all = items(1000);
    const one = new Set(keys(draw(EMPTY_LEDGER, [frame("a", all)], 100), "a"));
    const other = drawSample({
      ...{ seed: "other", layer: "live", ledger: EMPTY_LEDGER, point: T, now: T, budget: { ...NO_LIMIT, items: 100 }, lanes },
      frames: [frameOf("other", { collection: "a", kind: "records" }, all, { mode: "times" })],
    });
    expect(keys(other, "a").filter((key) => one.has(key)).length).toBeLessThan(25);
  });

  test.each(["times", "keys"] as const)(
    "a bucket larger than any drill is read in parts, by many drills, and then was read: %s",
    (mode) => {
      const list = items(40_000, mode === "keys" ? { createdAt: null, updatedAt: null } : {});
      const frames = [frame("huge", list, mode)];
      const budget = 4;
      let ledger = EMPTY_LEDGER;
      const seen = new Set<string>();
      let drills = 0;
      for (; (ledger.strata[id("huge")]?.buckets.filter((entry) => entry !== null).length ?? 0) < 3 && drills < 40; drills += 1) {
        const sample = draw(ledger, frames, budget, { now: T + drills, point: T + drills });
        expect(sample.stuck).toEqual([]);
        expect(sample.taken[0]?.sampled).toBe(sample.cost.items);
        for (const key of keys(sample, "huge")) {
          expect(seen.has(key)).toBe(false);
          seen.add(key);
        }
        ledger = parseLedger(serialiseLedger(after(ledger, sample, T + drills)));
      }
      const read = ledger.strata[id("huge")]?.buckets.filter((entry) => entry !== null) ?? [];
      expect(read.length).toBeGreaterThanOrEqual(3);
      expect(seen.size).toBeGreaterThanOrEqual((drills - 1) * 2);
      // What it stands for is the oldest of its parts.
      expect(Math.min(...read.map((entry) => entry.at))).toBe(T);
    },
  );

  test("an item that costs more than a whole budget is told, and does not hold up others", () => {
    const frames = [frame("huge", items(40, { bytes: 1000 })), frame("a", items(50, { bytes: 1 }))];
    const sample = draw(EMPTY_LEDGER, frames, null, { budget: { ...NO_LIMIT, bytes: 30 } });
    expect(sample.stuck).toEqual([{ id: id("huge"), budget: "bytes" }]);
    expect(keys(sample, "a").length).toBeGreaterThan(10);
  });

  test("everything in one drill, and the next begins the next cycle", () => {
    const all = items(100);
    const sample = draw(EMPTY_LEDGER, [frame("a", all)], null);
    expect(sample).toMatchObject({ stoppedBy: null, stuck: [], cost: { items: 100 } });
    expect(sample.taken[0]).toMatchObject({ population: 100, sampled: 100 });
    expect(after(EMPTY_LEDGER, sample).strata[id("a")]?.cycle).toBe(1);
  });
});

describe("lanes", () => {
  test("what is critical is read in every drill, and never enters the random part", () => {
    const all = items(500);
    const critical = new Map([[id("a"), new Set(["k7", "k8", "gone"])]]);
    let ledger = EMPTY_LEDGER;
    for (let drill = 0; drill < 5; drill += 1) {
      const sample = draw(ledger, [frame("a", all)], 40, { lanes: { ...lanes, critical } });
      expect(keys(sample, "a")).toContain("k7");
      expect(keys(sample, "a")).toContain("k8");
      expect(sample.taken[0]?.sampled).toBe(keys(sample, "a", "cycle").length);
      ledger = after(ledger, sample);
    }
  });

  test("new, edited, ending and not matching items come before their turn", () => {
    const old = items(800);
    let ledger = wholly(old);
    const first = draw(ledger, [frame("a", old)], 20);
    const bad = first.items.get(id("a"))?.[0]?.hash ?? "";
    ledger = after(ledger, first, T + 1, [{ id: id("a"), hash: bad, result: "mismatch" }]);
    const later = T + DAY;
    const now = [
      ...old.map((item) =>
        item.key === "k1" ? { ...item, updatedAt: T + 5 } : item.key === "k2" ? { ...item, expiresAt: later + DAY } : item,
      ),
      ...items(3, { createdAt: T + 10, updatedAt: T + 10 }, 5000),
    ];
    // Read long enough before the end.
    const sample = draw(ledger, [frame("a", now)], 60, { point: later, now: later, lanes: { ...lanes, endingWithinMs: 1.5 * DAY } });
    const laneOf = new Map(sample.items.get(id("a"))?.map((one) => [one.key, one.lane]));
    expect(["new", "cycle"]).toContain(laneOf.get("k5000"));
    expect(["changed", "cycle"]).toContain(laneOf.get("k1"));
    expect(["ending", "cycle"]).toContain(laneOf.get("k2"));
    expect(sample.items.get(id("a"))?.some((one) => one.hash === bad)).toBe(true);
    // Once read they are not drawn again.
    const next = draw(after(ledger, sample, later), [frame("a", now)], 60, { point: later, now: later + 1 });
    expect([...(next.items.get(id("a")) ?? [])].filter((one) => one.lane !== "cycle")).toEqual([]);
  });

  test("an import larger than the lanes may be does not hold up the cycle, and is worked off bucket by bucket", () => {
    const old = items(400);
    let ledger = wholly(old);
    const now = [...old, ...items(400, { createdAt: T + 1, updatedAt: T + 1 }, 1000)];
    const sample = draw(ledger, [frame("a", now)], 100, { point: T + DAY, now: T + DAY });
    expect(keys(sample, "a", "new").length).toBeLessThanOrEqual(50);
    expect(keys(sample, "a", "cycle").length).toBeGreaterThan(30);
    const read = new Set(keys(sample, "a"));
    ledger = after(ledger, sample, T + DAY);
    const again = draw(ledger, [frame("a", now)], 100, { point: T + DAY, now: T + DAY + 1 });
    expect(keys(again, "a", "new").filter((key) => read.has(key))).toEqual([]);
    expect(keys(again, "a", "new").length).toBeGreaterThan(20);
  });

  test("where creation times are not told, a key that is new is found by its digest", () => {
    const old = items(300, { createdAt: null });
    const first = draw(EMPTY_LEDGER, [frame("a", old, "keys")], null);
    const now = [...old, ...items(2, { createdAt: null }, 900)];
    const sample = draw(after(EMPTY_LEDGER, first), [frame("a", now, "keys")], 8);
    expect(keys(sample, "a", "new").sort()).toEqual(["k900", "k901"]);
  });

  test("the mode that fits", () => {
    expect(modeFor(items(3), true)).toBe("times");
    expect(modeFor(items(3), false)).toBe("keys");
    expect(modeFor([...items(3), ...items(1, { createdAt: null })], true)).toBe("keys");
    expect(modeFor(items(30), false, 20)).toBe("none");
  });
});

describe("the account of a budget", () => {
  const limit = { items: null, bytes: null, calls: 1000, seconds: 60 };
  const cost = { ...NOTHING, calls: 400, seconds: 10 };

  test("holds across drills within its window, and gives back what passed out of it", () => {
    let account: Account = { spent: [] };
    account = reserve(account, "d1", cost, DAY, T);
    account = reserve(account, "d2", cost, DAY, T + 1000);
    expect(remaining(account, limit, DAY, T + 2000)).toEqual({ items: null, bytes: null, calls: 200, seconds: 40 });
    expect(remaining(account, limit, DAY, T + DAY + 500).calls).toBe(600);
    expect(reserve(account, "d3", cost, DAY, T + 2 * DAY).spent.length).toBe(1);
  });

  test("a drill that was killed has spent what it reserved; one that ended, what it took", () => {
    const account = reserve({ spent: [] }, "d1", cost, DAY, T);
    expect(remaining(account, limit, DAY, T + 1).calls).toBe(600);
    expect(remaining(settle(account, "d1", { ...cost, calls: 30 }), limit, DAY, T + 1).calls).toBe(970);
    expect(remaining(reserve(account, "d1", { ...cost, calls: 2000 }, DAY, T), limit, DAY, T + 1).calls).toBe(0);
  });
});
