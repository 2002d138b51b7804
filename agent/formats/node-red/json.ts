/** JSON as flows files hold it: read within bounds, told where it breaks, written back in one canonical way. */
import { isUtf8 } from "node:buffer";
import { AgentError } from "../../core/errors.ts";

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

/** JSON text with sorted keys. Safe for the depth `parseJson` lets through. */
export function canonicalJson(value: unknown): string {
  if (value instanceof ExactNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? "null";
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`).join(",")}}`;
}

/** @throws AgentError `damaged` when the bytes are not the text of a JSON file; `what` names the file */
export function decodeText(bytes: Uint8Array, what: string): string {
  if (bytes.length === 0) throw damaged("empty", `${what} is empty.`);
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (utf16) throw damaged("not-utf8", `${what} is UTF-16, which Node-RED cannot read.`);
  const nul = bytes.indexOf(0);
  if (nul >= 0) throw damaged("nul-bytes", `${what} holds NUL bytes from byte ${nul} on.`);
  if (!isUtf8(bytes)) throw damaged("not-utf8", `${what} is not valid UTF-8, first at byte ${firstInvalid(bytes)}.`);
  const text = new TextDecoder("utf-8", { ignoreBOM: false }).decode(bytes);
  if (text.trim() === "") throw damaged("empty", `${what} holds nothing but white space.`);
  return text;
}

/** Length of the longest valid beginning; a character cut off by the end of the piece is no fault of the piece. */
function firstInvalid(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.length;
  while (good < bad) {
    const middle = good + Math.ceil((bad - good) / 2);
    const cut = [0, 1, 2, 3].some((less) => middle - less >= 0 && isUtf8(bytes.subarray(0, middle - less)));
    if (cut) good = middle;
    else bad = middle - 1;
  }
  while (good > 0 && !isUtf8(bytes.subarray(0, good))) good -= 1;
  return good;
}

/**
 * @param maxDepth how deeply arrays and objects may be nested
 * @returns the value; numbers that a double cannot hold are ExactNumber
 * @throws AgentError `damaged` with the place where it stops being JSON, never with its text; `limit` beyond `maxDepth`
 */
export function parseJson(text: string, what: string, maxDepth: number): unknown {
  const measure = measureJson(text);
  if (measure.deepest > maxDepth)
    throw new AgentError("limit", "too-deep", `${what} is nested ${measure.deepest} levels deep, more than the ${maxDepth} allowed.`);
  if (measure.closedAt === null && measure.deepest > 0) {
    const after = measure.elements === 1 ? "1 whole element" : `${measure.elements} whole elements`;
    throw damaged("truncated", `${what} is cut off: it ends after ${after}, at character ${text.length}, before its structure closes.`);
  }
  try {
    return JSON.parse(text, /(?:^|[\s:,[])-?\d[\d.]{15,}/.test(text) ? keepDigits : undefined);
  } catch (thrown) {
    const at = /position (\d+)/.exec(thrown instanceof Error ? thrown.message : "")?.[1];
    const trailing = measure.closedAt !== null && at !== undefined && Number(at) > measure.closedAt;
    if (trailing) throw damaged("trailing", `${what} goes on after its structure closed at character ${measure.closedAt}.`);
    throw damaged("not-json", `${what} is not valid JSON${at === undefined ? "" : `, first at ${place(text, Number(at))}`}.`);
  }
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined) return value;
  return source.replaceAll(/[-.]|e.*$/gi, "").length > 15 ? new ExactNumber(source) : value;
}

function place(text: string, at: number): string {
  const before = text.slice(0, at);
  return `line ${before.split("\n").length}, column ${at - before.lastIndexOf("\n")}`;
}

function damaged(code: string, message: string): AgentError {
  return new AgentError("damaged", `node-red-${code}`, message);
}

export interface JsonMeasure {
  readonly deepest: number;
  /** Index of the character that closes the outermost array or object, or null. */
  readonly closedAt: number | null;
  /** Objects closed directly below the outermost array, or below a member array of an outermost object. */
  readonly elements: number;
}

/** One pass without recursion. */
export function measureJson(text: string): JsonMeasure {
  let depth = 0;
  let deepest = 0;
  let elements = 0;
  let base = 1;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === 0x22) {
      const end = endOfString(text, at);
      if (end < 0) break;
      at = end;
    } else if (char === 0x5b || char === 0x7b) {
      if (depth === 0) base = char === 0x5b ? 1 : 2;
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (char === 0x5d || char === 0x7d) {
      depth -= 1;
      if (depth === base && char === 0x7d) elements += 1;
      if (depth <= 0) return { deepest, closedAt: at, elements };
    }
  }
  return { deepest, closedAt: null, elements };
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
