/** The verdict rule of design.md, step 5. Pure. */
import type { CheckResult } from "./values.ts";
import { type CheckStatus, type Layer, type Verdict, worstVerdict } from "./words.ts";

/**
 * Checks a layer cannot be `verified` without. Each inner list is satisfied when at least one of it passed and none of it is `error`.
 */
export const REQUIRED_CHECKS: Readonly<Record<Layer, readonly (readonly string[])[]>> = {
  artifact: [["artifact.readable"], ["artifact.checksum", "artifact.complete"]],
  content: [["restore.loads"], ["records.count"]],
  scratch: [["restore.loads"], ["restore.readback"], ["restore.rollback"]],
  live: [["live.compared"]],
};

/**
 * Checks whose `error` alone leaves their layer in doubt: what they could not try is needed to restore, and everything else would look
 * fine; or it says that this agent itself told what it must not, or that something promised (protection,
 * erasure) could not be looked for: no verdict of `verified` may hide that.
 */
export const MUST_NOT_BE_IN_DOUBT: readonly string[] = [
  "artifact.immutable",
  "baseline.diff",
  "credentials.decrypt",
  "governance.erasure",
  "governance.masking",
  "links.cross-source",
];

export interface LayerVerdicts {
  readonly verdict: Verdict;
  readonly layers: Partial<Record<Layer, Verdict>>;
  /** One sentence each, worst first; empty when verified. */
  readonly reasons: readonly string[];
}

/**
 * @param trouble our own trouble that ended the drill early, or null: a layer without a `fail` is then inconclusive
 */
export function judge(
  promised: readonly Layer[],
  checks: readonly CheckResult[],
  trouble: { readonly code: string; readonly message: string } | null,
): LayerVerdicts {
  const layers: Partial<Record<Layer, Verdict>> = {};
  const failures: string[] = [];
  const doubts: string[] = [];
  for (const layer of promised) {
    const own = checks.filter((check) => check.layer === layer);
    const failed = own.filter((check) => check.status === "fail");
    failures.push(...failed.map((check) => `${check.id}: ${check.observed}`));
    if (failed.length > 0) {
      layers[layer] = "failed";
      continue;
    }
    const missing = REQUIRED_CHECKS[layer].filter((group) => !isMet(group, own));
    const untried = own.filter((check) => check.status === "error" && MUST_NOT_BE_IN_DOUBT.includes(check.id));
    if (trouble === null && missing.length === 0 && untried.length === 0) layers[layer] = "verified";
    else {
      layers[layer] = "inconclusive";
      doubts.push(...missing.map((group) => doubt(layer, group, own)), ...untried.map((check) => `${check.id}: ${check.observed}`));
    }
  }
  // A failure in a layer that was looked at but not promised still counts: nothing broken is ever called verified.
  const unpromised = checks.filter((check) => check.status === "fail" && !promised.includes(check.layer));
  failures.push(...unpromised.map((check) => `${check.id}: ${check.observed}`));
  const verdict = unpromised.length > 0 ? "failed" : worstVerdict(Object.values(layers));
  const reasons =
    // What was skipped because something is broken says nothing beside the failure itself.
    verdict === "verified"
      ? []
      : [...failures, ...(trouble === null ? [] : [trouble.message]), ...(trouble === null && failures.length === 0 ? doubts : [])];
  return { verdict, layers, reasons };
}

function isMet(group: readonly string[], checks: readonly CheckResult[]): boolean {
  const statuses = new Set<CheckStatus>(checks.filter((check) => group.includes(check.id)).map((check) => check.status));
  return statuses.has("pass") && !statuses.has("error");
}

function doubt(layer: Layer, group: readonly string[], checks: readonly CheckResult[]): string {
  const asked = checks.filter((check) => group.includes(check.id));
  const worst = asked.find((check) => check.status === "error") ?? asked[0];
  return worst === undefined ? `${layer}: ${group.join(" or ")} was not asked` : `${worst.id}: ${worst.observed}`;
}
