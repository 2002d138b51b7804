/** What is mutated: real documents of ../shared/data and made ones that hold everything a format can hold. */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { zipOf as plainZip } from "../fixtures/bag/zip.ts";
import { librarySpec as bagLibrary } from "../fixtures/bag/library.ts";
import { writeBag } from "../fixtures/bag/write.ts";
import { template } from "../fixtures/baserow/build.ts";
import { exportParts, zipOf } from "../fixtures/baserow/zip.ts";
import { declaredShop, shopFiles } from "../fixtures/csv/write.ts";
import { buildLibrary } from "../fixtures/grist/build.ts";
import { entitiesOf, packedEntities } from "../fixtures/n8n/entities.ts";
import { tarMembersOf, tarOf } from "../fixtures/n8n/package.ts";
import { SECRET, writeUserDir } from "../fixtures/node-red/user-dir.ts";
import { ROOT } from "../meta/sources.ts";
import type { FileKind } from "./mutate.ts";

/** Relative path → bytes; one file under "" where the artifact is a file. */
export type Files = ReadonlyMap<string, Buffer>;

export interface Seed {
  readonly format: string;
  readonly name: string;
  readonly files: Files;
  readonly kindOf: (path: string) => FileKind;
  readonly key: string | null;
  /** Brings checksums up to date after a change inside, or packs the files into the one file that the artifact is. */
  readonly finish: ((files: Files) => Files) | null;
  /** The artifact's own checksums cover all its bytes: nothing that happened to them unsaid may pass for verified. */
  readonly covered: boolean;
}

const DATA = resolve(ROOT, "../shared/data");

function single(format: string, name: string, bytes: Buffer, kind: FileKind, covered = false): Seed {
  return { format, name, files: new Map([["", bytes]]), kindOf: () => kind, key: null, finish: null, covered };
}

function kindByName(path: string): FileKind {
  if (path.endsWith(".ndjson.zst")) return "ndjson.zst";
  if (path.endsWith(".ndjson")) return "ndjson";
  if (path.endsWith(".csv")) return "csv";
  return /\.json$|^\.flows/u.test(path) ? "json" : "text";
}

function real(folder: string, most: number, format: string, kind: FileKind): Seed[] {
  return readdirSync(join(DATA, folder))
    .sort()
    .map((name) => single(format, name, readFileSync(join(DATA, folder, name)), kind))
    .filter((seed) => (seed.files.get("")?.length ?? 0) <= most);
}

function filesUnder(directory: string): Files {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1)).sort();
  return new Map(paths.map((path) => [path, readFileSync(join(directory, path))]));
}

async function made<T>(make: (directory: string) => Promise<T> | T): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "rw-seed-"));
  try {
    return await make(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function manifest(files: Files): Buffer {
  return Buffer.from([...files].map(([path, bytes]) => `${sha256(bytes)}  ${path}\n`).join(""));
}

/** As `seal` of the fixtures does on disk. */
function sealed(files: Files): Files {
  const data = new Map([...files].filter(([path]) => path.startsWith("data/")));
  const bytes = [...data.values()].reduce((sum, one) => sum + one.length, 0);
  const tags = new Map([...files].filter(([path]) => !path.startsWith("data/") && path !== "tagmanifest-sha256.txt"));
  tags.set("manifest-sha256.txt", manifest(data));
  const info = String(tags.get("bag-info.txt")).replace(/Payload-Oxum: .*/u, `Payload-Oxum: ${bytes}.${data.size}`);
  tags.set("bag-info.txt", Buffer.from(info));
  return new Map([...data, ...tags, ["tagmanifest-sha256.txt", manifest(tags)]]);
}

function packed(files: Files): Files {
  return new Map([["", plainZip([...files].map(([name, bytes]) => ({ name, bytes })))]]);
}

async function gristSeeds(): Promise<Seed[]> {
  const library = await made((directory) => readFileSync(buildLibrary(join(directory, "library.grist"))));
  return [single("grist", "library (made)", library, "sqlite"), ...real("grist", 500_000, "grist", "sqlite")];
}

async function nodeRedSeeds(): Promise<Seed[]> {
  const files = await made(async (directory) => filesUnder(await writeUserDir(directory)));
  const userDir: Seed = {
    ...{ format: "node-red", name: "user directory (made)", files, kindOf: kindByName },
    ...{ key: SECRET, finish: null, covered: false },
  };
  return [userDir, userDir, ...real("node-red", 100_000, "node-red", "json")];
}

function baserowSeeds(): Seed[] {
  // Stored, not packed, so that the signature, which differs each time, moves nothing else.
  const parts = exportParts().map((part) => ({ ...part, stored: part.name.startsWith("manifest") }));
  const zip: Seed = { ...single("baserow", "workspace export (made)", zipOf(parts), "zip", true) };
  const inside: Seed = {
    ...zip,
    name: "workspace export, changed inside (made)",
    files: new Map(parts.map((part) => [part.name, Buffer.from(part.bytes)])),
    kindOf: kindByName,
    finish: (files) => new Map([["", zipOf([...files].map(([name, bytes]) => ({ name, bytes, stored: name.startsWith("manifest") })))]]),
  };
  const whole = single("baserow", "template (made)", Buffer.from(JSON.stringify(template())), "json");
  return [zip, inside, whole, ...real("baserow", 700_000, "baserow", "json")];
}

async function bagSeeds(): Promise<Seed[]> {
  const build = (compress: boolean): Promise<Files> =>
    made(async (directory) => {
      // Without the findings that the library has on purpose, so that a clean bag is verified.
      const spec = bagLibrary();
      const kept = (name: string, drop: string): unknown[] =>
        ((spec.metadata?.[name] as { id: string }[] | undefined) ?? []).filter((one) => one.id !== drop);
      const files = (kept("files", "f2") as object[]).map((file) => ({ ...file, type: null, name: "a shelf" }));
      const metadata = { ...spec.metadata, automations: kept("automations", "a2"), views: kept("views", "v2"), files };
      await writeBag(directory, { ...spec, compress, metadata });
      return filesUnder(directory);
    });
  const [plain, compressed] = [await build(false), await build(true)];
  const base = { format: "bag", kindOf: kindByName, key: null, covered: true };
  return [
    { ...base, name: "directory (made)", files: compressed, finish: null },
    { ...base, name: "directory, sealed anew (made)", files: compressed, finish: sealed, covered: false },
    { ...base, name: "directory of plain parts, sealed anew (made)", files: plain, finish: sealed, covered: false },
    { ...base, name: "zip, changed inside and sealed anew (made)", files: plain, finish: (files) => packed(sealed(files)), covered: false },
    { ...single("bag", "zip (made)", packed(compressed).get("") ?? Buffer.alloc(0), "zip", true) },
  ];
}

function csvSeeds(): Seed[] {
  const files = (texts: Readonly<Record<string, string>>): Files =>
    new Map(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)]));
  const shop = files(shopFiles());
  const base = { format: "csv", kindOf: kindByName, key: null, finish: null, covered: false };
  const rows = Array.from({ length: 60 }, (_, n) => `${n + 1},Person number ${n},${n}.25,2026-01-${String((n % 28) + 1).padStart(2, "0")}`);
  const long = Buffer.from(`id,name,amount,day\n${rows.join("\n")}\n`);
  return [
    { ...base, name: "directory (made)", files: shop },
    { ...base, name: "directory with a data package (made)", files: files(declaredShop()) },
    { ...base, name: "zip, changed inside (made)", files: shop, finish: packed },
    single("csv", "zip (made)", packed(shop).get("") ?? Buffer.alloc(0), "zip"),
    single("csv", "one file (made)", long, "csv"),
    single("csv", "one file (made)", long, "csv"),
  ];
}

