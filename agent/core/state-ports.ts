/** Ports of what the agent remembers: state by repositories, leases, the evidence log. Re-exported by ports.ts, where people look for ports. */
import type { Baseline, BaselineStatus, Decision } from "./decisions.ts";
import type { EvidenceEntry, EvidenceHead } from "./evidence.ts";
import type { Alarm, DrillRecord, Observation, RecoveryPoint, RunReport } from "./values.ts";
import type { PlatformProbe } from "./platform-ports.ts";
import type { Layer, PlatformName } from "./words.ts";

export interface PollStatus {
  readonly sourceId: string;
  readonly lastPollAt: number | null;
  readonly lastOkAt: number | null;
  readonly failures: number;
  /** Stable code and one line of the last failure, or null. */
  readonly trouble: { readonly code: string; readonly message: string } | null;
  /** Not before this time. */
  readonly nextPollAt: number;
}

/** What a probe of a live product is remembered by. */
export interface ProbeFound extends Pick<PlatformProbe, "version" | "permissions" | "clockSkewMs"> {
  /** The product's own backups; null where it has none that can be seen. */
  readonly nativeBackups: { readonly count: number; readonly newestAt: number | null; readonly complete: boolean | null } | null;
}

/** How the last probe of a source's live product went. */
export interface ProbeStatus {
  readonly sourceId: string;
  readonly platform: PlatformName;
  readonly probedAt: number;
  /** The last that got through, or null. */
  readonly reachedAt: number | null;
  /** By that one. */
  readonly found: ProbeFound | null;
  /** The version before the one found, and when another was first seen; null while it was always the same. */
  readonly changed: { readonly from: string; readonly at: number } | null;
  /** Why the last one did not get through, or null. */
  readonly trouble: { readonly code: string; readonly message: string; readonly mend: string | null } | null;
}

export interface PointsRepository {
  put(points: readonly RecoveryPoint[]): Promise<void>;
  get(id: string): Promise<RecoveryPoint | null>;
  /** Newest created first. `gone` includes those no longer listed. */
  list(sourceId: string, options?: { gone?: boolean; limit?: number }): Promise<readonly RecoveryPoint[]>;
  /** Of every source that has any: what is not gone. One query, whatever the number of sources. */
  newest(): Promise<readonly PointsOfSource[]>;
}

export interface PointsOfSource {
  readonly newest: RecoveryPoint;
  readonly count: number;
  /** Of all of them together. */
  readonly bytes: number;
}

export interface RunsRepository {
  put(report: RunReport): Promise<void>;
  get(id: string): Promise<RunReport | null>;
  /** Newest finished first. */
  list(sourceId: string, options?: { limit?: number }): Promise<readonly RunReport[]>;
  /** Newest finished of every source, one query. */
  newest(): Promise<readonly RunReport[]>;
}

export interface ObservationsRepository {
  put(observations: readonly Observation[]): Promise<void>;
  /** Oldest first; the last `limit` of them. */
  list(sourceId: string, signal: string, options?: { limit?: number }): Promise<readonly Observation[]>;
}

export interface DrillFilter {
  readonly sourceId?: string;
  readonly pointId?: string;
  readonly limit?: number;
}

export interface DrillsRepository {
  put(drill: DrillRecord): Promise<void>;
  get(id: string): Promise<DrillRecord | null>;
  /** Newest finished first. */
  list(filter: DrillFilter): Promise<readonly DrillRecord[]>;
  /**
   * Newest finished of every source (or of these), in which all of these layers were verified; or, with `pointIds`, newest finished of
   * each of these points. One query, whatever the length of history: what a fleet is read from.
   */
  newest(filter?: {
    readonly verified?: readonly Layer[];
    readonly sourceIds?: readonly string[];
    readonly pointIds?: readonly string[];
  }): Promise<readonly LedgerRow[]>;
  /** Small rows of everything within the retention, oldest first: what the planner reads. */
  ledger(sourceId: string): Promise<readonly LedgerRow[]>;
}

/** One finished drill, as the planner sees it. */
export interface LedgerRow {
  readonly drillId: string;
  readonly kind: DrillRecord["kind"];
  readonly sourceId: string;
  readonly pointId: string;
  readonly attempt: number;
  readonly finishedAt: number;
  readonly verdict: DrillRecord["verdict"];
  readonly layers: DrillRecord["layers"];
}

