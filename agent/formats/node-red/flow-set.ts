/** The nodes of a flows file, sorted by what they are. */
import { AgentError } from "../../core/errors.ts";
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
  /** In the order of the file. Nodes with the same id are all there. */
  readonly nodes: readonly FlowNode[];
  /** Id → what has it; the first of several. */
  readonly byId: ReadonlyMap<string, FlowNode>;
  /** A whole flows file or whole tabs. False: a selection of nodes, exported without the tab they lie on. */
  readonly whole: boolean;
  /** It came as `{flows, rev}`. */
  readonly wrapped: boolean;
  /** Sentences about elements that are no nodes. */
  readonly problems: readonly string[];
}

/**
 * @param complete whether the file is known to be the one a running Node-RED has, never a selection
 * @throws AgentError `damaged` / `not-node-red` when most of it is no node
 */
export function flowSetOf(document: unknown, what: string, complete: boolean): FlowSet {
  const wrapped = isObject(document) && Array.isArray(document["flows"]);
  const list = wrapped ? (document["flows"] as unknown[]) : Array.isArray(document) ? (document as unknown[]) : [document];
  const nodes: FlowNode[] = [];
  const problems: string[] = [];
  for (const [index, element] of list.entries()) {
    if (!isObject(element)) {
      problems.push(`Element ${index + 1} of ${what} is not an object.`);
      continue;
    }
    const key = textOf(element["id"]);
    const type = textOf(element["type"]);
    if (key === null) problems.push(`Element ${index + 1} of ${what} has no id.`);
    if (type === null) problems.push(`Element ${index + 1} of ${what} has no type.`);
    if (malformedWires(element["wires"])) problems.push(`The wires of element ${index + 1} of ${what} are no lists of node ids.`);
    nodes.push({ key: key ?? `#${index + 1}`, kind: kindOf(type, element), type, props: element });
  }
  const sound = nodes.filter((node) => node.type !== null && textOf(node.props["id"]) !== null).length;
  if (sound < list.length / 2)
    throw new AgentError("damaged", "not-node-red", `${what} holds no Node-RED flows: few of its elements have an id and a type.`);
  const byId = new Map<string, FlowNode>();
  for (const node of nodes) if (!byId.has(node.key)) byId.set(node.key, node);
  return { nodes, byId, wrapped, whole: complete || wrapped || nodes.some((node) => node.kind === "tabs"), problems: shortened(problems) };
}

function shortened(problems: readonly string[]): readonly string[] {
  return problems.length <= 20 ? problems : [...problems.slice(0, 20), `${problems.length - 20} more of the same.`];
}

function kindOf(type: string | null, props: JsonObject): Kind {
  if (type === "tab" || type === "workspace") return "tabs";
  if (type === "subflow") return "subflows";
  if (type === "group") return "groups";
  // Node-RED itself tells a configuration node by its having no place.
  return ("x" in props && "y" in props) || Array.isArray(props["wires"]) ? "nodes" : "config-nodes";
}

function malformedWires(wires: unknown): boolean {
  if (wires === undefined) return false;
  if (!Array.isArray(wires)) return true;
  return wires.some((port) => port !== null && (!Array.isArray(port) || port.some((id) => typeof id !== "string")));
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

/** What a node lies on, as the file says it. */
export function containerOf(node: FlowNode): string | null {
  return textOf(node.props["z"]);
}
