/**
 * What differs between an approved baseline and another point, in words a person can decide on: a field that was renamed is not one dropped
 * and one added, options in another order are nothing. Pure, and over names, counts and digests alone; records value by value are compared
 * by the check where both are at hand.
 */
import type { PointFacts } from "./values.ts";

export const DIFFERENCE_KINDS = [
  "collection-lost",
  "collection-added",
  "collection-renamed",
  "field-lost",
  "field-added",
  "field-renamed",
  "field-type",
  "field-rule",
  "field-options",
  "field-link",
  "field-formula",
  "records-lost",
  "records-removed",
  "records-added",
  "records-edited",
  "records-damaged",
  "automation-lost",
  "automation-added",
  "automation-changed",
  "automation-switched",
  "credential-lost",
  "credential-added",
  "view-lost",
  "view-added",
  "access-lost",
  "access-added",
  "access-changed",
  "setting-lost",
  "setting-added",
  "setting-changed",
  "template-lost",
  "template-added",
  "template-changed",
  "file-lost",
  "file-added",
  "file-changed",
] as const;
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

export interface Difference {
  readonly kind: DifferenceKind;
  /** `loss`: nothing that goes on by itself, or more of it than ordinary life; `change`: it can be. */
  readonly weight: "loss" | "change";
  /** Name of the collection it is in, or null. */
  readonly collection: string | null;
  /** Name of what differs; people's schema, never their data. */
  readonly what: string;
  /** Items it is about. */
  readonly count: number;
  /** One phrase. */
  readonly note: string;
}

export interface BaselineLimits {
  /** Share of a collection's records that may go without its being a loss. */
  readonly removedShare: number;
  /** So few may go from a collection of any size. */
  readonly removedFew: number;
}

export const BASELINE_LIMITS: BaselineLimits = { removedShare: 0.05, removedFew: 3 };

type CollectionFacts = PointFacts["collections"][number];
type FieldFacts = CollectionFacts["fields"][number];

/** Collections of both that are the same: by id, else by name, else by their fields. */
export function pairedCollections(
  before: readonly CollectionFacts[],
  now: readonly CollectionFacts[],
): {
  readonly pairs: readonly (readonly [CollectionFacts, CollectionFacts])[];
  readonly lost: readonly CollectionFacts[];
  readonly added: readonly CollectionFacts[];
} {
  const like = (a: CollectionFacts, b: CollectionFacts): boolean => a.fields.length > 0 && namesOf(a).join("\n") === namesOf(b).join("\n");
  return paired(before, now, [(a, b) => a.id === b.id, (a, b) => a.name === b.name, like]);
}

/**
 * Fields of both that are the same: by id, else by name, else the only two left of one type in the same place.
 * @param alike whether the values of two fields that no name connects are the same, where that was looked at
 */
export function pairedFields(
  before: readonly FieldFacts[],
  now: readonly FieldFacts[],
  alike: (before: FieldFacts, now: FieldFacts) => boolean | null = () => null,
): {
  readonly pairs: readonly (readonly [FieldFacts, FieldFacts])[];
  readonly lost: readonly FieldFacts[];
  readonly added: readonly FieldFacts[];
} {
  const sameType = (a: FieldFacts, b: FieldFacts): boolean => a.type === b.type && a.computed === b.computed;
  const samePlace = (a: FieldFacts, b: FieldFacts): boolean => before.indexOf(a) === now.indexOf(b) && before.length === now.length;
  return paired(before, now, [
    (a, b) => a.id === b.id,
    (a, b) => a.name === b.name,
    (a, b) => sameType(a, b) && alike(a, b) === true,
    (a, b) => sameType(a, b) && samePlace(a, b) && alike(a, b) !== false,
  ]);
}

