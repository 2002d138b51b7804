/** Cells of Airtable as canonical values, and back. Pure. */
import type { Field, SemanticType, Value } from "../../core/content.ts";
import type { Json } from "../../core/platform-ports.ts";
import { canonicalJson, isObject } from "../../kit/json.ts";
import { type Attachment, attachmentSchema, type TableField } from "./schema.ts";

/** Made by Airtable itself: no field of these kinds can be created through the API, and no cell of them written. */
export const COMPUTED: ReadonlySet<string> = new Set([
  "formula",
  "rollup",
  "multipleLookupValues",
  "count",
  "autoNumber",
  "createdTime",
  "lastModifiedTime",
  "createdBy",
  "lastModifiedBy",
  "button",
  "aiText",
  "externalSyncSource",
]);

/** A scratch base has none of the people of production. */
export const PEOPLE: ReadonlySet<string> = new Set(["singleCollaborator", "multipleCollaborators"]);

const TYPES: Readonly<Record<string, SemanticType>> = {
  currency: "decimal",
  percent: "decimal",
  duration: "decimal",
  rating: "integer",
  count: "integer",
  autoNumber: "integer",
  checkbox: "boolean",
  date: "date",
  dateTime: "timestamp",
  createdTime: "timestamp",
  lastModifiedTime: "timestamp",
  singleSelect: "choice",
  multipleSelects: "choices",
  singleCollaborator: "choice",
  multipleCollaborators: "choices",
  createdBy: "choice",
  lastModifiedBy: "choice",
  multipleRecordLinks: "links",
  multipleAttachments: "files",
  barcode: "json",
  multipleLookupValues: "json",
  button: "json",
  aiText: "json",
};

export function semanticType(field: Pick<TableField, "type" | "options">): SemanticType {
  const { type, options } = field;
  if (type === "number") return options?.["precision"] === 0 ? "integer" : "decimal";
  if (type === "formula" || type === "rollup") {
    const result = options?.["result"];
    // What a formula gives may be a list too; only plain results have a type of their own.
    const inner = isObject(result) ? result["type"] : null;
    if (!isObject(result) || typeof inner !== "string") return "text";
    const found = semanticType({ type: inner, options: isObject(result["options"]) ? result["options"] : null });
    return found === "links" || found === "files" || found === "choices" ? "json" : found;
  }
  return TYPES[type] ?? "text";
}

/**
 * @param cell undefined where Airtable leaves it out: empty, or a box that is not ticked
 * @returns what does not fit its type (`{"specialValue":"NaN"}`, `{"error":"#ERROR!"}`) as its JSON text
 */
export function canonical(type: SemanticType, cell: unknown): Value {
  if (type === "boolean") return cell === undefined || cell === null || cell === false ? "false" : cell === true ? "true" : raw(cell);
  if (cell === undefined || cell === null || cell === "") return null;
  switch (type) {
    case "integer":
    case "decimal":
      return typeof cell === "number" || typeof cell === "string" ? plainDigits(String(cell)) : raw(cell);
    case "timestamp":
      return timestampOf(cell);
    case "date":
      return typeof cell === "string" && /^\d{4}-\d\d-\d\d/u.test(cell) ? cell.slice(0, 10) : raw(cell);
    case "choice":
      return idOrText(cell);
    case "choices":
    case "links":
      return sorted(Array.isArray(cell) ? cell.map(idOrText) : [idOrText(cell)]);
    case "files":
      return sorted(attachmentsOf(cell).map((one) => one.id));
    case "json":
      return canonicalJson(cell);
    case "text":
    case "link":
    case "file":
      return raw(cell);
  }
}

export function attachmentsOf(cell: unknown): readonly Attachment[] {
  if (!Array.isArray(cell)) return [];
  return cell.flatMap((one) => {
    const read = attachmentSchema.safeParse(one);
    return read.success ? [read.data] : [];
  });
}

/** @returns ms since the epoch */
export function timeOf(cell: unknown): number | null {
  const at = typeof cell === "string" ? Date.parse(cell) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

/**
 * What is sent for a stored value; links, files and people are left to the caller.
 * @returns undefined for an empty one: it is not sent at all
 */
export function toAirtable(field: Pick<Field, "type">, value: Value): Json | undefined {
  if (value === null || value.length === 0) return undefined;
  if (typeof value !== "string") return value;
  if (field.type === "integer" || field.type === "decimal") {
    const number = Number(value);
    // Sent as it is, it is refused, and told; rounded, it would be a lie.
    return plainDigits(String(number)) === value ? number : value;
  }
  if (field.type === "boolean") return value === "true" ? true : value === "false" ? undefined : value;
  return field.type === "json" ? parsedOr(value) : value;
}

function parsedOr(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** People come with their names and addresses: only the id is kept. */
function idOrText(cell: unknown): string {
  return isObject(cell) && typeof cell["id"] === "string" ? cell["id"] : raw(cell);
}

function raw(cell: unknown): string {
  return typeof cell === "string" ? cell : canonicalJson(cell);
}

function sorted(list: readonly string[]): Value {
  const kept = [...new Set(list)].sort();
  return kept.length === 0 ? null : kept;
}

/** Digits without an exponent and without zeros behind the last decimal. */
function plainDigits(text: string): string {
  const parts = /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/u.exec(text);
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

function timestampOf(cell: unknown): string {
  const at = timeOf(cell);
  return at === null ? raw(cell) : new Date(at).toISOString();
}
