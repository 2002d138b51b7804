/** Node-RED's nodes, sorted by what they are. */
import { isObject, type JsonObject, textOf } from "../../kit/json.ts";

export const KINDS = ["tabs", "subflows", "groups", "nodes", "config-nodes"] as const;
export type Kind = (typeof KINDS)[number];

export interface FlowNode {
  /** Its id; `#<position>` where it has none. */
  readonly key: string;
  readonly kind: Kind;
  readonly type: string | null;
  readonly props: JsonObject;
}

export interface FlowSet {
  /** In the order they were given. Nodes with the same id are all there. */
  readonly nodes: readonly FlowNode[];
  /** Id → what has it; the first of several. */
  readonly byId: ReadonlyMap<string, FlowNode>;
  /** Everything an instance runs, or whole tabs. False: a selection of nodes, exported without the tab they lie on. */
  readonly whole: boolean;
}

/** Sorted by kind and found by id; `whole` null: it is, where a tab is among them. */
export function flowSetFrom(nodes: readonly FlowNode[], whole: boolean | null): FlowSet {
  const byId = new Map<string, FlowNode>();
  for (const node of nodes) if (!byId.has(node.key)) byId.set(node.key, node);
  return { nodes, byId, whole: whole ?? nodes.some((node) => node.kind === "tabs") };
}

/** The nodes a running instance gives out; what has no id is no node and is left out. */
export function flowSetOfInstance(flows: readonly unknown[]): FlowSet {
  const nodes = flows.flatMap((props): FlowNode[] => {
    const key = isObject(props) ? textOf(props["id"]) : null;
    return isObject(props) && key !== null ? [nodeOf(key, props)] : [];
  });
  return flowSetFrom(nodes, true);
}

export function nodeOf(key: string, props: JsonObject): FlowNode {
  const type = textOf(props["type"]);
  return { key, kind: kindOf(type, props), type, props };
}

function kindOf(type: string | null, props: JsonObject): Kind {
  if (type === "tab" || type === "workspace") return "tabs";
  if (type === "subflow") return "subflows";
  if (type === "group") return "groups";
  // Node-RED itself tells a configuration node by its having no place.
  return ("x" in props && "y" in props) || Array.isArray(props["wires"]) ? "nodes" : "config-nodes";
}

/** Ids in a list, however deeply they are nested in lists. */
export function idsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(idsIn);
  return typeof value === "string" && value !== "" ? [value] : [];
}

/** Id of the subflow a node is an instance of, or null. */
export function subflowOf(node: FlowNode): string | null {
  return node.type?.startsWith("subflow:") === true ? node.type.slice("subflow:".length) : null;
}

/** What a node lies on, as it says itself. */
export function containerOf(node: FlowNode): string | null {
  return textOf(node.props["z"]);
}
