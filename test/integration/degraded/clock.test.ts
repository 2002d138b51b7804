/** A whole engine on a clock that jumps, stands still and changes its offset: evidence and state are real, the vault and the drills are doubles. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DrillCalendar, SourcePolicy } from "../../../agent/core/policy.ts";
import type { State } from "../../../agent/core/ports.ts";
import { createAgent } from "../../../agent/engine/agent.ts";
import type { Agent } from "../../../agent/engine/agent-parts.ts";
import { createRecorder } from "../../../agent/engine/recorder.ts";
import { selfGauges } from "../../../agent/engine/self.ts";
import { openEvidence, type OpenEvidence } from "../../../agent/evidence/log.ts";
import { openState } from "../../../agent/state/sqlite.ts";
import { localWork } from "../../../agent/work/local.ts";
import { fakeClock, type FakeClock } from "../../doubles/clock.ts";
import { policy } from "../../doubles/policy.ts";
import { type MemoryTelemetry, memoryTelemetry } from "../../doubles/telemetry.ts";
import { type MemoryVault, memoryVault } from "../../doubles/vault.ts";
import { evidenceProblems } from "./world.ts";
import { FOUND, ISOLATION } from "./found.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const TICK_MS = 10_000;
const START = Date.UTC(2026, 10, 23, 12);
const SMOKE: DrillCalendar = { kind: "smoke", schedule: "0 6 1 * *", timezone: "Europe/Berlin", rotate: "all" };

let directory: string;
let clock: FakeClock;
let telemetry: MemoryTelemetry;
let evidence: OpenEvidence;
let state: State;
let vault: MemoryVault;
let agent: Agent;
let stop: AbortController;
let running: Promise<void>;
let drillMs: number;
/** Writes under way, and whether the scheduler waits for its next tick. */
let working: number;
let napping: number;
/** Drills whose child has begun: from here on they wait for nothing but the clock. */
let children: number;
const ids = ["crm", "shop", "hr"];
const policies: readonly SourcePolicy[] = ids.map((id) => policy(id, { pollMs: 5 * MINUTE }));

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "rw-clock-"));
  clock = fakeClock(START);
  telemetry = memoryTelemetry(clock);
  vault = memoryVault("nightly");
  drillMs = 30_000;
  working = 0;
  napping = 0;
  children = 0;
  const world: FakeClock = {
    ...clock,
    get sleepers() {
      return clock.sleepers;
    },
    async sleep(ms, signal) {
      const nap = ms === 50 || ms === TICK_MS - 50;
      napping += nap ? 1 : 0;
      try {
        await clock.sleep(ms, signal);
      } finally {
        napping -= nap ? 1 : 0;
      }
    },
  };
  const counted = async <T>(work: () => Promise<T>): Promise<T> => {
    working += 1;
    try {
      return await work();
    } finally {
      working -= 1;
    }
  };
  evidence = await openEvidence({ directory: join(directory, "evidence"), clock });
  const opened = await openState({ path: join(directory, "state.db"), clock });
  state = opened;
  const recorder = createRecorder({ evidence, state, clock, telemetry, platformOf: () => "grist" });
  for (const id of ids) await vault.put(`${id}/a.grist`, "abc", START - HOUR);
  agent = createAgent(
    {
      configHash: "c".repeat(64),
      policies,
      uncovered: [],
      calendars: [SMOKE],
      vault: () => vault.vault,
      pollConcurrency: 4,
      drillConcurrency: 1,
      retentionMs: 400 * DAY,
    },
    {
      version: "test",
      holder: "me:1",
      state,
      work: localWork({ leases: opened.leases, clock }),
      record: (entries) => counted(() => recorder.record(entries)),
      noteHead: (always) => counted(() => recorder.noteHead(always)),
      tryOut: async () => new Map(),
      telemetry,
      alsoTold: () => [],
      self: selfGauges(telemetry),
      clock: world,
      random: { next: () => 0.5, bytes: (n) => new Uint8Array(n) },
      isolation: () => ISOLATION,
      runChild: async () => {
        children += 1;
        await clock.sleep(drillMs);
        return FOUND;
      },
      createWorkDir: async (id) => ({ path: join(directory, id), remove: async () => undefined }),
      digestKey: "00",
      readText: () => Promise.reject(new Error("nothing is read here")),
      inbox: join(directory, "inbox"),
      forget: () => undefined,
      initialise: () => undefined,
      restore: async () => undefined,
      tickMs: TICK_MS,
    },
  );
  await agent.start();
  stop = new AbortController();
  running = agent.run(stop.signal);
});

