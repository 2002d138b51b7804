/** Exports of Directus as tests want them: the real one of test/fixtures, changed, or written anew. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ContentRecord, Value } from "../../../../agent/core/content.ts";
import type { Content, Recognition } from "../../../../agent/core/ports.ts";
import { directusFormat } from "../../../../agent/formats/directus/index.ts";
import { contextIn, probeOf } from "../../../contracts/format.ts";

export const format = directusFormat.create();
export const made = (name: string): string => fileURLToPath(new URL(`../../../fixtures/directus/${name}`, import.meta.url));

/** Path within the artifact → text; null removes what was there. */
export type Files = Readonly<Record<string, string | null>>;

export async function within<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "rw-directus-format-"));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** @param from a fixture that the files are laid over, or null */
export async function writeExport(directory: string, from: string | null, files: Files): Promise<string> {
  const path = join(directory, "export");
  await mkdir(path);
  if (from !== null) await cp(made(from), path, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    if (text === null) await rm(join(path, name), { recursive: true });
    else await writeFile(join(path, name), text);
  }
  return path;
}

export interface Seen {
  readonly content: Content;
  records(collection: string): Promise<readonly RecordObject[]>;
}

export interface RecordObject extends Omit<ContentRecord, "values"> {
  readonly values: Readonly<Record<string, Value>>;
}

/** Opens what was written, for as long as `look` takes. */
export function seen<T>(from: string | null, files: Files, look: (seen: Seen) => Promise<T>): Promise<T> {
  return within(async (directory) => {
    const content = await format.open(await probeOf(await writeExport(directory, from, files)), contextIn(directory));
    try {
      return await look({ content, records: (collection) => recordsIn(content, collection) });
    } finally {
      await content.close();
    }
  });
}

export function problemsOf(from: string | null, files: Files): Promise<Content["integrity"]> {
  return seen(from, files, ({ content }) => Promise.resolve(content.integrity));
}

export function recognised(from: string | null, files: Files): Promise<Recognition> {
  return within(async (directory) => format.recognise(await probeOf(await writeExport(directory, from, files))));
}

async function recordsIn(content: Content, collection: string): Promise<readonly RecordObject[]> {
  const fields = content.collections.find((one) => one.id === collection)?.fields ?? [];
  const records: RecordObject[] = [];
  for await (const batch of content.records(collection, new AbortController().signal))
    for (const record of batch)
      records.push({ ...record, values: Object.fromEntries(fields.map((field, at) => [field.id, record.values[at] ?? null])) });
  return records;
}

export async function textOf(name: string): Promise<string> {
  return readFile(made(name), "utf8");
}

/** A made schema: fields by collection, `name: [type, more]`; the first is the key. */
export function snapshotOf(
  tables: Readonly<Record<string, Readonly<Record<string, readonly [string, object?]>>>>,
  relations: readonly object[] = [],
): string {
  const fields = Object.entries(tables).flatMap(([collection, own]) =>
    Object.entries(own).map(([field, [type, more = {}]], at) => ({
      collection,
      field,
      type,
      meta: { special: null },
      schema:
        type === "alias"
          ? undefined
          : { is_primary_key: at === 0, is_nullable: at > 0, has_auto_increment: at === 0 && type === "integer" },
      ...more,
    })),
  );
  const collections = Object.keys(tables).map((collection) => ({ collection, meta: { singleton: false }, schema: { name: collection } }));
  return JSON.stringify({ version: 1, directus: "12.4.0", vendor: "postgres", collections, fields, relations });
}
