/** A first look at a path on this machine: what kind of thing it is, how large, its first bytes. Never follows a symlink, never waits on a pipe. */
import { constants, type Stats } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";

export const HEAD_BYTES = 64 * 1024;
export const MAX_ENTRIES = 10_000;
/** A tree with more than this is only summed up so far; `wholeTree` is false then. */
const MAX_VISITED = 200_000;
const MAX_DEPTH = 64;
const MAX_READ = 16 * 1024 * 1024;

export interface LocalProbe {
  readonly path: string;
  readonly kind: "file" | "directory";
  readonly bytes: number;
  readonly head: Uint8Array;
  readonly entries: readonly string[];
  /** Throws an Error with `code`: `ENOENT` no such regular file in the directory, `ELOOP` a symlink on the way, or what the system says. */
  readHead(entry: string, bytes: number): Promise<Uint8Array>;
  /** False when the directory holds more files, or lies deeper, than was looked at. */
  readonly wholeTree: boolean;
  /** Paths inside a directory that are symlinks, pipes, sockets or devices, or could not be listed; sorted, first 100. */
  readonly leftOut: readonly string[];
}

export type ProbeResult =
  | { readonly ok: true; readonly probe: LocalProbe }
  | {
      readonly ok: false;
      /** `symlink`: the path itself is one (resolve it first where a person named it); `special`: a pipe, socket or device. */
      readonly reason: "not-found" | "no-permission" | "symlink" | "special" | "unreadable";
      readonly message: string;
      readonly cause: unknown;
    };

/**
 * @param path of a file or directory
 * @returns a probe, or the reason why there is none; throws only when `signal` aborts
 */
export async function probeArtifact(path: string, signal?: AbortSignal): Promise<ProbeResult> {
  signal?.throwIfAborted();
  try {
    const stats = await lstat(path);
    if (stats.isSymbolicLink()) return refuse("symlink", "The path is a symbolic link.", null);
    if (stats.isDirectory()) return { ok: true, probe: await directoryProbe(path, signal) };
    if (!stats.isFile()) return refuse("special", "The path is a pipe, a socket or a device, not a file.", null);
    const { bytes, head } = await readRegular(path, HEAD_BYTES);
    return {
      ok: true,
      probe: {
        path,
        kind: "file",
        bytes,
        head,
        entries: [],
        readHead: (entry) => Promise.reject(noEntry(entry)),
        wholeTree: true,
        leftOut: [],
      },
    };
  } catch (cause) {
    signal?.throwIfAborted();
    const code = (cause as { code?: unknown }).code;
    if (code === "ENOENT" || code === "ENOTDIR") return refuse("not-found", "There is no such file or directory.", cause);
    if (code === "EACCES" || code === "EPERM" || code === "ERR_ACCESS_DENIED")
      return refuse("no-permission", "Reading is not permitted.", cause);
    if (code === "ELOOP") return refuse("symlink", "The path is a symbolic link.", cause);
    if (code === "ESPECIAL") return refuse("special", "The path is a pipe, a socket or a device, not a file.", cause);
    return refuse("unreadable", "The path could not be read.", cause);
  }
}

function refuse(reason: Extract<ProbeResult, { ok: false }>["reason"], message: string, cause: unknown): ProbeResult {
  return { ok: false, reason, message, cause };
}

function withCode(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

function noEntry(entry: string): Error {
  return withCode(`There is no regular file ${JSON.stringify(entry)} in the artifact.`, "ENOENT");
}

/** Between lstat and open the thing may have been exchanged: no-follow and non-blocking, and the handle itself is asked again. */
async function readRegular(path: string, limit: number): Promise<{ bytes: number; head: Uint8Array }> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats: Stats = await handle.stat();
    if (!stats.isFile()) throw withCode("Not a regular file.", "ESPECIAL");
    const buffer = new Uint8Array(Math.min(limit, stats.size));
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return { bytes: stats.size, head: buffer.subarray(0, filled) };
  } finally {
    await handle.close();
  }
}

async function directoryProbe(root: string, signal: AbortSignal | undefined): Promise<LocalProbe> {
  const tree = await walk(root, signal);
  return {
    path: root,
    kind: "directory",
    bytes: tree.bytes,
    head: new Uint8Array(0),
    entries: tree.files.slice(0, MAX_ENTRIES).sort(),
    wholeTree: tree.whole && tree.files.length <= MAX_ENTRIES,
    leftOut: tree.leftOut.slice(0, 100).sort(),
    readHead: async (entry, bytes) => {
      const parts = entry.split("/");
      if (parts.some((part) => part === "" || part === "." || part === ".." || part.includes("\0"))) throw noEntry(entry);
      let at = root;
      for (const part of parts.slice(0, -1)) {
        at = join(at, part);
        const stats = await lstat(at);
        if (stats.isSymbolicLink()) throw withCode("A directory on the way is a symbolic link.", "ELOOP");
      }
      const last = join(at, parts.at(-1) ?? "");
      const stats = await lstat(last);
      if (stats.isSymbolicLink()) throw withCode("The entry is a symbolic link.", "ELOOP");
      if (!stats.isFile()) throw noEntry(entry);
      return (await readRegular(last, Math.min(bytes, MAX_READ))).head;
    },
  };
}

interface Tree {
  bytes: number;
  readonly files: string[];
  readonly leftOut: string[];
  whole: boolean;
}

/** Level by level, so that the shallow files, which formats are recognised by, are among the first 10,000. */
async function walk(root: string, signal: AbortSignal | undefined): Promise<Tree> {
  const tree: Tree = { bytes: 0, files: [], leftOut: [], whole: true };
  let visited = 0;
  let level: string[] = [""];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) {
      tree.whole = false;
      break;
    }
    const next: string[] = [];
    for (const folder of level) {
      signal?.throwIfAborted();
      if (visited > MAX_VISITED) {
        tree.whole = false;
        break;
      }
      for (const name of await list(root, folder, tree)) {
        visited += 1;
        const relative = folder === "" ? name : `${folder}/${name}`;
        const stats = await lstat(join(root, relative)).catch(() => null);
        if (stats?.isDirectory() === true) next.push(relative);
        else if (stats?.isFile() === true) {
          tree.bytes += stats.size;
          if (tree.files.length <= MAX_ENTRIES) tree.files.push(relative);
        } else if (tree.leftOut.length < 1000) tree.leftOut.push(relative);
      }
    }
    level = next;
  }
  return tree;
}

async function list(root: string, folder: string, tree: Tree): Promise<string[]> {
  try {
    return (await readdir(join(root, folder))).sort();
  } catch (thrown) {
    // The directory itself must be listable; one that lies inside it is only left out.
    if (folder === "") throw thrown;
    tree.leftOut.push(folder);
    tree.whole = false;
    return [];
  }
}
