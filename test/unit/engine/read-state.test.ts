/** What the gauges of a source are made from, where drills of several points came in one order and their points in another. */
import { beforeEach, describe, expect, test } from "vitest";
import type { DrillRecord } from "../../../agent/core/values.ts";
import { sourceSamples } from "../../../agent/engine/project.ts";
import { readSource } from "../../../agent/engine/read-state.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";
import { someDrill, somePoint } from "../../doubles/values.ts";

const T = Date.UTC(2026, 0, 15);
const HOUR = 3_600_000;
const crm = policy("crm");
let state = memoryState();
beforeEach(async () => {
  state = memoryState();
  await state.repositories.points.put([
    somePoint("old", { createdAt: T - 48 * HOUR }),
    somePoint("older", { createdAt: T - 72 * HOUR }),
    somePoint("new", { createdAt: T }),
  ]);
});

const check = {
  id: "links.resolve",
  layer: "content",
  observed: "3 dangling",
  expected: "0",
  count: 3,
  examples: [],
  durationMs: 1,
} as const;
const drilled = (id: string, pointId: string, at: number, more: Partial<DrillRecord> = {}): Promise<void> =>
  state.repositories.drills.put(someDrill(id, { pointId, startedAt: at, finishedAt: at + 1000, ...more }));
const FAILED = { verdict: "failed", layers: { artifact: "verified", content: "failed" }, checks: [{ ...check, status: "fail" }] } as const;
const TROUBLE = { verdict: "inconclusive", layers: { artifact: "inconclusive" }, checks: [], trouble: "out-of-memory" } as const;

async function told(metric: string): Promise<readonly number[]> {
  const samples = sourceSamples(await readSource(crm, state.repositories, T, []), T + 10 * HOUR);
  return samples.filter((one) => one.metric === metric).map((one) => one.value);
}

describe("a failing check", () => {
  test("is not cleared by older backups that are drilled afterwards and are fine", async () => {
    await drilled("d1", "new", T + HOUR, FAILED);
    expect(await told("restore_check_failing")).toEqual([1]);
    await drilled("d2", "old", T + 2 * HOUR);
    await drilled("d3", "older", T + 3 * HOUR);
    expect(await told("restore_check_failing")).toEqual([1]);
    expect(await told("restore_consecutive_failures")).toContain(1);
  });

  test("nor by our own trouble with the newest, but by a drill of it that passes, or by a newer backup", async () => {
    await drilled("d1", "old", T + HOUR, FAILED);
    await drilled("d2", "new", T + 2 * HOUR, TROUBLE);
    expect(await told("restore_check_failing")).toEqual([1]);
    await drilled("d3", "new", T + 3 * HOUR);
    expect(await told("restore_check_failing")).toEqual([]);
    await drilled("d4", "old", T + 4 * HOUR, FAILED);
    expect(await told("restore_check_failing"), "an old backup that fails is no state of the source").toEqual([]);
  });

  test("stays where every backup that was drilled is gone from the vault", async () => {
    await drilled("d1", "lost", T + HOUR, FAILED);
    expect(await told("restore_check_failing")).toEqual([1]);
  });
});

describe("whether a budget keeps the promise", () => {
  const sampled = policy("crm", { verify: { ...policy().verify, layers: ["artifact", "content", "scratch"] } });
  const sample = { records: 400, most: 500, fileBytes: 1e6, apiCallsPerDay: null };
  const connection = { sourceId: "crm", platform: "nocodb", config: {}, scratch: {}, capture: null, sample } as const;
  const of = async (own: typeof sampled, connected: typeof connection | null) =>
    sourceSamples(await readSource(own, state.repositories, T, [], connected), T + 10 * HOUR).filter((one) =>
      one.metric.startsWith("restore_coverage_promise"),
    );
  const facts = (records: number) => ({
    format: "nocodb",
    formatVersion: null,
    inventory: { collections: 1, records, links: 0, automations: 0, credentials: 0, files: 0, views: 0, roles: 0 },
    collections: [],
    automations: [],
    credentials: [],
    views: [],
    access: [],
  });

  test("is not told while nobody knows how many records there are, nor of a source that samples nothing", async () => {
    expect(await of(sampled, connection)).toEqual([]);
    await drilled("d1", "new", T + HOUR, { facts: facts(500) });
    expect(await of(sampled, null)).toEqual([]);
    expect(await of(policy("crm"), connection)).toEqual([]);
  });

  test("is 1 where it does, else 0 and broken as of now", async () => {
    await drilled("d1", "new", T + HOUR, { facts: facts(500) });
    expect(await of(sampled, connection)).toEqual([
      { metric: "restore_coverage_promise_kept", labels: { source: "crm", layer: "scratch" }, value: 1 },
    ]);
    await drilled("d2", "new", T + 2 * HOUR, { facts: facts(500_000) });
    expect((await of(sampled, connection)).map((one) => one.value)).toEqual([0, (T + 10 * HOUR) / 1000]);
  });

  test("is told with the time at which it will break", async () => {
    await drilled("d0", "older", T - 72 * HOUR, { facts: facts(2000) });
    await drilled("d1", "new", T, { facts: facts(3500) });
    const [kept, breaks] = await of(sampled, connection);
    expect(kept?.value).toBe(1);
    expect(breaks?.metric).toBe("restore_coverage_promise_breaks_timestamp_seconds");
    expect(breaks?.value).toBeGreaterThan(T / 1000);
  });
});
