/**
 * The fast way in: files that DuckDB reads by itself, everything as text, made canonical in SQL. A Content that offers it must give
 * the same records by `records()`; test/contracts/sandbox.ts compares the two ways.
 */
import type { Collection, SemanticType } from "../../core/content.ts";
import { LIST_TYPES } from "../../core/content.ts";
import type { BulkContent, Content } from "../../core/ports.ts";
import type { Database } from "./database.ts";

export type Bulk = NonNullable<ReturnType<BulkContent["bulk"]>>;

/** Null where the content, or this collection of it, is to be read record by record. */
export function bulkOf(content: Content, collectionId: string): Bulk | null {
  const able = content as Content & Partial<BulkContent>;
  return typeof able.bulk === "function" ? able.bulk(collectionId) : null;
}

/**
 * Statement that makes `table` of the files and their rows. Its rows lie in the order of the files, so that `rowid` is the ordinal: a
 * counted column would have to be counted in one thread.
 */
export function bulkTable(collection: Collection, table: string, bulk: Bulk): string {
  const sources = new Map(bulk.columns.map((column) => [column.field, column.source]));
  const times = [bulk.canonical?.createdSource ?? null, bulk.canonical?.updatedSource ?? null];
  const wanted = new Set([bulk.keySource, ...bulk.columns.map((column) => column.source), ...times.filter((source) => source !== null)]);
  const values = collection.fields.map((field, index) => {
    const source = sources.get(field.id);
    const list = LIST_TYPES.has(field.type);
    if (source === undefined) return `CAST(NULL AS VARCHAR${list ? "[]" : ""}) AS c${index}`;
    return `${bulk.canonical === undefined ? canonical(name(source), field.type) : asItIs(name(source), list)} AS c${index}`;
  });
  const [created, updated] = times.map((source) =>
    source === null ? "CAST(NULL AS TIMESTAMP)" : `try_cast(${name(source)} AS TIMESTAMP)`,
  );
  const columns = [`coalesce(${name(bulk.keySource)}, '') AS k`, `${created} AS created_at`, `${updated} AS updated_at`, ...values];
  return `CREATE TABLE ${table} AS SELECT ${columns.join(", ")} FROM ${readerOf(bulk, [...wanted])}`;
}

/** How many rows the files hold, counted apart from what the table says: by the reader, or by reading once more. */
export async function rowsInFiles(database: Database, bulk: Bulk, signal: AbortSignal): Promise<number> {
  if (bulk.canonical !== undefined) return bulk.canonical.records;
  const [counted] = await database.query(`SELECT count(*) AS n FROM ${readerOf(bulk, [bulk.keySource])}`, [], { signal });
  return Number(counted?.["n"]);
}

/** Every column as text: a number read as a number would lose its digits. */
function readerOf(bulk: Bulk, columns: readonly string[]): string {
  const files = `[${bulk.files.map(text).join(", ")}]`;
  const lists = new Set(bulk.canonical?.lists);
  const shape = `columns = {${columns.map((column) => `${text(column)}: '${lists.has(column) ? "VARCHAR[]" : "VARCHAR"}'`).join(", ")}}`;
  return bulk.kind === "ndjson"
    ? `read_json(${files}, format = 'newline_delimited', ${shape}${lineBound(bulk)})`
    : `read_csv(${files}, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', union_by_name = true)`;
}

/** Lines that are known to be short are read with small buffers: every thread holds several of them. */
const LEAST_LINE_BYTES = 1024 * 1024;

function lineBound(bulk: Bulk): string {
  const longest = bulk.canonical?.longestLine;
  return longest === undefined ? "" : `, maximum_object_size = ${Math.max(LEAST_LINE_BYTES, longest + 1024)}`;
}

function asItIs(source: string, list: boolean): string {
  return list ? `CASE WHEN len(${source}) > 0 THEN ${source} END` : `nullif(${source}, '')`;
}

/** SQL that turns one raw text into the canonical one of content.ts; what does not fit its type stays as it is. */
function canonical(source: string, type: SemanticType): string {
  if (LIST_TYPES.has(type)) {
    const items = `CASE WHEN json_valid(${source}) AND json_type(${source}) = 'ARRAY' THEN from_json(${source}, '["VARCHAR"]') ELSE [${source}] END`;
    return `CASE WHEN ${source} IS NULL OR ${source} IN ('', '[]') THEN NULL ELSE list_sort(list_distinct(${items})) END`;
  }
  if (type === "boolean") {
    return `CASE lower(${source}) WHEN '1' THEN 'true' WHEN 'true' THEN 'true' WHEN '0' THEN 'false' WHEN 'false' THEN 'false' ELSE nullif(${source}, '') END`;
  }
  if (type === "timestamp") {
    return `coalesce(strftime(try_cast(${source} AS TIMESTAMPTZ) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ'), nullif(${source}, ''))`;
  }
  if (type === "date") return `coalesce(strftime(try_cast(${source} AS DATE), '%Y-%m-%d'), nullif(${source}, ''))`;
  return `nullif(${source}, '')`;
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function name(value: string): string {
  return `"${value.replaceAll('"', '""')}"`;
}
