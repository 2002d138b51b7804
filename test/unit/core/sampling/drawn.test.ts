/** What enters a bound: over many seeds the true rate lies inside it, with lanes full of bad items beside. */
import { expect, test } from "vitest";
import { boundsOf } from "../../../../agent/core/sampling/bounds.ts";
import { NO_LIMIT } from "../../../../agent/core/sampling/budget.ts";
import { stratumId } from "../../../../agent/core/sampling/buckets.ts";
import { drawSample } from "../../../../agent/core/sampling/draw.ts";
import { drawnOf } from "../../../../agent/core/sampling/drawn.ts";
import { frameOf } from "../../../../agent/core/sampling/frame.ts";
import { EMPTY_LEDGER, type OpenItem } from "../../../../agent/core/sampling/ledger.ts";

const T = Date.UTC(2026, 0, 1);
const strata = [
  { stratum: { collection: "a", kind: "records" }, population: 1000, bad: 20 },
  { stratum: { collection: "b", kind: "records" }, population: 150, bad: 1 },
] as const;

test("lane items never enter, and the bound of what the sampler really draws holds as often as it says", () => {
  let held = 0;
  let lanes = 0;
  const tries = 400;
  for (let seed = 0; seed < tries; seed += 1) {
    const badKeys = new Map(
      strata.map(({ stratum, bad }) => [stratumId("live", stratum), new Set(Array.from({ length: bad }, (_, at) => `k${at}`))]),
    );
    const frames = strata.map(({ stratum, population }) =>
      frameOf(
        `seed${seed}`,
        stratum,
        Array.from({ length: population }, (_, at) => ({ key: `k${at}`, createdAt: T, updatedAt: T })),
        {
          mode: "times",
        },
      ),
    );
    const sample = drawSample({
      seed: `seed${seed}`,
      layer: "live",
      ledger: EMPTY_LEDGER,
      frames,
      point: T,
      now: T,
      budget: { ...NO_LIMIT, items: 220 },
      // Half of the bad ones are named by people: counted, they would make the rate look far worse than it is.
      lanes: {
        critical: new Map([[stratumId("live", strata[0].stratum), new Set(Array.from({ length: 10 }, (_, at) => `k${at}`))]]),
        endingWithinMs: 0,
        share: 0.5,
      },
    });
    const open: { id: string; hash: string; result: OpenItem["result"] }[] = [];
    for (const [id, items] of sample.items)
      for (const { key, hash } of items) if (badKeys.get(id)?.has(key) === true) open.push({ id, hash, result: "mismatch" });
    const drawn = drawnOf(sample.taken, { at: T, open });
    for (const [id, one] of drawn) {
      const cycle = sample.items.get(id)?.filter((item) => item.lane === "cycle") ?? [];
      expect(one.sampled).toBe(cycle.length);
      expect(one.bad).toBe(cycle.filter((item) => badKeys.get(id)?.has(item.key)).length);
      lanes += (sample.items.get(id)?.length ?? 0) - cycle.length;
    }
    if (21 < boundsOf(drawn, 0.95).overall.fewerThan) held += 1;
  }
  expect(lanes).toBeGreaterThan(1000);
  expect(held / tries).toBeGreaterThanOrEqual(0.95);
});

test("what could not be read may be bad, what people changed is not", () => {
  const frame = frameOf(
    "seed",
    strata[1].stratum,
    Array.from({ length: 150 }, (_, at) => ({ key: `k${at}`, createdAt: T, updatedAt: T })),
    { mode: "times" },
  );
  const lanes = { critical: new Map(), endingWithinMs: 0, share: 0.5 };
  const sample = drawSample({
    seed: "seed",
    layer: "live",
    ledger: EMPTY_LEDGER,
    frames: [frame],
    point: T,
    now: T,
    budget: NO_LIMIT,
    lanes,
  });
  const id = stratumId("live", strata[1].stratum);
  const results = ["mismatch", "unverifiable", "changed"] as const;
  const open = (sample.items.get(id) ?? []).slice(0, 3).map(({ hash }, at) => ({ id, hash, result: results[at] ?? "changed" }));
  expect(drawnOf(sample.taken, { at: T, open }).get(id)).toEqual({ population: 150, sampled: 150, bad: 2 });
});
