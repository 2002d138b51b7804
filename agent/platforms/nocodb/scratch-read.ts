/** What a base of ours holds, in the ids of the backup: names are unique within their table, keys were mapped when they were given. */
import { createHash } from "node:crypto";
import type { Collection, ContentRecord, Value } from "../../core/content.ts";
import type { LoadOutcome, ReadBack, RestoreSet } from "../../core/platform-ports.ts";
import { type Client, MOST_ROWS } from "./client.ts";
import { type FilePlace, readInventory } from "./inventory.ts";
import { bytesOf } from "./platform.ts";
import { pagesOf } from "./records.ts";
import { uploadedId } from "./scratch-records.ts";

export async function readBase(client: Client, base: string, set: RestoreSet, loaded: LoadOutcome, signal: AbortSignal): Promise<ReadBack> {
  const { inventory, files } = await readInventory(client, base, signal);
  const ours = new Map(set.collections.map((collection) => [collection.name, collection]));
  const backups = new Map<string, Collection>();
  for (const theirs of inventory.collections) {
    const collection = ours.get(theirs.name);
    if (collection !== undefined) backups.set(theirs.id, collection);
  }
  const idOf = (table: string | null): string | null => (table === null ? null : (backups.get(table)?.id ?? `?${table}`));
  const back = new Map(
    [...loaded.keys].map(([id, keys]) => [id, new Map([...keys].map(([key, given]): [string, string] => [given, key]))]),
  );
  const fileIds = new Map([...files].map(([id, place]) => [id, uploadedId(place.attachment.path) ?? `?${id}`]));
  const collections: Collection[] = [];
  const records = new Map<string, readonly ContentRecord[]>();
  for (const theirs of inventory.collections) {
    const mapped = translated(theirs, backups, idOf);
    collections.push(mapped);
    const read: ContentRecord[] = [];
    for await (const page of pagesOf(client, theirs, { after: null, pageSize: MOST_ROWS, signal }))
      read.push(...page.map((record) => translatedRecord(record, mapped, back, fileIds)));
    records.set(mapped.id, read);
  }
  const named = <T extends { readonly name: string }>(items: readonly T[], one: T): T | undefined =>
    items.find((other) => other.name === one.name);
  const automations = inventory.automations.map((one) => ({ ...one, id: named(set.automations, one)?.id ?? `?${one.id}` }));
  const { credentials, access, settings, aspects } = inventory;
  return {
    credentials,
    access,
    settings,
    aspects,
    collections,
    records,
    automations,
    views: inventory.views.map((view) => {
      const collection = idOf(view.collection);
      const known = set.views.find((other) => other.collection === collection && other.name === view.name);
      return { ...view, collection, id: known?.id ?? `?${view.id}` };
    }),
    files: inventory.files.map((file) => ({ ...file, id: fileIds.get(file.id) ?? `?${file.id}` })),
    fileDigests: await digestsOf(client, files, fileIds, signal),
    running: automations.filter((one) => one.active).map((one) => one.id),
  };
}

function translated(
  theirs: Collection,
  backups: ReadonlyMap<string, Collection>,
  idOf: (table: string | null) => string | null,
): Collection {
  const ours = backups.get(theirs.id);
  if (ours === undefined) return { ...theirs, id: `?${theirs.id}` };
  const fieldId = (collection: Collection | undefined, name: string): string | null =>
    collection?.fields.find((field) => field.name === name)?.id ?? null;
  return {
    ...theirs,
    id: ours.id,
    fields: theirs.fields.map((field) => {
      const known = ours.fields.find((one) => one.name === field.name);
      const link =
        field.link === null
          ? null
          : { ...field.link, collection: idOf(field.link.collection) ?? "", reciprocal: known?.link?.reciprocal ?? null };
      return { ...field, id: fieldId(ours, field.name) ?? `?${field.id}`, link };
    }),
  };
}

function translatedRecord(
  record: ContentRecord,
  collection: Collection,
  back: ReadonlyMap<string, ReadonlyMap<string, string>>,
  fileIds: ReadonlyMap<string, string>,
): ContentRecord {
  const mapped = (value: Value, to: (one: string) => string): Value =>
    value === null ? null : typeof value === "string" ? to(value) : value.map(to).sort();
  return {
    ...record,
    key: back.get(collection.id)?.get(record.key) ?? `?${record.key}`,
    values: collection.fields.map((field, at) => {
      const value = record.values[at] ?? null;
      if (field.link !== null) {
        const keys = back.get(field.link.collection);
        return mapped(value, (one) => keys?.get(one) ?? `?${one}`);
      }
      return field.type === "files" ? mapped(value, (one) => fileIds.get(one) ?? `?${one}`) : value;
    }),
  };
}

async function digestsOf(
  client: Client,
  files: ReadonlyMap<string, FilePlace>,
  fileIds: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>();
  for (const [id, place] of files) {
    const hash = createHash("sha256");
    for await (const part of bytesOf(client, { id }, place, signal)) hash.update(part);
    digests.set(fileIds.get(id) ?? id, hash.digest("hex"));
  }
  return digests;
}
