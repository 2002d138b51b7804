/** Data tables as collections, and their cells in canonical values. */
import type { Collection, Field, SemanticType, Value } from "../../core/content.ts";
import { canonicalJson, ExactNumber } from "../../kit/json.ts";

const TYPES: Readonly<Record<string, SemanticType>> = { number: "decimal", boolean: "boolean", date: "timestamp" };

export interface Column {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly index: number;
}

/** @param columns of this table, in any order */
export function collectionOf(table: { readonly id: string; readonly name: string; readonly columns: readonly Column[] }): Collection {
  return {
    id: table.id,
    name: table.name,
    fields: table.columns.toSorted((a, b) => a.index - b.index).map(fieldOf),
    keyKind: "platform",
    declaredRecords: null,
    computed: false,
    nextKey: null,
  };
}

export function fieldOf(column: Column): Field {
  return {
    id: column.id,
    name: column.name,
    platformType: column.type,
    type: TYPES[column.type] ?? "text",
    computed: false,
    required: false,
    unique: false,
    options: null,
    link: null,
    maxLength: null,
  };
}

/** A cell that does not fit its column is kept as its raw text, as the content model asks. */
export function canonical(type: SemanticType, cell: unknown): Value {
  if (cell === null || cell === undefined || cell === "") return null;
  const text = typeof cell === "string" ? cell : cell instanceof ExactNumber ? cell.text : canonicalJson(cell);
  if (type === "decimal") return plainDigits(text);
  if (type === "timestamp") {
    const at = timeOf(cell);
    return at === null ? text : new Date(at).toISOString();
  }
  // SQLite has no booleans.
  if (type === "boolean" && typeof cell !== "string" && /^[01]$/u.test(text)) return text === "1" ? "true" : "false";
  return text;
}

/** SQLite's times have a space and no zone, and are in UTC. @returns ms since the epoch */
export function timeOf(cell: unknown): number | null {
  const parts = typeof cell === "string" ? /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:?\d\d)?$/u.exec(cell) : null;
  if (parts === null) return null;
  const at = Date.parse(`${parts[1]}T${parts[2]}${parts[3] ?? "Z"}`);
  return Number.isNaN(at) ? null : at;
}

/** Digits without an exponent and without zeros behind the last decimal. */
export function plainDigits(text: string): string {
  const parts = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/u.exec(text.trim());
  if (parts === null) return text;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = parts;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (Math.abs(point) > 400) return text;
  const left = point <= 0 ? "0" : digits.slice(0, point).padEnd(point, "0");
  const right = (point < 0 ? "0".repeat(-point) + digits : digits.slice(Math.max(0, point))).replace(/0+$/u, "");
  const number = `${left.replace(/^0+(?=\d)/u, "")}${right === "" ? "" : `.${right}`}`;
  return sign === "-" && number !== "0" ? `-${number}` : number;
}
