/** n8n's data tables as an export holds them: a table, its columns, and rows by the names of the columns. */
import type { Collection, ContentRecord, Field } from "../../core/content.ts";
import { ExactNumber, type JsonObject, textOf } from "../../kit/json.ts";
import { canonical, collectionOf, type Column, timeOf } from "../../products/n8n/tables.ts";

/** @param columns of this table, in any order */
export function tableOf(table: JsonObject, columns: readonly JsonObject[]): Collection {
  const id = String(table["id"]);
  return collectionOf({ id, name: textOf(table["name"]) ?? id, columns: columns.flatMap(columnOf) });
}

function columnOf(column: JsonObject, at: number): readonly Column[] {
  const name = textOf(column["name"]);
  if (name === null) return [];
  const id = textOf(column["id"]) ?? `${at} ${name}`;
  return [{ id, name, type: textOf(column["type"]) ?? "string", index: Number(column["index"]) }];
}

/** @returns null where the row has no id */
export function rowOf(row: JsonObject, fields: readonly Field[]): ContentRecord | null {
  const { id } = row;
  const key = id instanceof ExactNumber ? id.text : typeof id === "number" ? String(id) : textOf(id);
  if (key === null) return null;
  return {
    key,
    values: fields.map((field) => canonical(field.type, row[field.name])),
    createdAt: timeOf(row["createdAt"]),
    updatedAt: timeOf(row["updatedAt"]),
  };
}
