/** Baselines of sources: what a drill is compared with, and what it proposes. */
import { BASELINE_LIMITS } from "../core/baseline.ts";
import { baselineStep } from "../core/decisions.ts";
import type { EvidenceEntry } from "../core/evidence.ts";
import { idOf } from "../core/ids.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { Expectation, Repositories } from "../core/ports.ts";
import type { DrillRecord } from "../core/values.ts";

/** Who accepts what the configuration says is accepted. */
const CONFIGURATION = "configuration";

export async function baselineExpectation(policy: SourcePolicy, { baselines }: Repositories): Promise<Pick<Expectation, "baseline">> {
  const [approved] = policy.verify.baseline === null ? [] : await baselines.list({ sourceId: policy.id, status: "approved", limit: 1 });
  if (approved === undefined) return {};
  const removedShare = policy.verify.baseline?.removedShare ?? BASELINE_LIMITS.removedShare;
  const limits = { ...BASELINE_LIMITS, removedShare };
  return { baseline: { at: approved.proposedAt, facts: approved.facts, tables: [], files: null, limits } };
}

/** @param drill as it is about to be recorded */
export async function baselineEntries(
  policy: SourcePolicy,
  drill: DrillRecord,
  { baselines }: Repositories,
  now: number,
): Promise<readonly EvidenceEntry[]> {
  if (policy.verify.baseline === null) return [];
  const of = { sourceId: policy.id, limit: 1 };
  const [[approved = null], [open = null]] = await Promise.all([
    baselines.list({ ...of, status: "approved" }),
    baselines.list({ ...of, status: "proposed" }),
  ]);
  const { propose, accepted } = baselineStep(drill, approved, open, new Set(policy.verify.baseline.accept));
  // What a person has rejected is not proposed again.
  if (propose === null || (await baselines.get(propose.id)) !== null) return [];
  const proposed: EvidenceEntry = { type: "baseline.proposed", at: now, baseline: propose };
  if (!accepted) return [proposed];
  const decision = {
    id: idOf("decision", "baseline", propose.id, "approved", CONFIGURATION, now),
    about: "baseline",
    subject: propose.id,
    sourceId: policy.id,
    answer: "approved",
    at: now,
    actor: CONFIGURATION,
    reason: "only kinds of difference that verify.baseline.accept names",
    via: "config",
  } as const;
  return [proposed, { type: "decision.made", at: now, decision }];
}
