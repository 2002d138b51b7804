/** The frozen values that flow through the agent. All times are milliseconds since the epoch, UTC. */
import type { PathStep } from "./critical-path.ts";
import type { Difference } from "./baseline.ts";
import type { RestoreCost } from "./forecasting/costs.ts";
import type { KeySet } from "./relations.ts";
import type { SampledLayer } from "./sampled.ts";
import type { Aspect, Inventory, SemanticType } from "./content.ts";
import type { AlarmKind, CheckStatus, DrillKind, ItemKind, Layer, Phase, RunOutcome, Signal, Verdict } from "./words.ts";

/** One artifact of one source at one time. `id` follows from source, path, size and modification time: a changed artifact is a new point. */
export interface RecoveryPoint {
  readonly id: string;
  readonly sourceId: string;
  readonly vaultId: string;
  /** Path within the vault, `/`-separated. */
  readonly path: string;
  readonly kind: "file" | "directory";
  readonly createdAt: number;
  /** Where createdAt comes from; the weaker, the later in this list. */
  readonly createdFrom: "run-report" | "name" | "modified";
  readonly modifiedAt: number;
  readonly bytes: number;
  readonly immutableUntil: number | null;
  /** What a run report says of it, where there is one. */
  readonly runId: string | null;
  readonly firstSeenAt: number;
  /** When a listing first lacked it; null while it is there. */
  readonly goneAt: number | null;
}

/** What the backup job itself says about one run (decision 11). */
export interface RunReport {
  readonly id: string;
  readonly sourceId: string;
  readonly startedAt: number | null;
  readonly finishedAt: number;
  readonly outcome: RunOutcome;
  readonly bytes: number | null;
  readonly items: Readonly<Partial<Record<ItemKind, number>>> | null;
  /** Path of the artifact it wrote, within the vault, or null (a failed run). */
  readonly path: string | null;
  readonly checksum: { readonly algorithm: "sha256"; readonly value: string } | null;
  /** One line, redacted before it is stored. */
  readonly message: string | null;
  readonly receivedAt: number;
  readonly via: "cli" | "api" | "sidecar";
}

/** One number of one source at one time, for the anomaly engine. */
export interface Observation {
  readonly sourceId: string;
  readonly signal: Signal;
  /** The time of the run or point it belongs to. */
  readonly at: number;
  /** bytes, records, seconds, or seconds between points; outcome: 1 success, 0 failure. */
  readonly value: number;
  /** Recovery point or run it was taken from. */
  readonly ref: string;
}

export interface Example {
  readonly collection: string;
  /** Platform-made key, or a digest `~…` of a natural one. */
  readonly item: string;
  readonly field?: string;
  /** What is wrong with this one, without any record value. */
  readonly note?: string;
}

export interface CheckResult {
  readonly id: string;
  readonly layer: Layer;
  readonly status: CheckStatus;
  /** One phrase a person understands; never a record value. */
  readonly observed: string;
  readonly expected: string | null;
  /** How many items are affected (fail, changed) or were looked at (pass). */
  readonly count: number;
  readonly examples: readonly Example[];
  readonly durationMs: number;
  /** All that differs from the baseline; only of `baseline.diff`. */
  readonly differences?: readonly Difference[] | undefined;
}

/** What a point held, in names and counts, kept to compare the next point with. No record value. */
export interface PointFacts {
  readonly format: string;
  readonly formatVersion: string | null;
  readonly inventory: Inventory;
  readonly collections: readonly {
    readonly id: string;
    readonly name: string;
    readonly records: number;
    readonly fields: readonly FieldFacts[];
    /** When a record of it was last made or edited; null where not every record says so. Absent in points of older versions. */
    readonly editedAt?: number | null | undefined;
  }[];
  readonly automations: readonly { readonly id: string; readonly name: string; readonly active: boolean; readonly digest: string }[];
  readonly credentials: readonly string[];
  readonly views: readonly { readonly id: string; readonly name: string }[];
  readonly access: readonly { readonly kind: string; readonly id: string; readonly digest: string }[];
  /** Only of points that were loaded whole. Absent in points of older versions. */
  readonly links?: readonly LinkFacts[] | undefined;
  /** Absent where the format keeps no templates. */
  readonly templates?: readonly { readonly id: string; readonly name: string; readonly digest: string }[] | undefined;
  readonly settings?: readonly { readonly id: string; readonly digest: string }[] | undefined;
  /** Of declared relations to other sources, this side's keys as keyed digests. */
  readonly keys?: readonly KeySet[] | undefined;
  /** What this way of backing up does not hold, and why. */
  readonly fidelity?: readonly { readonly aspect: Aspect; readonly reason: string }[] | undefined;
}