/** Without cells of a megabyte, which most changes would otherwise hit. */
function shortened(rows: readonly string[]): readonly string[] {
  return rows.map((row) => row.replaceAll(/x{100,}/gu, "xx"));
}

/** Made on a real n8n, 2.41.1. */
function n8nSeeds(): Seed[] {
  const from = resolve(ROOT, "test/fixtures/n8n");
  const base = { format: "n8n", kindOf: kindByName, key: "fixture-encryption-key", finish: null, covered: false };
  const json = single("n8n", "workflows of the command line", readFileSync(join(from, "workflows.json")), "json");
  return [
    { ...base, name: "backup directory of workflows", files: filesUnder(join(from, "workflows")) },
    { ...base, name: "backup directory of credentials", files: filesUnder(join(from, "credentials")) },
    json,
    single("n8n", "package", readFileSync(join(from, "shop.n8np")), "text"),
    { ...single("n8n", "entities.zip", readFileSync(join(from, "entities.zip")), "zip"), key: base.key },
    // Under the encryption and the packing, where changes are of values and not only of bytes that fail to open.
    {
      ...base,
      name: "entities.zip, changed inside and encrypted anew",
      files: new Map([...entitiesOf(join(from, "entities.zip"))].map(([name, rows]) => [name, Buffer.from(shortened(rows).join("\n"))])),
      kindOf: () => "ndjson",
      finish: (files) => new Map([["", packedEntities(new Map([...files].map(([name, rows]) => [name, String(rows).split("\n")])))]]),
    },
    {
      ...base,
      name: "package, changed inside and packed anew",
      key: null,
      files: tarMembersOf(gunzipSync(readFileSync(join(from, "shop.n8np")))),
      finish: (files) => new Map([["", gzipSync(tarOf([...files].map(([name, bytes]) => ({ name, bytes }))))]]),
    },
  ];
}

/** Made on a real Directus, 12.4.0. */
function directusSeeds(): Seed[] {
  const from = resolve(ROOT, "test/fixtures/directus");
  const base = { format: "directus", kindOf: kindByName, key: null, finish: null, covered: false };
  const button = filesUnder(join(from, "button"));
  const tables = new Map([...filesUnder(join(from, "csv"))].filter(([path]) => path !== "button-articles.csv"));
  const rest = filesUnder(join(from, "rest"));
  return [
    { ...base, name: "answers of the API", files: rest },
    { ...base, name: "answers of the API, zipped", files: rest, finish: packed },
    { ...base, name: "exports in JSON beside their snapshot", files: button },
    {
      ...base,
      name: "exports in CSV beside their snapshot",
      files: new Map([...tables, ["snapshot.json", button.get("snapshot.json") ?? Buffer.alloc(0)]]),
    },
    single("directus", "an extracted template", readFileSync(join(from, "template.zip")), "zip"),
    single("directus", "a snapshot", rest.get("snapshot.yaml") ?? Buffer.alloc(0), "text"),
  ];
}

export const FORMATS = ["grist", "node-red", "baserow", "bag", "csv", "n8n", "directus"] as const;

/** Seeds of one format; throws for one that is not known. */
export async function seedsOf(format: string): Promise<readonly Seed[]> {
  if (!existsSync(DATA)) throw new Error(`there are no real documents at ${DATA}`);
  if (format === "grist") return gristSeeds();
  if (format === "node-red") return nodeRedSeeds();
  if (format === "baserow") return baserowSeeds();
  if (format === "bag") return bagSeeds();
  if (format === "csv") return csvSeeds();
  if (format === "n8n") return n8nSeeds();
  if (format === "directus") return directusSeeds();
  throw new Error(`there are no seeds of a format called ${format}`);
}
