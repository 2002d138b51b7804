/** Exported rows as records. */
import type { ContentRecord, Field, Value } from "../../core/content.ts";
import { ExactNumber, isObject, parseJson } from "../../kit/json.ts";
import { anyLinks, concealed } from "../../products/directus/model.ts";
import type { DirectusField, Row, Snapshot } from "../../products/directus/schema.ts";
import { canonical, semanticType, timeOf } from "../../products/directus/values.ts";
import type { Table } from "./tables.ts";

const MAX_CELL_DEPTH = 64;

/** @returns null for a row without its key: what Directus answers of a singleton that was never filled in */
export function recordReader(table: Table, tables: readonly Table[], snapshot: Snapshot): (row: Row) => ContentRecord | null {
  const { shape, collection, source } = table;
  const any = anyLinks(collection.id, snapshot.relations);
  const columns = new Map(shape.columns.map((column) => [column.field, column]));
  const keys = new Map(tables.map((one) => [one.collection.id, one.shape.key.field]));
  const isCsv = source?.kind === "csv";
  const cellOf = (row: Row, name: string): unknown => {
    const column = columns.get(name);
    return isCsv && column !== undefined ? csvCell(row, column) : row[name];
  };
  const value = (row: Row, field: Field): Value => {
    const link = any.get(field.id);
    if (link !== undefined)
      return row[link.names] === link.target ? canonical("text", keyIn(cellOf(row, link.field), keys.get(link.target))) : null;
    if (concealed(columns.get(field.id))) return null;
    const cell = cellOf(row, field.id);
    if (field.type !== "link" && field.type !== "file") return canonical(field.type, cell);
    const key = field.type === "file" ? "id" : keys.get(field.link?.collection ?? "");
    if (isCsv && cell === undefined) return canonical(field.type, row[`${field.id}.${key}`]);
    return canonical(field.type, keyIn(cell, key));
  };
  const time = (row: Row, name: string | null): number | null => (name === null ? null : timeOf(row[name]));
  return (row) => {
    const key = row[shape.key.field];
    const told = key instanceof ExactNumber ? key.text : typeof key === "string" || typeof key === "number" ? String(key) : "";
    if (told === "") return null;
    const createdAt = time(row, shape.created);
    return {
      key: told,
      values: collection.fields.map((field) => value(row, field)),
      createdAt,
      // Null until it is edited for the first time.
      updatedAt: shape.updated === null ? null : (time(row, shape.updated) ?? createdAt),
    };
  };
}

/** Exported with the items it leads to (`fields=*.*`), a link is an item, and not its key. */
function keyIn(cell: unknown, key: string | undefined): unknown {
  return isObject(cell) && key !== undefined ? (cell[key] ?? null) : cell;
}

/** Lists lie in a cell as JSON; of objects the parts are columns of their own, `field.part.part`. */
function csvCell(row: Row, column: DirectusField): unknown {
  const text = row[column.field];
  if (semanticType(column.type) !== "json") return text;
  if (typeof text === "string" && text !== "") return jsonCell(text);
  const prefix = `${column.field}.`;
  const parts = Object.entries(row).filter(([name, part]) => name.startsWith(prefix) && part !== "");
  if (parts.length === 0) return null;
  const whole: Record<string, unknown> = {};
  for (const [name, part] of parts) place(whole, name.slice(prefix.length).split("."), jsonCell(String(part)));
  return whole;
}

function place(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name = "", ...rest] = path;
  if (rest.length === 0) {
    Object.defineProperty(into, name, { value, enumerable: true, configurable: true, writable: true });
    return;
  }
  const inner = Object.hasOwn(into, name) && isObject(into[name]) ? (into[name] as Record<string, unknown>) : {};
  Object.defineProperty(into, name, { value: inner, enumerable: true, configurable: true, writable: true });
  place(inner, rest, value);
}

function jsonCell(text: string): unknown {
  if (!/^(?:[[{"]|-?\d|true$|false$|null$)/u.test(text)) return text;
  try {
    return parseJson(Buffer.from(text), "A cell", MAX_CELL_DEPTH);
  } catch {
    return text;
  }
}
