/** The file that a document is, before SQLite is asked: a copy of it, and what its header says against what is there. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { AgentError } from "../../core/errors.ts";
import type { FormatContext } from "../../core/ports.ts";
import { SQLITE_MAGIC } from "./recognise.ts";

const HEADER_BYTES = 100;
const NEWEST_SCHEMA_FORMAT = 4;
/** UTF-8, and UTF-16 in both byte orders; 0 in a file without tables. */
const TEXT_ENCODINGS = 3;
const COPY_BYTES = 1024 * 1024;

export interface Header {
  /** The first 100 bytes. */
  readonly bytes: Buffer;
  /** Of the whole file, in bytes. */
  readonly size: number;
}

/**
 * Symlinks are not followed. The copy is never in WAL mode: a log beside the document is not part of the artifact.
 * @throws AgentError `limit` for one too large, `unsupported` for what is no file; system errors as they are
 */
export async function copyDocument(from: string, to: string, context: FormatContext): Promise<Header> {
  const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await source.stat();
    if (!stats.isFile()) throw new AgentError("unsupported", "not-a-file", "A Grist document is a file; this is something else.");
    if (stats.size > context.limits.maxBytes)
      throw new AgentError("limit", "artifact-too-large", `The document has ${stats.size} bytes; the limit is ${context.limits.maxBytes}.`);
    const target = await open(to, "wx", 0o600);
    try {
      const buffer = Buffer.alloc(COPY_BYTES);
      const header = Buffer.alloc(HEADER_BYTES);
      let size = 0;
      for (;;) {
        context.signal.throwIfAborted();
        const { bytesRead } = await source.read(buffer, 0, buffer.length, size);
        if (bytesRead === 0) break;
        if (size === 0) {
          buffer.copy(header, 0, 0, Math.min(HEADER_BYTES, bytesRead));
          if (bytesRead >= 20) buffer.fill(1, 18, 20);
        }
        await target.write(buffer, 0, bytesRead, size);
        size += bytesRead;
        if (size > context.limits.maxBytes)
          throw new AgentError("limit", "artifact-too-large", `The document grew beyond the limit of ${context.limits.maxBytes} bytes.`);
      }
      return { bytes: header, size };
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** What is wrong with the header itself. Throws `damaged` where there is no SQLite file at all. */
export function checkHeader(header: Header): string[] {
  const { bytes } = header;
  const problems = checkSize(header);
  // SQLite looks away from both, so that only here a header that was overwritten is seen.
  if (bytes.readUInt32BE(56) > TEXT_ENCODINGS) problems.push("The file's header names a text encoding that SQLite does not have.");
  if (bytes.subarray(72, 92).some((byte) => byte !== 0))
    problems.push("The file's header holds something where it is empty by its format.");
  return problems;
}

/** What the header says of the size, against the size. */
function checkSize({ bytes, size }: Header): string[] {
  if (size === 0) throw new AgentError("damaged", "artifact-empty", "The document is empty.");
  if (size < HEADER_BYTES)
    throw new AgentError("damaged", "artifact-truncated", `The document ends after ${size} bytes, within its header.`);
  if (bytes.subarray(0, 16).toString("latin1") !== SQLITE_MAGIC)
    throw new AgentError("damaged", "not-sqlite", "The document does not start as a SQLite file does.");
  // SQLite itself calls this no more than an error of logic.
  if (bytes.readUInt32BE(44) > NEWEST_SCHEMA_FORMAT)
    throw new AgentError("damaged", "sqlite-damaged", "The document's header names a schema format that SQLite does not have.");
  const named = namedSize(bytes);
  if (named === null) return size % pageSizeOf(bytes) === 0 ? [] : ["The file does not end at the end of a page."];
  const cut = cutShort({ bytes, size });
  if (cut !== null) return [cut];
  return size > named ? [`The file has ${size - named} bytes after its end.`] : [];
}

function pageSizeOf(header: Buffer): number {
  const declared = header.readUInt16BE(16);
  return declared === 1 ? 65_536 : declared;
}

/** Bytes that the file should have; null where the header does not say. */
function namedSize(header: Buffer): number | null {
  const pages = header.readUInt32BE(28);
  // Writers before SQLite 3.7 leave a stale page count behind; it counts only where both change counters agree.
  const current = header.readUInt32BE(24) === header.readUInt32BE(92);
  return current && pages > 0 ? pages * pageSizeOf(header) : null;
}

/** One sentence where the file ends before its header says it does, else null. */
export function cutShort({ bytes, size }: Header): string | null {
  const named = namedSize(bytes);
  return named === null || size >= named ? null : `The file is cut short: it has ${size} bytes where its header names ${named}.`;
}
