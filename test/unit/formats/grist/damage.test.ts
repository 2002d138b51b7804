/** What is said of documents that lost something, and of files that are no document. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { AgentError } from "../../../../agent/core/errors.ts";
import { grist } from "../../../../agent/formats/grist/index.ts";
import { contextIn, probeOf } from "../../../contracts/format.ts";
import { buildLibrary, librarySpec, writeGristDocument } from "../../../fixtures/grist/build.ts";
import { column, rowsOf, temporaryDirectory, withDocument } from "./read.ts";

const work = temporaryDirectory();
let made = 0;

function damaged(sql: string): string {
  made += 1;
  return buildLibrary(join(work(), `damaged-${made}.grist`), (database) => database.exec(sql));
}

async function confidence(path: string): Promise<number> {
  return (await grist.create().recognise(await probeOf(path))).confidence;
}

async function opening(path: string): Promise<unknown> {
  return grist
    .create()
    .open(await probeOf(path), contextIn(work()))
    .then(
      async (content) => {
        await content.close();
        return content.integrity;
      },
      (thrown: unknown) => thrown,
    );
}

function digests(sql: string): Promise<string[]> {
  return withDocument(damaged(sql), work(), (content) => content.access.map((entry) => entry.digest));
}

describe("documents that are cut short", () => {
  it.each([0.1, 0.3, 0.5, 0.7, 0.9, 0.999])("say so, with both sizes, and not what SQLite makes of it (%d of the file)", async (share) => {
    const whole = readFileSync(buildLibrary(join(work(), `whole-${share}.grist`)));
    const path = join(work(), `cut-${share}.grist`);
    const size = Math.floor(whole.length * share);
    writeFileSync(path, whole.subarray(0, size));
    const sentence = `The file is cut short: it has ${size} bytes where its header names ${whole.length}.`;
    const outcome = await opening(path);
    if (outcome instanceof AgentError) expect(outcome).toMatchObject({ kind: "damaged", code: "artifact-truncated", message: sentence });
    else expect(outcome).toMatchObject({ complete: false, problems: expect.arrayContaining([sentence]) as unknown });
  });
});

describe("documents that lost a part of their structure", () => {
  it.each([
    ["DROP TABLE Readers", "Table Readers is listed, but the file has no such table."],
    ["DELETE FROM _grist_Tables WHERE tableId = 'Readers'", "Table Readers lies in the file, but the document does not list it."],
    ["ALTER TABLE Books DROP COLUMN Kind", "Column Books.Kind is listed, but the file does not hold its data."],
    ["DELETE FROM _grist_Tables_column WHERE colId = 'Price'", "Column Books.Price lies in the file, but the document does not list it."],
    ["UPDATE _grist_Tables_column SET reverseCol = 99 WHERE colId = 'Author'", "Column Books.Author names a reverse column"],
    ["UPDATE _grist_Tables_column SET type = 'Ref:Shelves' WHERE colId = 'Author'", "Column Books.Author refers to table Shelves"],
    ["UPDATE _grist_Tables SET tableId = 'books' WHERE tableId = 'Readers'", "Table books is listed twice."],
    ["UPDATE _grist_Tables_column SET parentId = 77 WHERE colId = 'Pages'", "1 column belongs to a table that the document does not list."],
  ])("%s is told", async (sql, sentence) => {
    await withDocument(damaged(sql), work(), async (content) => {
      expect(content.integrity.complete).toBe(false);
      expect(content.integrity.problems.join("\n")).toContain(sentence);
      for (const collection of content.collections) await expect(rowsOf(content, collection.id)).resolves.toBeInstanceOf(Array);
    });
  });

  it("results of a formula may be missing: Grist computes them again", async () => {
    expect(await opening(damaged("ALTER TABLE Books DROP COLUMN Double"))).toMatchObject({ complete: true });
  });

  it.each([
    ["DELETE FROM _grist_Tables_column WHERE colId = 'Title'", "Library / All books", "not found: 1 column it shows"],
    ["DELETE FROM _grist_Views WHERE name = 'People'", "(no page) / Readers", "not found: the page it stands on"],
    ["UPDATE _grist_Views_section SET tableRef = 50 WHERE title = 'Author card'", "Library / Author card", "not found: the table it shows"],
    [
      "UPDATE _grist_Views_section SET linkSrcSectionRef = 50 WHERE title = 'Author card'",
      "Library / Author card",
      "not found: the widget that selects it",
    ],
    [
      "UPDATE _grist_Views_section SET linkTargetColRef = 500 WHERE title = 'Author card'",
      "Library / Author card",
      "not found: a column it is selected by",
    ],
    [
      "INSERT INTO _grist_Filters (viewSectionRef, colRef) VALUES (6, 400), (6, 401)",
      "Library / Author card",
      "not found: 2 columns it filters by",
    ],
  ])("%s breaks a view", async (sql, name, broken) => {
    await withDocument(damaged(sql), work(), (content) => {
      const views = content.views.filter((view) => view.broken !== null).map((view) => [view.name, view.broken]);
      expect(views).toContainEqual([name, broken]);
    });
  });

  it.each([
    ["DELETE FROM _grist_ACLResources WHERE tableId = 'Books'", "not found: what the rule is about"],
    ["UPDATE _grist_ACLResources SET tableId = 'Shelves' WHERE tableId = 'Books'", "not found: table Shelves"],
    ["UPDATE _grist_ACLResources SET colIds = 'Price,Weight' WHERE tableId = 'Books'", "not found: column Books.Weight"],
    ["UPDATE _grist_Tables_column SET colId = 'Lost' WHERE colId = 'Lent'", "not found: column Books.Lent of its condition"],
    ["DELETE FROM _grist_Tables_column WHERE colId = 'Name'", "not found: column Readers.Name"],
    ["UPDATE _grist_ACLRules SET userAttributes = '{' WHERE userAttributes <> ''", "the user attribute cannot be read"],
  ])("%s breaks an access rule", async (sql, broken) => {
    await withDocument(damaged(sql), work(), (content) => {
      expect(content.access.map((entry) => entry.broken)).toContain(broken);
    });
  });

  it("a changed rule has another digest, an unchanged one the same", async () => {
    const before = await digests("SELECT 1");
    const after = await digests("UPDATE _grist_ACLRules SET permissionsText = 'none' WHERE id = 3");
    expect(after.map((digest, index) => digest === before[index])).toEqual([true, true, false, true, true]);
  });

  it("a webhook of a table that is gone refers to nothing", async () => {
    await withDocument(damaged("UPDATE _grist_Triggers SET tableRef = 9 WHERE id = 1"), work(), (content) => {
      expect(content.automations[0]?.references.filter((reference) => !reference.resolved)).toEqual([
        { kind: "collection", target: "table #9", resolved: false },
        { kind: "collection", target: "column #5", resolved: false },
      ]);
    });
  });
});

describe("attachments", () => {
  it("are inside, outside by design, or missing", async () => {
    const path = damaged("DELETE FROM _gristsys_Files WHERE ident LIKE '%.png'");
    await withDocument(path, work(), async (content) => {
      expect(content.files.map((file) => [file.id, file.presence])).toEqual([
        ["1", "missing"],
        ["2", "inside"],
        ["3", "outside"],
      ]);
      expect(content.aspects.files).toEqual({ included: true });
      const reading = content.fileBytes("1", new AbortController().signal)[Symbol.asyncIterator]().next();
      await expect(reading).rejects.toMatchObject({ kind: "not_found" });
    });
  });

  it("whose bytes are null are missing, and one deleted long ago is no attachment", async () => {
    const path = damaged(
      "UPDATE _gristsys_Files SET data = NULL WHERE ident LIKE '%.txt'; DELETE FROM _gristsys_Files WHERE ident LIKE '%.png'; UPDATE _grist_Attachments SET timeDeleted = 1 WHERE id = 1",
    );
    await withDocument(path, work(), (content) => {
      expect(content.files.map((file) => [file.id, file.presence])).toEqual([
        ["2", "missing"],
        ["3", "outside"],
      ]);
    });
  });

  it("all outside: files are not included, and the reason says where they are", async () => {
    await withDocument(damaged("UPDATE _gristsys_Files SET storageId = 'elsewhere', data = ''"), work(), (content) => {
      expect(content.aspects.files).toMatchObject({ included: false });
    });
  });
});

describe("cells that do not fit their column", () => {
  it("are kept as text, dangling references as keys", async () => {
    const path = damaged(
      "UPDATE Books SET Author = 'Nobody', Pages = 'many', Readers = 'all of them' WHERE id = 1; UPDATE Books SET Author = 41 WHERE id = 2",
    );
    await withDocument(path, work(), async (content) => {
      expect(await column(content, "Books", "Author")).toMatchObject({ "1": "Nobody", "2": "41" });
      expect(await column(content, "Books", "Pages")).toMatchObject({ "1": "many" });
      expect(await column(content, "Books", "Readers")).toMatchObject({ "1": ["all of them"] });
    });
  });

  it("a table rebuilt without its row ids is read, repeated keys and all", async () => {
    const path = damaged(
      "CREATE TABLE R2 (id BLOB, manualSort, Name TEXT); INSERT INTO R2 SELECT * FROM Readers; INSERT INTO R2 SELECT * FROM Readers WHERE id = 1; DROP TABLE Readers; ALTER TABLE R2 RENAME TO Readers",
    );
    await withDocument(path, work(), async (content) => {
      expect((await rowsOf(content, "Readers")).map((row) => row.key)).toEqual(["1", "2", "1"]);
    });
  });
});

describe("files that are not whole", () => {
  it("a page overwritten is known as Grist and found by SQLite's check", async () => {
    let page = 0;
    const path = buildLibrary(join(work(), "page.grist"), (database) => {
      page = Number(database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'Authors'").get()?.["rootpage"]);
    });
    const bytes = readFileSync(path);
    bytes.fill(0xa5, (page - 1) * 1024, page * 1024);
    writeFileSync(path, bytes);
    expect(await confidence(path)).toBeGreaterThan(0.9);
    const outcome = await opening(path);
    expect(outcome).toMatchObject({ complete: false });
    expect((outcome as { problems: string[] }).problems[0]).toMatch(/^SQLite's integrity check finds/u);
    await withDocument(path, work(), async (content) => {
      await expect(rowsOf(content, "Authors")).rejects.toMatchObject({ kind: "damaged" });
      await expect(rowsOf(content, "Books")).resolves.toHaveLength(3);
    });
  });

  it("a damaged header is still known as Grist, and is damaged", async () => {
    const path = buildLibrary(join(work(), "header.grist"));
    const bytes = readFileSync(path);
    bytes.fill(0, 0, 100);
    writeFileSync(path, bytes);
    expect(await confidence(path)).toBeGreaterThanOrEqual(0.5);
    expect(await opening(path)).toMatchObject({ kind: "damaged", code: "not-sqlite" });
  });

  it("bytes after the end are told", async () => {
    const path = buildLibrary(join(work(), "longer.grist"));
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(10)]));
    expect(await opening(path)).toMatchObject({ complete: false, problems: ["The file has 10 bytes after its end."] });
  });

  it("only the first bytes of a document: damaged, and known well enough for auto", async () => {
    const path = buildLibrary(join(work(), "start.grist"));
    const bytes = readFileSync(path);
    for (const length of [16, 64, 100, 700, 1024]) {
      writeFileSync(path, bytes.subarray(0, length));
      expect(await confidence(path), `first ${length} bytes`).toBeGreaterThanOrEqual(0.5);
      expect(await opening(path)).toMatchObject({ kind: "damaged" });
    }
  });

  it("a document in WAL mode is read without its log", async () => {
    const path = buildLibrary(join(work(), "wal.grist"), (database) => database.exec("PRAGMA journal_mode = WAL"));
    expect(readFileSync(path)[18]).toBe(2);
    expect(await opening(path)).toMatchObject({ complete: true });
  });
});

describe("what is not a Grist document", () => {
  it("is not recognised, and damaged where the person says it is one", async () => {
    const path = join(work(), "talk.sqlite");
    const database = new DatabaseSync(path);
    database.exec("CREATE TABLE talk (body TEXT)");
    database.prepare("INSERT INTO talk VALUES (?)").run("CREATE TABLE _grist_Tables, _grist_DocInfo, _grist_Tables_column _grist_Views");
    database.close();
    expect(await confidence(path)).toBe(0);
    expect(await opening(path)).toMatchObject({ kind: "damaged", code: "not-grist" });
  });

  it("a SQL dump of one is not recognised", async () => {
    const path = join(work(), "dump.sql");
    writeFileSync(
      path,
      'CREATE TABLE "_grist_DocInfo" (id);\nCREATE TABLE "_grist_Tables" (id);\nCREATE TABLE "_grist_Tables_column" (id);\n',
    );
    expect(await confidence(path)).toBe(0);
  });

  it("a directory called .grist is not recognised", async () => {
    mkdirSync(join(work(), "folder.grist"));
    expect(await confidence(join(work(), "folder.grist"))).toBe(0);
  });
});

describe("the schema far away from the head of the file", () => {
  it("is found by walking its pages", async () => {
    const path = join(work(), "far.grist");
    const filler = new DatabaseSync(path);
    filler.exec("CREATE TABLE filler (body BLOB)");
    for (let index = 0; index < 300; index += 1) filler.prepare("INSERT INTO filler VALUES (?)").run(new Uint8Array(1000).fill(7));
    const source = join(work(), "source.grist");
    writeGristDocument(source, librarySpec());
    const from = new DatabaseSync(source);
    const entries = from.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").all();
    from.close();
    for (const entry of entries) filler.exec(String(entry["sql"]));
    filler.exec("DROP TABLE filler");
    filler.close();
    // What SQLite left behind in the head when it moved the schema would give it away.
    const bytes = readFileSync(path);
    const head = Buffer.from(bytes.subarray(0, 65_536).toString("latin1").replaceAll("table_grist", "xxxxx_grist"), "latin1");
    writeFileSync(path, Buffer.concat([head, bytes.subarray(65_536)]));
    expect(await confidence(path)).toBeGreaterThan(0.9);
  });
});
