/** A finished bag as one zip file: one object in a vault is there or not, a directory can be half there. */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { open, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";

/**
 * Stored, not deflated: parts are compressed already, and a stored entry can be read in place.
 * @returns absolute path, SHA-256 hex and size of the file, which is on the disk when this returns
 */
export async function packBag(
  bag: string,
  path: string,
): Promise<{ readonly path: string; readonly sha256: string; readonly bytes: number }> {
  const growing = `${path}.growing`;
  const zip = new ZipFile();
  // The same content gives the same bytes: entries sorted, all of one time.
  for (const name of await filesOf(bag, ""))
    zip.addFile(join(bag, name), name, { compress: false, mtime: new Date(Date.UTC(1980, 0, 1)), mode: 0o644 });
  zip.end();
  const hash = createHash("sha256");
  let bytes = 0;
  const counting = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  await pipeline(zip.outputStream, counting, createWriteStream(growing));
  const handle = await open(growing, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(growing, path);
  return { path, sha256: hash.digest("hex"), bytes };
}

async function filesOf(root: string, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const child of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = folder === "" ? child.name : `${folder}/${child.name}`;
    if (child.isDirectory()) found.push(...(await filesOf(root, path)));
    else found.push(path);
  }
  return found.sort();
}
