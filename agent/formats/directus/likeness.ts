/** Which file of many holds the schema of a Directus project, judged by what the files hold; the beginning of each is enough. */

export interface Likeness {
  /** 0 to 1, as a Recognition. */
  readonly confidence: number;
  /** Directus' version where the beginning says it, or null. */
  readonly version: string | null;
}

/** Where the schema is: one snapshot, or the three lists that directus-template-cli writes. */
export type SchemaPlace =
  | { readonly kind: "snapshot"; readonly name: string; readonly others: readonly string[]; readonly likeness: Likeness }
  | { readonly kind: "lists"; readonly folder: string };

const NO: Likeness = { confidence: 0, version: null };
const JSON_START = /^\ufeff?\s*\{\s*(?:"data"\s*:\s*\{\s*)?/u;
/** In this order Directus writes it; in another one, whoever sorted it. */
const JSON_TOLD = /^"version"\s*:\s*\d+\s*,\s*"directus"\s*:\s*"(\d[\w.+-]{0,40})"/u;
const JSON_SORTED = /^"collections"\s*:\s*\[\s*\{\s*"collection"\s*:\s*"[^"]+"\s*,\s*"meta"\s*:\s*(?:\{|null)/u;
const SNAPSHOT_NAME = /(?:^|[-_. /])(?:snapshot|schema)(?:[-_. ][^/]*)?\.(?:ya?ml|json)$/iu;
/** A snapshot lies no deeper: `folder/template/src/schema/snapshot.json`. */
const MAX_DEPTH = 5;
const MOST_LOOKED_AT = 12;
const HEAD_BYTES = 8192;

export function likenessOf(head: Uint8Array): Likeness {
  const text = new TextDecoder().decode(head.subarray(0, HEAD_BYTES));
  const start = JSON_START.exec(text);
  if (start !== null) {
    const rest = text.slice(start[0].length);
    const version = JSON_TOLD.exec(rest)?.[1];
    if (version !== undefined) return { confidence: 0.97, version };
    return JSON_SORTED.test(rest) ? { confidence: 0.8, version: null } : NO;
  }
  const version = /^directus:\s*(['"]?)(\d[\w.+-]{0,40})\1\s*$/mu.exec(text)?.[2];
  const framed = /^version:\s*\d+\s*$/mu.test(text) && /^(?:vendor|collections):/mu.test(text);
  return version !== undefined && framed ? { confidence: 0.97, version } : NO;
}

/** @returns what belongs to the artifact: not the marks that desktops and archivers leave behind */
export function named(names: Iterable<string>): readonly string[] {
  return [...names].filter((name) => !/(?:^|\/)(?:__MACOSX\/|\._|\.DS_Store$|Thumbs\.db$|\.git\/)/u.test(name)).sort();
}

/**
 * @param look the first bytes of a file
 * @returns null where none of them is a schema of Directus
 */
export async function findSchema(
  names: readonly string[],
  look: (name: string, bytes: number) => Promise<Uint8Array>,
): Promise<SchemaPlace | null> {
  // A capture of this agent holds a snapshot too, and is a bag.
  if (names.some((name) => /^(?:[^/]+\/)?bagit\.txt$/u.test(name))) return null;
  const depth = (name: string): number => name.split("/").length;
  const candidates = names
    .filter((name) => SNAPSHOT_NAME.test(name) && depth(name) <= MAX_DEPTH)
    .sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
  const found: { readonly name: string; readonly likeness: Likeness }[] = [];
  for (const name of candidates.slice(0, MOST_LOOKED_AT)) {
    if (found[0] !== undefined && depth(name) > depth(found[0].name)) break;
    const likeness = likenessOf(await look(name, HEAD_BYTES));
    if (likeness.confidence >= 0.5) found.push({ name, likeness });
  }
  // Of several that bear dates, the latest.
  const last = found.at(-1);
  if (last !== undefined) {
    const others = found.filter((one) => one !== last).map((one) => one.name);
    return { kind: "snapshot", name: last.name, others, likeness: last.likeness };
  }
  for (const name of names.filter((one) => /(?:^|\/)collections\.json$/u.test(one) && depth(one) <= MAX_DEPTH).slice(0, MOST_LOOKED_AT)) {
    const folder = name.slice(0, -"collections.json".length);
    if (!names.includes(`${folder}fields.json`) || !names.includes(`${folder}relations.json`)) continue;
    const [collections, fields] = [await textOf(look, name), await textOf(look, `${folder}fields.json`)];
    if (/^\s*\[\s*\{\s*"collection"\s*:/u.test(collections) && /^\s*\[\s*\{\s*"collection"\s*:\s*"[^"]*"\s*,\s*"field"\s*:/u.test(fields))
      return { kind: "lists", folder };
  }
  return null;
}

async function textOf(look: (name: string, bytes: number) => Promise<Uint8Array>, name: string): Promise<string> {
  return new TextDecoder().decode(await look(name, HEAD_BYTES));
}
