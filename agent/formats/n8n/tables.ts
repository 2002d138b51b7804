/** n8n's data tables as collections, and their rows in canonical values. */
import type { Collection, ContentRecord, Field, SemanticType, Value } from "../../core/content.ts";
import { ExactNumber, type JsonObject, canonicalJson, textOf } from "../../kit/json.ts";

const TYPES: Readonly<Record<string, SemanticType>> = { string: "text", number: "decimal", boolean: "boolean", date: "timestamp" };

/** @param columns of this table, in any order */
export function tableOf(table: JsonObject, columns: readonly JsonObject[]): Collection {
  const ordered = [...columns].sort((a, b) => Number(a["index"]) - Number(b["index"]));
  return {
    id: String(table["id"]),
    name: textOf(table["name"]) ?? String(table["id"]),
    fields: ordered.flatMap((column, at) => fieldOf(column, at)),
    keyKind: "platform",
    declaredRecords: null,
    computed: false,
    nextKey: null,
  };
}

function fieldOf(column: JsonObject, at: number): readonly Field[] {
  const name = textOf(column["name"]);
  if (name === null) return [];
  const platformType = textOf(column["type"]) ?? "string";
  const id = textOf(column["id"]) ?? `${at} ${name}`;
  const none = { computed: false, required: false, unique: false, options: null, link: null, maxLength: null };
  return [{ id, name, platformType, type: TYPES[platformType] ?? "text", ...none }];
}

/** @returns null where the row has no id */
export function rowOf(row: JsonObject, fields: readonly Field[]): ContentRecord | null {
  const key =
    row["id"] instanceof ExactNumber ? row["id"].text : (textOf(row["id"]) ?? (typeof row["id"] === "number" ? `${row["id"]}` : null));
  if (key === null) return null;
  const time = (name: string): number | null => {
    const iso = isoOf(row[name]);
    return iso === null ? null : Date.parse(iso);
  };
  return {
    key,
    values: fields.map((field) => valueOf(row[field.name], field.type)),
    createdAt: time("createdAt"),
    updatedAt: time("updatedAt"),
  };
}

function valueOf(value: unknown, type: SemanticType): Value {
  if (value === null || value === undefined || value === "") return null;
  // SQLite has no booleans.
  if (type === "boolean" && (value === 0 || value === 1)) return value === 1 ? "true" : "false";
  if (type === "timestamp") return isoOf(value) ?? rawOf(value);
  if (type === "decimal" && typeof value === "number") return digitsOf(value);
  return rawOf(value);
}

function rawOf(value: unknown): string {
  return value instanceof ExactNumber ? value.text : typeof value === "string" ? value : canonicalJson(value);
}

/** Without an exponent. */
function digitsOf(value: number): string {
  const told = Object.is(value, -0) ? "0" : String(value);
  const parts = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/u.exec(told);
  if (parts === null) return told;
  const [digits, exponent] = [`${parts[2]}${parts[3] ?? ""}`, Number(parts[4])];
  return `${parts[1]}${exponent < 0 ? `0.${"0".repeat(-exponent - 1)}${digits}` : digits.padEnd(exponent + 1, "0")}`;
}

/** SQLite's times have a space and no zone, and are in UTC. */
function isoOf(value: unknown): string | null {
  const parts = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:?\d\d)?$/u.exec(textOf(value) ?? "");
  if (parts === null) return null;
  const at = new Date(`${parts[1]}T${parts[2]}${parts[3] ?? "Z"}`);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}
