/**
 * The running agent: what happens at start, at every tick, on reload and at the end, over parts that were handed in.
 * Order at start: leftovers, evidence into state, gauges from state, and only then the first poll, so that a restart changes no alert.
 */
import { asAgentError } from "../core/errors.ts";
import type { EvidenceEntry } from "../core/evidence.ts";
import type { DueDrill } from "../core/plan.ts";
import type { SourceConnection, SourcePolicy } from "../core/policy.ts";
import { type SourceStatus } from "../core/status.ts";
import type { DrillRecord, RunReport } from "../core/values.ts";
import { runObservations } from "../core/points.ts";
import { ATTRIBUTES } from "../telemetry/names.ts";
import type { Agent, AgentDeps, Settings } from "./agent-parts.ts";
import { alarmEntries } from "./alarms.ts";
import { askedDrill } from "./asked-drill.ts";
import type { Decision } from "../core/decisions.ts";
import { decide, type DecisionOrder } from "./decisions.ts";
import { createClockWatch } from "./clock-watch.ts";
import { type Cause, causeOfRecording, createHealth, isOwnTrouble } from "./health.ts";
import { type DrillerDeps, runDrill } from "./driller.ts";
import { takeIn } from "./intake.ts";
import { removeLeftovers } from "./leftover-scratches.ts";
import { pollSource, type PollOutcome } from "./poller.ts";
import { sourceSamples, type SourceState } from "./project.ts";
import { datedCalendars, readSource } from "./read-state.ts";
import { readStatuses } from "./statuses.ts";
import { createScheduler } from "./scheduler.ts";

const POLL_DEADLINE_MS = 30_000;
const LEFTOVERS_DEADLINE_MS = 15_000;
const FOUND_BY_MOST = 10_000;
const BEAT_LATE_MS = 30_000;
const LOOK_AFTER_MS = 10_000;
/** A daily note of the head that is older than this says that the clock is wrong, or that the agent was off for long. */
const LONG_MS = 45 * 86_400_000;

