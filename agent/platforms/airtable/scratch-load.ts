/** A backup into the scratch base: tables of each shape once, links when all tables are there, rows ten at a time, then links and files. */
import type { Collection, ContentRecord, Field } from "../../core/content.ts";
import { sha256Hex } from "../../core/ids.ts";
import type { Json, LoadOutcome, LoadTurn, RestoreSet } from "../../core/platform-ports.ts";
import { type Client, MOST_WRITES } from "./client.ts";
import { isRefusal, unexpected } from "./errors.ts";
import { documentsSchema, type Table, type TableField } from "./schema.ts";
import { count, fieldIn, type Refused, uploadFiles } from "./scratch-files.ts";
import { emptyTable } from "./scratch-rows.ts";
import { PEOPLE, toAirtable } from "./values.ts";

/** Holds the key of the backup: ids are Airtable's own. */
export const KEY_FIELD = "restorewatch key";

export async function loadBase(
  client: Client,
  base: string,
  prefix: string,
  set: RestoreSet,
  signal: AbortSignal,
  turn?: (next: LoadTurn) => void,
): Promise<LoadOutcome> {
  const refused: Refused = new Map();
  const shapes = shapesOf(set);
  const tables = new Map<string, Table>();
  for (const collection of set.collections)
    tables.set(collection.id, await tableFor(client, base, tableName(prefix, collection, shapes), collection, shapes, refused, signal));
  await addLinks(client, base, set.collections, tables, signal);
  const now = new Map((await client.tables(base, signal)).map((table) => [table.id, table]));
  for (const [id, table] of tables) tables.set(id, now.get(table.id) ?? table);
  const unrestorable = unrestorableOf(set, shapes, refused);
  const members = await membersOf(client, base, signal);
  const keys = new Map<string, Map<string, string>>();
  for (const collection of set.collections) {
    turn?.({ step: "records", collection: collection.id });
    keys.set(collection.id, await insertRows(client, base, collection, set, tables, { members, unrestorable, refused }, signal));
  }
  for (const collection of set.collections) {
    turn?.({ step: "links", collection: collection.id });
    await setLinks(client, base, collection, set, tables, keys, signal);
  }
  for (const collection of set.collections) {
    turn?.({ step: "files", collection: collection.id });
    await uploadFiles(client, base, collection, set, tables, keys, refused, signal);
  }
  return {
    claimed: new Map([...keys].map(([id, given]) => [id, given.size])),
    keys,
    refused: [...refused.values()],
    unrestorable: [...unrestorable],
  };
}

/** Fields as Airtable described them, by id. */
export function shapesOf(set: Pick<RestoreSet, "originals">): ReadonlyMap<string, TableField> {
  const read = documentsSchema.safeParse(set.originals["schema"]);
  return new Map((read.success ? read.data.tables : []).flatMap((table) => table.fields.map((field) => [field.id, field] as const)));
}

/** Tables cannot be changed or deleted: one of another shape is another table. */
export function tableName(prefix: string, collection: Collection, shapes: ReadonlyMap<string, TableField>): string {
  const shape = collection.fields
    .filter((field) => !field.computed)
    .map((field) => [field.id, field.name, field.platformType, field.link?.collection ?? null, optionsFor(shapes.get(field.id), field)]);
  return `${prefix}${collection.id} ${sha256Hex(JSON.stringify(shape)).slice(0, 8)}`;
}

async function tableFor(
  client: Client,
  base: string,
  name: string,
  collection: Collection,
  shapes: ReadonlyMap<string, TableField>,
  refused: Refused,
  signal: AbortSignal,
): Promise<Table> {
  const found = (await client.tables(base, signal)).find((table) => table.name === name);
  if (found !== undefined) {
    // What a killed drill left.
    await emptyTable(client, base, found, signal);
    return found;
  }
  const fields = collection.fields.filter((field) => !field.computed && field.link === null).map((field) => bodyOf(field, shapes));
  try {
    return await client.createTable(base, { name, fields: [{ name: KEY_FIELD, type: "singleLineText" }, ...fields] }, signal);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    count(refused, "records", "Airtable refuses a table with the fields the backup holds", 1);
    return client.createTable(base, { name, fields: [{ name: KEY_FIELD, type: "singleLineText" }] }, signal);
  }
}

function bodyOf(field: Field, shapes: ReadonlyMap<string, TableField>): Json {
  const options = optionsFor(shapes.get(field.id), field);
  return { name: field.name, type: field.platformType, ...(options === null ? {} : { options }) };
}

/** Only what may be given when a field is made: ids and what Airtable works out itself are refused. */
function optionsFor(shape: TableField | undefined, field: Field): Json | null {
  const options = shape?.options ?? null;
  if (field.platformType === "singleSelect" || field.platformType === "multipleSelects")
    return { choices: (field.options ?? []).map((name) => ({ name })) };
  if (options === null || PEOPLE.has(field.platformType) || field.platformType === "multipleAttachments") return null;
  return options;
}

/** One side of each pair is made, the other comes by itself and gets its name. */
async function addLinks(
  client: Client,
  base: string,
  collections: readonly Collection[],
  tables: ReadonlyMap<string, Table>,
  signal: AbortSignal,
): Promise<void> {
  for (const collection of collections)
    for (const field of madeLinks(collection, collections)) {
      const table = tables.get(collection.id);
      const target = tables.get(field.link?.collection ?? "");
      if (table === undefined || target === undefined || table.fields.some((one) => one.name === field.name)) continue;
      const body = { name: field.name, type: field.platformType, options: { linkedTableId: target.id } };
      const made = await client.createField(base, table.id, body, signal);
      const inverse = made.options?.["inverseLinkFieldId"];
      const theirs = collections.find((one) => one.id === field.link?.collection)?.fields.find((one) => one.id === field.link?.reciprocal);
      if (typeof inverse === "string" && theirs !== undefined && theirs.id !== field.id)
        await client.renameField(base, target.id, inverse, theirs.name, signal);
    }
}

