/** The sample to restore: drawn from the real sandbox, closed under links, through a file, the same afterwards. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ContentRecord } from "../../../agent/core/content.ts";
import { AgentError } from "../../../agent/core/errors.ts";
import type { Content } from "../../../agent/core/ports.ts";
import { RESTORE_SET_FILE, type RestoreRequest } from "../../../agent/drill/protocol.ts";
import { fairShares, drawRestoreSet, writeRestoreSet } from "../../../agent/drill/restore-set.ts";
import { readRestoreSet } from "../../../agent/engine/scratch/read-set.ts";
import { duckdb } from "../../../agent/sandboxes/duckdb/index.ts";
import { collection, field, memoryContent, record } from "../../doubles/content.ts";

const never = new AbortController().signal;
const link = (to: string, many = false) => ({ collection: to, many, reciprocal: null });
const T = Date.UTC(2026, 0, 1, 2, 3, 4, 5);
let home = "";
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "rw-restore-set-"));
  await mkdir(join(home, "work"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const people = collection("people", [
  field("name"),
  field("city", "link", { link: link("city") }),
  field("friends", "links", { link: link("people", true) }),
  field("photo", "files"),
]);
const city = collection("city", [field("name"), field("tags", "choices")]);

function content(size: number): Content {
  const rows = Array.from({ length: size }, (_, index): ContentRecord => {
    const friend = index + 1 < size ? [String(index + 2)] : null;
    return record(String(index + 1), [`person ${index} \u{1F600}`, String((index % 3) + 1), friend, index === 0 ? ["f1"] : null], {
      createdAt: T,
      updatedAt: T + index,
    });
  });
  const cities = [1, 2, 3].map((index) => record(String(index), [`city ${index}`, ["x", "y"]]));
  const base = memoryContent({
    collections: [people, city],
    rows: { people: rows, city: cities },
    files: [{ id: "f1", name: "a.bin", bytes: 3, declaredType: null, declaredDigest: null, presence: "inside" }],
    bytes: { f1: new Uint8Array([1, 2, 3]) },
    automations: [{ id: "a", name: "a", active: true, trigger: null, references: [], bodyDigest: "d" }],
  });
  return Object.assign(base, { originals: async () => ({ schema: { deep: ["x", 1, null] } }) });
}

const request = (more: Partial<RestoreRequest> = {}): RestoreRequest => ({ drawn: 6, most: 50, maxFileBytes: 1000, seed: "abcd", ...more });

async function withSandbox<T>(
  of: Content,
  work: (load: Parameters<typeof drawRestoreSet>[1], sandbox: Parameters<typeof drawRestoreSet>[2]) => Promise<T>,
): Promise<T> {
  const sandbox = duckdb.create({});
  await sandbox.provision(join(home, "work"), { memoryMb: 128, diskMb: 100, threads: 1 });
  try {
    const load = await sandbox.load(of, { strategy: "all", count: 0, rate: 1, seed: "", always: [] }, never);
    return await work(load, sandbox);
  } finally {
    await sandbox.dispose();
  }
}

const keysOf = (records: readonly ContentRecord[] | undefined): string[] => (records ?? []).map((one) => one.key);

describe("the draw", () => {
  test("takes from every collection, holds what its links lead to, and is the same for the same seed", async () => {
    const of = content(200);
    await withSandbox(of, async (load, sandbox) => {
      const set = await drawRestoreSet(of, load, sandbox, request(), [], never);
      const again = await drawRestoreSet(of, load, sandbox, request(), [], never);
      const other = await drawRestoreSet(of, load, sandbox, request({ seed: "1234" }), [], never);
      expect(keysOf(again.records.get("people"))).toEqual(keysOf(set.records.get("people")));
      expect(keysOf(other.records.get("people"))).not.toEqual(keysOf(set.records.get("people")));
      const total = [...set.records.values()].reduce((sum, list) => sum + list.length, 0);
      expect(total).toBeLessThanOrEqual(50);
      // Everybody lives in a city that is there, unless that link is told as cut.
      const cities = new Set(keysOf(set.records.get("city")));
      const homeless = (set.records.get("people") ?? []).filter(
        (one) => !cities.has(one.values[1] as string) && !set.cut.has(`people/${one.key}/city`),
      );
      expect(homeless).toEqual([]);
      expect(set.cut.size).toBeGreaterThan(0);
    });
  });

  test("always holds the critical records, and files within the budget", async () => {
    const of = content(200);
    await withSandbox(of, async (load, sandbox) => {
      const always = [{ collection: "people", key: "1" }];
      const set = await drawRestoreSet(of, load, sandbox, request(), always, never);
      expect(keysOf(set.records.get("people"))).toContain("1");
      expect([...set.fileBytes.keys()]).toEqual(["f1"]);
      const poor = await drawRestoreSet(of, load, sandbox, request({ maxFileBytes: 2 }), always, never);
      expect(poor.fileBytes.size).toBe(0);
      expect(poor.cut).toContain("people/1/photo");
    });
  });
});

describe("through the file", () => {
  test("everything is the same", async () => {
    const of = content(5);
    await withSandbox(of, async (load, sandbox) => {
      const told = await writeRestoreSet(of, load, sandbox, request({ drawn: 100 }), [], join(home, "work"), never);
      expect(told).toEqual({ records: 8, files: 1, cut: 0 });
      const set = await readRestoreSet(join(home, "work"));
      expect(set.records.get("people")).toEqual(await allOf(of, "people"));
      expect(set.records.get("city")).toEqual(await allOf(of, "city"));
      expect(set.collections).toEqual(of.collections);
      expect(set.automations).toEqual(of.automations);
      expect(set.originals).toEqual({ schema: { deep: ["x", 1, null] } });
      expect([...(set.fileBytes.get("f1") ?? [])]).toEqual([1, 2, 3]);
    });
  });

  test.each([
    ["half of it", (text: string) => text.slice(0, text.length / 2)],
    ["without its end", (text: string) => text.split("\n").slice(0, -2).join("\n")],
    ["nonsense", () => "nonsense\n"],
    ["a record too many values", (text: string) => text.replace('"values":["city 1"', '"values":["more","city 1"')],
    ["something after the end", (text: string) => `${text}${text.split("\n")[1] ?? ""}\n`],
  ])("%s is our trouble, not the backup's", async (_, damage) => {
    const of = content(5);
    await withSandbox(of, async (load, sandbox) =>
      writeRestoreSet(of, load, sandbox, request({ drawn: 100 }), [], join(home, "work"), never),
    );
    const path = join(home, "work", RESTORE_SET_FILE);
    await writeFile(path, damage(await readFile(path, "utf8")));
    const thrown: unknown = await readRestoreSet(join(home, "work")).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(AgentError);
    expect((thrown as AgentError).kind).toBe("internal");
  });
});

async function allOf(of: Content, id: string): Promise<ContentRecord[]> {
  const records: ContentRecord[] = [];
  for await (const batch of of.records(id, never)) records.push(...batch);
  return records;
}

test.each([
  ["what small ones leave over goes to the larger", [30, 12, 25, 0], 100, [30, 12, 25, 0]],
  ["as many of each as of the others", [1000, 1000, 1000], 99, [33, 33, 33]],
  ["what does not divide is given out all the same", [10, 10, 10], 10, [4, 3, 3]],
  ["a small one among large", [2, 500, 500], 100, [2, 49, 49]],
  ["at least one of each that has any", [5, 5, 5, 0], 2, [1, 1, 1, 0]],
  ["nothing", [], 10, []],
])("shares of a draw: %s", (_, sizes, total, expected) => {
  expect(fairShares(sizes, total)).toEqual(expected);
});