export function createAgent(initial: Settings, deps: AgentDeps): Agent {
  let settings = initial;
  const { state, telemetry, clock } = deps;
  const { repositories } = state;
  const health = createHealth(telemetry, recovered);
  const watch = createClockWatch(clock, telemetry);
  let lookedAfter = Number.NEGATIVE_INFINITY;
  let lastBeat: number | null = null;
  const seenFirst = new Map<string, number>();
  /** Scratch workspaces that could not be removed at the last drill of each source. */
  const leaking = new Map<string, number>();
  const foundBy = new Map<string, { readonly traceId: string; readonly spanId: string }>();

  const scheduler = createScheduler({
    clock,
    telemetry,
    policies: () => settings.policies,
    calendars: (now) => datedCalendars(settings.calendars, now),
    concurrency: () => ({ polls: settings.pollConcurrency, drills: settings.drillConcurrency }),
    pollStatus: (sourceId) => repositories.sources.poll(sourceId),
    poll,
    drill: (due, policy, signal) => drilled(due, policy, "plan", signal),
    drillAsked: drillNow,
    refresh,
    beat: (now) => {
      lastBeat = clock.monotonic();
      health.well("scheduler");
      deps.self.set("restorewatch_heartbeat_timestamp_seconds", now / 1000);
    },
    stumble: (thrown) => health.trouble("scheduler", thrown),
    mayDrill: () => watch.settled() && !health.has("evidence") && !health.has("state"),
    mayPoll: () => !health.has("state"),
    everyTick,
    housekeeping,
    tickMs: deps.tickMs,
  });

  return {
    scheduler,
    policies: () => settings.policies,
    start,
    async run(signal) {
      await sweepLeftovers(signal);
      await scheduler.run(signal);
    },
    stop,
    reload,
    submitRun,
    decide: decideOn,
    poll,
    drillNow,
    statuses,
    readiness,
  };

  async function start(): Promise<void> {
    const now = clock.now();
    const before = await repositories.meta.get("config.hash");
    const entries: EvidenceEntry[] = [{ type: "agent.started", at: now, version: deps.version, configHash: settings.configHash }];
    if (before !== settings.configHash) entries.push(configChanged(now));
    entries.push(...(await newSources(now)));
    await deps.record(entries);
    await repositories.meta.set("config.hash", settings.configHash);
    deps.initialise(idsOf(settings));
    deps.self.set("restorewatch_config_hash_info", 1, { hash: settings.configHash.slice(0, 16) });
    deps.self.set("restorewatch_config_last_reload_success", 1);
    deps.self.set("restorewatch_state_bytes", await state.size());
    await tellWaiting();
    for (const policy of settings.policies) await refresh(policy);
    telemetry.log("info", "agent started", {
      version: deps.version,
      sources: settings.policies.length,
      config: settings.configHash.slice(0, 16),
    });
  }

  async function stop(reason: string): Promise<void> {
    try {
      await deps.record([{ type: "agent.stopped", at: clock.now(), reason }]);
    } catch (thrown) {
      // What is recorded stays recorded; an end that cannot be written is no reason to leave anything open.
      telemetry.log("error", "the end of the agent could not be recorded", { [ATTRIBUTES.errorType]: asAgentError(thrown).code });
    }
    telemetry.log("info", "agent stopped", { reason });
  }

  async function reload(next: Settings): Promise<void> {
    const [before, after] = [idsOf(settings), idsOf(next)];
    const gone = before.filter((id) => !after.includes(id));
    const changed = next.configHash !== settings.configHash;
    const come = after.filter((id) => !before.includes(id));
    settings = next;
    const now = clock.now();
    const entries: EvidenceEntry[] = changed ? [configChanged(now), ...(await newSources(now))] : [];
    if (entries.length > 0) await deps.record(entries);
    await repositories.meta.set("config.hash", settings.configHash);
    for (const id of gone) {
      telemetry.gauges({ source: id }, []);
      deps.forget(id);
    }
    deps.initialise(idsOf(settings));
    if (come.length > 0) await deps.restore(come);
    deps.self.set("restorewatch_config_hash_info", 1, { hash: settings.configHash.slice(0, 16) });
    for (const policy of settings.policies) await refresh(policy);
    scheduler.pollAllNow();
    telemetry.log("info", "configuration loaded", { config: settings.configHash.slice(0, 16), sources: settings.policies.length, changed });
  }

  function configChanged(at: number): EvidenceEntry {
    return { type: "config.changed", at, configHash: settings.configHash, sources: idsOf(settings) };
  }

  async function newSources(at: number): Promise<EvidenceEntry[]> {
    const seen = await repositories.sources.firstSeen();
    return idsOf(settings)
      .filter((id) => !seen.has(id))
      .map((sourceId) => ({ type: "source.configured", at, sourceId }));
  }

  /** The one way durable facts enter while the agent runs; whether it works is known from here. */
  async function record(entries: readonly EvidenceEntry[]): Promise<void> {
    await recording(() => deps.record(entries));
  }

  async function recording(work: () => Promise<void>): Promise<void> {
    await keepingWatch(work);
    health.well("evidence");
    health.well("state");
  }

  /** @param work throws nothing but that something could not be kept */
  async function keepingWatch<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      health.trouble(causeOfRecording(thrown), thrown);
      throw thrown;
    }
  }

  async function everyTick(): Promise<void> {
    watch.settled();
    await lookAfterOurselves();
    await takeInbox();
    await deps.alsoAtTick?.();
  }

  /** Now and then, and at every tick while something is wrong: whether what has to be written could be, and again can. */
  async function lookAfterOurselves(): Promise<void> {
    const steady = clock.monotonic();
    if (health.problems().length === 0 && steady - lookedAfter < LOOK_AFTER_MS) return;
    await look();
  }

  async function look(): Promise<void> {
    const steady = clock.monotonic();
    lookedAfter = steady;
    for (const [cause, error] of await deps.tryOut(health.has("sandbox"))) {
      if (error !== null) health.trouble(cause, error, "look");
      else if (health.well(cause, "look") && cause === "sandbox") {
        // What stood in the way of drills was seen, and is gone: those it ended need not wait.
        health.well("sandbox", "work");
        scheduler.retryNow();
      }
    }
    // Only an entry that really goes in shows that entries go in.
    const failed = (cause: Cause): boolean => health.has(cause, "work") && !health.has(cause, "look");
    if (failed("evidence") || failed("state")) await recording(() => deps.noteHead(true)).catch(() => undefined);
  }

  function recovered(cause: Cause): void {
    if (cause === "evidence" || cause === "state") scheduler.pollAllNow();
  }

  async function drilled(
    due: DueDrill,
    policy: SourcePolicy,
    trigger: DrillRecord["trigger"],
    signal: AbortSignal,
  ): Promise<DrillRecord | null> {
    const drill = await runDrill(due, policy, trigger, drillerDeps(), signal);
    if (drill === null) return null;
    await tellWaiting();
    if (!isOwnTrouble(drill.trouble)) health.well("sandbox");
    else {
      health.trouble("sandbox", new Error(drill.reasons[0] ?? "a drill could not be begun"));
      // Where what was in the way can be seen, its end can be seen too.
      await look();
    }
    return drill;
  }

  async function poll(policy: SourcePolicy, signal: AbortSignal): Promise<PollOutcome> {
    const outcome = await keepingWatch(() =>
      pollSource(
        policy,
        {
          vault: settings.vault,
          ...(settings.products === undefined ? {} : { products: settings.products }),
          repositories,
          record,
          telemetry,
          clock,
          settled: watch.settled,
          random: deps.random,
          deadlineMs: POLL_DEADLINE_MS,
        },
        signal,
      ),
    );
    for (const id of outcome.points) {
      foundBy.set(id, { traceId: outcome.span.traceId, spanId: outcome.span.spanId });
      if (foundBy.size > FOUND_BY_MOST) foundBy.delete(foundBy.keys().next().value ?? id);
    }
    return outcome;
  }

  /** Before the first drill, so that no living one can be taken for a leftover. */
  async function sweepLeftovers(signal: AbortSignal): Promise<void> {
    const products = settings.products ?? (() => null);
    const left = await removeLeftovers(settings.policies, { products, telemetry, clock, deadlineMs: LEFTOVERS_DEADLINE_MS }, signal);
    for (const [sourceId, leaks] of left) noteLeaks(sourceId, leaks);
  }

  function noteLeaks(sourceId: string, leaks: number): void {
    leaking.set(sourceId, leaks);
    deps.self.set(
      "restorewatch_scratch_leaks",
      [...leaking.values()].reduce((sum, one) => sum + one, 0),
    );
  }

  function drillerDeps(): DrillerDeps {
    return {
      vault: settings.vault,
      repositories,
      record,
      settled: watch.settled,
      work: deps.work,
      holder: deps.holder,
      telemetry,
      clock,
      isolation: deps.isolation,
      runChild: deps.runChild,
      createWorkDir: deps.createWorkDir,
      ...(deps.spares === undefined ? {} : { spares: deps.spares }),
      ...(deps.keepDifferences === undefined ? {} : { keepDifferences: deps.keepDifferences }),
      digestKey: deps.digestKey,
      readText: deps.readText,
      products: settings.products ?? (() => null),
      scratchLeaks: noteLeaks,
      foundBy: (id) => foundBy.get(id) ?? null,
    };
  }

  async function drillNow(policy: SourcePolicy, signal: AbortSignal): Promise<DrillRecord | null> {
    const due = await askedDrill(policy, repositories, clock.now());
    if (due === null) return null;
    const drill = await drilled(due, policy, "person", signal);
    await refresh(policy);
    return drill;
  }

  /** Null where the source was not recorded yet. Once known it never changes, and reading that of all sources at every refresh grows with their square. */
  async function firstSeen(sourceId: string): Promise<number | null> {
    if (!seenFirst.has(sourceId)) for (const [id, at] of await repositories.sources.firstSeen()) seenFirst.set(id, at);
    return seenFirst.get(sourceId) ?? null;
  }

  /** Null also where it cannot be opened: then nobody knows what may be asked of it. */
  function connectionOf(sourceId: string): SourceConnection | null {
    try {
      return settings.products?.(sourceId)?.connection ?? null;
    } catch {
      return null;
    }
  }

  async function refresh(policy: SourcePolicy): Promise<SourceState> {
    const now = clock.now();
    const seen = (await firstSeen(policy.id)) ?? now;
    const source = await readSource(policy, repositories, seen, datedCalendars(settings.calendars, now), connectionOf(policy.id));
    // A reload while this was read may have taken the source away.
    if (settings.policies.includes(policy) && watch.settled())
      telemetry.gauges({ source: policy.id }, [...sourceSamples(source, now), ...deps.alsoTold(policy.id)]);
    return source;
  }

  async function submitRun(report: RunReport): Promise<void> {
    const policy = settings.policies.find((other) => other.id === report.sourceId);
    if (policy === undefined || (await repositories.runs.get(report.id)) !== null) return;
    const now = clock.now();
    const observations = runObservations([report]);
    const points = await repositories.points.list(policy.id, { limit: 1 });
    const runs = [report, ...(await repositories.runs.list(policy.id, { limit: 1000 }))];
    const entries: EvidenceEntry[] = [{ type: "run.reported", at: now, report }];
    if (observations.length > 0) entries.push({ type: "observations", at: now, observations });
    const fresh = { observations, points, runs };
    const alarms = await alarmEntries(policy, repositories, fresh, now, watch.settled());
    entries.push(...alarms.entries);
    await record(entries);
    await alarms.keep();
    telemetry.count("backup_runs_total", { source: policy.id, outcome: report.outcome });
    await refresh(policy);
  }

  async function takeInbox(): Promise<void> {
    try {
      const { pollAllNow, drillNow: askDrill } = scheduler;
      const forgetActor = (id: string): Promise<void> => repositories.actors.forget(id);
      await takeIn({ inbox: deps.inbox, telemetry, clock, submitRun, decide: decideOn, forgetActor, pollAllNow, drillNow: askDrill });
      health.well("inbox");
    } catch (thrown) {
      // It stays there for the next tick, and keeps nothing else from its turn. What cannot be recorded is a cause of its own already.
      if (!health.has("evidence") && !health.has("state")) health.trouble("inbox", thrown);
    }
  }

  async function decideOn(order: DecisionOrder): Promise<Decision> {
    const { digestKey } = deps;
    const decision = await decide(order, { repositories, record, policies: () => settings.policies, now: () => clock.now(), digestKey });
    const policy = settings.policies.find((one) => one.id === decision.sourceId);
    // What was approved changes what the newest backup is compared with.
    if (decision.about === "baseline" && decision.answer === "approved") scheduler.drillNow(decision.sourceId);
    if (policy !== undefined) await refresh(policy);
    await tellWaiting();
    return decision;
  }

  async function tellWaiting(): Promise<void> {
    const active = await repositories.alarms.list({});
    deps.self.set("restorewatch_anomalies_grouped", active.filter((alarm) => alarm.grouped === true).length);
    deps.self.set("restorewatch_baselines_waiting", (await repositories.baselines.list({ status: "proposed" })).length);
  }

  async function housekeeping(): Promise<void> {
    try {
      const noted = await repositories.meta.get("evidence.noted");
      const notedAt = noted === null ? null : (JSON.parse(noted) as { readonly at: number }).at;
      const now = clock.now();
      // By a clock that is years ahead everything would be old. The note of today lets the next look, a day later, believe it.
      if (watch.settled() && (notedAt === null || Math.abs(now - notedAt) <= LONG_MS)) {
        const removed = await state.prune(now - settings.retentionMs);
        if (removed > 0) telemetry.log("info", "old rows were removed from the state", { rows: removed });
      } else telemetry.log("warn", "nothing was removed from the state: the clock may be wrong");
      await recording(() => deps.noteHead());
      deps.self.set("restorewatch_state_bytes", await state.size());
    } catch (thrown) {
      telemetry.log("error", "housekeeping failed", { [ATTRIBUTES.errorType]: asAgentError(thrown).code });
    }
  }

  function readiness(): ReturnType<Agent["readiness"]> {
    if (lastBeat === null) return { ready: false, problems: ["The agent is starting."] };
    const silent = clock.monotonic() - lastBeat;
    const problems = [...health.problems()];
    if (silent >= BEAT_LATE_MS && !health.has("scheduler"))
      problems.push(`The scheduler has not got through for ${Math.round(silent / 1000)} s; the log says why.`);
    const ready = problems.length === 0;
    // A clock that jumped is said, and keeps nobody away.
    const clockProblem = watch.problem();
    return { ready, problems: clockProblem === null ? problems : [...problems, clockProblem] };
  }

  async function statuses(): Promise<SourceStatus[]> {
    return readStatuses(settings.policies, repositories, clock.now());
  }
}

function idsOf({ policies, uncovered }: Settings): string[] {
  return [...policies.map((policy) => policy.id), ...uncovered];
}
