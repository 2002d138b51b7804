/** What kind of value a cell is, and its canonical form. A column has a type only where every one of its values has it. */
import { createHash } from "node:crypto";
import { closingQuote, unescaped } from "../../kit/csv.ts";
import type { SemanticType, Value } from "../../core/content.ts";
import { canonicalJson, ExactNumber } from "../../kit/json.ts";

/** Types that are found by looking at values, as bits; a column starts with all and loses those that a value does not have. */
const INTEGER = 1;
const DECIMAL = 2;
const BOOLEAN = 4;
const DATE = 8;
const TIMESTAMP = 16;
const JSON_TEXT = 32;
const FILES = 64;
export const ANYTHING = 127;

const INTEGER_TEXT = /^(?:0|-?[1-9]\d*)$/u;
const DECIMAL_TEXT = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/u;
/** Years first: everything else can be read in two ways. */
const DATE_TEXT = /^(\d{4})([-/])(\d\d)\2(\d\d)$/u;
/** With a zone: without one it is not known which moment it is. */
const TIMESTAMP_TEXT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)? ?(Z|UTC|[+-]\d\d(?::?\d\d)?)$/u;
/** `name (address)`, as Airtable, Baserow and NocoDB write attachments, several with commas between. */
const FILE_TEXT = /(?:^|, ?)([^\n]+?) ?\((https?:\/\/[^\s()]+|blob:[^\s()]+)\)(?=$|, ?)/guy;

/** @returns the types of `types` that a cell, not empty, has too */
export function narrow(types: number, cell: string): number {
  let left = types;
  if (left === 0) return 0;
  if ((left & (INTEGER | DECIMAL)) !== 0) {
    if (!INTEGER_TEXT.test(cell)) left &= ~INTEGER;
    if ((left & INTEGER) === 0 && !DECIMAL_TEXT.test(cell)) left &= ~DECIMAL;
  }
  if ((left & BOOLEAN) !== 0 && booleanOf(cell) === null) left &= ~BOOLEAN;
  if ((left & DATE) !== 0 && dateOf(cell) === null) left &= ~DATE;
  if ((left & TIMESTAMP) !== 0 && momentOf(cell) === null) left &= ~TIMESTAMP;
  if ((left & JSON_TEXT) !== 0 && jsonOf(cell) === null) left &= ~JSON_TEXT;
  if ((left & FILES) !== 0 && filesOf(cell) === null) left &= ~FILES;
  return left;
}

/** @param types what is left of a column that has values; of several the narrowest */
export function typeOf(types: number): SemanticType {
  if ((types & INTEGER) !== 0) return "integer";
  if ((types & DECIMAL) !== 0) return "decimal";
  if ((types & BOOLEAN) !== 0) return "boolean";
  if ((types & DATE) !== 0) return "date";
  if ((types & TIMESTAMP) !== 0) return "timestamp";
  if ((types & JSON_TEXT) !== 0) return "json";
  return (types & FILES) === 0 ? "text" : "files";
}

/** @returns the canonical value; what does not fit the type stays as it is */
export function canonical(type: SemanticType, cell: string): Value {
  if (cell === "") return null;
  switch (type) {
    case "boolean":
      return booleanOf(cell) ?? cell;
    case "date":
      return dateOf(cell) ?? cell;
    case "timestamp":
      return timestampOf(cell) ?? cell;
    case "json":
      return jsonOf(cell) ?? cell;
    case "files":
      return sortedList(filesOf(cell)?.map((file) => file.id) ?? [cell]);
    case "links":
    case "choices":
      return sortedList(jsonListOf(cell) ?? listOf(cell));
    case "text":
    case "integer":
    case "decimal":
    case "choice":
    case "link":
    case "file":
      return cell;
    default:
      return type satisfies never;
  }
}

/** A list as Frictionless writes it, in JSON. */
function jsonListOf(cell: string): readonly string[] | null {
  if (!cell.startsWith("[")) return null;
  try {
    const value: unknown = JSON.parse(cell);
    return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : null;
  } catch {
    return null;
  }
}

