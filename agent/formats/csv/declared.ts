/** What lies beside the files and says what they hold: a Frictionless data package, or CSVW metadata. */
import { type Field, SEMANTIC_TYPES, type SemanticType } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import { type FileTree, quoted, readStart } from "../../kit/file-tree.ts";
import { type JsonObject, objectOf, objectsIn, textOf, textsIn } from "../../kit/json.ts";
import { jsonOf } from "../reading.ts";

export interface DeclaredColumn {
  readonly name: string;
  readonly type: SemanticType | null;
  readonly platformType: string | null;
  readonly required: boolean;
  readonly unique: boolean;
  readonly options: readonly string[] | null;
  readonly maxLength: number | null;
}

export interface DeclaredTable {
  /** Path of the file, relative to the artifact. */
  readonly path: string;
  readonly name: string | null;
  readonly columns: readonly DeclaredColumn[];
  /** Names that must stand in the header: where one does not, what was declared is not what lies there. */
  readonly expected: readonly string[];
  readonly key: string | null;
  /** `table` is a name or a path, "" the table itself. */
  readonly links: readonly { readonly column: string; readonly table: string; readonly target: string }[];
  readonly delimiter: string | null;
  readonly records: number | null;
  readonly bytes: number | null;
  /** Checksum of the file, `algorithm:hex`. */
  readonly hash: { readonly algorithm: "md5" | "sha1" | "sha256"; readonly value: string } | null;
}

export interface Declared {
  readonly tables: readonly DeclaredTable[];
  readonly problems: readonly string[];
}

const MAX_BYTES = 16 * 1024 * 1024;
const PACKAGE = "datapackage.json";

export function isDeclaration(path: string): boolean {
  return path === PACKAGE || /(?:^|[-.])metadata\.json$|\.csvw$/iu.test(path);
}

/** @throws AgentError `damaged` where a declaration is no JSON, `limit` where it is too large or too deep */
export async function readDeclared(tree: FileTree, maxDepth: number): Promise<Declared> {
  const tables: DeclaredTable[] = [];
  const problems: string[] = [];
  for (const [path, file] of [...tree.files].filter(([name]) => isDeclaration(name)).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (file.bytes > MAX_BYTES) throw new AgentError("limit", "too-large", `${quoted(path)} is larger than ${MAX_BYTES} bytes.`);
    const value = objectOf(jsonOf(await readStart(file.place, file.bytes), quoted(path), maxDepth)) ?? {};
    const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/") + 1) : "";
    for (const table of path === PACKAGE ? packageTables(value, problems) : csvwTables(value))
      tables.push({ ...table, path: `${folder}${table.path}` });
  }
  for (const table of tables)
    if (!tree.files.has(table.path)) problems.push(`The table ${quoted(table.path)} is declared and is not there.`);
  return { tables: tables.filter((table) => tree.files.has(table.path)), problems };
}

