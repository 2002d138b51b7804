/** From what an export holds to canonical values (core/content.ts). What does not fit its type is kept as raw text, never dropped. */
import { LIST_TYPES, type SemanticType, type Value } from "../../core/content.ts";
import { sha256Hex } from "../../core/ids.ts";
import { canonicalJson, ExactNumber, isObject, textOf } from "../../kit/json.ts";
import { idOf } from "./ids.ts";

/** How the cells of one field are read. */
export interface CellType {
  readonly type: SemanticType;
  /** Option id → its text; null where the field has no options and holds texts. */
  readonly options: ReadonlyMap<string, string> | null;
  /** A hash of a password: only a digest of it leaves the reader. */
  readonly secret: boolean;
}

/** @returns the canonical value; absent, null, empty text and empty list are all null */
export function canonicalCell(cell: CellType, value: unknown): Value {
  if (value === null || value === undefined || value === "") return null;
  if (cell.secret) return `sha256:${sha256Hex(rawText(value))}`;
  switch (cell.type) {
    case "text":
    case "link":
    case "file":
      return rawText(value);
    case "integer":
    case "decimal":
      return number(value) ?? rawText(value);
    case "boolean":
      return rawText(value);
    case "timestamp":
      return moment(value) ?? rawText(value);
    case "date":
      return rawText(value);
    case "json":
      return canonicalJson(value);
    case "choice":
      return option(cell, value) ?? rawText(value);
    case "choices":
    case "links":
    case "files":
      return list(value, itemReader(cell));
    default:
      return cell.type satisfies never;
  }
}

/** Whether an export could hold this in such a field at all; the rest is what no Baserow ever wrote. */
export function fits(cell: CellType, value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  if (cell.type === "json") return true;
  const reads = itemReader(cell);
  if (LIST_TYPES.has(cell.type)) return Array.isArray(value) && value.every((item) => reads(item) !== null);
  if (cell.type === "choice") return reads(value) !== null;
  return typeof value !== "object" || value instanceof ExactNumber;
}

function itemReader(cell: CellType): (item: unknown) => string | null {
  if (cell.type === "links") return idOf;
  return cell.type === "files" ? fileId : (item) => option(cell, item);
}

/** Option ids that the field does not have. */
export function unknownOptions(cell: CellType, value: unknown): number {
  if (cell.options === null || (cell.type !== "choice" && cell.type !== "choices")) return 0;
  const ids = (Array.isArray(value) ? value : [value]).map(idOf);
  return ids.filter((id) => id !== null && cell.options?.has(id) === false).length;
}

/** An id the field does not have stays as it is. */
function option(cell: CellType, value: unknown): string | null {
  if (cell.options === null) return isObject(value) ? textOf(value["name"]) : textOf(value);
  const id = idOf(value);
  return id === null ? null : cell.options.get(id) || id;
}

/** `<unique>_<sha256>.<extension>`, under which Baserow stores the file. */
export function fileId(value: unknown): string | null {
  return isObject(value) ? textOf(value["name"]) : null;
}

/** A list type always gives a list: what cannot be read is its one item, raw. */
function list(value: unknown, read: (item: unknown) => string | null): Value {
  if (!Array.isArray(value)) return [rawText(value)];
  const items = value.map(read);
  const texts = items.filter((item) => item !== null);
  if (texts.length < items.length) return [rawText(value)];
  return texts.length === 0 ? null : [...new Set(texts)].sort();
}

/** More digits than this are no number that anybody keeps in a table. */
const MAX_EXPONENT = 1000;

/** Plain digits without an exponent, leading zeros or trailing ones of a fraction: Baserow writes a zero of ten places as `0E-10`. */
export function number(value: unknown): string | null {
  const text = typeof value === "number" ? String(value) : value instanceof ExactNumber ? value.text : value;
  if (typeof text !== "string") return null;
  const parts = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,5}))?$/u.exec(text);
  if (parts === null) return null;
  const [, sign, whole = "", fraction = "", exponent = "0"] = parts;
  const shift = Number(exponent);
  if (Math.abs(shift) > MAX_EXPONENT) return null;
  const digits = whole + fraction;
  const point = whole.length + shift;
  const before = point <= 0 ? "0" : digits.slice(0, point).padEnd(point, "0");
  const after = point <= 0 ? "0".repeat(-point) + digits : digits.slice(point);
  const units = before.replace(/^0+(?=\d)/u, "");
  const rest = after.replace(/0+$/u, "");
  const plain = rest === "" ? units : `${units}.${rest}`;
  return sign === "-" && plain !== "0" ? `-${plain}` : plain;
}

/** A moment with its offset, as Python's isoformat writes it; null where it is none. */
export function moment(value: unknown): string | null {
  if (typeof value !== "string") return null;
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/u.test(value)) return null;
  const at = Date.parse(value);
  // Date.parse takes 31 February for a day of March.
  const day = Number(value.slice(8, 10));
  if (Number.isNaN(at) || day > new Date(Date.UTC(Number(value.slice(0, 4)), Number(value.slice(5, 7)), 0)).getUTCDate()) return null;
  const iso = new Date(at).toISOString();
  return iso.length === 24 ? iso : null;
}

/** What has a structure as JSON with sorted keys. */
export function rawText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof ExactNumber) return value.text;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : canonicalJson(value);
}
