/** Workspace exports of Baserow: a signed zip. The manifest, its checksums and its signature are made anew over every fault. */
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { automation, builder, type Json, storedName } from "../../fixtures/baserow/build.ts";
import { exportParts, signManifest, zipOf } from "../../fixtures/baserow/zip.ts";
import type { CleanDocument, Opened, Row, Table, TableName } from "./model.ts";
import { share } from "./model.ts";
import { HTML, iso, NOTE, PNG, shop } from "./shop.ts";
import { readZip, writeZip } from "./zip.ts";

interface BaserowTable {
  readonly id: number;
  readonly name: string;
  fields: Json[];
  views: Json[];
  rows: Row[];
}

const field = (id: number, type: string, name: string, more: Json = {}): Json => ({ id, type, name, order: id, primary: false, ...more });
const IDS: Readonly<Record<TableName, number>> = { people: 1, orders: 2, log: 3 };
const AMOUNT = 23;
const ROLES = {
  people: { key: "id", text: "field_13", time: "field_14", back: "field_15", person: "field_12" },
  orders: { key: "id", text: "field_21", big: "field_22", time: "field_24", link: "field_25" },
  log: { key: "id", text: "field_31" },
};
const FILES = { [storedName(PNG, "png")]: PNG, [storedName(NOTE, "txt")]: NOTE };

function database(): Json {
  const { people, orders, log } = shop(7);
  const dated = (at: number): Json => ({ created_on: iso(at), updated_on: iso(at + 60_000) });
  const row = (key: string, at: number, slots: Json): Json => ({
    id: Number(key),
    order: `${key}.00000000000000000000`,
    ...dated(at),
    ...slots,
  });
  const stored = (bytes: Uint8Array, extension: string, name: string): Json[] => [
    { name: storedName(bytes, extension), visible_name: name, original_name: name },
  ];
  const view = (id: number, name: string): Json => ({
    ...{ id, type: "grid", name, order: id, filter_type: "AND", filters_disabled: false, filters: [], sortings: [], field_options: [] },
  });
  const link = (target: number, related: number): Json => ({
    link_row_table_id: target,
    link_row_related_field_id: related,
    has_related_field: true,
  });
  const table = (id: number, name: string, fields: Json[], rows: Json[], views: Json[]): Json => ({
    ...{ id, name, order: id, fields, views, rows, data_sync: null },
  });
  return {
    ...{ id: 5, name: "Shop", order: 1, type: "database" },
    tables: [
      table(
        1,
        "People",
        [
          field(11, "text", "Name", { primary: true }),
          field(12, "email", "Mail"),
          field(13, "text", "City"),
          field(14, "date", "Joined", { date_include_time: true }),
          field(15, "link_row", "Orders", link(2, 25)),
        ],
        people.map((one) =>
          row(one.key, one.joined, {
            ...{ field_11: one.name, field_12: one.mail, field_13: one.city, field_14: iso(one.joined), field_15: one.orders.map(Number) },
          }),
        ),
        [view(101, "Everybody")],
      ),
      table(
        2,
        "Orders",
        [
          field(21, "text", "Title", { primary: true }),
          field(22, "number", "Serial", { number_decimal_places: 0, number_negative: false }),
          field(AMOUNT, "number", "Amount", { number_decimal_places: 2, number_negative: false }),
          field(24, "date", "Placed", { date_include_time: true }),
          field(25, "link_row", "Person", link(1, 15)),
          field(26, "file", "Photo"),
        ],
        orders.map((one, n) =>
          row(one.key, one.placed, {
            ...{
              field_21: one.title,
              field_22: one.serial,
              field_23: one.amount,
              field_24: iso(one.placed),
              field_25: [Number(one.person)],
            },
            field_26: n % 40 === 0 ? stored(PNG, "png", "shelf.png") : n % 40 === 1 ? stored(NOTE, "txt", "terms.txt") : [],
          }),
        ),
        [view(102, "All orders"), view(103, "Large orders")],
      ),
      table(
        3,
        "Log",
        [field(31, "text", "Line", { primary: true })],
        log.map((one) => row(one.key, 1_736_000_000_000, { field_31: one.text })),
        [],
      ),
    ],
  };
}

