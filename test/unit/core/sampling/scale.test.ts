/** Simulated years in seconds, and a million items. */
import { expect, test } from "vitest";
import { NO_LIMIT } from "../../../../agent/core/sampling/budget.ts";
import { stratumId } from "../../../../agent/core/sampling/buckets.ts";
import { censusAfter } from "../../../../agent/core/sampling/census.ts";
import { coverageAt, coverageFacts } from "../../../../agent/core/sampling/coverage.ts";
import { drawSample } from "../../../../agent/core/sampling/draw.ts";
import { type FrameItem, frameOf } from "../../../../agent/core/sampling/frame.ts";
import { EMPTY_LEDGER, type Ledger, record } from "../../../../agent/core/sampling/ledger.ts";
import { serialiseLedger } from "../../../../agent/core/sampling/packing.ts";
import { seededRandom } from "../../../../agent/kit/random.ts";
import { Collection, DAY, HOUR } from "./world.ts";

const stratum = { collection: "c", kind: "records" };
const ID = stratumId("scratch", stratum);

test.each([
  [0.001, "0.1 %"],
  [0.01, "1 %"],
  [0.03, "3 %"],
])(
  "three years, %d made and deleted a day (%s): never more than the truth, and within 1 % of it",
  (share) => {
    const random = seededRandom(share * 1e6);
    const collection = new Collection("c", "times", random);
    let now = Date.UTC(2026, 0, 1);
    collection.add(1000, now - 300 * DAY, now);
    let ledger: Ledger = EMPTY_LEDGER;
    let largest = 0;
    let worst = 0;
    for (let day = 0; day < 3 * 365; day += 1) {
      collection.live({ made: share, edited: 0.005, deleted: share / 0.9, remade: 0.1, imports: 0 }, now, now + DAY);
      now += DAY;
      const frames = [frameOf("seed", stratum, collection.list(), { mode: "times" })];
      const budget = { ...NO_LIMIT, items: 90 };
      const lanes = { critical: new Map(), endingWithinMs: 0, share: 0.5 };
      const sample = drawSample({ seed: "seed", layer: "scratch", ledger, frames, point: now, now: now + HOUR, budget, lanes });
      if (random.next() < 0.1) continue;
      for (const { key } of sample.items.get(ID) ?? []) collection.read(key, now + HOUR);
      const outcome = { at: now + HOUR, open: [] };
      const census = censusAfter(sample.census, ledger, sample.taken, outcome);
      ledger = record(ledger, sample.taken, outcome);
      const [layer] = coverageAt(coverageFacts(census, ledger), now + HOUR, 30 * DAY);
      const truth = collection.covered(now + HOUR - 30 * DAY);
      expect(layer?.covered).toBeLessThanOrEqual(truth);
      worst = Math.max(worst, (truth - (layer?.covered ?? 0)) / collection.items.size);
      largest = Math.max(largest, serialiseLedger(ledger).length);
    }
    expect(worst).toBeLessThanOrEqual(0.01);
    // The ledger does not grow with time.
    expect(largest).toBeLessThan(2 ** 7 * 20 + 1000 * 16);
  },
  60_000,
);

test("a million items: drawn in seconds, kept in a hundred kilobytes", () => {
  const made = Date.UTC(2026, 0, 1);
  const list: FrameItem[] = Array.from({ length: 1_000_000 }, (_, at) => ({ key: `rec${at}`, createdAt: made + at, updatedAt: made + at }));
  const from = performance.now();
  const frames = [frameOf("seed", stratum, list, { mode: "times" })];
  const point = made + 2_000_000;
  const lanes = { critical: new Map(), endingWithinMs: 0, share: 0.5 };
  const budget = { ...NO_LIMIT, items: 20_000 };
  const sample = drawSample({ seed: "seed", layer: "scratch", ledger: EMPTY_LEDGER, frames, point, now: point, budget, lanes });
  const ledger = record(EMPTY_LEDGER, sample.taken, { at: point, open: [] });
  const seconds = (performance.now() - from) / 1000;
  expect(sample.cost.items).toBeGreaterThan(19_500);
  expect(sample.cost.items).toBeLessThanOrEqual(20_000);
  expect(serialiseLedger(ledger).length).toBeLessThan(100_000);
  expect(seconds).toBeLessThan(20);
}, 60_000);
