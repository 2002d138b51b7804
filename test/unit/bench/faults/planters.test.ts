/** Every planter changes what it says and nothing else, in artifacts of every format. */
import { cp, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seededRandom } from "../../../../agent/kit/random.ts";
import { FAULT_CLASSES, mojibake, replaced } from "../../../bench/faults/classes.ts";
import { DOCUMENTS } from "../../../bench/faults/documents.ts";
import { treeDigest } from "../../../bench/faults/measure.ts";
import { type CleanDocument, DoesNotApply, type Row, share, some, type TableName } from "../../../bench/faults/model.ts";

const NAMES: readonly TableName[] = ["people", "orders", "log"];

let home = "";
const originals = new Map<CleanDocument, string>();

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "rw-planters-"));
  for (const document of DOCUMENTS) originals.set(document, await document.write(await mkdtemp(join(home, "clean-"))));
});

afterAll(() => rm(home, { recursive: true, force: true }));

function originalOf(document: CleanDocument): string {
  const path = originals.get(document);
  if (path === undefined) throw new Error(`${document.name} was not written`);
  return path;
}

async function planted(document: CleanDocument, id: string, name: string): Promise<string | null> {
  const fault = FAULT_CLASSES.find((one) => one.id === id);
  const severity = fault?.severities.find((one) => one.name === name);
  if (fault === undefined || severity === undefined) throw new Error(`no ${id}, ${name}`);
  const original = originalOf(document);
  const path = join(await mkdtemp(join(home, "planted-")), basename(original));
  await cp(original, path, { recursive: true });
  try {
    await fault.plant({ path, document, random: seededRandom(3) }, severity);
  } catch (thrown) {
    if (thrown instanceof DoesNotApply) return null;
    throw thrown;
  }
  return path;
}

type Tables = Partial<Record<TableName, Row[]>>;

async function tablesOf(document: CleanDocument, path: string): Promise<Tables> {
  const opened = await document.open(path);
  const tables = Object.fromEntries(NAMES.flatMap((name) => (opened.tables[name] === undefined ? [] : [[name, opened.tables[name].rows]])));
  // Closes what it holds open, and writes nothing new.
  await opened.save();
  return tables;
}

/** `table.column` of every cell that differs, rows matched by their place. */
function differences(before: Tables, after: Tables): { readonly places: ReadonlySet<string>; readonly cells: number } {
  const told = (value: unknown): string =>
    JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner)) ?? "";
  const places = new Set<string>();
  let cells = 0;
  for (const name of NAMES)
    for (const [at, row] of (before[name] ?? []).entries())
      for (const column of new Set([...Object.keys(row), ...Object.keys(after[name]?.[at] ?? {})]))
        if (told(row[column]) !== told(after[name]?.[at]?.[column])) {
          places.add(`${name}.${column}`);
          cells += 1;
        }
  return { places, cells };
}

const counts = (tables: Tables): number[] => NAMES.map((name) => tables[name]?.length ?? 0);

