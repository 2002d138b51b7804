/**
 * Zip archives, unpacked into a directory of one's own. Entries are stored under numbers, so that no name in the archive decides where
 * anything is written; sizes, ratio and checksum are measured while unpacking. Archives inside archives stay closed.
 */
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";
import * as yauzl from "yauzl";
import {
  type FileTree,
  openRegular,
  problemList,
  quoted,
  tooLarge,
  tooMany,
  TreeError,
  type TreeFile,
  type TreeLimits,
} from "./file-tree.ts";

/** Packed so well that a small archive could fill a disk; below this many unpacked bytes no ratio is a danger. */
const HARMLESS_BYTES = 16 * 1024 * 1024;
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
 * @param maxNames stops there
 * @returns names of files in the archive's directory; throws as `unpackZip` does
 */
export async function zipNames(path: string, maxNames: number): Promise<readonly string[]> {
  return withZip(path, async (zip) => {
    const names: string[] = [];
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith("/")) names.push(entry.fileName);
      if (names.length >= maxNames) break;
    }
    return names;
  });
}

/** @returns the first `limit` unpacked bytes of one entry, fewer where it is shorter; throws as `unpackZip` does */
export async function zipHead(path: string, name: string, limit: number): Promise<Uint8Array> {
  return withZip(path, async (zip) => {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName !== name) continue;
      const chunks: Buffer[] = [];
      let length = 0;
      for await (const chunk of await zip.openReadStreamPromise(entry)) {
        chunks.push(chunk as Buffer);
        length += (chunk as Buffer).length;
        if (length >= limit) break;
      }
      return Buffer.concat(chunks).subarray(0, limit);
    }
    return new Uint8Array(0);
  });
}

/**
 * @param into an existing directory; a new folder is made in it, which `close` removes
 * @returns the regular files of the archive
 * Throws TreeError `damaged` (not a whole archive, a checksum that differs, a name that leads outside), `limit`, `unsupported` (encrypted,
 * an unknown method), and system errors as they are.
 */
export async function unpackZip(path: string, into: string, limits: TreeLimits, signal: AbortSignal): Promise<FileTree> {
  signal.throwIfAborted();
  const folder = await mkdtemp(join(into, "unzip-"));
  const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const files = new Map<string, TreeFile>();
  const problems = problemList();
  try {
    await withZip(path, async (zip, packed) => {
      const budget = { unpacked: 0, most: Math.min(limits.maxBytes, Math.max(HARMLESS_BYTES, packed * limits.maxRatio)) };
      if (zip.entryCount > limits.maxEntries) throw tooMany(limits.maxEntries);
      for await (const entry of zip.eachEntry()) {
        signal.throwIfAborted();
        const name = entry.fileName;
        if (name.endsWith("/")) continue;
        if (files.size >= limits.maxEntries) throw tooMany(limits.maxEntries);
        const kind = entry.versionMadeBy >> 8 === UNIX ? (entry.externalFileAttributes >>> 16) & FILE_KIND : 0;
        if (kind === SYMLINK) problems.add(`${quoted(name)} is a symbolic link and was not followed.`);
        else if (kind !== 0 && kind !== REGULAR) problems.add(`${quoted(name)} is no ordinary file.`);
        else if (files.has(name)) problems.add(`${quoted(name)} is in the archive more than once; the first one counts.`);
        else {
          assertName(name, limits.maxDepth);
          const place = join(folder, `${files.size}${endingOf(name)}`);
          files.set(name, { place, bytes: await unpackEntry(zip, entry, place, limits, budget, signal) });
        }
      }
    });
    return { files, problems: problems.all(), close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** `packed`: bytes of the archive itself; entries may overlap, so the sum of theirs would say nothing. */
async function withZip<T>(path: string, work: (zip: yauzl.ZipFile, packed: number) => Promise<T>): Promise<T> {
  const handle = await openRegular(path);
  try {
    const { size } = await handle.stat();
    const zip = await yauzl.fromFdPromise(handle.fd, { autoClose: false, strictFileNames: true, validateEntrySizes: true });
    // What goes wrong comes out of the iteration too; an emitter that nobody listens to would end the process.
    zip.on("error", () => undefined);
    return await work(zip, size);
  } catch (thrown) {
    throw asTreeError(thrown);
  } finally {
    await handle.close();
  }
}

/** What yauzl throws has no code: the archive is not as it should be. System errors have one and stay. */
function asTreeError(thrown: unknown): unknown {
  if (thrown instanceof TreeError || (thrown instanceof Error && thrown.name === "AbortError")) return thrown;
  const { code } = thrown as { code?: unknown };
  if (typeof code === "string" && /^E[A-Z0-9]+$/u.test(code)) return thrown;
  return new TreeError("damaged", "zip-broken", "The zip archive is broken or cut off.", thrown);
}

function assertName(name: string, maxDepth: number): void {
  const parts = name.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..") || /[\0\\]|^[A-Za-z]:/u.test(name))
    throw new TreeError("damaged", "zip-name", "The zip archive holds a name that leads outside or nowhere.");
  if (parts.length > maxDepth) throw new TreeError("limit", "too-deep", `The folders are nested more than ${maxDepth} levels deep.`);
}

/** Readers of the unpacked files may go by the ending. */
function endingOf(name: string): string {
  return /(?:\.[A-Za-z0-9]{1,10}){1,2}$/u.exec(name)?.[0].toLowerCase() ?? "";
}

async function unpackEntry(
  zip: yauzl.ZipFile,
  entry: yauzl.Entry,
  place: string,
  limits: TreeLimits,
  budget: { unpacked: number; readonly most: number },
  signal: AbortSignal,
): Promise<number> {
  if (entry.isEncrypted()) throw new TreeError("unsupported", "zip-encrypted", "The zip archive is encrypted.");
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED)
    throw new TreeError("unsupported", "zip-method", `The zip archive uses compression method ${entry.compressionMethod}.`);
  let bytes = 0;
  let sum = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      budget.unpacked += chunk.length;
      sum = crc32(chunk, sum);
      if (budget.unpacked <= budget.most) done(null, chunk);
      else done(budget.most === limits.maxBytes ? tooLarge() : tooDense(limits.maxRatio));
    },
  });
  await pipeline(await zip.openReadStreamPromise(entry), measure, createWriteStream(place, { flags: "wx", mode: 0o600 }), { signal });
  if (sum !== entry.crc32)
    throw new TreeError("damaged", "zip-checksum", `The checksum of ${quoted(entry.fileName)} in the archive differs.`);
  return bytes;
}

export function tooDense(maxRatio: number): TreeError {
  return new TreeError("limit", "too-dense", `The artifact unpacks to more than ${maxRatio} times its size.`);
}
