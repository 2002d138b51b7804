/** Tables and columns. `manualSort` and `gristHelper_…` are Grist's own bookkeeping and left out. */
import { byReference, type Places } from "./formulas.ts";
import type { Collection, Field, SemanticType } from "../../core/content.ts";
import type { GristDatabase, PlainTable } from "./database.ts";
import { flag, id, jsonOf, metaRows, text, type MetaRow } from "./metadata.ts";
import type { CellType } from "./values.ts";

export interface GristTable {
  readonly collection: Collection;
  /** Null where the document names a table that is not in the file. */
  readonly stored: PlainTable | null;
  /** Aligned with `collection.fields`. */
  readonly cells: readonly CellType[];
}

/** How the rest of the metadata refers to tables and columns: by row number. */
export interface Names {
  readonly tables: ReadonlyMap<number, { readonly id: string; readonly name: string }>;
  readonly columns: ReadonlyMap<number, { readonly table: string; readonly id: string }>;
  /** Column ids of a table, bookkeeping ones included. */
  readonly columnsOf: ReadonlyMap<string, ReadonlySet<string>>;
}

export interface Structure {
  readonly tables: readonly GristTable[];
  readonly names: Names;
  readonly problems: readonly string[];
}

const TABLE_COLUMNS = ["id", "tableId", "summarySourceTable", "rawViewSectionRef"];
const COLUMN_COLUMNS = ["id", "parentId", "colId", "type", "widgetOptions", "isFormula", "label", "reverseCol", "formula"];

export function readStructure(database: GristDatabase, maxRows: number): Structure {
  const problems: string[] = [];
  const tableRows = uniqueTables(metaRows(database, "_grist_Tables", TABLE_COLUMNS, maxRows), problems);
  const columnRows = metaRows(database, "_grist_Tables_column", COLUMN_COLUMNS, maxRows).sort((a, b) => id(a, "id") - id(b, "id"));
  const titles = new Map(
    metaRows(database, "_grist_Views_section", ["id", "title"], maxRows).map((row) => [id(row, "id"), text(row, "title")]),
  );
  const names = readNames(tableRows, columnRows, titles);

  const byTable = Map.groupBy(columnRows, (row) => id(row, "parentId"));
  const orphans = columnRows.filter((row) => !names.tables.has(id(row, "parentId"))).length;
  if (orphans > 0)
    problems.push(`${orphans} ${orphans === 1 ? "column belongs" : "columns belong"} to a table that the document does not list.`);

  const places = placesOf(tableRows, columnRows, names);
  const tables = tableRows.map((row) => readTable(database, row, byTable.get(id(row, "id")) ?? [], names, places, problems));
  problems.push(...unlistedTables(database, tables));
  return { tables, names, problems };
}

function uniqueTables(rows: readonly MetaRow[], problems: string[]): MetaRow[] {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const key = text(row, "tableId").toLowerCase();
    const usable = key !== "" && !seen.has(key);
    if (!usable) problems.push(key === "" ? "A table is listed without a name." : `Table ${text(row, "tableId")} is listed twice.`);
    seen.add(key);
    return usable;
  });
}

function readNames(tables: readonly MetaRow[], columns: readonly MetaRow[], titles: ReadonlyMap<number, string>): Names {
  const named = new Map(
    tables.map((row) => {
      const tableId = text(row, "tableId");
      return [id(row, "id"), { id: tableId, name: titles.get(id(row, "rawViewSectionRef")) || tableId }];
    }),
  );
  const columnsOf = new Map<string, Set<string>>([...named.values()].map((table) => [table.id, new Set(["id"])]));
  const placed = new Map<number, { table: string; id: string }>();
  for (const row of columns) {
    const table = named.get(id(row, "parentId"));
    if (table === undefined) continue;
    columnsOf.get(table.id)?.add(text(row, "colId"));
    placed.set(id(row, "id"), { table: table.id, id: text(row, "colId") });
  }
  return { tables: named, columns: placed, columnsOf };
}

function placesOf(tables: readonly MetaRow[], columns: readonly MetaRow[], names: Names): Places {
  const numbered = new Map(tables.map((row) => [text(row, "tableId"), id(row, "id")]));
  const placed = new Map<string, Map<string, { number: number; leadsTo: string | null }>>();
  for (const row of columns) {
    const table = names.tables.get(id(row, "parentId"))?.id;
    if (table === undefined) continue;
    const own = placed.get(table) ?? new Map<string, { number: number; leadsTo: string | null }>();
    own.set(text(row, "colId"), { number: id(row, "id"), leadsTo: semanticType(text(row, "type")).target });
    placed.set(table, own);
  }
  return { tables: numbered, columns: placed };
}

function readTable(
  database: GristDatabase,
  row: MetaRow,
  columns: readonly MetaRow[],
  names: Names,
  places: Places,
  problems: string[],
): GristTable {
  const tableId = text(row, "tableId");
  const stored = database.tables.get(tableId.toLowerCase()) ?? null;
  if (stored === null) problems.push(`Table ${tableId} is listed, but the file has no such table.`);
  else if (!stored.columns.has("id")) problems.push(`Table ${tableId} has no row ids.`);
  const computed = id(row, "summarySourceTable") !== 0;
  const kept = uniqueColumns(tableId, columns, problems);
  if (stored !== null) problems.push(...columnProblems(tableId, stored, columns));
  const fields = kept.map((column) => readField(column, tableId, names, places, problems));
  const collection: Collection = {
    id: tableId,
    name: names.tables.get(id(row, "id"))?.name ?? tableId,
    fields: fields.map((field) => field.field),
    keyKind: "platform",
    declaredRecords: null,
    computed,
    nextKey: null,
  };
  return { collection, stored: stored?.columns.has("id") === true ? stored : null, cells: fields.map((field) => field.cell) };
}

