import { describe, expect, it } from "vitest";
import { AgentError } from "../../../agent/core/errors.ts";
import type { EvidenceEntry } from "../../../agent/core/evidence.ts";
import type { EvidenceLog, State } from "../../../agent/core/ports.ts";
import { createRecorder, readApplied, type Recorder } from "../../../agent/engine/recorder.ts";
import { createMetrics } from "../../../agent/telemetry/metrics.ts";
import { fakeClock, type FakeClock } from "../../doubles/clock.ts";
import { dumpState } from "../../doubles/dump.ts";
import { faultyEvidence, memoryEvidence, type MemoryEvidence } from "../../doubles/evidence.ts";
import { faultyState, memoryState } from "../../doubles/state.ts";
import { memoryTelemetry, type MemoryTelemetry } from "../../doubles/telemetry.ts";
import { someAlarm, someDrill, someObservation, somePoint, someRun } from "../../doubles/values.ts";

interface Bench {
  readonly recorder: Recorder;
  readonly evidence: MemoryEvidence;
  readonly state: State;
  readonly telemetry: MemoryTelemetry;
  readonly clock: FakeClock;
  readonly applied: EvidenceEntry[][];
  /** A recorder over the same evidence and another state, as after a restart. */
  readonly again: (state: State) => Recorder;
}

function bench(
  more: {
    evidence?: (real: EvidenceLog) => EvidenceLog;
    state?: (real: State) => State;
    onApplied?: (entries: readonly EvidenceEntry[]) => void;
  } = {},
): Bench {
  const clock = fakeClock();
  const evidence = memoryEvidence(clock);
  const state = memoryState();
  const telemetry = memoryTelemetry(clock);
  const applied: EvidenceEntry[][] = [];
  const deps = { clock, telemetry, platformOf: (id: string) => (id === "crm" ? ("grist" as const) : null) };
  const recorder = createRecorder({
    ...deps,
    evidence: more.evidence?.(evidence) ?? evidence,
    state: more.state?.(state) ?? state,
    onApplied: more.onApplied ?? ((entries) => void applied.push([...entries])),
  });
  return { recorder, evidence, state, telemetry, clock, applied, again: (other) => createRecorder({ ...deps, evidence, state: other }) };
}

const T = Date.UTC(2026, 0, 15, 12, 0, 0);
const drilled = (id: string, more: Parameters<typeof someDrill>[1] = {}): EvidenceEntry => ({
  type: "drill.finished",
  at: T,
  drill: someDrill(id, more),
});
const ran = (id: string, more: Parameters<typeof someRun>[1] = {}): EvidenceEntry => ({
  type: "run.reported",
  at: T,
  report: someRun(id, more),
});
const everything: readonly EvidenceEntry[] = [
  { type: "agent.started", at: T, version: "1.0.0", configHash: "aa" },
  { type: "config.changed", at: T, configHash: "bb", sources: ["crm"] },
  { type: "source.configured", at: T, sourceId: "crm" },
  { type: "points.seen", at: T, sourceId: "crm", points: [somePoint("p1")] },
  ran("r1"),
  { type: "observations", at: T, observations: [someObservation("p1")] },
  drilled("d1"),
  { type: "alarm.changed", at: T, alarm: someAlarm("a1") },
  { type: "leftovers.removed", at: T, count: 1 },
  { type: "head.noted", at: T, head: "cc", seq: 3 },
  { type: "state.rebuilt", at: T, entries: 3, movedTo: null, reason: "asked for" },
  { type: "agent.stopped", at: T, reason: "asked to" },
];
const drillLabels = { source: "crm", drill_kind: "sample" };

