/** Grist documents, changed by SQL in the file itself. */
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { type GristSpec, writeGristDocument } from "../../../agent/quickstart/grist-document.ts";
import type { CleanDocument, Opened, Row, Table, TableName } from "./model.ts";
import { share } from "./model.ts";
import { HTML, NOTE, PNG, shop } from "./shop.ts";

const NAMES: Readonly<Record<TableName, string>> = { people: "People", orders: "Orders", log: "Log" };
const ROLES = {
  people: { key: "id", text: "City", time: "Joined", back: "Orders", person: "Mail" },
  orders: { key: "id", text: "Title", big: "Serial", time: "Placed", link: "Person" },
  log: { key: "id", text: "Line" },
};

function spec(): GristSpec {
  const { people, orders, log } = shop(7);
  return {
    tables: [
      {
        id: "People",
        columns: [
          { id: "Name", type: "Text" },
          { id: "Mail", type: "Text" },
          { id: "City", type: "Text" },
          { id: "Joined", type: "DateTime:UTC" },
          { id: "Orders", type: "RefList:Orders", reverse: "Orders.Person" },
        ],
        rows: people.map((one) => ({
          ...{ id: Number(one.key), Name: one.name, Mail: one.mail, City: one.city, Joined: new Date(one.joined) },
          Orders: one.orders.length === 0 ? null : one.orders.map(Number),
        })),
      },
      {
        id: "Orders",
        columns: [
          { id: "Title", type: "Text" },
          { id: "Serial", type: "Int" },
          { id: "Amount", type: "Numeric" },
          { id: "Placed", type: "DateTime:UTC" },
          { id: "Person", type: "Ref:People", reverse: "People.Orders" },
          { id: "Photo", type: "Attachments" },
        ],
        rows: orders.map((one, n) => ({
          ...{
            id: Number(one.key),
            Title: one.title,
            Serial: BigInt(one.serial),
            Amount: Number(one.amount),
            Placed: new Date(one.placed),
          },
          ...{ Person: Number(one.person), Photo: n % 40 === 0 ? [1] : n % 40 === 1 ? [2] : null },
        })),
      },
      { id: "Log", columns: [{ id: "Line", type: "Text" }], rows: log.map((one) => ({ id: Number(one.key), Line: one.text })) },
    ],
    attachments: [
      { name: "shelf.png", type: "image/png", bytes: PNG },
      { name: "terms.txt", type: "text/plain", bytes: NOTE },
    ],
    pages: [
      { name: "Sales", widgets: [{ table: "Orders" }] },
      { name: "People", widgets: [{ table: "People" }] },
      { name: "Log", widgets: [{ table: "Log" }] },
    ],
    rules: [
      { table: "*", columns: "*", formula: "user.Access == OWNER", permissions: "all" },
      { table: "Orders", columns: "Amount", formula: "", permissions: "-R" },
    ],
    webhooks: [
      { table: "Orders", id: "hook-1", label: "Tell the shop", events: ["add"], enabled: false },
      { table: "Orders", id: "hook-2", label: "Tell the bank", events: ["update"], enabled: true },
      { table: "People", id: "hook-3", label: "Say hello", events: ["add"], enabled: true },
    ],
  };
}

