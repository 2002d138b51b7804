/** The JSON files of a bag, read without trusting their size, their depth or their shape. */
import { createHash } from "node:crypto";
import { isUtf8 } from "node:buffer";
import { AgentError } from "../../core/errors.ts";
import { readStart, type TreeFile } from "../../kit/file-tree.ts";

const MAX_JSON_BYTES = 64 * 1024 * 1024;

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * @param name as errors call the file
 * @throws AgentError `damaged` where it is not the text of one JSON value, `limit` where it is too large or nested too deeply
 */
export async function readJson(file: TreeFile, name: string, maxDepth: number): Promise<unknown> {
  if (file.bytes > MAX_JSON_BYTES) throw new AgentError("limit", "too-large", `${name} is larger than ${MAX_JSON_BYTES} bytes.`);
  const bytes = await readStart(file.place, file.bytes);
  if (!isUtf8(bytes)) throw new AgentError("damaged", "bag-json", `${name} is not valid UTF-8.`);
  if (depthOf(bytes) > maxDepth) throw new AgentError("limit", "too-deep", `${name} is nested more than ${maxDepth} levels deep.`);
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new AgentError("damaged", "bag-json", `${name} is not valid JSON.`);
  }
}

/** Greatest nesting, found without recursion. */
function depthOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inText = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (inText) {
      if (byte === 0x5c) at += 1;
      else if (byte === 0x22) inText = false;
    } else if (byte === 0x22) inText = true;
    else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
  return deepest;
}

export function objectOf(value: unknown): JsonObject | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

/** Members that are objects; everything else in the list is left out. */
export function objectsOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.map(objectOf).filter((item) => item !== null) : [];
}

export function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** Members that are texts. */
export function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

/** A count, written as a number or as its digits. */
export function countOf(value: unknown): number | null {
  const number = typeof value === "string" && /^\d{1,15}$/u.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

/** Milliseconds since the epoch of an ISO time with a zone. */
export function timeOf(value: unknown): number | null {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/u.test(value)) return null;
  const at = Date.parse(value);
  return Number.isFinite(at) ? at : null;
}

/** SHA-256 hex over the value as JSON with sorted keys. */
export function digestOf(value: unknown): string {
  return createHash("sha256").update(sortedJson(value)).digest("hex");
}

function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(",")}]`;
  const object = objectOf(value);
  if (object === null) return JSON.stringify(value) ?? "null";
  const keys = Object.keys(object).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${sortedJson(object[key])}`).join(",")}}`;
}