function paired<T>(
  before: readonly T[],
  now: readonly T[],
  rules: readonly ((a: T, b: T) => boolean)[],
): { readonly pairs: readonly (readonly [T, T])[]; readonly lost: readonly T[]; readonly added: readonly T[] } {
  const pairs: (readonly [T, T])[] = [];
  let [lost, added] = [[...before], [...now]];
  for (const rule of rules) {
    const found: (readonly [T, T])[] = [];
    for (const one of lost) {
      const other = added.find((each) => !found.some(([, taken]) => taken === each) && rule(one, each));
      if (other !== undefined) found.push([one, other]);
    }
    pairs.push(...found);
    lost = lost.filter((one) => !found.some(([taken]) => taken === one));
    added = added.filter((one) => !found.some(([, taken]) => taken === one));
  }
  return { pairs, lost, added };
}

function namesOf(collection: CollectionFacts): readonly string[] {
  return collection.fields.map(({ name }) => name).toSorted();
}

/** @returns everything that differs, losses first; empty: nothing does */
export function differencesOf(
  before: PointFacts,
  now: PointFacts,
  options: {
    readonly limits?: BaselineLimits;
    /** Collections (ids of now) whose records are compared one by one elsewhere: their numbers alone say nothing more. */
    readonly compared?: ReadonlySet<string>;
    readonly alike?: (collection: string, before: FieldFacts, now: FieldFacts) => boolean | null;
  } = {},
): readonly Difference[] {
  const limits = options.limits ?? BASELINE_LIMITS;
  const found: Difference[] = [];
  const { pairs, lost, added } = pairedCollections(before.collections, now.collections);
  for (const one of lost)
    found.push(loss("collection-lost", null, one.name, one.records, `the collection is gone, with ${one.records} records`));
  for (const one of added) found.push(change("collection-added", null, one.name, one.records, "is new"));
  for (const [old, one] of pairs) {
    if (old.name !== one.name) found.push(change("collection-renamed", one.name, one.name, 1, `was called ${old.name}`));
    found.push(...fieldDifferences(old, one, (a, b) => options.alike?.(one.id, a, b) ?? null));
    if (options.compared?.has(one.id) !== true) found.push(...countDifferences(old, one, limits));
  }
  found.push(...metadataDifferences(before, now));
  return sorted(found);
}

export function sorted(differences: readonly Difference[]): readonly Difference[] {
  const rank = (one: Difference): number => (one.weight === "loss" ? 0 : 1);
  return differences.toSorted((a, b) => rank(a) - rank(b) || DIFFERENCE_KINDS.indexOf(a.kind) - DIFFERENCE_KINDS.indexOf(b.kind));
}

function fieldDifferences(
  old: CollectionFacts,
  one: CollectionFacts,
  alike: (before: FieldFacts, now: FieldFacts) => boolean | null,
): Difference[] {
  const { pairs, lost, added } = pairedFields(old.fields, one.fields, alike);
  const found: Difference[] = [
    ...lost.map((field) =>
      field.computed
        ? change("field-lost", one.name, field.name, 1, "the computed field is gone")
        : loss("field-lost", one.name, field.name, 1, "the field is gone"),
    ),
    ...added.map((field) => change("field-added", one.name, field.name, 1, "is new")),
  ];
  for (const [was, is] of pairs) {
    if (was.name !== is.name) found.push(change("field-renamed", one.name, is.name, 1, `was called ${was.name}`));
    if (was.type !== is.type) found.push(loss("field-type", one.name, is.name, 1, `was ${was.type}, is ${is.type}`));
    else if (differ(was.platformType, is.platformType))
      found.push(change("field-type", one.name, is.name, 1, `was ${was.platformType ?? ""}, is ${is.platformType ?? ""}`));
    if (was.required === true && is.required === false) found.push(loss("field-rule", one.name, is.name, 1, "is no longer required"));
    if (was.required === false && is.required === true) found.push(change("field-rule", one.name, is.name, 1, "is required now"));
    if (was.unique === true && is.unique === false) found.push(loss("field-rule", one.name, is.name, 1, "is no longer unique"));
    if (was.unique === false && is.unique === true) found.push(change("field-rule", one.name, is.name, 1, "is unique now"));
    if (differ(was.options, is.options)) found.push(change("field-options", one.name, is.name, 1, "offers other options"));
    if (differ(was.link, is.link)) found.push(loss("field-link", one.name, is.name, 1, "leads to another collection"));
    if (differ(was.formula, is.formula)) found.push(change("field-formula", one.name, is.name, 1, "computes something else"));
  }
  return found;
}