export interface AlarmsRepository {
  put(alarm: Alarm): Promise<void>;
  /** Not ended, or ended too with `all`; newest since first. */
  list(options: { sourceId?: string; all?: boolean; limit?: number }): Promise<readonly Alarm[]>;
}

export interface SourcesRepository {
  /** Records when a source was first seen in a configuration; keeps the earlier time. */
  seen(sourceId: string, at: number): Promise<void>;
  /** Source id → first seen. */
  firstSeen(): Promise<ReadonlyMap<string, number>>;
  poll(sourceId: string): Promise<PollStatus | null>;
  /** Of every source that was polled, by source id. */
  polls(): Promise<ReadonlyMap<string, PollStatus>>;
  putPoll(status: PollStatus): Promise<void>;
  probe(sourceId: string): Promise<ProbeStatus | null>;
  /** Of every source whose product was probed, by source id. */
  probes(): Promise<ReadonlyMap<string, ProbeStatus>>;
  putProbe(status: ProbeStatus): Promise<void>;
  /** The source has no live product any more. */
  dropProbe(sourceId: string): Promise<void>;
}

export interface BaselinesRepository {
  put(baseline: Baseline): Promise<void>;
  get(id: string): Promise<Baseline | null>;
  /** Newest proposed first. */
  list(filter: { readonly sourceId?: string; readonly status?: BaselineStatus; readonly limit?: number }): Promise<readonly Baseline[]>;
}

export interface DecisionsRepository {
  put(decision: Decision): Promise<void>;
  /** Newest first. */
  list(filter: { readonly sourceId?: string; readonly limit?: number }): Promise<readonly Decision[]>;
}

/** Small documents of a source that follow from the evidence: how far it was sampled, what its series have come to. */
export interface PapersRepository {
  get(sourceId: string, name: string): Promise<string | null>;
  put(sourceId: string, name: string, body: string): Promise<void>;
}

/** Who decided, by opaque id. Not in evidence, so that a person can be forgotten. */
export interface ActorsRepository {
  put(id: string, name: string): Promise<void>;
  names(): Promise<ReadonlyMap<string, string>>;
  /** The name is in no part of the state's files afterwards; the id stays in the evidence. */
  forget(id: string): Promise<void>;
}

/** A counter or histogram that survives restarts: what is added up is exactly what was recorded. */
export interface Tally {
  readonly metric: string;
  /** Sorted label pairs. */
  readonly labels: Readonly<Record<string, string>>;
  readonly count: number;
  readonly sum: number;
  /** Cumulative counts by upper bound for a histogram; empty for a counter. */
  readonly buckets: readonly number[];
}

export interface TalliesRepository {
  /** Adds to what is there. */
  add(tallies: readonly Tally[]): Promise<void>;
  all(): Promise<readonly Tally[]>;
}

export interface MetaRepository {
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<void>;
}

/** Everything the agent remembers. Repositories used within `transaction` see and write one consistent state. */
export interface State {
  readonly repositories: Repositories;
  transaction<T>(work: (repositories: Repositories) => Promise<T>): Promise<T>;
  /** Removes what is older than the retention; returns how many rows went. */
  prune(before: number): Promise<number>;
  /** Bytes on disk. */
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface Repositories {
  readonly points: PointsRepository;
  readonly runs: RunsRepository;
  readonly observations: ObservationsRepository;
  readonly drills: DrillsRepository;
  readonly alarms: AlarmsRepository;
  readonly sources: SourcesRepository;
  readonly baselines: BaselinesRepository;
  readonly decisions: DecisionsRepository;
  readonly papers: PapersRepository;
  readonly actors: ActorsRepository;
  readonly tallies: TalliesRepository;
  readonly meta: MetaRepository;
}

/** Leases a due drill's deterministic id, so that no two agents run the same one. It never decides what is due. */
export interface Work {
  /** False while anyone holds it, the asker included. */
  lease(id: string, holder: string, ttlMs: number): Promise<boolean>;
  renew(id: string, holder: string, ttlMs: number): Promise<boolean>;
  release(id: string, holder: string): Promise<void>;
}

/** The append-only, hash-chained log. An entry is on disk (fsync) before `append` resolves. */
export interface EvidenceLog {
  append(entries: readonly EvidenceEntry[]): Promise<EvidenceHead>;
  head(): EvidenceHead;
  /** Entries after sequence number `after`, in order. Throws `damaged` at the first broken link. */
  read(after: number): AsyncIterable<{ readonly seq: number; readonly hash: string; readonly entry: EvidenceEntry }>;
  close(): Promise<void>;
}
