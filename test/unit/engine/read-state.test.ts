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
