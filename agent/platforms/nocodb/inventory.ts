/** Everything of a base that is no record: read in one go, the same as long as nobody changes anything. */
import type { AccessEntry, Aspect, AspectState, Automation, FileItem, Setting, View } from "../../core/content.ts";
import { sha256Hex } from "../../core/ids.ts";
import type { LiveInventory } from "../../core/platform-ports.ts";
import { canonicalJson } from "../../kit/json.ts";
import { mapLimit } from "../../kit/map-limit.ts";
import { type Client, MOST_ROWS } from "./client.ts";
import * as documents from "./documents.ts";
import { unexpected } from "./errors.ts";
import { collectionOf, keyColumn, visibleColumns } from "./model.ts";
import type { Attachment, Base, Table } from "./schema.ts";
import { attachmentsOf, fileIdOf } from "./values.ts";
import { all, compared, keyText } from "./where.ts";

/** Where an attachment lies, to ask for a fresh address. */
export interface FilePlace {
  readonly table: string;
  readonly key: string;
  readonly column: string;
  readonly attachment: Attachment;
}

export interface Read {
  readonly inventory: LiveInventory;
  readonly files: ReadonlyMap<string, FilePlace>;
}

const VIEW_TYPES: Readonly<Record<number, string>> = { 1: "form", 2: "gallery", 3: "grid", 4: "kanban", 5: "map", 6: "calendar" };
const CONCURRENT = 4;
const digestOf = (value: unknown): string => sha256Hex(canonicalJson(value));

const here: AspectState = { included: true };
const ASPECTS: Readonly<Record<Aspect, AspectState>> = {
  records: here,
  links: here,
  views: here,
  automations: here,
  credentials: { included: false, reason: "tokens and passwords inside webhooks are left out: a webhook has to be given them anew" },
  files: here,
  access: here,
  settings: here,
  templates: { included: false, reason: "NocoDB has no templates of records" },
  sequences: { included: false, reason: "NocoDB does not tell which Id comes next" },
  timestamps: here,
  audit: { included: false, reason: "comments and the history of records can only be read record by record" },
};

