/** How flows are kept from running: a tab that is disabled starts no node of its own, what lies on no tab is disabled by itself. */
import { isObject, type JsonObject, listOf } from "../../kit/json.ts";

export type Node = JsonObject & { readonly id: string };

/** Nodes of a document as `GET /flows` gives it; what has no id is left out. */
export function nodesOf(document: unknown): readonly Node[] {
  const list = isObject(document) ? listOf(document["flows"]) : listOf(document);
  return list.filter((node): node is Node => isObject(node) && typeof node["id"] === "string");
}

const isTab = (node: JsonObject): boolean => node["type"] === "tab" || node["type"] === "workspace";

/** Configuration nodes start although every tab is disabled, and so may nodes on a tab that is not there. */
function onItsOwn(node: JsonObject, nodes: readonly JsonObject[]): boolean {
  if (["subflow", "group"].includes(String(node["type"]))) return false;
  return !nodes.some((other) => isTab(other) && other["id"] === node["z"]) || !("x" in node && "y" in node);
}

export function disabled(nodes: readonly Node[]): (node: Node) => Node {
  const tabs = nodes.filter(isTab);
  return (node) => {
    if (isTab(node)) return { ...node, disabled: true };
    return onItsOwn(node, tabs) ? { ...node, d: true } : node;
  };
}

/**
 * Takes back only what `disabled` did: where the switch is not as it was put, it stays as it is.
 * @param nodes everything the node lies among
 */
export function asItWas(node: JsonObject, original: JsonObject | undefined, nodes: readonly JsonObject[]): JsonObject {
  if (original === undefined || !(isTab(node) || onItsOwn(node, nodes.filter(isTab)))) return node;
  const [name, value] = isTab(node) ? ["disabled", node["disabled"]] : ["d", node["d"]];
  if (value !== true) return node;
  const { [name]: _, ...rest } = node;
  return original[name] === undefined ? rest : { ...rest, [name]: original[name] };
}

export function isRunning(node: JsonObject, nodes: readonly JsonObject[]): boolean {
  if (isTab(node)) return node["disabled"] !== true;
  return onItsOwn(node, nodes.filter(isTab)) && node["d"] !== true;
}
