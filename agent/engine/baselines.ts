/** Baselines of sources: what a drill is compared with, and what it proposes. */
import { BASELINE_LIMITS, type Difference } from "../core/baseline.ts";
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
  const accepted = policy.verify.baseline?.accept ?? [];
  return {
    baseline: {
      at: approved.proposedAt,
      facts: approved.facts,
      tables: [],
      files: null,
      limits,
      ...(accepted.length === 0 ? {} : { accepted }),
    },
  };
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
  const { propose, accepted, differences } = baselineStep(drill, approved, open, new Set(policy.verify.baseline.accept));
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
    reason: `verify.baseline.accept names every difference: ${kindsOf(differences)}`,
    via: "config",
  } as const;
  return [proposed, { type: "decision.made", at: now, decision }];
}

/** `field-added (2), view-added (1)`: kinds and how many of each; names of fields may be people's own words. */
function kindsOf(differences: readonly Difference[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of differences) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${kind} (${count})`).join(", ");
}
