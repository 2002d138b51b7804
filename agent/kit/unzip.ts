/** Zip archives as a tree of files, unpacked into a directory of one's own. */
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { FileTree, TreeFile, TreeLimits } from "./file-tree.ts";
import { openZip, type Zip, type ZipBudget } from "./zip.ts";

/**
 * @param into an existing directory; a new folder is made in it, which `close` removes. Entries are stored under numbers, so that no name
 *   in the archive decides where anything is written
 * @returns the regular files of the archive; throws as `openZip` and `Zip.read` do, and leaves nothing behind then
 */
export async function unpackZip(path: string, into: string, limits: TreeLimits, signal: AbortSignal): Promise<FileTree> {
  const zip = await openZip(path, limits, signal);
  try {
    const folder = await mkdtemp(join(into, "unzip-"));
    const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
    try {
      return { files: await unpackAll(zip, folder, signal), problems: zip.problems, close };
    } catch (thrown) {
      await close();
      throw thrown;
    }
  } finally {
    await zip.close();
  }
}

async function unpackAll(zip: Zip, folder: string, signal: AbortSignal): Promise<ReadonlyMap<string, TreeFile>> {
  const files = new Map<string, TreeFile>();
  const budget: ZipBudget = { unpacked: 0 };
  for (const { name } of zip.entries) {
    const place = join(folder, `${files.size}${endingOf(name)}`);
    const before = budget.unpacked;
    await pipeline(zip.read(name, signal, budget), createWriteStream(place, { flags: "wx", mode: 0o600 }), { signal });
    files.set(name, { place, bytes: budget.unpacked - before });
  }
  return files;
}

/** Readers of the unpacked files may go by the ending. */
function endingOf(name: string): string {
  return /(?:\.[A-Za-z0-9]{1,10}){1,2}$/u.exec(name)?.[0].toLowerCase() ?? "";
}
