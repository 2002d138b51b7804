/** `verify` of files whose bytes are the trouble: foreign, deep, mangled, damaged, or hostile on purpose. */
import {
  closeSync,
  copyFileSync,
  cpSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { seededRandom } from "../../../agent/kit/random.ts";
import { longCsv } from "../../fixtures/csv/write.ts";
import { writeFiles } from "../../fixtures/csv/write.ts";
import { writeLibrary } from "../../fixtures/bag/library.ts";
import { seal } from "../../fixtures/bag/write.ts";
import { editDocument } from "../../fixtures/grist/build.ts";
import { drillArtifact } from "../../fuzz/reading.ts";
import { FORMATS } from "../../fuzz/seeds.ts";
import { ROOT } from "../../meta/sources.ts";
import { ask, type Asked, said } from "./asking.ts";

const DATA = resolve(ROOT, "../shared/data");
const N8N = resolve(ROOT, "test/fixtures/n8n");
const DIRECTUS = resolve(ROOT, "test/fixtures/directus/rest");
// What hangs is ended by `ask`; a machine with much else to do is only slow.
vi.setConfig({ testTimeout: 240_000 });
const home = mkdtempSync(join(tmpdir(), "rw-hostile-contents-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

let written = 0;
function file(bytes: string | Uint8Array): string {
  written += 1;
  const path = join(home, `artifact-${written}`);
  writeFileSync(path, bytes);
  return path;
}

const real = (path: string): Buffer => readFileSync(resolve(DATA, path));
const asked = (path: string, format?: string): Promise<Asked> =>
  ask({ path, cwd: home, args: format === undefined ? [] : ["--format", format] });

/** The same drill in this process, where a process of its own for each would take minutes. */
async function expectFailed(path: string, format: string): Promise<void> {
  const { verdict, defects, reasons } = await drillArtifact(format, path, home, null);
  expect([format, verdict, defects], reasons.join("; ")).toEqual([format, "failed", []]);
}

const PNG = Buffer.concat([Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"), Buffer.alloc(200, 7)]);

describe("what is nobody's backup is unknown under auto, and not what --format says otherwise", () => {
  const foreign: readonly (readonly [string, string | Uint8Array])[] = [
    ["one byte", "x"],
    ["NUL bytes", Buffer.alloc(5000)],
    ["random bytes", Buffer.from(seededRandom(3).bytes(20_000))],
    ["invalid UTF-8", Buffer.alloc(5000, 0xc3)],
    ["a picture", PNG],
    ["gzip", Buffer.concat([Buffer.from("1f8b0800", "hex"), Buffer.from(seededRandom(4).bytes(5000))])],
    ["10,000-deep arrays", "[".repeat(10_000) + "]".repeat(10_000)],
    ["10,000-deep objects", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`],
    ["10,000-deep arrays, never closed", "[".repeat(10_000)],
    ["a number of a million digits", "9".repeat(1_000_000)],
    ["a string that never ends", `["${"a".repeat(500_000)}`],
  ];
  test.each(foreign)("%s", async (_what, bytes) => {
    const path = file(bytes);
    const auto = await asked(path);
    expect([auto.code, auto.result?.artifact.format ?? null], said(auto)).toEqual([3, null]);
    expect(said(auto)).toMatch(/No format recognises .*--format/);
    for (const format of FORMATS) await expectFailed(path, format);
  });

  const own: readonly (readonly [string, string])[] = [
    ["grist", "grist/Comments_44.grist"],
    ["node-red", "node-red/03---Link-call.json"],
    ["baserow", "baserow/project-tracker.json"],
    ["directus", join(DIRECTUS, "snapshot.yaml")],
    ["n8n", join(N8N, "workflows.json")],
    ["n8n", join(N8N, "shop.n8np")],
  ];
  test.each(own)("a %s backup under another format's name", async (format, path) => {
    for (const other of FORMATS.filter((one) => one !== format)) await expectFailed(resolve(DATA, path), other);
    const [other = "bag"] = FORMATS.filter((one) => one !== format);
    expect((await asked(resolve(DATA, path), other)).code).toBe(1);
  });
});

/** Deeper than any limit, where a document has its own values. */
const DEEP = 10_000;
const deepArray = "[".repeat(DEEP) + "]".repeat(DEEP);
const deepObject = `${'{"a":'.repeat(DEEP)}null${"}".repeat(DEEP)}`;

describe("10,000 levels deep inside a document that is recognised: our limit", () => {
  test.each([
    ["arrays", deepArray],
    ["objects", deepObject],
  ])("%s", async (_what, deep) => {
    const flows = real("node-red/03---Link-call.json").toString().replace('"name"', `"deep":${deep},"name"`);
    const tracker = real("baserow/project-tracker.json").toString();
    const workflows = readFileSync(join(N8N, "workflows.json")).toString();
    const cases: readonly (readonly [string, string])[] = [
      ["n8n", file(workflows.replace('"parameters":', `"deep":${deep},"parameters":`))],
      ["node-red", file(flows)],
      ["baserow", file(tracker.replace('"name"', `"deep":${deep},"name"`))],
      ["directus", file(`{"version":1,"directus":"12.4.0","vendor":"postgres","collections":${deep},"fields":[],"relations":[]}`)],
      ["directus", file(`version: 1\ndirectus: 12.4.0\nvendor: postgres\ncollections: ${deep}\nfields: []\nrelations: []\n`)],
    ];
    for (const [format, path] of cases) {
      const one = await asked(path);
      expect([format, one.code], said(one)).toEqual([format, 3]);
      expect(said(one)).toMatch(/nested|deep/);
    }
    const bag = await writeLibrary(join(home, `bag-${written}`));
    writeFileSync(join(bag, "data", "settings.json"), `[{"id":"x","value":${deep}}]`);
    await seal(bag);
    const csv = await writeFiles(join(home, `csv-${written}`), { "a.csv": longCsv(20), "datapackage.json": `{"resources":${deep}}` });
    for (const [format, path] of [
      ["bag", bag],
      ["csv", csv],
    ] as const) {
      const { verdict, defects } = await drillArtifact(format, path, home, null);
      expect([verdict === "verified", defects]).toEqual([false, []]);
    }
  });
});

describe("mangled text inside a document that is recognised is never verified", () => {
  const mangled = (path: string, marker: string, bytes: Uint8Array): string => {
    const whole = real(path);
    const at = whole.indexOf(marker, whole.length >> 1);
    expect(at).toBeGreaterThan(0);
    return file(Buffer.concat([whole.subarray(0, at + marker.length), bytes, whole.subarray(at + marker.length)]));
  };
  const mangledItems = (bytes: Uint8Array): string => {
    written += 1;
    const path = join(home, `directus-${written}`);
    cpSync(DIRECTUS, path, { recursive: true });
    const items = join(path, "items", "notes.json");
    const whole = readFileSync(items);
    const at = whole.indexOf('"text":"', whole.length >> 1) + 8;
    writeFileSync(items, Buffer.concat([whole.subarray(0, at), bytes, whole.subarray(at)]));
    return path;
  };
  test.each([
    ["NUL bytes", Buffer.alloc(3)],
    ["invalid UTF-8", Buffer.from([0xff, 0xc3, 0x28])],
    ["a surrogate half as UTF-8", Buffer.from([0xed, 0xa0, 0x80])],
  ])("%s", async (_what, bytes) => {
    for (const [format, path] of [
      ["node-red", mangled("node-red/03---Link-call.json", '"name": "', bytes)],
      ["baserow", mangled("baserow/project-tracker.json", '"name": "', bytes)],
      ["csv", file(Buffer.concat([Buffer.from(longCsv(40)), Buffer.from("41,"), bytes, Buffer.from("x,1\r\n")]))],
      ["n8n", mangled(join(N8N, "workflows.json"), '"name":"', bytes)],
      ["directus", mangled(join(DIRECTUS, "snapshot.yaml"), "field: ", bytes)],
      ["directus", mangledItems(bytes)],
    ] as const)
      await expectFailed(path, format);
  });
});

describe("SQLite", () => {
  const world = real("grist/World-v39.grist");
  const document = (change: (bytes: Buffer) => void): string => {
    const bytes = Buffer.from(world);
    change(bytes);
    return file(bytes);
  };

  test.each<readonly [string, (bytes: Buffer) => void]>([
    [
      "every hundredth page zeroed",
      (bytes) => {
        for (let at = 50 * 1024; at < bytes.length; at += 100 * 1024) bytes.fill(0, at, at + 1024);
      },
    ],
    [
      "pages that point at each other",
      (bytes) => {
        for (let at = 1024; at < bytes.length; at += 1024) bytes.writeUInt32BE(2, at + 8);
      },
    ],
    ["a page size of 65536", (bytes) => bytes.writeUInt16BE(1, 16)],
    ["a page size of 513", (bytes) => bytes.writeUInt16BE(513, 16)],
    ["a page count of 4294967295", (bytes) => bytes.writeUInt32BE(0xff_ff_ff_ff, 28)],
    ["a text encoding that is none", (bytes) => bytes.writeUInt32BE(77, 56)],
    ["a schema format that is none", (bytes) => bytes.writeUInt32BE(77, 44)],
    ["the last half all 0xff", (bytes) => bytes.fill(0xff, bytes.length >> 1)],
  ])("%s is damage", async (_what, change) => {
    const path = document(change);
    const one = await asked(path);
    expect(one.code, said(one)).toBe(1);
    await expectFailed(path, "grist");
  });

  const FOREVER = "(WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n)";
  test.each([
    ["triggers", 0, "CREATE TRIGGER t AFTER INSERT ON City BEGIN DELETE FROM City; END"],
    ["a view that never ends", 0, `CREATE VIEW v AS SELECT ${FOREVER}`],
    ["an index over an expression", 0, "CREATE INDEX i ON City (length(hex(zeroblob(100 + id))))"],
    // Tables that the document does not list are no part of a whole document.
    ["a full-text table", 1, "CREATE VIRTUAL TABLE f USING fts5(a); INSERT INTO f VALUES ('x')"],
    ["an R*tree", 1, "CREATE VIRTUAL TABLE r USING rtree(id, a, b)"],
    ["a computed column", 1, "CREATE TABLE c (a AS (abs(-9223372036854775807 - 1)), b)"],
  ])("with %s beside the records: nothing of it runs, and the records are all read: %i", async (_what, code, sql) => {
    const path = file(world);
    editDocument(path, (database) => database.exec(sql));
    const before = readFileSync(path);
    const one = await asked(path);
    expect(one.code, said(one)).toBe(code);
    expect(one.text).toContain("Looked   at all 5,302 records");
    if (code === 1) expect(said(one)).toContain("lies in the file, but the document does not list it");
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("with a view or a full-text table in place of records: failed", async () => {
    for (const sql of [`CREATE VIEW City AS SELECT 1 AS id, ${FOREVER} AS Name`, "CREATE VIRTUAL TABLE City USING fts5(id, Name)"]) {
      const path = file(world);
      editDocument(path, (database) => database.exec(`DROP TABLE City; ${sql}`));
      await expectFailed(path, "grist");
    }
  });

  test("with a journal or a log beside it, which is no part of it: as it lies there", async () => {
    const path = file(world);
    for (const ending of ["-wal", "-journal", "-shm"]) writeFileSync(`${path}${ending}`, seededRandom(8).bytes(5000));
    expect((await asked(path)).code).toBe(0);
  });
});

describe("a sparse file", () => {
  const sparse = (start: string | Uint8Array, bytes: number, end: Uint8Array = Buffer.alloc(0)): string => {
    const path = file(start);
    truncateSync(path, bytes);
    const handle = openSync(path, "r+");
    writeSync(handle, end, 0, end.length, bytes - end.length);
    closeSync(handle);
    return path;
  };
  const zipEnd = Buffer.from("504b0506000000000100010040000000ffff00000000", "hex");
  const zipStart = Buffer.from("504b0304140000080800000000000000000000000000000000000900000062616769742e747874", "hex");
  const starts: readonly (readonly [string, string, string | Uint8Array, Uint8Array])[] = [
    ["a SQLite header", "grist", real("grist/Comments_44.grist"), Buffer.alloc(0)],
    ["a zip's beginning and end", "bag", zipStart, zipEnd],
    ["a zip's beginning and end", "baserow", zipStart, zipEnd],
    ["flows and no end", "node-red", real("node-red/03---Link-call.json").subarray(0, 5000), Buffer.alloc(0)],
    ["an export and no end", "baserow", real("baserow/project-tracker.json").subarray(0, 50_000), Buffer.alloc(0)],
    ["rows", "csv", longCsv(3000), Buffer.alloc(0)],
    ["workflows and no end", "n8n", readFileSync(join(N8N, "workflows.json")).subarray(0, 3000), Buffer.alloc(0)],
    ["a zip's beginning and end", "n8n", zipStart, zipEnd],
    ["a snapshot and no end", "directus", readFileSync(join(DIRECTUS, "snapshot.yaml")), Buffer.alloc(0)],
  ];

  test.each(starts)("of 20 GB with %s (%s) is more than may be read, at once", async (_what, format, start, end) => {
    const path = sparse(start, 20 * 1024 ** 3, end);
    const one = await asked(path, format);
    expect(one.code, said(one)).toBe(3);
    expect(said(one)).toMatch(/larger than a drill may read; raise/);
    rmSync(path);
  });

  test.each(starts)(
    "of 300 MB with %s (%s), which may be read: damaged, or our limit, within bounds of memory",
    async (_what, format, start, end) => {
      const path = sparse(start, 300 * 1000 ** 2, end);
      const one = await asked(path, format);
      expect([1, 3], said(one)).toContain(one.code);
      rmSync(path);
    },
  );

  test("a time limit ends it with what it is", async () => {
    const path = sparse(real("grist/Comments_44.grist"), 15e9);
    const one = await ask({ path, cwd: home, args: ["--timeout", "2s"] });
    expect([one.code, /time limit/.test(said(one))], said(one)).toEqual([3, true]);
    rmSync(path);
  });
});

test("the documents it was made of are verified when nothing is wrong with them", async () => {
  const path = join(home, "clean.grist");
  copyFileSync(join(DATA, "grist/World-v39.grist"), path);
  expect((await asked(path)).code).toBe(0);
  expect((await asked(file(longCsv(40)))).code).toBe(0);
});
