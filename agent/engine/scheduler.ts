/** The heart beat: every tick polls what is due and drills what the plan says, within the concurrency, never a source beside itself. */
import { asAgentError } from "../core/errors.ts";
import { type DueDrill, planDrills } from "../core/plan.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { Clock, PollStatus, Telemetry } from "../core/ports.ts";
import type { DrillRecord } from "../core/values.ts";
import { ATTRIBUTES } from "../telemetry/names.ts";
import type { PollOutcome } from "./poller.ts";
import type { SourceState } from "./project.ts";
import type { DatedCalendar } from "./read-state.ts";

export interface SchedulerDeps {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly policies: () => readonly SourcePolicy[];
  readonly calendars: (now: number) => readonly DatedCalendar[];
  readonly concurrency: () => { readonly polls: number; readonly drills: number };
  readonly pollStatus: (sourceId: string) => Promise<PollStatus | null>;
  readonly poll: (policy: SourcePolicy, signal: AbortSignal) => Promise<PollOutcome>;
  readonly drill: (due: DueDrill, policy: SourcePolicy, signal: AbortSignal) => Promise<DrillRecord | null>;
  /** The newest point of the source now, because a person asked. */
  readonly drillAsked: (policy: SourcePolicy, signal: AbortSignal) => Promise<DrillRecord | null>;
  /** Reads a source afresh and puts its gauges right. */
  readonly refresh: (policy: SourcePolicy) => Promise<SourceState>;
  /** After every tick that got through. */
  readonly beat: (now: number) => void;
  /** What a tick that did not get through threw. */
  readonly stumble: (thrown: unknown) => void;
  /** False while nothing could be recorded, or the clock is not believed: then no drill is begun. */
  readonly mayDrill: () => boolean;
  /** False while no outcome of a poll could be kept. */
  readonly mayPoll: () => boolean;
  /** Before anything else in a tick: what the command line left for us. */
  readonly everyTick: () => Promise<void>;
  /** Once a day or at start: prune, note the head. */
  readonly housekeeping: () => Promise<void>;
  readonly tickMs: number;
}

export interface Scheduler {
  /** Runs until `signal` aborts; then waits for what runs to end or be abandoned. */
  run(signal: AbortSignal): Promise<void>;
  /** Makes every source due for a poll at the next tick. */
  pollAllNow(): void;
  /** The source's newest point is drilled as soon as a place is free, whatever the plan says. */
  drillNow(sourceId: string): void;
  /** Tries that did not succeed so far are made again at once: what was in their way is gone. */
  retryNow(): void;
  /** What runs and what waits now. */
  readonly busy: () => { readonly polls: number; readonly drills: number; readonly due: number };
}

const LEAST_NAP_MS = 50;
const REFRESH_MS = 30_000;
const HOUSEKEEPING_MS = 24 * 3_600_000;
/** A plan that lies further ahead than this many intervals comes from a clock that was wrong. */
const CLOCK_WAS_AHEAD = 20 * 60_000;

