/** Which configuration nodes a node refers to. */
import { CONFIG_PROPERTIES, OWN_PROPERTIES, USUAL_CONFIG_PROPERTIES } from "./core-types.ts";
import type { FlowNode, FlowSet } from "./flow-set.ts";
import { isObject, textOf } from "../../kit/json.ts";

/** As the editor makes ids: sixteen hex digits, before version 1.3 two groups with a dot; a letter in it, so that no number is taken for one. */
const ID_SHAPE = /^(?=.*[a-f])(?:[0-9a-f]{16}|[0-9a-f]{5,8}\.[0-9a-f]{4,7})$/;

/** Type and property under which some node of the file does hold a configuration node. */
export type KnownPlaces = ReadonlySet<string>;

export function knownPlaces(set: FlowSet): KnownPlaces {
  const places = new Set<string>();
  for (const node of set.nodes)
    for (const [property, value] of candidates(node))
      if (ID_SHAPE.test(value) && set.byId.get(value)?.kind === "config-nodes") places.add(`${node.type}\u0000${property}`);
  return places;
}

/**
 * Ids of configuration nodes, those that are not there included. A reference that leads nowhere is only told where the file should
 * hold what it refers to: a selection of nodes may rightly leave its configuration behind.
 */
export function configReferences(node: FlowNode, set: FlowSet, places: KnownPlaces): string[] {
  const found: string[] = [];
  for (const [property, value] of candidates(node)) {
    const core = node.type !== null && CONFIG_PROPERTIES[node.type]?.includes(property) === true;
    const target = set.byId.get(value);
    if (
      target?.kind === "config-nodes"
        ? core || value.length >= 8
        : target === undefined && set.whole && mustResolve(node, property, value, core, places)
    )
      found.push(value);
  }
  for (const value of environmentReferences(node)) if (set.byId.get(value)?.kind === "config-nodes") found.push(value);
  return found;
}

function candidates(node: FlowNode): [string, string][] {
  if (node.kind !== "nodes" && node.kind !== "config-nodes") return [];
  return Object.entries(node.props).flatMap(([property, value]): [string, string][] => {
    const text = OWN_PROPERTIES.has(property) ? null : textOf(value);
    return text === null ? [] : [[property, text]];
  });
}

function mustResolve(node: FlowNode, property: string, value: string, core: boolean, places: KnownPlaces): boolean {
  // `${NAME}` and `$(NAME)` are filled in from the environment when the flow starts.
  if (core) return !value.startsWith("$");
  return ID_SHAPE.test(value) && (USUAL_CONFIG_PROPERTIES.has(property) || places.has(`${node.type}\u0000${property}`));
}

/** Values a subflow instance hands in that are configuration nodes. */
function environmentReferences(node: FlowNode): string[] {
  const env = node.props["env"];
  if (!Array.isArray(env)) return [];
  return env.flatMap((entry: unknown) => (isObject(entry) && typeof entry["value"] === "string" ? [entry["value"]] : []));
}
