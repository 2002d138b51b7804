/**
 * Zip archives, read entry by entry. An archive that says two things of one entry, names a path outside of it or the same name twice is
 * refused; links are left out and told; sizes, ratio and checksums are measured while unpacking. Archives inside archives stay closed.
 */
import { close, constants, fstat, open } from "node:fs";
import { pipeline, type Readable } from "node:stream";
import { promisify } from "node:util";
import { crc32, createInflateRaw } from "node:zlib";
import * as yauzl from "yauzl";
import { problemList, quoted, tooMany, type TreeLimits } from "./file-tree.ts";
import { InputError } from "./input-error.ts";

export interface ZipEntry {
  readonly name: string;
  /** Unpacked, as the archive's directory says; `read` measures it. */
  readonly bytes: number;
}

export interface Zip {
  /** Regular files, in the order of the archive's directory. */
  readonly entries: readonly ZipEntry[];
  /** What is there and was not taken up, one sentence each, first 20. */
  readonly problems: readonly string[];
  /**
   * @param budget shared between calls, counts against the limits of the whole archive
   * @returns the unpacked bytes of an entry. Throws InputError `damaged` when it does not unpack to what the archive says of it (length,
   *   CRC-32), `limit` when it unpacks to too much, an Error with code `ENOENT` without such an entry, ZipClosedError
   */
  read(name: string, signal: AbortSignal, budget?: ZipBudget): AsyncGenerator<Uint8Array>;
  /** Idempotent. Streams that are still open end. */
  close(): Promise<void>;
}

/** How much was unpacked so far, in bytes. */
export interface ZipBudget {
  unpacked: number;
}

/** The archive was closed while it was read. */
export class ZipClosedError extends Error {
  constructor() {
    super("The zip was closed while it was read.");
    this.name = "ZipClosedError";
  }
}

/** Packed so well that a small archive could fill a disk; below this many unpacked bytes no ratio is a danger. */
const HARMLESS_BYTES = 1024 * 1024;
/** For a look at what is in an archive: wider than what is then allowed, so that it is recognised for what it is. */
export const LOOKING: TreeLimits = { maxBytes: Number.MAX_SAFE_INTEGER, maxEntries: 200_000, maxRatio: 2000, maxDepth: 200 };

const STORED = 0;
const DEFLATED = 8;
const UNIX = 3;
const FILE_KIND = 0o170000;
const SYMLINK = 0o120000;
const REGULAR = 0o100000;

/** Whether a file begins as a zip archive does, an empty one included. */
export function looksLikeZip(head: Uint8Array): boolean {
  return head.length >= 4 && head[0] === 0x50 && head[1] === 0x4b && ((head[2] === 3 && head[3] === 4) || (head[2] === 5 && head[3] === 6));
}

/**
 * Names in the local headers that lie in the first bytes: enough to recognise an archive, also one whose end is cut off.
 * Headers are found by their signature, so bytes that happen to look like one may give a name that is not there.
 */
export function namesInZipHead(head: Uint8Array): readonly string[] {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const names: string[] = [];
  for (let at = bytes.indexOf("PK\u0003\u0004", 0, "latin1"); at >= 0; at = bytes.indexOf("PK\u0003\u0004", at + 4, "latin1")) {
    if (at + 30 > bytes.length) break;
    const length = bytes.readUInt16LE(at + 26);
    if (length > 0 && at + 30 + length <= bytes.length) names.push(bytes.toString("utf8", at + 30, at + 30 + length));
  }
  return names;
}

/**
 * Throws InputError `damaged` (broken, ambiguous or escaping), `unsupported` (encrypted, an unknown method), `limit`; system errors as
 * they are, `ENOENT` where it is no regular file.
 */
