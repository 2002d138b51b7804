/**
 * Writes a capture bag: parts of records as they come, files by their digest, and at the end the description and the manifests. What is
 * written is fsynced before it is remembered, so that a killed capture goes on where it was; a bag without `bagit.txt` is none.
 */
import { createHash, type Hash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { zstdCompress } from "node:zlib";
import type { Collection, ContentRecord } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import type { CaptureWriter, CollectionProgress, Described } from "../../core/platform-ports.ts";
import { bagDocuments } from "./describe.ts";
import { packBag } from "./pack.ts";
import { CREATED, KEY, UPDATED } from "./rows.ts";

/** Raw bytes of one part: memory of the writer is a few times this. */
const PART_BYTES = 4 * 1024 * 1024;
const PROGRESS = "progress.json";
const compress = promisify(zstdCompress);

interface Progress {
  /** ISO time at which the capture began, and a digest of what it began to capture. */
  readonly startedAt: string;
  readonly fingerprint: string;
  readonly collections: Readonly<Record<string, CollectionProgress>>;
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly bytes: number; readonly sniffedType: string | null }>>;
}

/**
 * @param staging directory of this capture alone; what a killed capture left there is taken up where `fingerprint` is the same and it began
 *   after `notBefore`, and thrown away otherwise
 */
export async function openBagWriter(
  staging: string,
  begin: { readonly now: number; readonly notBefore: number; readonly fingerprint: string },
): Promise<CaptureWriter> {
  const bag = join(staging, "bag");
  const found = await readProgress(staging);
  const usable = found !== null && found.fingerprint === begin.fingerprint && Date.parse(found.startedAt) >= begin.notBefore;
  if (!usable) await rm(staging, { recursive: true, force: true });
  await mkdir(join(bag, "data"), { recursive: true });
  let progress: Progress = usable
    ? found
    : { startedAt: new Date(begin.now).toISOString(), fingerprint: begin.fingerprint, collections: {}, files: {} };
  const remember = async (next: Progress): Promise<void> => {
    progress = next;
    await writeSafely(join(staging, PROGRESS), JSON.stringify(progress));
  };
  if (!usable) await remember(progress);
  /** Lines that are not safe yet, by collection. */
  const waiting = new Map<string, { lines: string[]; bytes: number; cursor: string | null }>();

  const progressOf = (id: string): CollectionProgress => progress.collections[id] ?? { records: 0, parts: [], cursor: null, done: false };

  async function flush(collection: Collection, done: boolean): Promise<void> {
    const held = waiting.get(collection.id);
    const before = progressOf(collection.id);
    const parts = [...before.parts];
    if (held !== undefined && held.lines.length > 0) {
      const path = `tables/${folderOf(collection.id)}/part-${String(parts.length).padStart(5, "0")}.ndjson.zst`;
      await mkdir(join(bag, "data", dirname(path)), { recursive: true });
      await writeSafely(join(bag, "data", path), await compress(Buffer.from(held.lines.join(""))));
      parts.push(path);
    }
    const next = {
      records: before.records + (held?.lines.length ?? 0),
      parts,
      cursor: held?.cursor ?? before.cursor,
      done,
    };
    waiting.delete(collection.id);
    await remember({ ...progress, collections: { ...progress.collections, [collection.id]: next } });
  }

  return {
    startedAt: Date.parse(progress.startedAt),
    resumed: usable,
    progress: progressOf,
    async page(collection, records, cursor) {
      const held = waiting.get(collection.id) ?? { lines: [], bytes: 0, cursor: null };
      for (const record of records) {
        const line = `${JSON.stringify(rowOf(collection, record))}\n`;
        held.lines.push(line);
        held.bytes += line.length;
      }
      held.cursor = cursor;
      waiting.set(collection.id, held);
      if (held.bytes >= PART_BYTES) await flush(collection, false);
    },
    endCollection: (collection) => flush(collection, true),
    hasFile: (fileId) => progress.files[fileId] !== undefined,
    async file(fileId, bytes) {
      const written = await writeFileByDigest(bag, bytes);
      await remember({ ...progress, files: { ...progress.files, [fileId]: written } });
      return written;
    },
    async finish(described, originals, info) {
      refuseStraySecrets(described, info.sealed);
      const documents = bagDocuments(described, originals, { ...info, startedAt: Date.parse(progress.startedAt) }, progress);
      for (const [path, text] of documents) {
        await mkdir(dirname(join(bag, path)), { recursive: true });
        await writeSafely(join(bag, path), text);
      }
      await writeManifests(bag);
      return packBag(bag, join(staging, "bag.zip"));
    },
  };
}

/** A secret without its credential has no place in the bag, and leaving it out would make the bag short without a word. */
function refuseStraySecrets({ credentials }: Described, sealed: Readonly<Record<string, string>>): void {
  const known = new Set(credentials.map(({ id }) => id));
  const stray = Object.keys(sealed).filter((id) => !known.has(id)).length;
  if (stray > 0)
    throw new AgentError(
      "transient",
      "secret-without-credential",
      `${stray} secrets belong to credentials that the product does not list.`,
      {
        mend: "credentials were added or removed while they were read, or the token sees only a part of them; the next attempt reads them again",
      },
    );
}

