/** Rows of Grist's own tables as plain values. Older schema versions lack columns and whole tables: what is not there reads as empty. */
import { createHash } from "node:crypto";
import { AgentError } from "../../core/errors.ts";
import type { GristDatabase } from "./database.ts";
import type { Marshalled } from "./marshal.ts";
import { decodeCell, rawText } from "./values.ts";

/** One row: column → decoded value. Read through the functions below, which forgive what does not fit. */
export type MetaRow = Readonly<Record<string, Marshalled>>;

/** @throws AgentError `limit` when there are more than `maxRows` */
export function metaRows(database: GristDatabase, table: string, columns: readonly string[], maxRows: number): MetaRow[] {
  const plain = database.tables.get(table.toLowerCase());
  if (plain === undefined) return [];
  const rows: MetaRow[] = [];
  for (const cells of database.rows(plain, columns)) {
    if (rows.length >= maxRows) throw new AgentError("limit", "too-many-entries", `${table} has more than ${maxRows} rows, our limit.`);
    rows.push(Object.fromEntries(columns.map((column, index) => [column, decodeCell(cells[index] ?? null)])));
  }
  return rows;
}

export function hasColumn(database: GristDatabase, table: string, column: string): boolean {
  return database.tables.get(table.toLowerCase())?.columns.has(column.toLowerCase()) ?? false;
}

export function text(row: MetaRow, column: string): string {
  const value = row[column];
  return value === null || value === undefined ? "" : rawText(value);
}

/** A row id or a reference to one; 0 where there is none. */
export function id(row: MetaRow, column: string): number {
  const value = row[column];
  return typeof value === "number" && Number.isInteger(value) ? value : 0;
}

export function flag(row: MetaRow, column: string): boolean {
  const value = row[column];
  return value === true || value === 1;
}

/** Row ids of a list column, stored as JSON text or marshalled. */
export function ids(row: MetaRow, column: string): number[] {
  return listOf(row, column).filter((item): item is number => typeof item === "number" && Number.isInteger(item));
}

export function texts(row: MetaRow, column: string): string[] {
  return listOf(row, column).filter((item): item is string => typeof item === "string");
}

function listOf(row: MetaRow, column: string): readonly unknown[] {
  const value = row[column];
  const items: unknown = typeof value === "string" ? jsonOf(value) : value;
  if (!Array.isArray(items)) return [];
  return items[0] === "L" ? items.slice(1) : items;
}

/** JSON text parsed, or undefined. */
export function jsonOf(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

/** SHA-256 hex over values, as JSON with sorted keys. */
export function digestOf(values: Marshalled): string {
  return createHash("sha256").update(rawText(values)).digest("hex");
}

/** Digest of whole rows without their `id`, which says nothing. */
export function digestRows(rows: readonly MetaRow[]): string {
  return digestOf(rows.map((row) => Object.fromEntries(Object.entries(row).filter(([column]) => column !== "id"))));
}
