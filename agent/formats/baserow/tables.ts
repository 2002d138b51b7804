/** Tables and fields of the databases in an export. */
import type { Collection, Field, SemanticType } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import { isObject, listOf, objectsIn, textOf, type JsonObject } from "../../kit/json.ts";
import { idOf } from "./ids.ts";
import type { CellType } from "./values.ts";

export interface BaserowField {
  readonly field: Field;
  readonly cell: CellType;
  /** Name of its slot in a row. */
  readonly slot: string;
  /** Where the value comes from when its own slot is empty: row authors and times are kept once a row. */
  readonly rowKey: string | null;
  readonly definition: JsonObject;
}

export interface BaserowTable {
  readonly collection: Collection;
  readonly fields: readonly BaserowField[];
  readonly rows: readonly JsonObject[];
  readonly views: readonly JsonObject[];
  readonly definition: JsonObject;
}

/** Ids of everything tables hold, for whoever refers to them. */
export interface Names {
  readonly tables: ReadonlySet<string>;
  /** Field id → table id. */
  readonly fields: ReadonlyMap<string, string>;
  /** Of a table: field name → field id, and the table its links lead to. */
  readonly named: ReadonlyMap<string, ReadonlyMap<string, { readonly id: string; readonly leadsTo: string | null }>>;
}

/**
 * @param databases applications of type `database`
 * @returns tables in document order; an id that comes twice gets a suffix and a fault
 * @throws AgentError `damaged` where something has no id, or a list is missing
 */
export function readTables(databases: readonly JsonObject[], faults: string[]): BaserowTable[] {
  const definitions = databases.flatMap((database, at) => tableList(database, at));
  const names = namesOf(definitions);
  const taken = new Set<string>();
  return definitions.map((definition) => {
    const table = readTable(definition, names, faults);
    const id = table.collection.id;
    if (!taken.has(id)) {
      taken.add(id);
      return table;
    }
    faults.push(`Two tables have the id ${id}.`);
    let suffix = 2;
    while (taken.has(`${id}#${suffix}`)) suffix += 1;
    taken.add(`${id}#${suffix}`);
    return { ...table, collection: { ...table.collection, id: `${id}#${suffix}` } };
  });
}

export function namesOf(definitions: readonly JsonObject[]): Names {
  const tables = new Set<string>();
  const fields = new Map<string, string>();
  const named = new Map<string, Map<string, { id: string; leadsTo: string | null }>>();
  for (const definition of definitions) {
    const table = idOf(definition["id"]) ?? "";
    tables.add(table);
    const own = new Map<string, { id: string; leadsTo: string | null }>();
    named.set(table, own);
    for (const field of objectsIn(definition["fields"])) {
      const id = idOf(field["id"]) ?? "";
      fields.set(id, table);
      own.set(textOf(field["name"]) ?? "", { id, leadsTo: idOf(field["link_row_table_id"]) });
    }
  }
  return { tables, fields, named };
}

function tableList(database: JsonObject, at: number): JsonObject[] {
  const tables = database["tables"];
  if (!Array.isArray(tables)) throw broken(`Database ${at + 1} has no list of tables.`);
  return tables.map((table, index) => {
    const where = `Table ${index + 1} of database ${at + 1}`;
    if (!isObject(table) || idOf(table["id"]) === null) throw broken(`${where} has no id.`);
    for (const part of ["fields", "rows"] as const) if (!Array.isArray(table[part])) throw broken(`${where} has no list of ${part}.`);
    return table;
  });
}

function broken(message: string): AgentError {
  return new AgentError("damaged", "baserow-structure", message);
}

