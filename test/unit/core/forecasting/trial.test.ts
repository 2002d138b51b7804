/** The trials of `npm run bench:forecast` over a product in memory whose clock is ours: restores take what we say they take. */
import { describe, expect, test } from "vitest";
import type { ContentRecord } from "../../../../agent/core/content.ts";
import type { OpenScratch, RestoreSet } from "../../../../agent/core/platform-ports.ts";
import type { Clock, Random } from "../../../../agent/core/ports.ts";
import { seededRandom } from "../../../../agent/kit/random.ts";
import { calibration, type Trial, trial } from "../../../bench/forecast/trial.ts";
import { collection, field, memoryContent, record } from "../../../doubles/content.ts";
import { memoryPlatform } from "../../../doubles/platform.ts";
import { dice, type Dice } from "./worlds.ts";

interface Pace {
  /** Milliseconds. */
  readonly structure: number;
  readonly request: number;
  readonly item: number;
  readonly batch: number;
  readonly perSecond: number | null;
  /** Factor on what a step takes. */
  readonly noise: (dice: Dice) => number;
}

const production = { instance: "memory-1", scope: "base-1" };

function sourceOf(people: number, cities: number): RestoreSet {
  const link = { collection: "city", many: false, reciprocal: null };
  const rows = Array.from({ length: people }, (_, at): ContentRecord => record(String(at), [`person ${at}`, String(at % cities)]));
  return {
    ...memoryContent({
      collections: [
        collection("people", [field("name"), field("city", "link", { link })], { keyKind: "natural" }),
        collection("city", [field("name")], { keyKind: "natural" }),
      ],
    }),
    originals: {},
    records: new Map([
      ["people", rows],
      ["city", Array.from({ length: cities }, (_, at) => record(String(at), [`city ${at}`]))],
    ]),
    fileBytes: new Map(),
    cut: new Set(),
  };
}

/** The double's own restore is done in no time; the clock is moved by what it would have taken. */
function paced(pace: Pace, random: Dice): { readonly scratch: OpenScratch; readonly clock: Clock } {
  let at = 0;
  const use = { requests: 0, retries: 0, waitMs: 0 };
  const clock: Clock = { now: () => at, monotonic: () => at, sleep: () => Promise.resolve() };
  const spend = (work: number, requests: number): void => {
    const worked = work * pace.noise(random);
    const takes = pace.perSecond === null ? worked : Math.max(worked, (requests * 1000) / pace.perSecond);
    use.requests += requests;
    use.waitMs += takes - worked;
    at += takes;
  };
  const inner = memoryPlatform({
    collections: [],
    records: new Map(),
    automations: [],
    files: new Map(),
    ...production,
  }).openScratch(clock);
  const scratch: OpenScratch = {
    ...inner,
    use: () => ({ ...use, perSecond: pace.perSecond }),
    workspace: {
      ...inner.workspace,
      async load(place, set, signal, turn) {
        const loaded = await inner.workspace.load(place, set, signal);
        spend(pace.structure, set.collections.length);
        for (const [id, { length }] of set.records) {
          turn?.({ step: "records", collection: id });
          const requests = Math.ceil(length / pace.batch);
          spend(requests * pace.request + length * pace.item, requests);
        }
        return loaded;
      },
    },
  };
  return { scratch, clock };
}

async function trials(pace: Pace, count: number, seed: number): Promise<readonly Trial[]> {
  const random: Random = seededRandom(seed);
  const found: Trial[] = [];
  for (let at = 0; at < count; at += 1) {
    const people = 200 + Math.round(2000 * random.next());
    const full = sourceOf(people, 20 + Math.round(30 * random.next()));
    const drawn = (): number => 40 + Math.round(120 * random.next());
    found.push(await trial(full, 3 + (at % 4), drawn, { ...paced(pace, dice(seed + at)), production, random }));
  }
  return found;
}

const PACE: Pace = { structure: 400, request: 20, item: 2, batch: 25, perSecond: null, noise: () => 1 };

describe("full restores into a product in memory", () => {
  test("that always takes the same time for the same are foretold to a few percent", async () => {
    const { restores, inside, error } = calibration(await trials(PACE, 12, 1));
    expect([restores, inside]).toEqual([12, 12]);
    expect(error).toBeLessThan(0.05);
  });

  test.each([
    ["restless", { ...PACE, noise: (random: Dice) => Math.exp(0.3 * random.normal()) }],
    [
      "with hiccups",
      { ...PACE, noise: (random: Dice) => (random.next() < 0.15 ? 1 + random.next() : 1) * Math.exp(0.15 * random.normal()) },
    ],
    ["that takes five requests a second", { ...PACE, perSecond: 5, noise: (random: Dice) => Math.exp(0.3 * random.normal()) }],
  ] satisfies [string, Pace][])("%s end inside the interval about as often as it says", async (_, pace) => {
    const { restores, inside, above } = calibration(await trials(pace, 60, 11));
    expect(inside / restores).toBeGreaterThanOrEqual(0.8);
    expect(above / restores).toBeLessThanOrEqual(0.1);
  });

  test("never quicker than the rate the product takes", async () => {
    const slow = await trials({ ...PACE, perSecond: 2 }, 8, 5);
    for (const { forecast, actualMs, records } of slow) {
      expect(forecast.floorMs ?? 0).toBeGreaterThan((records / PACE.batch / 2) * 1000 * 0.8);
      expect(forecast.floorMs ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(actualMs);
      expect(forecast.lowerMs).toBeGreaterThanOrEqual(forecast.floorMs ?? 0);
    }
  });
});
