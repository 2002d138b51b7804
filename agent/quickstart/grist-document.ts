/**
 * Writes Grist documents: tables, links, choices, attachments, pages, access rules and webhooks, as Grist lays them out. The same
 * specification gives the same bytes. Cells are written as they are given, so that a document can also be written with faults in it.
 */
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { columnSql, emptyCell, quoted, SCHEMA_VERSION, schemaSql } from "./grist-schema.ts";

/** A Date becomes seconds since the epoch, a list its JSON text, a boolean 0 or 1; everything else is stored as it is. */
export type GristCell = null | boolean | number | bigint | string | Date | Uint8Array | readonly (string | number)[];

export interface GristColumn {
  readonly id: string;
  /** In Grist's words: `Text`, `Int`, `Numeric`, `Bool`, `Date`, `DateTime:UTC`, `Choice`, `ChoiceList`, `Ref:T`, `RefList:T`, `Attachments`, `Any`. */
  readonly type: string;
  readonly label?: string;
  readonly choices?: readonly string[];
  /** A formula column; its cells are results. */
  readonly formula?: string;
  /** Column `Table.Column` that holds the other side of a two-way reference. */
  readonly reverse?: string;
}

/** Column → cell; `id` is the row id, else one more than the row before. */
export type GristRow = Readonly<Record<string, GristCell>>;

export interface GristTable {
  readonly id: string;
  readonly title?: string;
  /** Table that this one summarises. */
  readonly summaryOf?: string;
  readonly columns: readonly GristColumn[];
  readonly rows: readonly GristRow[];
}

export interface GristAttachment {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array;
  /** Store outside the document that keeps the bytes. */
  readonly store?: string;
}

export interface GristRule {
  /** Table id, `*` for all. */
  readonly table: string;
  /** Column ids separated by commas, `*` for all. */
  readonly columns: string;
  readonly formula: string;
  /** The formula as Grist parses it, as JSON text. */
  readonly parsed?: string;
  readonly permissions: string;
}

export interface GristSpec {
  readonly timezone?: string;
  readonly locale?: string;
  readonly tables: readonly GristTable[];
  /** Their ids, for cells of type Attachments, are 1, 2, …. */
  readonly attachments?: readonly GristAttachment[];
  /** One page with one table widget for each table, unless given. */
  readonly pages?: readonly {
    readonly name: string;
    readonly widgets: readonly { readonly table: string; readonly kind?: string; readonly title?: string }[];
  }[];
  readonly rules?: readonly GristRule[];
  readonly userAttributes?: readonly { readonly name: string; readonly table: string; readonly column: string; readonly from: string }[];
  readonly webhooks?: readonly {
    readonly table: string;
    readonly id: string;
    readonly label: string;
    readonly events: readonly string[];
    readonly enabled: boolean;
    readonly readyColumn?: string;
  }[];
}

type Insert = (table: string, rows: readonly Readonly<Record<string, GristCell>>[]) => void;

/** Writes one document; what lies at `path` is replaced. */
export function writeGristDocument(path: string, spec: GristSpec): void {
  rmSync(path, { force: true });
  const database = new DatabaseSync(path);
  try {
    // Nobody else sees the file yet, and what a crash leaves half written is written again.
    database.exec(`PRAGMA page_size = 1024; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN; ${schemaSql()}`);
    writeAll(inserter(database), database, spec);
    database.exec("COMMIT");
  } finally {
    database.close();
  }
}

function inserter(database: DatabaseSync): Insert {
  return (table, rows) => {
    const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    if (columns.length === 0) return;
    const marks = columns.map(() => "?").join(", ");
    const statement = database.prepare(`INSERT INTO ${quoted(table)} (${columns.map(quoted).join(", ")}) VALUES (${marks})`);
    for (const row of rows) statement.run(...columns.map((column) => bound(row[column] ?? null)));
  };
}

function bound(cell: GristCell): SQLInputValue {
  if (cell instanceof Date) return cell.getTime() / 1000;
  if (typeof cell === "boolean") return cell ? 1 : 0;
  return Array.isArray(cell) ? JSON.stringify(cell) : (cell as SQLInputValue);
}

