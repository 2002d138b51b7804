/** From a line of NDJSON to a record with canonical values. */
import { type ContentRecord, type Field, LIST_TYPES, type Value } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";

/** What a row holds besides its fields. */
export const CREATED = "_createdAt";
export const UPDATED = "_updatedAt";
export const KEY = "_key";

export interface RowShape {
  /** Name under which a row holds the record's key. */
  readonly key: string;
  /** Aligned with the collection's fields: the name under which a row holds the value. */
  readonly sources: readonly { readonly name: string; readonly field: Field }[];
}

/**
 * @param label names table, part and line in the error
 * @throws AgentError `damaged` where the line is no JSON object, `limit` where it is nested too deeply to be walked
 */
export function readRow(line: string, shape: RowShape, label: () => string): ContentRecord {
  try {
    const row = parseLine(line, label);
    return {
      key: rawText(own(row, shape.key)) ?? "",
      values: shape.sources.map(({ name, field }) => canonical(own(row, name), LIST_TYPES.has(field.type))),
      createdAt: moment(own(row, CREATED)),
      updatedAt: moment(own(row, UPDATED)),
    };
  } catch (thrown) {
    if (thrown instanceof RangeError) throw new AgentError("limit", "too-deep", `${label()} is nested too deeply.`);
    throw thrown;
  }
}

type Row = Readonly<Record<string, unknown>>;

/** A number as it was written. The format wants every number as text; where one is not, its digits are kept all the same. */
class Digits {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function parseLine(line: string, label: () => string): Row {
  try {
    const bare = /(?:"\s*:|\[|,)\s*-?\d/u.test(line);
    const row: unknown = bare ? JSON.parse(line, keepDigits) : JSON.parse(line);
    if (typeof row === "object" && row !== null && !Array.isArray(row)) return row as Row;
  } catch (thrown) {
    if (thrown instanceof RangeError) throw thrown;
    // The message of the parser quotes what it could not read.
    throw new AgentError("damaged", "bag-row", `${label()} is not valid JSON.`);
  }
  throw new AgentError("damaged", "bag-row", `${label()} is no JSON object.`);
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === "number" && context?.source !== undefined ? new Digits(context.source) : value;
}

/** A row may lack a field called `constructor`. */
function own(row: Row, name: string): unknown {
  return Object.hasOwn(row, name) ? row[name] : null;
}

function canonical(value: unknown, list: boolean): Value {
  if (value === null || value === "") return null;
  if (!list) return rawText(value);
  const items = (Array.isArray(value) ? value : [value]).map(rawText).filter((item) => item !== null);
  return items.length === 0 ? null : [...new Set(items)].sort();
}

/** Text as it is, numbers as their digits, what has a structure as JSON with sorted keys; empty is null. */
function rawText(value: unknown): string | null {
  if (value === null || value === "") return null;
  if (typeof value === "string") return value;
  if (value instanceof Digits) return value.text;
  return sortedJson(value);
}

function sortedJson(value: unknown): string {
  if (value instanceof Digits) return value.text;
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${sortedJson(inner)}`).join(",")}}`;
}

const MOMENT = /^\d{4}-\d\d-(\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/u;

/** Null where it is no moment in `YYYY-MM-DDTHH:MM:SS.sssZ`. */
function moment(value: unknown): number | null {
  const match = typeof value === "string" ? MOMENT.exec(value) : null;
  if (match === null) return null;
  const at = new Date(match[0]);
  // The 30th of February would be read as a day in March.
  return at.getUTCDate() === Number(match[1]) ? at.getTime() : null;
}
