/** A repository of backups as somebody has it: generated documents of three formats, and real ones where they are there. */
import { access, cp, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeGristDocument } from "../../../agent/quickstart/grist-document.ts";
import { seededRandom } from "../../../agent/kit/random.ts";
import { csvOf } from "../../fixtures/csv/write.ts";
import { makeBag } from "../make-bag.ts";

const DATA = fileURLToPath(new URL("../../../../shared/data/", import.meta.url));
/** Rows that make about a megabyte on disk. */
const ROWS = { csv: 9000, grist: 7000, bag: 14_000 } as const;

export interface Artifact {
  readonly path: string;
  readonly bytes: number;
}

export interface Corpus {
  readonly root: string;
  readonly artifacts: readonly Artifact[];
  readonly bytes: number;
  readonly real: number;
}

/** @param root an empty directory */
export async function writeCorpus(root: string, documents: number): Promise<Corpus> {
  const paths: string[] = [];
  for (let n = 0; n < documents; n += 1) paths.push(await writeDocument(root, n));
  const there = await access(DATA).then(
    () => true,
    () => false,
  );
  let real = 0;
  for (const format of there ? ["grist", "baserow", "node-red"] : [])
    for (const name of await readdir(join(DATA, format))) {
      const path = join(root, "real", format, name);
      await mkdir(join(root, "real", format), { recursive: true });
      await cp(join(DATA, format, name), path);
      paths.push(path);
      real += 1;
    }
  const artifacts = await Promise.all(paths.map(async (path) => ({ path, bytes: await sizeOf(path) })));
  return { root, artifacts, bytes: artifacts.reduce((sum, one) => sum + one.bytes, 0), real };
}

export async function sizeOf(path: string): Promise<number> {
  const found = await stat(path);
  if (found.isFile()) return found.size;
  const entries = (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const sizes = await Promise.all(entries.map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function writeDocument(root: string, n: number): Promise<string> {
  const random = seededRandom(n + 1);
  const text = (): string => Buffer.from(random.bytes(24)).toString("base64url");
  if (n % 3 === 0) {
    const path = join(root, `${n}.grist`);
    const rows = Array.from({ length: ROWS.grist }, (_, at) => ({
      Name: text(),
      Note: text(),
      Amount: Math.floor(random.next() * 1e6),
      Twin: 1 + (at % 100),
    }));
    const columns = ["Name", "Note"].map((id) => ({ id, type: "Text" }));
    writeGristDocument(path, {
      tables: [{ id: "Things", columns: [...columns, { id: "Amount", type: "Int" }, { id: "Twin", type: "Ref:Things" }], rows }],
    });
    return path;
  }
  if (n % 3 === 1) {
    const path = join(root, `${n}.csv`);
    const rows = Array.from({ length: ROWS.csv }, (_, at) => [String(at + 1), text(), text(), `${Math.floor(random.next() * 1e6)}.25`]);
    await writeFile(path, csvOf([["id", "name", "note", "amount"], ...rows]));
    return path;
  }
  const path = join(root, `${n}-bag`);
  await mkdir(path);
  await makeBag(path, { records: ROWS.bag, tables: 3, seed: n + 1 });
  return path;
}
