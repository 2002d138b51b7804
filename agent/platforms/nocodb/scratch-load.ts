/** A backup into a base of ours: tables, webhooks switched off, links and computed columns, views, and only then records. */
import type { Collection } from "../../core/content.ts";
import type { Json, LoadOutcome, LoadTurn, RestoreSet } from "../../core/platform-ports.ts";
import type { Client } from "./client.ts";
import type { ColumnDocument, TableDocument } from "./documents.ts";
import { documentsOf, type Mapping, Refusals } from "./restoring.ts";
import { createdSchema, type Table } from "./schema.ts";
import { addComputed, addLinks } from "./scratch-columns.ts";
import { insertRecords, setLinks } from "./scratch-records.ts";
import { addHooks, addViews } from "./scratch-views.ts";
import { COMPUTED } from "./values.ts";

export async function loadBase(
  client: Client,
  base: string,
  set: RestoreSet,
  signal: AbortSignal,
  turn?: (next: LoadTurn) => void,
): Promise<LoadOutcome> {
  const documents = documentsOf(set);
  const byId = new Map(documents.tables.map((table) => [table.id, table]));
  const refusals = new Refusals();
  const mapping: Mapping = { tables: new Map(), columns: new Map() };
  for (const collection of set.collections) {
    signal.throwIfAborted();
    const made = await createTable(client, base, collection, byId.get(collection.id), signal);
    mapping.tables.set(collection.id, made.id);
    for (const field of collection.fields) {
      const column = made.columns.find((one) => one.title === field.name);
      if (column !== undefined) mapping.columns.set(field.id, column.id);
    }
    for (const other of byId.get(collection.id)?.others ?? []) {
      const column = made.columns.find((one) => one.title === other.title);
      if (column !== undefined) mapping.columns.set(other.id, column.id);
    }
  }
  const restored = documents.tables.filter((table) => mapping.tables.has(table.id));
  await addLinks(client, set.collections, byId, mapping, refusals, signal);
  await addComputed(client, restored, mapping, refusals, signal);
  for (const table of restored) await addHooks(client, table, mapping, refusals, signal);
  for (const table of restored) await addViews(client, table, mapping, refusals, signal);
  const members = new Set((await client.users(base, signal)).map((user) => user.id));
  const keys = new Map<string, ReadonlyMap<string, string>>();
  const claimed = new Map<string, number>();
  for (const collection of set.collections) {
    turn?.({ step: "records", collection: collection.id });
    const given = await insertRecords(client, collection, set, mapping, members, refusals, signal);
    keys.set(collection.id, given);
    claimed.set(collection.id, given.size);
  }
  await setLinks(client, set, keys, mapping, refusals, signal, turn);
  return { claimed, keys, ...refusals.told() };
}

async function createTable(
  client: Client,
  base: string,
  collection: Collection,
  document: TableDocument | undefined,
  signal: AbortSignal,
): Promise<Table> {
  const columns = collection.fields
    .filter((field) => field.link === null && !COMPUTED.has(field.platformType))
    .map((field, at) =>
      columnBody(
        field.name,
        field.platformType,
        at,
        document?.columns.find((column) => column.id === field.id),
      ),
    );
  const body = {
    title: collection.name,
    table_name: `t${collection.id}`,
    columns: [{ title: "Id", column_name: "id", uidt: "ID" }, ...columns],
  };
  const made = await client.send("POST", "/api/v2/meta/bases/{base}/tables", { base }, body, createdSchema, signal);
  return client.table(made.id, signal);
}

function columnBody(title: string, uidt: string, at: number, document: ColumnDocument | undefined): Json {
  const options = document?.options ?? [];
  return {
    title,
    // Names in the database are ours: people's titles need not fit there.
    column_name: `c${at}`,
    uidt,
    pv: document?.display === true,
    ...(document === undefined ? {} : { meta: document.meta, cdf: document.default, description: document.description }),
    ...(options.length === 0
      ? {}
      : { colOptions: { options: options.map((option, order) => ({ title: option.title, color: option.color, order: order + 1 })) } }),
  };
}
