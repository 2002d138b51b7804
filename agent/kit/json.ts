/**
 * JSON files from outside: read whole within bounds, told where they break, written back in one canonical way. What is cut short is told
 * apart from what is broken, and what two readers may read in two ways (a key twice in one object) is refused.
 */
import { isUtf8 } from "node:buffer";
import { InputError } from "./input-error.ts";
import { endOfString, measureJson } from "./json-measure.ts";

/** Parsed in one piece, and the parsed values take several times as much memory as the text. */
export const MAX_JSON_BYTES = 256 * 1024 * 1024;

/** A number whose digits a double cannot hold. */
export class ExactNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * @param what the file's name for messages, at the beginning of a sentence
 * @param maxDepth how deeply arrays and objects may be nested
 * @returns the value; numbers that a double cannot hold are ExactNumber
 * Throws InputError `damaged` with the place where it stops being JSON, never with its text (`json-empty`, `json-nul-bytes`,
 * `json-not-utf8`, `json-truncated`, `json-trailing`, `json-broken`, `json-duplicate-key`), `limit` (`too-large`, `too-deep`).
 */
export function parseJson(bytes: Uint8Array, what: string, maxDepth: number): unknown {
  const text = decode(bytes, what);
  const measure = measureJson(text, maxDepth);
  if (measure.deepest > maxDepth)
    throw new InputError("limit", "too-deep", `${what} is nested more than the ${maxDepth} levels deep that are allowed.`);
  if (measure.openAt !== null)
    throw damaged("truncated", `${what} is cut off: it ends at character ${text.length}, inside ${measure.openAt}, before it closes.`);
  const value = parsed(text, what, measure.closedAt);
  if (measure.duplicateAt !== null)
    throw damaged("duplicate-key", `${what} names a key twice in one object, at ${place(text, measure.duplicateAt)}.`);
  return value;
}

function parsed(text: string, what: string, closedAt: number | null): unknown {
  try {
    return JSON.parse(text, /(?:^|[\s:,[])-?\d[\d.]{15,}/u.test(text) ? keepDigits : undefined);
  } catch (thrown) {
    const at = /position (\d+)/u.exec(thrown instanceof Error ? thrown.message : "")?.[1];
    if (closedAt !== null && at !== undefined && Number(at) > closedAt)
      throw damaged("trailing", `${what} goes on after its structure closed at character ${closedAt}.`);
    throw damaged("broken", `${what} is not valid JSON${at === undefined ? "" : `, first at ${place(text, Number(at))}`}.`);
  }
}

function decode(bytes: Uint8Array, what: string): string {
  if (bytes.length === 0) throw damaged("empty", `${what} is empty.`);
  if (bytes.length > MAX_JSON_BYTES)
    throw new InputError(
      "limit",
      "too-large",
      `${what} is ${bytes.length} bytes, more than the ${MAX_JSON_BYTES} that are parsed at once.`,
    );
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    throw damaged("not-utf8", `${what} is UTF-16, and JSON files are UTF-8.`);
  const nul = bytes.indexOf(0);
  if (nul >= 0) throw damaged("nul-bytes", `${what} holds NUL bytes from byte ${nul} on.`);
  if (!isUtf8(bytes)) throw damaged("not-utf8", `${what} is not valid UTF-8, first at byte ${firstInvalid(bytes)}.`);
  const text = new TextDecoder("utf-8", { ignoreBOM: false }).decode(bytes);
  if (text.trim() === "") throw damaged("empty", `${what} holds nothing but white space.`);
  return text;
}

/** Length of the longest beginning that is whole UTF-8. */
function firstInvalid(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.length;
  while (good < bad) {
    const middle = good + Math.ceil((bad - good) / 2);
    // A character cut off by the end of the piece is no fault of the piece.
    if ([0, 1, 2, 3].some((less) => middle - less >= 0 && isUtf8(bytes.subarray(0, middle - less)))) good = middle;
    else bad = middle - 1;
  }
  while (good > 0 && !isUtf8(bytes.subarray(0, good))) good -= 1;
  return good;
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined) return value;
  return source.replaceAll(/[-.]|e.*$/giu, "").length > 15 ? new ExactNumber(source) : value;
}

function place(text: string, at: number): string {
  const before = text.slice(0, at);
  return `line ${before.split("\n").length}, column ${at - before.lastIndexOf("\n")}`;
}

function damaged(code: string, message: string): InputError {
  return new InputError("damaged", `json-${code}`, message);
}

/** JSON text with sorted keys. Walks as deep as the value is, which `parseJson` bounds. */
export function canonicalJson(value: unknown): string {
  if (value instanceof ExactNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? "null";
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`).join(",")}}`;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

export function objectOf(value: unknown): JsonObject | null {
  return isObject(value) ? value : null;
}

/** Null for an empty text too. */
export function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** An empty list where it is none. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Members that are objects; everything else in the list is left out. */
export function objectsIn(value: unknown): readonly JsonObject[] {
  return listOf(value).filter(isObject);
}

/** Members that are texts; everything else in the list is left out. */
export function textsIn(value: unknown): readonly string[] {
  return listOf(value).filter((item) => typeof item === "string");
}

export { endOfString };
