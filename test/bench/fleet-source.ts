/** One source of a made-up fleet and what its nights leave behind. Pure: the same source and nights give the same entries. */
import { createHash } from "node:crypto";
import type { EvidenceEntry } from "../../agent/core/evidence.ts";
import { idOf, pointId } from "../../agent/core/ids.ts";
import type { Check } from "../../agent/core/ports.ts";
import type { CheckResult, DrillRecord, Observation, PointFacts, RecoveryPoint, RunReport } from "../../agent/core/values.ts";
import { judge } from "../../agent/core/verdict.ts";
import type { PlatformName, Tier } from "../../agent/core/words.ts";
import { seededRandom } from "../../agent/kit/random.ts";

/** What the newest nights of a source are like. */
export type Fate = "well" | "dangling" | "collapsed" | "late" | "unclear" | "unreachable" | "unbacked" | "failing-runs";

export interface FleetSource {
  readonly id: string;
  readonly platform: PlatformName;
  readonly team: string | null;
  readonly domain: string;
  readonly tier: Tier;
  readonly fate: Fate;
  readonly seed: number;
}

export interface Artifact {
  /** Within the vault. */
  readonly path: string;
  readonly at: number;
  readonly bytes: number;
  readonly records: number;
  /** What lies there, where it is written at all. */
  readonly text: string | null;
}

const DAY = 86_400_000;
const HOUR = 3_600_000;
const LATE_NIGHTS = 3;
const PLATFORM_SHARE: readonly PlatformName[] = ["grist", "baserow", "csv", "node-red", "nocodb", "airtable"];
const DOMAINS = ["sales", "finance", "people", "logistics", "building", "marketing", "support", "legal"];
const TEAMS = ["sales-ops", "finance", "hr", "warehouse", "facilities", "web-shop", "support", "legal", "data-office"];
const THINGS = ["crm", "orders", "invoices", "inventory", "contracts", "tickets", "assets", "surveys", "payroll", "projects"];
const FATES: readonly Fate[] = ["dangling", "collapsed", "late", "unclear", "unreachable", "unbacked", "failing-runs"];
/** One source in so many is not well. */
const UNWELL_EVERY = 14;

export function sourceOf(index: number, seed: number): FleetSource {
  const pick = <T>(list: readonly [T, ...T[]] | readonly T[], salt: string): T => {
    const chosen = list[Number.parseInt(idOf(seed, index, salt).slice(0, 8), 16) % list.length];
    if (chosen === undefined) throw new Error("an empty list");
    return chosen;
  };
  const unwell = index % UNWELL_EVERY === UNWELL_EVERY - 1;
  return {
    id: `${pick(THINGS, "thing")}-${String(index + 1).padStart(4, "0")}`,
    platform: pick(PLATFORM_SHARE, "platform"),
    team: index % 40 === 7 ? null : pick(TEAMS, "team"),
    domain: pick(DOMAINS, "domain"),
    tier: index % 10 === 0 ? "critical" : index % 3 === 0 ? "important" : "standard",
    fate: unwell ? pick(FATES, "fate") : "well",
    seed: seed * 1_000_003 + index,
  };
}

/** Midnights, oldest first; the newest is the last whose backup is settled at `now`. */
export function fleetNights(days: number, now: number): number[] {
  const last = Math.floor((now - 4 * HOUR) / DAY) * DAY;
  return Array.from({ length: days }, (_, index) => last - (days - 1 - index) * DAY);
}

/** Null where no backup came. With `real` the size is that of a text that can be written, else one that a base of some age has. */
export function artifactOf(source: FleetSource, index: number, nights: number, night: number, real: boolean): Artifact | null {
  const left = nights - 1 - index;
  if (source.fate === "unbacked") return null;
  if (source.fate === "late" && left < LATE_NIGHTS) return null;
  const random = seededRandom(source.seed * 4096 + (Math.floor(night / DAY) % 4096));
  const at = night + Math.round((1 + random.next() * 0.5) * HOUR);
  const share = source.fate === "collapsed" && left === 0 ? 0.2 : 1;
  const path = `${source.id}/${new Date(at).toISOString().slice(0, 19).replaceAll(":", "-")}Z.csv`;
  const records = Math.max(1, Math.round((20 + (source.seed % 40) + index / 4) * share));
  if (real) {
    const text = csvOf(records, random.next());
    return { path, at, bytes: Buffer.byteLength(text), records, text };
  }
  const rows = records * (1 + (source.seed % 97)) * 10;
  return { path, at, bytes: Math.round(rows * (180 + random.next() * 2)), records: rows, text: null };
}

