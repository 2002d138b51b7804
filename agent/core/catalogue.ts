/**
 * What there is to protect, who answers for it, which backup covers it, and what is missing. Pure: it reads the configuration and what
 * was seen; what could not be looked at is `unknown` here and named, never "nothing missing".
 */
import { claimOf, type Overlap, overlaps, type Unclaimed, unclaimedIn, type VaultLook } from "./catalogue-claims.ts";
import {
  type CatalogueConfig,
  type Finding,
  FINDING_KINDS,
  type FindingKind,
  productFindings,
  type Sighting,
  sourceFindings,
  vaultFindings,
} from "./catalogue-findings.ts";
import { askedPlatforms, type ProductLook, unprotectedIn } from "./catalogue-products.ts";
import type { DrillCalendar, SourcePolicy, UncoveredSource } from "./policy.ts";
import { describeCount, describeNumber } from "./words-for-people.ts";
import { TIERS, type Layer, type PlatformName, type Tier } from "./words.ts";

export * from "./catalogue-claims.ts";
export * from "./catalogue-findings.ts";
export * from "./catalogue-products.ts";

export const COVERAGES = ["none", "empty", "unknown", "covered"] as const;
/** `none` no backup is configured · `empty` looked, and there is none · `unknown` not looked at yet, or it could not be · `covered`. */
export type Coverage = (typeof COVERAGES)[number];

export interface CatalogueEntry {
  readonly sourceId: string;
  readonly platform: PlatformName;
  readonly owner: SourcePolicy["owner"];
  readonly domain: string;
  readonly tier: Tier;
  readonly classification: string | null;
  readonly objectives: { readonly rpoMs: number | null; readonly rtoMs: number | null };
  readonly coverage: Coverage;
  /** Null where no backup is configured. */
  readonly backup: Pick<SourcePolicy["backups"], "vaultId" | "path" | "pattern" | "format" | "everyMs"> | null;
  readonly newestAt: number | null;
  /** Promised by the configuration; empty where no backup is configured. */
  readonly layers: readonly Layer[];
  /** Kinds of calendar drills that come round to it. */
  readonly drills: readonly DrillCalendar["kind"][];
  /** Gravest first. */
  readonly findings: readonly FindingKind[];
}

export interface Catalogue {
  /** Worst first. */
  readonly entries: readonly CatalogueEntry[];
  /** Gravest first. */
  readonly findings: readonly Finding[];
  /** What could not be looked at, in a vault or on the product of a source: while this is not empty, more may be missing than is found. */
  readonly unseen: readonly { readonly vaultId: string | null; readonly sourceId: string | null; readonly problem: string }[];
  /** Vaults that were looked through; for the others it is not known what lies in them. */
  readonly seen: readonly string[];
  /** Platforms whose every product told what its token sees; for the others it is not known what no source covers. */
  readonly asked: readonly PlatformName[];
  readonly counts: { readonly coverage: Readonly<Record<Coverage, number>>; readonly findings: Readonly<Record<FindingKind, number>> };
}

/**
 * @param sightings by source id; a source that is not in it was not looked at
 * @param looks one for each vault that was looked at, whether it answered or not
 * @param products one for each live product that was asked, whether it answered or not
 */
export function catalogue(
  config: CatalogueConfig,
  sightings: ReadonlyMap<string, Sighting>,
  looks: readonly VaultLook[],
  products: readonly ProductLook[] = [],
): Catalogue {
  const claims = config.sources.map(claimOf);
  const met = overlaps(claims, looks);
  const unclaimed = looks.flatMap((look) => unclaimedIn(look, claims));
  const findings = [
    ...[...config.sources, ...config.uncovered].flatMap((source) => sourceFindings(source, sightings.get(source.id) ?? null, config)),
    ...vaultFindings(met, unclaimed),
    ...productFindings(unprotectedIn(products)),
  ].sort(byGravity(config));
  const kinds = findingsBySource(findings, met, unclaimed);
  const entries = [
    ...config.sources.map((source) => entryOf(source, source.backups, sightings.get(source.id) ?? null, config, kinds)),
    ...config.uncovered.map((source) => entryOf(source, null, null, config, kinds)),
  ].sort(byWorst);
  const unseen = [
    ...looks.flatMap(({ vaultId, problems }) => problems.map((problem) => ({ vaultId, sourceId: null, problem }))),
    ...products.flatMap(({ sourceId, problem }) => (problem === null ? [] : [{ vaultId: null, sourceId, problem }])),
  ];
  const seen = looks.filter((look) => look.problems.length === 0).map((look) => look.vaultId);
  return {
    entries,
    findings,
    unseen,
    seen,
    asked: askedPlatforms(products),
    counts: { coverage: count(entries.map((entry) => entry.coverage)), findings: countKinds(findings) },
  };
}

