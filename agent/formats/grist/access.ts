/**
 * Access rules: each rule is a permission, each user attribute a role (it says what a person is to the rules), each public share a
 * share. Only digests leave: formulas name people. Who the document is shared with is kept in Grist's home database, not here.
 */
import type { AccessEntry } from "../../core/content.ts";
import type { Names } from "./collections.ts";
import type { GristDatabase } from "./database.ts";
import { digestRows, id, jsonOf, metaRows, text, type MetaRow } from "./metadata.ts";

const RULE_COLUMNS = [
  "id",
  "resource",
  "permissions",
  "principals",
  "aclFormula",
  "aclColumn",
  "aclFormulaParsed",
  "permissionsText",
  "userAttributes",
];
const DIGESTED = ["permissions", "principals", "aclFormula", "permissionsText", "userAttributes"];

export function readAccess(database: GristDatabase, names: Names, maxRows: number): AccessEntry[] {
  const resources = new Map(
    metaRows(database, "_grist_ACLResources", ["id", "tableId", "colIds"], maxRows).map((row) => [id(row, "id"), row]),
  );
  const rules = metaRows(database, "_grist_ACLRules", RULE_COLUMNS, maxRows);
  const shares = metaRows(database, "_grist_Shares", ["id", "linkId", "options"], maxRows);
  return [
    ...rules.map((row) => readRule(row, resources.get(id(row, "resource")), names)),
    ...shares.map((row): AccessEntry => ({ kind: "share", id: `share ${id(row, "id")}`, digest: digestRows([row]), broken: null })),
  ];
}

function readRule(row: MetaRow, resource: MetaRow | undefined, names: Names): AccessEntry {
  const attributes = text(row, "userAttributes");
  const about = { tableId: resource?.["tableId"] ?? null, colIds: resource?.["colIds"] ?? null };
  return {
    kind: attributes === "" ? "permission" : "role",
    id: `rule ${id(row, "id")}`,
    digest: digestRows([{ ...about, ...Object.fromEntries(DIGESTED.map((column) => [column, row[column] ?? null])) }]),
    broken: brokenResource(resource, names) ?? brokenAttributes(attributes, names) ?? brokenFormula(row, resource, names),
  };
}

/** `*` is every table or column; a name that starts with `*` is one of Grist's special resources; empty is the default of new documents. */
function brokenResource(resource: MetaRow | undefined, names: Names): string | null {
  if (resource === undefined) return "not found: what the rule is about";
  const tableId = text(resource, "tableId");
  if (tableId === "" || tableId.startsWith("*")) return null;
  const columns = names.columnsOf.get(tableId);
  if (columns === undefined) return `not found: table ${tableId}`;
  const lost = text(resource, "colIds")
    .split(",")
    .map((colId) => colId.trim())
    .filter((colId) => colId !== "" && colId !== "*" && !columns.has(colId));
  return lost.length === 0 ? null : `not found: ${lost.map((colId) => `column ${tableId}.${colId}`).join(", ")}`;
}

/** A user attribute looks a person up: `{ name, tableId, lookupColId, charId }`. */
function brokenAttributes(attributes: string, names: Names): string | null {
  if (attributes === "") return null;
  const parsed = jsonOf(attributes) as { tableId?: unknown; lookupColId?: unknown } | null | undefined;
  if (typeof parsed?.tableId !== "string" || typeof parsed.lookupColId !== "string") return "the user attribute cannot be read";
  const columns = names.columnsOf.get(parsed.tableId);
  if (columns === undefined) return `not found: table ${parsed.tableId}`;
  return columns.has(parsed.lookupColId) ? null : `not found: column ${parsed.tableId}.${parsed.lookupColId}`;
}

/** The parsed formula is a tree of arrays; `rec.X` is `["Attr", ["Name", "rec"], "X"]`. */
function brokenFormula(row: MetaRow, resource: MetaRow | undefined, names: Names): string | null {
  const tableId = resource === undefined ? "" : text(resource, "tableId");
  const columns = names.columnsOf.get(tableId);
  const tree = jsonOf(text(row, "aclFormulaParsed"));
  if (columns === undefined || tree === undefined) return null;
  const lost = [...recordColumns(tree, 0)].find((colId) => !columns.has(colId));
  return lost === undefined ? null : `not found: column ${tableId}.${lost} of its condition`;
}

function* recordColumns(node: unknown, depth: number): Iterable<string> {
  if (!Array.isArray(node) || depth > 100) return;
  const [kind, subject, attribute] = node as unknown[];
  const isRecord = Array.isArray(subject) && subject[0] === "Name" && (subject[1] === "rec" || subject[1] === "newRec");
  if (kind === "Attr" && isRecord && typeof attribute === "string") yield attribute;
  else for (const child of node.slice(1)) yield* recordColumns(child, depth + 1);
}
