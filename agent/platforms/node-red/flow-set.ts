/** The nodes an instance runs, sorted by what they are. */
import { isObject, type JsonObject, textOf } from "../../kit/json.ts";

export const KINDS = ["tabs", "subflows", "groups", "nodes", "config-nodes"] as const;
export type Kind = (typeof KINDS)[number];

export interface FlowNode {
  readonly key: string;
  readonly kind: Kind;
  readonly type: string | null;
  readonly props: JsonObject;
}

export interface FlowSet {
  /** In the order the product gives them. */
  readonly nodes: readonly FlowNode[];
  /** Id → what has it; the first of several. */
  readonly byId: ReadonlyMap<string, FlowNode>;
}

/** What has no id is no node and is left out. */
export function flowSetOf(flows: readonly unknown[]): FlowSet {
  const nodes = flows.flatMap((props): FlowNode[] => {
    const key = isObject(props) ? textOf(props["id"]) : null;
    if (!isObject(props) || key === null) return [];
    const type = textOf(props["type"]);
    return [{ key, kind: kindOf(type, props), type, props }];
  });
  const byId = new Map<string, FlowNode>();
  for (const node of nodes) if (!byId.has(node.key)) byId.set(node.key, node);
  return { nodes, byId };
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
