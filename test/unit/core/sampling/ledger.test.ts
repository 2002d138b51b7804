/** The ledger where things are not as they should be: older points, wrong creation times, unread items, damage; and its size. */
import { describe, expect, test } from "vitest";
import { NO_LIMIT } from "../../../../agent/core/sampling/budget.ts";
import { stratumId } from "../../../../agent/core/sampling/buckets.ts";
import { censusAfter } from "../../../../agent/core/sampling/census.ts";
import { coverageAt, coverageFacts, type LayerCoverage } from "../../../../agent/core/sampling/coverage.ts";
import { drawSample, type Sample } from "../../../../agent/core/sampling/draw.ts";
import { NO_LANES } from "../../../../agent/core/sampling/drawing.ts";
import { type CoverageMode, type FrameItem, frameOf } from "../../../../agent/core/sampling/frame.ts";
import {
  EMPTY_LEDGER,
  keepStrata,
  type Ledger,
  OPEN_MOST,
  type Outcome,
  record,
  SEGMENTS_MOST,
  split,
} from "../../../../agent/core/sampling/ledger.ts";
import { parseLedger, serialiseLedger } from "../../../../agent/core/sampling/packing.ts";
import { DAY } from "./world.ts";

const T = Date.UTC(2026, 0, 1);
const stratum = { collection: "a", kind: "records" };
const ID = stratumId("live", stratum);

function items(count: number, createdAt: number | null = T - DAY, from = 0): FrameItem[] {
  return Array.from({ length: count }, (_, at) => ({ key: `k${from + at}`, createdAt, updatedAt: null }));
}

interface Step {
  readonly ledger: Ledger;
  readonly sample: Sample;
  readonly layer: LayerCoverage | undefined;
}

function drill(
  ledger: Ledger,
  list: readonly FrameItem[],
  more: { mode?: CoverageMode; most?: number | null; point?: number; at?: number; open?: (sample: Sample) => Outcome["open"] } = {},
): Step {
  const { mode = "times", most = null, point = T, at = T } = more;
  const frames = [frameOf("seed", stratum, list, { mode })];
  const sample = drawSample({
    seed: "seed",
    layer: "live",
    ledger,
    frames,
    point,
    now: at,
    budget: { ...NO_LIMIT, items: most },
    lanes: NO_LANES,
  });
  const outcome = { at, open: more.open?.(sample) ?? [] };
  const after = record(ledger, sample.taken, outcome);
  const facts = coverageFacts(censusAfter(sample.census, ledger, sample.taken, outcome), after);
  return { ledger: after, sample, layer: coverageAt(facts, at, 30 * DAY)[0] };
}