function open(path: string): Promise<Opened> {
  const database = new DatabaseSync(path);
  const read = (sql: string): Row[] => {
    const statement = database.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all().map((row) => ({ ...row }));
  };
  const found: Partial<Record<TableName, Table>> = {};
  const before = new Map<TableName, string>();
  const told = (rows: readonly Row[]): string =>
    JSON.stringify(rows, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
  for (const name of ["people", "orders", "log"] as const) {
    found[name] = { name: NAMES[name], roles: ROLES[name], rows: read(`SELECT * FROM ${NAMES[name]}`) };
    before.set(name, told(found[name].rows));
  }
  /** Of the table of metadata, the first so many by number. */
  const ids = (table: string, severity: number, where = "1"): string => {
    const all = read(`SELECT id FROM ${table} WHERE ${where} ORDER BY id`);
    return all
      .slice(0, share(all.length, severity))
      .map((row) => String(row["id"]))
      .join(", ");
  };
  const files =
    (act: (ident: string, bytes: Uint8Array) => void) =>
    (severity: number): void => {
      const all = read("SELECT ident, data FROM _gristsys_Files ORDER BY id");
      for (const file of all.slice(0, share(all.length, severity))) act(String(file["ident"]), file["data"] as Uint8Array);
    };
  const setFile = database.prepare("UPDATE _gristsys_Files SET data = ? WHERE ident = ?");
  const columnOf = "parentId = (SELECT id FROM _grist_Tables WHERE tableId = 'Orders') AND colId = 'Amount'";
  const forget = (): void =>
    database.exec(
      `DELETE FROM _grist_Views_section_field WHERE colRef IN (SELECT id FROM _grist_Tables_column WHERE ${columnOf});
       DELETE FROM _grist_Tables_column WHERE ${columnOf}`,
    );
  /** What happens to columns is done by SQL at the end; the rows in hand follow. */
  const later: string[] = [];
  return Promise.resolve({
    tables: found,
    cells: {
      link: (cell) => (typeof cell !== "bigint" || cell === 0n ? null : String(cell)),
      linkCell: (key) => BigInt(key),
      back: (cell) => (typeof cell === "string" ? (JSON.parse(cell) as number[]).map(String) : []),
      backCell: (keys) => (keys.length === 0 ? null : JSON.stringify(keys.map(Number))),
      shifted: (cell, ms) => (cell === null ? null : Number(cell) + ms / 1000),
      freshKey: (rows, { key }) => BigInt(Math.max(...rows.map((row) => Number(row[key]))) + 1),
      empty: "",
    },
    acts: {
      "collection-dropped": () => {
        const log = "(SELECT id FROM _grist_Tables WHERE tableId = 'Log')";
        database.exec(
          `DELETE FROM _grist_Views_section_field WHERE parentId IN (SELECT id FROM _grist_Views_section WHERE tableRef = ${log});
           DELETE FROM _grist_Views_section WHERE tableRef = ${log}; DELETE FROM _grist_Tables_column WHERE parentId = ${log};
           DELETE FROM _grist_Tables WHERE tableId = 'Log'; DROP TABLE Log`,
        );
        delete found.log;
      },
      "field-dropped": () => void later.push("ALTER TABLE Orders DROP COLUMN Amount"),
      "field-dropped-from-schema": () => {
        forget();
        later.push("ALTER TABLE Orders DROP COLUMN Amount");
      },
      "field-retyped": () => database.exec(`UPDATE _grist_Tables_column SET type = 'Text' WHERE ${columnOf}`),
      "field-added": () => {
        later.push("ALTER TABLE Orders ADD COLUMN Colour TEXT DEFAULT ''", "UPDATE Orders SET Colour = 'colour ' || id");
        database.exec(
          `INSERT INTO _grist_Tables_column (parentId, parentPos, colId, type, widgetOptions, isFormula, formula, label)
           SELECT id, 99, 'Colour', 'Text', '', 0, '', 'Colour' FROM _grist_Tables WHERE tableId = 'Orders'`,
        );
      },
      "field-renamed": () => {
        later.push("ALTER TABLE Orders RENAME COLUMN Amount TO Total");
        database.exec(`UPDATE _grist_Tables_column SET colId = 'Total', label = 'Total' WHERE ${columnOf}`);
      },
      "key-twice": (severity) => {
        // A dump put back without its keys: only then can SQLite hold a row twice.
        database.exec("CREATE TABLE Again AS SELECT * FROM Log; DROP TABLE Log; ALTER TABLE Again RENAME TO Log");
        const rows = found.log?.rows ?? [];
        rows.push(...rows.slice(0, share(rows.length, severity)).map((row) => ({ ...row })));
      },
      "file-html": files((ident) => void setFile.run(HTML, ident)),
      "file-missing": files((ident) => void database.prepare("DELETE FROM _gristsys_Files WHERE ident = ?").run(ident)),
      "file-changed": files((ident, bytes) => void setFile.run(Buffer.concat([bytes.slice(0, -5), Buffer.from("other")]), ident)),
      "automation-missing": (severity) => database.exec(`DELETE FROM _grist_Triggers WHERE id IN (${ids("_grist_Triggers", severity)})`),
      "automation-changed": (severity) =>
        database.exec(`UPDATE _grist_Triggers SET eventTypes = '["L","add","update"]' WHERE id IN (${ids("_grist_Triggers", severity)})`),
      "automation-active": (severity) =>
        database.exec(`UPDATE _grist_Triggers SET enabled = 1 WHERE id IN (${ids("_grist_Triggers", severity, "enabled = 0")})`),
      "access-lost": (severity) => database.exec(`DELETE FROM _grist_ACLRules WHERE id IN (${ids("_grist_ACLRules", severity, "id > 1")})`),
      "view-lost": (severity) => {
        const views = ids("_grist_Views", severity);
        database.exec(
          `DELETE FROM _grist_Views_section_field WHERE parentId IN (SELECT id FROM _grist_Views_section WHERE parentId IN (${views}));
           DELETE FROM _grist_Views_section WHERE parentId IN (${views}); DELETE FROM _grist_Pages WHERE viewRef IN (${views});
           UPDATE _grist_Tables SET primaryViewId = 0 WHERE primaryViewId IN (${views}); DELETE FROM _grist_Views WHERE id IN (${views})`,
        );
      },
    },
    save() {
      database.exec("BEGIN");
      for (const name of ["people", "orders", "log"] as const) {
        const rows = found[name]?.rows;
        if (rows === undefined || told(rows) === before.get(name)) continue;
        database.exec(`DELETE FROM ${NAMES[name]}`);
        for (const row of rows) {
          const columns = Object.keys(row);
          const marks = columns.map(() => "?").join(", ");
          const sql = `INSERT INTO ${NAMES[name]} (${columns.map((column) => `"${column}"`).join(", ")}) VALUES (${marks})`;
          database.prepare(sql).run(...(Object.values(row) as SQLInputValue[]));
        }
      }
      for (const sql of later) database.exec(sql);
      database.exec("COMMIT");
      database.close();
      return Promise.resolve();
    },
  } satisfies Opened);
}

export const gristDocument: CleanDocument = {
  format: "grist",
  name: "a document of a shop",
  data: null,
  manifest: null,
  part: null,
  write(directory) {
    const path = join(directory, "shop.grist");
    writeGristDocument(path, spec());
    return Promise.resolve(path);
  },
  open,
  reasons: {
    "flipped byte in manifest": "a document is one file",
    "missing part": "a document is one file",
    "required value emptied": "Grist has no required columns",
    "credential undecryptable": "Grist documents hold no credentials",
    "sequence behind": "Grist takes the next row id from the rows themselves",
  },
};
