/** What can be missing in the catalogue: each kind of finding with its gravity and its meaning, and the rules that find it. Pure. */
import type { Overlap, Unclaimed } from "./catalogue-claims.ts";
import type { Unprotected } from "./catalogue-products.ts";
import type { FormatDefinition } from "./definitions.ts";
import type { DrillCalendar, SourcePolicy, UncoveredSource } from "./policy.ts";
import { describeCount } from "./words-for-people.ts";
import type { Layer, PlatformName } from "./words.ts";

export const SEVERITIES = ["high", "medium", "low"] as const;
/** `high` data can be lost, or is not covered · `medium` nobody could say what is enough, or whom to call · `low` worth tidying. */
export type Severity = (typeof SEVERITIES)[number];

/** The part of the configuration that the catalogue is made of. */
export interface CatalogueConfig {
  /** Sources that have a backup. */
  readonly sources: readonly SourcePolicy[];
  readonly uncovered: readonly UncoveredSource[];
  readonly vaults: readonly string[];
  readonly calendars: readonly DrillCalendar[];
  readonly formats: readonly Pick<FormatDefinition, "id" | "platform">[];
  /** The layers that a connector adds to what the formats give, by platform. */
  readonly connectors: ReadonlyMap<PlatformName, readonly Layer[]>;
}

/** What is known of the backups of one source. */
export interface Sighting {
  /** Whether its vault was ever looked at and answered. */
  readonly looked: boolean;
  /** Creation time of the newest recovery point, or null while none is known. */
  readonly newestAt: number | null;
  /** Layers that any drill of it came to a conclusion on. */
  readonly concluded: readonly Layer[];
}

interface FindingDefinition {
  readonly severity: Severity;
  /** Heads a list of them. */
  readonly title: string;
  readonly mend: string;
}

/** Every kind, gravest first. */
export const FINDINGS = {
  "no-backup": {
    severity: "high",
    title: "No backup is configured",
    mend: "say under backups where its backups lie, once there are any",
  },
  empty: { severity: "high", title: "No backup was found", mend: "look at vault, path and pattern, and at the backup job itself" },
  overlap: {
    severity: "high",
    title: "Two sources count the same backups as theirs",
    mend: "give each its own path or pattern",
  },
  undeliverable: {
    severity: "high",
    title: "A promised layer cannot be verified",
    mend: "name the right platform or format, or take the layer out of verify.layers",
  },
  unprotected: {
    severity: "high",
    title: "On a live product, but covered by no source",
    mend: "add a source for it, or take it away from the token that sees it",
  },
  unclaimed: {
    severity: "high",
    title: "In a vault, but claimed by no source",
    mend: "add a source for it, or remove it from the vault",
  },
  "no-owner": { severity: "medium", title: "Nobody is named as owner", mend: "name a team under owner" },
  "no-rpo": {
    severity: "medium",
    title: "No recovery point objective",
    mend: "set objectives.rpo: how old the newest backup may ever be",
  },
  "no-rto": { severity: "medium", title: "No recovery time objective", mend: "set objectives.rto: how long a restore may take" },
  "no-drill-schedule": {
    severity: "low",
    title: "No scheduled drill",
    mend: "set drills.smoke and drills.deep; an empty map takes the usual dates",
  },
  "no-contact": { severity: "low", title: "The owner cannot be reached", mend: "set owner.contact: where to reach them" },
  unmatched: {
    severity: "low",
    title: "Beside the backups of a source, but left out by its pattern",
    mend: "widen the pattern, or move it elsewhere",
  },
} as const satisfies Readonly<Record<string, FindingDefinition>>;

export type FindingKind = keyof typeof FINDINGS;
/** Gravest first. */
export const FINDING_KINDS = Object.keys(FINDINGS) as [FindingKind, ...FindingKind[]];

export interface Finding {
  readonly kind: FindingKind;
  readonly severity: Severity;
  /** What it is about: a source, or a place in a vault, or both. */
  readonly sourceId: string | null;
  readonly vaultId: string | null;
  /** Within the vault. */
  readonly path: string | null;
  /** What no source covers on a live product; null for every other kind. */
  readonly product: Pick<Unprotected, "platform" | "scope" | "kind" | "name" | "address" | "seenBy"> | null;
  /** What is missing, one sentence without a full stop. */
  readonly sentence: string;
  readonly mend: string;
}

