/** Flows as collections: which fields there are, and what each node holds in them. */
import type { Collection, ContentRecord, Field, SemanticType, Value } from "../../core/content.ts";
import { type FlowNode, type FlowSet, containerOf, idsIn, KINDS, type Kind, subflowOf } from "./flow-set.ts";
import { canonicalJson, ExactNumber, isObject, type JsonObject, textOf } from "../../kit/json.ts";
import { configReferences, type KnownPlaces, knownPlaces } from "./references.ts";

interface Column {
  readonly field: Field;
  value(node: FlowNode, view: View): Value;
}

interface View {
  readonly set: FlowSet;
  readonly places: KnownPlaces;
}

function column(id: string, name: string, type: SemanticType, value: Column["value"], more: Partial<Field> = {}): Column {
  const field: Field = {
    id,
    name,
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
  return { field, value };
}

function link(id: string, name: string, collection: Kind, value: (node: FlowNode, view: View) => string | null): Column {
  return column(id, name, "link", value, { link: { collection, many: false, reciprocal: null } });
}

function links(
  id: string,
  name: string,
  collection: Kind,
  reciprocal: string | null,
  value: (node: FlowNode, view: View) => readonly string[],
): Column {
  return column(id, name, "links", (node, view) => sortedIds(value(node, view)), { link: { collection, many: true, reciprocal } });
}

function sortedIds(ids: readonly string[]): Value {
  return ids.length === 0 ? null : [...new Set(ids)].sort();
}

function plain(value: unknown): Value {
  return value === undefined || value === null ? null : typeof value === "string" ? textOf(value) : canonicalJson(value);
}

function flag(value: unknown): Value {
  return value === undefined ? "false" : plain(value);
}

function place(value: unknown): Value {
  return value instanceof ExactNumber ? value.text : plain(value);
}

/** What is modelled on its own, and what must never be kept. */
const NOT_BODY = new Set(["id", "type", "name", "label", "z", "g", "d", "disabled", "x", "y", "credentials"]);

function body(props: JsonObject): Value {
  const rest = Object.fromEntries(Object.entries(props).filter(([key]) => !NOT_BODY.has(key)));
  return Object.keys(rest).length === 0 ? null : canonicalJson(rest);
}

const TYPE = column("type", "Type", "text", (node) => node.type, { required: true });
const NAME = column("name", "Name", "text", (node) => plain(node.props["name"]));
const BODY = column("body", "Everything else", "json", (node) => body(node.props));
const PLACE = [
  column("x", "X", "decimal", (node) => place(node.props["x"])),
  column("y", "Y", "decimal", (node) => place(node.props["y"])),
];

/** A node lies on a tab or within a subflow. Where a selection leaves its tab out, that is by design and no broken link. */
const TAB = link("tab", "Tab", "tabs", (node, { set }) => {
  const container = containerOf(node);
  if (container === null) return null;
  const kind = set.byId.get(container)?.kind;
  return kind === "tabs" || (kind === undefined && set.whole) ? container : null;
});
const SUBFLOW = link("subflow", "Subflow", "subflows", (node, { set }) => {
  const container = containerOf(node);
  return container !== null && set.byId.get(container)?.kind === "subflows" ? container : null;
});
const CONFIGS = links("configs", "Configuration nodes", "config-nodes", null, (node, { set, places }) =>
  configReferences(node, set, places),
);

function groupOf(node: FlowNode, set: FlowSet): string | null {
  const group = textOf(node.props["g"]);
  return group === null || (!set.whole && !set.byId.has(group)) ? null : group;
}

function linkTargets(type: string): (node: FlowNode) => string[] {
  return (node) => (node.type === type ? idsIn(node.props["links"]) : []);
}

/** Targets of a `link call`; a dynamic one takes its target from the message and ignores the list. */
export function callTargets(node: FlowNode): string[] {
  return node.type === "link call" && node.props["linkType"] !== "dynamic" ? idsIn(node.props["links"]) : [];
}

/** Nodes wired to the ends of a subflow; an end wired straight to the other names the subflow itself. */
function subflowEnds(ends: unknown, own: string): string[] {
  const list = Array.isArray(ends) ? (ends as unknown[]) : [ends];
  const wires = list.flatMap((end) => (isObject(end) && Array.isArray(end["wires"]) ? (end["wires"] as unknown[]) : []));
  return wires.flatMap((wire) => (isObject(wire) ? idsIn(wire["id"]) : [])).filter((id) => id !== own);
}

const COLUMNS: Readonly<Record<Kind, readonly Column[]>> = {
  tabs: [
    TYPE,
    column("name", "Label", "text", (node) => plain(node.props["label"])),
    column("disabled", "Disabled", "boolean", (node) => flag(node.props["disabled"])),
    BODY,
  ],
  subflows: [
    TYPE,
    NAME,
    links("in", "Input wires", "nodes", null, (node) => subflowEnds(node.props["in"], node.key)),
    links("out", "Output wires", "nodes", null, (node) => subflowEnds(node.props["out"], node.key)),
    links("status", "Status wires", "nodes", null, (node) => subflowEnds(node.props["status"], node.key)),
    BODY,
  ],
  groups: [
    TYPE,
    NAME,
    TAB,
    SUBFLOW,
    column("parent", "Group", "link", (node, { set }) => groupOf(node, set), {
      link: { collection: "groups", many: false, reciprocal: "groups" },
    }),
    links("nodes", "Nodes", "nodes", "group", (node, { set }) => members(node).filter((id) => set.byId.get(id)?.kind !== "groups")),
    links("groups", "Groups", "groups", "parent", (node, { set }) => members(node).filter((id) => set.byId.get(id)?.kind === "groups")),
    ...PLACE,
    BODY,
  ],
  nodes: [
    TYPE,
    NAME,
    TAB,
    SUBFLOW,
    column("group", "Group", "link", (node, { set }) => groupOf(node, set), {
      link: { collection: "groups", many: false, reciprocal: "nodes" },
    }),
    link("instance-of", "Instance of", "subflows", (node) => subflowOf(node)),
    links("wires", "Wires", "nodes", null, (node) => idsIn(node.props["wires"])),
    links("links-out", "Links out", "nodes", "links-in", linkTargets("link out")),
    links("links-in", "Links in", "nodes", "links-out", linkTargets("link in")),
    links("calls", "Link calls", "nodes", null, callTargets),
    links("scope", "Scope", "nodes", null, (node) =>
      Array.isArray(node.props["scope"]) && watchesNodes(node) ? idsIn(node.props["scope"]) : [],
    ),
    CONFIGS,
    column("disabled", "Disabled", "boolean", (node) => flag(node.props["d"])),
    ...PLACE,
    BODY,
  ],
  "config-nodes": [TYPE, NAME, TAB, SUBFLOW, CONFIGS, column("disabled", "Disabled", "boolean", (node) => flag(node.props["d"])), BODY],
};

function watchesNodes(node: FlowNode): boolean {
  return node.type === "catch" || node.type === "status" || node.type === "complete";
}

function members(group: FlowNode): string[] {
  return idsIn(group.props["nodes"]);
}

const NAMES: Readonly<Record<Kind, string>> = {
  tabs: "Tabs",
  subflows: "Subflows",
  groups: "Groups",
  nodes: "Nodes",
  "config-nodes": "Configuration nodes",
};

/** The five collections of Node-RED, in this order. */
export const COLLECTIONS: readonly Collection[] = KINDS.map((kind) => ({
  id: kind,
  name: NAMES[kind],
  fields: COLUMNS[kind].map((each) => each.field),
  keyKind: "platform",
  declaredRecords: null,
  computed: false,
  nextKey: null,
}));

/** What turns a node of one collection into its record; null where there is no such collection. */
function recordOf(set: FlowSet, collectionId: string): { readonly kind: Kind; readonly record: (node: FlowNode) => ContentRecord } | null {
  const kind = KINDS.find((each) => each === collectionId);
  if (kind === undefined) return null;
  const view: View = { set, places: knownPlaces(set) };
  const record = (node: FlowNode): ContentRecord => ({
    key: node.key,
    values: COLUMNS[kind].map((each) => each.value(node, view)),
    createdAt: null,
    updatedAt: null,
  });
  return { kind, record };
}

const BATCH = 500;

/** Records of one collection in the order of the set, an id that is there twice told twice. */
export async function* recordsAsGiven(set: FlowSet, collectionId: string, signal: AbortSignal): AsyncIterable<readonly ContentRecord[]> {
  signal.throwIfAborted();
  const reading = recordOf(set, collectionId);
  if (reading === null) return;
  const nodes = set.nodes.filter((node) => node.kind === reading.kind);
  for (let at = 0; at < nodes.length; at += BATCH) {
    signal.throwIfAborted();
    yield nodes.slice(at, at + BATCH).map(reading.record);
  }
}

/** Records of one collection in key order, every key once. */
export function recordsByKey(set: FlowSet, collectionId: string): ContentRecord[] {
  const reading = recordOf(set, collectionId);
  if (reading === null) return [];
  return [...set.byId.values()]
    .filter((node) => node.kind === reading.kind)
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(reading.record);
}
