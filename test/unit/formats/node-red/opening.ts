/** Opens what a test wrote, and reads its records as objects. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeRedFormat } from "../../../../agent/formats/node-red/index.ts";
import type { Value } from "../../../../agent/core/content.ts";
import type { Content, FormatContext, Recognition } from "../../../../agent/core/ports.ts";
import { contextIn, probeOf } from "../../../contracts/format.ts";
import { type UserDirOptions, writeUserDir } from "../../../fixtures/node-red/user-dir.ts";

export const format = nodeRedFormat.create();

export async function openPath(path: string, more: Partial<FormatContext> = {}): Promise<Content> {
  return format.open(await probeOf(path), contextIn(tmpdir(), more));
}

/** Within a directory that is removed afterwards. */
export async function within<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "rw-node-red-"));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What is read into memory at once outlives its file, as Node-RED content does. */
export function openText(text: string | Uint8Array, more: Partial<FormatContext> = {}): Promise<Content> {
  return within(async (directory) => {
    await writeFile(join(directory, "artifact"), text);
    return openPath(join(directory, "artifact"), more);
  });
}

export function openNodes(nodes: unknown, more: Partial<FormatContext> = {}): Promise<Content> {
  return openText(JSON.stringify(nodes), more);
}

export function openDir(options: UserDirOptions, more: Partial<FormatContext> = {}): Promise<Content> {
  return within(async (directory) => openPath(await writeUserDir(directory, options), more));
}

export function recogniseText(text: string | Uint8Array): Promise<Recognition> {
  return within(async (directory) => {
    await writeFile(join(directory, "artifact"), text);
    return format.recognise(await probeOf(join(directory, "artifact")));
  });
}

export interface RecordObject {
  readonly key: string;
  readonly values: Readonly<Record<string, Value>>;
}

export async function recordsIn(content: Content, collectionId: string): Promise<RecordObject[]> {
  const fields = content.collections.find((each) => each.id === collectionId)?.fields ?? [];
  const records: RecordObject[] = [];
  for await (const batch of content.records(collectionId, new AbortController().signal))
    for (const { key, values } of batch)
      records.push({ key, values: Object.fromEntries(fields.map((field, i) => [field.id, values[i] ?? null])) });
  return records;
}

/** Every link that leads nowhere, `collection/key.field → target`, and every one whose other side does not know of it. */
export async function brokenLinks(content: Content): Promise<string[]> {
  const keys = new Map<string, Set<string>>();
  const pairs: { from: string; key: string; field: string; target: string; to: string; reciprocal: string | null }[] = [];
  for (const collection of content.collections) {
    const records = await recordsIn(content, collection.id);
    keys.set(collection.id, new Set(records.map((each) => each.key)));
    for (const { id, link } of collection.fields)
      for (const record of link === null ? [] : records)
        for (const target of [record.values[id] ?? []].flat())
          pairs.push({
            from: collection.id,
            key: record.key,
            field: id,
            target,
            to: link?.collection ?? "",
            reciprocal: link?.reciprocal ?? null,
          });
  }
  const known = new Set(pairs.map((pair) => [pair.from, pair.key, pair.field, pair.target].join("\u0000")));
  const dangling = pairs.filter((pair) => keys.get(pair.to)?.has(pair.target) !== true);
  const oneSided = pairs.filter(
    (pair) =>
      pair.reciprocal !== null && !dangling.includes(pair) && !known.has([pair.to, pair.target, pair.reciprocal, pair.key].join("\u0000")),
  );
  const told = (pair: (typeof pairs)[number]): string => `${pair.from}/${pair.key}.${pair.field} → ${pair.target}`;
  return [...dangling.map(told), ...oneSided.map((pair) => `${told(pair)} one-sided`)];
}