export async function openZip(path: string, limits: TreeLimits, signal: AbortSignal): Promise<Zip> {
  signal.throwIfAborted();
  // A plain descriptor: yauzl closes it itself, once the last stream of it has ended.
  const fd = await openFd(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  let file: yauzl.ZipFile;
  let size: number;
  try {
    const stats = await statOf(fd);
    if (!stats.isFile()) throw Object.assign(new Error("Not a regular file."), { code: "ENOENT" });
    size = stats.size;
    if (size > limits.maxBytes)
      throw new InputError("limit", "too-large", `The zip is ${size} bytes, more than the ${limits.maxBytes} that may be read.`);
    file = await yauzl.fromFdPromise(fd, { autoClose: false, strictFileNames: true, validateEntrySizes: true });
  } catch (thrown) {
    await closeFd(fd);
    throw asInputError(thrown, "its end, where the list of its entries is named, is not there or not whole");
  }
  // What goes wrong comes out of the iteration too; an emitter that nobody listens to would end the process.
  file.on("error", () => undefined);
  try {
    if (file.entryCount > limits.maxEntries) throw tooMany(limits.maxEntries);
    const problems = problemList();
    const entries = await listEntries(file, limits, problems.add, signal);
    return zipOf({ file, size, entries, problems: problems.all(), limits });
  } catch (thrown) {
    file.close();
    throw asInputError(thrown, "the list of its entries is not whole, or names a path outside of it");
  }
}

const openFd = promisify(open);
const statOf = promisify(fstat);
const closeFd = promisify(close);

async function listEntries(
  file: yauzl.ZipFile,
  limits: TreeLimits,
  problem: (sentence: string) => void,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, yauzl.Entry>> {
  const entries = new Map<string, yauzl.Entry>();
  const names = new Set<string>();
  for await (const entry of file.eachEntry()) {
    signal.throwIfAborted();
    const name = entry.fileName;
    if (names.size >= limits.maxEntries) throw tooMany(limits.maxEntries);
    assertName(name, limits.maxDepth);
    if (names.has(name)) throw damaged("zip-duplicate", `The zip has two entries called ${quoted(name)}.`);
    names.add(name);
    if (name.endsWith("/")) continue;
    const kind = entry.versionMadeBy >> 8 === UNIX ? (entry.externalFileAttributes >>> 16) & FILE_KIND : 0;
    if (kind === SYMLINK) problem(`${quoted(name)} is a symbolic link and was not followed.`);
    else if (kind !== 0 && kind !== REGULAR) problem(`${quoted(name)} is no ordinary file.`);
    else {
      await assertReadable(file, entry);
      entries.set(name, entry);
    }
  }
  return entries;
}

/** Paths that lead outside are refused by yauzl already. */
function assertName(name: string, maxDepth: number): void {
  const parts = name.replace(/\/$/u, "").split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..") || /[\0\\]|^[A-Za-z]:/u.test(name))
    throw damaged("zip-name", "The zip holds a name that leads outside or nowhere.");
  if (parts.length > maxDepth) throw new InputError("limit", "too-deep", `The zip has folders nested more than ${maxDepth} levels deep.`);
}

/** What only the archive's directory says and the entry itself does not is damage; what both say is how it was made. */
async function assertReadable(file: yauzl.ZipFile, entry: yauzl.Entry): Promise<void> {
  const known = entry.compressionMethod === STORED || entry.compressionMethod === DEFLATED;
  if (!entry.isEncrypted() && known) return;
  const local = await file.readLocalFileHeaderPromise(entry);
  if (local.generalPurposeBitFlag !== entry.generalPurposeBitFlag || local.compressionMethod !== entry.compressionMethod)
    throw damaged("zip-contradiction", `The zip says two different things of its entry ${quoted(entry.fileName)}.`);
  if (entry.isEncrypted())
    throw new InputError("unsupported", "zip-encrypted", "The zip is encrypted with a password; decrypt it before it is verified.");
  throw new InputError("unsupported", "zip-method", `The zip uses compression method ${entry.compressionMethod}, which is not known here.`);
}

interface Opened {
  readonly file: yauzl.ZipFile;
  /** Bytes of the archive itself; entries may overlap, so the sum of theirs would say nothing. */
  readonly size: number;
  readonly entries: ReadonlyMap<string, yauzl.Entry>;
  readonly problems: readonly string[];
  readonly limits: TreeLimits;
}

function zipOf({ file, size, entries, problems, limits }: Opened): Zip {
  const streams = new Set<Readable>();
  let closed = false;

  async function* read(name: string, signal: AbortSignal, budget: ZipBudget = { unpacked: 0 }): AsyncGenerator<Uint8Array> {
    signal.throwIfAborted();
    if (closed) throw new ZipClosedError();
    const entry = entries.get(name);
    if (entry === undefined) throw Object.assign(new Error(`The zip has no entry ${quoted(name)}.`), { code: "ENOENT" });
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
          assertWithin(limits, unpacked, entry.compressedSize, quoted(name));
          assertWithin(limits, budget.unpacked, size, "all of it");
          if (unpacked > entry.uncompressedSize) break;
          sum = crc32(chunk, sum);
          yield chunk;
        }
      } finally {
        streams.delete(stream);
        stream.destroy();
      }
    } catch (thrown) {
      if (closed) throw new ZipClosedError();
      throw asInputError(thrown, `its entry ${quoted(name)} does not unpack`);
    }
    if (unpacked !== entry.uncompressedSize)
      throw damaged("zip-size", `The entry ${quoted(name)} of the zip unpacks to another length than the zip says.`);
    if (sum !== entry.crc32) throw damaged("zip-checksum", `The entry ${quoted(name)} of the zip differs from its checksum (CRC-32).`);
  }

  return {
    entries: [...entries.values()].map((entry) => ({ name: entry.fileName, bytes: entry.uncompressedSize })),
    problems,
    read,
    async close() {
      if (closed) return;
      closed = true;
      for (const stream of streams) stream.destroy();
      streams.clear();
      file.close();
    },
  };
}

async function unpackedStream(file: yauzl.ZipFile, entry: yauzl.Entry): Promise<Readable> {
  const packed = await file.openReadStreamPromise(entry, { decodeFileData: false });
  if (entry.compressionMethod === STORED) return packed;
  // An error of the one ends the other, and comes out where the unpacked bytes are read.
  return pipeline(packed, createInflateRaw(), () => undefined);
}

function assertWithin(limits: TreeLimits, unpacked: number, packed: number, what: string): void {
  if (unpacked > limits.maxBytes)
    throw new InputError("limit", "too-large", `The zip unpacks to more than the ${limits.maxBytes} bytes that may be read.`);
  if (unpacked > HARMLESS_BYTES && unpacked > limits.maxRatio * Math.max(1, packed))
    throw new InputError("limit", "too-dense", `The zip unpacks (${what}) to more than ${limits.maxRatio} times its size, as a bomb does.`);
}

/** What yauzl and zlib throw has no code of the system: the archive is not as it should be. System errors have one and stay. */
function asInputError(thrown: unknown, where: string): unknown {
  if (thrown instanceof InputError || (thrown instanceof Error && thrown.name === "AbortError")) return thrown;
  const code = (thrown as { code?: unknown } | null)?.code;
  if (typeof code === "string" && /^E[A-Z0-9]+$/u.test(code)) return thrown;
  return new InputError("damaged", "zip-broken", `The zip is broken: ${where}.`, thrown);
}

function damaged(code: string, message: string): InputError {
  return new InputError("damaged", code, message);
}