function csvOf(records: number, salt: number): string {
  const rows = Array.from(
    { length: records },
    (_, row) => `${row + 1},Item ${row + 1},${(row * 7 + salt).toFixed(2)},2026-01-${String((row % 28) + 1).padStart(2, "0")}`,
  );
  return `id,name,amount,day\n${rows.join("\n")}\n`;
}

/** Everything evidence holds of the source after these nights, oldest first. */
export function sourceEntries(
  source: FleetSource,
  nights: readonly number[],
  checks: readonly Check[],
  now: number,
  real: boolean,
): EvidenceEntry[] {
  const entries: EvidenceEntry[] = [{ type: "source.configured", at: (nights[0] ?? now) - HOUR, sourceId: source.id }];
  let before: RecoveryPoint | null = null;
  for (const [index, night] of nights.entries()) {
    const artifact = artifactOf(source, index, nights.length, night, real);
    const failedRun = source.fate === "failing-runs" && index >= nights.length - 2;
    if (artifact === null) continue;
    const seenAt = artifact.at + 90_000;
    const run = runOf(source, artifact, failedRun);
    const point = pointOf(source, artifact, run, seenAt);
    const newest = index === nights.length - 1;
    entries.push(
      { type: "run.reported", at: artifact.at, report: run },
      { type: "points.seen", at: seenAt, sourceId: source.id, points: [point] },
      { type: "observations", at: seenAt, observations: observationsOf(point, run, before, artifact) },
      { type: "drill.finished", at: seenAt + 20_000, drill: drillOf(source, point, artifact, checks, newest) },
    );
    if (source.fate === "collapsed" && newest) entries.push(alarmOf(point));
    before = point;
  }
  return entries;
}

function runOf(source: FleetSource, artifact: Artifact, failed: boolean): RunReport {
  return {
    id: idOf("run", source.id, artifact.at),
    sourceId: source.id,
    startedAt: artifact.at - 30_000 - (source.seed % 60) * 1000,
    finishedAt: artifact.at,
    outcome: failed ? "failure" : "success",
    bytes: artifact.bytes,
    items: { records: artifact.records },
    path: artifact.path,
    checksum: null,
    message: failed ? "the export ended before its last table" : null,
    receivedAt: artifact.at + 500,
    via: "cli",
  };
}

function pointOf(source: FleetSource, artifact: Artifact, run: RunReport, seenAt: number): RecoveryPoint {
  return {
    id: pointId(source.id, "nightly", artifact.path, artifact.bytes, artifact.at),
    sourceId: source.id,
    vaultId: "nightly",
    path: artifact.path,
    kind: "file",
    createdAt: artifact.at,
    createdFrom: "run-report",
    modifiedAt: artifact.at,
    bytes: artifact.bytes,
    immutableUntil: null,
    runId: run.id,
    firstSeenAt: seenAt,
    goneAt: null,
  };
}

function observationsOf(point: RecoveryPoint, run: RunReport, before: RecoveryPoint | null, { records }: Artifact): Observation[] {
  const base = { sourceId: point.sourceId, at: point.createdAt };
  const gap: Observation[] =
    before === null ? [] : [{ ...base, signal: "gap", value: (point.createdAt - before.createdAt) / 1000, ref: point.id }];
  return [
    { ...base, signal: "bytes", value: point.bytes, ref: point.id },
    ...gap,
    { ...base, signal: "duration", value: (run.finishedAt - (run.startedAt ?? run.finishedAt)) / 1000, ref: run.id },
    { ...base, signal: "records", value: records, ref: run.id },
    { ...base, signal: "outcome", value: run.outcome === "success" ? 1 : 0, ref: run.id },
  ];
}

