/** Size, time and identity of one artifact, a directory being the sum of its files. */
import type { BigIntStats } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { AgentError } from "../../core/errors.ts";
import { mapLimit } from "../../kit/map-limit.ts";
import type { VaultFiles } from "./files.ts";

export const CONCURRENCY = 32;
const MAX_FILES = 100_000;
const MAX_DEPTH = 64;

export interface Measured {
  readonly kind: "file" | "directory";
  readonly bytes: number;
  /** Whole milliseconds since the epoch. */
  readonly modifiedAt: number;
  /** Changes when any file is written, exchanged, added or removed. */
  readonly identity: string;
}

/**
 * @throws AgentError `unsupported` for a symlink, pipe, socket or device, `limit` for a directory too large to sum up; system errors as they are
 */
export async function measure(files: VaultFiles, path: string, signal: AbortSignal): Promise<Measured> {
  signal.throwIfAborted();
  const stats = await files.lstat(path);
  if (stats.isSymbolicLink()) throw new AgentError("unsupported", "symlink", "It is a symbolic link, which is never followed.");
  if (stats.isDirectory()) return measureTree(files, path, stats, signal);
  if (!stats.isFile()) throw new AgentError("unsupported", "not-a-file", "It is a pipe, a socket or a device, not a file.");
  return { kind: "file", bytes: Number(stats.size), modifiedAt: Number(stats.mtimeMs), identity: identityOf(stats) };
}

function identityOf(stats: BigIntStats): string {
  // The time of change, which nobody can set: bytes may be exchanged and size and modification time put back.
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

async function measureTree(files: VaultFiles, root: string, own: BigIntStats, signal: AbortSignal): Promise<Measured> {
  const hash = createHash("sha256");
  let bytes = 0;
  let newest: number | null = null;
  let count = 0;
  let level = [""];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) throw tooLarge(`deeper than ${MAX_DEPTH} levels`);
    const next: string[] = [];
    for (const folder of level) {
      signal.throwIfAborted();
      const children = [...(await files.readdir(join(root, folder)))].sort((a, b) => (a.name < b.name ? -1 : 1));
      count += children.length;
      if (count > MAX_FILES) throw tooLarge(`more than ${MAX_FILES} files`);
      next.push(...children.filter((child) => child.isDirectory()).map((child) => join(folder, child.name)));
      const regular = children.filter((child) => child.isFile()).map((child) => join(folder, child.name));
      const stats = await mapLimit(regular, CONCURRENCY, async (file) => {
        signal.throwIfAborted();
        return { file, stats: await files.lstat(join(root, file)) };
      });
      for (const each of stats) {
        bytes += Number(each.stats.size);
        newest = Math.max(newest ?? 0, Number(each.stats.mtimeMs));
        hash.update(JSON.stringify([each.file, identityOf(each.stats)]));
      }
    }
    level = next;
  }
  // An empty directory has no file to take the time from.
  return { kind: "directory", bytes, modifiedAt: newest ?? Number(own.mtimeMs), identity: hash.digest("hex") };
}

function tooLarge(what: string): AgentError {
  return new AgentError("limit", "directory-too-large", `The directory is ${what}.`, { mend: "back up into one archive file" });
}
