/** An export of Directus, read: schema and documents are in memory, items and bytes of files are streams. */
import type { AccessEntry, Aspect, AspectState, ContentRecord, FileItem } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import type { Content, FormatContext, OriginalsContent } from "../../core/ports.ts";
import { type FileTree, quoted, readChunks, readStart, type TreeFile } from "../../kit/file-tree.ts";
import { isObject } from "../../kit/json.ts";
import { openStreams } from "../../kit/open-streams.ts";
import { accessOf, automationsOf, fileOf, originalsOf, peopleOf, settingsOf, viewsOf } from "../../products/directus/documents.ts";
import { asFormatError, readJson } from "../reading.ts";
import { recordReader } from "./cells.ts";
import { type ReadDocuments, readDocuments } from "./documents.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { findSchema, likenessOf, named, type SchemaPlace } from "./likeness.ts";
import { readRows } from "./rows.ts";
import { readSchema } from "./snapshot.ts";
import { type Survey, surveyRows } from "./survey.ts";
import { isTable, type Table, tablesOf } from "./tables.ts";

/**
 * @param tree the artifact's files, one under "" where it is a snapshot alone; `close` of the content closes it
 * @param checked whether a checksum of each was compared while it was unpacked
 * @throws AgentError `damaged` where there is no schema, or a file of it is cut off or broken; `limit` beyond a bound
 */
export async function readContent(tree: FileTree, checked: boolean, context: FormatContext): Promise<Content & OriginalsContent> {
  const names = named(tree.files.keys());
  const place = await schemaIn(tree, names);
  const schema = await readSchema(tree.files, place, context);
  const layout = layoutOf(tree.files, names, place, new Set(schema.snapshot.collections.filter(isTable).map((one) => one.collection)));
  const parts = await partsOf(layout, tree, context);
  const surveys = new Map<string, Survey>();
  for (const [collection, source] of layout.items) surveys.set(collection, await surveyRows(source, context, context.signal));
  const { tables, snapshot, problems, remarks } = tablesOf(schema.snapshot, surveys, parts.some);
  const read = await readDocuments(layout, snapshot, context);
  const files = filesOf(read, layout);
  const faults = [...tree.problems, ...schema.problems, ...problems, ...read.problems];
  const byId = new Map(tables.map((table) => [table.collection.id, table]));
  const streams = openStreams();
  const assertOpen = (): void => {
    if (closed) throw new AgentError("internal", "content-closed", "The content was closed.");
  };
  let closed = false;
  return {
    format: "directus",
    formatVersion: schema.version,
    createdAt: null,
    integrity: {
      complete: faults.length === 0,
      problems: [...faults, ...layout.remarks, ...remarks, ...read.remarks].slice(0, 40),
      checksums: checked ? { compared: tree.files.size, mismatched: [] } : null,
      plainSecrets: read.plainSecrets,
    },
    collections: tables.map((table) => table.collection),
    automations: [...automationsOf(read.documents), ...read.webhooks],
    credentials: [],
    files: files.items,
    access: apart([...accessOf(read.documents), ...peopleOf(read.people, read.documents)]),
    settings: settingsOf(read.documents),
    views: viewsOf(read.documents),
    aspects: aspectsOf(tables, surveys.size > 0, parts.content, read, layout),
    originals: (signal) => {
      signal.throwIfAborted();
      return Promise.resolve(originalsOf({ ...read.documents, files: read.files, snapshot: schema.snapshot }));
    },
    async *records(collectionId, signal) {
      signal.throwIfAborted();
      const table = byId.get(collectionId);
      if (table === undefined) throw new AgentError("not_found", "no-such-collection", "The export has no such collection.");
      assertOpen();
      const reader = recordReader(table, tables, snapshot);
      for await (const batch of streams.track(recordsIn(table, reader, context, signal))) {
        assertOpen();
        yield batch;
      }
    },
    async *fileBytes(fileId, signal) {
      signal.throwIfAborted();
      const file = files.bytes.get(fileId);
      if (file === undefined) throw new AgentError("not_found", "no-such-file", "The bytes of that file are not in the export.");
      assertOpen();
      try {
        yield* streams.track(readChunks(file.place, signal));
      } catch (thrown) {
        signal.throwIfAborted();
        throw asFormatError(thrown);
      }
    },
    async close() {
      closed = true;
      await streams.end();
      await tree.close();
    },
  };
}

async function schemaIn(tree: FileTree, names: readonly string[]): Promise<SchemaPlace> {
  const look = async (name: string, bytes: number): Promise<Uint8Array> => {
    const file = tree.files.get(name);
    return file === undefined ? new Uint8Array(0) : readStart(file.place, Math.min(bytes, file.bytes));
  };
  try {
    const alone = tree.files.has("") ? likenessOf(await look("", 8192)) : null;
    if (alone !== null && alone.confidence > 0) return { kind: "snapshot", name: "", others: [], likeness: alone };
    const place = await findSchema(names, look);
    if (place !== null) return place;
  } catch (thrown) {
    throw asFormatError(thrown);
  }
  throw new AgentError(
    "damaged",
    "directus-no-schema",
    "There is no schema snapshot of Directus in it, or it is cut off at its beginning.",
  );
}

