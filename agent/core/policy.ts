/** What the configuration says of a source, normalised: the form the planner, the engine, the pages and the checks read. Durations in milliseconds. */
import type { DifferenceKind } from "./baseline.ts";
import type { RelationPolicy } from "./relations.ts";
import type { DrillKind, Layer, PlatformName, Tier } from "./words.ts";

/** A secret by reference, resolved only when it is used. */
export interface SecretRef {
  /** Reads it afresh (a rotated file is seen). Throws AgentError `config` when it cannot be had. */
  reveal(): Promise<string>;
}

export interface SourcePolicy {
  readonly id: string;
  readonly platform: PlatformName;
  readonly owner: { readonly team: string; readonly contact: string | null } | null;
  readonly domain: string;
  readonly tier: Tier;
  /** What the data is, in the organisation's own word (personal, internal, …), and the longest it may be kept. */
  readonly data: {
    readonly retentionMs: number | null;
    readonly classification: string | null;
    /** Who was erased: an absolute path, and the fields that hold such people. */
    readonly erasure?: {
      readonly list: string;
      readonly fields: readonly { readonly collection: string; readonly field: string }[];
      readonly key: SecretRef | null;
    };
  };
  readonly objectives: {
    readonly rpoMs: number | null;
    readonly rtoMs: number | null;
    /** Verified at least this often, by layer promised. */
    readonly verifyMs: number;
  };
  readonly backups: {
    readonly vaultId: string;
    /** Prefix within the vault. */
    readonly path: string;
    readonly pattern: string;
    readonly format: string;
    /** Expected time between recovery points, and how much later is still on time. */
    readonly everyMs: number | null;
    readonly jitterMs: number;
    /** An artifact younger than this without a run report may still be written: it waits for a later poll. */
    readonly settleMs: number;
    readonly retentionMs: number | null;
    readonly minPoints: number | null;
    readonly immutableMs: number | null;
    readonly key: SecretRef | null;
  };
  /** Declared relations in which this source is either side. */
  readonly relations?: readonly RelationPolicy[];
  /** Absent: two false alarms a year, nothing suppressed. */
  readonly anomalies?: {
    /** For the source over all its signals. */
    readonly falseAlarmsPerYear: number;
    /** Of the whole fleet: alarms beyond so many a day are counted together. Absent: ten. */
    readonly toldPerDay?: number;
    /** Times of planned changes, ms since the epoch: nothing that begins in them alarms. */
    readonly suppress: readonly { readonly from: number; readonly to: number; readonly reason: string }[];
  };
  readonly pollMs: number;
  readonly verify: {
    readonly layers: readonly Layer[];
    /** Every item of a sampled layer is to be read at least this often. */
    readonly coverWithinMs?: number;
    /** How long the values that differed from production can be looked at on this machine; absent or 0: they are not kept. */
    readonly keepDifferencesMs?: number;
    /** Null: points are compared with no baseline. */
    readonly baseline: { readonly accept: readonly DifferenceKind[]; readonly removedShare: number } | null;
    /** The newest point is verified again after this long, even when nothing new came (bytes rot). */
    readonly repeatMs: number;
    /** How many older points are verified besides the newest, newest first; each once. */
    readonly history: number;
    readonly critical: readonly { readonly collection: string; readonly key: string }[];
    /** Of attachments, from a vault that has to be copied from, for one drill; absent: all of them. */
    readonly fetchBytes?: number;
    readonly limits: DrillLimits;
  };
}

/** A source that is configured without a backup: there is nothing to poll or drill, and that is what has to be told. */
export type UncoveredSource = Omit<SourcePolicy, "backups">;

/** Bounds of one drill child. */
export interface DrillLimits {
  /** Database memory; the process may use about 220 MB more. */
  readonly memoryMb: number;
  readonly diskMb: number;
  readonly threads: number;
  readonly timeMs: number;
  readonly maxBytes: number;
  readonly maxEntries: number;
  readonly maxRatio: number;
  readonly maxDepth: number;
}

/** A calendar of drills over all sources (smoke monthly, deep quarterly). */
export interface DrillCalendar {
  readonly kind: Exclude<DrillKind, "sample">;
  /** Cron expression, five fields. */
  readonly schedule: string;
  readonly timezone: string;
  /** `all`: every source at each date; `domain`: the domain longest untested. */
  readonly rotate: "all" | "domain";
}

/** How a source's live product is reached; beside its policy, since most sources have none. */
export interface SourceConnection {
  readonly sourceId: string;
  readonly platform: PlatformName;
  /** What the connector's own schema gave, secrets ready to be revealed. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly scratch: Readonly<Record<string, unknown>> | null;
  readonly capture: CapturePolicy | null;
  readonly sample: {
    readonly records: number;
    readonly most: number;
    readonly fileBytes: number;
    /** Requests a day; null: no limit of ours. */
    readonly apiCallsPerDay: number | null;
  };
}

export interface CapturePolicy {
  readonly schedule: string;
  readonly timezone: string;
  readonly recipients: readonly string[];
  readonly keepMs: number | null;
  readonly immutableMs: number | null;
  readonly resumeMs: number;
  /** Everything is read again when the last capture that did is older than this. */
  readonly fullMs: number;
}

export const AUTH_ROLES = ["viewer", "operator"] as const;
export type AuthRole = (typeof AUTH_ROLES)[number];

/** Who may write over HTTP, and whether reading is for everybody who reaches it. */
export interface AuthPolicy {
  readonly reading: "open" | "signed-in";
  readonly tokens: readonly { readonly name: string; readonly role: AuthRole; /** Hex, of the token. */ readonly sha256: string }[];
  readonly proxy: {
    /** Lower case. */
    readonly header: string;
    readonly operators: readonly string[];
    /** Addresses whose word is taken. */
    readonly from: readonly string[];
  } | null;
}
