/** Poller and driller over doubles: what is recorded, what never is, and that nobody's trouble becomes a verdict. */
import { describe, expect, test } from "vitest";
import type { EvidenceEntry } from "../../../agent/core/evidence.ts";
import type { DueDrill } from "../../../agent/core/plan.ts";
import type { SourcePolicy } from "../../../agent/core/policy.ts";
import type { Vault } from "../../../agent/core/ports.ts";
import type { CheckResult } from "../../../agent/core/values.ts";
import type { DrillJob } from "../../../agent/drill/protocol.ts";
import type { ChildOutcome } from "../../../agent/engine/drill-child/index.ts";
import { type DrillerDeps, runDrill } from "../../../agent/engine/driller.ts";
import { pollSource } from "../../../agent/engine/poller.ts";
import { applyEntry } from "../../../agent/engine/recorder/apply.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";
import { memoryVault } from "../../doubles/vault.ts";
import { memoryWork } from "../../doubles/work.ts";

const HOUR = 3_600_000;
const ISOLATION = { process: true, permissions: true, network: true, memoryLimit: true, databaseLocked: true };
const GOOD: readonly CheckResult[] = ["artifact.readable", "artifact.complete", "restore.loads", "records.count"].map((id) => ({
  id,
  layer: id.startsWith("artifact") ? "artifact" : "content",
  status: "pass",
  observed: "fine",
  expected: null,
  count: 1,
  examples: [],
  durationMs: 1,
}));
const FOUND: ChildOutcome = {
  recognised: { format: "memory", formatVersion: null },
  artifact: { path: "a", kind: "file", bytes: 3, sha256: null, files: 1 },
  createdAt: null,
  checks: GOOD,
  facts: null,
  sample: null,
  phases: { open: 1, load: 2 },
  resources: null,
  restoreSet: null,
  trouble: null,
  isolation: ISOLATION,
};

function world(source: SourcePolicy = policy("crm")) {
  const clock = fakeClock(Date.UTC(2026, 10, 23, 12));
  const telemetry = memoryTelemetry(clock);
  const state = memoryState();
  const memory = memoryVault("nightly");
  const entries: EvidenceEntry[] = [];
  const record = async (given: readonly EvidenceEntry[]): Promise<void> => {
    entries.push(...given);
    for (const entry of given) await applyEntry(state.repositories, entry);
  };
  const poll = (vault: Vault = memory.vault, signal = new AbortController().signal) =>
    pollSource(
      source,
      {
        vault: () => vault,
        repositories: state.repositories,
        record,
        telemetry,
        clock,
        settled: () => true,
        random: { next: () => 0.5, bytes: (n) => new Uint8Array(n) },
        deadlineMs: 30_000,
      },
      signal,
    );
  const removed: string[] = [];
  const deps = (more: Partial<DrillerDeps> = {}): DrillerDeps => ({
    vault: () => memory.vault,
    repositories: state.repositories,
    record,
    work: memoryWork(clock),
    holder: "me",
    telemetry,
    clock,
    settled: () => true,
    isolation: () => ISOLATION,
    runChild: async () => FOUND,
    createWorkDir: async (id) => ({ path: `/nowhere/${id}`, remove: async () => void removed.push(id) }),
    digestKey: "00",
    readText: () => Promise.reject(new Error("nothing is read here")),
    foundBy: () => ({ traceId: "f".repeat(32), spanId: "f".repeat(16) }),
    ...more,
  });
  const due = async (): Promise<DueDrill> => {
    const [point] = await state.repositories.points.list(source.id);
    return {
      id: "d1",
      kind: "sample",
      sourceId: source.id,
      pointId: point?.id ?? "",
      attempt: 1,
      dueAt: 0,
      reason: "new-point",
      priority: 1,
    };
  };
  return { clock, telemetry, state, memory, entries, poll, deps, due, removed, source };
}

