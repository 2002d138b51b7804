/**
 * A zip read within limits: sizes and names in it are claims, never trusted. Nothing is ever unpacked to disk; entries are streams,
 * counted while they flow.
 */
import { constants, open as openFile, type Stats } from "node:fs";
import { close as closeFile, fstat } from "node:fs";
import { createRequire } from "node:module";
import { pipeline, type Readable } from "node:stream";
import { promisify } from "node:util";
import { crc32, createInflateRaw } from "node:zlib";
import { AgentError, asAgentError } from "../../core/errors.ts";
import type { FormatContext } from "../../core/ports.ts";

export interface ZipEntry {
  readonly name: string;
  /** As the central directory says. */
  readonly bytes: number;
}

export interface Zip {
  /** Files, in the order of the central directory; folders are left out. */
  readonly entries: readonly ZipEntry[];
  /**
   * The unpacked bytes of an entry, counted against the limits of the whole zip when `budget` is shared between calls.
   * Throws `damaged` when it does not unpack to what the zip says of it (length, CRC-32), `limit` when it unpacks to too much.
   */
  read(name: string, signal: AbortSignal, budget?: ZipBudget): AsyncIterable<Uint8Array>;
  /** Idempotent. Streams that are still open end. */
  close(): Promise<void>;
}

/** How much was unpacked so far. */
export interface ZipBudget {
  unpacked: number;
}

/** The part of yauzl that is used; the package has no types of its own. */
interface YauzlEntry {
  readonly fileName: string;
  readonly compressionMethod: number;
  readonly generalPurposeBitFlag: number;
  readonly compressedSize: number;
  readonly uncompressedSize: number;
  readonly crc32: number;
  isEncrypted(): boolean;
}
interface YauzlFile {
  readonly fileSize: number;
  eachEntry(): AsyncIterable<YauzlEntry>;
  openReadStreamPromise(entry: YauzlEntry, options: { decodeFileData: false }): Promise<Readable>;
  readLocalFileHeaderPromise(entry: YauzlEntry): Promise<{ generalPurposeBitFlag: number; compressionMethod: number }>;
  close(): void;
  on(event: "error", listener: () => void): void;
}
interface Yauzl {
  fromFdPromise(fd: number, options: { autoClose: false; validateEntrySizes: true; strictFileNames: true }): Promise<YauzlFile>;
}

const STORED = 0;
const DEFLATED = 8;
/** Small things may well unpack to many times their size. */
const RATIO_FROM_BYTES = 1024 * 1024;

const openPath = promisify(openFile);
const statOf = promisify(fstat);
const closeFd = promisify(closeFile);

/**
 * @throws AgentError `damaged` for a broken, ambiguous or escaping zip, `auth` for an encrypted one, `limit` beyond the limits,
 *   and as the system says where the file cannot be read
 */
