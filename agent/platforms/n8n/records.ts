/** Rows of data tables in key order, by keyset: n8n's cursor is an offset, which loses rows where others are deleted meanwhile. */
import type { Collection, ContentRecord } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import { canonical, timeOf } from "../../products/n8n/tables.ts";
import { type Client, type Condition, MOST_ROWS, type RowQuery } from "./client.ts";
import { cutShort, schemaChanged, unexpected } from "./errors.ts";
import type { Row } from "./schema.ts";

/** Keys in one filter: addresses stay short enough for every proxy. */
const KEYS_A_REQUEST = 50;

export interface Reading {
  readonly after: string | null;
  readonly since: number | null;
  readonly pageSize: number;
  readonly signal: AbortSignal;
}

export async function* pagesOf(client: Client, collection: Collection, reading: Reading): AsyncGenerator<readonly ContentRecord[]> {
  const { signal, since } = reading;
  await checkSchema(client, collection, signal);
  for (let after = Number(reading.after ?? 0), doubted = -1; ;) {
    signal.throwIfAborted();
    const newer = since === null ? [] : [{ columnName: "updatedAt", condition: "gte" as const, value: new Date(since).toISOString() }];
    const filter: Condition = { type: "and", filters: [{ columnName: "id", condition: "gt", value: after }, ...newer] };
    const rows = await readRows(client, collection, { filter, limit: reading.pageSize }, signal);
    const last = rows.at(-1);
    if (last === undefined) {
      // n8n tells no number of rows: an answer that lost its own would look like the end. Asked from the other side, it is or is not.
      const [greatest] = await readRows(client, collection, { filter, limit: 1, newestFirst: true }, signal);
      if (greatest !== undefined) {
        if (doubted === after) throw cutShort();
        doubted = after;
        continue;
      }
      // A column that went while rows were read would look like one that is empty.
      await checkSchema(client, collection, signal);
      return;
    }
    if (rows.length > reading.pageSize) throw unexpected("more rows than were asked for");
    const next = Number(keyOf(last));
    if (!(next > after)) throw unexpected("the same rows again");
    yield rows.map((row) => recordOf(row, collection));
    after = next;
  }
}

export async function recordsByKey(
  client: Client,
  collection: Collection,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<readonly ContentRecord[]> {
  await checkSchema(client, collection, signal);
  // Greater ones than the database's integers are an error there, not nothing.
  const askable = [...new Set(keys)].filter((key) => /^\d{1,10}$/u.test(key) && Number(key) < 2 ** 31);
  const found: ContentRecord[] = [];
  for (let at = 0; at < askable.length; at += KEYS_A_REQUEST) {
    signal.throwIfAborted();
    const chunk = askable.slice(at, at + KEYS_A_REQUEST);
    const filters = chunk.map((key) => ({ columnName: "id", condition: "eq" as const, value: Number(key) }));
    const rows = await readRows(client, collection, { filter: { type: "or", filters }, limit: MOST_ROWS }, signal);
    found.push(...rows.map((row) => recordOf(row, collection)));
  }
  return found;
}

/** @throws AgentError `transient` code `schema-changed` */
async function checkSchema(client: Client, collection: Collection, signal: AbortSignal): Promise<void> {
  const table = await orChanged(collection, () => client.table(collection.id, signal));
  const columns = new Map(table.columns.map((column) => [column.id, column]));
  for (const field of collection.fields) {
    const column = columns.get(field.id);
    if (column === undefined || column.name !== field.name || column.type !== field.platformType) throw schemaChanged(collection.id);
  }
}

async function readRows(client: Client, collection: Collection, query: RowQuery, signal: AbortSignal): Promise<readonly Row[]> {
  return orChanged(collection, () => client.rows(collection.id, query, signal));
}

function recordOf(row: Row, collection: Collection): ContentRecord {
  return {
    key: keyOf(row),
    values: collection.fields.map((field) => {
      if (!(field.name in row)) throw schemaChanged(collection.id);
      return canonical(field.type, row[field.name]);
    }),
    createdAt: timeOf(row["createdAt"]),
    updatedAt: timeOf(row["updatedAt"]),
  };
}

function keyOf(row: Row): string {
  const key = row["id"];
  if (typeof key === "number" || (typeof key === "string" && key !== "")) return String(key);
  throw unexpected("a row without its id");
}

async function orChanged<T>(collection: Collection, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof AgentError && thrown.kind === "not_found") throw schemaChanged(collection.id, thrown);
    throw thrown;
  }
}
