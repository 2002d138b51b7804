/** The sampler and its ledger beside an oracle that remembers every single item. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Budget, BUDGETS, NO_LIMIT } from "../../../../agent/core/sampling/budget.ts";
import { inBuckets, frameOf } from "../../../../agent/core/sampling/frame.ts";
import { censusAfter, censusOf, readingsOf, type StratumCensus } from "../../../../agent/core/sampling/census.ts";
import { coverageAt, coverageFacts } from "../../../../agent/core/sampling/coverage.ts";
import { drawSample } from "../../../../agent/core/sampling/draw.ts";
import { EMPTY_LEDGER, type Ledger, marksMost, record, SEGMENTS_MOST } from "../../../../agent/core/sampling/ledger.ts";
import { parseLedger, serialiseLedger } from "../../../../agent/core/sampling/packing.ts";
import { stratumId } from "../../../../agent/core/sampling/buckets.ts";
import { seededRandom } from "../../../../agent/kit/random.ts";
import { Collection, DAY, HOUR, type Life } from "./world.ts";

const SEED = "5eed".repeat(8);
const WITHIN = [2 * DAY, 10 * DAY, 1000 * DAY];
const COST = { bytes: 100, calls: 0.1, seconds: 0.05 };

interface Setting {
  readonly seed: number;
  readonly sizes: readonly number[];
  readonly mode: "times" | "keys";
  readonly life: Life;
  readonly budgets: readonly Budget[];
  readonly killed: number;
  readonly unreadable: number;
  readonly lanes: number;
  /** How long before a drill the point began: what came meanwhile may be in it. */
  readonly margin: number;
  readonly steps: number;
}

const limit = (most: number): fc.Arbitrary<number | null> => fc.option(fc.integer({ min: 1, max: most }), { nil: null, freq: 2 });
const setting: fc.Arbitrary<Setting> = fc.record({
  seed: fc.integer({ min: 1, max: 1e9 }),
  sizes: fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 3 }),
  mode: fc.constantFrom("times", "times", "keys"),
  life: fc.record({
    made: fc.constantFrom(0, 0.001, 0.01, 0.1),
    edited: fc.constantFrom(0, 0.01, 0.2),
    deleted: fc.constantFrom(0, 0.01, 0.1),
    remade: fc.constantFrom(0, 0.3),
    imports: fc.constantFrom(0, 0.05),
  }),
  budgets: fc.array(fc.record({ items: limit(400), bytes: limit(40_000), calls: limit(40), seconds: limit(20) }), {
    minLength: 1,
    maxLength: 4,
  }),
  killed: fc.constantFrom(0, 0.2),
  unreadable: fc.constantFrom(0, 0, 0.02),
  lanes: fc.constantFrom(0, 0.5, 1),
  margin: fc.constantFrom(0, 0, 12 * HOUR),
  steps: fc.integer({ min: 5, max: 40 }),
});

test("whatever people do: nothing is claimed that was not read, and within 1 % of all that was", () => {
  let cycles = 0;
  let splits = 0;
  fc.assert(
    fc.property(setting, (given) => {
      const seen = live(given);
      cycles += seen.cycles;
      splits += seen.splits;
    }),
    { numRuns: 150 },
  );
  // Else it said nothing of them.
  expect(cycles).toBeGreaterThan(200);
  expect(splits).toBeGreaterThan(50);
}, 120_000);

