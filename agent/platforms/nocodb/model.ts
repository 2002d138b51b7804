/** Tables of NocoDB as collections, and how each link is kept. Pure. */
import type { Collection, Field } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import type { Column, Table } from "./schema.ts";
import { COMPUTED, semanticType } from "./values.ts";

const LINKS: ReadonlySet<string> = new Set(["Links", "LinkToAnotherRecord"]);

/** Where the pairs of a link lie. */
export type LinkStore =
  /** In a column of this table. */
  | { readonly kind: "own"; readonly column: string }
  /** In a column of the other table. */
  | { readonly kind: "other"; readonly table: string; readonly column: string }
  /** In a table of its own: the column that points here, and the one that points there. */
  | { readonly kind: "junction"; readonly table: string; readonly here: string; readonly there: string }
  /** Only the product knows: it is asked record by record. */
  | { readonly kind: "asked" };

export function isLink(column: Column): boolean {
  return LINKS.has(column.uidt) && column.colOptions?.type != null;
}

/** The column that tells records apart. @throws AgentError `unsupported` where there is none, or more than one */
export function keyColumn(table: Table): Column {
  const keys = table.columns.filter((column) => column.pk);
  const [key] = keys;
  if (key === undefined || keys.length > 1)
    throw new AgentError("unsupported", "table-without-key", `nocodb: The table ${table.id} has ${keys.length} primary keys.`, {
      mend: "give it one column as primary key; without it records cannot be told apart",
    });
  return key;
}

export function linkStore(column: Column, table: Table, tables: ReadonlyMap<string, Table>): LinkStore {
  const link = column.colOptions;
  const related = tables.get(link?.fk_related_model_id ?? "");
  if (link === null || related === undefined) return { kind: "asked" };
  const ids = (one: Table, id: string | null): boolean => id !== null && keyColumn(one).id === id;
  const { fk_child_column_id: child, fk_parent_column_id: parent } = link;
  if (link.fk_mm_model_id !== null) {
    const { fk_mm_child_column_id: here, fk_mm_parent_column_id: there } = link;
    // What a junction holds are keys only where the link was not made over other columns.
    const keys = ids(table, child) && ids(related, parent);
    return keys && here !== null && there !== null ? { kind: "junction", table: link.fk_mm_model_id, here, there } : { kind: "asked" };
  }
  if (child === null) return { kind: "asked" };
  const pointsAway = link.type === "bt" || (link.type === "oo" && column.meta["bt"] === true);
  if (pointsAway) return ids(related, parent) ? { kind: "own", column: child } : { kind: "asked" };
  return ids(table, parent) ? { kind: "other", table: related.id, column: child } : { kind: "asked" };
}

/** The column of the other table that shows the same pairs, or null where nobody sees one. */
export function reciprocalOf(column: Column, table: Table, tables: ReadonlyMap<string, Table>): Column | null {
  const link = column.colOptions;
  const related = tables.get(link?.fk_related_model_id ?? "");
  if (link === null || related === undefined) return null;
  const found = related.columns.find((other) => {
    const back = other.colOptions;
    if (other.id === column.id || other.system || !isLink(other) || back === null || back.fk_related_model_id !== table.id) return false;
    if (link.fk_mm_model_id !== null)
      return back.fk_mm_model_id === link.fk_mm_model_id && back.fk_mm_child_column_id === link.fk_mm_parent_column_id;
    return back.fk_mm_model_id === null && back.fk_child_column_id === link.fk_child_column_id;
  });
  return found ?? null;
}

/** What people see of a table: neither its key, nor what the product keeps for itself. */
export function visibleColumns(table: Table): readonly Column[] {
  return table.columns
    .filter((column) => !column.pk && !column.system && column.uidt !== "ForeignKey" && column.uidt !== "Order")
    .toSorted((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1));
}

export function collectionOf(table: Table, tables: ReadonlyMap<string, Table>, records: number): Collection {
  const key = keyColumn(table);
  return {
    id: table.id,
    name: table.title,
    fields: visibleColumns(table).map((column) => fieldOf(column, table, tables)),
    keyKind: key.uidt === "ID" ? "platform" : "natural",
    declaredRecords: records,
    computed: false,
    nextKey: null,
  };
}

function fieldOf(column: Column, table: Table, tables: ReadonlyMap<string, Table>): Field {
  const link = isLink(column) ? column.colOptions : null;
  const many = link?.type === "hm" || link?.type === "mm";
  const choices = column.uidt === "SingleSelect" || column.uidt === "MultiSelect" ? column.colOptions?.options : undefined;
  return {
    id: column.id,
    name: column.title,
    platformType: column.uidt,
    type: link === null ? semanticType(column.uidt) : many ? "links" : "link",
    computed: COMPUTED.has(column.uidt),
    required: column.rqd,
    unique: column.unique || column.un,
    options: choices?.map((option) => option.title).sort() ?? null,
    link:
      link === null
        ? null
        : { collection: link.fk_related_model_id ?? "", many, reciprocal: reciprocalOf(column, table, tables)?.id ?? null },
    maxLength: null,
    ...formulaOf(column),
    // SQLite keeps what is sent: a Number column takes 1.5.
    ...(column.uidt === "Number" ? { lenient: true } : {}),
  };
}

/** NocoDB keeps a formula by the ids of its columns; the text people wrote goes on naming them as they were called then. */
function formulaOf(column: Column): { readonly formula?: string } {
  const formula = column.uidt === "Formula" ? column.colOptions?.formula : null;
  return formula === null || formula === undefined ? {} : { formula };
}