/** What one of them does not tell is no difference. */
function differ(was: string | null | undefined, is: string | null | undefined): boolean {
  return was !== undefined && is !== undefined && was !== is;
}

function countDifferences(old: CollectionFacts, one: CollectionFacts, limits: BaselineLimits): Difference[] {
  const by = one.records - old.records;
  if (by > 0) return [change("records-added", one.name, one.name, by, `${by} more records than ${old.records}`)];
  return by === 0 ? [] : [removed(one.name, old.records, -by, limits)];
}

/** Records that are gone: a few are ordinary life, many or all are a loss. */
export function removed(collection: string, before: number, count: number, limits: BaselineLimits = BASELINE_LIMITS): Difference {
  const many = count === before || (count > limits.removedFew && count > before * limits.removedShare);
  const note = `${count} of ${before} records are gone`;
  return many && before > 0
    ? loss("records-lost", collection, collection, count, note)
    : change("records-removed", collection, collection, count, note);
}

function metadataDifferences(before: PointFacts, now: PointFacts): Difference[] {
  const found: Difference[] = [];
  const kinds = [
    ["automation", before.automations, now.automations],
    ["view", before.views, now.views],
    ["credential", asItems(before.credentials), asItems(now.credentials)],
    ["access", accessItems(before), accessItems(now)],
    ["setting", settingItems(before.settings), settingItems(now.settings)],
    ["template", before.templates ?? [], now.templates ?? []],
  ] as const;
  for (const [kind, old, current] of kinds) {
    const { pairs, lost, added } = paired<Item>(old, current, [(a, b) => a.id === b.id]);
    // What a connector or format tells of only in newer versions was not lost before.
    if (kind === "setting" && (before.settings === undefined || now.settings === undefined)) continue;
    if (kind === "template" && (before.templates === undefined || now.templates === undefined)) continue;
    for (const one of lost) found.push(loss(`${kind}-lost`, null, one.name, 1, "is gone"));
    for (const one of added) found.push(change(`${kind}-added`, null, one.name, 1, "is new"));
    for (const [was, is] of pairs) {
      if (kind === "automation" && was.active !== is.active)
        found.push(change("automation-switched", null, is.name, 1, is.active === true ? "is switched on now" : "is switched off now"));
      if (differ(was.digest, is.digest) && kind !== "view" && kind !== "credential")
        found.push(change(`${kind}-changed`, null, is.name, 1, "does something else now"));
    }
  }
  return found;
}

interface Item {
  readonly id: string;
  readonly name: string;
  readonly digest?: string;
  readonly active?: boolean;
}

function asItems(ids: readonly string[]): readonly Item[] {
  return ids.map((id) => ({ id, name: id }));
}

function accessItems(facts: PointFacts): readonly Item[] {
  return facts.access.map((one) => ({ id: `${one.kind} ${one.id}`, name: `${one.kind} ${one.id}`, digest: one.digest }));
}

function settingItems(settings: PointFacts["settings"]): readonly Item[] {
  return (settings ?? []).map((one) => ({ id: one.id, name: one.id, digest: one.digest }));
}

export function loss(kind: DifferenceKind, collection: string | null, what: string, count: number, note: string): Difference {
  return { kind, weight: "loss", collection, what, count, note };
}

export function change(kind: DifferenceKind, collection: string | null, what: string, count: number, note: string): Difference {
  return { kind, weight: "change", collection, what, count, note };
}

/** `Orders.Customer: the field is gone`. */
export function describeDifference({ collection, what, note }: Difference): string {
  return `${collection === null || collection === what ? what : `${collection}.${what}`}: ${note}`;
}
