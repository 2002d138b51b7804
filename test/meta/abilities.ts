/**
 * Which format can answer which check, found by asking: every check is asked of documents of every format, with a history and all that
 * can be known from outside. A check that answers once (with anything but "does not apply" and "could not tell") can be answered.
 */
import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { armor, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { makingOf, type RelationsExpectation } from "../../agent/core/relations.ts";
import type { Expectation } from "../../agent/core/ports.ts";
import type { PointFacts } from "../../agent/core/values.ts";
import { librarySpec, writeLibrary } from "../fixtures/bag/library.ts";
import { writeBag } from "../fixtures/bag/write.ts";
import { zipDirectory } from "../fixtures/bag/zip.ts";
import { template } from "../fixtures/baserow/build.ts";
import { exportParts, zipOf } from "../fixtures/baserow/zip.ts";
import { objectives, point, run } from "../fixtures/checks/build.ts";
import { csvOf, declaredShop, writeFiles, writeShop } from "../fixtures/csv/write.ts";
import { buildLibrary, writeGristDocument } from "../fixtures/grist/build.ts";
import { flows, SECRET, writeUserDir } from "../fixtures/node-red/user-dir.ts";
import { askAll } from "./ask-all.ts";

/** Made for this; it protects nothing. */
const IDENTITY = await generateX25519Identity();

const PEOPLE = [
  ["1", "ada@example.org"],
  ["2", "grace@example.org"],
];

interface Document {
  readonly format: string;
  /** Puts it into `directory`, which is empty. */
  write(directory: string): Promise<string>;
  readonly key?: string;
}

/** Of the exports in test/fixtures/n8n, made for them. */
const N8N_KEY = "fixture-encryption-key";

const DOCUMENTS: readonly Document[] = [
  {
    format: "bag",
    key: IDENTITY,
    write: async (directory) => {
      const { metadata } = librarySpec();
      const access = [{ kind: "permission", id: "p1", grants: "read" }];
      const templates = [{ id: "t1", name: "Reminder", collection: "books", body: "Dear reader" }];
      const credentials = [{ id: "c1", type: "smtp", sealed: await sealed("hidden") }];
      return writeLibrary(join(directory, "library"), { metadata: { ...metadata, access, templates, credentials } });
    },
  },
  { format: "bag", write: (directory) => writeTable(directory, PEOPLE) },
  {
    format: "bag",
    write: async (directory) => zipDirectory(await writeLibrary(join(directory, "library")), join(directory, "library.zip"), "library"),
  },
  { format: "baserow", write: (directory) => written(directory, "export.zip", zipOf(exportParts({}))) },
  { format: "baserow", write: (directory) => written(directory, "export.json", JSON.stringify(template())) },
  { format: "csv", write: (directory) => writeFiles(join(directory, "shop"), declaredShop()) },
  { format: "csv", write: async (directory) => zipDirectory(await writeShop(join(directory, "shop")), join(directory, "shop.zip")) },
  { format: "csv", write: (directory) => writeFiles(join(directory, "people"), { "people.csv": csvOf([["Id", "Mail"], ...PEOPLE]) }) },
  { format: "directus", write: (directory) => wholeCopy(directory, "directus/rest") },
  { format: "directus", write: (directory) => wholeCopy(directory, "directus/template.zip") },
  { format: "grist", write: (directory) => Promise.resolve(writeGristTable(directory, PEOPLE)) },
  { format: "grist", write: async (directory) => buildLibrary(join(directory, "library.grist")) },
  { format: "n8n", key: N8N_KEY, write: (directory) => wholeCopy(directory, "n8n/entities.zip") },
  { format: "n8n", write: (directory) => wholeCopy(directory, "n8n/workflows.json") },
  { format: "n8n", write: (directory) => wholeCopy(directory, "n8n/shop.n8np") },
  { format: "node-red", key: SECRET, write: (directory) => writeUserDir(join(directory, "data")) },
  { format: "node-red", write: (directory) => written(directory, "flows.json", JSON.stringify(flows())) },
];

/** By check id, the formats that answer it, in alphabetical order. */
export async function abilities(): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, Set<string>>();
  const base = await mkdtemp(join(tmpdir(), "rw-abilities-"));
  try {
    for (const [index, document] of DOCUMENTS.entries()) {
      const directory = join(base, String(index));
      await mkdir(directory);
      const path = await document.write(directory);
      for (const id of await answered(document, path, base)) found.set(id, (found.get(id) ?? new Set()).add(document.format));
    }
  } finally {
    await rm(base, { recursive: true, force: true });
  }
  return new Map([...found].map(([id, names]) => [id, [...names].sort()]));
}

