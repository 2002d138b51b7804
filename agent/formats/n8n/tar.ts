/** A gzip of a tar, small enough to be held whole: n8n itself takes packages of at most some 16 MB. */
import { gunzipSync } from "node:zlib";
import { AgentError } from "../../core/errors.ts";
import type { FormatContext } from "../../core/ports.ts";

const BLOCK = 512;
const MOST = 128 * 1024 * 1024;

/** @throws AgentError `damaged` where it is cut off or its checksums differ, `limit` where it unpacks to more than is allowed */
export function untar(packed: Uint8Array, limits: FormatContext["limits"]): ReadonlyMap<string, Uint8Array> {
  const bytes = unzipped(packed, Math.min(MOST, limits.maxBytes, Math.max(1024 * 1024, packed.length * limits.maxRatio)));
  const files = new Map<string, Uint8Array>();
  let longName: string | null = null;
  for (let at = 0; ;) {
    const head = bytes.subarray(at, at + BLOCK);
    if (head.length < BLOCK) throw damaged("it ends before its last block");
    if (head.every((byte) => byte === 0)) return files;
    const size = octal(head, 124, 12);
    const sum = head.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0);
    if (size === null || octal(head, 148, 8) !== sum) throw damaged("a header's checksum differs");
    const body = bytes.subarray(at + BLOCK, at + BLOCK + size);
    if (body.length < size) throw damaged("an entry is cut off");
    const kind = String.fromCharCode(head[156] ?? 0);
    const prefix = text(head, 345, 155);
    const name: string = longName ?? (prefix === "" ? text(head, 0, 100) : `${prefix}/${text(head, 0, 100)}`);
    longName =
      kind === "x" ? (/(?:^|\n)\d+ path=([^\n]*)\n/u.exec(text(body, 0, size))?.[1] ?? null) : kind === "L" ? text(body, 0, size) : null;
    if (kind === "0" || kind === "\0") {
      if (name.startsWith("/") || name.split("/").includes("..")) throw damaged("it names a path outside of it");
      if (files.has(name)) throw damaged("it holds a name twice");
      if (files.size >= limits.maxEntries) throw new AgentError("limit", "too-many", "The package holds more entries than are allowed.");
      files.set(name, body);
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}

function unzipped(packed: Uint8Array, most: number): Uint8Array {
  try {
    return gunzipSync(packed, { maxOutputLength: most });
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE")
      throw new AgentError("limit", "too-large", `The package unpacks to more than the ${most} bytes that are allowed.`);
    throw damaged("it does not unpack");
  }
}

function damaged(why: string): AgentError {
  return new AgentError("damaged", "n8n-package-broken", `The package is broken: ${why}.`);
}

function text(bytes: Uint8Array, from: number, length: number): string {
  const part = bytes.subarray(from, from + length);
  const end = part.indexOf(0);
  return new TextDecoder().decode(end < 0 ? part : part.subarray(0, end));
}

function octal(bytes: Uint8Array, from: number, length: number): number | null {
  const digits = text(bytes, from, length).trim();
  return /^[0-7]{1,11}$/u.test(digits) ? Number.parseInt(digits, 8) : null;
}
