/** Records: listing, inserting, changing, deleting, and files put into their cells. */
import { COMPUTED, remove, shown, write } from "./cells.ts";
import { forbidden, typed } from "./errors.ts";
import { compile } from "./formula.ts";
import { type BaseState, type FieldState, type Row, type TableState, type World } from "./world.ts";

const A_REQUEST = 10;
const A_PAGE = 100;
const ITERATOR_LIVES_MS = 5 * 60_000;
const LARGEST_UPLOAD = 5 * 1024 * 1024;

export interface Listing {
  readonly pageSize?: unknown;
  readonly offset?: unknown;
  readonly fields?: unknown;
  readonly filterByFormula?: unknown;
  readonly maxRecords?: unknown;
  readonly sort?: unknown;
  readonly view?: unknown;
  readonly returnFieldsByFieldId?: unknown;
}

export function list(world: World, table: TableState, asked: Listing): unknown {
  const pageSize = asked.pageSize === undefined ? A_PAGE : Number(asked.pageSize);
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > A_PAGE)
    throw typed(422, "INVALID_REQUEST_UNKNOWN", "Invalid request: parameter validation failed. Check your request data.");
  const fields = fieldsOf(table, asked.fields);
  const ids = typeof asked.offset === "string" ? goOn(world, table, asked.offset) : begin(table, asked);
  const rest = ids.slice(pageSize);
  // Taken when the listing began: a row that went away since is passed over, so a page may be short.
  const rows = ids.slice(0, pageSize).flatMap((id) => table.rows.find((row) => row.id === id) ?? []);
  const byId = asked.returnFieldsByFieldId === true || asked.returnFieldsByFieldId === "true";
  return {
    records: rows.map((row) => document(world, table, row, fields, byId)),
    ...(rest.length === 0 ? {} : { offset: keep(world, table, rest) }),
  };
}

function begin(table: TableState, { filterByFormula: formula, maxRecords, sort, view }: Listing): readonly string[] {
  const wanted = typeof formula === "string" && formula !== "" ? compile(formula, table) : () => true;
  if (view !== undefined && !table.views.some((one) => one.id === view || one.name === view))
    throw typed(422, "VIEW_NAME_NOT_FOUND", `View ${JSON.stringify(view)} not found`);
  const rows = table.rows.filter(wanted);
  if (Array.isArray(sort)) for (const one of sort.toReversed()) rows.sort(orderBy(table, one as { field?: unknown; direction?: unknown }));
  return rows.slice(0, maxRecords === undefined ? undefined : Number(maxRecords)).map((row) => row.id);
}

/** Empty cells first, as Airtable has them. */
function orderBy(table: TableState, asked: { readonly field?: unknown; readonly direction?: unknown }): (a: Row, b: Row) => number {
  const [field] = fieldsOf(table, [asked.field]);
  const of = (row: Row): string | number => {
    const value = field?.compute === undefined ? row.cells.get(field?.id ?? "") : field.compute(row);
    return typeof value === "number"
      ? value
      : typeof value === "string"
        ? value
        : value === undefined || value === null
          ? ""
          : JSON.stringify(value);
  };
  const turned = asked.direction === "desc" ? -1 : 1;
  return (a, b) => {
    const [left, right] = [of(a), of(b)];
    return left === right ? 0 : (left === "" || (right !== "" && left < right) ? -1 : 1) * turned;
  };
}