afterEach(async () => {
  stop.abort();
  await pass(MINUTE);
  await running;
  await state.close();
  await evidence.close();
  await rm(directory, { recursive: true, force: true });
});

/** Lets time go by in small steps, each of which begins when everything that waits on files is done and the scheduler sleeps again. */
async function pass(ms: number): Promise<void> {
  for (let gone = 0; gone < ms; gone += 5000) {
    await clock.advance(5000);
    await settle();
  }
}

async function settle(): Promise<void> {
  const from = performance.now();
  for (let calm = 0; calm < 4 && performance.now() - from < 10_000;) {
    await new Promise((resolve) => setImmediate(resolve));
    calm = working === 0 && (napping > 0 || stop.signal.aborted) ? calm + 1 : 0;
  }
}

async function passUntil(wanted: () => Promise<boolean>, mostMs = 2 * HOUR): Promise<void> {
  for (let gone = 0; gone < mostMs; gone += 5000) {
    if (await wanted()) return;
    await pass(5000);
  }
  throw new Error("it did not come");
}

const drillCount = async (): Promise<number> => (await state.repositories.drills.list({})).length;
const quiet = pass;
const gauge = (metric: string, source = "crm"): number | null =>
  telemetry.gaugeSamples().find((sample) => sample.metric === metric && sample.labels["source"] === source)?.value ?? null;

/** What must hold however often the clock was wrong. */
async function expectSound(): Promise<void> {
  const now = clock.now() / 1000;
  for (const { metric, value } of telemetry.gaugeSamples()) {
    expect([metric, value >= 0]).toEqual([metric, true]);
    // A drill ends by our own clock; a backup by its vault's, which is right when ours is behind.
    if (/last_(verified|drill)/.test(metric)) expect([metric, value <= now + 1]).toEqual([metric, true]);
    if (/last_success/.test(metric))
      expect([metric, value <= Math.max(clock.now(), START + clock.monotonic()) / 1000]).toEqual([metric, true]);
  }
  for (const { metric, value } of telemetry.observed) expect([metric, value >= 0]).toEqual([metric, true]);
  for (const drill of await state.repositories.drills.list({})) expect(drill.finishedAt - drill.startedAt).toBeGreaterThanOrEqual(0);
  for (const id of ids)
    for (const alarm of await state.repositories.alarms.list({ sourceId: id, all: true }))
      expect((alarm.endedAt ?? Number.POSITIVE_INFINITY) >= alarm.since).toBe(true);
  expect(await evidenceProblems(join(directory, "evidence"))).toEqual([]);
  const known = await Promise.all(ids.map((id) => state.repositories.drills.ledger(id)));
  expect(known.flat().filter((row) => row.verdict !== "verified")).toEqual([]);
}

const allVerified = async (): Promise<boolean> => (await drillCount()) >= ids.length;
const alarmsTold = async (): Promise<number> =>
  (await Promise.all(ids.map((sourceId) => state.repositories.alarms.list({ sourceId, all: true })))).flat().length;