/** @param source with `backups` where it has any */
export function sourceFindings(source: UncoveredSource | SourcePolicy, sighting: Sighting | null, config: CatalogueConfig): Finding[] {
  const { owner, objectives } = source;
  const backups = "backups" in source ? source.backups : null;
  const about = { sourceId: source.id, vaultId: backups?.vaultId ?? null, path: backups?.path ?? null };
  const found: Finding[] = [];
  const add = (kind: FindingKind, sentence: string): number => found.push(finding(kind, about, sentence));
  if (backups === null) add("no-backup", `${source.id} is configured without a backup`);
  else {
    if (sighting !== null && sighting.looked && sighting.newestAt === null)
      add("empty", `Vault ${backups.vaultId} holds no backup of ${source.id} under ${place(backups.path, backups.pattern)}`);
    const reason = undeliverable(source, backups.format, sighting?.concluded ?? [], config);
    if (reason !== null) add("undeliverable", reason);
    const missing = (["smoke", "deep"] as const).filter((kind) => !config.calendars.some((calendar) => calendar.kind === kind));
    if (missing.length > 0) add("no-drill-schedule", `No ${missing.join(" or ")} drill of ${source.id} is scheduled`);
  }
  if (owner === null) add("no-owner", `${source.id} has no owner`);
  else if (owner.contact === null) add("no-contact", `Team ${owner.team}, which owns ${source.id}, has no contact`);
  if (objectives.rpoMs === null) add("no-rpo", `${source.id} has no recovery point objective`);
  if (objectives.rtoMs === null) add("no-rto", `${source.id} has no recovery time objective`);
  return found;
}

/** Why a promised layer cannot be had from format and platform, or null. What a drill has concluded on can be had. */
function undeliverable(
  source: UncoveredSource,
  format: string,
  concluded: readonly Layer[],
  { formats, connectors }: CatalogueConfig,
): string | null {
  const missing = source.verify.layers.filter((layer) => !concluded.includes(layer));
  const remote = missing.filter((layer) => (layer === "scratch" || layer === "live") && !connectors.get(source.platform)?.includes(layer));
  if (remote.length > 0)
    return `${source.id} promises ${remote.join(" and ")}, and there is no connector to ${source.platform} that can do that`;
  // The last two are no products, so nothing can be said about what their backups look like.
  if (!missing.includes("content") || source.platform === "other" || source.platform === "csv") return null;
  const chosen = formats.find((candidate) => candidate.id === format);
  if (chosen !== undefined && chosen.platform !== "any" && chosen.platform !== source.platform)
    return `${source.id} promises content, but is on ${source.platform} while format ${chosen.id} reads backups of ${chosen.platform}`;
  const general = formats.filter((candidate) => candidate.platform === "any").map((candidate) => candidate.id);
  if (format === "auto" && !formats.some((candidate) => candidate.platform === source.platform))
    return `${source.id} promises content, but no format here reads the own backups of ${source.platform}; only ${general.join(" or ") || "nothing"} would do`;
  return null;
}

export function vaultFindings(met: readonly Overlap[], unclaimed: readonly Unclaimed[]): Finding[] {
  return [
    ...met.map(({ vaultId, path, sources: [one, other], how }) =>
      finding(
        "overlap",
        { sourceId: one, vaultId, path },
        how === "nested"
          ? `${one} takes the whole of ${path} in vault ${vaultId} for a backup of its own, and ${other} has its backups there`
          : `${one} and ${other} both count backups in ${path === "" ? "the top" : path} of vault ${vaultId} as theirs`,
      ),
    ),
    ...unclaimed.map(({ vaultId, path, kind, count, beside }) => {
      const many = count === 1 ? "" : ` (${describeCount(count, kind === "file" ? "file" : "folder")})`;
      const what = `${kind === "directory" ? "folder " : ""}${path}${many}`;
      return beside === null
        ? finding("unclaimed", { sourceId: null, vaultId, path }, `No source claims ${what} in vault ${vaultId}`)
        : finding("unmatched", { sourceId: beside, vaultId, path }, `The pattern of ${beside} leaves out ${what} in vault ${vaultId}`);
    }),
  ];
}

/** @param unprotected each is one finding, and of no source: none covers it */
export function productFindings(unprotected: readonly Unprotected[]): Finding[] {
  return unprotected.map(({ platform, scope, kind, name, address, seenBy }) => {
    const named = name === scope ? scope : `${name} (${scope})`;
    const tokens = `the ${seenBy.length === 1 ? "token" : "tokens"} of ${seenBy.join(" and ")}`;
    const sentence = `No source covers ${kind} ${named} on ${platform}, which ${tokens} can see`;
    const product = { platform, scope, kind, name, address, seenBy };
    return { ...finding("unprotected", { sourceId: null, vaultId: null, path: null }, sentence), product };
  });
}

function finding(kind: FindingKind, about: Pick<Finding, "sourceId" | "vaultId" | "path">, sentence: string): Finding {
  const { severity, mend } = FINDINGS[kind];
  return { kind, severity, ...about, product: null, sentence, mend };
}

function place(path: string, pattern: string): string {
  return path === "" ? pattern : `${path}/${pattern}`;
}
