/**
 * Whether a file is a Grist document: SQLite's magic, and Grist's own tables named in its schema. The schema's pages are walked
 * in the raw file, so that a document with damaged or missing pages is still known for what it is; nothing is opened with SQLite.
 */
import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import type { ArtifactProbe, Recognition } from "../../core/ports.ts";

export const SQLITE_MAGIC = "SQLite format 3\0";
const MAX_PAGES = 400;
/** Tables every Grist document has had since its first schema version. */
const TELLING = ["_grist_DocInfo", "_grist_Tables", "_grist_Tables_column", "_grist_Views", "_grist_ACLRules", "_gristsys_Files"];

export async function recogniseGrist(probe: ArtifactProbe): Promise<Recognition> {
  if (probe.kind !== "file") return no("it is a directory");
  const head = Buffer.from(probe.head.buffer, probe.head.byteOffset, probe.head.byteLength);
  const magic = head.subarray(0, 16).toString("latin1") === SQLITE_MAGIC;
  const found = new Set(tablesNamed(head));
  if (!magic) {
    // The name twice in a row is how SQLite stores a schema row; a text that merely speaks of these tables does not have it.
    return telling(found) >= 3
      ? { confidence: 0.6, formatVersion: null, because: "Grist's tables are named in it, although the SQLite header is damaged" }
      : no("it is not a SQLite file");
  }
  let wholeSchema = true;
  if (telling(found) < 2) {
    const schema = await namedInSchemaPages(probe.path, head);
    for (const name of schema.names) found.add(name);
    wholeSchema = schema.whole;
  }
  if (telling(found) >= 2) return { confidence: 0.98, formatVersion: null, because: "a SQLite file whose schema names Grist's tables" };
  if (telling(found) === 1)
    return { confidence: 0.7, formatVersion: null, because: "a SQLite file whose schema names one of Grist's tables" };
  // Of the formats there are, only Grist's is SQLite; what is certain is that this file is damaged, and `open` says so.
  if (!wholeSchema && isCutShort(head, probe.bytes))
    return { confidence: 0.5, formatVersion: null, because: "a SQLite file that is cut short before its schema ends" };
  return no("a SQLite file without Grist's tables");
}

function isCutShort(head: Buffer, bytes: number): boolean {
  return head.length < 100 || head.readUInt32BE(28) * pageSizeOf(head) > bytes;
}

/** Bytes of a page as the header says, 0 where it says nonsense. */
function pageSizeOf(head: Buffer): number {
  const declared = head.length >= 18 ? head.readUInt16BE(16) : 0;
  const size = declared === 1 ? 65_536 : declared;
  return size >= 512 && (size & (size - 1)) === 0 ? size : 0;
}

function no(because: string): Recognition {
  return { confidence: 0, formatVersion: null, because };
}

function telling(found: ReadonlySet<string>): number {
  return TELLING.filter((name) => found.has(name)).length;
}

/** A schema row holds type, name and table name one after the other. */
function tablesNamed(bytes: Buffer): string[] {
  return [...bytes.toString("latin1").matchAll(/table(_grist(?:sys)?_[A-Za-z_]{2,40}?)\1/gu)].map((match) => match[1] ?? "");
}

interface SchemaNames {
  readonly names: readonly string[];
  /** False where a page of the schema is not in the file. */
  readonly whole: boolean;
}

async function namedInSchemaPages(path: string, head: Buffer): Promise<SchemaNames> {
  const pageSize = pageSizeOf(head);
  if (pageSize === 0) return { names: [], whole: head.length >= 100 };
  let file: FileHandle | null = null;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    return await walkSchema(file, pageSize);
  } catch {
    return { names: [], whole: true };
  } finally {
    await file?.close();
  }
}

/** The schema is the table b-tree rooted at page 1. */
async function walkSchema(file: FileHandle, pageSize: number): Promise<SchemaNames> {
  const found = new Set<string>();
  const seen = new Set<number>();
  const waiting = [1];
  const page = Buffer.alloc(pageSize);
  let whole = true;
  while (waiting.length > 0 && seen.size < MAX_PAGES && telling(found) < 2) {
    const number = waiting.shift() ?? 1;
    if (seen.has(number)) continue;
    seen.add(number);
    const { bytesRead } = await file.read(page, 0, pageSize, (number - 1) * pageSize);
    const bytes = page.subarray(0, bytesRead);
    if (bytesRead < pageSize) whole = false;
    for (const name of tablesNamed(bytes)) found.add(name);
    waiting.push(...childPages(bytes, number === 1 ? 100 : 0));
  }
  return { names: [...found], whole };
}

const INTERIOR_TABLE_PAGE = 0x05;

function childPages(page: Buffer, start: number): number[] {
  if (page.length < start + 12 || page[start] !== INTERIOR_TABLE_PAGE) return [];
  const children = [page.readUInt32BE(start + 8)];
  const cells = page.readUInt16BE(start + 3);
  for (let cell = 0; cell < cells; cell += 1) {
    const pointer = start + 12 + cell * 2;
    if (pointer + 2 > page.length) break;
    const at = page.readUInt16BE(pointer);
    if (at + 4 <= page.length) children.push(page.readUInt32BE(at));
  }
  return children.filter((child) => child > 1);
}