describe("never more than the truth", () => {
  test("a layer that never ran has no coverage", () => {
    const frames = [frameOf("seed", stratum, items(100), { mode: "times" })];
    const none = { ...NO_LIMIT, items: 0 };
    const sample = drawSample({
      seed: "seed",
      layer: "live",
      ledger: EMPTY_LEDGER,
      frames,
      point: T,
      now: T,
      budget: none,
      lanes: NO_LANES,
    });
    expect(coverageFacts(sample.census, EMPTY_LEDGER)).toEqual([]);
    expect(coverageAt([], T, DAY)).toEqual([]);
  });

  test("an older point takes nothing back and gives nothing", () => {
    const { ledger } = drill(EMPTY_LEDGER, items(100), { point: T });
    const older = drill(ledger, items(60), { point: T - 10 * DAY, at: T + DAY });
    expect(older.ledger.strata[ID]?.buckets).toEqual(ledger.strata[ID]?.buckets);
  });

  test("items that came with an old creation time are noticed where there are more of them than were read", () => {
    const { ledger } = drill(EMPTY_LEDGER, items(100));
    const { layer, sample } = drill(ledger, [...items(100), ...items(100, T - 2 * DAY, 500)], { most: 1, at: T + 1 });
    expect(sample.stoppedBy).toBe("items");
    expect(layer?.behind.doubted).toBeGreaterThan(100);
    expect(layer?.covered).toBeLessThan(100);
  });

  test("or where as many are there, and others", () => {
    const { ledger } = drill(EMPTY_LEDGER, items(8));
    const { layer } = drill(ledger, [...items(7), ...items(1, T - 2 * DAY, 500)], { most: 0, at: T + 1 });
    expect(layer).toMatchObject({ population: 8, covered: 0, behind: { doubted: 8 } });
  });

  test("what was doubted once stays void until it is read again", () => {
    const { ledger } = drill(EMPTY_LEDGER, items(8));
    const odd = [...items(7), ...items(1, T - 2 * DAY, 500)];
    const doubted = drill(ledger, odd, { most: 0, at: T + 1 });
    expect(doubted.ledger.strata[ID]?.buckets).toEqual([null]);
    // Fewer are there than were read: that alone would look well.
    expect(drill(doubted.ledger, odd.slice(1), { most: 0, at: T + 2 }).layer).toMatchObject({ covered: 0, behind: { never: 7 } });
    expect(drill(doubted.ledger, odd, { at: T + 3 }).layer).toMatchObject({ covered: 8, behind: {} });
  });

  test("also among items that their lane read", () => {
    const { ledger } = drill(EMPTY_LEDGER, items(8));
    const grown = [...items(8), ...items(1, T + 5, 500)];
    const fresh = drill(ledger, grown, { most: 2, point: T + 10, at: T + 20 });
    expect(fresh.layer).toMatchObject({ covered: 9 });
    const { layer } = drill(fresh.ledger, [...grown, ...items(1, T + 6, 600)], { most: 0, point: T + 10, at: T + 30 });
    // One was read by itself besides, as part of a bucket larger than the budget.
    expect(layer).toMatchObject({ covered: 1, behind: { doubted: 9 } });
  });

  test("items without a creation time are not covered by that of others", () => {
    const { layer } = drill(EMPTY_LEDGER, [...items(60), ...items(40, null, 100)]);
    expect(layer).toMatchObject({ population: 100, covered: 60, behind: { untimed: 40 } });
  });

  test("what cannot be told at all has no ratio, but what was read is not read again before its turn", () => {
    const first = drill(EMPTY_LEDGER, items(200, null), { mode: "none", most: 100 });
    expect(first.layer).toMatchObject({ ratio: null, covered: 0 });
    const second = drill(first.ledger, items(200, null), { mode: "none", most: 100 });
    const [one, other] = [first, second].map((step) => new Set(step.sample.items.get(ID)?.map((item) => item.key)));
    expect([...(other ?? [])].filter((key) => one?.has(key)).length).toBe(0);
  });

  test("what was read without digests says nothing once keys are needed", () => {
    const { ledger } = drill(EMPTY_LEDGER, items(100));
    expect(drill(ledger, items(100), { mode: "keys", most: 1, at: T + 1 }).layer?.covered).toBeLessThanOrEqual(1);
  });

  test("items that could not be read are unread until they are", () => {
    const failed = (sample: Sample): Outcome["open"] =>
      (sample.items.get(ID) ?? []).slice(0, 5).map(({ hash }) => ({ id: ID, hash, result: "unverifiable" }));
    const { ledger, layer } = drill(EMPTY_LEDGER, items(100), { open: failed });
    expect(layer).toMatchObject({ covered: 95, behind: { unreadable: 5 } });
    const again = drill(ledger, items(100), { most: 10, at: T + 1 });
    expect(again.sample.items.get(ID)?.filter((one) => one.lane === "not-match" || one.lane === "cycle").length).toBeGreaterThanOrEqual(5);
    expect(again.layer).toMatchObject({ covered: 100, ratio: 1 });
    expect(again.ledger.strata[ID]?.open).toEqual([]);
  });

  test("a new item that could not be read is looked at again, and then it is covered", () => {
    const { ledger } = drill(EMPTY_LEDGER, items(100));
    const now = [...items(100), ...items(1, T + 5, 500)];
    const failed = (sample: Sample): Outcome["open"] =>
      (sample.items.get(ID) ?? []).filter((one) => one.key === "k500").map(({ hash }) => ({ id: ID, hash, result: "unverifiable" }));
    const first = drill(ledger, now, { most: 4, point: T + 10, at: T + 20, open: failed });
    expect(first.layer?.behind).toEqual({ unreadable: 1 });
    const second = drill(first.ledger, now, { most: 4, point: T + 10, at: T + 30 });
    expect(second.ledger.strata[ID]?.open).toEqual([]);
    expect(second.layer).toMatchObject({ covered: 101, behind: {} });
  });

  test("more unread items than are kept: their buckets do not count as read", () => {
    const list = items(20_000);
    const failed = (sample: Sample): Outcome["open"] =>
      (sample.items.get(ID) ?? []).slice(0, 10_000).map(({ hash }) => ({ id: ID, hash, result: "unverifiable" }));
    const { ledger, layer } = drill(EMPTY_LEDGER, list, { open: failed });
    expect(ledger.strata[ID]?.open.length).toBeLessThanOrEqual(OPEN_MOST);
    expect(layer?.covered).toBeLessThanOrEqual(10_000);
    expect(ledger.strata[ID]?.cycle).toBe(0);
  });
});

