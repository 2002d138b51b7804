/**
 * Every seam of the agent. At most five methods a port; extra abilities are separate small interfaces.
 * Implementations live in their own folders and meet only in app.ts and drill/child.ts.
 */
import type { EndedSpan } from "./critical-path.ts";
import type { BaselineLimits, Difference, DifferenceKind } from "./baseline.ts";
import type { Aspect, Collection, Inventory } from "./content.ts";
import type { ErasureExpectation } from "./erasure.ts";
import type { RelationsExpectation } from "./relations.ts";
import type { Content } from "./format-ports.ts";
import type { CheckResult, Example, PointFacts, RecoveryPoint, RunReport } from "./values.ts";
import type { CheckStatus, Layer } from "./words.ts";

export type * from "./format-ports.ts";
export type * from "./state-ports.ts";

// ---- the world, injected -------------------------------------------------------------------------------------------

export interface Clock {
  /** Milliseconds since the epoch. May jump. */
  now(): number;
  /** Milliseconds that only grow; for durations. */
  monotonic(): number;
  /** Resolves after `ms`, or rejects with an AbortError as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  bytes(n: number): Uint8Array;
}

// ---- vaults --------------------------------------------------------------------------------------------------------

/** One thing lying in a vault that may be an artifact. */
export interface VaultEntry {
  /** Path within the vault, `/`-separated, never absolute, never with `..`. */
  readonly path: string;
  readonly kind: "file" | "directory";
  /** Sum over files for a directory. */
  readonly bytes: number;
  /** Newest modification inside a directory. */
  readonly modifiedAt: number;
  readonly immutableUntil: number | null;
  /** Set where the vault may not be asked for protection: `immutableUntil` null then says nothing. */
  readonly lockUnknown?: true;
  /** Checksum the vault itself vouches for (`<artifact>.sha256` beside it, an S3 checksum), or null. */
  readonly checksum: { readonly algorithm: "sha256"; readonly value: string; readonly from: string } | null;
}

export interface VaultListing {
  readonly entries: readonly VaultEntry[];
  /** Contents of `*.run.json` sidecars, unparsed: the poller validates them. `path` is the sidecar's own path. */
  readonly reports: readonly { readonly path: string; readonly text: string; readonly modifiedAt: number }[];
  /** Things that could not be looked at (permission, dangling symlink), one sentence each. */
  readonly problems: readonly string[];
}

export interface OpenArtifact {
  readonly entry: VaultEntry;
  /** Absolute path where the whole artifact can be read on this machine. */
  readonly localPath: string;
  /** False when localPath lies in the vault itself, true when it is a copy that `close` removes. */
  readonly spooled: boolean;
  /** Files of a directory that were left in the vault, as `leave` said; absent: none. */
  readonly unread?: readonly ArtifactFile[];
  /** Throws AgentError `transient` / `artifact-changed` when the bytes in the vault changed since `open`. */
  assertUnchanged(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Where backups lie. Read-only by type. All methods may throw AgentError `auth` | `not_found` | `transient` | `limit`. */
export interface Vault {
  readonly id: string;
  /**
   * Everything under `prefix` that may be an artifact: its direct children that `pattern` (a glob over the last segment) matches.
   * When `prefix` names a file, that file is the one entry. A prefix that does not exist throws `not_found`.
   */
  list(prefix: string, options: { pattern: string; signal: AbortSignal }): Promise<VaultListing>;
  /** One entry afresh. */
  stat(path: string, signal: AbortSignal): Promise<VaultEntry>;
  /** Makes the artifact readable here. `spoolDir` exists, is empty, and belongs to the caller. */
  open(path: string, options: OpenOptions): Promise<OpenArtifact>;
}

/** One file of an artifact that is a directory. */
export interface ArtifactFile {
  /** Relative to the artifact. */
  readonly path: string;
  readonly bytes: number;
}

export interface OpenOptions {
  readonly spoolDir: string;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Asked, where a directory has to be copied, which of its files are not; a vault that copies nothing does not ask. */
  readonly leave?: (files: readonly ArtifactFile[]) => readonly ArtifactFile[];
}

/** One name in a folder of a vault. */
export interface VaultName {
  readonly name: string;
  readonly kind: "file" | "directory";
}

/** Ability of a Vault: names alone, one folder deep, without measuring what they hold. */
export interface VaultBrowser {
  /**
   * What lies directly in a folder, by name; empty is the vault itself. Symbolic links, pipes and devices are left out: they hold no
   * backup. Throws as `list` does; a folder that does not exist is `not_found`.
   */
  names(folder: string, signal: AbortSignal): Promise<readonly VaultName[]>;
}

/** Ability of a Vault: parts of an artifact that is one file, so that what is not looked at is not fetched. */
export interface RangeReader {
  /**
   * Bytes `from` up to, not including, `to` of the artifact as `list` or `stat` told of it; at most 64 MiB at once.
   * Throws AgentError `transient` / `artifact-changed` where it is not that any more.
   */
  read(entry: Pick<VaultEntry, "path" | "bytes" | "modifiedAt">, from: number, to: number, signal: AbortSignal): Promise<Uint8Array>;
}

// ---- sandbox -------------------------------------------------------------------------------------------------------

/** How a collection lies in the sandbox; SQL of checks is written against it. */
export interface SandboxTable {
  readonly collection: Collection;
  /**
   * Rows of the sample: `k VARCHAR` key, `n BIGINT` ordinal from 0, `created_at` and `updated_at TIMESTAMP`, then one column a field:
   * `c<j>` VARCHAR (canonical value, NULL when empty) or VARCHAR[] for choices, links, files (NULL when empty).
   */
  readonly table: string;
  /** Every key of the collection, sampled or not: `k VARCHAR`, `n BIGINT`. */
  readonly keys: string;
  readonly columns: readonly { readonly field: Collection["fields"][number]; readonly column: string; readonly list: boolean }[];
  /** Records the reader handed over, rows in `table`, rows in `keys`. */
  readonly read: number;
  readonly loaded: number;
  readonly keyed: number;
}

export interface LoadReport {
  readonly tables: readonly SandboxTable[];
  readonly population: number;
  readonly checked: number;
}

export interface SampleRequest {
  /** `all`, or keep the `count` records with the smallest keyed hash, or each record with probability `rate`. */
  readonly strategy: "all" | "count" | "rate";
  readonly count: number;
  readonly rate: number;
  /** Hex seed; needed for `count` and `rate`. */
  readonly seed: string;
  /** Always kept. */
  readonly always: readonly { readonly collection: string; readonly key: string }[];
}

export interface SandboxLimits {
  readonly memoryMb: number;
  readonly diskMb: number;
  readonly threads: number;
}

export type Row = Readonly<Record<string, string | number | bigint | boolean | null | readonly (string | null)[]>>;

/**
 * Where content is loaded to be looked at. One instance serves one drill; questions may be asked side by side.
 * Rows hold plain values: integers as numbers, beyond 2^53 as bigint; decimals as their digits; timestamps as ISO text in UTC.
 * Memory or disk used up is AgentError `limit`; no error message holds a record value.
 */
export interface Sandbox {
  /** Throws unless, from here on, nothing outside `directory` (and the read paths it was created with) can be reached. */
  provision(directory: string, limits: SandboxLimits): Promise<void>;
  load(content: Content, sample: SampleRequest, signal: AbortSignal): Promise<LoadReport>;
  /** Rows of one statement; parameters are positional (`$1`). At most `maxRows` (default 10,000) rows come back. Aborting interrupts the query. */
  query(
    sql: string,
    parameters?: readonly (string | number | boolean | null)[],
    options?: { maxRows?: number; signal?: AbortSignal },
  ): Promise<readonly Row[]>;
  /** Idempotent; leaves nothing in the directory. */
  dispose(): Promise<void>;
}

// ---- checks --------------------------------------------------------------------------------------------------------

export interface ArtifactFacts {
  readonly path: string;
  readonly kind: "file" | "directory";
  readonly bytes: number;
  /** SHA-256 hex of a file; of a directory: of its sorted `sha256  path` lines. Null when it could not be read, or not all of it was. */
  readonly sha256: string | null;
  /** Number of files in a directory, 1 for a file. */
  readonly files: number;
  /** How much of these was left in the vault; absent: every byte was read. */
  readonly unread?: { readonly files: number; readonly bytes: number } | undefined;
}

/** What is known from outside the artifact; plain JSON, so that it crosses to the child. */
export interface Expectation {
  readonly now: number;
  readonly sourceId: string;
  /** Null for `verify PATH`, which knows no source. */
  readonly point: RecoveryPoint | null;
  readonly run: RunReport | null;
  readonly checksum: { readonly algorithm: "sha256"; readonly value: string; readonly from: string } | null;
  /** Facts of the newest earlier point that was verified, or null. */
  readonly previous: PointFacts | null;
  readonly previousAt: number | null;
  /** All points of the source that are still there, for retention. */
  readonly points: {
    readonly count: number;
    readonly oldestAt: number | null;
    readonly newestAt: number | null;
    /** How many are older than the data may be kept (`dataRetentionMs`), and how many of those the vault still protects from removal. */
    readonly overdue?: number;
    readonly overdueProtected?: number;
  } | null;
  readonly objectives: {
    readonly rpoMs: number | null;
    readonly rtoMs: number | null;
    readonly retentionMs: number | null;
    readonly minPoints: number | null;
    readonly immutableMs: number | null;
    /** Longest that the data may be kept at all, the clean-up's own day included. */
    readonly dataRetentionMs?: number | null;
  };
  readonly critical: readonly { readonly collection: string; readonly key: string }[];
  /** Whether the vault protects the artifact could not be asked: `point.immutableUntil` null says nothing. */
  readonly lockUnknown?: true;
  /** Who was erased, and where such people would be; absent where the configuration does not say. */
  readonly erasure?: ErasureExpectation;
  /** Relations to other sources, and what those held; absent where the configuration declares none. */
  readonly relations?: RelationsExpectation;
  /** What this one is to be compared with, as a person approved it; absent where there is none. */
  readonly baseline?: BaselineExpectation;
}

export interface BaselineExpectation {
  readonly at: number | null;
  readonly facts: PointFacts;
  /** Its records, as tables in the drill's own directory; empty where only facts were kept. */
  readonly tables: readonly BaselineTable[];
  /** NDJSON of `{id, sha256}` of its files, or null. */
  readonly files: string | null;
  readonly limits?: BaselineLimits;
  /** Kinds of difference that the configuration accepts by itself: they are told, and fail nothing. */
  readonly accepted?: readonly DifferenceKind[];
}

export interface BaselineTable {
  readonly collection: string;
  /** Absolute path of a Parquet file: `k, created_at, updated_at` and one column a field. */
  readonly file: string;
  readonly columns: readonly { readonly field: string; readonly column: string; readonly list: boolean }[];
}

export interface CheckView {
  readonly artifact: ArtifactFacts;
  /** Why the artifact could not be read or opened, as the format said it; null when it was opened. */
  readonly damage: { readonly code: string; readonly message: string } | null;
  /** Null when it was not opened: only checks with `needs: "artifact"` are run then. */
  readonly content: Content | null;
  /** Null when it was not loaded. */
  readonly load: LoadReport | null;
  readonly sandbox: Pick<Sandbox, "query"> | null;
  /** How a key is printed: as it is when the platform made it, else as a digest. */
  readonly example: (collection: Collection, key: string, field?: string, note?: string) => Example;
  readonly elapsedMs: (phase: "open" | "parse" | "load") => number;
  /** What the artifact as a whole is encrypted with, and whether it opened; null when it is not encrypted. */
  readonly encryption: Encryption | null;
  /** Facts of this point; null where nothing was loaded, or they could not be had. */
  readonly facts: PointFacts | null;
  /** Every text that this drill has told so far, in spans, results and facts: all that the agent makes logs, metrics, pages and evidence of. */
  readonly told: () => Iterable<string>;
  readonly signal: AbortSignal;
}

export interface Encryption {
  readonly kind: "age" | "zip";
  /** `unsupported`: of a kind that cannot be tried here, whatever the key; `damaged`: its header is broken. */
  readonly state: "opened" | "wrong-key" | "no-key" | "unsupported" | "damaged";
}

export interface CheckOutcome {
  readonly status: Exclude<CheckStatus, "error">;
  readonly observed: string;
  readonly expected?: string;
  readonly count?: number;
  readonly examples?: readonly Example[];
  readonly differences?: readonly Difference[];
}

/** One question asked of a restored sample. */
export interface Check {
  readonly id: string;
  readonly layer: Layer;
  /** The question in plain words, for the page and the generated table. */
  readonly question: string;
  /** What must have worked before it can be asked. Where it did not, the runner skips the check with the reason. */
  readonly needs: "artifact" | "content" | "sandbox";
  /** Aspect of the format without which it does not apply; the runner skips it with the format's own reason. */
  readonly aspect: Aspect | null;
  /** Which failure of platforms.md §10 it answers, in a few words. */
  readonly pitfalls: readonly string[];
  /** What it cannot see, one sentence. */
  readonly limits: string;
  /** May throw: that is `error`. */
  run(view: CheckView, expectation: Expectation): Promise<CheckOutcome>;
}

// ---- telemetry -----------------------------------------------------------------------------------------------------

export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  set(attributes: Attributes): void;
  /** Marks ERROR; `type` becomes `error.type`. The message is redacted by the caller. */
  fail(type: string, message?: string): void;
  /** A child with explicit times (ms since epoch, fractions allowed), for spans told by the drill child. */
  start(name: string, attributes?: Attributes, options?: { kind?: "internal" | "client"; at?: number }): Span;
  end(at?: number): void;
  /** Spans below this root that have ended, for the critical path; null where there were too many to keep. Only roots have it. */
  readonly below?: () => readonly EndedSpan[] | null;
}

export interface GaugeSample {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

/** The only way anything is told to the outside. No method throws or blocks. */
export interface Telemetry {
  /** Runs `work` inside a new span (child of the current one, or a root); an exception marks it ERROR and goes on. */
  span<T>(
    name: string,
    attributes: Attributes,
    work: (span: Span) => Promise<T>,
    /** @param options `at`: it began then (ms since epoch), for what is told when it is over */
    options?: { kind?: "internal" | "client"; root?: boolean; at?: number; links?: readonly { traceId: string; spanId: string }[] },
  ): Promise<T>;
  count(metric: string, labels: Readonly<Record<string, string>>, by?: number): void;
  /** Replaces every gauge sample whose labels contain `scope`: what is not in `samples` is gone. */
  gauges(scope: Readonly<Record<string, string>>, samples: readonly GaugeSample[]): void;
  observe(metric: string, labels: Readonly<Record<string, string>>, value: number, exemplar?: { traceId: string; spanId: string }): void;
  /** `message` is static text; everything variable goes into `fields`. */
  log(level: LogLevel, message: string, fields?: Attributes): void;
}

// ---- results that cross more than one module -----------------------------------------------------------------------

/** What the child found out, before a verdict. */
export interface DrillFindings {
  readonly recognised: { readonly format: string; readonly formatVersion: string | null } | null;
  readonly createdAt: number | null;
  readonly artifact: ArtifactFacts;
  readonly inventory: Inventory | null;
  readonly facts: PointFacts | null;
  readonly checks: readonly CheckResult[];
}
