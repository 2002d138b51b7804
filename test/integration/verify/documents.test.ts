/** `verify` on every real Grist and Node-RED document: verdict and inventory, counted again by a query that shares no code with the agent. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { ROOT } from "../../meta/sources.ts";
import { runAgent } from "../agent/running.ts";

const DATA = resolve(ROOT, "../shared/data");
const files = (folder: string, ending: string): string[] =>
  readdirSync(join(DATA, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => join(DATA, folder, name));

interface Result {
  readonly schema: string;
  readonly verdict: string;
  readonly layers: Record<string, string>;
  readonly artifact: { readonly format: string; readonly formatVersion: string | null; readonly bytes: number; readonly sha256: string };
  readonly inventory: Record<string, number>;
  readonly sample: { readonly population: number; readonly checked: number; readonly strategy: string };
  readonly checks: readonly { readonly id: string; readonly status: string }[];
  readonly traceId: string;
}

async function verify(path: string): Promise<{ readonly code: number | null; readonly result: Result }> {
  const { code, stdout, stderr } = await runAgent(ROOT, "verify", path, "--output", "json");
  expect(stderr).toBe("");
  expect(stdout.trim().split("\n")).toHaveLength(1);
  return { code, result: JSON.parse(stdout) as Result };
}

describe("Grist documents", () => {
  test.concurrent.each(files("grist", ".grist"))("%s", async (path) => {
    const { code, result } = await verify(path);
    expect([code, result.verdict, result.layers]).toEqual([0, "verified", { artifact: "verified", content: "verified" }]);
    const database = new DatabaseSync(path, { readOnly: true });
    const all = (sql: string): Record<string, number | string | null>[] =>
      database.prepare(sql).all() as Record<string, number | string | null>[];
    const tables = all("SELECT id, tableId FROM _grist_Tables WHERE coalesce(summarySourceTable, 0) = 0");
    const records = tables.reduce((sum, table) => sum + Number(all(`SELECT count(*) AS c FROM "${table["tableId"]}"`)[0]?.["c"]), 0);
    let links = 0;
    for (const table of tables) {
      for (const column of all(`SELECT colId, type FROM _grist_Tables_column WHERE parentId = ${table["id"]} AND isFormula = 0`)) {
        const name = `"${table["tableId"]}"."${column["colId"]}"`;
        if (/^Ref:/.test(String(column["type"])))
          links += Number(all(`SELECT count(*) AS c FROM "${table["tableId"]}" WHERE ${name} <> 0 AND ${name} IS NOT NULL`)[0]?.["c"]);
        if (/^RefList:/.test(String(column["type"])))
          links += Number(all(`SELECT count(*) AS c FROM "${table["tableId"]}", json_each(${name})`)[0]?.["c"]);
      }
    }
    const attachments = Number(all("SELECT count(*) AS c FROM _grist_Attachments")[0]?.["c"]);
    const triggers = Number(all("SELECT count(*) AS c FROM _grist_Triggers")[0]?.["c"]);
    expect(result.inventory).toMatchObject({ collections: tables.length, records, links, files: attachments, automations: triggers });
    expect(result.artifact).toMatchObject({
      format: "grist",
      formatVersion: String(all("SELECT schemaVersion AS v FROM _grist_DocInfo")[0]?.["v"]),
      bytes: readFileSync(path).length,
    });
    expect(result.sample).toMatchObject({ checked: result.sample.population, strategy: "all" });
    expect(result.traceId).toMatch(/^[0-9a-f]{32}$/);
    database.close();
  });
});

describe("Node-RED flows", () => {
  test.concurrent.each(files("node-red", ".json"))("%s", async (path) => {
    const { code, result } = await verify(path);
    expect([code, result.verdict]).toEqual([0, "verified"]);
    const elements = JSON.parse(readFileSync(path, "utf8")) as { type: string; wires?: string[][]; z?: string }[];
    expect(result.inventory["records"]).toBe(elements.length);
    expect(result.artifact.format).toBe("node-red");
    const flows = new Set(
      elements.map((element) => (element.type === "tab" ? null : element.z)).filter((z) => typeof z === "string" && z !== ""),
    );
    expect(result.inventory["automations"]).toBeGreaterThanOrEqual(Math.min(1, flows.size));
    const wires = elements.flatMap((element) => (element.wires ?? []).flat()).length;
    expect(result.inventory["links"]).toBeGreaterThanOrEqual(wires);
  });
});
