/**
 * Records in key order. Number keys are asked for by "greater than the last one": a delete meanwhile loses nothing. Directus has no such
 * question for texts and uuids: their keys are listed first, and records read by key.
 */
import type { Collection, ContentRecord, Field, Value } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import type { Json, LiveKey } from "../../core/platform-ports.ts";
import { z } from "zod";
import type { Client } from "./client.ts";
import { refusalOf, schemaChanged, unexpected } from "./errors.ts";
import { anyLinks, concealed, type Shape, shapeOf } from "../../products/directus/model.ts";
import { collectionSchema, type DirectusRelation, relationSchema, type Row } from "./schema.ts";
import { canonical, timeOf } from "../../products/directus/values.ts";

/** A key list may shift under our pages so often before we give up. */
const LISTINGS = 5;
const MOST_INT = 2n ** 31n - 1n;
const MOST_BIGINT = 2n ** 63n - 1n;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/iu;

export interface ReadOptions {
  readonly after: string | null;
  /** Only what was created or updated at or after it, ms since the epoch. */
  readonly since: number | null;
  readonly pageSize: number;
  readonly signal: AbortSignal;
}

interface Reading {
  readonly client: Client;
  readonly collection: Collection;
  readonly shape: Shape;
  readonly relations: readonly DirectusRelation[];
  readonly signal: AbortSignal;
}

/** What is read of a collection, as the product has it now. @throws AgentError `transient` code `schema-changed` */
export async function readingOf(client: Client, collection: Collection, signal: AbortSignal): Promise<Reading> {
  const path = "/collections/{collection}";
  return orChanged(client, collection, signal, async () => {
    const parameters = { collection: collection.id };
    const fields = await client.fields(collection.id, signal);
    const shape = shapeOf(await client.get(path, collectionSchema, signal, {}, parameters), fields);
    const relations = await client.get("/relations/{collection}", z.array(relationSchema), signal, {}, parameters);
    if (shape === null) throw schemaChanged(collection.id);
    const columns = new Map(shape.columns.map((column) => [column.field, column]));
    const any = anyLinks(collection.id, relations);
    for (const field of collection.fields) {
      const column = columns.get(any.get(field.id)?.field ?? field.id);
      if (column?.type !== field.platformType) throw schemaChanged(collection.id);
    }
    return { client, collection, shape, relations, signal };
  });
}

export async function* pagesOf(client: Client, collection: Collection, options: ReadOptions): AsyncGenerator<readonly ContentRecord[]> {
  const reading = await readingOf(client, collection, options.signal);
  const fields = askedFields(reading);
  if (isNumber(reading.shape)) {
    for await (const rows of keyset(reading, fields, options)) yield toRecords(rows, reading);
    return;
  }
  const listed = await allKeys(reading, options);
  const keys = listed.map((one) => one.key).filter((key) => options.after === null || key > options.after);
  for (const chunk of chunks(keys, options.pageSize)) {
    options.signal.throwIfAborted();
    const records = await byKeys(reading, fields, chunk);
    if (records.length > 0) yield records;
  }
}

export async function* keysOf(client: Client, collection: Collection, options: ReadOptions): AsyncGenerator<readonly LiveKey[]> {
  const reading = await readingOf(client, collection, options.signal);
  if (!isNumber(reading.shape)) {
    for (const page of chunks(await allKeys(reading, options), options.pageSize)) yield page;
    return;
  }
  for await (const rows of keyset(reading, keyFields(reading.shape), options))
    yield rows.map((row) => ({ key: keyOf(row, reading.shape), ...timesOf(row, reading.shape) }));
}

export async function recordsByKey(
  client: Client,
  collection: Collection,
  keys: readonly string[],
  pageSize: number,
  signal: AbortSignal,
): Promise<readonly ContentRecord[]> {
  const reading = await readingOf(client, collection, signal);
  const fields = askedFields(reading);
  const found: ContentRecord[] = [];
  for (const chunk of chunks([...new Set(keys)].filter(askable(reading.shape)), pageSize)) {
    signal.throwIfAborted();
    found.push(...(await byKeys(reading, fields, chunk)));
  }
  return found;
}

