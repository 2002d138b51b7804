/**
 * A tree of files that an artifact is: a directory as it lies there, or a zip archive unpacked into a directory of one's own. Symbolic
 * links are never followed, nothing outside is ever reached, and every bound is measured, never taken from what is declared.
 */
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "./input-error.ts";

export interface TreeFile {
  /** Absolute path where the bytes lie on this machine; for an unpacked archive not the entry's own name. */
  readonly place: string;
  readonly bytes: number;
}

export interface FileTree {
  /** Relative `/`-separated path → file; in no promised order. */
  readonly files: ReadonlyMap<string, TreeFile>;
  /** What is there and was not taken up (a symbolic link, a device, an unreadable folder), one sentence each, first 20. */
  readonly problems: readonly string[];
  /** Removes what was unpacked. Idempotent. */
  close(): Promise<void>;
}

export interface TreeLimits {
  /** Sum over all files, unpacked. */
  readonly maxBytes: number;
  readonly maxEntries: number;
  /** Greatest ratio of unpacked to packed bytes. */
  readonly maxRatio: number;
  readonly maxDepth: number;
}

const MAX_PROBLEMS = 20;

/** Collects sentences, and counts those beyond the first few. */
export function problemList(): { readonly add: (sentence: string) => void; readonly all: () => readonly string[] } {
  const kept: string[] = [];
  let more = 0;
  return {
    add(sentence) {
      if (kept.length < MAX_PROBLEMS) kept.push(sentence);
      else more += 1;
    },
    all: () => (more === 0 ? kept : [...kept, `There are ${more} more such problems.`]),
  };
}

/**
 * @param root absolute path of a directory
 * @returns its regular files; throws InputError `limit` beyond a bound, system errors as they are, and when `signal` aborts
 */
export async function directoryTree(root: string, limits: TreeLimits, signal: AbortSignal): Promise<FileTree> {
  const files = new Map<string, TreeFile>();
  const problems = problemList();
  let bytes = 0;
  let visited = 0;
  let level: string[] = [""];
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > limits.maxDepth)
      throw new InputError("limit", "too-deep", `The folders are nested more than ${limits.maxDepth} levels deep.`);
    const next: string[] = [];
    for (const folder of level) {
      signal.throwIfAborted();
      for (const name of await listed(root, folder, problems.add)) {
        visited += 1;
        if (visited > limits.maxEntries) throw tooMany(limits.maxEntries);
        const path = folder === "" ? name : `${folder}/${name}`;
        const place = join(root, path);
        const stats = await lstat(place);
        if (stats.isDirectory()) next.push(path);
        else if (stats.isFile()) {
          bytes += stats.size;
          if (bytes > limits.maxBytes) throw tooLarge();
          files.set(path, { place, bytes: stats.size });
        } else problems.add(`${quoted(path)} is ${stats.isSymbolicLink() ? "a symbolic link and was not followed" : "no ordinary file"}.`);
      }
    }
    level = next;
  }
  return { files, problems: problems.all(), close: () => Promise.resolve() };
}

async function listed(root: string, folder: string, problem: (sentence: string) => void): Promise<readonly string[]> {
  try {
    return await readdir(join(root, folder));
  } catch (thrown) {
    if (folder === "") throw thrown;
    problem(`The folder ${quoted(folder)} could not be listed.`);
    return [];
  }
}

export function tooMany(maxEntries: number): InputError {
  return new InputError("limit", "too-many-entries", `The artifact holds more than the ${maxEntries} files that may be looked at.`);
}

export function tooLarge(): InputError {
  return new InputError("limit", "too-large", "The artifact, unpacked, is larger than what may be read.");
}

/** A name from inside an artifact, safe to print: short, on one line, without control characters. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 117)}…` : name);
}

const CHUNK_BYTES = 1024 * 1024;

/** Opens without following a link and without waiting on a pipe; the handle itself is asked whether it is a regular file. */
export async function openRegular(place: string): Promise<FileHandle> {
  const handle = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if ((await handle.stat()).isFile()) return handle;
    throw Object.assign(new Error("Not a regular file."), { code: "ENOENT" });
  } catch (thrown) {
    await handle.close();
    throw thrown;
  }
}

/** The bytes of one file in chunks of 1 MiB, each in a buffer of its own. */
export async function* readChunks(place: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  signal.throwIfAborted();
  const handle = await openRegular(place);
  try {
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** The first `limit` bytes of one file, or all when it is shorter. */
export async function readStart(place: string, limit: number): Promise<Buffer> {
  const handle = await openRegular(place);
  try {
    const buffer = Buffer.alloc(limit);
    let filled = 0;
    while (filled < limit) {
      const { bytesRead } = await handle.read(buffer, filled, limit - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  } finally {
    await handle.close();
  }
}
