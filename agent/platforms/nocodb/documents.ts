/** NocoDB's own documents, as a restore needs them: no secret, nothing that changes by itself. */
import { z } from "zod";
import type { Json } from "../../core/platform-ports.ts";
import type { Base, Column, Filter, Hook, Sort, Table, View } from "./schema.ts";

const nullable = z.string().nullable();
const json = z.json();

const filterDocument = z.object({
  id: z.string(),
  parent: nullable,
  column: nullable,
  group: z.boolean(),
  logical: nullable,
  op: nullable,
  subOp: nullable,
  value: json,
});
const columnDocument = z.object({
  id: z.string(),
  title: z.string(),
  uidt: z.string(),
  display: z.boolean(),
  default: nullable,
  description: nullable,
  meta: z.record(z.string(), json),
  options: z.array(z.object({ title: z.string(), color: nullable })),
  /** Of links and computed columns. */
  relation: z.record(z.string(), z.string().nullable()).nullable(),
});
const viewDocument = z.object({
  id: z.string(),
  title: z.string(),
  type: z.number(),
  grouping: nullable,
  filters: z.array(filterDocument),
  sorts: z.array(z.object({ column: nullable, direction: nullable })),
});
const hookDocument = z.object({
  id: z.string(),
  title: z.string(),
  description: nullable,
  event: nullable,
  operation: z.array(z.string()),
  condition: z.boolean(),
  notification: z.record(z.string(), json),
  filters: z.array(filterDocument),
});
const tableDocument = z.object({
  id: z.string(),
  title: z.string(),
  columns: z.array(columnDocument),
  /** Its key and what the product keeps for itself: filters, sorts and rollups may name them. */
  others: z.array(z.object({ id: z.string(), title: z.string() })),
  views: z.array(viewDocument),
  hooks: z.array(hookDocument),
});
export const documentsSchema = z.object({
  base: z.object({ title: z.string(), description: nullable, color: nullable }),
  tables: z.array(tableDocument),
  members: z.array(z.object({ id: z.string(), role: z.string() })),
});
export type Documents = z.infer<typeof documentsSchema>;
export type TableDocument = z.infer<typeof tableDocument>;
export type ColumnDocument = z.infer<typeof columnDocument>;
export type ViewDocument = z.infer<typeof viewDocument>;
export type HookDocument = z.infer<typeof hookDocument>;
export type FilterDocument = z.infer<typeof filterDocument>;

export function baseDocument(base: Base): Documents["base"] {
  return { title: base.title, description: base.description, color: base.color };
}

export function columnOf(column: Column): ColumnDocument {
  const { options, formula_raw: formula, formula: _byIds, ...rest } = column.colOptions ?? {};
  const relation = column.colOptions === null ? null : { ...rest, formula_raw: formula ?? null };
  // How wide people made a column in their first view says nothing of the data.
  const { defaultViewColOrder: _order, defaultViewColVisibility: _visibility, ...meta } = column.meta;
  return {
    id: column.id,
    title: column.title,
    uidt: column.uidt,
    display: column.pv,
    default: column.cdf,
    description: column.description,
    meta: meta as ColumnDocument["meta"],
    options: (options ?? []).map(({ title, color }) => ({ title, color })),
    relation,
  };
}

export function viewOf(view: View, filters: readonly Filter[], sorts: readonly Sort[]): ViewDocument {
  return {
    id: view.id,
    title: view.title,
    type: view.type,
    grouping: view.view?.fk_grp_col_id ?? null,
    filters: filters.map(filterOf),
    sorts: sorts.map((sort) => ({ column: sort.fk_column_id, direction: sort.direction })),
  };
}

export function hookOf(hook: Hook, filters: readonly Filter[]): HookDocument {
  return {
    id: hook.id,
    title: hook.title,
    description: hook.description,
    event: hook.event,
    operation: [...hook.operation].sort(),
    condition: hook.condition,
    notification: withoutSecrets(hook.notification) as HookDocument["notification"],
    filters: filters.map(filterOf),
  };
}

export function tableOf(
  table: Table,
  parts: { readonly columns: readonly Column[]; readonly views: readonly ViewDocument[]; readonly hooks: readonly HookDocument[] },
): TableDocument {
  const shown = new Set(parts.columns.map((column) => column.id));
  return {
    id: table.id,
    title: table.title,
    columns: parts.columns.map(columnOf),
    others: table.columns.filter((column) => !shown.has(column.id)).map(({ id, title }) => ({ id, title })),
    views: [...parts.views],
    hooks: [...parts.hooks],
  };
}

/** Whether columns that filters and sorts name are among those of the table. */
export function brokenPart(view: ViewDocument, columns: ReadonlySet<string>): string | null {
  const lost = (id: string | null): boolean => id !== null && !columns.has(id);
  if (view.filters.some((filter) => lost(filter.column))) return "not found: a field it filters by";
  if (view.sorts.some((sort) => lost(sort.column))) return "not found: a field it sorts by";
  return lost(view.grouping) ? "not found: the field it groups by" : null;
}

const SECRET = /authori[sz]ation|cookie|token|secret|passw|api[-_]?key|credential|signature/iu;

/**
 * A webhook may carry tokens in its headers, parameters, address or login. Their places stay, what they hold does not: a restored webhook
 * has to be given it anew.
 */
export function withoutSecrets(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value === "string") return withoutAddressSecrets(value);
  if (typeof value !== "object" || value === null) return value;
  const named = "name" in value && "value" in value && typeof value["name"] === "string" && SECRET.test(value["name"]);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key === "auth" || SECRET.test(key) || (named && key === "value")) return [key, ""];
      return [key, withoutSecrets(inner)];
    }),
  );
}

function withoutAddressSecrets(text: string): string {
  if (!/^https?:\/\//u.test(text) || !URL.canParse(text)) return text;
  const url = new URL(text);
  if (url.password === "" && url.username === "" && ![...url.searchParams.keys()].some((name) => SECRET.test(name))) return text;
  url.username = "";
  url.password = "";
  for (const name of [...url.searchParams.keys()]) if (SECRET.test(name)) url.searchParams.set(name, "");
  return url.toString();
}

function filterOf(filter: Filter): FilterDocument {
  return {
    id: filter.id,
    parent: filter.fk_parent_id,
    column: filter.fk_column_id,
    group: filter.is_group,
    logical: filter.logical_op,
    op: filter.comparison_op,
    subOp: filter.comparison_sub_op,
    value: filter.value ?? null,
  };
}
