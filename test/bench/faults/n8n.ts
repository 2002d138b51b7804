/** `export:entities` of n8n: a zip of files that are encrypted whole, line by line JSON below. Taken apart and put together again here. */
import { createCipheriv, createDecipheriv, createHash } from "node:crypto";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CleanDocument, Opened, Row, Table } from "./model.ts";
import { share } from "./model.ts";
import { iso, shop } from "./shop.ts";
import { readZip, writeZip } from "./zip.ts";

const KEY = "fixture-encryption-key";
const ROWS = "data_table_user_7RiqcPQPz7DpEb2l.jsonl";

/** As `openssl enc -aes-256-cbc -md md5` has it: key and vector from password and salt. */
function keysOf(salt: Buffer): { readonly key: Buffer; readonly vector: Buffer } {
  const password = Buffer.concat([Buffer.from(KEY, "latin1"), salt]);
  const blocks: Buffer[] = [];
  for (let last = Buffer.alloc(0); blocks.length < 3; blocks.push(last)) last = createHash("md5").update(last).update(password).digest();
  return { key: Buffer.concat(blocks.slice(0, 2)), vector: blocks[2] ?? Buffer.alloc(16) };
}

function opened(line: string): string {
  const bytes = Buffer.from(line, "base64");
  const { key, vector } = keysOf(bytes.subarray(8, 16));
  const cipher = createDecipheriv("aes-256-cbc", key, vector);
  return Buffer.concat([cipher.update(bytes.subarray(16)), cipher.final()]).toString();
}

function sealed(text: string): string {
  const salt = createHash("sha256").update(text).digest().subarray(0, 8);
  const { key, vector } = keysOf(salt);
  const cipher = createCipheriv("aes-256-cbc", key, vector);
  return Buffer.concat([Buffer.from("Salted__", "latin1"), salt, cipher.update(text, "utf8"), cipher.final()]).toString("base64");
}

async function membersOf(path: string): Promise<Map<string, Row[]>> {
  const rows = new Map<string, Row[]>();
  for (const [name, bytes] of await readZip(await readFile(path))) {
    const lines = bytes.toString("latin1").split("\n");
    const clear = lines.filter((line) => line !== "").flatMap((line) => opened(line).split("\n"));
    rows.set(
      name,
      clear.filter((line) => line !== "").map((line) => JSON.parse(line) as Row),
    );
  }
  return rows;
}

async function write(directory: string): Promise<string> {
  const path = join(directory, "entities.zip");
  await cp(fileURLToPath(new URL("../../fixtures/n8n/entities.zip", import.meta.url)), path);
  const members = await membersOf(path);
  const { orders } = shop(7);
  // The one table of the fixture gets rows as they were all made by one flow.
  const made = orders.map((one, n) => ({
    ...{ id: n + 1, title: one.title, pages: n / 4, sold: n % 3 === 0, at: iso(one.placed), spare: `s${n}` },
    ...{ createdAt: iso(one.placed), updatedAt: iso(one.placed + 60_000) },
  }));
  members.set(ROWS, made);
  // One that nobody published.
  const resting = members.get("workflowentity.jsonl")?.at(-1);
  if (resting !== undefined) Object.assign(resting, { active: false, activeVersionId: null });
  await save(path, members);
  return path;
}

async function save(path: string, members: ReadonlyMap<string, readonly Row[]>): Promise<void> {
  const packed = [...members].map(([name, rows]): [string, Buffer] => [
    name,
    Buffer.from(rows.length === 0 ? "" : `${sealed(rows.map((row) => JSON.stringify(row)).join("\n"))}\n`),
  ]);
  await writeFile(path, await writeZip(new Map(packed)));
}

