/** A user directory of Node-RED: flows, sealed credentials, settings. Its records are nodes, its links wires. */
import { createCipheriv, createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CREDENTIALS, flows, SECRET, writeUserDir } from "../../fixtures/node-red/user-dir.ts";
import type { CleanDocument, Opened, Row, Table, TableName } from "./model.ts";
import { share } from "./model.ts";
import { shop } from "./shop.ts";

const TAB = "0000000000000a01";
const PREFIX: Readonly<Record<TableName, string>> = { people: "00000000000d0", orders: "00000000000e0", log: "00000000000f0" };
const SINKS = 10;
const SOURCES = 60;
const COMMENTS = 120;

function nodeId(table: TableName, n: number): string {
  return `${PREFIX[table]}${String(n).padStart(3, "0")}`;
}

function nodes(): Row[] {
  const { orders, log } = shop(7);
  const at = (n: number): Row => ({ z: TAB, x: 100, y: 400 + n });
  return [
    ...flows(),
    ...Array.from({ length: SINKS }, (_, n) => ({
      ...{ id: nodeId("people", n), type: "debug", ...at(n), name: orders[n]?.title, active: true, wires: [] },
    })),
    ...Array.from({ length: SOURCES }, (_, n) => ({
      ...{ id: nodeId("orders", n), type: "function", ...at(n), name: orders[n]?.title, func: "return msg;", outputs: 1 },
      wires: [[nodeId("people", n % SINKS)]],
    })),
    ...Array.from({ length: COMMENTS }, (_, n) => ({
      id: nodeId("log", n),
      type: "comment",
      ...at(n),
      name: log[n]?.text,
      info: "",
      wires: [],
    })),
  ];
}

async function open(path: string): Promise<Opened> {
  const all = JSON.parse(await readFile(join(path, "flows.json"), "utf8")) as Row[];
  const isOf = (row: Row, table: TableName): boolean => String(row["id"]).startsWith(PREFIX[table]);
  const names = ["people", "orders", "log"] as const;
  const found: Partial<Record<TableName, Table>> = {};
  for (const name of names)
    found[name] = {
      name: "nodes",
      roles: { key: "id", text: "name", ...(name === "orders" ? { link: "wires" } : {}), required: "type" },
      rows: all.filter((row) => isOf(row, name)),
    };
  let others = all.filter((row) => !names.some((name) => isOf(row, name)));
  const ofType = (type: string): Row[] => others.filter((row) => row["type"] === type);
  const remove = (tabs: readonly Row[]): void => {
    const ids = new Set(tabs.map((tab) => tab["id"]));
    const inside = (row: Row): boolean => ids.has(row["z"]) || ids.has(row["id"]);
    others = others.filter((row) => !inside(row));
    for (const name of names) {
      const table = found[name];
      if (table !== undefined) table.rows = table.rows.filter((row) => !inside(row));
    }
    // What pointed into them from elsewhere was taken away with them.
    const left = new Set(others.map((row) => row["id"]));
    for (const row of others) if (Array.isArray(row["links"])) row["links"] = row["links"].filter((id) => left.has(id));
  };
  let credentials = await readFile(join(path, "flows_cred.json"), "utf8");
  return {
    tables: found,
    cells: {
      link: (cell) => (Array.isArray(cell) && Array.isArray(cell[0]) ? String(cell[0][0]) : null),
      linkCell: (key) => [[key]],
      back: () => [],
      backCell: () => [],
      shifted: (cell) => cell,
      freshKey: (rows) => `${String(rows[0]?.["id"]).slice(0, 13)}${String(rows.length).padStart(3, "0")}`,
      empty: "",
    },
    acts: {
      "key-twice": (severity) => {
        const rows = found.log?.rows ?? [];
        rows.push(...rows.slice(0, share(rows.length, severity)).map((row) => ({ ...row })));
      },
      "automation-missing": (severity) =>
        remove(
          ofType("tab")
            .toReversed()
            .slice(0, share(ofType("tab").length, severity)),
        ),
      "automation-changed": (severity) => {
        const functions = found.orders?.rows ?? [];
        for (const row of functions.slice(0, share(functions.length, severity))) row["func"] = "return null;";
      },
      "automation-active": () => {
        for (const tab of ofType("tab")) tab["disabled"] = false;
      },
      "credential-spoiled": (severity) => {
        const cipher = createCipheriv("aes-256-ctr", createHash("sha256").update("another secret").digest(), Buffer.alloc(16, 7));
        const text = cipher.update(JSON.stringify(CREDENTIALS), "utf8", "base64") + cipher.final("base64");
        const was = JSON.parse(credentials) as { $: string };
        // The least: its last bytes; all: sealed with another key.
        credentials = JSON.stringify({ $: severity < 1 ? `${was.$.slice(0, -8)}AAAAAAA=` : `${was.$.slice(0, 32)}${text}` });
      },
    },
    async save() {
      await writeFile(join(path, "flows.json"), JSON.stringify([...others, ...names.flatMap((name) => found[name]?.rows ?? [])], null, 4));
      await writeFile(join(path, "flows_cred.json"), credentials);
    },
  };
}

const NODES = "nodes have what their type gives them, no columns";
const NO_FILES = "a user directory holds no attachments";

export const nodeRedDocument: CleanDocument = {
  format: "node-red",
  name: "a user directory",
  key: SECRET,
  data: "flows.json",
  manifest: "package.json",
  part: "flows_cred.json",
  write: (directory) => writeUserDir(join(directory, "data"), { flows: nodes() }),
  open,
  reasons: {
    "reciprocal side missing": "the wires planted into have one side",
    "whole collection dropped": "which kinds of records there are is given by Node-RED",
    "field dropped": NODES,
    "field type changed": NODES,
    "schema drift against baseline": NODES,
    "big integer rounded": "flows hold no such numbers",
    "timestamp shifted by a time zone": "nodes hold no times",
    "attachment replaced by an HTML page": NO_FILES,
    "attachment missing": NO_FILES,
    "attachment bytes changed": NO_FILES,
    "role or permission lost": "who may do what stands in settings.js, which is code",
    "view lost": "Node-RED has no views",
    "sequence behind": "ids of nodes are random",
    "erased subject present": "nodes are no people",
  },
};
