/** Facts at their plainest, for tests that need some. */
import type { Alarm, DrillRecord, Observation, RecoveryPoint, RunReport } from "../../agent/core/values.ts";

const T = Date.UTC(2026, 0, 15, 12, 0, 0);

export function somePoint(id: string, more: Partial<RecoveryPoint> = {}): RecoveryPoint {
  return {
    id,
    sourceId: "crm",
    vaultId: "nightly",
    path: `crm/${id}.grist`,
    kind: "file",
    createdAt: T,
    createdFrom: "name",
    modifiedAt: T + 0.25,
    bytes: 8_192,
    immutableUntil: null,
    runId: null,
    firstSeenAt: T + 1000,
    goneAt: null,
    ...more,
  };
}

export function someRun(id: string, more: Partial<RunReport> = {}): RunReport {
  return {
    id,
    sourceId: "crm",
    startedAt: T - 60_000,
    finishedAt: T,
    outcome: "success",
    bytes: 8_192,
    items: { records: 12 },
    path: "crm/night.grist",
    checksum: null,
    message: null,
    receivedAt: T + 1000,
    via: "cli",
    ...more,
  };
}

export function someObservation(ref: string, more: Partial<Observation> = {}): Observation {
  return { sourceId: "crm", signal: "bytes", at: T, value: 8_192, ref, ...more };
}

export function someDrill(id: string, more: Partial<DrillRecord> = {}): DrillRecord {
  return {
    id,
    kind: "sample",
    sourceId: "crm",
    pointId: "p1",
    trigger: "plan",
    attempt: 1,
    startedAt: T,
    finishedAt: T + 2500,
    verdict: "verified",
    layers: { artifact: "verified", content: "verified" },
    reasons: [],
    trouble: null,
    artifact: { path: "crm/p1.grist", format: "grist", formatVersion: "44", bytes: 8_192, sha256: "ab".repeat(32) },
    checks: [
      {
        id: "artifact.readable",
        layer: "artifact",
        status: "pass",
        observed: "8 KB read",
        expected: null,
        count: 1,
        examples: [],
        durationMs: 3,
      },
    ],
    phases: { open: 40, load: 1200 },
    sample: { population: 12, checked: 12, strategy: "all", seedCommitment: null },
    facts: null,
    resources: { cpuMs: 300, peakRssBytes: 90_000_000, readBytes: 8_192, diskBytes: 4_096 },
    isolation: { process: true, permissions: true, network: true, memoryLimit: false, databaseLocked: true },
    traceId: "0af7651916cd43dd8448eb211c80319c",
    ...more,
  };
}

export function someAlarm(id: string, more: Partial<Alarm> = {}): Alarm {
  return {
    id,
    sourceId: "crm",
    signal: "bytes",
    kind: "rule",
    rule: "volume.collapse",
    since: T,
    endedAt: null,
    observed: 100,
    expected: 8_192,
    lower: 4_096,
    upper: 40_960,
    sentence: "The backup is 100 B, expected about 8 KB.",
    runs: 3,
    ref: "p1",
    ...more,
  };
}
