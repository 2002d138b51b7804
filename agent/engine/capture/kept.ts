/**
 * The last capture of a source, kept on this machine so that the next can be laid over it: a bag under the name of its digest, and a note
 * that names it. A kill at any moment leaves the note of before, or the new one.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, link, mkdir, mkdtemp, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Content } from "../../core/ports.ts";
import type { KeptCapture } from "./capture.ts";
import type { PreviousCapture } from "./incremental.ts";

const noteSchema = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/u),
  fingerprint: z.string(),
  startedAt: z.number(),
  fullAt: z.number(),
  clockSkewMs: z.number(),
});
type Note = z.infer<typeof noteSchema>;

const NOTE = "last.json";

/** @param directory of this source alone */
export async function keepCapture(directory: string, made: KeptCapture): Promise<void> {
  const { localPath, sha256, fingerprint, startedAt, fullAt, clockSkewMs } = made;
  if (clockSkewMs === null) return forgetCapture(directory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const name = `${sha256}.bag.zip`;
  // One name more for the same bytes, where the file system can; the finished bag itself goes with its staging directory.
  await link(localPath, join(directory, name)).catch(async (thrown: unknown) => {
    if ((thrown as { code?: unknown }).code !== "EEXIST") await copyFile(localPath, join(directory, name));
  });
  await writeNote(directory, { sha256, fingerprint, startedAt, fullAt, clockSkewMs });
  for (const other of await readdir(directory))
    if (other !== name && other !== NOTE) await rm(join(directory, other), { recursive: true, force: true });
}

export function forgetCapture(directory: string): Promise<void> {
  return rm(directory, { recursive: true, force: true });
}

/**
 * @param openBag reads a bag with a working directory of its own
 * @returns null where there is none, it was of something else, or its bytes are not those that were kept
 */
export async function readKept(
  directory: string,
  fingerprint: string,
  openBag: (path: string, workDir: string) => Promise<Content>,
): Promise<PreviousCapture | null> {
  const note = await readNote(directory);
  if (note === null || note.fingerprint !== fingerprint) return null;
  const path = join(directory, `${note.sha256}.bag.zip`);
  if ((await digestOf(path)) !== note.sha256) return null;
  const workDir = await mkdtemp(join(directory, "reading-"));
  const done = (): Promise<void> => rm(workDir, { recursive: true, force: true });
  let content: Content;
  try {
    content = await openBag(path, workDir);
  } catch (thrown) {
    await done();
    throw thrown;
  }
  return {
    startedAt: note.startedAt,
    fullAt: note.fullAt,
    clockSkewMs: note.clockSkewMs,
    records: (collectionId, signal) => content.records(collectionId, signal),
    close: async () => {
      await content.close();
      await done();
    },
  };
}

async function readNote(directory: string): Promise<Note | null> {
  try {
    return noteSchema.parse(JSON.parse(await readFile(join(directory, NOTE), "utf8")));
  } catch {
    // None, or one of another version: everything is read.
    return null;
  }
}

async function writeNote(directory: string, note: Note): Promise<void> {
  const growing = join(directory, `${NOTE}.growing`);
  const handle = await open(growing, "w", 0o600);
  try {
    await handle.writeFile(JSON.stringify(note));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(growing, join(directory, NOTE));
}

async function digestOf(path: string): Promise<string | null> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch {
    return null;
  }
  return hash.digest("hex");
}