describe("a clock that jumps", () => {
  test.each([
    ["ten years ahead", 10 * YEAR],
    ["a day back", -DAY],
    ["ten years back", -10 * YEAR],
  ])("%s and is put right within minutes: no drill, no alarm, no gauge moves", { timeout: 40_000 }, async (_, by) => {
    await passUntil(allVerified);
    await quiet(10 * MINUTE);
    const drills = await drillCount();
    const verifiedAt = gauge("restore_last_verified_timestamp_seconds");
    clock.jump(by);
    await pass(2 * MINUTE);
    const told = agent.readiness();
    expect([told.ready, told.problems]).toEqual([true, [expect.stringMatching(by > 0 ? /jumped ahead by/ : /jumped back by/)]]);
    clock.jump(-by);
    await quiet(30 * MINUTE);
    expect(agent.readiness()).toEqual({ ready: true, problems: [] });
    expect([await drillCount(), await alarmsTold(), gauge("restore_last_verified_timestamp_seconds")]).toEqual([drills, 0, verifiedAt]);
    await expectSound();
  });

  test.each([
    ["a day back", -DAY],
    ["ten years back", -10 * YEAR],
    ["ten years ahead, and back again after a day", 10 * YEAR],
  ])("%s, to stay: at most one drill more a source, and schedules go on", { timeout: 40_000 }, async (_, by) => {
    await passUntil(allVerified);
    await quiet(10 * MINUTE);
    const before = await drillCount();
    clock.jump(by);
    await quiet(20 * MINUTE);
    if (by > 0) {
      await quiet(4 * HOUR);
      // Years went by for all the agent knows: the newest backup again, and the monthly drill, once each.
      expect((await drillCount()) - before).toBeLessThanOrEqual(2 * ids.length);
      clock.jump(-by);
      await quiet(20 * MINUTE);
    }
    const after = await drillCount();
    await quiet(2 * HOUR);
    expect((await drillCount()) - after).toBeLessThanOrEqual(ids.length);
    await quiet(HOUR);
    const settled = await drillCount();
    await quiet(HOUR);
    expect(await drillCount()).toBe(settled);
    // And a new backup is found and drilled as ever.
    for (const id of ids) await vault.put(`${id}/b.grist`, "abcd", START + clock.monotonic() - 5 * MINUTE);
    await passUntil(async () => (await drillCount()) >= settled + ids.length);
    await quiet(10 * MINUTE);
    await expectSound();
  });

  test("in the middle of a drill: its duration is the time it took, and it is one drill", { timeout: 40_000 }, async () => {
    await passUntil(allVerified);
    for (const by of [10 * YEAR, -10 * YEAR, -DAY, DAY]) {
      const before = await drillCount();
      await vault.put(`crm/${by}.grist`, `bytes ${by}`, START - 30 * MINUTE + before);
      await passUntil(async () => agent.scheduler.busy().drills > 0);
      await pass(10_000);
      clock.jump(by);
      await passUntil(async () => (await drillCount()) === before + 1);
      const [newest] = await state.repositories.drills
        .list({ limit: 100 })
        .then((all) => all.filter((one) => one.verdict === "verified" && one.finishedAt - one.startedAt > HOUR));
      expect(newest).toBeUndefined();
      clock.jump(-by);
      await quiet(10 * MINUTE);
      expect(await drillCount()).toBe(before + 1);
    }
    await expectSound();
  });

  test("stopped for longer than a lease and a deadline, as by SIGSTOP: the drill under way ends once", { timeout: 40_000 }, async () => {
    await passUntil(allVerified);
    const before = await drillCount();
    const begun = children;
    drillMs = 10 * MINUTE;
    await vault.put("crm/b.grist", "abcd", clock.now() - 5 * MINUTE);
    await passUntil(async () => children > begun);
    // Both clocks go on while nothing of the process runs.
    await clock.advance(HOUR);
    await passUntil(async () => (await drillCount()) > before);
    await quiet(20 * MINUTE);
    expect(await drillCount()).toBe(before + 1);
    await expectSound();
  });
});