function readTable(definition: JsonObject, names: Names, faults: string[]): BaserowTable {
  const id = idOf(definition["id"]) ?? "";
  const name = textOf(definition["name"]) ?? "(no name)";
  const fields = readFields(definition, id, name, names, faults);
  if (!Array.isArray(definition["views"])) faults.push(`${name} has no list of views.`);
  const rows = listOf(definition["rows"]).map((row, at) => {
    if (!isObject(row) || idOf(row["id"]) === null) throw broken(`Row ${at + 1} of table ${id} has no id.`);
    return row;
  });
  return {
    collection: {
      id,
      name,
      fields: fields.map((one) => one.field),
      keyKind: "platform",
      declaredRecords: null,
      computed: false,
      nextKey: null,
    },
    fields,
    rows,
    views: objectsIn(definition["views"]),
    definition,
  };
}

function readFields(definition: JsonObject, id: string, name: string, names: Names, faults: string[]): BaserowField[] {
  const taken = new Set<string>();
  let primary = 0;
  const fields = listOf(definition["fields"]).flatMap((field, at): BaserowField[] => {
    if (!isObject(field) || idOf(field["id"]) === null || textOf(field["type"]) === null)
      throw broken(`Field ${at + 1} of table ${id} has no id or no type.`);
    if (field["primary"] === true) primary += 1;
    const read = readField(field, names, faults, name);
    if (taken.has(read.field.id)) {
      faults.push(`Two fields of ${name} have the id ${read.field.id}.`);
      return [];
    }
    taken.add(read.field.id);
    return [read];
  });
  if (fields.length > 0 && primary !== 1) faults.push(`${name} has ${primary === 0 ? "no primary field" : "more than one primary field"}.`);
  return fields;
}

function readField(definition: JsonObject, names: Names, faults: string[], tableName: string): BaserowField {
  const id = idOf(definition["id"]) ?? "";
  const name = textOf(definition["name"]) ?? "(no name)";
  const platformType = textOf(definition["type"]) ?? "";
  const shape = SHAPES.get(platformType)?.(definition) ?? { type: "text" };
  const options = shape.type === "choice" || shape.type === "choices" ? optionsOf(definition) : null;
  for (const part of ["through_field_id", "target_field_id"]) {
    const target = idOf(definition[part]);
    if (target !== null && !names.fields.has(target)) faults.push(`${tableName}.${name} is computed from a field that is not there.`);
  }
  const formula = platformType === "formula" ? textOf(definition["formula"]) : null;
  return {
    field: {
      id,
      name,
      platformType,
      type: shape.type,
      computed: shape.computed ?? false,
      required: false,
      unique: objectsIn(definition["field_constraints"]).some(isUnique),
      options: options === null ? null : [...new Set(options.values())],
      link: platformType === "link_row" ? linkOf(definition) : null,
      maxLength: null,
      ...(formula === null ? {} : { formula: byReference(formula, names.fields.get(id) ?? "", names) }),
    },
    cell: { type: shape.type, options, secret: platformType === "password" },
    slot: `field_${id}`,
    rowKey: shape.rowKey ?? null,
    definition,
  };
}

function isUnique(constraint: JsonObject): boolean {
  return [constraint["type_name"], constraint["type"]].some((type) => typeof type === "string" && type.startsWith("unique"));
}

/** Before related fields could be left out, every link had one; since then `has_related_field` says so. */
function linkOf(definition: JsonObject): Field["link"] {
  const related = definition["has_related_field"] === false ? null : idOf(definition["link_row_related_field_id"]);
  return {
    collection: idOf(definition["link_row_table_id"]) ?? "",
    many: definition["link_row_multiple_relationships"] !== false,
    reciprocal: related,
  };
}

function optionsOf(definition: JsonObject): ReadonlyMap<string, string> | null {
  if (!Array.isArray(definition["select_options"])) return null;
  const options = objectsIn(definition["select_options"]);
  return new Map(options.map((option) => [idOf(option["id"]) ?? "", textOf(option["value"]) ?? ""]));
}

interface Shape {
  readonly type: SemanticType;
  readonly computed?: boolean;
  readonly rowKey?: string;
}

const TEXT = (): Shape => ({ type: "text" });

function dated(definition: JsonObject): SemanticType {
  return definition["date_include_time"] === true ? "timestamp" : "date";
}

