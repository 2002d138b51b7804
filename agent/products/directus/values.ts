/** Cells of Directus as canonical values. Pure. */
import type { SemanticType, Value } from "../../core/content.ts";
import { canonicalJson } from "../../kit/json.ts";

const TYPES: Readonly<Record<string, SemanticType>> = {
  integer: "integer",
  bigInteger: "integer",
  float: "decimal",
  decimal: "decimal",
  boolean: "boolean",
  date: "date",
  dateTime: "timestamp",
  timestamp: "timestamp",
  json: "json",
  // A list in an order of its own, with repetitions: no set of choices.
  csv: "json",
};

/** @param type Directus' word; those not known hold text */
export function semanticType(type: string): SemanticType {
  return type.startsWith("geometry") ? "json" : (TYPES[type] ?? "text");
}

/** A cell that does not fit its field is kept as its raw text, as the content model asks. */
export function canonical(type: SemanticType, cell: unknown): Value {
  if (cell === null || cell === undefined || cell === "") return null;
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all others are text
  switch (type) {
    case "integer":
    case "decimal":
      return plainDigits(raw(cell));
    case "boolean":
      return booleanOf(raw(cell));
    case "timestamp": {
      const at = timeOf(cell);
      return at === null ? raw(cell) : new Date(at).toISOString();
    }
    case "date":
      return typeof cell === "string" && /^\d{4}-\d\d-\d\d/u.test(cell) ? cell.slice(0, 10) : raw(cell);
    case "json":
      return canonicalJson(cell);
    default:
      return raw(cell);
  }
}

/** @returns ms since the epoch; a dateTime has no zone and is taken as UTC, on the way in and on the way out */
export function timeOf(cell: unknown): number | null {
  if (typeof cell !== "string" || !/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/u.test(cell)) return null;
  const iso = cell.replace(" ", "T");
  const at = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/u.test(iso) ? iso : `${iso}Z`);
  return Number.isNaN(at) ? null : at;
}

export function raw(cell: unknown): string {
  return typeof cell === "string" ? cell : canonicalJson(cell);
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

/** SQLite and MySQL give 1 and 0. */
function booleanOf(text: string): string {
  if (text === "1" || text === "true") return "true";
  return text === "0" || text === "false" ? "false" : text;
}