export async function openZip(path: string, context: Pick<FormatContext, "limits" | "signal">): Promise<Zip> {
  context.signal.throwIfAborted();
  const fd = await openPath(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((thrown: unknown) => {
    const error = asAgentError(thrown);
    throw new AgentError(error.kind, error.code, "The zip could not be read.", { cause: thrown });
  });
  const stats: Stats = await statOf(fd);
  const { maxBytes } = context.limits;
  let file: YauzlFile;
  try {
    if (!stats.isFile()) throw new AgentError("unsupported", "not-a-file", "The zip is not a regular file.");
    if (stats.size > maxBytes) throw limit("too-large", `The zip is ${stats.size} bytes, more than the ${maxBytes} allowed.`);
    const yauzl = createRequire(import.meta.url)("yauzl") as Yauzl;
    file = await yauzl.fromFdPromise(fd, { autoClose: false, validateEntrySizes: true, strictFileNames: true });
  } catch (thrown) {
    await closeFd(fd).catch(() => undefined);
    throw zipError(thrown, "its end, where the list of its entries is named, is not there or not whole");
  }
  // Errors of the directory also come out of the iteration; an emitter without a listener would throw them into the void.
  file.on("error", () => undefined);
  try {
    const entries = await listEntries(file, context);
    return zipOf(file, entries, context);
  } catch (thrown) {
    file.close();
    throw thrown;
  }
}

async function listEntries(file: YauzlFile, { limits, signal }: Pick<FormatContext, "limits" | "signal">): Promise<YauzlEntry[]> {
  const entries: YauzlEntry[] = [];
  const names = new Set<string>();
  try {
    for await (const entry of file.eachEntry()) {
      signal.throwIfAborted();
      const { fileName: name } = entry;
      if (entries.length >= limits.maxEntries) throw limit("too-many-entries", `The zip has more than ${limits.maxEntries} entries.`);
      if (name.split("/").length > limits.maxDepth)
        throw limit("too-deep", `The zip has folders nested more than ${limits.maxDepth} levels deep.`);
      if (name === "" || name.includes("\0")) throw damaged("zip-name", "The zip has an entry without a proper name.");
      if (names.has(name)) throw damaged("zip-duplicate", `The zip has two entries called ${shown(name)}.`);
      names.add(name);
      if (name.endsWith("/")) continue;
      await assertReadable(file, entry);
      entries.push(entry);
    }
  } catch (thrown) {
    throw zipError(thrown, "the list of its entries is not whole, or names a path outside of it");
  }
  return entries;
}

/** What only the central directory says and the entry itself does not is damage; what both say is how it was made. */
async function assertReadable(file: YauzlFile, entry: YauzlEntry): Promise<void> {
  const known = entry.compressionMethod === STORED || entry.compressionMethod === DEFLATED;
  if (!entry.isEncrypted() && known) return;
  const local = await file.readLocalFileHeaderPromise(entry);
  if (local.generalPurposeBitFlag !== entry.generalPurposeBitFlag || local.compressionMethod !== entry.compressionMethod)
    throw damaged("zip-contradiction", `The zip says two different things of its entry ${shown(entry.fileName)}.`);
  if (entry.isEncrypted())
    throw new AgentError("auth", "zip-encrypted", "The zip is encrypted with a password.", {
      mend: "decrypt it before it is verified; Baserow itself makes no encrypted exports",
    });
  throw new AgentError("unsupported", "zip-method", `The zip uses compression method ${entry.compressionMethod}, which is not known here.`);
}

function zipOf(file: YauzlFile, entries: readonly YauzlEntry[], { limits }: Pick<FormatContext, "limits">): Zip {
  const byName = new Map(entries.map((entry) => [entry.fileName, entry]));
  const streams = new Set<Readable>();
  let closed = false;

  async function* read(name: string, signal: AbortSignal, budget: ZipBudget = { unpacked: 0 }): AsyncIterable<Uint8Array> {
    signal.throwIfAborted();
    const entry = byName.get(name);
    if (entry === undefined) throw new AgentError("not_found", "no-such-entry", `The zip has no entry ${shown(name)}.`);
    let unpacked = 0;
    let sum = 0;
    try {
      const stream = await unpackedStream(file, entry);
      streams.add(stream);
      try {
        for await (const chunk of stream as AsyncIterable<Uint8Array>) {
          signal.throwIfAborted();
          unpacked += chunk.length;
          budget.unpacked += chunk.length;
          assertWithin(limits, unpacked, entry.compressedSize, shown(name));
          assertWithin(limits, budget.unpacked, file.fileSize, "it all");
          if (unpacked > entry.uncompressedSize) break;
          sum = crc32(chunk, sum);
          yield chunk;
        }
      } finally {
        streams.delete(stream);
        stream.destroy();
      }
    } catch (thrown) {
      if (closed) throw new AgentError("transient", "closed", "The zip was closed while it was read.");
      throw zipError(thrown, `its entry ${shown(name)} does not unpack`);
    }
    if (unpacked !== entry.uncompressedSize)
      throw damaged("zip-size", `The entry ${shown(name)} of the zip unpacks to another length than the zip says.`);
    if (sum !== entry.crc32)
      throw damaged("zip-crc", `The entry ${shown(name)} of the zip unpacks to other bytes than were packed (CRC-32).`);
  }

  return {
    entries: entries.map((entry) => ({ name: entry.fileName, bytes: entry.uncompressedSize })),
    read,
    async close() {
      closed = true;
      for (const stream of streams) stream.destroy();
      streams.clear();
      file.close();
    },
  };
}

async function unpackedStream(file: YauzlFile, entry: YauzlEntry): Promise<Readable> {
  const packed = await file.openReadStreamPromise(entry, { decodeFileData: false });
  if (entry.compressionMethod === STORED) return packed;
  // An error of the one ends the other, and comes out where the unpacked bytes are read.
  return pipeline(packed, createInflateRaw(), () => undefined);
}

function assertWithin(limits: FormatContext["limits"], unpacked: number, packed: number, what: string): void {
  if (unpacked > limits.maxBytes) throw limit("too-large", `The zip unpacks to more than the ${limits.maxBytes} bytes allowed.`);
  if (unpacked > RATIO_FROM_BYTES && unpacked > limits.maxRatio * Math.max(1, packed))
    throw limit("zip-ratio", `The zip unpacks (${what}) to more than ${limits.maxRatio} times its size, as a zip bomb does.`);
}

/** Errors of the system stay what they are; all others of the reader or of zlib are about the bytes. */
function zipError(thrown: unknown, where: string): Error {
  if (thrown instanceof AgentError) return thrown;
  if (thrown instanceof Error && thrown.name === "AbortError") return thrown;
  const code = (thrown as { code?: unknown } | null)?.code;
  if (typeof code === "string" && /^E[A-Z0-9]+$/u.test(code)) {
    const error = asAgentError(thrown);
    return new AgentError(error.kind, error.code, "The zip could not be read.", { cause: thrown });
  }
  return damaged("zip-broken", `The zip is broken: ${where}.`);
}

/** Entry names come from the artifact: quoted, and never long. */
export function shown(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}

function damaged(code: string, message: string): AgentError {
  return new AgentError("damaged", code, message);
}

function limit(code: string, message: string): AgentError {
  return new AgentError("limit", code, message);
}