/** In the order of code points, which is nobody's collation and ours to keep. */
async function allKeys(reading: Reading, options: ReadOptions): Promise<readonly LiveKey[]> {
  const { shape, signal } = reading;
  for (let attempt = 0; attempt < LISTINGS; attempt += 1) {
    const listed = await listed1(reading, options);
    if (listed === null) continue;
    return listed
      .map((row) => ({ key: keyOf(row, shape), ...timesOf(row, shape) }))
      .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  }
  signal.throwIfAborted();
  throw new AgentError(
    "transient",
    "changed-while-listing",
    `directus: ${reading.collection.id} changed too often while its keys were listed.`,
  );
}

/** Pages overlap by one row: where that row is another one, something was inserted or deleted before it. @returns null then */
async function listed1(reading: Reading, options: ReadOptions): Promise<readonly Row[] | null> {
  const { shape, signal } = reading;
  if (shape.singleton) return ownRows(reading);
  const rows: Row[] = [];
  for (;;) {
    signal.throwIfAborted();
    const offset = Math.max(0, rows.length - 1);
    const filter = sinceFilter(shape, options.since);
    const query = {
      fields: [...keyFields(shape)],
      sort: [shape.key.field],
      limit: options.pageSize + 1,
      offset,
      ...(filter === null ? {} : { filter }),
    };
    const page = await rowsOf(reading, query);
    const last = rows.at(-1);
    const overlap = page[0];
    if (last !== undefined && (overlap === undefined || keyOf(overlap, shape) !== keyOf(last, shape))) return null;
    const fresh = last === undefined ? page : page.slice(1);
    if (fresh.length === 0) return rows;
    rows.push(...fresh);
  }
}

async function* keyset(reading: Reading, fields: readonly string[], options: ReadOptions): AsyncGenerator<readonly Row[]> {
  const { shape, signal } = reading;
  if (shape.singleton) {
    const rows = await ownRows(reading);
    if (rows.length > 0 && options.after === null) yield rows;
    return;
  }
  for (let after = options.after; ;) {
    signal.throwIfAborted();
    const wanted = [after === null ? null : { [shape.key.field]: { _gt: after } }, sinceFilter(shape, options.since)].filter(
      (one) => one !== null,
    );
    const query = {
      fields: [...fields],
      sort: [shape.key.field],
      limit: options.pageSize,
      ...(wanted.length === 0 ? {} : { filter: { _and: wanted } }),
    };
    const rows = await rowsOf(reading, query);
    const last = rows.at(-1);
    // Only an empty page is the end: an installation may allow fewer rows than we ask for.
    if (last === undefined) return;
    const next = keyOf(last, shape);
    if (next === after) throw unexpected("the same rows again");
    yield rows;
    after = next;
  }
}

async function byKeys(reading: Reading, fields: readonly string[], keys: readonly string[]): Promise<readonly ContentRecord[]> {
  const { shape } = reading;
  if (keys.length === 0) return [];
  if (shape.singleton) return toRecords(await ownRows(reading), reading).filter((record) => keys.includes(record.key));
  const found: ContentRecord[] = [];
  let left = keys;
  for (;;) {
    const query = { fields: [...fields], filter: { [shape.key.field]: { _in: [...left] } }, sort: [shape.key.field], limit: left.length };
    const records = toRecords(await rowsOf(reading, query), reading);
    found.push(...records);
    const got = new Set(records.map((record) => record.key));
    // Fewer than asked for: gone meanwhile, or cut by the installation's own limit. Asking for the rest tells which.
    const rest = left.filter((key) => !got.has(key));
    if (records.length === 0 || rest.length === 0 || rest.length === left.length) break;
    left = rest;
  }
  return found.sort((a, b) => compareKeys(a.key, b.key, shape));
}