interface Manifest extends Json {
  applications: Record<string, { items: { id: number; files: { schema: string } }[] }>;
  checksums: Record<string, string>;
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function open(path: string): Promise<Opened> {
  const members = await readZip(await readFile(path));
  const json = (name: string): Json => JSON.parse((members.get(name) ?? Buffer.from("{}")).toString()) as Json;
  const manifest = json("manifest.json") as Manifest;
  const applications = new Map<string, Json>();
  for (const { items } of Object.values(manifest.applications))
    for (const { files } of items) applications.set(files.schema, json(files.schema));
  const ofType = (type: string): Json => [...applications.values()].find((one) => one["type"] === type) ?? {};
  const tables = ofType("database")["tables"] as BaserowTable[];
  const tableOf = (name: TableName): BaserowTable => {
    const one = tables.find((table) => table.id === IDS[name]);
    if (one === undefined) throw new Error(`no ${name}`);
    return one;
  };
  const found: Partial<Record<TableName, Table>> = {};
  for (const name of ["people", "orders", "log"] as const)
    found[name] = { name: tableOf(name).name, roles: ROLES[name], rows: tableOf(name).rows };
  const workflows = (): Json[] => ofType("automation")["workflows"] as Json[];
  const amounts = (act: (row: Row) => void): void => found.orders?.rows.forEach(act);
  const fileAct =
    (bytes: (was: Buffer) => Buffer | null) =>
    (severity: number): void => {
      const all = Object.keys(FILES);
      for (const name of all.slice(0, share(all.length, severity))) {
        const made = bytes(members.get(name) ?? Buffer.alloc(0));
        if (made === null) members.delete(name);
        else members.set(name, made);
      }
    };
  return {
    tables: found,
    cells: {
      link: (cell) => (Array.isArray(cell) && cell.length > 0 ? String(cell[0]) : null),
      linkCell: (key) => [Number(key)],
      back: (cell) => (Array.isArray(cell) ? cell.map(String) : []),
      backCell: (keys) => keys.map(Number),
      shifted: (cell, ms) => (typeof cell === "string" ? iso(Date.parse(cell) + ms) : cell),
      freshKey: (rows, { key }) => Math.max(...rows.map((row) => Number(row[key]))) + 1,
      empty: "",
    },
    acts: {
      "collection-dropped": () => {
        tables.splice(tables.indexOf(tableOf("log")), 1);
        delete found.log;
      },
      "field-dropped": () => amounts((row) => delete row["field_23"]),
      "field-dropped-from-schema": () => {
        const table = tableOf("orders");
        table.fields = table.fields.filter((one) => one["id"] !== AMOUNT);
        amounts((row) => delete row["field_23"]);
      },
      "field-retyped": () => {
        const all = tableOf("orders").fields;
        all.splice(2, 1, field(AMOUNT, "text", "Amount"));
      },
      "field-added": () => {
        tableOf("orders").fields.push(field(27, "text", "Colour"));
        found.orders?.rows.forEach((row, n) => (row["field_27"] = `colour ${n}`));
      },
      "field-renamed": () => {
        const one = tableOf("orders").fields.find((each) => each["id"] === AMOUNT);
        if (one !== undefined) one["name"] = "Total";
      },
      "key-twice": (severity) => {
        const rows = found.log?.rows ?? [];
        rows.push(...rows.slice(0, share(rows.length, severity)).map((row) => ({ ...row })));
      },
      "file-html": fileAct(() => HTML),
      "file-missing": fileAct(() => null),
      "file-changed": fileAct((was) => Buffer.concat([was.subarray(0, -5), Buffer.from("other")])),
      "automation-missing": (severity) => void workflows().splice(0, share(workflows().length, severity)),
      "automation-changed": (severity) => {
        for (const workflow of workflows().slice(0, share(workflows().length, severity))) {
          const nodes = workflow["nodes"] as Json[];
          const last = nodes.at(-1);
          if (last === undefined)
            nodes.push({
              id: 990,
              type: "http_request",
              previous_node_id: null,
              service: { id: 99, type: "http_request", url: "https://example.org/y" },
            });
          else last["service"] = { id: 75, type: "http_request", url: "https://example.org/other" };
        }
      },
      "automation-active": () => {
        for (const workflow of workflows()) if (workflow["state"] === "draft") workflow["state"] = "live";
      },
      "view-lost": (severity) => {
        const viewed = tables.filter((table) => table.views.length > 0);
        let left = share(3, severity);
        for (const table of viewed) left -= table.views.splice(0, left).length;
      },
    },
    async save() {
      for (const name of ["people", "orders", "log"] as const) {
        const rows = found[name]?.rows;
        if (rows !== undefined) tableOf(name).rows = rows;
      }
      // An application's file is named by the digest of its bytes.
      for (const [name, application] of applications) {
        const bytes = Buffer.from(JSON.stringify(application));
        const renamed = name.replace(/_[0-9a-f]{64}\.json$/u, `_${sha256(bytes)}.json`);
        members.delete(name);
        members.set(renamed, bytes);
        for (const { items } of Object.values(manifest.applications))
          for (const { files } of items) if (files.schema === name) files.schema = renamed;
      }
      const payload = [...members].filter(([name]) => !name.startsWith("manifest"));
      manifest.checksums = Object.fromEntries(payload.map(([name, bytes]) => [name, sha256(bytes)]));
      manifest["total_files"] = payload.length + 2;
      const all = new Map<string, Uint8Array>(payload);
      all.set("manifest.json", Buffer.from(JSON.stringify(manifest)));
      all.set("manifest_signature.json", Buffer.from(JSON.stringify(signManifest(manifest))));
      await writeFile(path, await writeZip(all));
    },
  };
}

export const baserowDocument: CleanDocument = {
  format: "baserow",
  name: "a workspace export of a shop",
  data: null,
  manifest: "manifest.json",
  part: Object.keys(FILES)[1] ?? null,
  personField: "Mail",
  async write(directory) {
    const path = join(directory, "shop.zip");
    const desk = JSON.parse(JSON.stringify([builder(), automation()]).replaceAll('"field_id":11', '"field_id":21')) as Json[];
    await writeFile(path, zipOf(exportParts({ applications: [database(), ...desk], files: FILES })));
    return path;
  },
  open,
  reasons: {
    "required value emptied": "Baserow's exports name no required fields",
    "credential undecryptable": "an export holds no credentials",
    "role or permission lost": "an export holds no members and roles",
    "sequence behind": "an import numbers rows anew",
  },
};
