/** Schemas made to run something when they are read: nothing of them runs, and the rest of the document is still read. */
import { existsSync, readdirSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { grist } from "../../../../agent/formats/grist/index.ts";
import { openDatabase } from "../../../../agent/formats/grist/database.ts";
import { contextIn, probeOf, ROOMY } from "../../../contracts/format.ts";
import { buildLibrary } from "../../../fixtures/grist/build.ts";
import { column, rowsOf, temporaryDirectory, withDocument } from "./read.ts";

const work = temporaryDirectory();
/** Would take far longer than any test may, if it ran. */
const FOREVER = "(WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n)";

function hostile(name: string, sql: string): string {
  return buildLibrary(join(work(), `${name}.grist`), (database) => database.exec(sql));
}

describe("a hostile document", () => {
  it("a view in place of a table is not read", async () => {
    const path = hostile("view", `DROP TABLE Readers; CREATE VIEW Readers AS SELECT 1 AS id, ${FOREVER} AS Name`);
    await withDocument(path, work(), async (content) => {
      expect(content.integrity.problems).toEqual(["Table Readers is listed, but the file has no such table."]);
      expect(await rowsOf(content, "Readers")).toEqual([]);
      expect(await rowsOf(content, "Authors")).toHaveLength(2);
    });
  });

  it("a view in place of one of Grist's own tables is not read", async () => {
    const path = hostile("meta-view", `DROP TABLE _grist_Views; CREATE VIEW _grist_Views AS SELECT 1 AS id, ${FOREVER} AS name`);
    await withDocument(path, work(), (content) => {
      expect(content.views.map((view) => view.broken)).toContain("not found: the page it stands on");
    });
  });

  it("a virtual table is neither connected nor read", async () => {
    const path = hostile("virtual", "DROP TABLE Readers; CREATE VIRTUAL TABLE Readers USING fts5(id, Name)");
    await withDocument(path, work(), async (content) => {
      expect(content.integrity.problems).toContain("Table Readers is listed, but the file has no such table.");
      expect(await rowsOf(content, "Readers")).toEqual([]);
      expect(await rowsOf(content, "Books")).toHaveLength(3);
    });
  });

  it("computed columns and checks are not evaluated", async () => {
    const huge = "length(hex(zeroblob(400000000)))";
    const path = hostile(
      "computed",
      `PRAGMA ignore_check_constraints = ON; DROP TABLE Readers; CREATE TABLE Readers (id INTEGER PRIMARY KEY, manualSort, Name AS (${huge}), Other TEXT CHECK (${huge} > 0)); INSERT INTO Readers (Other) VALUES ('x')`,
    );
    const started = performance.now();
    await withDocument(path, work(), async (content) => {
      expect(content.integrity.problems).toContain("Column Readers.Name is listed, but the file does not hold its data.");
      expect(await column(content, "Readers", "Name")).toEqual({ "1": null });
    });
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it("an index over an expression is not evaluated", async () => {
    const path = hostile("expression", "CREATE INDEX costly ON Readers (length(hex(zeroblob(100 + id))))");
    await withDocument(path, work(), async (content) => {
      expect(content.integrity.problems).toEqual([]);
      expect(await rowsOf(content, "Readers")).toHaveLength(2);
    });
  });

  it("a trigger stays silent and the artifact as it is", async () => {
    const path = hostile("trigger", "CREATE TRIGGER t AFTER INSERT ON Readers BEGIN DELETE FROM Books; END");
    await withDocument(path, work(), async (content) => {
      expect(content.integrity.complete).toBe(true);
      expect(await rowsOf(content, "Books")).toHaveLength(3);
    });
  });

  it("names with quotes are only names", async () => {
    const evil = 'x" UNION SELECT 1; ATTACH';
    const quoted = `"${evil.replaceAll('"', '""')}"`;
    const path = hostile(
      "quotes",
      `ALTER TABLE Readers RENAME TO ${quoted}; UPDATE _grist_Tables SET tableId = '${evil}' WHERE tableId = 'Readers'`,
    );
    await withDocument(path, work(), async (content) => {
      expect((await rowsOf(content, evil)).map((row) => row.key)).toEqual(["1", "2"]);
    });
  });

  it("more entries than the limit are our limit, not damage", async () => {
    const path = hostile("many", "INSERT INTO _grist_Filters (colRef) SELECT id FROM _grist_Tables_column");
    const limits = { ...ROOMY, maxEntries: 10 };
    await expect(grist.create().open(await probeOf(path), contextIn(work(), { limits }))).rejects.toMatchObject({ kind: "limit" });
  });

  it("a symlink in place of the file is not followed", async () => {
    const target = buildLibrary(join(work(), "target.grist"));
    const probe = await probeOf(target);
    const link = join(work(), "link.grist");
    await symlink(target, link);
    await expect(grist.create().open({ ...probe, path: link }, contextIn(work()))).rejects.toMatchObject({ name: "AgentError" });
  });

  it("nothing is left in the work directory, opened or refused", async () => {
    const own = join(work(), "own");
    await mkdir(own);
    const path = buildLibrary(join(work(), "tidy.grist"));
    await withDocument(path, own, () => expect(readdirSync(own)).toHaveLength(1));
    expect(readdirSync(own)).toEqual([]);
    await expect(openDatabase(join(work(), "none.grist"), contextIn(own))).rejects.toMatchObject({ kind: "not_found" });
    expect(readdirSync(own)).toEqual([]);
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  it("after close, reading says so and is not called damage", async () => {
    const content = await grist.create().open(await probeOf(buildLibrary(join(work(), "closed.grist"))), contextIn(work()));
    const running = content.records("Books", new AbortController().signal)[Symbol.asyncIterator]();
    await content.close();
    await expect(running.next()).rejects.toMatchObject({ code: "content-closed", kind: "internal" });
  });
});
