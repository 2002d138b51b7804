/** A Content held in memory: what checks and the sandbox are tried on. */
import {
  ASPECTS,
  type Aspect,
  type AspectState,
  type Collection,
  type ContentRecord,
  type Field,
  type SemanticType,
  type Value,
} from "../../agent/core/content.ts";
import type { Content } from "../../agent/core/ports.ts";

/** A field with everything at its plainest. */
export function field(id: string, type: SemanticType = "text", more: Partial<Field> = {}): Field {
  return {
    id,
    name: id,
    platformType: type,
    type,
    computed: false,
    required: false,
    unique: false,
    options: null,
    link: null,
    maxLength: null,
    ...more,
  };
}

export function collection(id: string, fields: readonly Field[], more: Partial<Collection> = {}): Collection {
  return { id, name: id, fields, keyKind: "platform", declaredRecords: null, computed: false, nextKey: null, ...more };
}

/** Values in the order of the collection's fields. */
export function record(key: string, values: readonly Value[], more: Partial<ContentRecord> = {}): ContentRecord {
  return { key, values, createdAt: null, updatedAt: null, ...more };
}

export interface MemoryContentParts extends Partial<Omit<Content, "records" | "fileBytes" | "close" | "aspects">> {
  readonly rows?: Readonly<Record<string, readonly ContentRecord[]>>;
  readonly bytes?: Readonly<Record<string, Uint8Array>>;
  /** Aspects that are not included, with the reason. */
  readonly without?: Partial<Record<Aspect, string>>;
  readonly batch?: number;
}

export function memoryContent(parts: MemoryContentParts = {}): Content & { readonly closed: boolean } {
  let closed = false;
  const { rows = {}, bytes = {}, without = {}, batch = 1000, ...rest } = parts;
  const aspects = Object.fromEntries(
    ASPECTS.map((aspect): [Aspect, AspectState] => {
      const reason = without[aspect];
      return [aspect, reason === undefined ? { included: true } : { included: false, reason }];
    }),
  ) as Record<Aspect, AspectState>;
  return {
    format: "memory",
    formatVersion: null,
    createdAt: null,
    integrity: { complete: true, problems: [], checksums: null, plainSecrets: [] },
    collections: [],
    automations: [],
    credentials: [],
    files: [],
    access: [],
    settings: [],
    views: [],
    ...rest,
    aspects,
    async *records(collectionId, signal) {
      const all = rows[collectionId] ?? [];
      for (let at = 0; at < all.length; at += batch) {
        signal.throwIfAborted();
        yield all.slice(at, at + batch);
      }
    },
    async *fileBytes(fileId, signal) {
      signal.throwIfAborted();
      const data = bytes[fileId];
      if (data !== undefined) yield data;
    },
    async close() {
      closed = true;
    },
    get closed() {
      return closed;
    },
  };
}
