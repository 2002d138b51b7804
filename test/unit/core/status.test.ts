import { expect, test } from "vitest";
import type { PollStatus } from "../../../agent/core/ports.ts";
import { byWorst, fleetSummary, sourceStatus, type StatusDrill, type StatusInput } from "../../../agent/core/status.ts";
import type { Alarm, CheckResult, RecoveryPoint, RunReport } from "../../../agent/core/values.ts";
import type { RunOutcome, Verdict } from "../../../agent/core/words.ts";
import { policy } from "../../doubles/policy.ts";

const MIN = 60_000;
const H = 60 * MIN;
const D = 24 * H;
const NOW = Date.UTC(2026, 2, 10, 11, 0);
const TWO = Date.UTC(2026, 2, 10, 2, 0);

function point(createdAt: number, id = `p${createdAt}`): RecoveryPoint {
  return {
    id,
    sourceId: "crm",
    vaultId: "nightly",
    path: `crm/${id}`,
    kind: "file",
    createdAt,
    createdFrom: "modified",
    modifiedAt: createdAt,
    bytes: 1000,
    immutableUntil: null,
    runId: null,
    firstSeenAt: createdAt,
    goneAt: null,
  };
}

function check(id: string, observed: string, status: CheckResult["status"] = "fail"): CheckResult {
  return { id, layer: "content", status, observed, expected: "0", count: 3, examples: [], durationMs: 1 };
}

function drill(pointId: string, verdict: Verdict, more: Partial<StatusDrill> = {}): StatusDrill {
  return { id: `d-${pointId}`, pointId, verdict, layers: { artifact: verdict, content: verdict }, finishedAt: NOW - 4 * MIN, ...more };
}

function run(outcome: RunOutcome, finishedAt: number): RunReport {
  return {
    id: `r${finishedAt}`,
    sourceId: "crm",
    startedAt: null,
    finishedAt,
    outcome,
    bytes: null,
    items: null,
    path: null,
    checksum: null,
    message: null,
    receivedAt: finishedAt,
    via: "cli",
  };
}

const ALARM: Alarm = {
  id: "a1",
  sourceId: "crm",
  signal: "bytes",
  kind: "rule",
  rule: "volume.collapse",
  since: TWO,
  endedAt: null,
  observed: 100,
  expected: 1000,
  lower: 500,
  upper: 5000,
  sentence: "The backup is 100 bytes, expected about 1 kB: 10 times less, since 2026-03-10 02:00 UTC; look at the job's log.",
  runs: 40,
  ref: "p",
};

const POLLED: PollStatus = { sourceId: "crm", lastPollAt: NOW - MIN, lastOkAt: NOW - MIN, failures: 0, trouble: null, nextPollAt: NOW };
const UNREACHABLE: PollStatus = {
  ...POLLED,
  lastOkAt: NOW - 5 * H,
  failures: 9,
  trouble: { code: "no-permission", message: "The vault directory may not be read." },
};
const FRESH = point(TWO, "new");

function status(more: Partial<StatusInput> = {}): ReturnType<typeof sourceStatus> {
  return sourceStatus({
    policy: policy(),
    points: [FRESH],
    drills: [drill("new", "verified")],
    runs: [],
    alarms: [],
    poll: POLLED,
    firstSeenAt: NOW - 2 * D,
    now: NOW,
    ...more,
  });
}

const withObjectives = (rpoMs: number | null, everyMs: number | null): ReturnType<typeof policy> =>
  policy("crm", {
    objectives: { rpoMs, rtoMs: null, verifyMs: 7 * D },
    backups: { ...policy().backups, everyMs, jitterMs: H },
  });

test.each([
  ["a young backup", [point(NOW - 9 * H)], POLLED, policy(), "ok", 9 * H],
  ["a backup just at its objective", [point(NOW - D)], POLLED, policy(), "ok", D],
  ["a backup a moment older than the objective", [point(NOW - D - MIN)], POLLED, policy(), "breached", D + MIN],
  ["a missed schedule within the objective", [point(NOW - 7 * H)], POLLED, withObjectives(D, 4 * H), "late", 7 * H],
  ["a schedule missed by less than a quarter", [point(NOW - 9.9 * H)], POLLED, withObjectives(D, 8 * H), "ok", 9.9 * H],
  ["a missed schedule without an objective", [point(NOW - 50 * H)], POLLED, withObjectives(null, D), "late", 50 * H],
  ["neither objective nor schedule", [point(NOW - 50 * H)], POLLED, withObjectives(null, null), "unknown", 50 * H],
  ["an empty vault", [], POLLED, policy(), "never", null],
  ["a vault nobody has looked at", [], null, policy(), "unknown", null],
  ["a vault that was never reachable", [], { ...UNREACHABLE, lastOkAt: null }, policy(), "unknown", null],
  ["an old backup, not looked since it ran out", [point(NOW - D - H)], UNREACHABLE, policy(), "unknown", D + H],
  ["an old backup, looked after it ran out", [point(NOW - 3 * D)], UNREACHABLE, policy(), "breached", 3 * D],
  ["a young backup while polls fail", [point(NOW - H)], UNREACHABLE, policy(), "ok", H],
  ["a backup from the future", [point(NOW + H)], POLLED, policy(), "ok", 0],
] as const)("%s: RPO %s", (_, points, poll, itsPolicy, state, ageMs) => {
  expect(status({ points: [...points], poll, policy: itsPolicy }).rpo).toMatchObject({ state, ageMs });
});

