/**
 * What differed between a backup and production, field by field, for the eyes of people on the agent's machine. These are people's data: they
 * are bounded, expire, and go into no evidence, telemetry or answer of the API.
 */
import { sameValue, type Compared, type Comparison } from "./compare.ts";
import type { Collection, ContentRecord, Field, Value } from "./content.ts";

export interface DifferentField {
  readonly field: string;
  /** As text, an excerpt around where they part; null: empty. */
  readonly backup: string | null;
  readonly production: string | null;
}

export interface DifferentItem {
  readonly collection: string;
  readonly key: string;
  readonly result: Exclude<Compared, "match">;
  readonly because: Comparison["because"];
  /** Of the item as each side tells it, ms; null: it does not. */
  readonly backupUpdatedAt: number | null;
  readonly productionUpdatedAt: number | null;
  readonly productionCreatedAt: number | null;
  readonly fields: readonly DifferentField[];
  /** Fields that differ and are not listed. */
  readonly more: number;
}

/** Of one comparison. JSON. */
export interface Differences {
  readonly version: 1;
  readonly sourceId: string;
  readonly drillId: string;
  readonly pointId: string;
  /** When the backup began to be made, and when production was read. */
  readonly startedAt: number;
  readonly comparedAt: number;
  /** Not kept any longer than this. */
  readonly expiresAt: number;
  /** The gravest first. */
  readonly items: readonly DifferentItem[];
  /** Items that differ and are not listed. */
  readonly more: number;
}

const ITEMS_MOST = 100;
const FIELDS_MOST = 20;
const TEXT_MOST = 300;
/** Of what is equal before they part, so much is shown. */
const LEAD = 40;
const GRAVITY: readonly Compared[] = ["mismatch", "unverifiable", "changed"];

/** An item that is not equal, with what both sides hold of it. */
export interface Sides {
  readonly collection: Collection;
  readonly key: string;
  readonly comparison: Comparison;
  readonly backup: ContentRecord | null;
  readonly production: ContentRecord | null;
  readonly pairs: readonly { readonly field: Field; readonly ours: number; readonly theirs: number }[];
}

/** @returns the gravest of them, bounded */
export function differentItems(sides: readonly Sides[]): Pick<Differences, "items" | "more"> {
  const graver = (one: Sides): number => GRAVITY.indexOf(one.comparison.result);
  const chosen = sides
    .filter(({ comparison }) => comparison.result !== "match")
    .toSorted((a, b) => graver(a) - graver(b))
    .slice(0, ITEMS_MOST);
  const all = sides.filter(({ comparison }) => comparison.result !== "match").length;
  return { items: chosen.map(differentItem), more: all - chosen.length };
}

function differentItem({ collection, key, comparison, backup, production, pairs }: Sides): DifferentItem {
  // Where one side has no such record its values say nothing that its key does not.
  const both = backup !== null && production !== null;
  const differing = both
    ? pairs.filter(({ ours, theirs }) => !sameValue(backup.values[ours] ?? null, production.values[theirs] ?? null))
    : [];
  return {
    collection: collection.name,
    key,
    result: comparison.result === "match" ? "unverifiable" : comparison.result,
    because: comparison.because,
    backupUpdatedAt: backup?.updatedAt ?? null,
    productionUpdatedAt: production?.updatedAt ?? null,
    productionCreatedAt: production?.createdAt ?? null,
    fields: differing.slice(0, FIELDS_MOST).map(({ field, ours, theirs }): DifferentField => {
      const [one, other] = excerpts(textOf(backup?.values[ours] ?? null), textOf(production?.values[theirs] ?? null));
      return { field: field.name, backup: one, production: other };
    }),
    more: Math.max(0, differing.length - FIELDS_MOST),
  };
}

function textOf(value: Value): string | null {
  if (value === null || value.length === 0) return null;
  return typeof value === "string" ? value : value.join(", ");
}

/** Both from a little before where they part, so that two long texts do not look the same. */
export function excerpts(a: string | null, b: string | null): readonly [string | null, string | null] {
  let parts = 0;
  if (a !== null && b !== null) while (parts < a.length && parts < b.length && a[parts] === b[parts]) parts += 1;
  const longest = Math.max(a?.length ?? 0, b?.length ?? 0);
  const from = longest <= TEXT_MOST ? 0 : Math.max(0, parts - LEAD);
  return [cut(a, from), cut(b, from)];
}

function cut(text: string | null, from: number): string | null {
  if (text === null) return null;
  const piece = text.slice(from, from + TEXT_MOST).toWellFormed();
  return `${from > 0 ? "…" : ""}${piece}${from + TEXT_MOST < text.length ? "…" : ""}`;
}
