import { describe, expect, test } from "vitest";
import type { DueDrill } from "../../../agent/core/plan.ts";
import type { SourcePolicy } from "../../../agent/core/policy.ts";
import type { LedgerRow, PollStatus } from "../../../agent/core/ports.ts";
import type { DrillRecord, RecoveryPoint } from "../../../agent/core/values.ts";
import type { PollOutcome } from "../../../agent/engine/poller.ts";
import type { SourceState } from "../../../agent/engine/project.ts";
import { createScheduler, type SchedulerDeps } from "../../../agent/engine/scheduler.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";

const OUTCOME: PollOutcome = { ok: true, fresh: 0, waiting: 0, trouble: null, span: { traceId: "t", spanId: "s" }, points: [] };
const drillRecord = (due: DueDrill): DrillRecord => ({ id: due.id }) as DrillRecord;
const never = (): Promise<never> => new Promise(() => undefined);

function world(policies: readonly SourcePolicy[], more: Partial<SchedulerDeps> = {}) {
  const clock = fakeClock();
  const polled: string[] = [];
  const drilled: string[] = [];
  const running = { polls: 0, drills: 0, mostPolls: 0, mostDrills: 0, bySource: new Map<string, number>(), overlap: false };
  const next = new Map<string, number>();
  const ledger: LedgerRow[] = [];
  let beats = 0;
  const deps: SchedulerDeps = {
    clock,
    telemetry: memoryTelemetry(clock),
    policies: () => policies,
    calendars: () => [],
    concurrency: () => ({ polls: 2, drills: 1 }),
    pollStatus: async (sourceId): Promise<PollStatus> => ({
      sourceId,
      lastPollAt: null,
      lastOkAt: null,
      failures: 0,
      trouble: null,
      nextPollAt: next.get(sourceId) ?? 0,
    }),
    async poll(one) {
      running.polls += 1;
      running.mostPolls = Math.max(running.mostPolls, running.polls);
      polled.push(one.id);
      await clock.sleep(500);
      next.set(one.id, clock.now() + one.pollMs);
      running.polls -= 1;
      return OUTCOME;
    },
    async drill(due, one) {
      running.drills += 1;
      running.mostDrills = Math.max(running.mostDrills, running.drills);
      const own = (running.bySource.get(one.id) ?? 0) + 1;
      running.bySource.set(one.id, own);
      if (own > 1) running.overlap = true;
      await clock.sleep(3_000);
      drilled.push(one.id);
      ledger.push({
        drillId: due.id,
        kind: due.kind,
        sourceId: one.id,
        pointId: due.pointId,
        attempt: due.attempt,
        finishedAt: clock.now(),
        verdict: "verified",
        layers: { artifact: "verified", content: "verified" },
      });
      running.drills -= 1;
      running.bySource.set(one.id, own - 1);
      return drillRecord(due);
    },
    drillAsked: async () => null,
    async refresh(one): Promise<SourceState> {
      const point: RecoveryPoint = {
        id: `${one.id}-p`,
        sourceId: one.id,
        vaultId: "v",
        path: "p",
        kind: "file",
        createdAt: 0,
        createdFrom: "name",
        modifiedAt: 0,
        bytes: 1,
        immutableUntil: null,
        runId: null,
        firstSeenAt: 0,
        goneAt: null,
      };
      return {
        policy: one,
        firstSeenAt: 0,
        points: [point],
        runs: [],
        ledger: ledger.filter((row) => row.sourceId === one.id),
        latest: null,
        latestFacts: null,
        alarms: [],
        gaps: [],
        calendars: [],
      };
    },
    stumble: () => undefined,
    mayDrill: () => true,
    mayPoll: () => true,
    beat: () => {
      beats += 1;
    },
    everyTick: async () => undefined,
    housekeeping: async () => undefined,
    tickMs: 1000,
    ...more,
  };
  const stop = new AbortController();
  const scheduler = createScheduler(deps);
  const done = scheduler.run(stop.signal);
  return {
    clock,
    polled,
    drilled,
    running,
    scheduler,
    beats: () => beats,
    async after(seconds: number) {
      for (let n = 0; n < seconds * 2; n += 1) await clock.advance(500);
    },
    async end() {
      stop.abort();
      await clock.advance(60_000);
      await done;
    },
  };
}

describe("the scheduler", () => {
  test("polls every source at its own pace and drills each newest point once", async () => {
    const it = world(["a", "b", "c"].map((id) => policy(id)));
    await it.after(50);
    expect([...it.polled].sort()).toEqual(["a", "b", "c"]);
    expect([...it.drilled].sort()).toEqual(["a", "b", "c"]);
    await it.after(30);
    expect(it.polled).toHaveLength(6);
    expect(it.drilled).toHaveLength(3);
    await it.end();
  });

  test("keeps within its concurrency and never runs a source beside itself", async () => {
    const it = world(
      ["a", "b", "c", "d", "e"].map((id) => policy(id)),
      { concurrency: () => ({ polls: 2, drills: 2 }) },
    );
    await it.after(40);
    expect([it.running.mostPolls, it.running.mostDrills, it.running.overlap]).toEqual([2, 2, false]);
    expect(it.drilled).toHaveLength(5);
    await it.end();
  });

  test("a source that hangs holds up no other, and the heart beats on", async () => {
    const asked: string[] = [];
    const it = world(
      ["a", "b"].map((id) => policy(id)),
      {
        poll: (one) => {
          asked.push(one.id);
          return one.id === "a" ? never() : Promise.resolve(OUTCOME);
        },
        pollStatus: async (sourceId) => ({ sourceId, lastPollAt: null, lastOkAt: null, failures: 0, trouble: null, nextPollAt: 0 }),
      },
    );
    await it.after(10);
    expect(asked.filter((id) => id === "a")).toHaveLength(1);
    expect(asked.filter((id) => id === "b").length).toBeGreaterThan(3);
    expect(it.beats()).toBeGreaterThan(8);
  });

  test("a tick that cannot be done gives no heart beat, and the next one is tried", async () => {
    let broken = true;
    const it = world([policy("a")], {
      everyTick: async () => {
        if (broken) throw new Error("disk full");
      },
    });
    await it.after(5);
    expect(it.beats()).toBe(0);
    broken = false;
    await it.after(3);
    expect(it.beats()).toBeGreaterThan(0);
    await it.end();
  });

  test("a poll planned far ahead by a clock that was wrong is done now", async () => {
    const it = world([policy("a")], {
      pollStatus: async (sourceId) => ({
        sourceId,
        lastPollAt: null,
        lastOkAt: null,
        failures: 0,
        trouble: null,
        nextPollAt: Date.UTC(2031, 0, 1),
      }),
    });
    await it.after(2);
    expect(it.polled.length).toBeGreaterThan(0);
    await it.end();
  });

  test("a drill a person asked for runs once, before the plan's own", async () => {
    const asked: string[] = [];
    const it = world([policy("a")], {
      drillAsked: async (one) => {
        asked.push(one.id);
        return null;
      },
      drill: never,
    });
    it.scheduler.drillNow("a");
    it.scheduler.drillNow("a");
    it.scheduler.drillNow("nobody");
    await it.after(3);
    expect(asked).toEqual(["a"]);
  });

  test("stopping waits for what runs", async () => {
    const it = world([policy("a")]);
    await it.after(2);
    expect(it.scheduler.busy().drills).toBe(1);
    await it.end();
    expect(it.scheduler.busy()).toMatchObject({ polls: 0, drills: 0 });
  });
});