describe("what is recorded", () => {
  it("is in evidence and in state when record resolves, and was announced once, in order", async () => {
    const { recorder, evidence, state, applied } = bench();
    await recorder.record(everything);
    expect(evidence.entries.map((entry) => entry.type)).toEqual(everything.map((entry) => entry.type));
    const { points, runs, observations, drills, alarms, sources, meta } = state.repositories;
    expect(await points.get("p1")).toEqual(somePoint("p1"));
    expect(await runs.get("r1")).toEqual(someRun("r1"));
    expect(await observations.list("crm", "bytes")).toEqual([someObservation("p1")]);
    expect(await drills.get("d1")).toEqual(someDrill("d1"));
    expect(await alarms.list({})).toEqual([someAlarm("a1")]);
    expect((await sources.firstSeen()).get("crm")).toBe(T);
    expect(await meta.get("config.hash")).toBe("bb");
    expect(await readApplied(state.repositories)).toEqual(evidence.head());
    expect(applied.map((entries) => entries.map((entry) => entry.type))).toEqual([everything.map((entry) => entry.type)]);
  });

  it("recording nothing does nothing", async () => {
    const { recorder, evidence, applied } = bench();
    await recorder.record([]);
    expect(evidence.head().seq).toBe(0);
    expect(applied).toEqual([]);
  });

  it("keeps the order of the calls when many come at once", async () => {
    const { recorder, state, evidence } = bench();
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => recorder.record([{ type: "config.changed", at: n, configHash: `hash ${n}`, sources: [] }])),
    );
    expect(await state.repositories.meta.get("config.hash")).toBe("hash 39");
    expect(await readApplied(state.repositories)).toEqual(evidence.head());
  });

  it("adds drills and runs to the tallies, the platform of the source included", async () => {
    const { recorder, state, evidence } = bench();
    await recorder.record([
      drilled("d1", { startedAt: T, finishedAt: T + 2500 }),
      drilled("d2", { verdict: "failed", startedAt: T, finishedAt: T + 40, phases: { load: 7 } }),
    ]);
    await recorder.record([
      ran("r1"),
      ran("r2", { outcome: "failure" }),
      ran("r3"),
      drilled("d3", { sourceId: "unknown", phases: { open: 1 } }),
    ]);
    const tally = async (metric: string, labels: Record<string, string>) =>
      (await state.repositories.tallies.all()).find(
        (one) => one.metric === metric && JSON.stringify(one.labels) === JSON.stringify(labels),
      );
    expect(await tally("restore_drills_total", { drill_kind: "sample", source: "crm", verdict: "verified" })).toMatchObject({
      count: 1,
      buckets: [],
    });
    expect(await tally("restore_drills_total", { drill_kind: "sample", source: "crm", verdict: "failed" })).toMatchObject({ count: 1 });
    expect(await tally("backup_runs_total", { outcome: "success", source: "crm" })).toMatchObject({ count: 2 });
    expect(await tally("backup_runs_total", { outcome: "failure", source: "crm" })).toMatchObject({ count: 1 });
    const duration = await tally("restore_drill_duration_seconds", { drill_kind: "sample", source: "crm" });
    expect(duration).toMatchObject({ count: 2, sum: 2.54 });
    expect(duration?.buckets.slice(0, 6)).toEqual([1, 1, 1, 1, 1, 2]);
    expect(await tally("restore_phase_duration_seconds", { phase: "load", platform: "grist" })).toMatchObject({
      count: 2,
      sum: 1.2 + 0.007,
    });
    expect(await tally("restore_phase_duration_seconds", { phase: "open", platform: "other" })).toMatchObject({ count: 1 });
    expect(await tally("restorewatch_evidence_entries_total", {})).toMatchObject({ count: evidence.head().seq });
  });

  it("gives tallies that the metrics take over", async () => {
    const { recorder, state, clock } = bench();
    await recorder.record(everything);
    const metrics = createMetrics({ clock, build: { version: "1", node: "24" }, process: false });
    metrics.initialise(["crm"]);
    expect(metrics.restore(await state.repositories.tallies.all())).toEqual([]);
    expect(await metrics.text()).toContain('restore_drills_total{source="crm",drill_kind="sample",verdict="verified"} 1');
  });

  it("counts a drill and a run once, however often they are recorded, and keeps what was said last", async () => {
    const { recorder, state } = bench();
    await recorder.record([drilled("d1"), ran("r1")]);
    await recorder.record([drilled("d1", { verdict: "failed" }), ran("r1"), ran("r1")]);
    const counted = (await state.repositories.tallies.all())
      .filter((one) => /drills_total|runs_total/.test(one.metric))
      .map((one) => one.count);
    expect(counted).toEqual([1, 1]);
    expect((await state.repositories.drills.get("d1"))?.verdict).toBe("failed");
  });

  it("leaves telling of drills and runs to whoever recorded them, and tells only of the log's length", async () => {
    const { recorder, telemetry } = bench();
    await recorder.record([drilled("d1"), ran("r1")]);
    expect(telemetry.counts.map((one) => one.metric)).toEqual([
      "restorewatch_evidence_entries_total",
      "restorewatch_evidence_entries_total",
    ]);
    expect(telemetry.observed).toEqual([]);
  });

  it("stands when what follows it fails, which is logged", async () => {
    const { recorder, state, telemetry } = bench({
      onApplied: () => {
        throw new Error("no");
      },
    });
    await recorder.record([drilled("d1")]);
    expect(await state.repositories.drills.get("d1")).not.toBeNull();
    expect(telemetry.logs).toMatchObject([{ level: "error" }]);
  });
});

