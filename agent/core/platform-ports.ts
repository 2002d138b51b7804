/**
 * Seams to the products people use. Production is only ever read through `Platform`, `Capturer` and `Discoverer`; whatever writes is a
 * `ScratchWorkspace`, made from a configuration and a token of its own. Every method takes a signal and ends soon after it aborts.
 * All of them may throw AgentError: `auth` (token refused or lacking a permission), `rate_limited` (code `quota-exhausted` where waiting
 * does not help), `not_found`, `transient`, `unsupported` (the product answered something this connector does not know), `limit`.
 */
import type { z } from "zod";
import type { Collection, ContentRecord, FileItem } from "./content.ts";
import type { SourceConnection } from "./policy.ts";
import type { Clock, Content, Random, Telemetry } from "./ports.ts";

/** Everything about a product's content that is neither a record nor bytes of a file. */
export type Described = Pick<
  Content,
  "collections" | "automations" | "credentials" | "files" | "access" | "settings" | "views" | "aspects"
>;

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

export interface PlatformProbe {
  readonly version: string | null;
  /**
   * What this configuration points at. `instance` is the product's own id of the installation where it has one; `scope` the base, project
   * or app within it. Two configurations whose identity is equal, or whose `instance` cannot be told, could be the same place.
   */
  readonly identity: { readonly instance: string | null; readonly scope: string };
  /** What the token may do, as tried or as the product says; `granted` null where it cannot be told without writing. */
  readonly permissions: readonly { readonly name: string; readonly neededFor: "capture" | "scratch"; readonly granted: boolean | null }[];
  /** The product's own backups, newest first; null where it has none that can be seen. */
  readonly nativeBackups: readonly { readonly id: string; readonly createdAt: number; readonly complete: boolean }[] | null;
  /** Clock of the product minus ours in ms, from its `Date` header; exact to a second. */
  readonly clockSkewMs: number | null;
}

export interface LiveInventory extends Described {
  /**
   * The product's own documents, by a name fit for a file: what a restore needs and the model does not hold (formula texts, snapshots,
   * flows). No secret in them: a connector drops what the product should not have told.
   */
  readonly originals: Readonly<Record<string, Json>>;
}

/** A record as a listing shows it; times are ms since the epoch, null where the product does not say. */
export interface LiveKey {
  readonly key: string;
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
}

/** One base, project, app or instance on a live product. */
export interface Platform {
  /** Reachable, which version, what the token may do. Changes nothing. */
  probe(signal: AbortSignal): Promise<PlatformProbe>;
  inventory(signal: AbortSignal): Promise<LiveInventory>;
  /** Every key once, by the cheapest call there is. */
  listKeys(collection: Collection, signal: AbortSignal): AsyncIterable<readonly LiveKey[]>;
  /** Records in canonical values, aligned with `collection.fields`; a key that is not there any more is left out. Any number of keys. */
  readItems(collection: Collection, keys: readonly string[], signal: AbortSignal): Promise<readonly ContentRecord[]>;
}

/** Ability: what a token can see, to find what no source covers. */
export interface Discoverer {
  discover(signal: AbortSignal): Promise<readonly DiscoveredScope[]>;
}

export interface DiscoveredScope {
  /** Comparable with `identity.scope` of a probe. */
  readonly scope: string;
  /** In the product's words: base, workspace, app, instance. */
  readonly kind: string;
  readonly name: string;
}

export interface CapturePage {
  readonly records: readonly ContentRecord[];
  /** Handed in as `after`, the reading goes on behind this page, also in another process. */
  readonly cursor: string;
}