describe.each(DOCUMENTS.map((document) => [`${document.format}: ${document.name}`, document] as const))("%s", (_, document) => {
  const applies = (id: string): boolean => !(id in document.reasons);

  it("is written the same way every time it is opened and saved", async () => {
    const original = originalOf(document);
    const path = join(await mkdtemp(join(home, "again-")), basename(original));
    await cp(original, path, { recursive: true });
    const before = await tablesOf(document, path);
    const once = await tablesOf(document, path);
    expect(differences(before, once).cells).toBe(0);
    expect(counts(once)).toEqual(counts(before));
  });

  it.each(
    FAULT_CLASSES.filter((fault) => fault.unchanged !== true).flatMap((fault) =>
      fault.severities.map((one) => [fault.id, one.name] as const),
    ),
  )("%s, %s: either the artifact is another or a reason says why not", async (id, name) => {
    if (!applies(id)) {
      expect(document.reasons[id]?.length).toBeGreaterThan(5);
      return;
    }
    const path = await planted(document, id, name);
    if (path === null) throw new Error("it does not apply and no reason is given");
    expect(await treeDigest(path)).not.toBe(await treeDigest(originalOf(document)));
  });

  it.each([
    ["rows dropped", "1", -1],
    ["rows duplicated", "1", 1],
    ["primary key duplicated", "1", 1],
  ])("%s: one row of one table, all others untouched", async (id, name, by) => {
    const path = await planted(document, id, name);
    const before = await tablesOf(document, originalOf(document));
    const after = await tablesOf(document, path ?? "");
    expect(counts(after)).toEqual([before.people?.length ?? 0, before.orders?.length ?? 0, (before.log?.length ?? 0) + by]);
    expect(differences({ ...before, log: [] }, { ...after, log: [] }).cells).toBe(0);
  });

  it.each([
    "dangling link",
    "value truncated",
    "encoding damaged",
    "big integer rounded",
    "timestamp shifted by a time zone",
    "required value emptied",
  ])("%s, the least: exactly one cell", async (id) => {
    if (!applies(id)) return;
    const [severity] = FAULT_CLASSES.find((one) => one.id === id)?.severities ?? [];
    const path = await planted(document, id, severity?.name ?? "");
    const found = differences(await tablesOf(document, originalOf(document)), await tablesOf(document, path ?? ""));
    expect(found.cells).toBe(1);
  });

  it("links swapped: two links of rows, and the other sides of them", async () => {
    if (!applies("links swapped with equal counts")) return;
    const path = await planted(document, "links swapped with equal counts", "1");
    const opened = await document.open(path ?? "");
    await opened.save();
    const before = await tablesOf(document, originalOf(document));
    const after = await tablesOf(document, path ?? "");
    const { link } = opened.tables.orders?.roles ?? {};
    const { back } = opened.tables.people?.roles ?? {};
    const found = differences(before, after);
    expect([...found.places].toSorted()).toEqual([`orders.${link}`, ...(back === undefined ? [] : [`people.${back}`])].toSorted());
    expect(differences({ orders: before.orders ?? [] }, { orders: after.orders ?? [] }).cells).toBe(2);
  });

  it("an artifact cut by a byte is its own beginning", async () => {
    const path = await planted(document, "truncated file or part", "1 byte");
    const part = (await stat(originalOf(document))).isFile() ? "" : (document.data ?? "");
    const [before, after] = await Promise.all([originalOf(document), path ?? ""].map((root) => readFile(join(root, part))));
    expect(before?.subarray(0, after?.length).equals(after ?? Buffer.alloc(0))).toBe(true);
    expect((before?.length ?? 0) - (after?.length ?? 0)).toBeLessThanOrEqual(3);
  });
});

it("bags and data packages carry the sums of what they hold after a fault in content", async () => {
  const bag = DOCUMENTS.find((one) => one.format === "bag");
  if (bag === undefined) throw new Error("no bag");
  const path = (await planted(bag, "value truncated", "1")) ?? "";
  const manifest = await readFile(join(path, "manifest-sha256.txt"), "utf8");
  const names = (await readdir(join(path, "data"), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  expect(manifest.trim().split("\n")).toHaveLength(names.length);
  for (const line of manifest.trim().split("\n")) expect(line.split("  ")[0]).toBe(await treeDigest(join(path, line.split("  ")[1] ?? "")));
});

it("letters are damaged as wrong settings damage them", () => {
  expect(mojibake("Zürich")).toBe("ZÃ¼rich");
  expect(replaced("Łódź")).toBe("\uFFFD\uFFFDd\uFFFD");
});

it("a share is at least one and never more than all", () => {
  expect([share(200, 0), share(200, 0.01), share(200, 1), share(3, 0.01)]).toEqual([1, 2, 200, 1]);
  expect(new Set(some([1, 2, 3, 4], 1, seededRandom(1)))).toEqual(new Set([1, 2, 3, 4]));
});
