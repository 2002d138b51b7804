/** Buckets, their splits, and the order of a cycle. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bitsFor, bucketOf, cycleOrder, hashPrefix, itemHash } from "../../../../agent/core/sampling/buckets.ts";

const stratum = { collection: "people", kind: "records" };

describe("an item's bucket", () => {
  test("is the beginning of a plain SHA-256, so that SQL finds the same", () => {
    const digest = createHash("sha256").update("s33d/records/6:people/42").digest("hex");
    expect(hashPrefix("s33d", stratum)).toBe("s33d/records/6:people/");
    expect(itemHash(hashPrefix("s33d", stratum), "42")).toBe(digest.slice(0, 12));
    expect(bucketOf("s33d", stratum, "42", 12)).toBe(Number.parseInt(digest.slice(0, 3), 16));
    expect(bucketOf("s33d", stratum, "42", 0)).toBe(0);
  });

  test("stays within its parent's children when buckets are split", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: 11 }), (key, bits) => {
        expect(bucketOf("seed", stratum, key, bits + 1) >> 1).toBe(bucketOf("seed", stratum, key, bits));
      }),
    );
  });

  test("another seed, collection or kind: another bucket", () => {
    const keys = Array.from({ length: 4096 }, (_, at) => `k${at}`);
    for (const other of [
      (key: string) => bucketOf("other", stratum, key, 6),
      (key: string) => bucketOf("seed", { ...stratum, collection: "peopl" }, key, 6),
      (key: string) => bucketOf("seed", { ...stratum, kind: "files" }, key, 6),
    ]) {
      const same = keys.filter((key) => bucketOf("seed", stratum, key, 6) === other(key)).length;
      // One in 64 by chance.
      expect(same).toBeGreaterThan(20);
      expect(same).toBeLessThan(120);
    }
  });

  test.each(["numbers in a row", "uuid-like", "addresses"])("keys fill all buckets alike: %s", (kind) => {
    const count = 100_000;
    const counts = new Float64Array(1024);
    for (let at = 0; at < count; at += 1) {
      const key =
        kind === "addresses"
          ? `person${at}@example.org`
          : kind === "uuid-like"
            ? `00000000-0000-4000-8000-${String(at).padStart(12, "0")}`
            : String(at);
      const bucket = bucketOf("seed", stratum, key, 10);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    const mean = count / 1024;
    const perFreedom = counts.reduce((sum, n) => sum + (n - mean) ** 2 / mean, 0) / 1023;
    // Chi-squared over its degrees of freedom: 1 ± 4 standard deviations of sqrt(2 / 1023).
    expect(Math.abs(perFreedom - 1)).toBeLessThan(0.18);
  });

  test.each([
    [0, 0],
    [1, 0],
    [11, 0],
    [12, 1],
    [100, 4],
    [1000, 7],
    [10_000, 10],
    [32_768, 12],
    [5_000_000, 12],
  ])("%i items: %i bits", (population, bits) => {
    expect(bitsFor(population)).toBe(bits);
  });
});

describe("a cycle", () => {
  test("walks every bucket once, differently for every seed and stratum", () => {
    for (const bits of [0, 1, 5, 12])
      expect([...cycleOrder("seed", "a", bits)].sort((a, b) => a - b)).toEqual([...Array(2 ** bits).keys()]);
    expect(cycleOrder("seed", "a", 8)).not.toEqual(cycleOrder("other", "a", 8));
    expect(cycleOrder("seed", "a", 8)).not.toEqual(cycleOrder("seed", "b", 8));
  });

  test("keeps its order through splits: the children stand where their parent stood", () => {
    for (let bits = 0; bits < 12; bits += 1)
      expect(cycleOrder("seed", "a", bits + 1).flatMap((bucket, at) => (at % 2 === 0 ? [bucket >> 1] : []))).toEqual(
        cycleOrder("seed", "a", bits),
      );
  });
});
