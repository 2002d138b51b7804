/** Workflows and credentials as records, for exports that hold nothing else: each is an item that can be lost. */
import type { Collection, ContentRecord, Field, SemanticType, Value } from "../../core/content.ts";
import { canonicalJson, type JsonObject, textOf } from "../../kit/json.ts";

const BATCH = 500;
const WORKFLOW: Readonly<Record<string, SemanticType>> = {
  name: "text",
  active: "boolean",
  nodes: "json",
  connections: "json",
  settings: "json",
};
const CREDENTIAL: Readonly<Record<string, SemanticType>> = { name: "text", type: "text" };

export interface Listing {
  readonly collections: readonly Collection[];
  records(collectionId: string, signal: AbortSignal): AsyncGenerator<readonly ContentRecord[]>;
}

/** @param credentials what they hold is never a value */
export function listingOf(workflows: readonly JsonObject[], credentials: readonly JsonObject[]): Listing {
  const lists: Readonly<Record<string, readonly ContentRecord[]>> = {
    workflows: workflows.map((item) => recordOf(item, WORKFLOW)),
    credentials: credentials.map((item) => recordOf(item, CREDENTIAL)),
  };
  const collection = (id: string, fields: typeof WORKFLOW): Collection => ({
    ...{ id, name: id, keyKind: "platform", declaredRecords: null, computed: false, nextKey: null },
    fields: Object.entries(fields).map(([name, type]) => fieldOf(name, type)),
  });
  return {
    collections: [
      ...(workflows.length > 0 ? [collection("workflows", WORKFLOW)] : []),
      ...(credentials.length > 0 ? [collection("credentials", CREDENTIAL)] : []),
    ],
    async *records(id, signal) {
      signal.throwIfAborted();
      const all = lists[id] ?? [];
      for (let at = 0; at < all.length; at += BATCH) {
        yield all.slice(at, at + BATCH);
        signal.throwIfAborted();
      }
    },
  };
}

function fieldOf(name: string, type: SemanticType): Field {
  const none = { computed: false, required: false, unique: false, options: null, link: null, maxLength: null };
  return { id: name, name, platformType: type, type, ...none };
}

function recordOf(item: JsonObject, fields: typeof WORKFLOW): ContentRecord {
  const time = (name: string): number | null => {
    const at = Date.parse(textOf(item[name]) ?? "");
    return Number.isNaN(at) ? null : at;
  };
  const value = (name: string): Value => {
    const held = item[name];
    if (held === undefined || held === null || held === "") return null;
    return typeof held === "string" && fields[name] !== "json" ? held : canonicalJson(held);
  };
  return { key: String(item["id"]), values: Object.keys(fields).map(value), createdAt: time("createdAt"), updatedAt: time("updatedAt") };
}
