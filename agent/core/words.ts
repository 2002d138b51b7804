/**
 * The vocabulary of design.md as types and lists. Every other file spells these words from here,
 * so that code, configuration, metrics, spans and pages cannot drift apart.
 */

export const LAYERS = ["artifact", "content", "scratch", "live"] as const;
/** How deep a verification goes. */
export type Layer = (typeof LAYERS)[number];

export const DRILL_KINDS = ["sample", "smoke", "deep"] as const;
export type DrillKind = (typeof DRILL_KINDS)[number];

export const CHECK_STATUSES = ["pass", "fail", "changed", "error", "skip"] as const;
export type CheckStatus = (typeof CHECK_STATUSES)[number];

export const VERDICTS = ["verified", "failed", "inconclusive"] as const;
export type Verdict = (typeof VERDICTS)[number];

export const PHASES = ["open", "decrypt", "parse", "provision", "load", "checks", "readback", "compare", "dispose"] as const;
export type Phase = (typeof PHASES)[number];

export const RUN_OUTCOMES = ["success", "failure", "partial", "unknown"] as const;
export type RunOutcome = (typeof RUN_OUTCOMES)[number];

export const TIERS = ["critical", "important", "standard"] as const;
export type Tier = (typeof TIERS)[number];

export const PLATFORMS = ["airtable", "baserow", "csv", "directus", "grist", "n8n", "nocodb", "node-red", "notion", "other"] as const;
export type PlatformName = (typeof PLATFORMS)[number];

/** The kinds of things a backup can lose, as counted in an inventory. */
export const ITEM_KINDS = ["collections", "records", "links", "automations", "credentials", "files", "views", "roles"] as const;
export type ItemKind = (typeof ITEM_KINDS)[number];

export const SIGNALS = [
  "bytes",
  "records",
  "duration",
  "gap",
  "outcome",
  "restore_seconds",
  "restore_seconds_per_gb",
  "bytes_per_record",
  "links",
  "files",
  "changed_share",
  "wait_seconds",
] as const;
/** What the anomaly engine watches for a source. */
export type Signal = (typeof SIGNALS)[number];

export const ALARM_KINDS = ["spike", "shift", "drift", "rule"] as const;
export type AlarmKind = (typeof ALARM_KINDS)[number];

/** Order from best to worst; the verdict of a drill is the worst of its promised layers. */
export function worstVerdict(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes("failed")) return "failed";
  if (verdicts.length === 0 || verdicts.includes("inconclusive")) return "inconclusive";
  return "verified";
}