function packageTables(root: JsonObject, problems: string[]): DeclaredTable[] {
  return objectsIn(root["resources"]).flatMap((resource): DeclaredTable[] => {
    const path = textOf(resource["path"]) ?? textsIn(resource["path"])[0] ?? null;
    if (path === null) return [];
    const schema = objectOf(resource["schema"]) ?? {};
    const hash = textOf(resource["hash"]);
    if (isSpoiltHash(hash)) problems.push(`The checksum declared of ${quoted(path)} is none: it is not as its algorithm writes one.`);
    const dialect = objectOf(resource["dialect"]);
    const columns = objectsIn(schema["fields"]).flatMap((field) => packageColumn(field));
    const key = textOf(schema["primaryKey"]) ?? only(textsIn(schema["primaryKey"]));
    const links = objectsIn(schema["foreignKeys"]).flatMap((foreign) => {
      const reference = objectOf(foreign["reference"]) ?? {};
      return linkOf(foreign["fields"], reference["resource"] ?? "", reference["fields"]);
    });
    // A package may say that its files hold fewer columns than it declares, or none by name.
    const fewer = ["superset", "partial"].includes(textOf(schema["fieldsMatch"]) ?? "") || dialect?.["header"] === false;
    const named = [...columns.map((column) => column.name), ...(key === null ? [] : [key]), ...links.map((link) => link.column)];
    return [
      {
        path: path.replace(/^\.\//u, ""),
        name: textOf(resource["name"]),
        columns,
        expected: fewer ? [] : [...new Set(named)],
        key,
        links,
        delimiter: textOf(dialect?.["delimiter"]),
        records: countOf(objectOf(resource["stats"])?.["rows"]) ?? countOf(objectOf(resource["restorewatch"])?.["records"]),
        bytes: countOf(resource["bytes"]),
        hash: hashOf(hash),
      },
    ];
  });
}

const FRICTIONLESS: Readonly<Record<string, SemanticType>> = {
  string: "text",
  integer: "integer",
  number: "decimal",
  boolean: "boolean",
  date: "date",
  datetime: "timestamp",
  object: "json",
  array: "json",
  geojson: "json",
};

function packageColumn(field: JsonObject): DeclaredColumn[] {
  const name = textOf(field["name"]);
  if (name === null) return [];
  const constraints = objectOf(field["constraints"]) ?? {};
  const options = Array.isArray(constraints["enum"]) ? constraints["enum"].map(String) : null;
  const own = SEMANTIC_TYPES.find((type) => type === objectOf(field["restorewatch"])?.["type"]) ?? null;
  const known = FRICTIONLESS[textOf(field["type"]) ?? ""] ?? null;
  return [
    {
      name,
      type: own ?? (known === "text" && options !== null ? "choice" : known),
      platformType: textOf(field["type"]),
      required: constraints["required"] === true,
      unique: constraints["unique"] === true,
      options,
      maxLength: countOf(constraints["maxLength"]),
    },
  ];
}

function csvwTables(root: JsonObject): DeclaredTable[] {
  const tables = (Array.isArray(root["tables"]) ? objectsIn(root["tables"]) : [root]).filter((table) => textOf(table["url"]) !== null);
  const columnsOf = (table: JsonObject): readonly JsonObject[] =>
    objectsIn(objectOf(table["tableSchema"])?.["columns"]).filter((column) => column["virtual"] !== true);
  /** Metadata refers to columns by name, the file by title. */
  const titled = (reference: unknown, url: unknown): string | null => {
    const name = textOf(reference) ?? only(textsIn(reference));
    const columns = tables.filter((table) => table["url"] === url).flatMap(columnsOf);
    return titleOf(columns.find((column) => column["name"] === name) ?? {}) ?? name;
  };
  return tables.map((table): DeclaredTable => {
    const { url } = table;
    const schema = objectOf(table["tableSchema"]) ?? {};
    return {
      path: (textOf(url) ?? "").replace(/^\.\//u, ""),
      name: null,
      columns: columnsOf(table).flatMap(csvwColumn),
      expected: [],
      key: schema["primaryKey"] === undefined ? null : titled(schema["primaryKey"], url),
      links: objectsIn(schema["foreignKeys"]).flatMap((foreign) => {
        const { resource, columnReference } = objectOf(foreign["reference"]) ?? {};
        return linkOf(titled(foreign["columnReference"], url), resource, titled(columnReference, resource));
      }),
      delimiter: textOf(objectOf(table["dialect"] ?? root["dialect"])?.["delimiter"]),
      records: null,
      bytes: null,
      hash: null,
    };
  });
}

/** The header of a column: its title, or its name where it has none. */
function titleOf(column: JsonObject): string | null {
  const { titles } = column;
  const plain = textOf(titles) ?? textsIn(titles)[0] ?? null;
  const language = Object.values(objectOf(titles) ?? {})[0];
  return plain ?? textOf(language) ?? textsIn(language)[0] ?? textOf(column["name"]);
}

const CSVW: Readonly<Record<string, SemanticType>> = {
  string: "text",
  integer: "integer",
  int: "integer",
  long: "integer",
  nonNegativeInteger: "integer",
  decimal: "decimal",
  boolean: "boolean",
  date: "date",
  dateTimeStamp: "timestamp",
  json: "json",
};

function csvwColumn(column: JsonObject): DeclaredColumn[] {
  const name = titleOf(column);
  if (name === null) return [];
  const datatype = textOf(column["datatype"]) ?? textOf(objectOf(column["datatype"])?.["base"]);
  return [
    {
      name,
      type: CSVW[datatype ?? ""] ?? null,
      platformType: datatype,
      required: column["required"] === true,
      unique: false,
      options: null,
      maxLength: countOf(objectOf(column["datatype"])?.["maxLength"]),
    },
  ];
}

function linkOf(columns: unknown, table: unknown, targets: unknown): DeclaredTable["links"][number][] {
  const column = textOf(columns) ?? only(textsIn(columns));
  const target = textOf(targets) ?? only(textsIn(targets));
  return column === null || target === null || typeof table !== "string" ? [] : [{ column, table, target }];
}

function hashOf(text: string | null): DeclaredTable["hash"] {
  const match = /^(?:(md5|sha1|sha256):)?([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/iu.exec(text ?? "");
  if (match === null) return null;
  const value = (match[2] ?? "").toLowerCase();
  return { algorithm: value.length === 64 ? "sha256" : value.length === 40 ? "sha1" : "md5", value };
}

const HEX_DIGITS: Readonly<Record<string, number>> = { md5: 32, sha1: 40, sha256: 64 };

/** It names an algorithm that is known here and is not what that gives; hashes by others are nothing to compare with, and no fault. */
function isSpoiltHash(text: string | null): boolean {
  const [, algorithm = "", value = ""] = /^(md5|sha1|sha256):(.*)$/isu.exec(text ?? "") ?? [];
  return algorithm !== "" && (!/^[0-9a-f]*$/iu.test(value) || value.length !== HEX_DIGITS[algorithm.toLowerCase()]);
}

function countOf(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function only(values: readonly string[]): string | null {
  return values.length === 1 ? (values[0] ?? null) : null;
}

/** What a field takes over from its declaration. */
export function constraintsOf(column: DeclaredColumn | undefined): Pick<Field, "required" | "unique" | "options" | "maxLength"> {
  return {
    required: column?.required ?? false,
    unique: column?.unique ?? false,
    options: column?.options ?? null,
    maxLength: column?.maxLength ?? null,
  };
}
