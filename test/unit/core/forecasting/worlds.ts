/** Made-up products: what samples of a source and its full restore take, with noise of several kinds, the same for the same seed. */
import type { RestoreCost, StepCost } from "../../../../agent/core/forecasting/costs.ts";
import type { Observed } from "../../../../agent/core/forecasting/state.ts";

export interface Dice {
  /** Uniform in [0, 1). */
  next(): number;
  normal(): number;
}

export function dice(seed: number): Dice {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { next, normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()) };
}

export interface World {
  readonly request: number;
  readonly item: number;
  readonly byte: number;
  readonly structure: number;
  /** Records that go into one request. */
  readonly batch: number;
  readonly collections: readonly { readonly id: string; readonly records: number; readonly bytes: number; readonly factor: number }[];
  readonly perSecond: number | null;
  /** Factor on a whole drill: how busy the machines are that day. */
  readonly day: (dice: Dice) => number;
  /** Factor on one step. */
  readonly moment: (dice: Dice) => number;
}

/** @param share of its records, by collection; 1: everything */
export function restoreIn(world: World, sampled: (records: number) => number, random: Dice): RestoreCost {
  const day = world.day(random);
  const steps: StepCost[] = [
    step("structure", null, world.collections.length, 0, world.collections.length, world.structure * day * world.moment(random)),
  ];
  for (const { id, records, bytes, factor } of world.collections) {
    const items = Math.min(records, sampled(records));
    const requests = Math.ceil(items / world.batch);
    const alone = (requests * world.request + items * (world.item + bytes * world.byte)) * factor;
    const work = alone * day * world.moment(random);
    const ms = world.perSecond === null ? work : Math.max(work, (requests * 1000) / world.perSecond);
    steps.push({ ...step("records", id, items, items * bytes, requests, ms), waitMs: ms - work });
  }
  return { steps, perSecond: world.perSecond };
}

function step(name: StepCost["step"], collection: string | null, items: number, bytes: number, requests: number, ms: number): StepCost {
  return { step: name, collection, items, bytes, ms, requests, waitMs: 0, retries: 0 };
}

export function observedIn(world: World, cost: RestoreCost, at: number): Observed {
  const collections = world.collections.map(({ id, records }) => ({ id, name: `the ${id}`, records, fields: [] }));
  const inventory = { collections: collections.length, records: 0, links: 0, automations: 0, credentials: 0, files: 0, views: 0, roles: 0 };
  return { at, cost, facts: { collections, inventory }, artifactBytes: 0 };
}

export function totalMs({ steps }: RestoreCost): number {
  return steps.reduce((sum, one) => sum + one.ms, 0);
}

/** Each time another product and source. */
export function anyWorld(random: Dice, noise: Pick<World, "day" | "moment">): World {
  const between = (low: number, high: number): number => low * (high / low) ** random.next();
  const count = 1 + Math.floor(random.next() * 8);
  return {
    request: between(2, 60),
    item: between(0.05, 5),
    byte: between(1e-5, 1e-3),
    structure: between(20, 2000),
    batch: [10, 25, 100, 200, 500][Math.floor(random.next() * 5)] ?? 100,
    collections: Array.from({ length: count }, (_, at) => ({
      id: `c${at}`,
      records: Math.ceil(between(20, 20_000)),
      bytes: between(50, 2000),
      factor: Math.exp(0.15 * random.normal()),
    })),
    perSecond: null,
    ...noise,
  };
}