describe("a poll", () => {
  test("new backups become recovery points and observations, and a run report beside one gives its time", async () => {
    const it = world();
    const now = it.clock.now();
    await it.memory.put("crm/a.grist", "abc", now - 30 * HOUR);
    await it.memory.put("crm/b.grist", "abcd", now - 6 * HOUR);
    await it.memory.put(
      "crm/b.grist.run.json",
      JSON.stringify({
        started: new Date(now - 6 * HOUR).toISOString(),
        finished: new Date(now - 5 * HOUR).toISOString(),
        outcome: "success",
        bytes: 4,
      }),
      now,
    );
    expect(await it.poll()).toMatchObject({ ok: true, fresh: 2 });
    const points = await it.state.repositories.points.list("crm");
    expect(points.map((point) => [point.path, point.createdFrom])).toEqual([
      ["crm/b.grist", "run-report"],
      ["crm/a.grist", "modified"],
    ]);
    expect(it.entries.map((entry) => entry.type)).toEqual(["run.reported", "points.seen", "observations"]);
    expect(it.telemetry.counted("backup_runs_total", { outcome: "success" })).toBe(1);
    const before = it.entries.length;
    await it.poll();
    expect(it.entries).toHaveLength(before);
  });

  test("a poll that fails writes no point, moves no last success, and waits longer each time", async () => {
    const it = world();
    await it.memory.put("crm/a.grist", "abc", it.clock.now() - HOUR);
    await it.poll();
    const okAt = (await it.state.repositories.sources.poll("crm"))?.lastOkAt;
    const recorded = it.entries.length;
    const broken: Vault = { ...it.memory.vault, list: () => Promise.reject(new Error("gone")) };
    const waits: number[] = [];
    for (let n = 0; n < 7; n += 1) {
      await it.clock.advance(1000);
      expect((await it.poll(broken)).ok).toBe(false);
      waits.push(((await it.state.repositories.sources.poll("crm"))?.nextPollAt ?? 0) - it.clock.now());
    }
    expect(waits).toEqual([60_000, 120_000, 240_000, 480_000, 900_000, 900_000, 900_000]);
    expect(it.entries).toHaveLength(recorded);
    expect(await it.state.repositories.sources.poll("crm")).toMatchObject({ lastOkAt: okAt, failures: 7 });
    expect(it.telemetry.spansNamed("backup.poll").at(-1)?.status).toBe("error");
  });

  test("a vault that hangs is given up at the deadline, even one that does not listen", async () => {
    const it = world();
    const hanging: Vault = { ...it.memory.vault, list: () => new Promise(() => undefined) };
    const poll = it.poll(hanging);
    while (it.clock.sleepers === 0) await it.clock.advance(0);
    await it.clock.advance(30_001);
    expect(await poll).toMatchObject({ ok: false, fresh: 0 });
  });

  test("a run report that is none is said in the log and costs nothing else", async () => {
    const it = world();
    await it.memory.put("crm/a.grist", "abc", it.clock.now() - HOUR);
    for (const [name, text] of [
      ["x", "not json"],
      ["y", '{"outcome":"great"}'],
      ["z", '{"source":"another","outcome":"success","finished":"2026-11-22T00:00:00Z"}'],
    ] as const)
      await it.memory.put(`crm/${name}.run.json`, text, it.clock.now());
    expect(await it.poll()).toMatchObject({ ok: true, fresh: 1 });
    expect(it.telemetry.logs.filter((log) => log.level === "warn")).toHaveLength(2);
    expect(await it.state.repositories.runs.list("crm")).toEqual([]);
  });

  test("a collapse is an alarm from the third run on, told once", async () => {
    const it = world();
    for (const [index, size] of [1000, 1000, 100].entries())
      await it.memory.put(`crm/${index}.grist`, "x".repeat(size), it.clock.now() - (3 - index) * 24 * HOUR + HOUR);
    await it.poll();
    await it.poll();
    const told = it.entries.filter((entry) => entry.type === "alarm.changed");
    expect(told.map((entry) => entry.type === "alarm.changed" && [entry.alarm.rule, entry.alarm.endedAt])).toEqual([
      ["volume.collapse", null],
    ]);
  });
});

