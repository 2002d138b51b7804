/** A folder of CSV files with the data package that says what they are; its sizes and checksums are made anew after each fault. */
import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { csvOf, writeFiles } from "../../fixtures/csv/write.ts";
import type { CleanDocument, Opened, Row, Table, TableName } from "./model.ts";
import { share } from "./model.ts";
import { iso, shop } from "./shop.ts";

interface Resource {
  readonly name: TableName;
  readonly path: string;
  bytes?: number;
  hash?: string;
  schema: { fields: { name: string; type: string; constraints?: object }[] };
}

function field(name: string, type: string, constraints?: object): Resource["schema"]["fields"][number] {
  return { name, type, ...(constraints === undefined ? {} : { constraints }) };
}

const RESOURCES: readonly object[] = [
  {
    ...{ name: "people", path: "people.csv" },
    schema: {
      fields: [field("id", "integer"), field("name", "string", { required: true, maxLength: 100 })].concat(
        ["mail", "city"].map((name) => field(name, "string")),
        field("joined", "datetime"),
      ),
      primaryKey: "id",
    },
  },
  {
    ...{ name: "orders", path: "orders.csv" },
    schema: {
      fields: [
        field("id", "integer"),
        field("title", "string"),
        field("serial", "integer"),
        field("amount", "number"),
        field("placed", "datetime"),
        field("person", "string"),
      ],
      primaryKey: "id",
      foreignKeys: [{ fields: "person", reference: { resource: "people", fields: "id" } }],
    },
  },
  { name: "log", path: "log.csv", schema: { fields: [field("id", "integer"), field("text", "string")], primaryKey: "id" } },
];

const ROLES = {
  people: { key: "id", text: "city", required: "name", time: "joined", person: "mail" },
  orders: { key: "id", text: "title", big: "serial", time: "placed", link: "person" },
  log: { key: "id", text: "text" },
};

function files(declared: boolean): Record<string, string> {
  const { people, orders, log } = shop(7);
  const made: Record<string, string> = {
    "people.csv": csvOf([
      ["id", "name", "mail", "city", "joined"],
      ...people.map((one) => [one.key, one.name, one.mail, one.city, iso(one.joined)]),
    ]),
    "orders.csv": csvOf([
      ["id", "title", "serial", "amount", "placed", "person"],
      ...orders.map((one) => [one.key, one.title, one.serial, one.amount, iso(one.placed), one.person]),
    ]),
    "log.csv": csvOf([["id", "text"], ...log.map((one) => [one.key, one.text])]),
  };
  return declared
    ? { ...made, "datapackage.json": JSON.stringify({ resources: RESOURCES.map((one) => sized(one as Resource, made)) }) }
    : made;
}

function sized(resource: Resource, texts: Readonly<Record<string, string>>): Resource {
  const text = texts[resource.path] ?? "";
  return { ...resource, bytes: Buffer.byteLength(text), hash: `sha256:${createHash("sha256").update(text).digest("hex")}` };
}

function textOf(cell: unknown): string {
  return typeof cell === "string" || typeof cell === "number" ? String(cell) : "";
}