function sortedList(items: readonly string[]): Value {
  const kept = [...new Set(items)].filter((item) => item !== "").sort();
  return kept.length === 0 ? null : kept;
}

/** `checked` is what Airtable writes for a ticked box; an empty cell is one that is not. */
function booleanOf(cell: string): string | null {
  if (cell.length > 7) return null;
  const lower = cell.toLowerCase();
  if (lower === "true" || lower === "false") return lower;
  return cell === "checked" ? "true" : null;
}

function dateOf(cell: string): string | null {
  const match = DATE_TEXT.exec(cell);
  if (match === null) return null;
  const [, year, , month, day] = match;
  const iso = `${year}-${month}-${day}`;
  return isDay(iso) ? iso : null;
}

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether there is such a day in the calendar; `iso` has its shape. */
function isDay(iso: string): boolean {
  const year = Number(iso.slice(0, 4));
  const month = Number(iso.slice(5, 7));
  const day = Number(iso.slice(8, 10));
  if (day < 1 || day > (DAYS[month - 1] ?? 0)) return false;
  return month !== 2 || day < 29 || (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0));
}

const FIRST = Date.parse("0000-01-01T00:00:00.000Z");
const LAST = Date.parse("9999-12-31T23:59:59.999Z");

/** Milliseconds since the epoch; null where it is no moment, or one outside of four-digit years. */
function momentOf(cell: string): number | null {
  if (cell.length < 17 || cell.length > 40) return null;
  const match = TIMESTAMP_TEXT.exec(cell);
  if (match === null) return null;
  const [, day = "", minutes = "", seconds = "00", fraction = "", zone = ""] = match;
  if (!isDay(day)) return null;
  const offset = /^[+-]/u.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3).replace(":", "") || "00"}` : "Z";
  const at = Date.parse(`${day}T${minutes}:${seconds}.${fraction.padEnd(3, "0").slice(0, 3)}${offset}`);
  return at >= FIRST && at <= LAST ? at : null;
}

function timestampOf(cell: string): string | null {
  const at = momentOf(cell);
  return at === null ? null : new Date(at).toISOString();
}

/** An object or a list; a bare number or text is no JSON that anybody meant. */
function jsonOf(cell: string): string | null {
  const first = cell.trimStart()[0];
  if (first !== "{" && first !== "[") return null;
  try {
    return canonicalJson(JSON.parse(cell, keepDigits));
  } catch {
    return null;
  }
}

/** Every number as it was written: a double would lose digits. */
function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === "number" && context?.source !== undefined ? new ExactNumber(context.source) : value;
}

export interface FileReference {
  /** From name and address; addresses of products run out, so it is the same only within one export. */
  readonly id: string;
  readonly name: string;
}

/** Null where the cell is no list of attachments. */
export function filesOf(cell: string): readonly FileReference[] | null {
  if (!cell.endsWith(")") || !cell.includes("(")) return null;
  const files: FileReference[] = [];
  let end = 0;
  for (const match of cell.matchAll(FILE_TEXT)) {
    const [all, name = "", address = ""] = match;
    files.push({ id: createHash("sha256").update(`${name}\n${address}`).digest("hex").slice(0, 24), name });
    end = match.index + all.length;
  }
  return end === cell.length && files.length > 0 ? files : null;
}

/** Several values in one cell: commas between, those that hold a comma or a quote in quotes. */
export function listOf(cell: string): readonly string[] {
  if (!cell.includes(",")) return [cell];
  const items: string[] = [];
  for (let at = 0; at <= cell.length;) {
    while (cell[at] === " ") at += 1;
    const close = cell[at] === '"' ? closingQuote(cell, at + 1) : -1;
    const comma = cell.indexOf(",", close < 0 ? at : close);
    const end = comma < 0 ? cell.length : comma;
    const whole = close >= 0 && cell.slice(close + 1, end).trim() === "";
    items.push(whole ? unescaped(cell.slice(at + 1, close)) : cell.slice(at, end).trim());
    at = end + 1;
  }
  return items;
}
