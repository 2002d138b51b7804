/**
 * Items that differ from production where nobody knows when production changed: at the next recovery point it shows. What production held
 * before that one began, and it does not hold either, the backup lost (verification.md §4). Only keyed digests are kept, never a value.
 */
import { createHmac } from "node:crypto";
import type { Comparison } from "./compare.ts";
import type { Value } from "./content.ts";

/** A field as production held it: a digest of the value, and when it was first seen with it, ms. */
export type SeenField = readonly [digest: string, at: number];

export interface PendingItem {
  readonly collection: string;
  /** Keyed digest of its key. */
  readonly item: string;
  /** By field id; the one called `MISSING` says that the backup did not hold the item at all. */
  readonly fields: Readonly<Record<string, SeenField>>;
}

export interface Pending {
  readonly items: readonly PendingItem[];
}

/** Paper of a source. It follows from no evidence: where it is lost, whatever is pending waits one recovery point longer. */
export const PENDING_PAPER = "live.pending";
export const NOTHING_PENDING: Pending = { items: [] };
export const MISSING = "";
/** The newest stay. */
const ITEMS_MOST = 5000;

export function parsePending(paper: string | null): Pending {
  return paper === null ? NOTHING_PENDING : (JSON.parse(paper) as Pending);
}

export function isPending({ because }: Comparison): boolean {
  return because === "edited, nobody knows when" || because === "created, nobody knows when";
}

/** @returns digests that only tell that two values are the same, and only who holds the key can make them */
export function seenFields(
  key: string,
  comparison: Comparison,
  live: (field: string) => Value,
  at: number,
): Readonly<Record<string, SeenField>> {
  const digest = (value: Value): string => createHmac("sha256", key).update(JSON.stringify(value)).digest("hex").slice(0, 16);
  if (comparison.because === "created, nobody knows when") return { [MISSING]: ["", at] };
  return Object.fromEntries(comparison.fields.map((field) => [field, [digest(live(field)), at]]));
}

/**
 * @param seen now
 * @param before of the same item; undefined: it was not pending
 * @param began when the recovery point compared began to be made, ms on our clock
 * @returns `mismatch` where production held before that what the backup does not hold, else what was given; and what to remember: a value
 * seen twice was there since the first time
 */
export function settle(
  comparison: Comparison,
  seen: PendingItem["fields"],
  before: PendingItem | undefined,
  began: number,
): { readonly comparison: Comparison; readonly fields: PendingItem["fields"] } {
  const fields = Object.fromEntries(
    Object.entries(seen).map(([field, now]): [string, SeenField] => {
      const was = before?.fields[field];
      return [field, was !== undefined && was[0] === now[0] ? was : now];
    }),
  );
  const settled = Object.entries(fields).filter(([field, one]) => one === before?.fields[field] && one[1] < began);
  if (settled.length === 0) return { comparison, fields };
  const missing = MISSING in fields;
  return {
    comparison: {
      result: "mismatch",
      because: missing ? "still missing at the next backup" : "still different at the next backup",
      fields: missing ? [] : settled.map(([field]) => field),
    },
    fields,
  };
}

/**
 * @param looked items that were compared now, as `collection/item`: what was pending of them and is not in `now` is settled
 */
export function pendingAfter(before: Pending, looked: ReadonlySet<string>, now: readonly PendingItem[]): Pending {
  const kept = before.items.filter((one) => !looked.has(`${one.collection}/${one.item}`));
  const newest = (one: PendingItem): number => Math.max(...Object.values(one.fields).map(([, at]) => at));
  return { items: [...now, ...kept].toSorted((a, b) => newest(b) - newest(a)).slice(0, ITEMS_MOST) };
}