export function createScheduler(deps: SchedulerDeps): Scheduler {
  const nextPoll = new Map<string, number>();
  const polling = new Map<string, Promise<void>>();
  const drilling = new Map<string, Promise<void>>();
  const asked = new Set<string>();
  const states = new Map<string, { readonly state: SourceState; readonly readAt: number }>();
  let due: readonly DueDrill[] = [];
  let recoveredAt: number | null = null;
  /** Ends the wait for the next tick: what has just finished may have made something else due. */
  let nap = new AbortController();
  let lastHousekeeping = Number.NEGATIVE_INFINITY;

  return {
    async run(signal) {
      while (!signal.aborted) {
        try {
          await tick(signal);
          deps.beat(deps.clock.now());
        } catch (thrown) {
          deps.stumble(thrown);
        }
        nap = new AbortController();
        // Never quicker than this, whatever ends however fast.
        await deps.clock.sleep(LEAST_NAP_MS, signal).catch(() => undefined);
        if (!nap.signal.aborted)
          await deps.clock.sleep(deps.tickMs - LEAST_NAP_MS, AbortSignal.any([signal, nap.signal])).catch(() => undefined);
      }
      await Promise.allSettled([...polling.values(), ...drilling.values()]);
    },
    pollAllNow() {
      nextPoll.clear();
      for (const policy of deps.policies()) nextPoll.set(policy.id, 0);
    },
    drillNow(sourceId) {
      asked.add(sourceId);
    },
    retryNow() {
      recoveredAt = deps.clock.now();
    },
    busy: () => ({ polls: polling.size, drills: drilling.size, due: due.length }),
  };

  async function tick(signal: AbortSignal): Promise<void> {
    await deps.everyTick();
    const policies = deps.policies();
    const now = deps.clock.now();
    const steady = deps.clock.monotonic();
    if (steady - lastHousekeeping >= HOUSEKEEPING_MS) {
      lastHousekeeping = steady;
      await deps.housekeeping();
    }
    for (const id of states.keys()) if (!policies.some((policy) => policy.id === id)) states.delete(id);
    await startPolls(policies, now, signal);
    for (const policy of policies) {
      const known = states.get(policy.id);
      if (known === undefined || known.state.policy !== policy || steady - known.readAt >= REFRESH_MS) await refresh(policy);
    }
    startDrills(policies, now, signal);
    deps.telemetry.gauges({ state: "due" }, [{ metric: "restorewatch_jobs", labels: { state: "due" }, value: due.length }]);
    deps.telemetry.gauges({ state: "running" }, [
      { metric: "restorewatch_jobs", labels: { state: "running" }, value: polling.size + drilling.size },
    ]);
    deps.telemetry.gauges({ state: "late" }, [
      { metric: "restorewatch_jobs", labels: { state: "late" }, value: due.filter((drill) => now - drill.dueAt > 3_600_000).length },
    ]);
  }

  async function refresh(policy: SourcePolicy): Promise<void> {
    states.set(policy.id, { state: await deps.refresh(policy), readAt: deps.clock.monotonic() });
  }

  async function startPolls(policies: readonly SourcePolicy[], now: number, signal: AbortSignal): Promise<void> {
    if (!deps.mayPoll()) return;
    for (const policy of policies) {
      if (polling.size >= deps.concurrency().polls) return;
      if (polling.has(policy.id)) continue;
      if (!nextPoll.has(policy.id)) nextPoll.set(policy.id, (await deps.pollStatus(policy.id))?.nextPollAt ?? 0);
      const at = nextPoll.get(policy.id) ?? 0;
      if (at > now && at - now < Math.max(policy.pollMs * 2, CLOCK_WAS_AHEAD)) continue;
      polling.set(policy.id, pollOne(policy, signal));
    }
  }

  async function pollOne(policy: SourcePolicy, signal: AbortSignal): Promise<void> {
    try {
      await deps.poll(policy, signal);
      nextPoll.set(policy.id, (await deps.pollStatus(policy.id))?.nextPollAt ?? deps.clock.now() + policy.pollMs);
      await refresh(policy);
    } catch (thrown) {
      nextPoll.set(policy.id, deps.clock.now() + policy.pollMs);
      deps.telemetry.log("error", "a poll could not be recorded", {
        [ATTRIBUTES.source]: policy.id,
        [ATTRIBUTES.errorType]: asAgentError(thrown).code,
      });
    } finally {
      polling.delete(policy.id);
      nap.abort();
    }
  }

  function startDrills(policies: readonly SourcePolicy[], now: number, signal: AbortSignal): void {
    const calendars = deps.calendars(now);
    due = planDrills({
      policies,
      points: new Map([...states].map(([id, known]) => [id, known.state.points])),
      ledger: new Map([...states].map(([id, known]) => [id, known.state.ledger])),
      firstSeen: new Map([...states].map(([id, known]) => [id, known.state.firstSeenAt])),
      calendars,
      now,
      recoveredAt,
    });
    if (!deps.mayDrill()) return;
    for (const sourceId of asked) {
      const policy = policies.find((other) => other.id === sourceId);
      if (policy === undefined) asked.delete(sourceId);
      else if (drilling.size < deps.concurrency().drills && !drilling.has(sourceId)) {
        asked.delete(sourceId);
        drilling.set(sourceId, drillOne(null, policy, signal));
      }
    }
    for (const drill of due) {
      if (drilling.size >= deps.concurrency().drills) return;
      const policy = policies.find((other) => other.id === drill.sourceId);
      if (policy === undefined || drilling.has(drill.sourceId)) continue;
      drilling.set(drill.sourceId, drillOne(drill, policy, signal));
    }
  }

  /** `drill` null: a person asked. */
  async function drillOne(drill: DueDrill | null, policy: SourcePolicy, signal: AbortSignal): Promise<void> {
    try {
      const finished = await (drill === null ? deps.drillAsked(policy, signal) : deps.drill(drill, policy, signal));
      // Someone else holds it: look again when its lease may have run out, not at every tick.
      if (finished === null && !signal.aborted) await deps.clock.sleep(5000, signal).catch(() => undefined);
      await refresh(policy);
    } catch (thrown) {
      deps.telemetry.log("error", "a drill could not be recorded", {
        [ATTRIBUTES.source]: policy.id,
        [ATTRIBUTES.drillId]: drill?.id,
        [ATTRIBUTES.errorType]: asAgentError(thrown).code,
      });
      await deps.clock.sleep(5000, signal).catch(() => undefined);
    } finally {
      drilling.delete(policy.id);
      nap.abort();
    }
  }
}
