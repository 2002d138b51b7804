/** Rows into a table. */
import type { DuckDBAppender, DuckDBType, DuckDBValue } from "@duckdb/node-api";
import type { Collection, ContentRecord, Value } from "../../core/content.ts";
import { LIST_TYPES } from "../../core/content.ts";
import type { Database } from "./database.ts";
import { asSandboxError } from "./trouble.ts";

const CHUNK_ROWS = 2048;
/** The library reserves room for this many list items a column and chunk, and crashes natively beyond. */
const CHUNK_LIST_ITEMS = 2048;
/** A chunk ends early when its texts are long; a buffer is written out before it outgrows the memory bound. */
const CHUNK_CHARACTERS = 2_000_000;
const FLUSH_CHARACTERS = 16_000_000;

export interface Writer {
  /** One row, aligned with the types; `characters` is about how long it is. */
  add(row: readonly DuckDBValue[], characters: number): void;
  /** Writes what is pending. */
  end(): void;
}

/** A chunk at a time; rows with very long lists value by value. The order in the table may differ: the ordinal tells it. */
export function rowWriter(database: Database, appender: DuckDBAppender, types: readonly DuckDBType[]): Writer {
  let columns: DuckDBValue[][] = types.map(() => []);
  let rows = 0;
  let listItems = 0;
  let characters = 0;
  let sinceFlush = 0;

  const writeChunk = (): void => {
    if (rows === 0) return;
    const chunk = database.library.DuckDBDataChunk.create(types);
    chunk.setColumns(columns);
    appender.appendDataChunk(chunk);
    columns = types.map(() => []);
    rows = 0;
    listItems = 0;
    sinceFlush += characters;
    characters = 0;
  };
  const writeRow = (row: readonly DuckDBValue[], length: number): void => {
    for (const [index, type] of types.entries()) appendOne(appender, row[index] ?? null, type);
    appender.endRow();
    sinceFlush += length;
  };
  const add = (row: readonly DuckDBValue[], length: number): void => {
    const items = longestList(row);
    if (items > CHUNK_LIST_ITEMS) {
      writeRow(row, length);
      return;
    }
    if (listItems + items > CHUNK_LIST_ITEMS) writeChunk();
    for (const [index, column] of columns.entries()) column.push(row[index] ?? null);
    rows += 1;
    listItems += items;
    characters += length;
    if (rows >= CHUNK_ROWS || characters > CHUNK_CHARACTERS) writeChunk();
  };

  return {
    add: (row, length) =>
      translated(() => {
        add(row, length);
        if (sinceFlush <= FLUSH_CHARACTERS) return;
        appender.flushSync();
        sinceFlush = 0;
      }),
    end: () =>
      translated(() => {
        writeChunk();
        appender.flushSync();
      }),
  };
}

function longestList(row: readonly DuckDBValue[]): number {
  let longest = 0;
  for (const value of row) {
    if (value !== null && typeof value === "object" && "items" in value) longest = Math.max(longest, value.items.length);
  }
  return longest;
}

/** The typed ways in are about eight times as fast as `appendValue`. */
function appendOne(appender: DuckDBAppender, value: DuckDBValue, type: DuckDBType): void {
  if (value === null) appender.appendNull();
  else if (typeof value === "string") appender.appendVarchar(value);
  else if (typeof value === "bigint") appender.appendBigInt(value);
  else appender.appendValue(value, type);
}

function translated(work: () => void): void {
  try {
    work();
  } catch (thrown) {
    throw asSandboxError(thrown);
  }
}

/** Types of a rows table: key, ordinal, created, updated, then one a field. */
export function rowTypes(library: Database["library"], collection: Collection): readonly DuckDBType[] {
  const { VARCHAR, BIGINT, TIMESTAMP, LIST } = library;
  const list = LIST(VARCHAR);
  return [VARCHAR, BIGINT, TIMESTAMP, TIMESTAMP, ...collection.fields.map((field) => (LIST_TYPES.has(field.type) ? list : VARCHAR))];
}

/** Given one record, return its row and about how many characters it holds. */
export function rowOf(
  library: Database["library"],
  collection: Collection,
  record: ContentRecord,
  ordinal: number,
): { readonly row: DuckDBValue[]; readonly characters: number } {
  const row: DuckDBValue[] = [record.key, BigInt(ordinal), timestamp(library, record.createdAt), timestamp(library, record.updatedAt)];
  let characters = record.key.length;
  for (const [index, field] of collection.fields.entries()) {
    const value = record.values[index] ?? null;
    characters += lengthOf(value);
    row.push(LIST_TYPES.has(field.type) ? listOf(library, value) : textOf(value));
  }
  return { row, characters };
}

function timestamp(library: Database["library"], ms: number | null): DuckDBValue {
  // Beyond what a Date can hold it is no time at all.
  return ms === null || !Number.isFinite(ms) || Math.abs(ms) > 8.64e15
    ? null
    : new library.DuckDBTimestampValue(BigInt(Math.trunc(ms)) * 1000n);
}

/** Text that stands where a list was declared is kept, as a list of one: `records.types` reports it. */
function listOf(library: Database["library"], value: Value): DuckDBValue {
  if (value === null || value.length === 0) return null;
  return library.listValue(typeof value === "string" ? [value] : [...value]);
}

function textOf(value: Value): string | null {
  if (value === null || value.length === 0) return null;
  return typeof value === "string" ? value : JSON.stringify(value);
}

function lengthOf(value: Value): number {
  if (value === null) return 0;
  return typeof value === "string" ? value.length : value.reduce((sum, item) => sum + item.length, 0);
}
