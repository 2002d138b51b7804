/** What the evidence log holds. State is nothing but these entries applied in order, so it can be rebuilt from them. */
import type { Decision } from "./decisions.ts";
import type { Alarm, DrillRecord, Observation, RecoveryPoint, RunReport } from "./values.ts";
import type { PlatformName } from "./words.ts";

export type EvidenceEntry =
  | { readonly type: "agent.started"; readonly at: number; readonly version: string; readonly configHash: string }
  | { readonly type: "agent.stopped"; readonly at: number; readonly reason: string }
  | { readonly type: "config.changed"; readonly at: number; readonly configHash: string; readonly sources: readonly string[] }
  | { readonly type: "source.configured"; readonly at: number; readonly sourceId: string }
  | { readonly type: "points.seen"; readonly at: number; readonly sourceId: string; readonly points: readonly RecoveryPoint[] }
  | { readonly type: "run.reported"; readonly at: number; readonly report: RunReport }
  | { readonly type: "observations"; readonly at: number; readonly observations: readonly Observation[] }
  | {
      readonly type: "drill.finished";
      readonly at: number;
      readonly drill: DrillRecord;
      /** Of the source at that time, added by the recorder: the tallies follow from the entry alone. */
      readonly platform?: PlatformName;
    }
  | { readonly type: "alarm.changed"; readonly at: number; readonly alarm: Alarm }
  | {
      readonly type: "baseline.proposed";
      readonly at: number;
      readonly baseline: { readonly id: string; readonly sourceId: string; readonly pointId: string; readonly drillId: string };
    }
  | { readonly type: "decision.made"; readonly at: number; readonly decision: Decision }
  | { readonly type: "leftovers.removed"; readonly at: number; readonly count: number }
  | { readonly type: "head.noted"; readonly at: number; readonly head: string; readonly seq: number }
  /** `movedTo`: where the old database lies now, or null when there was none. */
  | {
      readonly type: "state.rebuilt";
      readonly at: number;
      readonly entries: number;
      readonly movedTo: string | null;
      readonly reason: string;
    };

export interface EvidenceHead {
  /** Number of entries written so far; the first entry has seq 1, an empty log 0. */
  readonly seq: number;
  /** SHA-256 hex of the last entry's line, or 64 zeros. */
  readonly hash: string;
}
