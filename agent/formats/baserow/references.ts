/** What a page or workflow refers to: tables, fields, integrations, pages, elements, data sources; and whether each is there. */
import type { AutomationReference } from "../../core/content.ts";
import { isObject, objectsIn, textOf, type JsonObject } from "../../kit/json.ts";
import { idOf } from "./ids.ts";
import type { Names } from "./tables.ts";

/** Everything that lies around the automations of one application. */
export interface Surroundings {
  readonly names: Names;
  /** False where no database is in the export at all: then tables lie outside by its nature. */
  readonly databases: boolean;
  readonly integrations: ReadonlySet<string>;
  /** Pages or workflows. */
  readonly pages: ReadonlySet<string>;
  readonly elements: ReadonlySet<string>;
  readonly dataSources: ReadonlySet<string>;
  readonly nodes: ReadonlySet<string>;
}

type Look = (id: string, around: Surroundings) => Omit<AutomationReference, "target"> & { readonly what: string };

const KEYS: ReadonlyMap<string, Look> = new Map<string, Look>([
  ["table_id", (id, at) => ({ kind: "collection", what: "table", resolved: !at.databases || at.names.tables.has(id) })],
  ["field_id", (id, at) => ({ kind: "collection", what: "field", resolved: !at.databases || at.names.fields.has(id) })],
  ["integration_id", (id, at) => ({ kind: "credential", what: "integration", resolved: at.integrations.has(id) })],
  ["navigate_to_page_id", (id, at) => ({ kind: "sub-flow", what: "page", resolved: at.pages.has(id) })],
  ["element_id", (id, at) => ({ kind: "node", what: "element", resolved: at.elements.has(id) })],
  ["data_source_id", (id, at) => ({ kind: "node", what: "data source", resolved: at.dataSources.has(id) })],
  ["previous_node_id", (id, at) => ({ kind: "node", what: "node", resolved: at.nodes.has(id) })],
  ["parent_node_id", (id, at) => ({ kind: "node", what: "node", resolved: at.nodes.has(id) })],
]);

/**
 * @param bodies actions, data sources or nodes
 * @returns each reference once, in the order in which they come
 */
export function referencesIn(bodies: readonly unknown[], around: Surroundings): AutomationReference[] {
  const found = new Map<string, AutomationReference>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item);
    if (!isObject(value)) return;
    const type = textOf(value["type"]) ?? "";
    // Where a request goes may hold a secret, so its address is not told.
    if (type.includes("http_request")) add(found, { kind: "webhook", target: `request ${idOf(value["id"]) ?? ""}`.trim(), resolved: true });
    for (const [key, inner] of Object.entries(value)) {
      const id = idOf(inner);
      const look = id === null ? undefined : KEYS.get(key);
      if (id !== null && look !== undefined) {
        const { kind, what, resolved } = look(id, around);
        add(found, { kind, target: `${what} ${id}`, resolved });
      } else visit(inner);
    }
  };
  for (const body of bodies) visit(body);
  return [...found.values()];
}

function add(found: Map<string, AutomationReference>, reference: AutomationReference): void {
  found.set(`${reference.kind} ${reference.target}`, reference);
}

export function idsOf(...lists: readonly unknown[]): ReadonlySet<string> {
  return new Set(lists.flatMap((list) => objectsIn(list).flatMap((item: JsonObject) => idOf(item["id"]) ?? [])));
}