describe("when something fails", () => {
  it("nothing happened when evidence could not be written", async () => {
    const error = new AgentError("limit", "evidence-disk-full", "full");
    const { recorder, state, applied } = bench({ evidence: (real) => faultyEvidence(real, [{ method: "append", call: 1, error }]) });
    await expect(recorder.record([drilled("d1")])).rejects.toBe(error);
    expect(await state.repositories.drills.get("d1")).toBeNull();
    expect(applied).toEqual([]);
    await recorder.record([drilled("d2")]);
    expect(await state.repositories.drills.get("d2")).not.toBeNull();
  });

  it.each(["transaction", "tallies.add", "meta.set"])(
    "what state failed to take (%s) reaches it with the next record, counted and told once",
    async (method) => {
      const { recorder, state, evidence, telemetry, applied } = bench({
        state: (real) => faultyState(real, [{ method, call: 2, error: new AgentError("limit", "state-disk-full", "full") }]),
      });
      await recorder.record([drilled("d1")]);
      await expect(recorder.record([drilled("d2"), ran("r2")])).rejects.toMatchObject({ code: "state-disk-full" });
      expect(await state.repositories.drills.get("d2")).toBeNull();
      await recorder.record([drilled("d3")]);
      expect((await state.repositories.drills.list({})).map((drill) => drill.id).sort()).toEqual(["d1", "d2", "d3"]);
      expect(await readApplied(state.repositories)).toEqual(evidence.head());
      expect(applied.flat().map((entry) => (entry.type === "drill.finished" ? entry.drill.id : entry.type))).toEqual([
        "d1",
        "d2",
        "run.reported",
        "d3",
      ]);
      // d2 and r2: their caller was told that it failed and told nobody.
      expect(telemetry.counted("restore_drills_total", { ...drillLabels })).toBe(1);
      expect(telemetry.counted("backup_runs_total")).toBe(1);
      expect(telemetry.counted("restorewatch_evidence_entries_total")).toBe(4);
      expect((await state.repositories.tallies.all()).find((one) => one.metric === "restore_drills_total")?.count).toBe(3);
    },
  );

  it("a caller that tries again is not counted twice", async () => {
    const { recorder, state, telemetry } = bench({
      state: (real) => faultyState(real, [{ method: "transaction", call: 1, error: new Error("no") }]),
    });
    await expect(recorder.record([ran("r1")])).rejects.toThrow("no");
    await recorder.record([ran("r1")]);
    telemetry.count("backup_runs_total", { source: "crm", outcome: "success" });
    expect(telemetry.counted("backup_runs_total")).toBe(1);
    expect((await state.repositories.tallies.all()).find((one) => one.metric === "backup_runs_total")?.count).toBe(1);
  });
});