function rowsOf(reading: Reading, query: Readonly<Record<string, Json>>): Promise<readonly Row[]> {
  const { client, collection, signal } = reading;
  return orChanged(client, collection, signal, () => client.rows(collection.id, query, signal));
}

/** One of a kind: without a record it answers with defaults and no key. */
async function ownRows(reading: Reading): Promise<readonly Row[]> {
  const { client, collection, shape, signal } = reading;
  const rows = await orChanged(client, collection, signal, () => client.single(collection.id, signal));
  return rows.filter((row) => (row[shape.key.field] ?? null) !== null);
}

function sinceFilter(shape: Shape, since: number | null): Json {
  if (since === null || shape.updated === null || shape.created === null) return null;
  const at = new Date(since).toISOString();
  return { _or: [{ [shape.updated]: { _gte: at } }, { [shape.created]: { _gte: at } }] };
}

function keyFields(shape: Shape): readonly string[] {
  return [...new Set([shape.key.field, shape.created, shape.updated].filter((one) => one !== null))];
}

function askedFields(reading: Reading): readonly string[] {
  const any = anyLinks(reading.collection.id, reading.relations);
  const stored = reading.collection.fields.map((field) => any.get(field.id)?.field ?? field.id);
  return [...new Set([...keyFields(reading.shape), ...stored, ...[...any.values()].map((one) => one.names)])];
}

function toRecords(rows: readonly Row[], reading: Reading): readonly ContentRecord[] {
  const { collection, shape } = reading;
  const any = anyLinks(collection.id, reading.relations);
  const columns = new Map(shape.columns.map((column) => [column.field, column]));
  const cell = (row: Row, field: Field): Value => {
    const link = any.get(field.id);
    if (link !== undefined) return row[link.names] === link.target ? canonical("text", row[link.field]) : null;
    if (!(field.id in row)) throw schemaChanged(collection.id);
    return concealed(columns.get(field.id)) ? null : canonical(field.type, row[field.id]);
  };
  return rows.map((row) => ({
    key: keyOf(row, shape),
    values: collection.fields.map((field) => cell(row, field)),
    ...timesOf(row, shape),
  }));
}

function timesOf(row: Row, shape: Shape): { readonly createdAt: number | null; readonly updatedAt: number | null } {
  const createdAt = shape.created === null ? null : timeOf(row[shape.created]);
  // Null until it is edited for the first time.
  return { createdAt, updatedAt: shape.updated === null ? null : (timeOf(row[shape.updated]) ?? createdAt) };
}

function keyOf(row: Row, shape: Shape): string {
  const key = row[shape.key.field];
  if (typeof key === "number" || (typeof key === "string" && key !== "")) return String(key);
  throw unexpected("a record without its key");
}

export function isNumber(shape: Pick<Shape, "key">): boolean {
  return shape.key.type === "integer" || shape.key.type === "bigInteger";
}

/** A key column asked for what it cannot hold answers with an error, not with nothing. */
function askable(shape: Shape): (key: string) => boolean {
  if (shape.key.type === "uuid") return (key) => UUID.test(key);
  if (!isNumber(shape)) return () => true;
  const most = shape.key.type === "bigInteger" ? MOST_BIGINT : MOST_INT;
  return (key) => /^-?\d{1,19}$/u.test(key) && BigInt(key) <= most && BigInt(key) >= -most;
}

export function compareKeys(a: string, b: string, shape: Pick<Shape, "key">): number {
  if (!isNumber(shape)) return a < b ? -1 : a > b ? 1 : 0;
  const [left, right] = [BigInt(a), BigInt(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

export function chunks<T>(list: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, at) => list.slice(at * size, (at + 1) * size));
}

/** Directus answers 403 for what is not there as for what one may not see: for an administrator it is the first. */
async function orChanged<T>(client: Client, collection: Collection, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof AgentError)) throw thrown;
    const refused = thrown.kind === "auth" && refusalOf(thrown)?.code === "FORBIDDEN";
    if (thrown.kind === "not_found" || (refused && (await client.admin(signal)))) throw schemaChanged(collection.id, thrown);
    throw thrown;
  }
}