/** Whether an extract of directus-template-cli says that it is one of parts, and with items. */
async function partsOf(
  layout: Layout,
  tree: FileTree,
  context: FormatContext,
): Promise<{ readonly some: boolean; readonly content: boolean }> {
  const file = layout.templateMeta === null ? undefined : tree.files.get(layout.templateMeta);
  const meta = file === undefined ? null : await readJson(file.place, quoted(layout.templateMeta ?? ""), context);
  if (!isObject(meta)) return { some: false, content: true };
  const components = isObject(meta["components"]) ? meta["components"] : {};
  return { some: meta["partial"] === true, content: components["content"] !== false };
}

async function* recordsIn(
  table: Table,
  reader: ReturnType<typeof recordReader>,
  context: FormatContext,
  signal: AbortSignal,
): AsyncGenerator<readonly ContentRecord[]> {
  if (table.source === null) return;
  for await (const batch of readRows(table.source, context, signal)) {
    const records = batch.map(reader).filter((record) => record !== null);
    if (records.length > 0) yield records;
  }
}

interface Files {
  readonly items: readonly FileItem[];
  /** By id of the file. */
  readonly bytes: ReadonlyMap<string, TreeFile>;
}

/** Bytes lie under the file's id, or under the name that Directus stores them by. */
function filesOf(read: ReadDocuments, { bytes }: Layout): Files {
  const stems = new Map([...(bytes ?? [])].map(([name, file]) => [name.replace(/\.[^.]*$/u, ""), file]));
  const found = new Map<string, TreeFile>();
  const items = new Map<string, FileItem>();
  for (const file of read.files) {
    const own = bytes?.get(file.id) ?? bytes?.get(file.filename_disk ?? "") ?? stems.get(file.id);
    if (own !== undefined) found.set(file.id, own);
    items.set(file.id, fileOf(file, bytes === null ? "outside" : own === undefined ? "missing" : "inside"));
  }
  return { items: [...items.values()], bytes: found };
}

/** Several rules may be of one policy, collection and action. */
function apart(entries: readonly AccessEntry[]): readonly AccessEntry[] {
  const seen = new Map<string, number>();
  return entries.map((entry) => {
    const count = (seen.get(entry.id) ?? 0) + 1;
    seen.set(entry.id, count);
    return count === 1 ? entry : { ...entry, id: `${entry.id}#${count}` };
  });
}

function aspectsOf(
  tables: readonly Table[],
  hasItems: boolean,
  meantItems: boolean,
  { present, documents }: ReadDocuments,
  layout: Layout,
): Record<Aspect, AspectState> {
  const when = (there: boolean, reason: string): AspectState => (there ? { included: true } : { included: false, reason });
  const without = (reason: string): AspectState => ({ included: false, reason });
  const beside = (what: string, names: string): string =>
    `a schema snapshot holds no ${what}, and ${names} ${names.includes(" ") ? "were" : "was"} not exported beside it`;
  const items = meantItems
    ? "only the structure was exported: a schema snapshot holds no items, and none lie beside it"
    : "it was extracted without content, as its template-meta.json says";
  const timed = tables.some(({ shape }) => shape.created !== null || shape.updated !== null);
  return {
    records: when(hasItems, items),
    links: when(hasItems, items),
    views: when(present.has("presets") || present.has("dashboards"), beside("presets and dashboards", "presets.json and dashboards.json")),
    automations: when(present.has("flows") || present.has("webhooks"), beside("flows", "flows.json")),
    credentials: without("passwords, tokens and keys are not given out by Directus; secrets in flows are looked for and never kept"),
    files: when(
      present.has("files") && layout.bytes !== null,
      present.has("files")
        ? "files are named, and their bytes lie in Directus' storage, which is no part of the export"
        : beside("files", "files.json"),
    ),
    access: when(
      documents.roles.length + documents.policies.length + documents.permissions.length + documents.access.length > 0,
      beside("roles, policies and permissions", "roles.json, policies.json, access.json and permissions.json"),
    ),
    settings: when(present.has("settings") || present.has("translations"), beside("settings", "settings.json")),
    templates: without("Directus has no templates of records; content versions and drafts are not read"),
    sequences: without("no export of Directus says which key comes next; Directus sets it behind the greatest key it is given"),
    timestamps: when(hasItems && timed, hasItems ? "no collection keeps when its items were made and changed" : items),
    audit: without("activity and revisions are not read: they are tied to users and cannot be written through the API"),
  };
}
