/** Webhooks, switched off, and views of a base that is restored. */
import { type Client } from "./client.ts";
import type { FilterDocument, TableDocument, ViewDocument } from "./documents.ts";
import type { Mapping, Refusals } from "./restoring.ts";
import { createdSchema, ignoredSchema } from "./schema.ts";

const VIEW_PATHS: Readonly<Record<number, string>> = { 1: "forms", 2: "galleries", 3: "grids", 4: "kanbans" };

/** Switched off before there is any record that could set them off. */
export async function addHooks(
  client: Client,
  table: TableDocument,
  mapping: Mapping,
  refusals: Refusals,
  signal: AbortSignal,
): Promise<void> {
  for (const hook of table.hooks) {
    const body = {
      title: hook.title,
      description: hook.description,
      version: "v3",
      event: hook.event,
      operation: hook.operation,
      condition: hook.condition,
      notification: hook.notification,
      active: false,
    };
    const path = "/api/v2/meta/tables/{table}/hooks";
    const made = await refusals.attempt("automations", "NocoDB does not take the webhook as it was", () =>
      client.send("POST", path, { table: mapping.tables.get(table.id) ?? "" }, body, createdSchema, signal),
    );
    if (made !== null) await addFilters(client, "/api/v2/meta/hooks/{owner}/filters", made.id, hook.filters, mapping, refusals, signal);
  }
}

export async function addViews(
  client: Client,
  table: TableDocument,
  mapping: Mapping,
  refusals: Refusals,
  signal: AbortSignal,
): Promise<void> {
  const id = mapping.tables.get(table.id) ?? "";
  const first = (await client.table(id, signal)).views[0];
  let unused = first?.id ?? null;
  for (const view of table.views) {
    let made: string | null = null;
    if (view.type === 3 && unused !== null) {
      made = unused;
      unused = null;
      await client.send("PATCH", "/api/v2/meta/views/{view}", { view: made }, { title: view.title }, ignoredSchema, signal);
    } else made = await createView(client, id, view, mapping, refusals, signal);
    if (made === null) continue;
    const owner = made;
    await addFilters(client, "/api/v2/meta/views/{owner}/filters", owner, view.filters, mapping, refusals, signal);
    for (const sort of view.sorts) {
      const column = mapping.columns.get(sort.column ?? "");
      if (column === undefined) refusals.add("views", "a sort names a field that is not restored");
      else
        await refusals.attempt("views", "NocoDB does not take a sort as it was", () =>
          client.send(
            "POST",
            "/api/v2/meta/views/{view}/sorts",
            { view: owner },
            { fk_column_id: column, direction: sort.direction },
            ignoredSchema,
            signal,
          ),
        );
    }
  }
}

async function createView(
  client: Client,
  table: string,
  view: ViewDocument,
  mapping: Mapping,
  refusals: Refusals,
  signal: AbortSignal,
): Promise<string | null> {
  const kind = VIEW_PATHS[view.type];
  if (kind === undefined) {
    refusals.add("views", "calendar and map views are not restored");
    return null;
  }
  const grouping = mapping.columns.get(view.grouping ?? "");
  const body = { title: view.title, ...(grouping === undefined ? {} : { fk_grp_col_id: grouping }) };
  const made = await refusals.attempt("views", "NocoDB does not take the view as it was", () =>
    client.send("POST", `/api/v2/meta/tables/{table}/${kind}`, { table }, body, createdSchema, signal),
  );
  return made?.id ?? null;
}

/** Groups before what lies in them. */
async function addFilters(
  client: Client,
  path: string,
  owner: string,
  filters: readonly FilterDocument[],
  mapping: Mapping,
  refusals: Refusals,
  signal: AbortSignal,
): Promise<void> {
  const made = new Map<string, string>();
  const waiting = [...filters];
  for (let rounds = filters.length; rounds >= 0 && waiting.length > 0; rounds -= 1) {
    for (const filter of waiting.splice(0)) {
      const parent = filter.parent === null ? null : made.get(filter.parent);
      if (parent === undefined) {
        waiting.push(filter);
        continue;
      }
      const column = filter.column === null ? null : mapping.columns.get(filter.column);
      if (column === undefined) {
        refusals.add("views", "a filter names a field that is not restored");
        continue;
      }
      const body = {
        fk_parent_id: parent,
        fk_column_id: column,
        is_group: filter.group,
        logical_op: filter.logical,
        comparison_op: filter.op,
        comparison_sub_op: filter.subOp,
        value: filter.value,
      };
      const one = await refusals.attempt("views", "NocoDB does not take a filter as it was", () =>
        client.send("POST", path, { owner }, body, createdSchema, signal),
      );
      if (one !== null) made.set(filter.id, one.id);
    }
  }
  for (const _ of waiting) refusals.add("views", "a filter lies in a group that is not restored");
}