/** Ability: everything a bag is made of, read in an order that stays the same while people work. */
export interface Capturer {
  /** The collection in key order. `since`: only what was updated at or after that time, where `incremental` allows it. */
  records(
    collection: Collection,
    options: { readonly after: string | null; readonly since: number | null; readonly signal: AbortSignal },
  ): AsyncIterable<CapturePage>;
  /** Whether the product tells updates of this collection reliably. */
  incremental(collection: Collection): boolean;
  /** Bytes of a file with presence `inside`; an address that expired is asked for again. */
  fileBytes(file: FileItem, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Secrets of credentials as the product gives them out, to be sealed before they touch a disk; most give none. */
  secrets(signal: AbortSignal): AsyncIterable<{ readonly credential: string; readonly clear: Uint8Array }>;
}

// ---- writing captures ----------------------------------------------------------------------------------------------

/** How far one collection of a capture has come. */
export interface CollectionProgress {
  readonly records: number;
  readonly parts: readonly string[];
  /** Behind the last record that is safe on disk. */
  readonly cursor: string | null;
  readonly done: boolean;
}

/** What a capture says of itself besides its content. Times are ms since the epoch. */
export interface CaptureInfo {
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly platform: string;
  readonly platformVersion: string | null;
  /** Comparable with a probe's identity; never a secret. */
  readonly scope: string;
  /** Clock of the product minus ours while it was captured, ms. */
  readonly clockSkewMs: number | null;
  /** Sentences about what changed while it was read; empty: it is consistent as far as can be told. */
  readonly changed: readonly string[];
  /** Whether everything was read, or only what changed since the capture before, laid over it. */
  readonly mode: "full" | "incremental";
  /** What the product's API cannot give, in words. */
  readonly fidelity: readonly string[];
  /** Credentials sealed for a recipient: id → armoured age file. */
  readonly sealed: Readonly<Record<string, string>>;
}

/** A capture that grows on disk; the only implementation writes bags. */
export interface CaptureWriter {
  /** When the capture began: earlier than this process where it goes on with a killed one. */
  readonly startedAt: number;
  readonly resumed: boolean;
  progress(collectionId: string): CollectionProgress;
  /** Records in reading order; safe on disk when a part is full or the collection ends. `cursor` is where reading goes on behind them. */
  page(collection: Collection, records: readonly ContentRecord[], cursor: string): Promise<void>;
  endCollection(collection: Collection): Promise<void>;
  /** Whether the bytes of the file are safe already. */
  hasFile(fileId: string): boolean;
  file(fileId: string, bytes: AsyncIterable<Uint8Array>): Promise<{ readonly sha256: string; readonly bytes: number }>;
  /**
   * Describes what was written and makes it one file that is whole or not there.
   * @returns absolute path of the finished file, its digest and size
   */
  finish(
    described: Described,
    originals: Readonly<Record<string, Json>>,
    info: Omit<CaptureInfo, "startedAt">,
  ): Promise<{ readonly path: string; readonly sha256: string; readonly bytes: number }>;
}

/** Ability of a vault: where captures are put, under that source's own prefix and nowhere else. */
export interface VaultWriter {
  /**
   * Whole or not at all: a listing never shows half of it. `create` only: what is there already is never overwritten (`limit`, code
   * `exists-already`), unless it is the same bytes.
   */
  put(
    path: string,
    file: { readonly localPath: string; readonly sha256: string } | { readonly text: string },
    options: { readonly immutableUntil: number | null; readonly signal: AbortSignal },
  ): Promise<void>;
  /** Removes one artifact and what lies beside it under its name; `auth` code `still-immutable` where the vault protects it. */
  remove(path: string, signal: AbortSignal): Promise<void>;
}

// ---- scratch -------------------------------------------------------------------------------------------------------

/** What is put into a scratch workspace: a sample closed under its links. */
export interface RestoreSet extends Described {
  readonly originals: Readonly<Record<string, Json>>;
  /** By collection id, in key order. */
  readonly records: ReadonlyMap<string, readonly ContentRecord[]>;
  /** Bytes of files the records hold, by file id. */
  readonly fileBytes: ReadonlyMap<string, Uint8Array>;
  /** Links of the sample that lead out of it, as `collection/key/field`: they are not restored and not compared. */
  readonly cut: ReadonlySet<string>;
  /** Every key the backup has of a collection, sampled or not; a collection with too many is left out. */
  readonly keys?: ReadonlyMap<string, ReadonlySet<string>>;
}

export interface Workspace {
  readonly id: string;
  /** `restorewatch-<source>-<drill>`: by it, leaked ones are found again. */
  readonly tag: string;
  readonly createdAt: number;
}

export interface LoadOutcome {
  /** What the product said it took, by collection id: never trusted, only compared with what is read back. */
  readonly claimed: ReadonlyMap<string, number>;
  /** Key in the backup → key in the workspace, by collection id, where the product renumbers. */
  readonly keys: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** What could not be put in and why, one sentence each, by kind: becomes fidelity, never a silent gap. */
  readonly refused: readonly { readonly aspect: string; readonly reason: string; readonly count: number }[];
  /** Fields that nobody may write through the API (who made it, when), as `collection/field`: they are not compared. */
  readonly unrestorable?: readonly string[];
}

/**
 * What was found in the workspace after the load, ids of collections, fields, keys and links translated back into those of the backup. A key
 * or a link's target that nobody put in is given as `?` and the workspace's own key, so that it never looks like one of the backup.
 */
export interface ReadBack extends Described {
  readonly records: ReadonlyMap<string, readonly ContentRecord[]>;
  /** Digest (SHA-256 hex) of each file read back, by file id of the backup. */
  readonly fileDigests: ReadonlyMap<string, string>;
  /** Automations that are switched on although everything was loaded inactive. */
  readonly running: readonly string[];
}

/** What a load turns to next. */
export interface LoadTurn {
  /** `structure`: everything that comes whole with every sample. */
  readonly step: "structure" | "records" | "links" | "files";
  /** Id of the collection; null where it is of none or of all. */
  readonly collection: string | null;
}

/** Requests so far, of everything that was opened together. */
export interface RequestUse {
  readonly requests: number;
  readonly retries: number;
  /** Held back so that no more went out than may. */
  readonly waitMs: number;
  /** What the product takes of us; null: as many as it answers. */
  readonly perSecond: number | null;
}

/**
 * Ability: a place of its own where a backup is really restored. `provision` throws AgentError `config` code `scratch-is-production` where
 * the place is, or could be, the source itself.
 */
export interface ScratchWorkspace {
  provision(tag: string, production: PlatformProbe["identity"], signal: AbortSignal): Promise<Workspace>;
  /** Automations go in switched off, before any record. `turn` is told what comes next; until it is, that is the structure. */
  load(workspace: Workspace, set: RestoreSet, signal: AbortSignal, turn?: (next: LoadTurn) => void): Promise<LoadOutcome>;
  readBack(workspace: Workspace, set: RestoreSet, loaded: LoadOutcome, signal: AbortSignal): Promise<ReadBack>;
  /** Idempotent. `left`: what the product keeps all the same (NocoDB's tables after a soft delete), one sentence each. */
  dispose(workspace: Workspace, signal: AbortSignal): Promise<{ readonly left: readonly string[] }>;
  /** Removes workspaces with our tag for this source that no living drill of `keep` owns. */
  sweep(tagPrefix: string, keep: ReadonlySet<string>, signal: AbortSignal): Promise<{ readonly found: number; readonly removed: number }>;
}

/** Ability, beside a ScratchWorkspace: what others than the administrator see in it. */
export interface AccessProbe {
  /** A user with the least role the backup holds: what it may and may not see, by collection id. */
  asRestricted(workspace: Workspace, set: RestoreSet, signal: AbortSignal): Promise<AccessSeen>;
  /** Nobody at all. */
  asOutsider(workspace: Workspace, set: RestoreSet, signal: AbortSignal): Promise<AccessSeen>;
}

export interface AccessSeen {
  /** False where nobody could log in at all. */
  readonly session: boolean;
  /** By collection id: how many records were visible, and whether the restored rules say that any should be. */
  readonly collections: readonly { readonly collection: string; readonly visible: number; readonly shouldSee: boolean | null }[];
}

/** Ability, beside a ScratchWorkspace: the next insert, and credentials that can be tried. */
export interface ScratchProbe {
  /** Inserts one record and removes it: `collides` where the product gives out a key that is taken. */
  nextInsert(workspace: Workspace, collection: Collection, signal: AbortSignal): Promise<"ok" | "collides" | "not-possible">;
  /** Credentials the product itself can test: id → whether it connected; null where the product cannot test it. */
  reconnect(workspace: Workspace, signal: AbortSignal): Promise<ReadonlyMap<string, boolean | null>>;
  /** Newest entry of the workspace's audit trail that names our own load, or null where the product keeps none. */
  audit(workspace: Workspace, signal: AbortSignal): Promise<{ readonly entries: number; readonly mentionsLoad: boolean } | null>;
}

// ---- registry ------------------------------------------------------------------------------------------------------

/** What every connector is handed: one HTTP client a base address, already carrying limits, budget, retries and spans. */
export interface PlatformDeps {
  readonly http: HttpFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
}

/** Made by kit/http; here only its shape, so that core needs no import of it. */
export interface HttpFactory {
  open(options: HttpTarget): HttpTargetClient;
}

export interface HttpTarget {
  /** `https://…` without a slash at its end; `http://` only to this machine, or with `allowPlain`. */
  readonly baseUrl: string;
  readonly allowPlain: boolean;
  /** Name of the platform in metrics and spans (`service.peer.name`). */
  readonly peer: string;
  /** Headers with secrets, revealed anew for every request; never logged, never sent to another host. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>;
  readonly limits: {
    readonly requestsPerSecond: number | null;
    readonly burst: number;
    readonly concurrency: number;
    /** How long everything waits after a 429 without Retry-After, ms. */
    readonly penaltyMs: number;
  };
  /** What has these limits to itself, on whatever host it is asked for (a base of Airtable); without it, all targets of the host share them. */
  readonly limitedBy?: string;
  /** Requests a day, counted across restarts; null: no budget. */
  readonly budget: { readonly name: string; readonly perDay: number } | null;
  /** True for a 429 that no waiting cures (Airtable's monthly quota). */
  readonly isQuota?: (status: number, body: string) => boolean;
  /** Told of every request that goes out and of every wait before one. */
  readonly meter?: HttpMeter;
}