/** Row numbers by which the metadata refers to tables (`T`) and columns (`T.C`). */
type Refs = ReadonlyMap<string, number>;

function writeAll(insert: Insert, database: DatabaseSync, spec: GristSpec): void {
  const settings = JSON.stringify({ locale: spec.locale ?? "en-GB" });
  insert("_grist_DocInfo", [{ schemaVersion: SCHEMA_VERSION, timezone: spec.timezone ?? "UTC", documentSettings: settings }]);
  const refs = numberTables(spec.tables);
  for (const table of spec.tables) writeTable(insert, database, table);
  writePages(insert, spec, refs);
  writeColumns(insert, spec.tables, refs);
  writeAttachments(insert, spec.attachments ?? []);
  writeAccess(insert, spec);
  insert(
    "_grist_Triggers",
    (spec.webhooks ?? []).map((webhook) => ({
      tableRef: ref(refs, webhook.table),
      eventTypes: webhook.events,
      isReadyColRef: webhook.readyColumn === undefined ? 0 : ref(refs, `${webhook.table}.${webhook.readyColumn}`),
      actions: JSON.stringify([{ type: "webhook", id: webhook.id }]),
      label: webhook.label,
      enabled: webhook.enabled,
    })),
  );
  insert("_gristsys_ActionHistory", [{ id: 1, actionHash: createHash("sha256").update(settings).digest("hex"), actionNum: 1 }]);
}

const SORT = { id: "manualSort", type: "ManualSortPos" } as const;

function columnsOf(table: GristTable): readonly GristColumn[] {
  return table.summaryOf === undefined ? [SORT, ...table.columns] : table.columns;
}

function numberTables(tables: readonly GristTable[]): Refs {
  const refs = new Map<string, number>();
  let column = 0;
  for (const [index, table] of tables.entries()) {
    refs.set(table.id, index + 1);
    for (const { id } of columnsOf(table)) refs.set(`${table.id}.${id}`, (column += 1));
  }
  return refs;
}

/** 0 where there is none, as Grist has it. */
function ref(refs: Refs, name: string): number {
  return refs.get(name) ?? 0;
}

function writeTable(insert: Insert, database: DatabaseSync, table: GristTable): void {
  const columns = columnsOf(table).map((column) => `${quoted(column.id)} ${columnSql(column.type)}`);
  database.exec(`CREATE TABLE ${quoted(table.id)} (${["id INTEGER PRIMARY KEY", ...columns].join(", ")})`);
  const sorted = table.summaryOf === undefined;
  const given = table.columns.map((column) => ({ id: column.id, empty: emptyCell(column.type) }));
  insert(
    table.id,
    table.rows.map((row, index) => ({
      ...("id" in row ? { id: row["id"] } : {}),
      ...(sorted ? { manualSort: index + 1 } : {}),
      ...Object.fromEntries(given.map(({ id, empty }) => [id, row[id] === undefined ? empty : row[id]])),
    })),
  );
}

function writeColumns(insert: Insert, tables: readonly GristTable[], refs: Refs): void {
  const rows = tables.flatMap((table) =>
    columnsOf(table).map((column, index) => ({
      parentId: ref(refs, table.id),
      parentPos: index + 1,
      colId: column.id,
      type: column.type,
      widgetOptions: column.choices === undefined ? "" : JSON.stringify({ widget: "TextBox", choices: column.choices }),
      isFormula: column.formula !== undefined,
      formula: column.formula ?? "",
      label: column.label ?? column.id,
      reverseCol: column.reverse === undefined ? 0 : ref(refs, column.reverse),
    })),
  );
  insert("_grist_Tables_column", rows);
}