describe("replay", () => {
  it("applies what state missed, once, and says how much", async () => {
    const { recorder, state, again } = bench();
    await recorder.record(everything);
    const other = memoryState();
    expect(await again(other).replay()).toBe(everything.length);
    expect(await again(other).replay()).toBe(0);
    expect(await dumpState(other, ["crm"])).toEqual(await dumpState(state, ["crm"]));
  });

  it("goes on from where state is, over more entries than one transaction holds", async () => {
    const { recorder, state, evidence, again } = bench();
    await recorder.record(everything);
    const other = memoryState();
    await again(other).replay();
    await recorder.record(Array.from({ length: 1203 }, (_, n) => ran(`many ${n}`, { finishedAt: T + n })));
    expect(await again(other).replay()).toBe(1203);
    expect(await dumpState(other, ["crm"])).toEqual(await dumpState(state, ["crm"]));
    expect(await readApplied(other.repositories)).toEqual(evidence.head());
  });

  it("adds up fractions to the last digit as they were added when they happened", async () => {
    const { recorder, state, again } = bench();
    for (let n = 1; n <= 40; n += 1)
      await recorder.record([
        drilled(`d${n}`, { startedAt: T, finishedAt: T + n * 111 }),
        drilled(`e${n}`, { startedAt: T, finishedAt: T + n }),
      ]);
    const other = memoryState();
    await again(other).replay();
    expect(await other.repositories.tallies.all()).toEqual(await state.repositories.tallies.all());
  });

  it("counts the platform a source had then, whatever the configuration says now", async () => {
    const { recorder, evidence, state, clock } = bench();
    await recorder.record([drilled("d1")]);
    const other = memoryState();
    await createRecorder({ evidence, state: other, clock, telemetry: memoryTelemetry(), platformOf: () => "n8n" }).replay();
    expect(await dumpState(other, ["crm"])).toEqual(await dumpState(state, ["crm"]));
  });

  it("tells telemetry nothing: the metrics are set from state afterwards", async () => {
    const { recorder, evidence, clock } = bench();
    await recorder.record(everything);
    const telemetry = memoryTelemetry();
    await createRecorder({ evidence, state: memoryState(), clock, telemetry, platformOf: () => null }).replay();
    expect(telemetry.counts).toEqual([]);
  });

  it("refuses a state that is ahead of the log, and names the mend", async () => {
    const { recorder, evidence, state, again } = bench();
    await recorder.record(everything);
    evidence.forget(2);
    const replay = again(state).replay();
    await expect(replay).rejects.toMatchObject({ kind: "damaged", code: "state-disagrees" });
    await expect(replay).rejects.toThrow("up to entry 12, but the log ends at entry 10");
    await expect(replay).rejects.toHaveProperty("mend", expect.stringContaining("restorewatch state rebuild"));
  });

  it.each([0, 3])("refuses a state that was made from another log, %d entries further on", async (further) => {
    const { recorder, evidence, state, again } = bench();
    await recorder.record([ran("r1"), ran("r2")]);
    evidence.forget(1);
    await evidence.append([ran("another"), ...Array.from({ length: further }, () => ran("more"))]);
    await expect(again(state).replay()).rejects.toMatchObject({ kind: "damaged", code: "state-disagrees" });
  });

  it("says that state is damaged when it does not say how far it is", async () => {
    const { state, again } = bench();
    await state.repositories.meta.set("evidence.applied", "{");
    await expect(again(state).replay()).rejects.toMatchObject({ kind: "damaged", code: "state-damaged" });
  });

  it("refuses an entry of a newer version", async () => {
    const { evidence, state, again } = bench();
    await evidence.append([{ type: "moon.phase", at: T } as unknown as EvidenceEntry]);
    await expect(again(state).replay()).rejects.toMatchObject({ kind: "config", code: "evidence-newer" });
  });
});

describe("the head", () => {
  it("is noted once a UTC day, in evidence and in a log line, also after a restart", async () => {
    const { recorder, evidence, state, telemetry, clock, again } = bench();
    await recorder.record([ran("r1")]);
    const head = evidence.head();
    await recorder.noteHead();
    await recorder.noteHead();
    await again(state).noteHead();
    expect(evidence.entries.slice(1)).toEqual([{ type: "head.noted", at: clock.now(), head: head.hash, seq: 1 }]);
    expect(telemetry.logs).toMatchObject([{ level: "info", message: "evidence head", fields: { seq: 1, head: head.hash } }]);
    await clock.advance(12 * 3_600_000);
    await recorder.noteHead();
    expect(evidence.entries.filter((entry) => entry.type === "head.noted")).toHaveLength(2);
  });
});
