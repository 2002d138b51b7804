/** Whether what was read is one state of the product, and what to say where it is not. Pure. */
import type { Collection } from "../../core/content.ts";
import type { Described, Json } from "../../core/platform-ports.ts";
import { canonicalJson } from "../../kit/json.ts";

/** What must not change while records are read: without it, half of them are in one shape and half in another. */
export function structureOf(described: Described): string {
  const collections = described.collections.map(({ id, fields }) => ({
    id,
    fields: fields.map(({ id: field, type, platformType, link, computed }) => ({ field, type, platformType, link, computed })),
  }));
  return JSON.stringify(collections.sort((a, b) => (a.id < b.id ? -1 : 1)));
}

/** Everything else of the product that changed between the beginning and the end, one sentence a kind. */
export function changedMetadata(before: Described, after: Described): readonly string[] {
  const kinds: readonly [string, (described: Described) => readonly (readonly [string, string])[]][] = [
    ["automation", (one) => one.automations.map((each) => [each.id, `${each.bodyDigest} ${each.active}`])],
    ["credential", (one) => one.credentials.map((each) => [each.id, each.type])],
    ["view", (one) => one.views.map((each) => [each.id, `${each.name} ${each.type}`])],
    ["role or permission", (one) => one.access.map((each) => [`${each.kind} ${each.id}`, each.digest])],
    ["setting", (one) => one.settings.map((each) => [each.id, each.digest])],
    ["file", (one) => one.files.map((each) => [each.id, String(each.bytes)])],
  ];
  return kinds.flatMap(([kind, of]) => {
    const [first, second] = [new Map(of(before)), new Map(of(after))];
    const changed = [...new Set([...first.keys(), ...second.keys()])].filter((id) => first.get(id) !== second.get(id)).length;
    return changed === 0 ? [] : [`${changed} ${kind}${changed === 1 ? "" : "s"} changed while it was read.`];
  });
}

/** The product's own documents that differ between the beginning and the end: what a restore needs and the model does not hold. */
export function changedOriginals(before: Readonly<Record<string, Json>>, after: Readonly<Record<string, Json>>): readonly string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names
    .filter((name) => canonicalJson(before[name] ?? null) !== canonicalJson(after[name] ?? null))
    .map((name) => `The product's own document ${name} changed while it was read.`);
}

export interface ReadCollection {
  readonly collection: Collection;
  readonly read: number;
  /** Records the product said it had, before and after; null where it says nothing. */
  readonly before: number | null;
  readonly after: number | null;
  /** Records read that were updated after the capture began; null where the product does not tell. */
  readonly editedMeanwhile: number | null;
}

/**
 * @returns sentences about what moved, and what cannot be explained by people working: fewer records than the product had at either time
 */
export function countsOf(collections: readonly ReadCollection[]): {
  readonly changed: readonly string[];
  readonly short: readonly string[];
} {
  const changed: string[] = [];
  const short: string[] = [];
  for (const { collection, read, before, after, editedMeanwhile } of collections) {
    const told = [before, after].filter((count) => count !== null);
    const [least, most] = [Math.min(...told), Math.max(...told)];
    if (told.length > 0 && (read < least || read > most))
      short.push(`${collection.name}: ${read} records were read, the product has ${least === most ? least : `${least} to ${most}`}.`);
    else if (before !== null && after !== null && before !== after)
      changed.push(
        `${collection.name}: ${Math.abs(after - before)} records were ${after > before ? "added" : "removed"} while it was read.`,
      );
    if (editedMeanwhile !== null && editedMeanwhile > 0)
      changed.push(`${collection.name}: ${editedMeanwhile} records were written while it was read.`);
  }
  return { changed, short };
}
