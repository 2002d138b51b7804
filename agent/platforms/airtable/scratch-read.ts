/** What the scratch base holds after a load, in the ids of the backup. */
import { createHash } from "node:crypto";
import type { Collection, ContentRecord, Field, Value } from "../../core/content.ts";
import type { LoadOutcome, ReadBack, RestoreSet } from "../../core/platform-ports.ts";
import { type Client, MOST_ROWS } from "./client.ts";
import { collectionOf } from "./model.ts";
import { listing } from "./records.ts";
import type { Row, Table } from "./schema.ts";
import { fieldIn } from "./scratch-files.ts";
import { KEY_FIELD, shapesOf, tableName } from "./scratch-load.ts";
import { attachmentsOf, canonical } from "./values.ts";

export async function readBase(
  client: Client,
  base: string,
  prefix: string,
  set: RestoreSet,
  loaded: LoadOutcome,
  signal: AbortSignal,
): Promise<ReadBack> {
  const shapes = shapesOf(set);
  const tables = await client.tables(base, signal);
  const back = new Map(
    [...loaded.keys].map(([id, keys]) => [id, new Map([...keys].map(([ours, theirs]): [string, string] => [theirs, ours]))]),
  );
  const collections: Collection[] = [];
  const records = new Map<string, readonly ContentRecord[]>();
  const fileDigests = new Map<string, string>();
  for (const ours of set.collections) {
    const table = tables.find((one) => one.name === tableName(prefix, ours, shapes));
    if (table === undefined) continue;
    const fields = fieldsOf(ours, table);
    collections.push({ ...ours, fields: fields.map((one) => one.field) });
    const read: ContentRecord[] = [];
    for await (const rows of listing(
      client,
      { base, pageSize: MOST_ROWS },
      table,
      { fields: table.fields.map((field) => field.id) },
      signal,
    ))
      for (const row of rows) {
        read.push({
          key: keyOf(row, table, back.get(ours.id)),
          values: fields.map((one) => valueOf(row, one, back)),
          createdAt: null,
          updatedAt: null,
        });
        for (const { place } of fields.filter((one) => one.field.type === "files"))
          for (const one of attachmentsOf(row.fields[place])) {
            const bytes = await client.download(one.url, signal);
            const hash = createHash("sha256");
            for await (const part of bytes) hash.update(part);
            fileDigests.set(idIn(one.filename ?? ""), hash.digest("hex"));
          }
      }
    records.set(ours.id, read);
  }
  return {
    collections,
    automations: [],
    credentials: [],
    files: set.files.filter((file) => fileDigests.has(file.id)),
    access: [],
    settings: [],
    views: [],
    aspects: set.aspects,
    records,
    fileDigests,
    running: [],
  };
}

interface ReadField {
  readonly field: Field;
  /** Id in the scratch table. */
  readonly place: string;
}

/** Of the backup's fields those that are there, with the type they have there; computed ones cannot be made. */
function fieldsOf(ours: Collection, table: Table): readonly ReadField[] {
  const theirs = collectionOf(table);
  return ours.fields.flatMap((field): ReadField[] => {
    const place = fieldIn(table, field.name);
    const there = theirs.fields.find((one) => one.id === place);
    return place === null || there === undefined || field.computed
      ? []
      : [{ field: { ...field, type: there.type, platformType: there.platformType }, place }];
  });
}

/** The key as the load knows it; and as the row itself tells, which must be the same. */
function keyOf(row: Row, table: Table, back: ReadonlyMap<string, string> | undefined): string {
  const told = row.fields[fieldIn(table, KEY_FIELD) ?? ""];
  const known = back?.get(row.id);
  return known !== undefined && known === told ? known : `?${row.id}`;
}

function valueOf(row: Row, { field, place }: ReadField, back: ReadonlyMap<string, ReadonlyMap<string, string>>): Value {
  const cell = row.fields[place];
  if (field.type === "files") {
    const ids = attachmentsOf(cell).map((one) => idIn(one.filename ?? ""));
    return ids.length === 0 ? null : ids.sort();
  }
  const value = canonical(field.type, cell);
  if (field.link === null || value === null) return value;
  const keys = back.get(field.link.collection);
  return (typeof value === "string" ? [value] : [...value]).map((id) => keys?.get(id) ?? `?${id}`).sort();
}

/** The id of the backup that an upload carried in its name. */
function idIn(filename: string): string {
  return filename.split(" ")[0] ?? "";
}