async function open(path: string): Promise<Opened> {
  const described = await readFile(join(path, "datapackage.json"), "utf8").then(
    (text) => (JSON.parse(text) as { resources: Resource[] }).resources,
    () => null,
  );
  const found: Partial<Record<TableName, Table>> = {};
  const headers = new Map<TableName, string[]>();
  for (const name of ["people", "orders", "log"] as const) {
    const [header = [], ...rows] = parse(await readFile(join(path, `${name}.csv`)));
    headers.set(name, header);
    const row = (cells: string[]): Row => Object.fromEntries(header.map((column, at) => [column, cells[at] ?? ""]));
    found[name] = { name, roles: ROLES[name], rows: rows.map(row) };
  }
  const dropped: TableName[] = [];
  const schemaOf = (name: TableName): Resource["schema"] | undefined => described?.find((one) => one.name === name)?.schema;
  const rename = (from: string, to: string): void => {
    const header = headers.get("orders") ?? [];
    header[header.indexOf(from)] = to;
    const declared = schemaOf("orders")?.fields.find((one) => one.name === from);
    if (declared !== undefined) declared.name = to;
    for (const row of found.orders?.rows ?? []) row[to] = row[from];
  };
  const dropColumn = (): void =>
    void headers.set(
      "orders",
      (headers.get("orders") ?? []).filter((one) => one !== "amount"),
    );
  return {
    tables: found,
    cells: {
      link: (cell) => (cell === "" ? null : String(cell)),
      linkCell: (key) => key,
      back: () => [],
      backCell: () => "",
      shifted: (cell, ms) => (cell === "" ? "" : iso(Date.parse(String(cell)) + ms)),
      freshKey: (rows, { key }) => String(Math.max(...rows.map((row) => Number(row[key]))) + 1),
      empty: "",
    },
    acts: {
      "collection-dropped": () => {
        dropped.push("log");
        if (described !== null)
          described.splice(
            described.findIndex((one) => one.name === "log"),
            1,
          );
      },
      "field-dropped": dropColumn,
      "field-dropped-from-schema": () => {
        dropColumn();
        const schema = schemaOf("orders");
        if (schema !== undefined) schema.fields = schema.fields.filter((one) => one.name !== "amount");
      },
      "field-retyped": () => {
        const declared = schemaOf("orders")?.fields.find((one) => one.name === "amount");
        if (declared !== undefined) declared.type = "string";
        // Where nothing declares types, the values are the type.
        else for (const row of found.orders?.rows ?? []) row["amount"] = `EUR ${String(row["amount"])}`;
      },
      "field-added": () => {
        headers.get("orders")?.push("colour");
        schemaOf("orders")?.fields.push(field("colour", "string"));
        found.orders?.rows.forEach((row, n) => (row["colour"] = `colour ${n}`));
      },
      "field-renamed": () => rename("amount", "total"),
      "key-twice": (severity) => {
        const rows = found.log?.rows ?? [];
        rows.push(...rows.slice(0, share(rows.length, severity)).map((row) => ({ ...row })));
      },
    },
    async save() {
      const texts: Record<string, string> = {};
      for (const [name, header] of headers) {
        if (dropped.includes(name)) await rm(join(path, `${name}.csv`));
        else {
          texts[`${name}.csv`] = csvOf([header, ...(found[name]?.rows ?? []).map((row) => header.map((column) => textOf(row[column])))]);
          await writeFile(join(path, `${name}.csv`), texts[`${name}.csv`] ?? "");
        }
      }
      if (described !== null)
        await writeFile(join(path, "datapackage.json"), JSON.stringify({ resources: described.map((one) => sized(one, texts)) }));
    },
  };
}

const ROWS_ONLY = "CSV holds rows and nothing else";
const REASONS = {
  "reciprocal side missing": "a CSV link has one side",
  "attachment replaced by an HTML page": ROWS_ONLY,
  "attachment missing": ROWS_ONLY,
  "attachment bytes changed": ROWS_ONLY,
  "automation missing": ROWS_ONLY,
  "automation body changed": ROWS_ONLY,
  "automation left active": ROWS_ONLY,
  "credential undecryptable": ROWS_ONLY,
  "role or permission lost": ROWS_ONLY,
  "view lost": ROWS_ONLY,
  "sequence behind": ROWS_ONLY,
};

export const csvDocuments: readonly CleanDocument[] = [
  {
    ...{ format: "csv", name: "a shop with its data package", data: "orders.csv", manifest: "datapackage.json", part: "log.csv", open },
    write: (directory) => writeFiles(join(directory, "shop"), files(true)),
    reasons: REASONS,
  },
  {
    ...{ format: "csv", name: "the same without", data: "orders.csv", manifest: null, part: "log.csv", open },
    write: (directory) => writeFiles(join(directory, "shop"), files(false)),
    reasons: {
      ...REASONS,
      "flipped byte in manifest": "nothing lies beside the tables",
      "required value emptied": "nothing declares what is required",
    },
  },
];
