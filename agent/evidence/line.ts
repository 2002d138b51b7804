/** One line of the log: `{"seq":…,"prev":"…","at":…,"entry":…,"hash":"…"}`, hashed so that no byte of it can change unnoticed. */
import { createHash } from "node:crypto";

export const NO_HASH = "0".repeat(64);

/** A line as it lies on disk. `sound`: its hash is the hash of what it says. */
export interface Line {
  readonly seq: number;
  readonly prev: string;
  /** When it was appended, milliseconds since the epoch. */
  readonly at: number;
  readonly hash: string;
  readonly sound: boolean;
  /** UTF-8 JSON of the entry. */
  readonly entry: Uint8Array;
}

/**
 * JSON with sorted keys and no white space, as RFC 8785 has it: the same value gives the same bytes everywhere.
 * Whatever JSON cannot say is first turned into what JSON.stringify makes of it.
 */
export function canonicalJson(value: unknown): string {
  const text = JSON.stringify(value);
  return text === undefined ? "null" : sorted(JSON.parse(text));
}

function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${pairs.map(([key, inner]) => `${JSON.stringify(key)}:${sorted(inner)}`).join(",")}}`;
}

/**
 * @param body canonical JSON of the entry
 * @returns the line without its line end, and its hash: SHA-256 over the canonical JSON of seq, prev, at and entry
 */
export function renderLine(seq: number, prev: string, at: number, body: string): { readonly text: string; readonly hash: string } {
  const hash = createHash("sha256").update(`{"at":${at},"entry":${body},"prev":"${prev}","seq":${seq}}`).digest("hex");
  return { text: `{"seq":${seq},"prev":"${prev}","at":${at},"entry":${body},"hash":"${hash}"}`, hash };
}

const FRONT = /^\{"seq":([1-9]\d{0,15}),"prev":"([0-9a-f]{64})","at":(-?\d{1,16}),"entry":/;
const BACK = /^,"hash":"([0-9a-f]{64})"\}$/;
const FRONT_MOST = 150;
const BACK_BYTES = 75;

/** @param bytes one line without its line end. @returns null when it has not the form of a line */
export function parseLine(bytes: Uint8Array): Line | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const front = FRONT.exec(buffer.toString("latin1", 0, FRONT_MOST));
  const back = BACK.exec(buffer.toString("latin1", Math.max(0, buffer.length - BACK_BYTES)));
  if (front === null || back === null) return null;
  const [opening, seq = "", prev = "", at = ""] = front;
  const entry = buffer.subarray(opening.length, buffer.length - BACK_BYTES);
  const hash = back[1] ?? "";
  const actual = createHash("sha256").update(`{"at":${at},"entry":`).update(entry).update(`,"prev":"${prev}","seq":${seq}}`).digest("hex");
  return { seq: Number(seq), prev, at: Number(at), hash, sound: actual === hash, entry };
}

/** The number a line claims to have, also when the rest of it is broken; null when it claims none. */
export function claimedSeq(bytes: Uint8Array): number | null {
  const found = /^\s*\{"seq":(\d{1,16})\D/.exec(Buffer.from(bytes.subarray(0, 40)).toString("latin1"));
  return found === null ? null : Number(found[1]);
}

export function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}