export interface HttpMeter {
  /** @param resend 0 for the first attempt */
  sent(resend: number): void;
  waited(reason: "rate_limit" | "retry", ms: number): void;
}

export interface HttpRequest<T> {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "SEARCH";
  /** Template with `{name}` places: it is what telemetry shows. */
  readonly path: string;
  readonly parameters?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or a form, or bytes as they are. */
  readonly body?: Json | FormData | Uint8Array | undefined;
  /** Repeating it does no harm: it is retried on 5xx and broken connections too. Default: GET and SEARCH are, the others are not. */
  readonly repeatable?: boolean;
  /** Only the fields used; what does not fit is AgentError `unsupported`, code `unexpected-answer`. */
  readonly schema: z.ZodType<T>;
  /** Other statuses that are an answer and no error; the schema then sees the body of those too. */
  readonly accept?: readonly number[];
  /** Greatest answer in bytes; default 64 MB. */
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
}

export interface HttpAnswer<T> {
  readonly status: number;
  readonly body: T;
  readonly headers: Readonly<Record<string, string>>;
}

export interface HttpTargetClient {
  /** An answer in JSON; an empty body is null. Integers beyond 2^53 come as their digits (text). */
  json<T>(request: HttpRequest<T>): Promise<HttpAnswer<T>>;
  /** An answer as a stream of bytes, for files; `path` may be an absolute address, then without our headers unless it is of the same origin. */
  bytes(request: Omit<HttpRequest<unknown>, "schema">): Promise<{
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: AsyncIterable<Uint8Array>;
  }>;
}

/** What one entry of the configuration opens; abilities a product lacks are null, with the reason in its readme. */
export interface OpenPlatform {
  readonly platform: Platform;
  readonly discoverer: Discoverer | null;
  readonly capturer: Capturer | null;
}

export interface OpenScratch {
  readonly workspace: ScratchWorkspace;
  readonly access: AccessProbe | null;
  readonly probe: ScratchProbe | null;
  /** What was asked of the product so far; absent where nobody counts. */
  readonly use?: () => RequestUse;
}

/** A source's live product and its scratch place, opened. */
export interface SourceProducts {
  readonly connection: SourceConnection;
  readonly open: OpenPlatform;
  readonly scratch: OpenScratch | null;
}

export interface PlatformDefinition {
  readonly type: string;
  readonly summary: string;
  /** Strict object schema of `platform:` without `type`; secrets use `secretSchema` of kit/secret.ts. */
  readonly schema: z.ZodObject;
  /** Strict object schema of `scratch:`; null where the product cannot be restored into through its API. */
  readonly scratchSchema: z.ZodObject | null;
  open(config: unknown, deps: PlatformDeps): OpenPlatform;
  openScratch(config: unknown, deps: PlatformDeps): OpenScratch;
}