test("the verdict is that of the newest drill of the newest point, not of any later drill of an older one", () => {
  const drills = [
    drill("old", "failed", { finishedAt: NOW - MIN }),
    drill("new", "verified"),
    drill("new", "inconclusive", { finishedAt: NOW - H }),
  ];
  const result = status({ points: [FRESH, point(TWO - D, "old")], drills });
  expect(result).toMatchObject({ verdict: "verified", level: "fine", previous: null });
  expect(result.drill?.id).toBe("d-new");
});

test("a newest point without a drill is pending, and a failure before it is not forgotten", () => {
  const drills = [drill("old", "failed", { checks: [check("links.resolve", "3 dangling references in Orders.customer")] })];
  const result = status({ points: [FRESH, point(TWO - D, "old")], drills });
  expect(result).toMatchObject({ verdict: "pending", level: "failing" });
  expect(result.headline).toBe(
    "The newest backup is not verified yet; before it: 3 dangling references in Orders.customer: links.resolve failed on the backup of 9 Mar 02:00 UTC",
  );
  expect(status({ drills: [] })).toMatchObject({
    verdict: "pending",
    level: "waiting",
    headline: "The newest backup is not verified yet; its drill is due",
  });
});

test("layers carry their own verdict, their last verified time and whether that is too long ago", () => {
  const drills = [
    drill("new", "failed", { layers: { artifact: "verified", content: "failed" } }),
    drill("old", "verified", { finishedAt: NOW - 8 * D }),
  ];
  const result = status({ drills, policy: policy("crm", { verify: { ...policy().verify, layers: ["artifact", "content", "live"] } }) });
  expect(result.layers).toEqual([
    { layer: "artifact", verdict: "verified", verifiedAt: NOW - 4 * MIN, stale: false, promised: true },
    { layer: "content", verdict: "failed", verifiedAt: NOW - 8 * D, stale: true, promised: true },
    { layer: "live", verdict: "pending", verifiedAt: null, stale: false, promised: true },
  ]);
  expect(result.verifiedAt).toBeNull();
});

test("a layer never verified is not stale before the source has been configured that long", () => {
  expect(status({ drills: [], firstSeenAt: NOW - 8 * D })).toMatchObject({
    stale: true,
    level: "attention",
    headline: "artifact was never verified; objective every 7 days",
  });
  expect(status({ drills: [], firstSeenAt: NOW - D }).stale).toBe(false);
  expect(status({ drills: [], firstSeenAt: null }).stale).toBe(false);
});

test("counts are of what was given, and ended alarms are left out", () => {
  const drills = [drill("new", "failed", { checks: [check("a", "x"), check("b", "y"), check("c", "z", "pass")] })];
  const result = status({ points: [FRESH, point(TWO - D)], drills, alarms: [ALARM, { ...ALARM, id: "a2", endedAt: NOW }] });
  expect(result.counts).toEqual({ points: 2, bytes: 2000, failingChecks: 2, alarms: 1 });
});

test("trouble is told only while polls fail, since the last one that worked", () => {
  expect(status({ poll: UNREACHABLE }).trouble).toEqual({
    code: "no-permission",
    message: "The vault directory may not be read.",
    failures: 9,
    since: NOW - 5 * H,
  });
  expect(status({ poll: { ...UNREACHABLE, lastOkAt: null } }).trouble?.since).toBe(NOW - 2 * D);
  expect(status({ poll: { ...UNREACHABLE, failures: 0 } }).trouble).toBeNull();
});

const failed = (...checks: CheckResult[]): readonly StatusDrill[] => [drill("new", "failed", { checks, reasons: [] })];

