/** From what SQLite holds to canonical values (core/content.ts). What does not fit its type is kept as raw text, never dropped. */
import type { SemanticType, Value } from "../../core/content.ts";
import { unmarshal, type Marshalled } from "./marshal.ts";

/** A cell as node:sqlite gives it with big integers on. */
export type Cell = null | bigint | number | string | Uint8Array;

/** What canonicalising needs to know of a column. */
export interface CellType {
  readonly type: SemanticType;
  /** Table id a Ref or RefList points at. */
  readonly target: string | null;
}

/** A cell without the storage layer: blobs unmarshalled, safe big integers as numbers. Undecodable blobs stay bytes. */
export function decodeCell(cell: Cell): Marshalled {
  if (cell instanceof Uint8Array) {
    const value = unmarshal(cell);
    return value === undefined ? cell : value;
  }
  if (typeof cell === "bigint" && cell >= BigInt(Number.MIN_SAFE_INTEGER) && cell <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(cell);
  return cell;
}

/** @returns the canonical value; absent, empty text, empty list and Ref 0 are all null */
export function canonicalCell(column: CellType, cell: Cell): Value {
  if (cell === null || cell === "") return null;
  const value = decodeCell(cell);
  if (value === null || value === "") return null;
  switch (column.type) {
    case "text":
    case "choice":
    case "json":
    case "integer":
    case "decimal":
    case "file":
      return rawText(value);
    case "boolean":
      if (value === 0 || value === false) return "false";
      return value === 1 || value === true ? "true" : rawText(value);
    case "timestamp":
      return moment(value) ?? rawText(value);
    case "date":
      return moment(value)?.replace(/T.*$/u, "") ?? rawText(value);
    case "link":
      return reference(value, column.target);
    case "choices":
      return list(value, (item) => (typeof item === "string" ? item : null));
    case "links":
    case "files":
      return list(referenced(value, column.target), rowKey);
    default:
      return column.type satisfies never;
  }
}

function reference(value: Marshalled, target: string | null): Value {
  const row = Array.isArray(value) && value[0] === "R" && value[1] === target ? value[2] : value;
  return row === 0 ? null : rawText(row ?? null);
}

/** `["r", table, [ids]]` is how a formula's record set is stored. */
function referenced(value: Marshalled, target: string | null): Marshalled {
  return Array.isArray(value) && value[0] === "r" && value[1] === target && Array.isArray(value[2]) ? ["L", ...value[2]] : value;
}

function rowKey(item: Marshalled): string | null {
  return (typeof item === "number" && Number.isInteger(item)) || typeof item === "bigint" ? String(item) : null;
}

/** A list is JSON text `[1,2]` or a marshalled `["L", 1, 2]`. A list type always gives a list: raw text is its one item. */
function list(value: Marshalled, read: (item: Marshalled) => string | null): Value {
  const items = listItems(value);
  if (items === null) return [rawText(value)];
  const texts = items.map(read);
  if (texts.includes(null)) return [rawText(value)];
  const kept = texts.filter((text): text is string => text !== null && text !== "" && !(read === rowKey && text === "0"));
  return kept.length === 0 ? null : [...new Set<string>(kept)].sort();
}

function listItems(value: Marshalled): readonly Marshalled[] | null {
  if (Array.isArray(value)) return value[0] === "L" ? value.slice(1) : null;
  if (typeof value !== "string" || !value.startsWith("[")) return null;
  try {
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) ? (parsed as Marshalled[]) : null;
  } catch {
    return null;
  }
}

/** Seconds since the epoch, or Grist's `["D", seconds, zone]` and `["d", seconds]`; null where it is no moment. */
function moment(value: Marshalled): string | null {
  const seconds = Array.isArray(value) && (value[0] === "D" || value[0] === "d") ? value[1] : value;
  if (typeof seconds !== "number" || !Number.isFinite(seconds)) return null;
  const at = new Date(Math.round(seconds * 1000));
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}

/** The value as text: numbers as plain decimal digits, what has a structure as JSON with sorted keys, bytes as hex. */
export function rawText(value: Marshalled): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return plainNumber(value);
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString("hex")}'`;
  return JSON.stringify(sorted(value));
}

function sorted(value: Marshalled): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value instanceof Uint8Array) return rawText(value);
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value as { readonly [key: string]: Marshalled }).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

/** Shortest digits that read back as the same double, never with an exponent; `NaN` and `Infinity` by name. */
export function plainNumber(value: number): string {
  if (Object.is(value, -0)) return "0";
  const text = String(value);
  const match = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/u.exec(text);
  if (match === null) return text;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match;
  const point = whole.length + Number(exponent);
  const digits = whole + fraction;
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return `${sign}${digits.slice(0, point).padEnd(point, "0")}${point < digits.length ? `.${digits.slice(point)}` : ""}`;
}