function isBookkeeping(colId: string): boolean {
  return colId === "manualSort" || colId.startsWith("gristHelper_");
}

function uniqueColumns(tableId: string, columns: readonly MetaRow[], problems: string[]): MetaRow[] {
  const seen = new Set<string>();
  return columns.filter((row) => {
    const colId = text(row, "colId");
    if (isBookkeeping(colId)) return false;
    const usable = colId !== "" && !seen.has(colId.toLowerCase());
    if (!usable) problems.push(colId === "" ? `A column of ${tableId} has no name.` : `Column ${tableId}.${colId} is listed twice.`);
    seen.add(colId.toLowerCase());
    return usable;
  });
}

/** Columns listed but not stored, and stored but not listed. A formula's results may be missing: they are computed again. */
function columnProblems(tableId: string, stored: PlainTable, columns: readonly MetaRow[]): string[] {
  const listed = new Set(columns.map((row) => text(row, "colId").toLowerCase()));
  const missing = columns.filter((row) => !flag(row, "isFormula") && !stored.columns.has(text(row, "colId").toLowerCase()));
  const extra = [...stored.columns].filter(
    ([key]) => key !== "id" && key !== "manualsort" && !key.startsWith("gristhelper_") && !listed.has(key),
  );
  return [
    ...missing.map((row) => `Column ${tableId}.${text(row, "colId")} is listed, but the file does not hold its data.`),
    ...extra.map(([, name]) => `Column ${tableId}.${name} lies in the file, but the document does not list it.`),
  ];
}

function unlistedTables(database: GristDatabase, tables: readonly GristTable[]): string[] {
  const listed = new Set(tables.map((table) => table.collection.id.toLowerCase()));
  const extra = [...database.tables.values()].filter(
    (table) => !/^(_|sqlite_)/iu.test(table.name) && !listed.has(table.name.toLowerCase()),
  );
  return extra.map((table) => `Table ${table.name} lies in the file, but the document does not list it.`);
}

function readField(row: MetaRow, tableId: string, names: Names, places: Places, problems: string[]): { field: Field; cell: CellType } {
  const colId = text(row, "colId");
  const platformType = text(row, "type");
  const { type, target } = semanticType(platformType);
  if (target !== null && !names.columnsOf.has(target))
    problems.push(`Column ${tableId}.${colId} refers to table ${target}, which the document does not list.`);
  const reverse = names.columns.get(id(row, "reverseCol"));
  if (id(row, "reverseCol") !== 0 && reverse === undefined)
    problems.push(`Column ${tableId}.${colId} names a reverse column that the document does not list.`);
  const reciprocal = reverse !== undefined && reverse.table === target ? reverse.id : null;
  return {
    cell: { type, target },
    field: {
      id: colId,
      name: text(row, "label") || colId,
      platformType,
      type,
      computed: flag(row, "isFormula"),
      required: false,
      unique: false,
      options: type === "choice" || type === "choices" ? choicesOf(text(row, "widgetOptions")) : null,
      link: target === null ? null : { collection: target, many: type === "links", reciprocal },
      maxLength: null,
      lenient: true,
      ...(flag(row, "isFormula") ? { formula: byReference(text(row, "formula"), tableId, places) } : {}),
    },
  };
}

function choicesOf(widgetOptions: string): readonly string[] | null {
  const options = jsonOf(widgetOptions) as { choices?: unknown } | null | undefined;
  if (!Array.isArray(options?.choices)) return null;
  const choices = options.choices.filter((choice): choice is string => typeof choice === "string");
  return [...new Set(choices)];
}

const PLAIN_TYPES: Readonly<Record<string, SemanticType>> = {
  Int: "integer",
  Id: "integer",
  Numeric: "decimal",
  ManualSortPos: "decimal",
  PositionNumber: "decimal",
  Bool: "boolean",
  Date: "date",
  DateTime: "timestamp",
  Choice: "choice",
  ChoiceList: "choices",
  Attachments: "files",
};

/** A reference to one of Grist's own tables is no link between records of people. */
export function semanticType(platformType: string): { readonly type: SemanticType; readonly target: string | null } {
  const [head, rest] = splitOnce(platformType, ":");
  if ((head === "Ref" || head === "RefList") && rest !== "") {
    if (rest.startsWith("_grist_")) return { type: head === "Ref" ? "integer" : "text", target: null };
    return { type: head === "Ref" ? "link" : "links", target: rest };
  }
  return { type: PLAIN_TYPES[head] ?? "text", target: null };
}

function splitOnce(value: string, by: string): [string, string] {
  const at = value.indexOf(by);
  return at < 0 ? [value, ""] : [value.slice(0, at), value.slice(at + by.length)];
}