export async function readInventory(client: Client, baseId: string, signal: AbortSignal): Promise<Read> {
  const base = await client.base(baseId, signal);
  const listed = await client.tables(baseId, signal);
  // A view of the database beneath has neither keys nor rows of its own.
  const wanted = listed.filter((table) => table.type !== "view");
  const tables = await mapLimit(wanted, CONCURRENT, (table) => client.table(table.id, signal));
  const byId = new Map(tables.map((table) => [table.id, table]));
  const parts = await mapLimit(tables, CONCURRENT, (table) => partsOf(client, table, signal));
  const [members, visibility] = [await client.users(baseId, signal), await client.visibility(baseId, signal)];
  const docs: documents.Documents = {
    base: documents.baseDocument(base),
    tables: parts.map((part) => part.document),
    members: members.map(({ id, roles }) => ({ id, role: roles ?? "" })).sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
  const files = new Map(parts.flatMap((part) => part.files.map((file): [string, FilePlace] => [fileIdOf(file.attachment), file])));
  const inventory: LiveInventory = {
    collections: tables.map((table, at) => collectionOf(table, byId, parts[at]?.count ?? 0)),
    automations: parts.flatMap((part) => part.automations),
    credentials: [],
    files: [...files].map(([id, place]) => fileItem(id, place.attachment)),
    access: accessOf(docs.members, visibility, base, tables),
    settings: settingsOf(docs, tables),
    views: parts.flatMap((part) => viewsOf(part.document)),
    aspects: ASPECTS,
    originals: { nocodb: docs },
  };
  return { inventory, files };
}

interface Parts {
  readonly document: documents.TableDocument;
  readonly automations: readonly Automation[];
  readonly count: number;
  readonly files: readonly FilePlace[];
}

async function partsOf(client: Client, table: Table, signal: AbortSignal): Promise<Parts> {
  const views: documents.ViewDocument[] = [];
  for (const view of table.views.toSorted((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1))) {
    const [filters, sorts] = [await client.filters(view.id, signal), await client.sorts(view.id, signal)];
    views.push(documents.viewOf(view, filters, sorts));
  }
  const hooks: documents.HookDocument[] = [];
  const automations: Automation[] = [];
  for (const hook of await client.hooks(table.id, signal)) {
    const document = documents.hookOf(hook, hook.condition ? await client.hookFilters(hook.id, signal) : []);
    hooks.push(document);
    const { id: _id, ...body } = document;
    automations.push({
      id: hook.id,
      name: hook.title,
      active: hook.active,
      trigger: `${hook.event ?? "?"} ${document.operation.join(", ")}`,
      references: [{ kind: "collection", target: table.id, resolved: true }],
      bodyDigest: digestOf(body),
    });
  }
  const columns = visibleColumns(table);
  return {
    document: documents.tableOf(table, { columns, views, hooks }),
    automations,
    count: await client.count(table.id, signal),
    files: await filesOf(client, table, signal),
  };
}

/** Attachments lie in cells: every table with such a column is walked, those columns only. */
async function filesOf(client: Client, table: Table, signal: AbortSignal): Promise<readonly FilePlace[]> {
  const columns = visibleColumns(table).filter((column) => column.uidt === "Attachment");
  const key = keyColumn(table);
  const found: FilePlace[] = [];
  if (columns.length === 0) return found;
  for (let after: string | null = null; ;) {
    signal.throwIfAborted();
    const where: string | undefined = after === null ? undefined : all(compared(key.id, "gt", after));
    const fields = [key.id, ...columns.map((column) => column.id)];
    const page = await client.rows(table.id, { fields, where, sort: key.id, limit: MOST_ROWS }, signal);
    for (const row of page.list)
      for (const column of columns)
        for (const attachment of attachmentsOf(row[column.title]))
          found.push({ table: table.id, key: keyText(row[key.title]) ?? "", column: column.id, attachment });
    if (page.pageInfo.isLastPage) return found;
    after = keyText(page.list.at(-1)?.[key.title]);
    if (after === null) throw unexpected("an empty page that is not the last one");
  }
}

function fileItem(id: string, attachment: Attachment): FileItem {
  return {
    id,
    name: attachment.title ?? id,
    bytes: attachment.size ?? null,
    declaredType: attachment.mimetype,
    declaredDigest: null,
    // An address of another host is a mere link, unless the product holds the file.
    presence: attachment.path === null && attachment.signedPath === null && attachment.signedUrl === null ? "outside" : "inside",
  };
}

function accessOf(
  members: documents.Documents["members"],
  visibility: readonly { readonly id: string; readonly disabled: Readonly<Record<string, boolean>> }[],
  base: Base,
  tables: readonly Table[],
): readonly AccessEntry[] {
  const entry = (kind: AccessEntry["kind"], id: string, grants: unknown): AccessEntry => ({
    kind,
    id,
    digest: digestOf(grants),
    broken: null,
  });
  const hidden = visibility.map((rule) => ({
    id: rule.id,
    roles: Object.keys(rule.disabled).filter((role) => rule.disabled[role] === true),
  }));
  const shared = tables.flatMap((table) => table.views.filter((view) => view.uuid !== null));
  return [
    ...members.map((member) => entry("membership", member.id, { role: member.role })),
    ...hidden.filter((rule) => rule.roles.length > 0).map((rule) => entry("permission", rule.id, { hiddenFrom: rule.roles.sort() })),
    ...(base.uuid === null ? [] : [entry("share", base.id, { whole: true })]),
    ...shared.map((view) => entry("share", view.id, { view: view.id })),
  ];
}

function settingsOf(docs: documents.Documents, tables: readonly Table[]): readonly Setting[] {
  const computed = docs.tables.flatMap((table) =>
    table.columns
      .filter((column) => column.relation !== null && column.relation["type"] === null)
      .map((column) => ({ id: `column/${column.id}`, digest: digestOf([column.uidt, column.relation]) })),
  );
  return [
    { id: "base", digest: digestOf(docs.base) },
    ...tables.map((table) => ({ id: `table/${table.id}`, digest: digestOf(table.title) })),
    ...computed,
  ];
}

function viewsOf(table: documents.TableDocument): readonly View[] {
  const columns = new Set([...table.columns, ...table.others].map((column) => column.id));
  return table.views.map((view) => ({
    id: view.id,
    name: view.title,
    type: VIEW_TYPES[view.type] ?? `view ${view.type}`,
    collection: table.id,
    broken: documents.brokenPart(view, columns),
  }));
}
