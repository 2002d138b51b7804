/** Bags: NDJSON in parts and a manifest of every byte. Faults are in the content, so the manifests are made anew after each. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { zstdCompressSync, zstdDecompressSync, constants } from "node:zlib";
import { armor, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { type BagTableSpec, writeBag } from "../../fixtures/bag/write.ts";
import type { CleanDocument, Opened, Row, Table, TableName } from "./model.ts";
import { share } from "./model.ts";
import { HTML, iso, NOTE, PNG, shop } from "./shop.ts";

const SHOP = 7;
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function tables(): BagTableSpec[] {
  const { people, orders, log } = shop(SHOP);
  const dated = (at: number): Row => ({ _createdAt: iso(at), _updatedAt: iso(at + 60_000) });
  return [
    {
      ...{ id: "people", nextKey: String(people.length + 1) },
      fields: [
        { id: "name", type: "text", required: true, maxLength: 100 },
        { id: "mail", type: "text", unique: true },
        { id: "city", type: "text" },
        { id: "joined", type: "timestamp" },
        { id: "orders", type: "links", link: { collection: "orders", many: true, reciprocal: "person" } },
      ],
      rows: people.map((one) => ({
        ...{ _key: one.key, ...dated(one.joined), name: one.name, mail: one.mail, city: one.city },
        ...{ joined: iso(one.joined), orders: [...one.orders] },
      })),
    },
    {
      ...{ id: "orders", nextKey: String(orders.length + 1) },
      fields: [
        { id: "title", type: "text" },
        { id: "serial", type: "integer" },
        { id: "amount", type: "decimal" },
        { id: "placed", type: "timestamp" },
        { id: "person", type: "link", link: { collection: "people", many: false, reciprocal: "orders" } },
        { id: "photo", type: "files" },
      ],
      rows: orders.map((one, n) => ({
        ...{ _key: one.key, ...dated(one.placed), title: one.title, serial: one.serial, amount: one.amount },
        ...{ placed: iso(one.placed), person: one.person, photo: n % 40 === 0 ? ["f1"] : n % 40 === 1 ? ["f2"] : null },
      })),
    },
    {
      ...{ id: "log", nextKey: String(log.length + 1) },
      fields: [{ id: "text", type: "text" }],
      rows: log.map((one, n) => ({ _key: one.key, ...dated(1_736_000_000_000 + n * 1000), text: one.text })),
    },
  ];
}

/** Made for this; it protects nothing. */
const IDENTITY = await generateX25519Identity();

async function sealed(secret: string): Promise<string> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(IDENTITY));
  return armor.encode(await encrypter.encrypt(secret));
}

async function metadata(): Promise<Record<string, unknown>> {
  const step = (n: number): Row => ({
    ...{ id: `a${n}`, name: `Remind ${n}`, active: n > 1, trigger: "schedule", body: { steps: [n, 2] } },
    references: [{ kind: "collection", target: "orders" }],
  });
  return {
    automations: [step(1), step(2), step(3), step(4)],
    views: [1, 2, 3].map((n) => ({ id: `v${n}`, name: `View ${n}`, type: "grid", collection: "orders", fields: ["title", "amount"] })),
    access: [
      { kind: "role", id: "editor", grants: { orders: "write" } },
      { kind: "role", id: "reader", grants: { orders: "read" } },
      { kind: "permission", id: "p1", grants: "read" },
      { kind: "permission", id: "p2", grants: "write" },
    ],
    credentials: [
      { id: "c1", type: "smtp", sealed: await sealed("one that is hidden") },
      { id: "c2", type: "http", sealed: await sealed("another that is hidden") },
    ],
    settings: [{ id: "timezone", value: "Europe/Zurich" }],
    files: [
      { id: "f1", name: "shelf.png", bytes: PNG.length, type: "image/png", sha256: sha256(PNG) },
      { id: "f2", name: "terms.txt", bytes: NOTE.length, type: "text/plain", sha256: sha256(NOTE) },
    ],
  };
}