function entryOf(
  source: UncoveredSource,
  backups: SourcePolicy["backups"] | null,
  sighting: Sighting | null,
  config: CatalogueConfig,
  kinds: ReadonlyMap<string, readonly FindingKind[]>,
): CatalogueEntry {
  return {
    sourceId: source.id,
    platform: source.platform,
    owner: source.owner,
    domain: source.domain,
    tier: source.tier,
    classification: source.data.classification,
    objectives: { rpoMs: source.objectives.rpoMs, rtoMs: source.objectives.rtoMs },
    coverage: coverageOf(backups, sighting),
    backup:
      backups === null
        ? null
        : { vaultId: backups.vaultId, path: backups.path, pattern: backups.pattern, format: backups.format, everyMs: backups.everyMs },
    newestAt: sighting?.newestAt ?? null,
    layers: backups === null ? [] : source.verify.layers,
    drills: backups === null ? [] : [...new Set(config.calendars.map((calendar) => calendar.kind))],
    findings: kinds.get(source.id) ?? [],
  };
}

function coverageOf(backups: SourcePolicy["backups"] | null, sighting: Sighting | null): Coverage {
  if (backups === null) return "none";
  if (sighting !== null && sighting.newestAt !== null) return "covered";
  return sighting !== null && sighting.looked ? "empty" : "unknown";
}

/** An overlap is of both sources; whatever lies beside the backups of a source is of that source. */
function findingsBySource(
  findings: readonly Finding[],
  met: readonly Overlap[],
  unclaimed: readonly Unclaimed[],
): ReadonlyMap<string, readonly FindingKind[]> {
  const bySource = new Map<string, Set<FindingKind>>();
  const add = (sourceId: string, kind: FindingKind): void => {
    bySource.set(sourceId, (bySource.get(sourceId) ?? new Set()).add(kind));
  };
  for (const { sourceId, kind } of findings) if (sourceId !== null) add(sourceId, kind);
  for (const { sources } of met) for (const sourceId of sources) add(sourceId, "overlap");
  for (const { beside } of unclaimed) if (beside !== null) add(beside, "unmatched");
  return new Map([...bySource].map(([id, kinds]) => [id, FINDING_KINDS.filter((kind) => kinds.has(kind))]));
}

/** Gravest kind first, then the more important tier, then by name. */
function byGravity(config: CatalogueConfig): (a: Finding, b: Finding) => number {
  const rank = new Map(FINDING_KINDS.map((kind, index) => [kind, index]));
  const tiers = new Map([...config.sources, ...config.uncovered].map((source) => [source.id, TIERS.indexOf(source.tier)]));
  const tier = (finding: Finding): number => (finding.sourceId === null ? TIERS.length : (tiers.get(finding.sourceId) ?? TIERS.length));
  const name = (finding: Finding): string =>
    finding.sourceId ?? (finding.product === null ? `${finding.vaultId} ${finding.path}` : finding.sentence);
  return (a, b) => (rank.get(a.kind) ?? 0) - (rank.get(b.kind) ?? 0) || tier(a) - tier(b) || (name(a) < name(b) ? -1 : 1);
}

function byWorst(a: CatalogueEntry, b: CatalogueEntry): number {
  const gravest = (entry: CatalogueEntry): number => {
    const [first] = entry.findings;
    return first === undefined ? FINDING_KINDS.length : FINDING_KINDS.indexOf(first);
  };
  return (
    gravest(a) - gravest(b) ||
    TIERS.indexOf(a.tier) - TIERS.indexOf(b.tier) ||
    b.findings.length - a.findings.length ||
    (a.sourceId < b.sourceId ? -1 : 1)
  );
}

function count(coverages: readonly Coverage[]): Record<Coverage, number> {
  const counts: Record<Coverage, number> = { none: 0, empty: 0, unknown: 0, covered: 0 };
  for (const coverage of coverages) counts[coverage] += 1;
  return counts;
}

function countKinds(findings: readonly Finding[]): Record<FindingKind, number> {
  const counts = Object.fromEntries(FINDING_KINDS.map((kind) => [kind, 0])) as Record<FindingKind, number>;
  for (const { kind } of findings) counts[kind] += 1;
  return counts;
}

/** How many are covered, and what stands against the rest, one sentence without a full stop. */
export function catalogueHeadline({ entries, counts }: Catalogue): string {
  const { coverage } = counts;
  if (coverage.covered === entries.length)
    return entries.length === 1 ? "The source has a backup" : `All ${describeNumber(entries.length)} sources have a backup`;
  const parts = [
    coverage.none === 0 ? null : `${describeNumber(coverage.none)} without a backup`,
    coverage.empty === 0 ? null : `${describeNumber(coverage.empty)} whose vault holds none`,
    coverage.unknown === 0 ? null : `${describeNumber(coverage.unknown)} not known`,
    coverage.covered === 0 ? null : `${describeNumber(coverage.covered)} covered`,
  ];
  return `Of ${describeCount(entries.length, "source")}: ${parts.filter((part) => part !== null).join(", ")}`;
}
