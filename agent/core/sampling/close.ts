/** A sample that is whole in itself: what its records point to comes with them, so that links mean something where it is restored. */
import type { Collection, ContentRecord } from "../content.ts";

export interface ClosingLimits {
  /** Records in all; those of the sample itself always come. */
  readonly most: number;
  /** How many links away from the sample; absent: as far as they lead. */
  readonly depth?: number;
}

/** Why a link leads out of the sample: there were enough records, it was too far away, or the backup does not hold what it points to. */
export type CutReason = "size" | "depth" | "absent";

export interface CutEdge {
  readonly collection: string;
  readonly key: string;
  readonly field: string;
  readonly target: { readonly collection: string; readonly key: string };
  readonly why: CutReason;
}

export interface ClosedSample {
  readonly keys: ReadonlyMap<string, ReadonlySet<string>>;
  readonly edges: readonly CutEdge[];
  /** Fields that hold such a link, as `collection/key/field`: they are not restored and not compared. */
  readonly cut: ReadonlySet<string>;
}

/**
 * Nearest first, so that what the bound leaves out is what is furthest away.
 * @param records by collection id and key; what is not in it is absent
 * @param sample keys by collection id; those that are absent are left out
 */
export function closeUnderLinks(
  collections: readonly Collection[],
  records: ReadonlyMap<string, ReadonlyMap<string, ContentRecord>>,
  sample: ReadonlyMap<string, readonly string[]>,
  limits: ClosingLimits,
): ClosedSample {
  const byId = new Map(collections.map((collection) => [collection.id, collection]));
  const keys = new Map<string, Set<string>>(collections.map((collection) => [collection.id, new Set<string>()]));
  const taken: { readonly collection: string; readonly key: string; readonly depth: number }[] = [];
  const take = (collection: string, key: string, depth: number): void => {
    const chosen = keys.get(collection);
    if (chosen === undefined || chosen.has(key) || records.get(collection)?.has(key) !== true) return;
    chosen.add(key);
    taken.push({ collection, key, depth });
  };
  for (const [collection, chosen] of sample) for (const key of chosen) take(collection, key, 0);
  const deepest = limits.depth ?? Number.POSITIVE_INFINITY;
  // The list grows while it is walked.
  for (const { collection, key, depth } of taken) {
    if (depth >= deepest) break;
    for (const link of linksOf(byId.get(collection), records.get(collection)?.get(key)))
      if (taken.length < limits.most) take(link.collection, link.key, depth + 1);
  }
  const edges = taken.flatMap(({ collection, key, depth }) =>
    linksOf(byId.get(collection), records.get(collection)?.get(key))
      .filter((link) => keys.get(link.collection)?.has(link.key) !== true)
      .map((link): CutEdge => {
        const absent = records.get(link.collection)?.has(link.key) !== true;
        const target = { collection: link.collection, key: link.key };
        return { collection, key, field: link.field, target, why: absent ? "absent" : depth >= deepest ? "depth" : "size" };
      }),
  );
  return { keys, edges, cut: new Set(edges.map((edge) => `${edge.collection}/${edge.key}/${edge.field}`)) };
}

/** Stored links a record holds, those of computed fields apart. */
export function linksOf(
  collection: Collection | undefined,
  record: ContentRecord | undefined,
): readonly { readonly field: string; readonly collection: string; readonly key: string }[] {
  if (collection === undefined || record === undefined) return [];
  return collection.fields.flatMap((field, index) => {
    const value = record.values[index] ?? null;
    if (field.link === null || field.computed || value === null) return [];
    const target = field.link.collection;
    return (typeof value === "string" ? [value] : value).map((key) => ({ field: field.id, collection: target, key }));
  });
}