/** The sides that are made and written: of a pair the one whose id comes first, and every link without another side. */
export function madeLinks(collection: Collection, collections: readonly Collection[]): readonly Field[] {
  const all = new Set(collections.flatMap((one) => one.fields.map((field) => field.id)));
  return collection.fields.filter((field) => {
    if (field.link === null || field.computed) return false;
    const other = field.link.reciprocal;
    return other === null || !all.has(other) || field.id <= other;
  });
}

function unrestorableOf(set: RestoreSet, shapes: ReadonlyMap<string, TableField>, refused: Refused): Set<string> {
  const gone = new Set<string>();
  for (const collection of set.collections)
    for (const field of collection.fields) {
      if (field.computed) count(refused, "structure", `Airtable's API makes no field of type ${field.platformType}`, 1);
      // Whose other side lies in a table the backup does not hold.
      if (field.link !== null && !field.computed && !set.collections.some((one) => one.id === field.link?.collection))
        gone.add(`${collection.id}/${field.id}`);
      if (!shapes.has(field.id)) gone.add(`${collection.id}/${field.id}`);
    }
  return gone;
}

async function membersOf(client: Client, base: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const people = await client.people(base, signal);
  const each = people.individualCollaborators;
  return new Set([...(each?.baseCollaborators ?? []), ...(each?.workspaceCollaborators ?? [])].map((one) => one.userId));
}

interface Writing {
  readonly members: ReadonlySet<string>;
  readonly unrestorable: Set<string>;
  readonly refused: Refused;
}

async function insertRows(
  client: Client,
  base: string,
  collection: Collection,
  set: RestoreSet,
  tables: ReadonlyMap<string, Table>,
  writing: Writing,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const given = new Map<string, string>();
  const table = tables.get(collection.id);
  const records = set.records.get(collection.id) ?? [];
  if (table === undefined) return given;
  const send = async (part: readonly ContentRecord[]): Promise<void> => {
    signal.throwIfAborted();
    try {
      const bodies = part.map((record) => ({ fields: cellsOf(record, collection, table, writing) }));
      const answer = await client.insert(base, table.id, bodies, signal);
      if (answer.records.length !== part.length) throw unexpected("fewer new records than were sent");
      part.forEach((record, at) => given.set(record.key, answer.records[at]?.id ?? ""));
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      // One value that it does not take refuses all ten.
      if (part.length === 1) count(writing.refused, "records", "Airtable refuses a record with the values the backup holds", 1);
      else for (const half of [part.slice(0, part.length >> 1), part.slice(part.length >> 1)]) await send(half);
    }
  };
  for (let at = 0; at < records.length; at += MOST_WRITES) await send(records.slice(at, at + MOST_WRITES));
  return given;
}

function cellsOf(record: ContentRecord, collection: Collection, table: Table, writing: Writing): Record<string, Json> {
  const cells: Record<string, Json> = { [fieldIn(table, KEY_FIELD) ?? KEY_FIELD]: record.key };
  for (const [at, field] of collection.fields.entries()) {
    const place = fieldIn(table, field.name);
    const value = record.values[at] ?? null;
    if (place === null || field.computed || field.link !== null || field.type === "files" || value === null) continue;
    if (PEOPLE.has(field.platformType)) {
      const ids = typeof value === "string" ? [value] : value;
      if (ids.some((id) => !writing.members.has(id))) {
        writing.unrestorable.add(`${collection.id}/${field.id}`);
        count(writing.refused, "access", "people of production do not work in the scratch base", 1);
        continue;
      }
      cells[place] = typeof value === "string" ? { id: value } : value.map((id) => ({ id }));
      continue;
    }
    const sent = toAirtable(field, value);
    if (sent !== undefined) cells[place] = sent;
  }
  return cells;
}

async function setLinks(
  client: Client,
  base: string,
  collection: Collection,
  set: RestoreSet,
  tables: ReadonlyMap<string, Table>,
  keys: ReadonlyMap<string, ReadonlyMap<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const table = tables.get(collection.id);
  const made = madeLinks(collection, set.collections);
  if (table === undefined || made.length === 0) return;
  const changes: Json[] = [];
  for (const record of set.records.get(collection.id) ?? []) {
    const id = keys.get(collection.id)?.get(record.key);
    if (id === undefined) continue;
    const fields: Record<string, Json> = {};
    for (const field of made) {
      const place = fieldIn(table, field.name);
      const value = record.values[collection.fields.indexOf(field)] ?? null;
      if (place === null || value === null) continue;
      const theirs = keys.get(field.link?.collection ?? "");
      const ids = (typeof value === "string" ? [value] : value).flatMap((key) => theirs?.get(key) ?? []);
      if (ids.length > 0) fields[place] = ids;
    }
    if (Object.keys(fields).length > 0) changes.push({ id, fields });
  }
  for (let at = 0; at < changes.length; at += MOST_WRITES) {
    signal.throwIfAborted();
    await client.change(base, table.id, changes.slice(at, at + MOST_WRITES), signal);
  }
}