describe("a drill", () => {
  const ready = async (): Promise<ReturnType<typeof world>> => {
    const it = world();
    await it.memory.put("crm/a.grist", "abc", it.clock.now() - HOUR);
    await it.poll();
    return it;
  };

  test("is recorded with its verdict, links to the poll that found the point, and leaves nothing behind", async () => {
    const it = await ready();
    const drill = await runDrill(await it.due(), it.source, "plan", it.deps(), new AbortController().signal);
    expect(drill).toMatchObject({ id: "d1", verdict: "verified", layers: { artifact: "verified", content: "verified" }, reasons: [] });
    expect(await it.state.repositories.drills.get("d1")).toMatchObject({ verdict: "verified" });
    const [span] = it.telemetry.spansNamed("restore.drill");
    expect([span?.attributes["restore.verdict"], span?.links[0]?.traceId, span?.status]).toEqual(["verified", "f".repeat(32), "unset"]);
    expect(it.telemetry.counted("restore_drills_total", { verdict: "verified" })).toBe(1);
    expect(it.removed).toEqual(["d1"]);
  });

  test("is told how many backups are older than their data may be kept, with a day for the clean-up", async () => {
    const it = world();
    const day = 24 * HOUR;
    for (const [name, age] of [
      ["a", HOUR],
      ["b", 10.5 * day],
      ["c", 12 * day],
      ["d", 40 * day],
    ] as const)
      await it.memory.put(`crm/${name}.grist`, name, it.clock.now() - age);
    await it.poll();
    const told: DrillJob["expectation"][] = [];
    const runChild = async (job: DrillJob): Promise<ChildOutcome> => {
      told.push(job.expectation);
      return FOUND;
    };
    const source = { ...it.source, data: { retentionMs: 10 * day, classification: null } };
    await runDrill(await it.due(), source, "plan", it.deps({ runChild }), new AbortController().signal);
    await runDrill(await it.due(), it.source, "plan", it.deps({ runChild }), new AbortController().signal);
    expect(told.map(({ points, objectives }) => [objectives.dataRetentionMs, points])).toMatchObject([
      [10 * day, { count: 4, overdue: 2, overdueProtected: 0 }],
      [null, { count: 4, overdue: 0 }],
    ]);
  });

  test.each<[string, Partial<DrillerDeps>, string]>([
    [
      "the vault is gone",
      { vault: () => ({ id: "v", open: () => Promise.reject(Object.assign(new Error("EIO"), { code: "EIO" })) }) as unknown as Vault },
      "internal",
    ],
    [
      "the child crashed",
      { runChild: async () => ({ ...FOUND, checks: GOOD.slice(0, 2), trouble: { code: "child-crashed", message: "It crashed." } }) },
      "child-crashed",
    ],
    ["no sandbox can be made", { createWorkDir: () => Promise.reject(Object.assign(new Error("full"), { code: "ENOSPC" })) }, "enospc"],
  ])("%s: inconclusive with the reason, never failed", async (_, more, trouble) => {
    const it = await ready();
    const drill = await runDrill(await it.due(), it.source, "plan", it.deps(more), new AbortController().signal);
    expect(drill).toMatchObject({ verdict: "inconclusive", trouble });
    expect(drill?.reasons.length).toBeGreaterThan(0);
    expect(it.telemetry.spansNamed("restore.drill")[0]).toMatchObject({ status: "error", error: { type: trouble } });
  });

  test("an artifact that changed while it was read proves nothing, whatever was found in it", async () => {
    const it = await ready();
    const bad: CheckResult = {
      id: "links.resolve",
      layer: "content",
      status: "fail",
      observed: "x",
      expected: null,
      count: 1,
      examples: [],
      durationMs: 1,
    };
    const runChild = async (): Promise<ChildOutcome> => {
      await it.memory.put("crm/a.grist", "other bytes", it.clock.now());
      return { ...FOUND, checks: [...GOOD, bad] };
    };
    expect(await runDrill(await it.due(), it.source, "plan", it.deps({ runChild }), new AbortController().signal)).toMatchObject({
      verdict: "inconclusive",
      trouble: "artifact-changed",
    });
  });

  test("a vault that does not answer is given up when a drill's time is over; what opens later is closed", async () => {
    const it = await ready();
    const vault: { answers: (() => void)[]; closed: number } = { answers: [], closed: 0 };
    const hanging: Vault = {
      ...it.memory.vault,
      open: async (path, options) => {
        await new Promise<void>((resolve) => vault.answers.push(resolve));
        const opened = await it.memory.vault.open(path, { ...options, signal: new AbortController().signal });
        return { ...opened, close: async () => void (vault.closed += 1) };
      },
    };
    const drill = runDrill(await it.due(), it.source, "plan", it.deps({ vault: () => hanging }), new AbortController().signal);
    while (vault.answers.length === 0) await it.clock.advance(1000);
    await it.clock.advance(it.source.verify.limits.timeMs + 1);
    expect(await drill).toMatchObject({ verdict: "inconclusive", trouble: "timeout", checks: [] });
    vault.answers[0]?.();
    while (vault.closed === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(it.removed).toEqual(["d1"]);
  });

  test("an artifact that is no longer what the poll saw is not judged as that backup", async () => {
    const it = await ready();
    const due = await it.due();
    await it.memory.put("crm/a.grist", "half of the ne", it.clock.now());
    const drill = await runDrill(due, it.source, "plan", it.deps(), new AbortController().signal);
    expect(drill).toMatchObject({ verdict: "inconclusive", trouble: "artifact-changed", checks: [] });
  });

  test("one that another agent holds, or that is called off, records nothing", async () => {
    const it = await ready();
    const deps = it.deps();
    const due = await it.due();
    await deps.work.lease(due.id, "another", 60_000);
    expect(await runDrill(due, it.source, "plan", deps, new AbortController().signal)).toBeNull();
    const stop = new AbortController();
    const abandoned = runDrill(due, it.source, "plan", it.deps({ runChild: async () => (stop.abort(), FOUND) }), stop.signal);
    expect(await abandoned).toBeNull();
    expect(await it.state.repositories.drills.list({})).toEqual([]);
    expect(it.removed).toEqual(["d1"]);
  });
});

describe("a source that may not fetch everything", () => {
  async function drilled(source: SourcePolicy, more: Partial<DrillerDeps>) {
    const it = world(source);
    await it.memory.put("crm/a.grist", "abc", it.clock.now() - HOUR);
    await it.poll();
    const asked: (readonly string[] | null)[] = [];
    const jobs: DrillJob[] = [];
    const vault: Vault = {
      ...it.memory.vault,
      async open(path, options) {
        const unread = options.leave?.([
          { path: "list", bytes: 10 },
          { path: "big/1", bytes: 60 },
          { path: "big/2", bytes: 60 },
        ]);
        asked.push(unread?.map((file) => file.path) ?? null);
        return { ...(await it.memory.vault.open(path, options)), ...(unread === undefined ? {} : { unread }) };
      },
    };
    const runChild: DrillerDeps["runChild"] = async (job) => {
      jobs.push(job);
      return FOUND;
    };
    await runDrill(await it.due(), source, "plan", it.deps({ vault: () => vault, runChild, ...more }), new AbortController().signal);
    return { asked: asked[0] ?? null, unread: jobs[0]?.unread ?? null, seed: jobs[0]?.sample.seed };
  }
  const spares = (files: readonly string[]): readonly string[] => files.filter((path) => path.startsWith("big/"));
  const base = policy("crm");
  const sparing: SourcePolicy = { ...base, verify: { ...base.verify, fetchBytes: 100 } };

  test("leaves in the vault what does not fit, and the child is told which", async () => {
    const { asked, unread } = await drilled(sparing, { spares });
    expect(asked).toHaveLength(1);
    expect(asked?.[0]).toMatch(/^big\/[12]$/u);
    expect(unread).toEqual([{ path: asked?.[0], bytes: 60 }]);
  });

  test("asks for nothing to be left where nothing is limited, or no format can spare anything", async () => {
    expect(await drilled(base, { spares })).toMatchObject({ asked: null, unread: null });
    expect(await drilled(sparing, {})).toMatchObject({ asked: null, unread: null });
  });
});
