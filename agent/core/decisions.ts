/** What people decide: which point is the baseline of a source, and which alarm was expected. Actors are opaque ids; their names can be erased. */
import { type Difference, type DifferenceKind, differencesOf } from "./baseline.ts";
import { idOf } from "./ids.ts";
import type { DrillRecord, PointFacts } from "./values.ts";

export const BASELINE_STATUSES = ["proposed", "approved", "rejected", "retired"] as const;
export type BaselineStatus = (typeof BASELINE_STATUSES)[number];

/** A point that is, was, or could become what later ones are compared with. */
export interface Baseline {
  readonly id: string;
  readonly sourceId: string;
  readonly pointId: string;
  readonly drillId: string;
  readonly proposedAt: number;
  readonly status: BaselineStatus;
  readonly decidedAt: number | null;
  readonly facts: PointFacts;
}

export const ANSWERS = ["approved", "rejected", "expected"] as const;
export type Answer = (typeof ANSWERS)[number];
export const DECISION_WAYS = ["cli", "api", "page", "config"] as const;
export type DecisionWay = (typeof DECISION_WAYS)[number];

export interface Decision {
  readonly id: string;
  readonly about: "baseline" | "alarm";
  /** Id of the baseline or alarm. */
  readonly subject: string;
  readonly sourceId: string;
  readonly answer: Answer;
  readonly at: number;
  /** Opaque; who it is, state knows for as long as that person is not forgotten. */
  readonly actor: string;
  /** One line of the person's own; redacted before it is kept. */
  readonly reason: string;
  readonly via: DecisionWay;
}

export const REASON_MOST = 500;

/** What is proposed because of a drill, or null where there is nothing to decide. */
export interface BaselineStep {
  readonly propose: { readonly id: string; readonly sourceId: string; readonly pointId: string; readonly drillId: string } | null;
  /** Accepted by the configuration, without a person. */
  readonly accepted: boolean;
  readonly differences: readonly Difference[];
}

/** Checks whose failure says that this is no good point to compare others with, whatever a person says of the differences. */
const REVIEWED = "baseline.diff";

/**
 * The first verified point proposes itself; later ones do where something a person has to look at differs from the approved one. Records
 * that come and go are no reason: they are what a baseline is not about.
 * @param accept kinds of difference the configuration accepts by itself
 */
export function baselineStep(
  drill: Pick<DrillRecord, "id" | "sourceId" | "pointId" | "facts" | "layers" | "checks">,
  approved: Baseline | null,
  open: Baseline | null,
  accept: ReadonlySet<DifferenceKind>,
): BaselineStep {
  const nothing = { propose: null, accepted: false, differences: [] };
  const failed = drill.checks.filter((check) => check.status === "fail").map((check) => check.id);
  const sound = drill.layers.content === "verified" || (failed.length > 0 && failed.every((id) => id === REVIEWED));
  if (drill.facts === null || !sound || approved?.pointId === drill.pointId || open?.pointId === drill.pointId) return nothing;
  const propose = {
    id: idOf("baseline", drill.sourceId, drill.pointId),
    sourceId: drill.sourceId,
    pointId: drill.pointId,
    drillId: drill.id,
  };
  if (approved === null) return open === null ? { propose, accepted: false, differences: [] } : nothing;
  const differences = forReview(approved.facts, drill.facts);
  if (differences.length === 0) return nothing;
  const accepted = differences.every((one) => accept.has(one.kind));
  // The same proposal again would only bury when it was first made.
  if (!accepted && open !== null && forReview(open.facts, drill.facts).length === 0) return nothing;
  return { propose, accepted, differences };
}

const ORDINARY: ReadonlySet<DifferenceKind> = new Set(["records-added", "records-removed", "records-edited"]);

/** What differs and is a person's to judge. */
export function forReview(before: PointFacts, now: PointFacts): readonly Difference[] {
  return differencesOf(before, now).filter((one) => !ORDINARY.has(one.kind));
}
