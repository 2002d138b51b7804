/** An export of Directus: a folder with a snapshot, items and documents as JSON, files beside them. */
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import type { CleanDocument, Opened, Row, Table, TableName } from "./model.ts";
import { share } from "./model.ts";
import { HTML, iso, shop } from "./shop.ts";

interface Rows {
  readonly meta?: { total_count: number; filter_count: number };
  data: Row[];
}

interface Snapshot {
  collections: { collection: string }[];
  fields: { collection: string; field: string; type: string; schema: Row | null; meta: Row | null }[];
  relations: { collection: string; related_collection: string | null }[];
}

const NAMES: Readonly<Record<TableName, string>> = { people: "authors", orders: "articles", log: "notes" };
const ROLES = {
  people: { key: "id", text: "name", back: "articles", person: "name" },
  orders: { key: "id", text: "title", required: "title", big: "big", time: "moment", link: "author" },
  log: { key: "id", text: "text" },
};

/** The fixture is what a real Directus gave; its sparse articles are filled, so that there is enough to damage. */
async function write(directory: string): Promise<string> {
  const path = join(directory, "export");
  await cp(fileURLToPath(new URL("../../fixtures/directus/rest", import.meta.url)), path, { recursive: true });
  const read = async (name: string): Promise<Rows> => JSON.parse(await readFile(join(path, "items", `${name}.json`), "utf8")) as Rows;
  const [authors, articles, notes] = [await read("authors"), await read("articles"), await read("notes")];
  const { orders, log } = shop(7);
  for (const [n, row] of articles.data.entries()) {
    const order = orders[n];
    if (order === undefined) throw new Error("too few orders");
    Object.assign(row, {
      title: order.title,
      big: order.serial,
      moment: iso(order.placed),
      author: authors.data[n % authors.data.length]?.["id"],
    });
  }
  for (const author of authors.data)
    author["articles"] = articles.data.filter((row) => row["author"] === author["id"]).map((row) => row["id"]);
  for (const [n, row] of notes.data.entries()) row["text"] = log[n]?.text;
  // Nothing may point to the notes: they are the rows that are dropped.
  const blocks = await read("articles_blocks");
  const gone = blocks.data.filter((row) => row["collection"] === "notes").map((row) => row["id"]);
  blocks.data = blocks.data.filter((row) => !gone.includes(row["id"]));
  for (const row of articles.data) if (Array.isArray(row["blocks"])) row["blocks"] = row["blocks"].filter((id) => !gone.includes(id));
  for (const [name, rows] of Object.entries({ authors, articles, notes, articles_blocks: blocks }))
    await writeFile(join(path, "items", `${name}.json`), JSON.stringify(counted(rows)));
  return path;
}

/** What says how many there are comes from the same listing. */
function counted(rows: Rows): Rows {
  if (rows.meta !== undefined) Object.assign(rows.meta, { total_count: rows.data.length, filter_count: rows.data.length });
  return rows;
}

