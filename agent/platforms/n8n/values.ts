/** Cells of data tables as canonical values, and back. Pure. */
import type { Field, SemanticType, Value } from "../../core/content.ts";
import type { Json } from "../../core/platform-ports.ts";
import { canonicalJson } from "../../kit/json.ts";
import type { Column } from "./schema.ts";

const TYPES: Readonly<Record<string, SemanticType>> = { number: "decimal", boolean: "boolean", date: "timestamp" };

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
  const text = typeof cell === "string" ? cell : canonicalJson(cell);
  if (type === "decimal") return plainDigits(text);
  if (type === "timestamp") {
    const at = timeOf(cell);
    return at === null ? text : new Date(at).toISOString();
  }
  return text;
}

/** @returns ms since the epoch */
export function timeOf(cell: unknown): number | null {
  const at = typeof cell === "string" ? Date.parse(cell) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

/** What is sent for a stored value. Numbers are doubles in n8n itself: what it gave out, it takes back as it was. */
export function toN8n(field: Field, value: Value): Json {
  if (value === null || typeof value !== "string" || value === "") return null;
  if (field.type === "boolean") return value === "true" ? true : value === "false" ? false : value;
  if (field.type === "decimal") return Number.isNaN(Number(value)) ? value : Number(value);
  return value;
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