function goOn(world: World, table: TableState, offset: string): readonly string[] {
  const kept = world.iterators.get(offset);
  if (kept === undefined || kept.table !== table.id || kept.until < world.clock.now())
    throw typed(422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE", "The iterator is not available any more; start the listing again.");
  return kept.rows;
}

function keep(world: World, table: TableState, rows: readonly string[]): string {
  const offset = `${world.id("itr")}/${rows[0] ?? ""}`;
  world.iterators.set(offset, { table: table.id, rows, until: world.clock.now() + ITERATOR_LIVES_MS });
  return offset;
}

function fieldsOf(table: TableState, asked: unknown): readonly FieldState[] {
  const names = Array.isArray(asked) ? asked : typeof asked === "string" ? [asked] : [];
  if (names.length === 0) return table.fields;
  return names.map((name) => {
    const field = table.fields.find((one) => one.id === name || one.name === name);
    if (field === undefined) throw typed(422, "UNKNOWN_FIELD_NAME", `Unknown field name: "${String(name)}"`);
    return field;
  });
}

function document(world: World, table: TableState, row: Row, fields: readonly FieldState[], byId: boolean): unknown {
  return { id: row.id, createdTime: new Date(row.createdAt).toISOString(), fields: shown(world, table, row, fields, byId) };
}

interface Written {
  readonly records?: readonly { readonly id?: string; readonly fields?: Readonly<Record<string, unknown>> }[];
  readonly returnFieldsByFieldId?: boolean;
}

export function get(world: World, table: TableState, id: string): unknown {
  return document(world, table, rowOf(table, id), table.fields, false);
}

export function insert(world: World, base: BaseState, table: TableState, body: unknown): unknown {
  const { records, returnFieldsByFieldId } = batchOf(body);
  const rows = records.map(() => newRow(world, table));
  table.rows.push(...rows);
  try {
    rows.forEach((row, at) => write(world, base, table, row, records[at]?.fields ?? {}));
  } catch (thrown) {
    for (const row of rows) remove(base, table, row);
    throw thrown;
  }
  return { records: rows.map((row) => document(world, table, row, table.fields, returnFieldsByFieldId)) };
}

export function newRow(world: World, table: TableState): Row {
  table.lastNumber += 1;
  const now = world.clock.now();
  // Times are exact to a second.
  const createdAt = now - (now % 1000);
  return { id: world.id("rec"), number: table.lastNumber, createdAt, modifiedAt: now, cells: new Map() };
}

export function change(world: World, base: BaseState, table: TableState, body: unknown): unknown {
  const { records, returnFieldsByFieldId } = batchOf(body);
  const rows = records.map((record) => rowOf(table, record.id ?? ""));
  rows.forEach((row, at) => write(world, base, table, row, records[at]?.fields ?? {}));
  return { records: rows.map((row) => document(world, table, row, table.fields, returnFieldsByFieldId)) };
}

/** What is not given is emptied. */
export function replace(world: World, base: BaseState, table: TableState, body: unknown): unknown {
  const { records } = batchOf(body);
  const emptied = Object.fromEntries(table.fields.filter((field) => !COMPUTED.has(field.type)).map((field) => [field.name, null]));
  return change(world, base, table, { records: records.map((record) => ({ ...record, fields: { ...emptied, ...record.fields } })) });
}

export function destroy(base: BaseState, table: TableState, ids: readonly string[]): unknown {
  if (ids.length > A_REQUEST) throw tooMany();
  const rows = ids.map((id) => rowOf(table, id));
  for (const row of rows) remove(base, table, row);
  return { records: ids.map((id) => ({ id, deleted: true })) };
}

function batchOf(body: unknown): { readonly records: NonNullable<Written["records"]>; readonly returnFieldsByFieldId: boolean } {
  const { records, returnFieldsByFieldId } = (body ?? {}) as Written;
  if (!Array.isArray(records) || records.length === 0)
    throw typed(422, "INVALID_REQUEST_MISSING_FIELDS", 'Could not find field "records" in the request body');
  if (records.length > A_REQUEST) throw tooMany();
  return { records: records as NonNullable<Written["records"]>, returnFieldsByFieldId: returnFieldsByFieldId === true };
}

function tooMany(): Error {
  return typed(422, "INVALID_RECORDS", `You must provide an array of up to ${A_REQUEST} record objects, each with fields.`);
}

function rowOf(table: TableState, id: string): Row {
  const row = table.rows.find((one) => one.id === id);
  if (row === undefined) throw forbidden();
  return row;
}

/** Adds a file to a cell; the record is named without its table. */
export function upload(world: World, base: BaseState, record: string, fieldId: string, body: unknown): unknown {
  const table = base.tables.find((one) => one.rows.some((row) => row.id === record));
  const field = table?.fields.find((one) => one.id === fieldId || one.name === fieldId);
  if (table === undefined || field === undefined) throw forbidden();
  if (field.type !== "multipleAttachments") throw typed(422, "INVALID_ATTACHMENT_OBJECT", "The field does not hold attachments");
  const { contentType, filename, file } = (body ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof contentType !== "string" || typeof filename !== "string" || typeof file !== "string")
    throw typed(422, "INVALID_REQUEST_MISSING_FIELDS", "contentType, filename and file are required");
  const bytes = Buffer.from(file, "base64");
  if (bytes.length > LARGEST_UPLOAD) throw typed(413, "FILE_TOO_LARGE", "The file is larger than 5 MB");
  const stored = { id: world.id("att"), name: filename, type: contentType, bytes };
  world.files.set(stored.id, stored);
  const row = rowOf(table, record);
  row.cells.set(field.id, [...((row.cells.get(field.id) ?? []) as readonly unknown[]), stored]);
  row.modifiedAt = world.clock.now();
  return document(world, table, row, [field], true);
}