/** A field as a baseline knows it; what is optional is absent in points of older versions. */
export interface FieldFacts {
  readonly id: string;
  readonly name: string;
  readonly type: SemanticType;
  readonly computed: boolean;
  readonly platformType?: string | undefined;
  readonly required?: boolean | undefined;
  readonly unique?: boolean | undefined;
  /** Digest of the options in any order; null where it offers none. */
  readonly options?: string | null | undefined;
  /** Id of the collection it leads to, or null. */
  readonly link?: string | null | undefined;
  /** Digest of what it computes, with fields by id; null where it computes nothing. */
  readonly formula?: string | null | undefined;
}

/** The pairs of one stored link field. */
export interface LinkFacts {
  readonly collection: string;
  readonly field: string;
  readonly pairs: number;
  /** Records that point, and keys that are pointed to. */
  readonly sources: number;
  readonly targets: number;
  /** Over all pairs in any order, as `KEY:DIGEST`: of which key it was made, and what came out. */
  readonly digest: string;
}

export interface ResourceUse {
  readonly cpuMs: number;
  readonly peakRssBytes: number;
  readonly readBytes: number;
  readonly diskBytes: number;
}

/** What isolation a drill really got; stated in evidence and on the page. */
export interface Isolation {
  readonly process: boolean;
  readonly permissions: boolean;
  readonly network: boolean;
  readonly memoryLimit: boolean;
  readonly databaseLocked: boolean;
}

export interface SampleInfo {
  readonly population: number;
  readonly checked: number;
  readonly strategy: "all" | "random";
  /** Hex commitment to the seed for `random`, else null. */
  readonly seedCommitment: string | null;
}

/** One finished restore exercise: what evidence keeps and pages show. */
export interface DrillRecord {
  readonly id: string;
  readonly kind: DrillKind;
  readonly sourceId: string;
  readonly pointId: string;
  readonly trigger: "plan" | "person";
  readonly attempt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly verdict: Verdict;
  readonly layers: Readonly<Partial<Record<Layer, Verdict>>>;
  /** Why the verdict is not `verified`, worst first, one sentence each; empty when verified. */
  readonly reasons: readonly string[];
  /** Set when our own trouble ended it: stable code of the error. */
  readonly trouble: string | null;
  readonly artifact: {
    readonly path: string;
    readonly format: string | null;
    readonly formatVersion: string | null;
    readonly bytes: number;
    readonly sha256: string | null;
    /** Of its bytes, what was left in the vault and is vouched for by nobody; absent where all were read. */
    readonly unread?: { readonly files: number; readonly bytes: number };
  };
  readonly checks: readonly CheckResult[];
  readonly phases: Readonly<Partial<Record<Phase, number>>>;
  readonly sample: SampleInfo | null;
  readonly facts: PointFacts | null;
  readonly resources: ResourceUse | null;
  readonly isolation: Isolation | null;
  readonly traceId: string | null;
  /** Items compared with production, by result; absent where the layer live did not run. */
  readonly compared?: Readonly<Record<"match" | "changed" | "mismatch" | "unverifiable", number>>;
  /** What was drawn for the layers that look at a sample, and how it went; absent where none did. */
  readonly sampled?: readonly SampledLayer[];
  /** What restoring it cost, step by step; absent where it did not come to that, and in drills of older versions. */
  readonly restoreCost?: RestoreCost;
  /** Where its time went, in the order in which it came up; absent in drills of older versions, and where its trace was too long. */
  readonly criticalPath?: readonly PathStep[];
}

export interface Alarm {
  /** Follows from source, signal, kind, rule and the time it began. */
  readonly id: string;
  readonly sourceId: string;
  readonly signal: Signal;
  readonly kind: AlarmKind;
  /** Stable id of the rule within its kind, for example `volume.collapse`. */
  readonly rule: string;
  readonly since: number;
  readonly endedAt: number | null;
  readonly observed: number;
  readonly expected: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
  /** One sentence: observed, expected, ratio, since when, what to look at. */
  readonly sentence: string;
  /** Phrases: what else moved in the same run, and who is hit; grows when the run's backup is drilled. Absent: nothing is known. */
  readonly context?: readonly string[] | undefined;
  /** More alarms began on that day than are told one by one: it is counted with the rest. */
  readonly grouped?: boolean | undefined;
  readonly runs: number;
  readonly ref: string;
}
