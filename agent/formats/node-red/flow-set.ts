/** A flows file as a set of nodes, and what in it is none. */
import { AgentError } from "../../core/errors.ts";
import { isObject, textOf } from "../../kit/json.ts";
import { type FlowNode, type FlowSet, flowSetFrom, nodeOf } from "../../products/node-red/flow-set.ts";

export interface FlowsFile extends FlowSet {
  /** It came as `{flows, rev}`. */
  readonly wrapped: boolean;
  /** Sentences about elements that are no nodes. */
  readonly problems: readonly string[];
}

/**
 * @param complete whether the file is known to be the one a running Node-RED has, never a selection
 * @throws AgentError `damaged` / `not-node-red` when most of it is no node
 */
export function flowSetOf(document: unknown, what: string, complete: boolean): FlowsFile {
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
    if (key === null) problems.push(`Element ${index + 1} of ${what} has no id.`);
    if (textOf(element["type"]) === null) problems.push(`Element ${index + 1} of ${what} has no type.`);
    if (malformedWires(element["wires"])) problems.push(`The wires of element ${index + 1} of ${what} are no lists of node ids.`);
    nodes.push(nodeOf(key ?? `#${index + 1}`, element));
  }
  const sound = nodes.filter((node) => node.type !== null && textOf(node.props["id"]) !== null).length;
  if (sound < list.length / 2)
    throw new AgentError("damaged", "not-node-red", `${what} holds no Node-RED flows: few of its elements have an id and a type.`);
  return { ...flowSetFrom(nodes, complete || wrapped ? true : null), wrapped, problems: shortened(problems) };
}

function shortened(problems: readonly string[]): readonly string[] {
  return problems.length <= 20 ? problems : [...problems.slice(0, 20), `${problems.length - 20} more of the same.`];
}

function malformedWires(wires: unknown): boolean {
  if (wires === undefined) return false;
  if (!Array.isArray(wires)) return true;
  return wires.some((port) => port !== null && (!Array.isArray(port) || port.some((id) => typeof id !== "string")));
}
