/** Cells: what is shown, and what is taken. */
import { typed } from "./errors.ts";
import { addressOf, type BaseState, type FieldState, type Row, type StoredFile, type TableState, type World } from "./world.ts";

export const COMPUTED = new Set([
  "formula",
  "rollup",
  "multipleLookupValues",
  "count",
  "autoNumber",
  "createdTime",
  "lastModifiedTime",
  "createdBy",
  "lastModifiedBy",
  "button",
  "aiText",
  "externalSyncSource",
]);
const TEXTS = new Set(["singleLineText", "multilineText", "richText", "email", "url", "phoneNumber"]);
const NUMBERS = new Set(["number", "currency", "percent", "duration", "rating"]);
const LONGEST_TEXT = 100_000;

/** Empty and unticked cells are left out. */
export function shown(world: World, table: TableState, row: Row, fields: readonly FieldState[], byId: boolean): Record<string, unknown> {
  const cells: Record<string, unknown> = {};
  for (const field of fields) {
    const value = field.compute === undefined ? stored(world, field, row) : field.compute(row);
    if (value === undefined || value === null || value === false || value === "" || (Array.isArray(value) && value.length === 0)) continue;
    cells[byId ? field.id : field.name] = value;
  }
  return cells;
}

function stored(world: World, field: FieldState, row: Row): unknown {
  const value = row.cells.get(field.id);
  if (field.type !== "multipleAttachments" || !Array.isArray(value)) return value;
  return (value as readonly StoredFile[]).map((file) => ({
    id: file.id,
    url: addressOf(world, file),
    filename: file.name,
    size: file.bytes.length,
    type: file.type,
  }));
}

/** Writes cells given by id or name; nothing is written where one of them is refused. */
export function write(world: World, base: BaseState, table: TableState, row: Row, given: Readonly<Record<string, unknown>>): void {
  const taken = Object.entries(given).map(([key, value]) => {
    const field = table.fields.find((one) => one.id === key || one.name === key);
    if (field === undefined) throw typed(422, "UNKNOWN_FIELD_NAME", `Unknown field name: "${key}"`);
    return { field, value: takenBy(base, field, value) };
  });
  for (const { field, value } of taken) {
    if (field.type === "multipleRecordLinks") link(base, field, row, (value ?? []) as readonly string[]);
    else if (value === null) row.cells.delete(field.id);
    else row.cells.set(field.id, value);
  }
  row.modifiedAt = world.clock.now();
}

function takenBy(base: BaseState, field: FieldState, value: unknown): unknown {
  const refuse = (why = "cannot accept the provided value"): never => {
    throw typed(422, "INVALID_VALUE_FOR_COLUMN", `Field "${field.name}" ${why}`);
  };
  if (COMPUTED.has(field.type)) return refuse("cannot accept a value because the field is computed");
  if (value === null) return null;
  const { type } = field;
  if (TEXTS.has(type)) return typeof value === "string" && value.length <= LONGEST_TEXT ? value : refuse();
  if (NUMBERS.has(type)) return typeof value === "number" ? value : refuse();
  if (type === "checkbox") return typeof value === "boolean" ? value : refuse();
  if (type === "date") return typeof value === "string" && /^\d{4}-\d\d-\d\d$/u.test(value) ? value : refuse();
  if (type === "dateTime") return typeof value === "string" && !Number.isNaN(Date.parse(value)) ? new Date(value).toISOString() : refuse();
  if (type === "singleSelect") return choice(field, value);
  if (type === "multipleSelects") return Array.isArray(value) ? value.map((one) => choice(field, one)) : refuse();
  if (type === "singleCollaborator") return person(base, value) ?? refuse();
  if (type === "multipleCollaborators") return Array.isArray(value) ? value.map((one) => person(base, one) ?? refuse()) : refuse();
  if (type === "barcode") return typeof value === "object" ? value : refuse();
  if (type === "multipleRecordLinks") {
    const rows = new Set(targetOf(base, field).rows.map((row) => row.id));
    if (!Array.isArray(value)) return refuse();
    for (const one of value)
      if (typeof one !== "string" || !rows.has(one))
        throw typed(422, "ROW_DOES_NOT_EXIST", `Record ID ${String(one)} does not exist in this table`);
    return value;
  }
  // Attachments by address are fetched later and fail in silence; nobody here relies on it.
  return refuse();
}

function choice(field: FieldState, value: unknown): string {
  const choices = (field.options?.["choices"] ?? []) as readonly { readonly name: string }[];
  const found = choices.find((one) => one.name === value);
  if (found !== undefined) return found.name;
  throw typed(422, "INVALID_MULTIPLE_CHOICE_OPTIONS", `Insufficient permissions to create new select option "${String(value)}"`);
}

function person(base: BaseState, value: unknown): unknown {
  const id = typeof value === "object" && value !== null && "id" in value ? value.id : null;
  const found = base.members.find((member) => member.userId === id);
  return found === undefined ? undefined : { id: found.userId, email: found.email, name: "Somebody" };
}

export function targetOf(base: BaseState, field: FieldState): TableState {
  const found = base.tables.find((table) => table.id === field.options?.["linkedTableId"]);
  if (found === undefined) throw new Error("a link without its table");
  return found;
}

/** Sets a link cell; the other side follows. */
function link(base: BaseState, field: FieldState, row: Row, targets: readonly string[]): void {
  row.cells.set(field.id, [...targets]);
  const inverse = field.options?.["inverseLinkFieldId"];
  if (typeof inverse !== "string") return;
  for (const other of targetOf(base, field).rows) {
    const there = ((other.cells.get(inverse) ?? []) as readonly string[]).filter((id) => id !== row.id);
    other.cells.set(inverse, targets.includes(other.id) ? [...there, row.id] : there);
  }
}

/** Takes a row away, and every link to it. */
export function remove(base: BaseState, table: TableState, row: Row): void {
  table.rows = table.rows.filter((one) => one !== row);
  for (const other of base.tables)
    for (const field of other.fields.filter((one) => one.type === "multipleRecordLinks" && one.options?.["linkedTableId"] === table.id))
      for (const one of other.rows) {
        const cell = one.cells.get(field.id);
        if (Array.isArray(cell))
          one.cells.set(
            field.id,
            cell.filter((id) => id !== row.id),
          );
      }
}