async function open(path: string): Promise<Opened> {
  const members = await membersOf(path);
  const rowsOf = (name: string): Row[] => members.get(name) ?? [];
  const table = rowsOf("datatable.jsonl").find((one) => ROWS.includes(String(one["id"])));
  const log: Table = { name: String(table?.["name"]), roles: { key: "id", text: "title", time: "at" }, rows: rowsOf(ROWS) };
  const tables: Opened["tables"] = { log };
  const column = (name: string): Row | undefined =>
    rowsOf("datatablecolumn.jsonl").find((one) => one["dataTableId"] === table?.["id"] && one["name"] === name);
  const each = (act: (row: Row, n: number) => void): void => tables.log?.rows.forEach(act);
  const first = (name: string, severity: number, act: (row: Row) => void, which: (row: Row) => boolean = () => true): void => {
    const all = rowsOf(name).filter(which);
    for (const row of all.slice(0, share(all.length, severity))) act(row);
  };
  const without = (name: string, which: (row: Row) => boolean): void =>
    void members.set(
      name,
      rowsOf(name).filter((row) => !which(row)),
    );
  return {
    tables,
    cells: {
      ...{ link: () => null, linkCell: () => null, back: () => [], backCell: () => null, empty: null },
      shifted: (cell, ms) => (typeof cell === "string" ? iso(Date.parse(cell) + ms) : cell),
      freshKey: (rows) => Math.max(...rows.map((row) => Number(row["id"]))) + 1,
    },
    acts: {
      "collection-dropped": () => {
        members.delete(ROWS);
        without("datatable.jsonl", (row) => row["id"] === table?.["id"]);
        without("datatablecolumn.jsonl", (row) => row["dataTableId"] === table?.["id"]);
        delete tables.log;
      },
      "field-dropped": () => each((row) => delete row["pages"]),
      "field-dropped-from-schema": () => {
        const gone = column("pages");
        without("datatablecolumn.jsonl", (row) => row === gone);
        each((row) => delete row["pages"]);
      },
      "field-retyped": () => {
        const one = column("pages");
        if (one !== undefined) one["type"] = "string";
      },
      "field-added": () => {
        rowsOf("datatablecolumn.jsonl").push({ ...column("pages"), id: "zz00000000000001", name: "sheets", index: 9 });
        each((row, n) => (row["sheets"] = n));
      },
      "field-renamed": () => {
        const one = column("pages");
        if (one !== undefined) one["name"] = "sheets";
        each((row) => {
          row["sheets"] = row["pages"];
          delete row["pages"];
        });
      },
      "key-twice": (severity) => void log.rows.push(...log.rows.slice(0, share(log.rows.length, severity)).map((row) => ({ ...row }))),
      "automation-missing": (severity) => {
        const all = rowsOf("workflowentity.jsonl");
        const gone = all.slice(0, share(all.length, severity)).map((row) => row["id"]);
        without("workflowentity.jsonl", (row) => gone.includes(row["id"]));
        for (const name of ["sharedworkflow.jsonl", "workflowhistory.jsonl", "workflowdependency.jsonl"])
          without(name, (row) => gone.includes(row["workflowId"]));
      },
      "automation-changed": (severity) => first("workflowentity.jsonl", severity, (row) => (row["settings"] = { executionOrder: "v0" })),
      "automation-active": (severity) =>
        first(
          "workflowentity.jsonl",
          severity,
          (row) => Object.assign(row, { active: true, activeVersionId: row["versionId"] }),
          (row) => row["active"] === false,
        ),
      "credential-spoiled": (severity) =>
        first("credentialsentity.jsonl", severity, (row) => {
          const data = String(row["data"]);
          // In the middle of the sealed text, which stays base64 of the same length.
          row["data"] = `${data.slice(0, 40)}${data.slice(40, 60).split("").toReversed().join("")}${data.slice(60)}`;
        }),
      "access-lost": (severity) => {
        const own = (row: Row): boolean => row["role"] !== undefined;
        const all = rowsOf("projectrelation.jsonl").filter(own);
        const gone = all.slice(0, share(all.length, severity));
        without("projectrelation.jsonl", (row) => gone.includes(row));
      },
    },
    async save() {
      if (tables.log !== undefined) members.set(ROWS, tables.log.rows);
      await save(path, members);
    },
  };
}

const NO_LINKS = "rows of data tables point to nothing";
const NO_FILES = "an export of entities holds no files";

export const n8nDocument: CleanDocument = {
  format: "n8n",
  name: "export:entities",
  key: KEY,
  data: ROWS,
  manifest: "migrations.jsonl",
  part: "workflowentity.jsonl",
  write,
  open,
  reasons: {
    "dangling link": NO_LINKS,
    "links swapped with equal counts": NO_LINKS,
    "reciprocal side missing": NO_LINKS,
    "big integer rounded": "n8n itself keeps numbers as doubles",
    "required value emptied": "columns of data tables are never required",
    "attachment replaced by an HTML page": NO_FILES,
    "attachment missing": NO_FILES,
    "attachment bytes changed": NO_FILES,
    "view lost": "n8n has no views",
    "sequence behind": "an import numbers anew",
    "erased subject present": "users are not read as records",
  },
};