/** Sections 1, 2, … are the raw data of the tables; those of pages follow. */
function writePages(insert: Insert, spec: GristSpec, refs: Refs): void {
  const pages =
    spec.pages ??
    spec.tables
      .filter((table) => table.summaryOf === undefined)
      .map((table) => ({ name: table.title ?? table.id, widgets: [{ table: table.id }] }));
  const widgets = pages.flatMap((page, index) => page.widgets.map((widget) => ({ kind: "record", title: "", ...widget, page: index + 1 })));
  const raw = spec.tables.map((table) => ({ kind: "record", title: table.title ?? table.id, table: table.id, page: 0 }));
  const sections = [...raw, ...widgets];
  insert(
    "_grist_Tables",
    spec.tables.map((table, index) => ({
      tableId: table.id,
      summarySourceTable: table.summaryOf === undefined ? 0 : ref(refs, table.summaryOf),
      rawViewSectionRef: index + 1,
      primaryViewId: pages.findIndex((page) => page.widgets.some((widget) => widget.table === table.id)) + 1,
    })),
  );
  insert(
    "_grist_Views",
    pages.map((page) => ({ name: page.name, type: "raw_data" })),
  );
  insert(
    "_grist_Pages",
    pages.map((_, index) => ({ viewRef: index + 1, indentation: 0, pagePos: index + 1 })),
  );
  insert(
    "_grist_Views_section",
    sections.map((section) => ({
      tableRef: ref(refs, section.table),
      parentId: section.page,
      parentKey: section.kind,
      title: section.title,
    })),
  );
  const shown = new Map(spec.tables.map((table) => [table.id, table.columns.map((column) => ref(refs, `${table.id}.${column.id}`))]));
  insert(
    "_grist_Views_section_field",
    sections.flatMap((section, index) =>
      (shown.get(section.table) ?? []).map((colRef, position) => ({ parentId: index + 1, parentPos: position + 1, colRef })),
    ),
  );
}

function writeAttachments(insert: Insert, attachments: readonly GristAttachment[]): void {
  const listed = attachments.map((attachment) => {
    const extension = /\.[A-Za-z0-9]+$/u.exec(attachment.name)?.[0] ?? "";
    return { ...attachment, extension, ident: `${createHash("sha1").update(attachment.bytes).digest("hex")}${extension}` };
  });
  insert(
    "_grist_Attachments",
    listed.map(({ ident, name, type, bytes, extension }) => ({
      fileIdent: ident,
      fileName: name,
      fileType: type,
      fileSize: bytes.length,
      fileExt: extension,
    })),
  );
  const stored = [...new Map(listed.map((attachment) => [attachment.ident, attachment])).values()];
  insert(
    "_gristsys_Files",
    stored.map(({ ident, bytes, store }) => ({ ident, data: store === undefined ? bytes : new Uint8Array(0), storageId: store ?? null })),
  );
}

function writeAccess(insert: Insert, spec: GristSpec): void {
  const rules = spec.rules ?? [];
  const attributes = spec.userAttributes ?? [];
  const keys = [...new Set(["\n", ...(attributes.length > 0 ? ["*\n*"] : []), ...rules.map((rule) => `${rule.table}\n${rule.columns}`)])];
  insert(
    "_grist_ACLResources",
    keys.map((key) => ({ tableId: key.split("\n")[0] ?? "", colIds: key.split("\n")[1] ?? "" })),
  );
  const open = {
    resource: 1,
    permissions: 63,
    principals: "[1]",
    aclFormula: "",
    aclFormulaParsed: "",
    permissionsText: "",
    userAttributes: "",
  };
  insert("_grist_ACLRules", [
    { ...open, rulePos: 1 },
    ...attributes.map(({ name, table, column, from }, index) => ({
      ...open,
      resource: keys.indexOf("*\n*") + 1,
      userAttributes: JSON.stringify({ name, tableId: table, lookupColId: column, charId: from }),
      rulePos: index + 2,
    })),
    ...rules.map((rule, index) => ({
      ...open,
      resource: keys.indexOf(`${rule.table}\n${rule.columns}`) + 1,
      aclFormula: rule.formula,
      aclFormulaParsed: rule.parsed ?? "",
      permissionsText: rule.permissions,
      rulePos: attributes.length + index + 2,
    })),
  ]);
  const groups = ["Owners", "Admins", "Editors", "Viewers"];
  insert(
    "_grist_ACLPrincipals",
    groups.map((groupName) => ({ type: "group", groupName })),
  );
}