function live(given: Setting): { readonly cycles: number; readonly splits: number } {
  const random = seededRandom(given.seed);
  const collections = given.sizes.map((_, at) => new Collection(`c${at}`, given.mode, random));
  let now = Date.UTC(2026, 0, 1);
  for (const [at, collection] of collections.entries()) collection.add(given.sizes[at] ?? 0, now - 100 * DAY, now);
  let ledger: Ledger = EMPTY_LEDGER;
  const cycleBegan = new Map<string, { readonly cycle: number; readonly keys: ReadonlyMap<string, number>; readonly at: number }>();
  let [cycles, splits] = [0, 0];
  for (let step = 0; step < given.steps; step += 1) {
    const from = now;
    now += Math.ceil(random.next() * 2 * DAY);
    for (const collection of collections) collection.live(given.life, from, now);
    const point = now - given.margin;
    const frames = collections.map((one) => frameOf(SEED, stratumOf(one), one.list(), { mode: given.mode, cost: COST }));
    const budget = given.budgets[step % given.budgets.length] ?? NO_LIMIT;
    const [first] = collections[0]?.items.keys() ?? [];
    const critical = first === undefined ? new Map() : new Map([[idOf(collections[0]), new Set([first])]]);
    now += HOUR;
    const sample = drawSample({
      seed: SEED,
      layer: "scratch",
      ledger,
      frames,
      point,
      now,
      budget,
      lanes: { critical, endingWithinMs: 0, share: given.lanes },
    });
    for (const name of BUDGETS) expect(sample.cost[name]).toBeLessThanOrEqual((budget[name] ?? Infinity) * (1 + 1e-9));
    const drawn = [...sample.items.values()].reduce((all, items) => all + items.length, 0);
    expect(sample.cost.items).toBe(drawn);
    for (const collection of collections) startCycle(collection);
    if (random.next() < given.killed) continue;
    const open: { id: string; hash: string; result: "unverifiable" | "mismatch" }[] = [];
    for (const collection of collections)
      for (const { key, hash } of sample.items.get(idOf(collection)) ?? []) {
        const failed = random.next() < given.unreadable;
        if (failed) open.push({ id: idOf(collection), hash, result: "unverifiable" });
        else {
          collection.read(key, now);
          if (random.next() < given.unreadable) open.push({ id: idOf(collection), hash, result: "mismatch" });
        }
      }
    const outcome = { at: now, open };
    const after = parseLedger(serialiseLedger(record(ledger, sample.taken, outcome)));
    expect(after).toEqual(record(ledger, sample.taken, outcome));
    const census = censusAfter(sample.census, ledger, sample.taken, outcome);
    ledger = after;
    for (const [at, frame] of frames.entries()) {
      const own = ledger.strata[stratumId("scratch", frame.stratum)];
      if (own === undefined) throw new Error("a stratum is missing");
      // Where there were too many to keep, less is known now than was told.
      if (own.again.length >= marksMost(frame.keys.length) || own.buckets.some((entry) => entry?.fresh.length === SEGMENTS_MOST)) continue;
      const buckets = inBuckets(frame, own.bits);
      expect(totals(census[at])).toEqual(totals(censusOf("scratch", frame, own.bits, buckets, readingsOf(frame, buckets, own, new Set()))));
    }
    const facts = coverageFacts(census, ledger);
    for (const within of WITHIN) {
      const [layer] = coverageAt(facts, now, within);
      // Nothing was affordable yet: a layer that never ran.
      if (layer === undefined) {
        expect(collections.every((one) => one.covered(0) === 0)).toBe(true);
        continue;
      }
      for (const collection of collections) {
        const told = layer.strata.find((one) => one.id === idOf(collection));
        const truth = collection.covered(now - within);
        expect(told?.population).toBe(collection.items.size);
        expect(told?.covered).toBeLessThanOrEqual(truth);
        // What could not be read this time may have been before.
        const unread = ledger.strata[idOf(collection)]?.open.length ?? 0;
        const full = (ledger.strata[idOf(collection)]?.again.length ?? 0) >= marksMost(collection.items.size);
        if (given.mode === "times" || !full) expect(told?.covered).toBeGreaterThanOrEqual(truth - 0.01 * collection.items.size - unread);
        const oldest = Math.min(...[...collection.items.values()].map((item) => item.readAt ?? item.createdAt));
        const began = ledger.strata[idOf(collection)]?.since ?? 0;
        if (collection.items.size > 0) expect(told?.oldestAt).toBeLessThanOrEqual(Math.max(oldest, began));
      }
    }
    for (const collection of collections) endCycle(collection);
  }
  return { cycles, splits };

  function startCycle(collection: Collection): void {
    const id = idOf(collection);
    const cycle = ledger.strata[id]?.cycle ?? 0;
    if (cycleBegan.get(id)?.cycle === cycle) return;
    begin(id, cycle, collection);
  }

  function begin(id: string, cycle: number, collection: Collection): void {
    cycleBegan.set(id, { cycle, at: now, keys: new Map([...collection.items.values()].map((item) => [item.key, item.createdAt])) });
  }

  /** Every item that was there all the time was read in it, but those that could not be. */
  function endCycle(collection: Collection): void {
    const id = idOf(collection);
    const own = ledger.strata[id];
    const began = cycleBegan.get(id);
    if (own === undefined || began === undefined) return;
    splits += own.bits > 3 ? 1 : 0;
    if (own.cycle === began.cycle) return;
    cycles += 1;
    const through = [...collection.items.values()].filter((item) => began.keys.get(item.key) === item.createdAt);
    const missed = through.filter((item) => (item.readAt ?? 0) < began.at);
    // A drill that ends one cycle begins the next.
    begin(id, own.cycle, collection);
    expect(missed.length).toBeLessThanOrEqual(given.unreadable === 0 ? 0 : own.open.length);
  }
}

function stratumOf(collection: Collection): { readonly collection: string; readonly kind: string } {
  return { collection: collection.name, kind: "records" };
}

function idOf(collection: Collection | undefined): string {
  return collection === undefined ? "" : stratumId("scratch", stratumOf(collection));
}

function totals(census: StratumCensus | undefined): unknown {
  return census?.buckets.map((bucket) => ({
    present: bucket.present,
    read: Object.fromEntries(bucket.read.filter(([, items]) => items > 0)),
    unread: Object.values(bucket.unread).reduce((all, items) => all + items, 0),
  }));
}