function drillOf(source: FleetSource, point: RecoveryPoint, artifact: Artifact, checks: readonly Check[], newest: boolean): DrillRecord {
  const unclear = newest && source.fate === "unclear";
  const results = unclear ? [] : checks.map((check) => resultOf(check, source, artifact, newest));
  const trouble = unclear ? { code: "drill-time", message: "The drill was ended after 10 min, its limit (verify.limits.time)." } : null;
  const { verdict, layers, reasons } = judge(["artifact", "content"], results, trouble);
  const startedAt = point.firstSeenAt + 2000;
  return {
    id: idOf("drill", point.id),
    kind: "sample",
    sourceId: source.id,
    pointId: point.id,
    trigger: "plan",
    attempt: 1,
    startedAt,
    finishedAt: startedAt + 900 + (source.seed % 800),
    verdict,
    layers,
    reasons,
    trouble: trouble?.code ?? null,
    artifact: {
      path: point.path,
      format: "csv",
      formatVersion: null,
      bytes: point.bytes,
      sha256: createHash("sha256").update(point.id).digest("hex"),
    },
    checks: results,
    phases: { open: 40, parse: 180, provision: 30, load: 400, checks: 240, dispose: 10 },
    sample: unclear ? null : { population: artifact.records, checked: artifact.records, strategy: "all", seedCommitment: null },
    facts: unclear ? null : factsOf(artifact),
    resources: { cpuMs: 900, peakRssBytes: 187_400_000, readBytes: point.bytes * 2, diskBytes: 1_204_224 },
    isolation: { process: true, permissions: true, network: true, memoryLimit: true, databaseLocked: true },
    traceId: idOf("trace", point.id).repeat(2),
  };
}

/** As many apply as do to a table of records; the others say why they do not. */
const APPLY =
  /^(?:artifact\.(?:age|checksum|complete|not-empty|present|readable)|structure\.(?:collections|fields|types)|records\.|links\.|restore\.)/u;

function resultOf(check: Check, source: FleetSource, artifact: Artifact, newest: boolean): CheckResult {
  const base = { id: check.id, layer: check.layer, expected: null, examples: [], durationMs: 0.6 + check.id.length / 10 };
  if (newest && source.fate === "dangling" && check.id === "links.resolve")
    return {
      ...base,
      status: "fail",
      observed: "3 dangling references in Orders.customer",
      expected: "0",
      count: 3,
      examples: ["1042", "1043", "1107"].map((item) => ({
        collection: "Orders",
        item,
        field: "customer",
        note: "leads to 88 in Customers, which is not there",
      })),
    };
  if (!APPLY.test(check.id)) return { ...base, status: "skip", observed: "the backup holds nothing that this check asks about", count: 0 };
  return { ...base, status: "pass", observed: `${artifact.records} records looked at, nothing found`, count: artifact.records };
}

function factsOf({ records }: Artifact): PointFacts {
  const names = ["Customers", "Orders", "Products", "Notes"];
  return {
    format: "csv",
    formatVersion: null,
    inventory: { collections: 4, records, links: Math.round(records / 3), automations: 0, credentials: 0, files: 0, views: 0, roles: 0 },
    collections: names.map((name) => ({
      id: name,
      name,
      records: Math.round(records / names.length),
      fields: ["id", "name", "amount", "day"].map((field) => ({ id: field, name: field, type: "text", computed: false })),
    })),
    automations: [],
    credentials: [],
    views: [],
    access: [],
  };
}

function alarmOf(point: RecoveryPoint): EvidenceEntry {
  const expected = point.bytes * 5;
  return {
    type: "alarm.changed",
    at: point.firstSeenAt,
    alarm: {
      id: idOf("alarm", point.id),
      sourceId: point.sourceId,
      signal: "bytes",
      kind: "rule",
      rule: "volume.collapse",
      since: point.createdAt,
      endedAt: null,
      observed: point.bytes,
      expected,
      lower: expected / 2,
      upper: expected * 2,
      sentence: `The backup is ${point.bytes} bytes, expected about ${expected} bytes (median of the runs before): 5 times less; look at which collections shrank and at the backup job's own log.`,
      runs: 1,
      ref: point.id,
    },
  };
}
