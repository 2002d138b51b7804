/** Bases, tables, fields and people. */
import { COMPUTED } from "./cells.ts";
import { typed } from "./errors.ts";
import { type BaseState, type FieldState, type TableState, tableOf, type TokenState, type World } from "./world.ts";

const BASES_A_PAGE = 2;

export function whoami(token: TokenState): unknown {
  return { id: "usrTheOneOfTokens", scopes: [...token.scopes] };
}

/** Few a page, so that whoever does not follow the offset misses some. */
export function bases(world: World, token: TokenState, offset: string | null): unknown {
  const seen = [...world.bases.values()].filter((base) => token.bases.has(base.id));
  const from = offset === null ? 0 : Number(offset.replace("itrBases/", ""));
  const next = from + BASES_A_PAGE;
  return {
    bases: seen.slice(from, next).map((base) => ({ id: base.id, name: base.name, permissionLevel: "create" })),
    ...(next < seen.length ? { offset: `itrBases/${next}` } : {}),
  };
}

export function base(found: BaseState): unknown {
  return {
    id: found.id,
    name: found.name,
    permissionLevel: "create",
    workspaceId: "wspTheOnlyOneHere",
    individualCollaborators: { baseCollaborators: found.members, workspaceCollaborators: [] },
    groupCollaborators: { baseCollaborators: [], workspaceCollaborators: [] },
    interfaces: {},
  };
}

export function tables(found: BaseState, withVisible: boolean): unknown {
  return { tables: found.tables.map((table) => tableDocument(table, withVisible)) };
}

function tableDocument(table: TableState, withVisible: boolean): unknown {
  return {
    id: table.id,
    name: table.name,
    ...(table.description === undefined ? {} : { description: table.description }),
    primaryFieldId: table.primaryFieldId,
    fields: table.fields.map(fieldDocument),
    views: table.views.map(({ visibleFieldIds, ...view }) =>
      withVisible && visibleFieldIds !== undefined ? { ...view, visibleFieldIds } : view,
    ),
  };
}

function fieldDocument(field: FieldState): unknown {
  const { id, name, type, description, options } = field;
  return { id, name, type, ...(description === undefined ? {} : { description }), ...(options === undefined ? {} : { options }) };
}

interface NewField {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly description?: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

export function createTable(world: World, found: BaseState, body: unknown): unknown {
  const { name, description, fields } = (body ?? {}) as { name?: unknown; description?: string; fields?: readonly NewField[] };
  if (typeof name !== "string" || !Array.isArray(fields) || fields.length === 0)
    throw typed(422, "INVALID_REQUEST_MISSING_FIELDS", "name and fields are required");
  if (found.tables.some((table) => table.name === name)) throw typed(422, "DUPLICATE_TABLE_NAME", `Table name "${name}" is taken`);
  for (const field of fields) refuseType(field as NewField);
  if (["multipleRecordLinks", "checkbox", "multipleAttachments", "singleSelect"].includes(String(fields[0]?.type)))
    throw typed(422, "INVALID_PRIMARY_FIELD_TYPE", "The first field cannot be the primary one");
  const table: TableState = {
    id: world.id("tbl"),
    name,
    description,
    primaryFieldId: "",
    fields: [],
    views: [{ id: world.id("viw"), name: "Grid view", type: "grid", visibleFieldIds: undefined }],
    rows: [],
    lastNumber: 0,
  };
  found.tables.push(table);
  for (const field of fields) addField(world, found, table, field as NewField);
  table.primaryFieldId = table.fields[0]?.id ?? "";
  return tableDocument(table, false);
}

export function createField(world: World, found: BaseState, table: string, body: unknown): unknown {
  refuseType(body ?? {});
  return fieldDocument(addField(world, found, tableOf(found, table), body ?? {}));
}

function refuseType({ name, type }: NewField): void {
  if (typeof name !== "string" || typeof type !== "string")
    throw typed(422, "INVALID_REQUEST_MISSING_FIELDS", "name and type are required");
  if (COMPUTED.has(type)) throw typed(422, "UNSUPPORTED_FIELD_TYPE_FOR_CREATE", `Creating ${type} fields is not supported at this time`);
}

const NEEDS_OPTIONS = new Set([
  "number",
  "currency",
  "percent",
  "duration",
  "rating",
  "checkbox",
  "date",
  "dateTime",
  "singleSelect",
  "multipleSelects",
  "multipleRecordLinks",
]);
/** Told of a link, and refused when somebody wants to set them. */
const TOLD_ONLY = ["isReversed", "inverseLinkFieldId", "prefersSingleRecordLink"];

function addField(world: World, found: BaseState, table: TableState, asked: NewField): FieldState {
  const { name, type, description, options } = asked as { name: string; type: string } & NewField;
  if (table.fields.some((field) => field.name === name))
    throw typed(422, "DUPLICATE_OR_EMPTY_FIELD_NAME", `Field "${name}" is there already`);
  if (NEEDS_OPTIONS.has(type) !== (options !== undefined))
    throw typed(422, "INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE", `Invalid options for ${name}`);
  if (type !== "multipleRecordLinks") {
    const field = newField(world, name, type, description, withChoiceIds(world, options));
    table.fields.push(field);
    return field;
  }
  if (TOLD_ONLY.some((one) => options?.[one] !== undefined))
    throw typed(422, "INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE", `Invalid options for ${name}`);
  const target = tableOf(found, String(options?.["linkedTableId"]));
  const id = world.id("fld");
  // The other side comes by itself, except where a table links to itself.
  const inverse =
    target === table ? null : newField(world, freeName(target, table.name), type, undefined, linkOptions(table.id, id), world.id("fld"));
  const field = newField(world, name, type, description, linkOptions(target.id, inverse?.id ?? null), id);
  table.fields.push(field);
  if (inverse !== null) target.fields.push(inverse);
  return field;
}

function linkOptions(linkedTableId: string, inverse: string | null): Record<string, unknown> {
  const told = { linkedTableId, isReversed: false, prefersSingleRecordLink: false };
  return inverse === null ? told : { ...told, inverseLinkFieldId: inverse };
}

function freeName(table: TableState, wanted: string): string {
  for (let at = 1; ; at += 1) {
    const name = at === 1 ? wanted : `${wanted} ${at}`;
    if (!table.fields.some((field) => field.name === name)) return name;
  }
}

function withChoiceIds(world: World, options: NewField["options"]): NewField["options"] {
  const choices = options?.["choices"];
  return Array.isArray(choices) ? { choices: choices.map((one: object) => ({ ...one, id: world.id("sel") })) } : options;
}

function newField(
  world: World,
  name: string,
  type: string,
  description: string | undefined,
  options: NewField["options"],
  id = world.id("fld"),
): FieldState {
  return { id, name, type, description, options };
}

/** Only names and descriptions can be changed. */
export function renameField(found: BaseState, table: string, id: string, body: unknown): unknown {
  const inside = tableOf(found, table);
  const field = inside.fields.find((one) => one.id === id);
  const { name, description, ...more } = (body ?? {}) as { name?: string; description?: string };
  if (field === undefined || Object.keys(more).length > 0) throw typed(422, "INVALID_REQUEST_UNKNOWN", "Invalid request");
  if (name !== undefined && inside.fields.some((one) => one !== field && one.name === name))
    throw typed(422, "DUPLICATE_OR_EMPTY_FIELD_NAME", `Field "${name}" is there already`);
  field.name = name ?? field.name;
  field.description = description ?? field.description;
  return fieldDocument(field);
}