async function answered(document: Document, path: string, base: string): Promise<ReadonlySet<string>> {
  const workDir = join(base, "work");
  const own = document.key === undefined ? {} : { key: document.key };
  const first = await askAll(path, workDir, own);
  if (first.format !== document.format) throw new Error(`${document.format}: ${first.trouble ?? first.format ?? "not opened"}`);
  const sha256 = "a".repeat(64);
  const known = (previous: PointFacts | null): Partial<Expectation> => ({
    point: point(),
    run: run({ checksum: { algorithm: "sha256", value: sha256 } }),
    previous,
    previousAt: previous === null ? null : point().createdAt,
    points: { count: 3, oldestAt: 0, newestAt: 0, overdue: 0, overdueProtected: 0 },
    objectives: { ...objectives, minPoints: 1, immutableMs: 1, dataRetentionMs: 1 },
    erasure: {
      trouble: null,
      key: "",
      subjects: [{ digest: "0".repeat(64), erasedAt: 0 }],
      fields: (previous?.collections ?? []).flatMap(({ id, fields }) =>
        fields.filter(({ type, computed }) => type === "text" && !computed).map((field) => ({ collection: id, field: field.id })),
      ),
    },
    ...(previous === null ? {} : { relations: toItself(previous) }),
    ...(previous === null ? {} : { baseline: { at: null, facts: previous, tables: [], files: null } }),
    critical: previous?.collections.slice(0, 1).map(({ name }) => ({ collection: name, key: "1" })) ?? [],
  });
  const asked = [first, await askAll(path, workDir, { ...own, expectation: known(first.facts) })];
  if ((await stat(path)).isFile() && document.key === undefined) {
    await writeFile(`${path}.age`, await encrypted(await readFile(path)));
    asked.push(await askAll(`${path}.age`, workDir, { key: IDENTITY }));
  }
  return new Set(asked.flatMap(({ checks }) => checks.filter(({ status }) => status !== "skip" && status !== "error").map(({ id }) => id)));
}

/** A relation from each collection to itself, by its keys. */
function toItself({ collections }: PointFacts): RelationsExpectation {
  const ends = collections.map(({ id }) => ({ source: "own", collection: id, field: null }));
  const relations = ends.map((end, index) => {
    const relation = { name: String(index), from: end, to: end, toleranceMs: 0, apartMs: 1 };
    const keys = { relation: relation.name, side: "to" as const, made: makingOf("", relation), keys: 0, level: 0, digests: "" };
    return { relation, side: "from" as const, startedAt: 0, other: { keys, startedAt: 0 }, earlier: null };
  });
  return { key: "", relations };
}

async function encrypted(clear: Uint8Array): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(IDENTITY));
  return encrypter.encrypt(clear);
}

async function sealed(secret: string): Promise<string> {
  return armor.encode(await encrypted(new TextEncoder().encode(secret)));
}

async function writeTable(directory: string, rows: readonly (readonly string[])[]): Promise<string> {
  const path = join(directory, "people");
  const table = { id: "people", fields: [{ id: "mail", type: "text" as const }], rows: rows.map(([key, mail]) => ({ _key: key, mail })) };
  await writeBag(path, { tables: [table] });
  return path;
}

function writeGristTable(directory: string, rows: readonly (readonly string[])[]): string {
  const path = join(directory, "people.grist");
  writeGristDocument(path, {
    tables: [{ id: "People", columns: [{ id: "Mail", type: "Text" }], rows: rows.map(([, mail = ""]) => ({ Mail: mail })) }],
  });
  return path;
}

/** @param name of a file or folder in test/fixtures */
async function wholeCopy(directory: string, name: string): Promise<string> {
  const path = join(directory, basename(name));
  await cp(fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url)), path, { recursive: true });
  return path;
}

async function written(directory: string, name: string, content: string | Uint8Array): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}