interface Package {
  readonly resources: {
    readonly name: string;
    path: string[];
    schema: { fields: { name: string; restorewatch?: { type: string } }[]; foreignKeys?: { fields: string }[] };
    restorewatch: { records?: number; nextKey?: string };
  }[];
}

async function open(path: string): Promise<Opened> {
  const data = join(path, "data");
  const described = JSON.parse(await readFile(join(data, "datapackage.json"), "utf8")) as Package;
  const meta = new Map<string, Row[]>();
  for (const name of ["automations", "views", "access", "settings", "files", "credentials"])
    meta.set(name, JSON.parse(await readFile(join(data, `${name}.json`), "utf8")) as Row[]);
  const found: Partial<Record<TableName, Table>> = {};
  const role = {
    people: { key: "_key", text: "city", required: "name", time: "joined", back: "orders", person: "mail" },
    orders: { key: "_key", text: "title", big: "serial", time: "placed", link: "person" },
    log: { key: "_key", text: "text" },
  };
  for (const resource of described.resources) {
    const parts = await Promise.all(resource.path.map((part) => readFile(join(data, part))));
    const lines = parts.flatMap((part) => zstdDecompressSync(part).toString().split("\n"));
    const name = resource.name as TableName;
    found[name] = { name, roles: role[name], rows: lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Row) };
  }
  const resourceOf = (name: string): Package["resources"][number] => {
    const one = described.resources.find((resource) => resource.name === name);
    if (one === undefined) throw new Error(`no ${name}`);
    return one;
  };
  const cut = (name: string, severity: number): void => {
    const all = meta.get(name) ?? [];
    all.splice(0, share(all.length, severity));
  };
  let behind = false;
  const files = new Map<string, Uint8Array | null>();
  const fileAct =
    (bytes: (was: Buffer) => Uint8Array | null) =>
    async (severity: number): Promise<void> => {
      const all = meta.get("files") ?? [];
      for (const file of all.slice(0, share(all.length, severity))) {
        const place = join(data, "files", String(file["sha256"]));
        files.set(place, bytes(await readFile(place)));
      }
    };
  return {
    tables: found,
    cells: {
      link: (cell) => (typeof cell === "string" ? cell : null),
      linkCell: (key) => key,
      back: (cell) => (Array.isArray(cell) ? cell.map(String) : []),
      backCell: (keys) => [...keys],
      shifted: (cell, ms) => (typeof cell === "string" ? iso(Date.parse(cell) + ms) : cell),
      freshKey: (rows, { key }) => String(Math.max(...rows.map((row) => Number(row[key]))) + 1),
      empty: null,
    },
    acts: {
      "collection-dropped": () => {
        described.resources.splice(described.resources.indexOf(resourceOf("log")), 1);
        delete found.log;
      },
      "field-dropped": () => found.orders?.rows.forEach((row) => delete row["amount"]),
      "field-dropped-from-schema": () => {
        const { schema } = resourceOf("orders");
        schema.fields = schema.fields.filter((field) => field.name !== "amount");
        found.orders?.rows.forEach((row) => delete row["amount"]);
      },
      "field-retyped": () => {
        const field = resourceOf("orders").schema.fields.find((one) => one.name === "amount");
        if (field?.restorewatch !== undefined) field.restorewatch.type = "text";
      },
      "field-added": () => {
        const field = { name: "colour", title: "colour", type: "string", constraints: {}, restorewatch: { type: "text" } };
        resourceOf("orders").schema.fields.push(field);
        found.orders?.rows.forEach((row, n) => (row["colour"] = `colour ${n}`));
      },
      "field-renamed": () => {
        const field = resourceOf("orders").schema.fields.find((one) => one.name === "amount");
        if (field !== undefined) field.name = "total";
        found.orders?.rows.forEach((row) => {
          row["total"] = row["amount"];
          delete row["amount"];
        });
      },
      "key-twice": (severity) => {
        const rows = found.log?.rows ?? [];
        rows.push(...rows.slice(0, share(rows.length, severity)).map((row) => ({ ...row })));
      },
      "file-html": fileAct(() => HTML),
      "file-missing": fileAct(() => null),
      "file-changed": fileAct((was) => Buffer.concat([was.subarray(0, -5), Buffer.from("other")])),
      "automation-missing": (severity) => cut("automations", severity),
      "automation-changed": (severity) => {
        const all = meta.get("automations") ?? [];
        for (const one of all.slice(0, share(all.length, severity))) one["body"] = { steps: [9, 9, 9] };
      },
      "automation-active": (severity) => {
        const all = (meta.get("automations") ?? []).filter((one) => one["active"] === false);
        for (const one of all.slice(0, share(all.length, severity))) one["active"] = true;
      },
      "credential-spoiled": (severity) => {
        const all = meta.get("credentials") ?? [];
        for (const one of all.slice(0, share(all.length, severity))) {
          const lines = String(one["sealed"]).split("\n");
          // In the last line of the sealed bytes, which stays base64 of the same length.
          lines[lines.length - 3] = (lines.at(-3) ?? "").split("").toReversed().join("").replaceAll("=", "A");
          one["sealed"] = lines.join("\n");
        }
      },
      "access-lost": (severity) => cut("access", severity),
      "view-lost": (severity) => cut("views", severity),
      "sequence-behind": (severity) => {
        behind = true;
        for (const resource of described.resources) resource.restorewatch.nextKey = severity < 0.5 ? "60" : "1";
      },
    },
    async save() {
      for (const resource of described.resources) {
        const rows = found[resource.name as TableName]?.rows ?? [];
        const [first = `tables/${resource.name}/part-00000.ndjson.zst`, ...others] = resource.path;
        for (const part of others) await rm(join(data, part));
        const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
        await writeFile(join(data, first), zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }));
        resource.path = [first];
        resource.restorewatch.records = rows.length;
        // Whoever adds rows moves the counter; what is behind on purpose stays behind.
        const next = Math.max(0, ...rows.map((row) => Number(row["_key"]))) + 1;
        if (!behind && next > Number(resource.restorewatch.nextKey)) resource.restorewatch.nextKey = String(next);
      }
      for (const name of await readdir(join(data, "tables")))
        if (!described.resources.some((resource) => resource.name === name)) await rm(join(data, "tables", name), { recursive: true });
      for (const [name, value] of meta) await writeFile(join(data, `${name}.json`), JSON.stringify(value));
      for (const [place, bytes] of files) await (bytes === null ? rm(place) : writeFile(place, bytes));
      await writeFile(join(data, "datapackage.json"), JSON.stringify(described, null, 1));
      await reseal(path);
    },
  };
}

