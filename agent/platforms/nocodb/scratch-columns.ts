/** Links and computed columns of a base that is restored: what points to other tables, once all of them are there. */
import type { Collection, Field } from "../../core/content.ts";
import type { Json } from "../../core/platform-ports.ts";
import { type Client, isRefusal } from "./client.ts";
import type { ColumnDocument, TableDocument } from "./documents.ts";
import { isLink } from "./model.ts";
import { type Column, ignoredSchema } from "./schema.ts";
import type { Mapping, Refusals } from "./restoring.ts";
import { COMPUTED } from "./values.ts";

/** A link that shows on two tables is made once, from the side that may hold several or that does not hold the key. */
export function writers(
  collections: readonly Collection[],
  documents: ReadonlyMap<string, TableDocument>,
): readonly { readonly collection: Collection; readonly field: Field; readonly kind: string }[] {
  const done = new Set<string>();
  const all = collections.flatMap((collection) =>
    collection.fields.flatMap((field) => {
      const relation = columnDocument(documents, collection.id, field.id)?.relation ?? null;
      const kind = relation?.["type"] ?? null;
      return field.link === null || kind === null ? [] : [{ collection, field, kind }];
    }),
  );
  const rank = (kind: string): number => (kind === "mm" || kind === "hm" ? 0 : kind === "oo" ? 1 : 2);
  return all
    .toSorted((a, b) => rank(a.kind) - rank(b.kind))
    .filter(({ field }) => {
      if (done.has(field.id)) return false;
      if (field.link?.reciprocal != null) done.add(field.link.reciprocal);
      return true;
    });
}

export function columnDocument(documents: ReadonlyMap<string, TableDocument>, table: string, column: string): ColumnDocument | undefined {
  return documents.get(table)?.columns.find((one) => one.id === column);
}

export async function addLinks(
  client: Client,
  collections: readonly Collection[],
  documents: ReadonlyMap<string, TableDocument>,
  mapping: Mapping,
  refusals: Refusals,
  signal: AbortSignal,
): Promise<void> {
  for (const { collection, field, kind } of writers(collections, documents)) {
    signal.throwIfAborted();
    const here = mapping.tables.get(collection.id);
    const there = mapping.tables.get(field.link?.collection ?? "");
    if (here === undefined || there === undefined) {
      refusals.add("links", "the link leads to a table that is not in the backup");
      continue;
    }
    // Belonging is made from the other side: the column that shows it here is the one that comes along.
    const turned = kind === "bt";
    const [parent, child] = turned ? [there, here] : [here, there];
    const before = new Set([...(await columnsOf(client, here, signal)), ...(await columnsOf(client, there, signal))].map((one) => one.id));
    const body = {
      title: turned ? `of ${field.id}` : field.name,
      uidt: kind === "oo" ? "LinkToAnotherRecord" : "Links",
      type: turned ? "hm" : kind,
      parentId: parent,
      childId: child,
    };
    const made = await refusals.attempt("links", "NocoDB does not take the link as it was", () =>
      client.send("POST", "/api/v2/meta/tables/{table}/columns", { table: parent }, body, ignoredSchema, signal),
    );
    if (made === null) continue;
    const fresh = [
      ...(await columnsOf(client, parent, signal)),
      ...(parent === child ? [] : await columnsOf(client, child, signal)),
    ].filter((column) => !before.has(column.id) && isLink(column));
    const own = fresh.find((column) => column.title === body.title);
    if (own === undefined) continue;
    const other = fresh.find((column) => column.id !== own.id && shows(own, column)) ?? null;
    mapping.columns.set(turned ? (field.link?.reciprocal ?? "") : field.id, own.id);
    const seen = turned ? field : fieldOf(collections, field.link?.collection ?? "", field.link?.reciprocal ?? null);
    if (other === null) continue;
    if (seen === null) {
      // A name people's columns need later.
      await rename(client, other, `of ${field.id}`, refusals, signal);
      continue;
    }
    mapping.columns.set(seen.id, other.id);
    if (other.title !== seen.name) await rename(client, other, seen.name, refusals, signal);
  }
}

