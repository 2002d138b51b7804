/** What a killed run left in a scratch place is found by its tag at the next start, counted and removed; what cannot be asked is not zero. */
import { expect, test } from "vitest";
import type { OpenScratch, SourceProducts } from "../../../agent/core/platform-ports.ts";
import { AgentError } from "../../../agent/core/errors.ts";
import { removeLeftovers } from "../../../agent/engine/leftover-scratches.ts";
import { scratchPrefix, scratchTag } from "../../../agent/engine/scratch/scratch.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { memoryPlatform } from "../../doubles/platform.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";

const never = new AbortController().signal;
const PRODUCTION = { instance: "memory-1", scope: "base-1" };

function place() {
  const clock = fakeClock();
  const memory = memoryPlatform({ collections: [], records: new Map(), automations: [], files: new Map(), ...PRODUCTION });
  const scratch = memory.openScratch(clock);
  const deps = (workspace: OpenScratch["workspace"]) => ({
    products: (): SourceProducts => ({
      connection: { sourceId: "crm" } as SourceProducts["connection"],
      open: memory.open(clock),
      scratch: { ...scratch, workspace },
    }),
    telemetry,
    clock,
    deadlineMs: 1000,
  });
  const telemetry = memoryTelemetry(clock);
  return { clock, scratch, deps, telemetry };
}

test("a workspace of a run that was killed after it was provisioned is removed, and only once", async () => {
  const { scratch, deps, telemetry } = place();
  // Killed here: nobody disposes of it.
  await scratch.workspace.provision(scratchTag("crm", "d1"), PRODUCTION, never);
  const world = deps(scratch.workspace);
  expect(await removeLeftovers([policy("crm")], world, never)).toEqual(new Map([["crm", 0]]));
  expect(telemetry.logs.map(({ fields }) => [fields["found"], fields["removed"]])).toEqual([[1, 1]]);
  expect(await scratch.workspace.sweep(scratchPrefix("crm"), new Set(), never)).toEqual({ found: 0, removed: 0 });
});

test("what could not be removed is counted", async () => {
  const { scratch, deps } = place();
  const stuck = { ...scratch.workspace, sweep: async () => ({ found: 3, removed: 1 }) };
  expect(await removeLeftovers([policy("crm")], deps(stuck), never)).toEqual(new Map([["crm", 2]]));
});

test("a place that refuses or never answers is no zero, and keeps nobody waiting", async () => {
  const { clock, scratch, deps, telemetry } = place();
  const refuses = { ...scratch.workspace, sweep: () => Promise.reject(new AgentError("auth", "token-refused", "No.")) };
  expect(await removeLeftovers([policy("crm")], deps(refuses), never)).toEqual(new Map());
  const silent = { ...scratch.workspace, sweep: () => new Promise<never>(() => undefined) };
  const waiting = removeLeftovers([policy("crm")], deps(silent), never);
  await clock.advance(1001);
  expect(await waiting).toEqual(new Map());
  expect(telemetry.logs).toHaveLength(2);
});
