/** A Content that is watched while it is read: for progress, and for counting links where not everything is loaded. */
import { LIST_TYPES, type Collection, type ContentRecord } from "../core/content.ts";
import type { BulkContent, Content, TemplateContent } from "../core/ports.ts";

export interface ObservedContent {
  readonly content: Content;
  /** Filled references of stored link fields, over the first whole reading of each collection. */
  links(): number;
}

/** @param onRecords told how many records were handed over so far; a collection that is read twice counts twice */
export function observeContent(content: Content, onRecords: (records: number) => void): ObservedContent {
  const linksOf = new Map<string, number>();
  let records = 0;

  async function* watched(collection: Collection, signal: AbortSignal): AsyncIterable<readonly ContentRecord[]> {
    const stored = storedLinks(collection);
    const counting = !linksOf.has(collection.id);
    let links = 0;
    for await (const batch of content.records(collection.id, signal)) {
      records += batch.length;
      if (counting) links += batch.reduce((sum, record) => sum + filled(record, stored), 0);
      onRecords(records);
      yield batch;
    }
    if (counting) linksOf.set(collection.id, links);
  }

  const bulk = "bulk" in content ? (content as Content & BulkContent) : null;
  const templates = "templates" in content ? (content as Content & TemplateContent).templates : null;
  return {
    content: {
      format: content.format,
      formatVersion: content.formatVersion,
      createdAt: content.createdAt,
      integrity: content.integrity,
      collections: content.collections,
      automations: content.automations,
      credentials: content.credentials,
      files: content.files,
      access: content.access,
      settings: content.settings,
      views: content.views,
      aspects: content.aspects,
      records(collectionId, signal) {
        const collection = content.collections.find((one) => one.id === collectionId);
        return collection === undefined ? content.records(collectionId, signal) : watched(collection, signal);
      },
      fileBytes: (fileId, signal) => content.fileBytes(fileId, signal),
      close: () => content.close(),
      ...(templates === null ? {} : { templates }),
      ...(bulk === null ? {} : { bulk: (collectionId: string) => bulk.bulk(collectionId) }),
    },
    links: () => [...linksOf.values()].reduce((sum, links) => sum + links, 0),
  };
}

/** Places of the fields whose references are items: links that are stored, in a collection that is. */
function storedLinks(collection: Collection): readonly number[] {
  if (collection.computed) return [];
  return collection.fields.flatMap((field, index) => (isStoredLink(field) ? [index] : []));
}

export function isStoredLink(field: Collection["fields"][number]): boolean {
  return !field.computed && (field.type === "link" || field.type === "links");
}

function filled(record: ContentRecord, places: readonly number[]): number {
  return places.reduce((sum, place) => {
    const value = record.values[place] ?? null;
    if (value === null || value.length === 0) return sum;
    return sum + (typeof value === "string" ? 1 : value.length);
  }, 0);
}

/** How many references a column holds, as SQL. */
export function linkCountSql(column: string, type: Collection["fields"][number]["type"]): string {
  return LIST_TYPES.has(type) ? `coalesce(sum(len(${column})), 0)` : `count(${column})`;
}