export async function addComputed(
  client: Client,
  tables: readonly TableDocument[],
  mapping: Mapping,
  refusals: Refusals,
  signal: AbortSignal,
): Promise<void> {
  let waiting = tables.flatMap((table) => table.columns.filter((column) => COMPUTED.has(column.uidt)).map((column) => ({ table, column })));
  // One may be computed from another that comes later: as often as something was made, the rest is tried again.
  for (let made = 1; made > 0 && waiting.length > 0;) {
    made = 0;
    const still: typeof waiting = [];
    for (const one of waiting) {
      signal.throwIfAborted();
      const body = bodyOf(one.column, mapping);
      const table = mapping.tables.get(one.table.id) ?? "";
      const answer = body === null ? null : await orRefused(() => addColumn(client, table, body, one.column.title, signal));
      if (answer === null) still.push(one);
      else {
        made += 1;
        mapping.columns.set(one.column.id, answer.id);
      }
    }
    waiting = still;
  }
  for (const { column } of waiting)
    refusals.add("settings", `a column of the kind ${column.uidt} cannot be made through the API as it was`);
}

async function addColumn(client: Client, table: string, body: Json, title: string, signal: AbortSignal): Promise<Column | null> {
  await client.send("POST", "/api/v2/meta/tables/{table}/columns", { table }, body, ignoredSchema, signal);
  return (await columnsOf(client, table, signal)).find((column) => column.title === title) ?? null;
}

async function orRefused<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (thrown) {
    if (isRefusal(thrown)) return null;
    throw thrown;
  }
}

async function columnsOf(client: Client, table: string, signal: AbortSignal): Promise<readonly Column[]> {
  return (await client.table(table, signal)).columns;
}

function shows(one: Column, other: Column): boolean {
  const [a, b] = [one.colOptions, other.colOptions];
  if (a === null || b === null) return false;
  return a.fk_mm_model_id === null ? a.fk_child_column_id === b.fk_child_column_id : a.fk_mm_model_id === b.fk_mm_model_id;
}

function fieldOf(collections: readonly Collection[], collection: string, field: string | null): Field | null {
  return collections.find((one) => one.id === collection)?.fields.find((one) => one.id === field) ?? null;
}

async function rename(client: Client, column: Column, title: string, refusals: Refusals, signal: AbortSignal): Promise<void> {
  await refusals.attempt("links", "NocoDB does not give the other side of a link its name", () =>
    client.send("PATCH", "/api/v2/meta/columns/{column}", { column: column.id }, { ...renaming(column), title }, ignoredSchema, signal),
  );
}

function renaming(column: Column): Record<string, Json> {
  return { uidt: column.uidt, column_name: column.column_name };
}

function bodyOf(column: ColumnDocument, mapping: Mapping): Record<string, Json> | null {
  const relation = column.relation ?? {};
  const mapped = (name: string): string | null => mapping.columns.get(relation[name] ?? "") ?? null;
  const body = { title: column.title, uidt: column.uidt, meta: column.meta };
  const all = (parts: Record<string, string | null>): Record<string, Json> | null =>
    Object.values(parts).includes(null) ? null : { ...body, ...parts };
  switch (column.uidt) {
    case "Formula":
      return all({ formula_raw: relation["formula_raw"] ?? null, formula: relation["formula_raw"] ?? null });
    case "Rollup":
      return all({
        fk_relation_column_id: mapped("fk_relation_column_id"),
        fk_rollup_column_id: mapped("fk_rollup_column_id"),
        rollup_function: relation["rollup_function"] ?? null,
      });
    case "Lookup":
      return all({ fk_relation_column_id: mapped("fk_relation_column_id"), fk_lookup_column_id: mapped("fk_lookup_column_id") });
    case "QrCode":
      return all({ fk_qr_value_column_id: mapped("fk_qr_value_column_id") });
    case "Barcode":
      return all({
        fk_barcode_value_column_id: mapped("fk_barcode_value_column_id"),
        barcode_format: relation["barcode_format"] ?? "CODE128",
      });
    case "Button":
      return null;
    default:
      return body;
  }
}