/** Members in the order the sandbox reads natively. */
function rowOf(collection: Collection, record: ContentRecord): Record<string, unknown> {
  const row: Record<string, unknown> = {
    [KEY]: record.key,
    [CREATED]: record.createdAt === null ? null : new Date(record.createdAt).toISOString(),
    [UPDATED]: record.updatedAt === null ? null : new Date(record.updatedAt).toISOString(),
  };
  for (const [index, field] of collection.fields.entries()) {
    const value = record.values[index] ?? null;
    if (value !== null && value.length > 0) row[field.id] = value;
  }
  return row;
}

/** A folder name for any id: what is not plain is a digest. */
export function folderOf(id: string): string {
  return /^[A-Za-z0-9_-]{1,100}$/u.test(id) ? id : `t-${createHash("sha256").update(id).digest("hex").slice(0, 32)}`;
}

async function readProgress(staging: string): Promise<Progress | null> {
  try {
    const read = JSON.parse(await readFile(join(staging, PROGRESS), "utf8")) as Progress;
    const parts = Object.values(read.collections).flatMap((collection) => collection.parts);
    return parts.every((path) => existsSync(join(staging, "bag", "data", path))) ? read : null;
  } catch {
    // None, or half of one: the capture begins anew.
    return null;
  }
}

/** Whole or not at all, and on the disk when this returns. */
async function writeSafely(path: string, bytes: string | Uint8Array): Promise<void> {
  const growing = `${path}.growing`;
  const handle = await open(growing, "w");
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(growing, path);
  await syncDirectory(dirname(path));
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** So much of a file tells what kind it is. */
const HEAD_BYTES = 4100;

async function writeFileByDigest(
  bag: string,
  bytes: AsyncIterable<Uint8Array>,
): Promise<{ readonly sha256: string; readonly bytes: number; readonly sniffedType: string | null }> {
  const folder = join(bag, "data", "files");
  await mkdir(folder, { recursive: true });
  const growing = join(folder, "incoming.growing");
  const hash = createHash("sha256");
  let count = 0;
  let head = new Uint8Array(0);
  const handle = await open(growing, "w");
  try {
    for await (const part of bytes) {
      hash.update(part);
      if (count < HEAD_BYTES) head = Buffer.concat([head, part.subarray(0, HEAD_BYTES - count)]);
      count += part.length;
      await handle.writeFile(part);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  const sha256 = hash.digest("hex");
  await rename(growing, join(folder, sha256));
  await syncDirectory(folder);
  return { sha256, bytes: count, sniffedType: await sniffed(head) };
}

/** @returns null for what has no telling beginning, such as text; HTML is told, since an error page saved as a file is one */
async function sniffed(head: Uint8Array): Promise<string | null> {
  // Only a capture that meets a file needs it.
  const { fileTypeFromBuffer } = await import("file-type");
  const found = await fileTypeFromBuffer(head);
  if (found !== undefined) return found.mime;
  return /^\s*<(?:!doctype html|html)[\s>]/iu.test(Buffer.from(head.subarray(0, 200)).toString("latin1")) ? "text/html" : null;
}

/** Manifests over everything that is there; `bagit.txt` comes last, since without it the directory is no bag. */
async function writeManifests(bag: string): Promise<void> {
  const payload: string[] = [];
  let octets = 0;
  for (const path of await filesUnder(bag, "data")) {
    if (path.endsWith(".growing")) {
      await rm(join(bag, path));
      continue;
    }
    const { hash, bytes } = await digestOf(join(bag, path));
    octets += bytes;
    payload.push(`${hash}  ${path.replace(/%/gu, "%25").replace(/\r/gu, "%0D").replace(/\n/gu, "%0A")}\n`);
  }
  await writeSafely(join(bag, "manifest-sha256.txt"), payload.join(""));
  await writeSafely(join(bag, "bag-info.txt"), `Payload-Oxum: ${octets}.${payload.length}\nBag-Software-Agent: restorewatch\n`);
  const declaration = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
  const tags = [];
  for (const name of ["bag-info.txt", "manifest-sha256.txt"]) tags.push(`${(await digestOf(join(bag, name))).hash}  ${name}\n`);
  tags.unshift(`${createHash("sha256").update(declaration).digest("hex")}  bagit.txt\n`);
  await writeSafely(join(bag, "tagmanifest-sha256.txt"), tags.join(""));
  await writeSafely(join(bag, "bagit.txt"), declaration);
}

async function filesUnder(root: string, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const child of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${child.name}`;
    if (child.isDirectory()) found.push(...(await filesUnder(root, path)));
    else found.push(path);
  }
  return found.sort();
}

async function digestOf(path: string): Promise<{ readonly hash: string; readonly bytes: number }> {
  const hash: Hash = createHash("sha256");
  const handle = await open(path, "r");
  try {
    for await (const part of handle.createReadStream({ autoClose: false })) hash.update(part as Uint8Array);
  } finally {
    await handle.close();
  }
  return { hash: hash.digest("hex"), bytes: (await stat(path)).size };
}