/** Manifests over what lies there now, so that no checksum gives the fault away. */
export async function reseal(path: string): Promise<void> {
  const entries = await readdir(join(path, "data"), { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();
  const contents = await Promise.all(names.map((name) => readFile(join(path, name))));
  const bytes = contents.reduce((sum, content) => sum + content.length, 0);
  const info = (await readFile(join(path, "bag-info.txt"), "utf8")).replace(/Payload-Oxum: .*/u, `Payload-Oxum: ${bytes}.${names.length}`);
  await writeFile(join(path, "bag-info.txt"), info);
  await writeFile(
    join(path, "manifest-sha256.txt"),
    names.map((name, n) => `${sha256(contents[n] ?? Buffer.alloc(0))}  ${name}\n`).join(""),
  );
  const tags = ["bag-info.txt", "bagit.txt", "manifest-sha256.txt"];
  const lines = await Promise.all(tags.map(async (name) => `${sha256(await readFile(join(path, name)))}  ${name}\n`));
  await writeFile(join(path, "tagmanifest-sha256.txt"), lines.join(""));
}

export const bagDocument: CleanDocument = {
  format: "bag",
  name: "a capture of a shop",
  data: "data/tables/orders/part-00000.ndjson.zst",
  manifest: "manifest-sha256.txt",
  part: "data/tables/log/part-00000.ndjson.zst",
  async write(directory) {
    const path = join(directory, "shop");
    await mkdir(path);
    await writeBag(path, { tables: tables(), metadata: await metadata(), files: [PNG, NOTE] });
    return path;
  },
  open,
  key: IDENTITY,
  reasons: {},
};