test.each<[string, Partial<StatusInput>, string, string]>([
  ["all well", {}, "fine", "All good: verified 4 min ago, newest backup 9 h old"],
  [
    "one failing check",
    { drills: failed(check("links.resolve", "3 dangling references in Orders.customer")) },
    "failing",
    "3 dangling references in Orders.customer: links.resolve failed on the backup of 02:00 UTC",
  ],
  [
    "several failing checks",
    { drills: failed(check("links.resolve", "3 dangling references."), check("records.count", "9 of 10")) },
    "failing",
    "3 dangling references: links.resolve failed on the backup of 02:00 UTC (and 1 more check)",
  ],
  [
    "a failure without a check",
    { drills: [drill("new", "failed", { reasons: ["The artifact ends early."] })] },
    "failing",
    "The artifact ends early on the backup of 02:00 UTC",
  ],
  [
    "failed and old",
    { points: [point(NOW - 3 * D, "new")], drills: failed(check("records.count", "9 of 10")) },
    "failing",
    "9 of 10: records.count failed on the backup of 7 Mar 11:00 UTC; and no new backup for 3 days",
  ],
  [
    "old but verified",
    { points: [point(NOW - 3 * D - 4 * H, "new")] },
    "failing",
    "No new backup for 3 d 4 h; objective 24 h (the last one verified)",
  ],
  ["never a backup", { points: [], drills: [] }, "failing", "No backup found in vault nightly under crm/*"],
  ["not looked at yet", { points: [], drills: [], poll: null }, "waiting", "Not looked at yet: the first poll has not finished"],
  [
    "not looked since it was due",
    { points: [point(NOW - 2 * D, "new")], poll: null },
    "waiting",
    "The newest backup known is 2 days old, and the vault has not been looked at since it was due",
  ],
  [
    "polls fail",
    { poll: UNREACHABLE },
    "attention",
    "Could not look at the vault for 5 h: The vault directory may not be read; newest backup known is 9 h old",
  ],
  [
    "an alarm",
    { alarms: [ALARM] },
    "attention",
    "The backup is 100 bytes, expected about 1 kB: 10 times less, since 2026-03-10 02:00 UTC; look at the job's log",
  ],
  [
    "inconclusive",
    { drills: [drill("new", "inconclusive", { reasons: ["The drill ran out of memory (256 MB)."] })] },
    "attention",
    "Could not tell whether the newest backup restores: The drill ran out of memory (256 MB)",
  ],
  [
    "failed runs",
    { runs: [run("failure", 3), run("partial", 2), run("failure", 1), run("success", 0)] },
    "attention",
    "The last 2 backup runs reported failure",
  ],
  [
    "a failed run before a good one",
    { runs: [run("success", 3), run("failure", 2)] },
    "fine",
    "All good: verified 4 min ago, newest backup 9 h old",
  ],
  [
    "stale",
    { drills: [drill("new", "verified", { finishedAt: NOW - 9 * D })] },
    "attention",
    "artifact was last verified 9 days ago; objective every 7 days",
  ],
  [
    "late",
    { points: [point(NOW - 7 * H, "new")], policy: withObjectives(D, 4 * H) },
    "attention",
    "The next backup is late: the newest is 7 h old, one is expected every 4 h",
  ],
  [
    "no objective at all",
    { policy: withObjectives(null, null) },
    "fine",
    "Restores: verified 4 min ago, newest backup 9 h old; no objective says how old it may be",
  ],
])("%s", (_, more, level, headline) => {
  expect(status(more)).toMatchObject({ level, headline });
});

function named(id: string, more: Partial<StatusInput> = {}, tier: "critical" | "standard" = "standard"): ReturnType<typeof sourceStatus> {
  return status({ ...more, policy: policy(id, { tier }) });
}

test("sources sort worst first, then by tier, then by name", () => {
  const old = { points: [point(NOW - 3 * D, "new")] };
  const statuses = [
    named("b-fine"),
    named("a-fine"),
    named("critical-fine", {}, "critical"),
    named("old", old),
    named("broken-and-old", { ...old, drills: failed(check("x", "y")) }),
    named("broken", { drills: failed(check("x", "y")) }),
    named("alarmed", { alarms: [ALARM] }),
    named("pending", { drills: [] }),
  ];
  expect(statuses.sort(byWorst).map((each) => each.sourceId)).toEqual([
    "broken-and-old",
    "broken",
    "old",
    "alarmed",
    "pending",
    "critical-fine",
    "a-fine",
    "b-fine",
  ]);
});

test("the fleet is summed up in one sentence", () => {
  const bad = status({ drills: failed(check("x", "y")), alarms: [ALARM] });
  const summary = fleetSummary([status(), bad, status({ drills: [] }), status({ alarms: [ALARM] })]);
  expect(summary).toMatchObject({
    sources: 4,
    levels: { failing: 1, attention: 1, waiting: 1, fine: 1 },
    verdicts: { verified: 2, failed: 1, inconclusive: 0, pending: 1, none: 0 },
    rpo: { ok: 4, late: 0, breached: 0, never: 0, unknown: 0 },
    alarms: 2,
    headline: "Of 4 sources: 1 would not restore as promised, 1 needs a look, 1 not known yet, 1 fine.",
  });
  expect(fleetSummary([]).headline).toBe("No source is configured yet.");
  expect(fleetSummary([status(), status()]).headline).toBe("All 2 sources would restore.");
});
