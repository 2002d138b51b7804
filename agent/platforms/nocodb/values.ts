/** Cells of NocoDB as canonical values, and back. Pure. */
import type { Field, SemanticType, Value } from "../../core/content.ts";
import type { Json } from "../../core/platform-ports.ts";
import { canonicalJson, isObject, parseJson } from "../../kit/json.ts";
import { type Attachment, attachmentSchema } from "./schema.ts";

const TYPES: Readonly<Record<string, SemanticType>> = {
  Number: "integer",
  Rating: "integer",
  Year: "integer",
  Decimal: "decimal",
  Currency: "decimal",
  Percent: "decimal",
  Duration: "decimal",
  Checkbox: "boolean",
  Date: "date",
  DateTime: "timestamp",
  CreatedTime: "timestamp",
  LastModifiedTime: "timestamp",
  SingleSelect: "choice",
  MultiSelect: "choices",
  User: "choices",
  JSON: "json",
  Attachment: "files",
};

/** Derived by the product; nobody can write them. */
export const COMPUTED: ReadonlySet<string> = new Set([
  "Formula",
  "Rollup",
  "Lookup",
  "QrCode",
  "Barcode",
  "Button",
  "CreatedTime",
  "LastModifiedTime",
  "CreatedBy",
  "LastModifiedBy",
  "AutoNumber",
]);

/** @param uidt NocoDB's word for the kind of column; those not known hold text */
export function semanticType(uidt: string): SemanticType {
  return TYPES[uidt] ?? "text";
}

/** A cell that does not fit its column is kept as its raw text, as the content model asks. */
export function canonical(type: SemanticType, uidt: string, cell: unknown): Value {
  if (cell === null || cell === undefined || cell === "") return null;
  switch (type) {
    case "integer":
    case "decimal":
      return plainDigits(cell);
    case "boolean":
      return booleanOf(cell);
    case "timestamp":
      return timestampOf(cell);
    case "date":
      return typeof cell === "string" && /^\d{4}-\d\d-\d\d/u.test(cell) ? cell.slice(0, 10) : raw(cell);
    case "json":
      return jsonOf(cell);
    case "choices":
      return uidt === "User" ? sorted(peopleOf(cell)) : sorted(Array.isArray(cell) ? cell.map(raw) : raw(cell).split(","));
    case "files":
      return sorted(attachmentsOf(cell).map(fileIdOf));
    case "text":
    case "choice":
    case "file":
    case "link":
    case "links":
      return raw(cell);
  }
}

/** @returns ms since the epoch; NocoDB writes `2026-11-22 08:00:00+00:00`, without a zone it means UTC */
export function timeOf(cell: unknown): number | null {
  if (typeof cell !== "string" || cell === "") return null;
  const iso = cell.trim().replace(" ", "T");
  const at = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/u.test(iso) ? iso : `${iso}Z`);
  return Number.isNaN(at) ? null : at;
}

/** Attachments of a cell, whichever way the engine keeps them. */
export function attachmentsOf(cell: unknown): readonly Attachment[] {
  const list = typeof cell === "string" ? parsed(cell) : cell;
  if (!Array.isArray(list)) return [];
  return list.flatMap((one) => {
    const read = attachmentSchema.safeParse(one);
    return read.success ? [read.data] : [];
  });
}

/** The attachment's own id; those written by old versions have none, their path is as stable. */
export function fileIdOf(attachment: Attachment): string {
  return attachment.id ?? attachment.path ?? attachment.url ?? "";
}

/**
 * What is sent for a stored value; files are left to the caller. An empty one is sent as null, or a default would take its place.
 * @param members ids of the people who are in the workspace: NocoDB takes no others
 */
export function toNocoDb(field: Field, value: Value, members: ReadonlySet<string>): Json {
  if (value === null || value.length === 0) return null;
  if (typeof value !== "string") return (field.platformType === "User" ? value.filter((one) => members.has(one)) : value).join(",") || null;
  if (field.type === "boolean") return value === "true" ? true : value === "false" ? false : value;
  const isNumber = field.type === "integer" || field.type === "decimal";
  return isNumber && plainDigits(Number(value)) === value ? Number(value) : value;
}

function raw(cell: unknown): string {
  return typeof cell === "string" ? cell : canonicalJson(cell);
}

function sorted(list: readonly string[]): Value {
  const kept = [...new Set(list.filter((one) => one !== ""))].sort();
  return kept.length === 0 ? null : kept;
}

/** Digits without an exponent and without zeros behind the last decimal. */
function plainDigits(cell: unknown): string {
  const text = raw(cell).trim();
  const parts = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/u.exec(text);
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

function booleanOf(cell: unknown): string {
  const text = raw(cell);
  if (text === "1" || text === "true") return "true";
  return text === "0" || text === "false" ? "false" : text;
}

function timestampOf(cell: unknown): string {
  const at = timeOf(cell);
  return at === null ? raw(cell) : new Date(at).toISOString();
}

function parsed(text: string): unknown {
  try {
    return parseJson(new TextEncoder().encode(text), "a cell", 200);
  } catch {
    return undefined;
  }
}

/** SQLite keeps JSON as text, PostgreSQL as an object; text that is no JSON is kept as it is. */
function jsonOf(cell: unknown): string {
  if (typeof cell !== "string") return canonicalJson(cell);
  const value = parsed(cell);
  return value === undefined ? cell : canonicalJson(value);
}

function peopleOf(cell: unknown): readonly string[] {
  const list = Array.isArray(cell) ? cell : [cell];
  return list.map((one) => (isObject(one) && typeof one["id"] === "string" ? one["id"] : raw(one)));
}
