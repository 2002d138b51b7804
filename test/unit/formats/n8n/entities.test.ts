/** What lies under the encryption of entities.zip: what is missing there, twice, or of somebody else's, is told for what it is. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { drillArtifact } from "../../../fuzz/reading.ts";
import { type Entities, entitiesOf, KEY, packedEntities } from "../../../fixtures/n8n/entities.ts";

const home = mkdtempSync(join(tmpdir(), "rw-n8n-entities-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const EXPORT = fileURLToPath(new URL("../../../fixtures/n8n/entities.zip", import.meta.url));

async function drilled(change: (entities: Entities) => void, key: string | null = KEY) {
  // Drills of tests are at the beginning of the year in which it was made.
  const entities: Entities = new Map(
    [...entitiesOf(EXPORT)].map(([name, rows]) => [name, rows.map((row) => row.replaceAll("2026-11-", "2026-01-"))]),
  );
  change(entities);
  const path = join(home, "entities.zip");
  writeFileSync(path, packedEntities(entities));
  const { verdict, reasons, defects, records } = await drillArtifact("n8n", path, home, key);
  expect(defects).toEqual([]);
  return { verdict, records, told: reasons.join(" ") };
}

const edited = (entities: Entities, name: string, change: (row: Record<string, unknown>) => Record<string, unknown>): void => {
  const rows = entities.get(name) ?? [];
  expect(rows.length).toBeGreaterThan(0);
  entities.set(
    name,
    rows.map((row) => JSON.stringify(change(JSON.parse(row) as Record<string, unknown>))),
  );
};
const tables = (entities: Entities): string[] => [...entities.keys()].filter((name) => name.startsWith("data_table_user_"));

describe("entities.zip", () => {
  test("put together again as it was is verified", async () => {
    expect(await drilled(() => {})).toEqual({ verdict: "verified", records: 30, told: "" });
  });

  test("without the rows of any table is not verified, and says why", async () => {
    const { verdict, told } = await drilled((entities) => tables(entities).forEach((name) => entities.delete(name)));
    expect([verdict, told]).toEqual(["inconclusive", expect.stringContaining("no row of a data table is in the export")]);
  });

  test("of somebody who has no data tables is verified: workflows and credentials are its records", async () => {
    const { verdict, records, told } = await drilled((entities) => {
      for (const name of [...tables(entities), "datatable.jsonl", "datatablecolumn.jsonl"]) entities.delete(name);
      edited(entities, "workflowentity.jsonl", (row) => ({ ...row, nodes: [], connections: {} }));
    });
    expect([verdict, records, told]).toEqual(["verified", 4, ""]);
  });

  test.each([
    ["a workflow twice in place of another", "workflowentity.jsonl", /the id of a workflow is there twice/u],
    ["rows of a table that is not there", "datatable.jsonl", /rows of a data table that is not there/u],
  ])("with %s is failed", async (_, name, told) => {
    const found = await drilled((entities) => {
      const rows = entities.get(name) ?? [];
      entities.set(name, [rows[0] ?? "", rows[0] ?? "", ...rows.slice(2)]);
      if (name === "datatable.jsonl") edited(entities, name, (row) => ({ ...row, id: "anotherTable00001" }));
    });
    expect(found.verdict).toBe("failed");
    expect(found.told).toMatch(told);
  });

  test("a file of a kind in between that is missing is failed", async () => {
    const found = await drilled((entities) => {
      const rows = entities.get("workflowentity.jsonl") ?? [];
      entities.set("workflowentity.3.jsonl", rows);
    });
    expect(found.verdict).toBe("failed");
    expect(found.told).toContain("a file in between is missing");
  });

  test("rows of an SQLite database are the same rows", async () => {
    const found = await drilled((entities) => {
      edited(entities, "workflowentity.jsonl", (row) => ({
        ...row,
        ...Object.fromEntries(["nodes", "connections", "settings"].map((name) => [name, JSON.stringify(row[name])])),
        active: row["active"] === true ? 1 : 0,
      }));
      for (const name of tables(entities))
        edited(entities, name, (row) => ({ ...row, sold: row["sold"] === true ? 1 : 0, createdAt: "2026-01-02 03:04:05.678" }));
    });
    expect(found).toEqual({ verdict: "verified", records: 30, told: "" });
  });
});
