/** `restorewatch plan`: what it says, what it assumed, and how it ends. */
import { expect, test } from "vitest";
import { planCommand, type PlanOptions, type PlanSource } from "../../../agent/cli/plan.ts";
import type { SourceConnection } from "../../../agent/core/policy.ts";
import type { DrillRecord, PointFacts } from "../../../agent/core/values.ts";
import { policy } from "../../doubles/policy.ts";
import { someDrill } from "../../doubles/values.ts";
import { capturedOutput } from "../config/captured-output.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 23);
const given: PlanOptions = {
  output: "text",
  target: { badRate: null, confidence: 0.95, coverWithinMs: 30 * DAY },
  layer: null,
  facts: {},
  budget: {},
};
const sampled = { verify: { ...policy().verify, layers: ["artifact", "content", "scratch"] as const } };

function connection(records: number, apiCallsPerDay: number | null): SourceConnection {
  return {
    sourceId: "crm",
    platform: "nocodb",
    config: {},
    scratch: {},
    capture: null,
    sample: { records, most: 500, fileBytes: 1e6, apiCallsPerDay },
  };
}

function drill(day: number, records: number, more: Partial<DrillRecord> = {}): DrillRecord {
  const inventory = { collections: 1, records, links: 0, automations: 0, credentials: 0, files: 0, views: 0, roles: 0 };
  const facts: PointFacts = {
    format: "grist",
    formatVersion: null,
    inventory,
    collections: [],
    automations: [],
    credentials: [],
    views: [],
    access: [],
  };
  return someDrill(`d${day}`, { finishedAt: NOW - (100 - day) * DAY, facts, ...more });
}

async function plan(
  sources: readonly PlanSource[],
  options: Partial<PlanOptions> = {},
  source: string | null = null,
): Promise<{ readonly code: number; readonly said: string; readonly failed: string }> {
  const captured = capturedOutput();
  const code = await planCommand(
    source,
    { ...given, ...options },
    { out: captured.out, now: () => NOW, read: () => Promise.resolve(sources) },
  );
  return { code, said: captured.stdout(), failed: captured.stderr() };
}

test("nothing sampled: nothing to plan", async () => {
  const { code, said } = await plan([{ policy: policy(), connection: null, drills: [] }]);
  expect(code).toBe(0);
  expect(said).toBe("crm: artifact and content: everything is read in every drill, nothing is sampled\n");
});

test("no figures yet: it says so, and what if works all the same", async () => {
  const source = { policy: policy("crm", sampled), connection: connection(400, null), drills: [] };
  expect(await plan([source])).toMatchObject({
    code: 3,
    said: "crm: no drill has told yet how many items there are; --population says it instead\n",
  });
  const { code, said } = await plan([source], { facts: { population: 5000 } });
  expect(code).toBe(0);
  expect(said).toContain(
    "crm, layer scratch: 5,000 items, 1 drill a day\n  Budget of a drill: 400 items\n  ✓ kept: everything is read once in ",
  );
  expect(said).toContain("Assumed: 0.2 API calls an item; 0.3 s a call; no growth");
});

test("a promise that cannot be kept is exit code 1, and says what would keep it", async () => {
  const source = { policy: policy("crm", sampled), connection: connection(100, null), drills: [drill(99, 50_000), drill(59, 46_000)] };
  const { code, said } = await plan([source], { target: { ...given.target, badRate: 0.01 } });
  expect(code).toBe(1);
  expect(said).toContain("✗ not kept");
  expect(said).toMatch(/! Reading everything once takes [\d,]+ days, longer than the 30 days promised\./);
  expect(said).toContain("To read everything within 30 days, and fewer than 1 % bad at 95 %: ");
  expect(said).not.toContain("no growth");
});

test("one that will break is told before it does", async () => {
  const source = { policy: policy("crm", sampled), connection: connection(5000, null), drills: [drill(99, 40_000), drill(59, 20_000)] };
  const { code, said } = await plan([source], { facts: { changedPerDay: 0 } });
  expect(code).toBe(0);
  expect(said).toMatch(
    /At 500 more items a day, reading everything once takes longer than 30 days in \d+ days|At today's growth this holds until/,
  );
});

test("calls a day are shared by the layers that call", async () => {
  const both = { verify: { ...policy().verify, layers: ["artifact", "content", "scratch", "live"] as const } };
  const source = { policy: policy("crm", both), connection: connection(400, 1000), drills: [drill(99, 5000)] };
  const { said } = await plan([source], { output: "json" });
  const [one] = (JSON.parse(said) as { sources: [{ layers: { layer: string; budget: object; facts: object }[] }] }).sources;
  expect(one.layers.map((layer) => layer.layer)).toEqual(["scratch", "live"]);
  for (const layer of one.layers) expect(layer).toMatchObject({ budget: { items: 400, calls: 500 }, facts: { population: 5000 } });
});

test("seconds an item are what drills measured, not one slow day of them", async () => {
  const measured = (day: number, ms: number): DrillRecord =>
    drill(day, 5000, {
      phases: { load: ms, readback: ms },
      checks: [
        { id: "restore.loads", layer: "scratch", status: "pass", observed: "", expected: null, count: 100, examples: [], durationMs: 1 },
      ],
    });
  const source = { policy: policy("crm", sampled), connection: null, drills: [measured(99, 1e6), measured(98, 5000), measured(97, 4000)] };
  const { said } = await plan([source], { output: "json" });
  expect(JSON.parse(said)).toMatchObject({ sources: [{ layers: [{ facts: { secondsPerItem: 0.1 } }] }] });
  expect(said).not.toContain("s a call");
});

test("a source that is not configured", async () => {
  expect(await plan([], {}, "nobody")).toMatchObject({ code: 2, said: "" });
});

test("without a time of its own it plans what each source promises; with one, what if", async () => {
  const hasty = policy("crm", { verify: { ...sampled.verify, coverWithinMs: 3 * DAY } });
  const source = { policy: hasty, connection: connection(400, null), drills: [drill(99, 4000), drill(98, 4000)] };
  const own = await plan([source], { target: { ...given.target, coverWithinMs: null } });
  expect(own.code).toBe(1);
  expect(own.said).toContain("longer than the 3 days promised");
  expect(own.said).toContain("To read everything within 3 days");
  const wished = await plan([source], { target: { ...given.target, coverWithinMs: 60 * DAY } });
  expect(wished.code).toBe(0);
  expect(wished.said).toContain("To read everything within 60 days");
});
