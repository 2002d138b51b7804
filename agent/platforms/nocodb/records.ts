/** Records in key order, by keyset: a delete meanwhile loses nothing. */
import type { Collection, ContentRecord, Field, Value } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import type { LiveKey } from "../../core/platform-ports.ts";
import { type Client, MOST_ROWS, type RowQuery } from "./client.ts";
import { schemaChanged, unexpected } from "./errors.ts";
import { linkReader } from "./links.ts";
import { keyColumn } from "./model.ts";
import type { Column, Page, Table } from "./schema.ts";
import { canonical, timeOf } from "./values.ts";
import { all, compared, type KeyValue, oneOf } from "./where.ts";

type Row = Page["list"][number];

/** Keys in one `in (…)`: addresses stay short enough for every proxy. */
const KEYS_A_REQUEST = 100;

export interface Shape {
  readonly table: Table;
  readonly key: Column;
  readonly created: Column | null;
  readonly updated: Column | null;
}

/** What is read of a collection, as the product has it now. @throws AgentError `transient` code `schema-changed` */
export async function shapeOf(client: Client, collection: Collection, signal: AbortSignal): Promise<Shape> {
  const table = await orChanged(collection, () => client.table(collection.id, signal));
  const columns = new Map(table.columns.map((column) => [column.id, column]));
  for (const field of collection.fields) {
    const column = columns.get(field.id);
    if (column === undefined || column.title !== field.name || column.uidt !== field.platformType) throw schemaChanged(collection.id);
  }
  const system = (uidt: string): Column | null => table.columns.find((column) => column.system && column.uidt === uidt) ?? null;
  return { table, key: keyColumn(table), created: system("CreatedTime"), updated: system("LastModifiedTime") };
}

export async function* pagesOf(
  client: Client,
  collection: Collection,
  options: { readonly after: string | null; readonly pageSize: number; readonly signal: AbortSignal },
): AsyncGenerator<readonly ContentRecord[]> {
  const shape = await shapeOf(client, collection, options.signal);
  const fields = collection.fields.filter((field) => field.link === null).map((field) => field.id);
  const links = linkReader(client, collection, shape, options.signal);
  for await (const rows of keyset(client, collection, shape, [...fields, ...links.columns], options)) {
    const keys = rows.map((row) => keyOf(row, shape));
    yield toRecords(rows, collection, shape, await orChanged(collection, () => links.read(keys, rows, true)));
  }
}

export async function* keysOf(
  client: Client,
  collection: Collection,
  options: { readonly pageSize: number; readonly signal: AbortSignal; readonly after?: string | null },
): AsyncGenerator<readonly LiveKey[]> {
  const shape = await shapeOf(client, collection, options.signal);
  for await (const rows of keyset(client, collection, shape, [], { ...options, after: options.after ?? null }))
    yield rows.map((row) => ({ key: String(keyOf(row, shape)), ...timesOf(row, shape) }));
}

export async function recordsByKey(
  client: Client,
  collection: Collection,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<readonly ContentRecord[]> {
  const shape = await shapeOf(client, collection, signal);
  // A number column asked for a word answers with an error, not with nothing.
  const askable = shape.key.uidt === "ID" ? keys.filter((key) => /^\d{1,19}$/u.test(key)) : keys;
  const links = linkReader(client, collection, shape, signal);
  const fields = [...collection.fields.filter((field) => field.link === null).map((field) => field.id), ...links.columns];
  const found: ContentRecord[] = [];
  for (let at = 0; at < askable.length; at += KEYS_A_REQUEST) {
    signal.throwIfAborted();
    const chunk = [...new Set(askable.slice(at, at + KEYS_A_REQUEST))];
    const page = await readPage(client, collection, shape, { fields, where: all(oneOf(shape.key.id, chunk)), limit: MOST_ROWS }, signal);
    const rows = page.list;
    const own = rows.map((row) => keyOf(row, shape));
    const read = await orChanged(collection, () => links.read(own, rows, false));
    found.push(...toRecords(rows, collection, shape, read));
  }
  return found;
}

async function* keyset(
  client: Client,
  collection: Collection,
  shape: Shape,
  fields: readonly string[],
  options: { readonly after: string | null; readonly pageSize: number; readonly signal: AbortSignal },
): AsyncGenerator<readonly Row[]> {
  const { signal } = options;
  const limit = Math.min(options.pageSize, MOST_ROWS);
  for (let after = options.after; ;) {
    signal.throwIfAborted();
    const where = after === null ? undefined : all(compared(shape.key.id, "gt", after));
    const page = await readPage(client, collection, shape, { fields, where, limit }, signal);
    const last = page.list.at(-1);
    // What it says of the page is believed before our own limit: an installation may allow fewer rows than we ask for.
    if (last === undefined) {
      if (!page.pageInfo.isLastPage) throw unexpected("an empty page that is not the last one");
      return;
    }
    if (page.list.length > limit) throw unexpected("more rows than were asked for");
    const next = String(keyOf(last, shape));
    if (next === after) throw unexpected("the same rows again");
    yield page.list;
    if (page.pageInfo.isLastPage) return;
    after = next;
  }
}

async function readPage(
  client: Client,
  collection: Collection,
  shape: Shape,
  query: Pick<RowQuery, "where" | "limit" | "fields">,
  signal: AbortSignal,
): Promise<Page> {
  const { key, created, updated } = shape;
  const always = [key.id, ...(created === null ? [] : [created.id]), ...(updated === null ? [] : [updated.id])];
  return orChanged(collection, () => client.rows(collection.id, { ...query, fields: [...always, ...query.fields], sort: key.id }, signal));
}

function keyOf(row: Row, shape: Shape): KeyValue {
  const key = row[shape.key.title];
  if (typeof key === "number" || (typeof key === "string" && key !== "")) return key;
  throw unexpected("a record without its key");
}

function timesOf(row: Row, shape: Shape): { readonly createdAt: number | null; readonly updatedAt: number | null } {
  const createdAt = shape.created === null ? null : timeOf(row[shape.created.title]);
  // Null until it is edited for the first time.
  const updatedAt = shape.updated === null ? null : (timeOf(row[shape.updated.title]) ?? createdAt);
  return { createdAt, updatedAt };
}

function toRecords(
  rows: readonly Row[],
  collection: Collection,
  shape: Shape,
  links: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>,
): readonly ContentRecord[] {
  const cell = (row: Row, key: string, field: Field): Value => {
    if (field.link !== null) {
      const targets = links.get(field.id)?.get(key) ?? [];
      return targets.length === 0 ? null : field.link.many ? [...new Set(targets)].sort() : (targets[0] ?? null);
    }
    // A column that was renamed comes under its new name.
    if (!(field.name in row) && field.platformType !== "Button") throw schemaChanged(collection.id);
    return canonical(field.type, field.platformType, row[field.name]);
  };
  return rows.map((row) => {
    const key = String(keyOf(row, shape));
    return { key, values: collection.fields.map((field) => cell(row, key, field)), ...timesOf(row, shape) };
  });
}

async function orChanged<T>(collection: Collection, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof AgentError && thrown.kind === "not_found") throw schemaChanged(collection.id, thrown);
    throw thrown;
  }
}
