/** Artifacts for the format contract: clean ones made by the caller, and bytes that belong to no format or to another. */
import { createHash } from "node:crypto";
import { cp, lstat, mkdir, readdir, readFile, readlink, truncate, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { deflateRawSync, gzipSync } from "node:zlib";
import { seededRandom } from "../../agent/kit/random.ts";

export interface CleanArtifact {
  readonly name: string;
  /** Puts the artifact into `directory` (which is empty) and returns its path. */
  write(directory: string): Promise<string>;
  readonly key?: string | null;
  readonly formatVersion?: string | null;
  /** How many stored values are known not to fit their declared type; 0 unless said. Computed fields are not counted. */
  readonly rawValues?: number;
  /** For a directory: the file, relative, that is cut short and flipped in the damage cases; the largest unless said. */
  readonly vital?: string;
}

/** An artifact that already lies on disk; the suite works on a copy. */
export function copied(path: string, more: Omit<CleanArtifact, "name" | "write"> & { name?: string } = {}): CleanArtifact {
  return {
    name: basename(path),
    ...more,
    write: async (directory) => {
      const target = join(directory, basename(path));
      await cp(path, target, { recursive: true });
      return target;
    },
  };
}

/** The file to damage: the artifact itself, or the vital one inside it. */
export async function vitalFile(path: string, artifact: CleanArtifact): Promise<string> {
  if (!(await lstat(path)).isDirectory()) return path;
  if (artifact.vital !== undefined) return join(path, artifact.vital);
  const files = (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  const sizes = await Promise.all(paths.map(async (file) => ({ file, size: (await lstat(file)).size })));
  const largest = sizes.sort((a, b) => b.size - a.size)[0];
  if (largest === undefined) throw new Error(`${artifact.name} holds no file`);
  return largest.file;
}

/** Lengths to cut at, shortest first. Trailing white space does not count: without it the file may still be whole. */
export async function cutLengths(file: string): Promise<number[]> {
  const bytes = await readFile(file);
  let end = bytes.length;
  while (end > 0 && [0x20, 0x0a, 0x0d, 0x09].includes(bytes[end - 1] ?? 0)) end -= 1;
  const lengths = [0, 1, 15, 16, 100, 600, end * 0.1, end * 0.25, end * 0.5, end * 0.75, end * 0.9, end - 1];
  return [...new Set(lengths.map(Math.floor))].filter((length) => length >= 0 && length < end).sort((a, b) => a - b);
}

export async function cut(file: string, length: number): Promise<void> {
  await truncate(file, length);
}

/** Overwrites `count` bytes at seeded places. */
export async function flip(file: string, seed: number, count: number): Promise<void> {
  const bytes = await readFile(file);
  const random = seededRandom(seed);
  for (let n = 0; n < count && bytes.length > 0; n += 1) {
    const at = Math.floor(random.next() * bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 + Math.floor(random.next() * 255));
  }
  await writeFile(file, bytes);
}

/** Path → what lies there, for everything under `root`: equal maps mean nothing was written, changed or removed. */
export async function snapshot(root: string): Promise<Record<string, string>> {
  const seen: Record<string, string> = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) {
      const stats = await lstat(path);
      const sum = createHash("sha256").update(await readFile(path));
      seen[path] = `file ${stats.size} ${stats.mtimeMs} ${sum.digest("hex")}`;
    } else seen[path] = entry.isSymbolicLink() ? `link ${await readlink(path)}` : "other";
  }
  return seen;
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

/** Bytes that are a whole backup of no format here. */
export function foreignBytes(): Readonly<Record<string, Uint8Array>> {
  const random = seededRandom(11);
  const sqliteHead = Buffer.alloc(4096);
  sqliteHead.write("SQLite format 3\0", "latin1");
  return {
    empty: new Uint8Array(0),
    "one zero byte": new Uint8Array(1),
    "zero bytes": new Uint8Array(70_000),
    "random bytes": random.bytes(70_000),
    "more random bytes": random.bytes(333),
    "a JSON number": text("42"),
    "an empty JSON object": text("{}"),
    "a JSON array of numbers": text("[1,2,3]"),
    "JSON that never ends": text('[{"id":"1","name":"x"'),
    "deep JSON": text("[".repeat(60_000)),
    "invalid UTF-8": Uint8Array.from([0x5b, 0x7b, 0xff, 0xfe, 0xc0, 0x80, 0x7d, 0x5d]),
    "a page of HTML": text("<!doctype html><html><body>502 Bad Gateway</body></html>\n"),
    "plain text": text("Dear colleague,\nthe backup is in the usual place.\n"),
    "a PDF head": text("%PDF-1.7\n1 0 obj\n<< >>\nendobj\n"),
    "a PNG head": Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]),
    "gzip of text": gzipSync("nothing to see"),
    "a zip head": Buffer.concat([Buffer.from("PK\u0003\u0004\u0014\0\0\0\u0008\0", "latin1"), deflateRawSync("nothing")]),
    "a pg_dump head": text("--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\n"),
    "a SQLite head and nothing after it": sqliteHead,
  };
}

/** A whole SQLite database that is no product's document. */
export async function writePlainDatabase(path: string): Promise<void> {
  const database = new DatabaseSync(path);
  database.exec("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO notes (body) VALUES ('a'), ('b');");
  database.close();
}

export async function emptyDirectory(path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  return path;
}
