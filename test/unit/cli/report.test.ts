/** `restorewatch report` and sources that are configured without a backup: they are never left out. */
import { expect, test } from "vitest";
import type { LayerStanding } from "../../../agent/core/sampling/standing.ts";
import type { Forecast } from "../../../agent/core/forecasting/predict.ts";
import { sourceStatus } from "../../../agent/core/status.ts";
import { reportCommand } from "../../../agent/cli/report.ts";
import { policy } from "../../doubles/policy.ts";
import { capturedOutput } from "../config/captured-output.ts";

const now = (): number => Date.UTC(2026, 10, 23);

test.each([
  ["all sources", null, 1],
  ["that source", "wiki", 1],
  ["a source that is not configured", "nobody", 2],
] as const)("a report on %s without a backup says so in its exit code", async (_, source, expected) => {
  const captured = capturedOutput();
  const deps = { out: captured.out, now, read: () => Promise.resolve([]), uncovered: ["wiki"], evidenceHead: () => Promise.resolve(null) };
  expect(await reportCommand(source, { output: "text" }, deps)).toBe(expected);
  expect(captured.stdout().includes("✗ no backup  wiki  It is configured without a backup")).toBe(expected === 1);
});

test("as JSON it names them", async () => {
  const captured = capturedOutput();
  const deps = { out: captured.out, now, read: () => Promise.resolve([]), uncovered: ["wiki"], evidenceHead: () => Promise.resolve(null) };
  expect(await reportCommand(null, { output: "json" }, deps)).toBe(1);
  expect(JSON.parse(captured.stdout())).toMatchObject({ schema: "restorewatch.report/v1", sources: [], uncovered: ["wiki"] });
});

test("how long a full restore would take is told beside its objective", async () => {
  const captured = capturedOutput();
  const status = sourceStatus({
    policy: policy(),
    points: [],
    drills: [],
    runs: [],
    alarms: [],
    poll: null,
    firstSeenAt: null,
    now: now(),
  });
  const minute = 60_000;
  const forecast: Forecast = {
    basis: "product",
    expectedMs: 42 * minute,
    lowerMs: 30 * minute,
    upperMs: 61 * minute,
    floorMs: null,
    drills: 5,
    at: now(),
    dominates: { step: "records", collection: "Orders", share: 0.724 },
  };
  const one = { status, drills: [], coverage: [], forecast, objectives: { rtoMs: 240 * minute } };
  const deps = { out: captured.out, now, read: () => Promise.resolve([one]), uncovered: [], evidenceHead: () => Promise.resolve(null) };
  await reportCommand(null, { output: "text" }, deps);
  expect(captured.stdout()).toContain(
    "    A full restore is expected to take 42 min (90 %: up to 1 h 1 min), RTO 4 h; most of it: records of Orders, 72 %\n",
  );
});

test("coverage is told by layer, and a layer that never ran has no share", async () => {
  const captured = capturedOutput();
  const day = 86_400_000;
  const status = sourceStatus({
    policy: policy(),
    points: [],
    drills: [],
    runs: [],
    alarms: [],
    poll: null,
    firstSeenAt: null,
    now: now(),
  });
  const base = { promised: true, withinMs: 30 * day, badRateUpper: null, plan: null } as const;
  const read = { population: 1000, covered: 999, ratio: 0.9996, oldestAt: now() - 12 * day, behind: { never: 1 } };
  const coverage: LayerStanding[] = [
    { ...base, layer: "scratch", coverage: { layer: "scratch", strata: [], ...read }, why: ["1 item was never read"] },
    { ...base, layer: "live", coverage: null, why: ["it never ran: no drill has ended yet"] },
  ];
  const deps = {
    out: captured.out,
    now,
    read: () => Promise.resolve([{ status, drills: [], coverage, forecast: null, objectives: { rtoMs: null } }]),
    uncovered: [],
    evidenceHead: () => Promise.resolve(null),
  };
  await reportCommand(null, { output: "text" }, deps);
  expect(captured.stdout()).toContain(
    "    layer scratch: 99.9 % of 1,000 records within 30 days, the longest wait is 12 days\n      1 item was never read\n",
  );
  expect(captured.stdout()).toContain("    layer live: never ran\n      it never ran: no drill has ended yet\n");
  expect(captured.stdout()).not.toContain("layer live: 0 %");
});