describe("behind", () => {
  test("what, and why, and since when", () => {
    const first = drill(EMPTY_LEDGER, items(100), { most: 50 });
    expect(first.layer).toMatchObject({ population: 100, oldestAt: T, behind: { never: 100 - (first.layer?.covered ?? 0) } });
    const whole = drill(first.ledger, items(100), { at: T + DAY });
    expect(whole.layer).toMatchObject({ ratio: 1, oldestAt: T + DAY, behind: {} });
    const later = drill(whole.ledger, [...items(100), ...items(10, T + DAY + 5, 200)], { most: 0, point: T + 2 * DAY, at: T + 40 * DAY });
    expect(later.layer).toMatchObject({ covered: 0, oldestAt: T + DAY, behind: { late: 100, new: 10 } });
    expect(later.layer?.strata[0]).toMatchObject({ id: ID, population: 110, countable: true });
  });

  test("so many times that some are told as one: then as the earlier", () => {
    const read = Array.from({ length: 300 }, (_, at) => [T + at * DAY, 1 + (at % 3)] as const);
    const { ledger, sample } = drill(EMPTY_LEDGER, items(100));
    const [census] = sample.census;
    if (census === undefined) throw new Error("a census is missing");
    const buckets = [{ present: 600, read, unread: {}, oldest: null }];
    const facts = coverageFacts([{ ...census, population: 600, buckets }], ledger);
    expect(facts[0]?.read.length).toBe(64);
    expect(facts[0]?.read.reduce((all, [, count]) => all + count, 0)).toBe(600);
    const now = T + 300 * DAY;
    for (let days = 1; days < 320; days += 1) {
      const truth = read.filter(([at]) => at >= now - days * DAY).reduce((all, [, count]) => all + count, 0);
      const [layer] = coverageAt(facts, now, days * DAY);
      expect(layer?.covered).toBeLessThanOrEqual(truth);
      expect(layer?.covered).toBeGreaterThanOrEqual(truth - 15);
      expect(layer?.oldestAt).toBe(T);
    }
  });

  test("more readings of new items than are kept apart are told as fewer, read earlier", () => {
    const { ledger, sample } = drill(EMPTY_LEDGER, items(4));
    const [taken] = sample.taken;
    if (taken === undefined) throw new Error("nothing was taken");
    let now = ledger;
    for (let step = 1; step <= 100; step += 1) {
      const one = { ...taken, point: T + step, sampled: 0, buckets: [], fresh: [{ bucket: 0, to: T + step, items: 1, held: 4 + step }] };
      now = record(now, [one], { at: T + 1000 + step, open: [] });
    }
    const fresh = now.strata[ID]?.buckets[0]?.fresh ?? [];
    expect(fresh.length).toBe(SEGMENTS_MOST);
    expect(fresh[0]).toEqual({ to: T + 100 - SEGMENTS_MOST + 1, at: T + 1001 });
    expect(fresh.at(-1)).toEqual({ to: T + 100, at: T + 1100 });
    expect(now.strata[ID]?.buckets[0]?.held).toBe(104);
  });

  test("deleted items are nobody's debt", () => {
    const { ledger } = drill(EMPTY_LEDGER, items(100));
    expect(drill(ledger, items(30), { most: 0, at: T + 1 }).layer).toMatchObject({ population: 30, covered: 30, ratio: 1 });
    expect(drill(ledger, [], { most: 0, at: T + 1 }).layer).toMatchObject({ population: 0, ratio: null, oldestAt: null });
  });

  test("strata that are gone can be forgotten", () => {
    const { ledger } = drill(EMPTY_LEDGER, items(10));
    expect(keepStrata(ledger, new Set()).strata).toEqual({});
    expect(keepStrata(ledger, new Set([ID]))).toEqual(ledger);
  });
});

describe("as text", () => {
  test("a split ledger keeps what it covers, and comes back as it was", () => {
    for (const mode of ["times", "keys"] as const) {
      const { ledger } = drill(EMPTY_LEDGER, items(40), { mode });
      const own = ledger.strata[ID];
      if (own === undefined) throw new Error("a stratum is missing");
      const halved: Ledger = { strata: { [ID]: split(own, own.bits + 4) } };
      expect(parseLedger(serialiseLedger(halved))).toEqual(halved);
      expect(drill(halved, items(40), { mode, most: 0, at: T + 1 }).layer).toMatchObject({ covered: 40, ratio: 1 });
    }
  });

  test.each(["", "{", "[]", '{"version":2,"strata":{}}', '{"version":1,"strata":{"x":{}}}'])("damage is told: %s", (text) => {
    expect(() => parseLedger(text)).toThrow(expect.objectContaining({ code: "ledger-damaged" }));
  });

  test("columns cut short are damage", () => {
    const { ledger } = drill(EMPTY_LEDGER, items(100));
    const text = serialiseLedger(ledger).replace(/"items":"[^"]+"/, '"items":"AAAA"');
    expect(() => parseLedger(text)).toThrow(expect.objectContaining({ code: "ledger-damaged" }));
  });

  test("about 20 characters a bucket, and 8 more an item where keys are kept", () => {
    const list = items(100_000);
    const times = serialiseLedger(drill(EMPTY_LEDGER, list).ledger).length;
    expect(times).toBeLessThan(4096 * 20 + 1000);
    const keys = serialiseLedger(drill(EMPTY_LEDGER, list, { mode: "keys" }).ledger).length;
    expect(keys - times).toBeLessThan(100_000 * 8 + 4096 * 4);
  });
});
