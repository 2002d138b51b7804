/**
 * Comparing records of a backup with those of a product: with production, where people went on working (verification.md §4), and with a
 * scratch workspace, where nothing but our restore happened. Pure; values are canonical on both sides.
 */
import type { Collection, ContentRecord, Field, Value } from "./content.ts";

export const COMPARED = ["match", "changed", "mismatch", "unverifiable"] as const;
export type Compared = (typeof COMPARED)[number];

export interface Comparison {
  readonly result: Compared;
  /** Why, from a fixed set of phrases: fit for spans and examples. */
  readonly because:
    | "equal"
    | "edited since"
    | "edited before the backup began"
    | "edited, nobody knows when"
    | "created since"
    | "created before the backup began"
    | "created, nobody knows when"
    | "deleted since"
    | "could not be read"
    | "still different at the next backup"
    | "still missing at the next backup";
  /** Ids of the fields that differ. */
  readonly fields: readonly string[];
}

export interface ComparisonTimes {
  /** When the backup began to read, ms since the epoch, on our clock. */
  readonly startedAt: number;
  /** Clock of the product minus ours, and how far off it may be. */
  readonly skewMs: number;
  readonly toleranceMs: number;
  /** False where the product's update time is missing or does not tell every change. */
  readonly updatesTold: boolean;
}

/** Pairs of columns that hold the same stored field on both sides, by field id. Computed fields are compared nowhere: they follow from others. */
export function comparableFields(
  ours: Collection,
  theirs: Collection,
): {
  readonly pairs: readonly { readonly field: Field; readonly ours: number; readonly theirs: number }[];
  readonly gone: readonly Field[];
} {
  const places = new Map(theirs.fields.map((field, index) => [field.id, index]));
  const stored = ours.fields.map((field, index) => ({ field, index })).filter(({ field }) => !field.computed);
  return {
    pairs: stored.flatMap(({ field, index }) => {
      const place = places.get(field.id);
      return place === undefined || theirs.fields[place]?.computed === true ? [] : [{ field, ours: index, theirs: place }];
    }),
    gone: stored.filter(({ field }) => !places.has(field.id)).map(({ field }) => field),
  };
}

export function sameValue(a: Value, b: Value): boolean {
  if (isEmpty(a) || isEmpty(b)) return isEmpty(a) && isEmpty(b);
  if (typeof a === "string" || typeof b === "string") return a === b;
  return a !== null && b !== null && a.length === b.length && a.every((one, index) => one === b[index]);
}

/** Absent, empty text and an empty list are one and the same (verification.md §2). */
function isEmpty(value: Value): boolean {
  return value === null || value.length === 0;
}

/** @returns ids of the paired fields whose values differ; `skip` names fields that were not restored (`collection/key/field`) */
export function differingFields(
  ours: ContentRecord,
  theirs: ContentRecord,
  pairs: readonly { readonly field: Field; readonly ours: number; readonly theirs: number }[],
): readonly string[] {
  return pairs
    .filter((pair) => !sameValue(ours.values[pair.ours] ?? null, theirs.values[pair.theirs] ?? null))
    .map((pair) => pair.field.id);
}

/**
 * One item of the union of the backup's and production's keys.
 * @param live undefined where it could not be read, null where production does not have it
 */
export function compareWithProduction(
  backup: ContentRecord | null,
  live: ContentRecord | null | undefined,
  pairs: readonly { readonly field: Field; readonly ours: number; readonly theirs: number }[],
  times: ComparisonTimes,
): Comparison {
  if (live === undefined) return { result: "unverifiable", because: "could not be read", fields: [] };
  if (live === null) return { result: "changed", because: "deleted since", fields: [] };
  // On the product's clock, and a little before: what happened while the backup began may or may not be in it.
  const began = times.startedAt + times.skewMs - times.toleranceMs;
  if (backup === null) {
    if (live.createdAt === null) return { result: "unverifiable", because: "created, nobody knows when", fields: [] };
    return live.createdAt < began
      ? { result: "mismatch", because: "created before the backup began", fields: [] }
      : { result: "changed", because: "created since", fields: [] };
  }
  const fields = differingFields(backup, live, pairs);
  if (fields.length === 0) return { result: "match", because: "equal", fields };
  if (!times.updatesTold || live.updatedAt === null) return { result: "unverifiable", because: "edited, nobody knows when", fields };
  return live.updatedAt < began
    ? { result: "mismatch", because: "edited before the backup began", fields }
    : { result: "changed", because: "edited since", fields };
}

/** What a scratch workspace gave back of one collection. */
export interface ReadBackComparison {
  readonly expected: number;
  readonly found: number;
  /** Keys that did not come back, and keys nobody put in. */
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  readonly different: readonly { readonly key: string; readonly fields: readonly string[] }[];
  /** Fields of the backup that the workspace does not have. */
  readonly fieldsGone: readonly string[];
}

/**
 * @param cut links that were not restored, as `collection/key/field`
 * @param unrestorable ids of fields the product does not let anybody write, told as fidelity
 */
export function compareReadBack(
  ours: { readonly collection: Collection; readonly records: readonly ContentRecord[] },
  theirs: { readonly collection: Collection; readonly records: readonly ContentRecord[] } | null,
  options: { readonly cut: ReadonlySet<string>; readonly unrestorable: ReadonlySet<string> },
): ReadBackComparison {
  const found = new Map((theirs?.records ?? []).map((record) => [record.key, record]));
  const { pairs, gone } =
    theirs === null ? { pairs: [], gone: [...ours.collection.fields] } : comparableFields(ours.collection, theirs.collection);
  const restored = pairs.filter((pair) => !options.unrestorable.has(pair.field.id));
  const missing: string[] = [];
  const different: { key: string; fields: readonly string[] }[] = [];
  for (const record of ours.records) {
    const back = found.get(record.key);
    found.delete(record.key);
    if (back === undefined) {
      missing.push(record.key);
      continue;
    }
    const fields = differingFields(record, back, restored).filter(
      (field) => !options.cut.has(`${ours.collection.id}/${record.key}/${field}`),
    );
    if (fields.length > 0) different.push({ key: record.key, fields });
  }
  return {
    expected: ours.records.length,
    found: theirs?.records.length ?? 0,
    missing,
    extra: [...found.keys()],
    different,
    fieldsGone: gone.filter((field) => !field.computed && !options.unrestorable.has(field.id)).map((field) => field.id),
  };
}