function numeric(definition: JsonObject): SemanticType {
  const places = definition["number_decimal_places"];
  return typeof places === "number" && places > 0 ? "decimal" : "integer";
}

/** What a formula gives; Baserow leaves its values out of exports and computes them again. */
function formula(definition: JsonObject): Shape {
  switch (definition["formula_type"]) {
    case "number":
      return { type: numeric(definition), computed: true };
    case "boolean":
      return { type: "boolean", computed: true };
    case "date":
      return { type: dated(definition), computed: true };
    case "duration":
    case "date_interval":
      return { type: "decimal", computed: true };
    case "array":
    case "single_select":
    case "multiple_select":
    case "multiple_collaborators":
    case "single_file":
      return { type: "json", computed: true };
    default:
      return { type: "text", computed: true };
  }
}

function rollup(definition: JsonObject): Shape {
  if (typeof definition["number_decimal_places"] === "number") return { type: numeric(definition), computed: true };
  if (textOf(definition["duration_format"]) !== null) return { type: "decimal", computed: true };
  if (textOf(definition["date_format"]) !== null) return { type: dated(definition), computed: true };
  return { type: "json", computed: true };
}

/** By type in Baserow's words; types that are not here are read as text. */
const SHAPES: ReadonlyMap<string, (definition: JsonObject) => Shape> = new Map<string, (definition: JsonObject) => Shape>([
  ["text", TEXT],
  ["long_text", TEXT],
  ["url", TEXT],
  ["email", TEXT],
  ["phone_number", TEXT],
  ["password", TEXT],
  ["uuid", TEXT],
  ["number", (definition) => ({ type: numeric(definition) })],
  ["rating", () => ({ type: "integer" })],
  ["autonumber", () => ({ type: "integer" })],
  ["boolean", () => ({ type: "boolean" })],
  ["date", (definition) => ({ type: dated(definition) })],
  ["duration", () => ({ type: "decimal" })],
  ["created_on", (definition) => ({ type: dated(definition), computed: true, rowKey: "created_on" })],
  ["last_modified", (definition) => ({ type: dated(definition), computed: true, rowKey: "updated_on" })],
  ["created_by", () => ({ type: "text", computed: true, rowKey: "created_by" })],
  ["last_modified_by", () => ({ type: "text", computed: true, rowKey: "last_modified_by" })],
  ["single_select", () => ({ type: "choice" })],
  ["multiple_select", () => ({ type: "choices" })],
  ["multiple_collaborators", () => ({ type: "choices" })],
  ["link_row", () => ({ type: "links" })],
  ["file", () => ({ type: "files" })],
  ["ai", (definition) => ({ type: definition["ai_output_type"] === "choice" ? "choice" : "text" })],
  ["formula", formula],
  ["lookup", () => ({ type: "json", computed: true })],
  ["rollup", rollup],
  ["count", () => ({ type: "integer", computed: true })],
]);

const FIELD = /\bfield\(\s*'((?:[^'\\]|\\.)*)'\s*\)/gu;
const LOOKUP = /\blookup\(\s*'((?:[^'\\]|\\.)*)'\s*,\s*'((?:[^'\\]|\\.)*)'\s*\)/gu;

/** Exports name the fields of a formula, and renaming a field rewrites every formula that uses it: by ids they read the same. */
export function byReference(formula: string, table: string, { named }: Names): string {
  const own = named.get(table);
  const plain = (name: string): string => name.replaceAll(/\\(.)/gu, "$1");
  return formula
    .replaceAll(LOOKUP, (whole, link: string, name: string) => {
      const from = own?.get(plain(link));
      const to = from?.leadsTo == null ? undefined : named.get(from.leadsTo)?.get(plain(name));
      return from === undefined || to === undefined ? whole : `lookup(#${from.id},#${to.id})`;
    })
    .replaceAll(FIELD, (whole, name: string) => {
      const found = own?.get(plain(name));
      return found === undefined ? whole : `field(#${found.id})`;
    });
}
