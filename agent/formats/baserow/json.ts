/** JSON as Baserow exports hold it: read whole within bounds, told where it breaks, written back in one canonical way. */
import { isUtf8 } from "node:buffer";
import { AgentError } from "../../core/errors.ts";

/** An export is parsed in one piece; the parsed values take several times as much memory as the text. */
export const MAX_JSON_BYTES = 256 * 1024 * 1024;
/** Canonical JSON is written by recursion: deeper is refused, whatever the limits say. */
const MAX_DEPTH = 500;

/** A number whose digits a double cannot hold. */
export class ExactNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

export function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** An empty list where it is none. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function objectsIn(value: unknown): readonly JsonObject[] {
  return listOf(value).filter(isObject);
}

/** The id of a table, field, row, option: a whole number, or its digits as text; null where it is none. */
export function idOf(value: unknown): string | null {
  if (typeof value === "number") return Number.isSafeInteger(value) ? String(value) : null;
  const digits = value instanceof ExactNumber ? value.text : value;
  return typeof digits === "string" && /^\d{1,40}$/u.test(digits) ? digits : null;
}

/** JSON text with sorted keys. Safe for the depth `parseJson` lets through. */
export function canonicalJson(value: unknown): string {
  if (value instanceof ExactNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? "null";
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`).join(",")}}`;
}

/**
 * @param what the file's name for messages
 * @param maxDepth how deeply arrays and objects may be nested
 * @returns the value; numbers that a double cannot hold are ExactNumber
 * @throws AgentError `damaged` with the place where it stops being JSON, never with its text; `limit` beyond `maxDepth` or 256 MB
 */
export function parseJson(bytes: Uint8Array, what: string, maxDepth: number): unknown {
  const text = decode(bytes, what);
  const deepest = Math.min(maxDepth, MAX_DEPTH);
  const measure = measureJson(text);
  if (measure.deepest > deepest)
    throw new AgentError("limit", "too-deep", `${what} is nested more than the ${deepest} levels deep that are allowed.`);
  if (measure.openAt !== null)
    throw damaged("truncated", `${what} is cut off: it ends at character ${text.length}, inside ${measure.openAt}, before it closes.`);
  try {
    return JSON.parse(text, /(?:^|[\s:,[])-?\d[\d.]{15,}/u.test(text) ? keepDigits : undefined);
  } catch (thrown) {
    const at = /position (\d+)/u.exec(thrown instanceof Error ? thrown.message : "")?.[1];
    const closedAt = measure.closedAt;
    if (closedAt !== null && at !== undefined && Number(at) > closedAt)
      throw damaged("trailing", `${what} goes on after its structure closed at character ${closedAt}.`);
    throw damaged("not-json", `${what} is not valid JSON${at === undefined ? "" : `, first at ${place(text, Number(at))}`}.`);
  }
}

function decode(bytes: Uint8Array, what: string): string {
  if (bytes.length === 0) throw damaged("empty", `${what} is empty.`);
  if (bytes.length > MAX_JSON_BYTES)
    throw new AgentError(
      "limit",
      "too-large",
      `${what} is ${bytes.length} bytes, more than the ${MAX_JSON_BYTES} that are parsed at once.`,
    );
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

function damaged(code: string, message: string): AgentError {
  return new AgentError("damaged", `baserow-${code}`, message);
}

export interface JsonMeasure {
  /** Looked at no further than a little beyond what is ever allowed. */
  readonly deepest: number;
  /** Index of the character that closes the outermost array or object, or null. */
  readonly closedAt: number | null;
  /** Path of the innermost array or object that is not closed, `export[0].tables[3].rows[17]`; null when all are. */
  readonly openAt: string | null;
}

interface Frame {
  readonly list: boolean;
  /** Members begun so far less one. */
  index: number;
  /** Where the text of the last key lies. */
  keyFrom: number;
  keyTo: number;
  /** In an object: whether the next text is a key. */
  wantsKey: boolean;
}

/** One pass without recursion. */
export function measureJson(text: string): JsonMeasure {
  const stack: Frame[] = [];
  let deepest = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    const top = stack.at(-1);
    if (char === 0x22) {
      const end = endOfString(text, at);
      if (end < 0) break;
      if (top !== undefined && top.wantsKey) {
        top.keyFrom = at + 1;
        top.keyTo = end;
        top.wantsKey = false;
      }
      at = end;
    } else if (char === 0x5b || char === 0x7b) {
      const list = char === 0x5b;
      stack.push({ list, index: 0, keyFrom: 0, keyTo: 0, wantsKey: !list });
      deepest = Math.max(deepest, stack.length);
      // Deeper than anything that is allowed: the rest does not matter, and the stack must not grow with it.
      if (deepest > MAX_DEPTH) return { deepest, closedAt: null, openAt: null };
    } else if (char === 0x2c && top !== undefined) {
      top.index += 1;
      top.wantsKey = !top.list;
    } else if (char === 0x5d || char === 0x7d) {
      stack.pop();
      if (stack.length === 0) return { deepest, closedAt: at, openAt: null };
    }
  }
  return { deepest, closedAt: null, openAt: stack.length === 0 ? null : pathOf(text, stack) };
}

const MAX_SHOWN = 8;

/** Keys that no schema would use are people's data and are not shown. */
function pathOf(text: string, stack: readonly Frame[]): string {
  const parts = stack.slice(0, Math.min(stack.length - 1, MAX_SHOWN)).map((frame) => {
    if (frame.list) return `[${frame.index}]`;
    const key = text.slice(frame.keyFrom, Math.min(frame.keyTo, frame.keyFrom + 60));
    return /^[a-z_]\w{0,49}$/u.test(key) ? `.${key}` : ".…";
  });
  const path = parts.join("").replace(/^\./u, "");
  return path === "" ? `the outermost ${stack[0]?.list === true ? "list" : "object"}` : path;
}

/** @returns index of the quote that closes the string opening at `from`, or -1 */
export function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  return -1;
}
