/** A backup into a base of ours: tables, webhooks switched off, links and computed columns, views, and only then records. */
import type { Collection } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import type { Json, LoadOutcome, RestoreSet } from "../../core/platform-ports.ts";
import { type Client, isRefusal } from "./client.ts";
import {
  type ColumnDocument,
  type Documents,
  documentsSchema,
  type FilterDocument,
  type TableDocument,
  type ViewDocument,
} from "./documents.ts";
import { createdSchema, ignoredSchema, type Table } from "./schema.ts";
import { addComputed, addLinks } from "./scratch-columns.ts";
import { insertRecords, setLinks } from "./scratch-records.ts";
import { COMPUTED } from "./values.ts";

/** Ids of the backup to those of the workspace. */
export interface Mapping {
  readonly tables: Map<string, string>;
  readonly columns: Map<string, string>;
}

/** What could not be put in, counted by its reason. */
export class Refusals {
  readonly #counts = new Map<string, { aspect: string; reason: string; count: number }>();

  add(aspect: string, reason: string): void {
    const known = this.#counts.get(`${aspect} ${reason}`) ?? { aspect, reason, count: 0 };
    known.count += 1;
    this.#counts.set(`${aspect} ${reason}`, known);
  }

  /** Does the work; where the product refuses it, that is noted and null given back. */
  async attempt<T>(aspect: string, reason: string, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      this.add(aspect, reason);
      return null;
    }
  }

  all(): LoadOutcome["refused"] {
    return [...this.#counts.values()];
  }
}

const VIEW_PATHS: Readonly<Record<number, string>> = { 1: "forms", 2: "galleries", 3: "grids", 4: "kanbans" };

export async function loadBase(client: Client, base: string, set: RestoreSet, signal: AbortSignal): Promise<LoadOutcome> {
  const documents = documentsOf(set);
  const byId = new Map(documents.tables.map((table) => [table.id, table]));
  const refusals = new Refusals();
  const mapping: Mapping = { tables: new Map(), columns: new Map() };
  for (const collection of set.collections) {
    signal.throwIfAborted();
    const made = await createTable(client, base, collection, byId.get(collection.id), signal);
    mapping.tables.set(collection.id, made.id);
    for (const field of collection.fields) {
      const column = made.columns.find((one) => one.title === field.name);
      if (column !== undefined) mapping.columns.set(field.id, column.id);
    }
    for (const other of byId.get(collection.id)?.others ?? []) {
      const column = made.columns.find((one) => one.title === other.title);
      if (column !== undefined) mapping.columns.set(other.id, column.id);
    }
  }
  const restored = documents.tables.filter((table) => mapping.tables.has(table.id));
  await addLinks(client, set.collections, byId, mapping, refusals, signal);
  await addComputed(client, restored, mapping, refusals, signal);
  for (const table of restored) await addHooks(client, table, mapping, refusals, signal);
  for (const table of restored) await addViews(client, table, mapping, refusals, signal);
  const members = new Set((await client.users(base, signal)).map((user) => user.id));
  const keys = new Map<string, ReadonlyMap<string, string>>();
  const claimed = new Map<string, number>();
  for (const collection of set.collections) {
    const given = await insertRecords(client, collection, set, mapping, members, refusals, signal);
    keys.set(collection.id, given);
    claimed.set(collection.id, given.size);
  }
  await setLinks(client, set, keys, mapping, refusals, signal);
  return { claimed, keys, refused: refusals.all() };
}

/** @throws AgentError `unsupported` where the backup is not one of this connector */
export function documentsOf(set: Pick<RestoreSet, "originals">): Documents {
  const parsed = documentsSchema.safeParse(set.originals["nocodb"]);
  if (parsed.success) return parsed.data;
  throw new AgentError("unsupported", "no-originals", "nocodb: The backup does not hold NocoDB's own documents, which a restore needs.", {
    mend: "restore from a capture that this agent made",
  });
}

async function createTable(
  client: Client,
  base: string,
  collection: Collection,
  document: TableDocument | undefined,
  signal: AbortSignal,
): Promise<Table> {
  const columns = collection.fields
    .filter((field) => field.link === null && !COMPUTED.has(field.platformType))
    .map((field, at) =>
      columnBody(
        field.name,
        field.platformType,
        at,
        document?.columns.find((column) => column.id === field.id),
      ),
    );
  const body = {
    title: collection.name,
    table_name: `t${collection.id}`,
    columns: [{ title: "Id", column_name: "id", uidt: "ID" }, ...columns],
  };
  const made = await client.send("POST", "/api/v2/meta/bases/{base}/tables", { base }, body, createdSchema, signal);
  return client.table(made.id, signal);
}

function columnBody(title: string, uidt: string, at: number, document: ColumnDocument | undefined): Json {
  const options = document?.options ?? [];
  return {
    title,
    // Names in the database are ours: people's titles need not fit there.
    column_name: `c${at}`,
    uidt,
    pv: document?.display === true,
    ...(document === undefined ? {} : { meta: document.meta, cdf: document.default, description: document.description }),
    ...(options.length === 0
      ? {}
      : { colOptions: { options: options.map((option, order) => ({ title: option.title, color: option.color, order: order + 1 })) } }),
  };
}

/** Switched off before there is any record that could set them off. */
async function addHooks(client: Client, table: TableDocument, mapping: Mapping, refusals: Refusals, signal: AbortSignal): Promise<void> {
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

async function addViews(client: Client, table: TableDocument, mapping: Mapping, refusals: Refusals, signal: AbortSignal): Promise<void> {
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
