import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { duckdb } from "../../../agent/sandboxes/duckdb/index.ts";
import { HASH_RANGE, keyedHash } from "../../../agent/sandboxes/duckdb/sampling.ts";
import { sandboxContract } from "../../contracts/sandbox.ts";
import { faultySandbox } from "../../doubles/sandbox.ts";

sandboxContract("duckdb", { create: (options) => duckdb.create(options), skips: [] });

describe("the faulty sandbox", () => {
  sandboxContract("faulty without faults", { create: (options) => faultySandbox(duckdb.create(options), []), skips: [] });

  test("fails at the planned call only, and tells of faults that never came up", async () => {
    const directory = await mkdtemp(join(tmpdir(), "rw-faulty-"));
    const sandbox = faultySandbox(duckdb.create(), [
      { method: "query", call: 2, error: new Error("planned") },
      { method: "load", call: 1, error: new Error("never reached") },
    ]);
    try {
      await sandbox.provision(directory, { memoryMb: 64, diskMb: 8, threads: 1 });
      expect(await sandbox.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
      await expect(sandbox.query("SELECT 1")).rejects.toThrow("planned");
      expect(await sandbox.query("SELECT 2 AS two")).toEqual([{ two: 2 }]);
      expect(() => sandbox.assertAllFaultsUsed()).toThrow("load call 1");
    } finally {
      await sandbox.dispose();
      await rm(directory, { recursive: true });
    }
  });
});

describe("keyed hashes", () => {
  test("are uniform over their range, and depend on seed, collection and key", () => {
    const buckets = Array.from({ length: 16 }, () => 0);
    for (let n = 0; n < 16_000; n += 1) {
      const bucket = Math.floor((keyedHash("5eed", "c", String(n)) / HASH_RANGE) * 16);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    const chiSquare = buckets.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    // The 99.9 % quantile for 15 degrees of freedom.
    expect(chiSquare).toBeLessThan(37.7);
    const base = keyedHash("5eed", "c", "1");
    expect([keyedHash("5eee", "c", "1"), keyedHash("5eed", "d", "1"), keyedHash("5eed", "c", "2")]).not.toContain(base);
  });
});