async function open(path: string): Promise<Opened> {
  const documents = new Map<string, Rows>();
  for (const folder of ["items", "."])
    for (const name of await readdir(join(path, folder)))
      if (name.endsWith(".json")) documents.set(join(folder, name), JSON.parse(await readFile(join(path, folder, name), "utf8")) as Rows);
  const text = await readFile(join(path, "snapshot.yaml"), "utf8");
  const snapshot = parse(text) as Snapshot;
  const was = JSON.stringify(snapshot);
  const before = new Map([...documents].map(([name, rows]) => [name, JSON.stringify(rows)]));
  const rowsOf = (name: string): Row[] => documents.get(name)?.data ?? [];
  const found: Partial<Record<TableName, Table>> = {};
  for (const name of ["people", "orders", "log"] as const)
    found[name] = { name: NAMES[name], roles: ROLES[name], rows: rowsOf(`items/${NAMES[name]}.json`) };
  const removed: string[] = [];
  const files = new Map<string, Uint8Array | null>();
  const fileAct =
    (bytes: (was: Buffer) => Uint8Array | null) =>
    async (severity: number): Promise<void> => {
      const all = (await readdir(join(path, "files"))).sort();
      for (const name of all.slice(0, share(all.length, severity))) files.set(name, bytes(await readFile(join(path, "files", name))));
    };
  const cut = (name: string, severity: number): void => {
    const rows = rowsOf(name);
    rows.splice(0, share(rows.length, severity));
  };
  const isPages = (one: Snapshot["fields"][number]): boolean => one.collection === "articles" && one.field === "pages";
  const pages = (act: (row: Row) => void): void => found.orders?.rows.forEach(act);
  return {
    tables: found,
    cells: {
      link: (cell) => (typeof cell === "string" ? cell : null),
      linkCell: (key) => key,
      back: (cell) => (Array.isArray(cell) ? cell.map(String) : []),
      backCell: (keys) => keys.map(Number),
      shifted: (cell, ms) => (typeof cell === "string" ? iso(Date.parse(cell) + ms) : cell),
      freshKey: (rows, { key }) => Math.max(...rows.map((row) => Number(row[key]))) + 1,
      empty: null,
    },
    acts: {
      "collection-dropped": () => {
        snapshot.collections = snapshot.collections.filter((one) => one.collection !== "notes");
        snapshot.fields = snapshot.fields.filter((one) => one.collection !== "notes");
        removed.push("items/notes.json");
        delete found.log;
      },
      "field-dropped": () => pages((row) => delete row["pages"]),
      "field-dropped-from-schema": () => {
        snapshot.fields = snapshot.fields.filter((one) => !isPages(one));
        pages((row) => delete row["pages"]);
      },
      "field-retyped": () => {
        const one = snapshot.fields.find(isPages);
        if (one === undefined) return;
        one.type = "text";
        if (one.schema !== null) one.schema["data_type"] = "text";
      },
      "field-added": () => {
        const one = snapshot.fields.find(isPages);
        const renamed = JSON.parse(JSON.stringify(one).replaceAll('"pages"', '"sheets"')) as Snapshot["fields"][number];
        snapshot.fields.push(renamed);
        found.orders?.rows.forEach((row, n) => (row["sheets"] = n));
      },
      "field-renamed": () => {
        const at = snapshot.fields.findIndex(isPages);
        snapshot.fields[at] = JSON.parse(
          JSON.stringify(snapshot.fields[at]).replaceAll('"pages"', '"sheets"'),
        ) as Snapshot["fields"][number];
        pages((row) => {
          row["sheets"] = row["pages"];
          delete row["pages"];
        });
      },
      "key-twice": (severity) => {
        const rows = found.log?.rows ?? [];
        rows.push(...rows.slice(0, share(rows.length, severity)).map((row) => ({ ...row })));
      },
      "file-html": fileAct(() => HTML),
      "file-missing": fileAct(() => null),
      "file-changed": fileAct((bytes) => Buffer.concat([bytes.subarray(0, -4), Buffer.from("othe")])),
      "automation-missing": (severity) => {
        const flows = rowsOf("directus_flows.json");
        const gone = flows.splice(0, share(flows.length, severity)).map((flow) => flow["id"]);
        const operations = documents.get("directus_operations.json");
        if (operations !== undefined) operations.data = operations.data.filter((one) => !gone.includes(one["flow"]));
      },
      "automation-changed": (severity) => {
        const all = rowsOf("directus_operations.json");
        for (const one of all.slice(0, share(all.length, severity))) one["options"] = { ...(one["options"] as Row), note: "other" };
      },
      "automation-active": (severity) => {
        const all = rowsOf("directus_flows.json");
        for (const one of all.slice(0, share(all.length, severity))) one["status"] = "active";
      },
      "access-lost": (severity) => cut("directus_permissions.json", severity),
      "view-lost": (severity) => cut("directus_presets.json", severity),
    },
    async save() {
      for (const name of ["people", "orders", "log"] as const) {
        const rows = documents.get(`items/${NAMES[name]}.json`);
        const now = found[name]?.rows;
        if (rows === undefined || now === undefined) continue;
        rows.data = now;
        counted(rows);
      }
      for (const [name, rows] of documents) {
        if (removed.includes(name)) await rm(join(path, name));
        else if (JSON.stringify(rows) !== before.get(name)) await writeFile(join(path, name), JSON.stringify(rows));
      }
      for (const [name, bytes] of files)
        await (bytes === null ? rm(join(path, "files", name)) : writeFile(join(path, "files", name), bytes));
      if (JSON.stringify(snapshot) !== was) await writeFile(join(path, "snapshot.yaml"), stringify(snapshot));
    },
  };
}

export const directusDocument: CleanDocument = {
  format: "directus",
  name: "snapshot, items, documents and files",
  data: "items/articles.json",
  manifest: "snapshot.yaml",
  part: "items/notes.json",
  write,
  open,
  reasons: {
    "reciprocal side missing": "Directus computes the other side from the one that is stored",
    "credential undecryptable": "Directus keeps no credentials apart",
    "sequence behind": "an export of items holds no sequences",
  },
};
