/**
 * How much of a layer's items was verified, and how long ago: a few numbers, kept between drills so that they can be told at any time.
 * They are never more than the truth.
 */
import type { Layer } from "../words.ts";
import type { Stratum } from "./buckets.ts";
import { type StratumCensus, UNREAD_REASONS, type UnreadReason } from "./census.ts";
import type { Ledger } from "./ledger.ts";

/** One stratum of one layer as the last drill left it. JSON, and small. */
export interface CoverageFacts {
  readonly id: string;
  readonly layer: Layer;
  readonly stratum: Stratum;
  /** False: nobody can tell items apart over time, so nothing is told of them. */
  readonly countable: boolean;
  readonly population: number;
  /** Items by when they were last read, oldest first; where there were too many times, told as read at the earlier. */
  readonly read: readonly (readonly [at: number, items: number])[];
  readonly unread: Readonly<Partial<Record<UnreadReason, number>>>;
  /** Since when the unread item that waits longest is there, no longer than this is watched; null: none is unread. */
  readonly waitingSince: number | null;
}

const TIMES_MOST = 64;

/**
 * @param census after what was taken has been read
 * @param ledger likewise
 * @returns of layers that have read anything at all
 */
export function coverageFacts(census: readonly StratumCensus[], ledger: Ledger): readonly CoverageFacts[] {
  const since = new Map<Layer, number>();
  for (const one of Object.values(ledger.strata))
    if (one.readAt !== null) since.set(one.layer, Math.min(one.since, since.get(one.layer) ?? one.since));
  return census.flatMap((one) => {
    const began = ledger.strata[one.id]?.since ?? since.get(one.layer);
    return since.has(one.layer) && began !== undefined ? [factsOf(one, began)] : [];
  });
}

function factsOf(census: StratumCensus, since: number): CoverageFacts {
  const read = new Map<number, number>();
  const unread: Partial<Record<UnreadReason, number>> = {};
  let waiting: number | null = null;
  for (const bucket of census.buckets) {
    for (const [at, items] of bucket.read) read.set(at, (read.get(at) ?? 0) + items);
    for (const reason of UNREAD_REASONS) {
      const items = bucket.unread[reason] ?? 0;
      if (items === 0) continue;
      unread[reason] = (unread[reason] ?? 0) + items;
      waiting = Math.min(waiting ?? Number.POSITIVE_INFINITY, Math.max(since, bucket.oldest ?? since));
    }
  }
  const { id, layer, stratum, mode, population } = census;
  return {
    id,
    layer,
    stratum,
    countable: mode !== "none",
    population,
    read: fewer([...read].sort((a, b) => a[0] - b[0])),
    unread,
    waitingSince: waiting,
  };
}

/** Neighbours are told as one where it costs the least: so many items, so much earlier. */
function fewer(groups: (readonly [number, number])[]): (readonly [number, number])[] {
  while (groups.length > TIMES_MOST) {
    let best = 1;
    let least = Number.POSITIVE_INFINITY;
    for (let at = 1; at < groups.length; at += 1) {
      const price = ((groups[at]?.[0] ?? 0) - (groups[at - 1]?.[0] ?? 0)) * (groups[at]?.[1] ?? 0);
      if (price < least) [best, least] = [at, price];
    }
    const [earlier, later] = [groups[best - 1] ?? [0, 0], groups[best] ?? [0, 0]];
    groups.splice(best - 1, 2, [earlier[0], earlier[1] + later[1]]);
  }
  return groups;
}

/** Why items are not verified within the time promised: as for unread ones, or `late`: read, but longer ago. */
export type BehindReason = UnreadReason | "late";

export interface Coverage {
  readonly population: number;
  readonly covered: number;
  /** Null where there are no items, or they cannot be counted. */
  readonly ratio: number | null;
  /** When the item was last verified that was verified longest ago; one that never was counts from when it was there and watched. */
  readonly oldestAt: number | null;
  readonly behind: Readonly<Partial<Record<BehindReason, number>>>;
}

export interface LayerCoverage extends Coverage {
  readonly layer: Layer;
  /** By id; those furthest behind first. */
  readonly strata: readonly (Coverage & { readonly id: string; readonly stratum: Stratum; readonly countable: boolean })[];
}

/**
 * @param within how long ago a verification may be, ms
 * @returns one entry a layer that has run; a layer with a stratum that cannot be counted has no ratio
 */
export function coverageAt(facts: readonly CoverageFacts[], now: number, within: number): readonly LayerCoverage[] {
  return [...Map.groupBy(facts, (one) => one.layer)].map(([layer, own]) => {
    const strata = own.map((one) => ({ id: one.id, stratum: one.stratum, countable: one.countable, ...stratumCoverage(one, now, within) }));
    strata.sort((a, b) => b.population - b.covered - (a.population - a.covered));
    return { layer, ...together(strata), strata };
  });
}

function stratumCoverage(facts: CoverageFacts, now: number, within: number): Coverage {
  if (!facts.countable) return { population: facts.population, covered: 0, ratio: null, oldestAt: null, behind: {} };
  let covered = 0;
  let late = 0;
  for (const [at, items] of facts.read) {
    if (at >= now - within) covered += items;
    else late += items;
  }
  const times = [facts.read[0]?.[0], facts.waitingSince ?? undefined].filter((time) => time !== undefined);
  return {
    population: facts.population,
    covered,
    ratio: facts.population === 0 ? null : covered / facts.population,
    oldestAt: times.length === 0 ? null : Math.min(...times),
    behind: { ...facts.unread, ...(late > 0 ? { late } : {}) },
  };
}

function together(strata: readonly (Coverage & { readonly countable: boolean })[]): Coverage {
  const add = (value: (one: Coverage) => number): number => strata.reduce((all, one) => all + value(one), 0);
  const [population, covered] = [add((one) => one.population), add((one) => one.covered)];
  const times = strata.flatMap((one) => (one.oldestAt === null ? [] : [one.oldestAt]));
  const behind: Partial<Record<BehindReason, number>> = {};
  for (const reason of [...UNREAD_REASONS, "late"] as const) {
    const items = add((one) => one.behind[reason] ?? 0);
    if (items > 0) behind[reason] = items;
  }
  return {
    population,
    covered,
    ratio: population === 0 || strata.some((one) => !one.countable) ? null : covered / population,
    oldestAt: times.length === 0 ? null : Math.min(...times),
    behind,
  };
}
