/** Tabs, subflows and selections as automations: what starts them, what they need, a digest of what they do. */
import { builtinModules } from "node:module";
import type { Automation, AutomationReference } from "../../core/content.ts";
import { idOf, sha256Hex } from "../../core/ids.ts";
import { CORE_TYPES, TRIGGER_TYPES } from "./core-types.ts";
import { containerOf, type FlowNode, type FlowSet, idsIn, subflowOf } from "./flow-set.ts";
import { canonicalJson, isObject, textOf } from "../../kit/json.ts";
import { callTargets } from "./records.ts";
import { configReferences, type KnownPlaces, knownPlaces } from "./references.ts";

/** What else is told beside the flows; null where it is not. */
export interface Surroundings {
  /** Ids of nodes that have credentials, or null when that cannot be told. */
  readonly credentials: ReadonlySet<string> | null;
  /** Names of the modules that are asked for, or installed. */
  readonly modules: ReadonlySet<string> | null;
  /** Node type → module that provides it. */
  readonly providers: ReadonlyMap<string, string> | null;
}

const LONGEST = 200;

/** Ids are what somebody once posted: one that is absurdly long is told by its digest. */
export function shortId(id: string): string {
  return id.length <= LONGEST ? id : `~${idOf(id)}`;
}

export function automationsOf(set: FlowSet, around: Surroundings): Automation[] {
  const members = new Map<string, FlowNode[]>();
  for (const node of set.nodes) {
    if (node.kind === "tabs" || node.kind === "subflows") continue;
    const container = containerOf(node);
    // A configuration node without a place of its own serves all tabs.
    if (container === null && node.kind === "config-nodes") continue;
    const beside = members.get(container ?? "");
    if (beside === undefined) members.set(container ?? "", [node]);
    else beside.push(node);
  }
  const owners = set.nodes.filter((node) => node.kind === "tabs" || node.kind === "subflows");
  const known = new Set(owners.map((owner) => owner.key));
  const places = knownPlaces(set);
  const taken = new Map<string, number>();
  const unique = (id: string): string => {
    const times = (taken.get(id) ?? 0) + 1;
    taken.set(id, times);
    return times === 1 ? id : `${id}#${times}`;
  };
  const build = (owner: FlowNode | null, id: string, nodes: readonly FlowNode[]): Automation => ({
    id: unique(shortId(id === "" ? "no-tab" : id)),
    name: (textOf(owner?.props["label"]) ?? textOf(owner?.props["name"]) ?? (id === "" ? "nodes on no tab" : `nodes of ${id}`)).slice(
      0,
      LONGEST,
    ),
    active: owner?.props["disabled"] !== true,
    trigger: triggerOf(nodes),
    references: referencesOf(nodes, set, around, places),
    bodyDigest: digestOf(owner, nodes),
  });
  return [
    ...owners.map((owner) => build(owner, owner.key, members.get(owner.key) ?? [])),
    ...[...members].filter(([id]) => !known.has(id)).map(([id, nodes]) => build(null, id, nodes)),
  ];
}

/** Where a node lies on the canvas is not what it does. */
const LOOKS = new Set(["x", "y", "w", "h", "credentials"]);

function bare(node: FlowNode): string {
  return canonicalJson(Object.fromEntries(Object.entries(node.props).filter(([key]) => !LOOKS.has(key))));
}

function digestOf(owner: FlowNode | null, nodes: readonly FlowNode[]): string {
  return sha256Hex([owner === null ? "null" : bare(owner), ...nodes.map(bare).sort()].join("\n"));
}

function triggerOf(nodes: readonly FlowNode[]): string | null {
  const triggers = nodes.filter((node) => node.props["d"] !== true).flatMap(triggersOf);
  return triggers.length === 0 ? null : [...new Set(triggers)].sort().join(", ").slice(0, LONGEST);
}

function triggersOf(node: FlowNode): string[] {
  if (node.type === "http in") return [webhookOf(node)];
  if (node.type !== null && TRIGGER_TYPES.has(node.type)) return [node.type];
  if (node.type !== "inject") return [];
  const cron = textOf(node.props["crontab"]);
  const repeat = textOf(node.props["repeat"]);
  const timed = cron !== null ? [`cron ${cron}`] : repeat !== null ? [`every ${repeat} s`] : [];
  const once = node.props["once"] === true ? ["at start"] : [];
  return timed.length + once.length === 0 ? ["by hand"] : [...timed, ...once];
}

function webhookOf(node: FlowNode): string {
  return `http ${(textOf(node.props["method"]) ?? "get").toUpperCase()} ${textOf(node.props["url"]) ?? "/"}`;
}

function referencesOf(nodes: readonly FlowNode[], set: FlowSet, around: Surroundings, places: KnownPlaces): AutomationReference[] {
  const found = new Map<string, AutomationReference>();
  const add = (kind: AutomationReference["kind"], target: string, resolved: boolean): void => {
    found.set(`${kind} ${target}`, { kind, target: shortId(target), resolved });
  };
  for (const node of nodes) {
    const subflow = subflowOf(node);
    if (subflow !== null) add("sub-flow", subflow, set.byId.get(subflow)?.kind === "subflows");
    for (const target of callTargets(node)) add("node", target, set.byId.has(target));
    if (node.type === "http in") add("webhook", webhookOf(node), true);
    for (const [target, resolved] of modulesOf(node, around)) add("module", target, resolved);
  }
  for (const id of withConfiguration(nodes, set, places)) if (around.credentials?.has(id) === true) add("credential", id, true);
  return [...found.values()];
}

/** Ids of the nodes and of every configuration node they use, directly or through another. */
function withConfiguration(nodes: readonly FlowNode[], set: FlowSet, places: KnownPlaces): ReadonlySet<string> {
  const seen = new Set<string>();
  const waiting = [...nodes];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (seen.has(node.key)) continue;
    seen.add(node.key);
    for (const id of configReferences(node, set, places)) {
      const target = set.byId.get(id);
      if (target !== undefined) waiting.push(target);
    }
  }
  return seen;
}

/** Modules a node needs and whether they are there; nothing where it is not told. */
function modulesOf(node: FlowNode, around: Surroundings): [string, boolean][] {
  const { modules, providers } = around;
  if (modules === null) return [];
  const needed: [string, boolean][] = [];
  const provider = node.type === null || CORE_TYPES.has(node.type) ? undefined : providers?.get(node.type);
  if (provider !== undefined && provider !== "node-red") needed.push([provider, modules.has(provider)]);
  if (node.type === "function" && Array.isArray(node.props["libs"]))
    for (const library of node.props["libs"] as unknown[]) {
      const name = isObject(library) ? textOf(library["module"]) : null;
      if (name !== null) needed.push([name, modules.has(packageOf(name)) || builtinModules.includes(name.replace(/^node:/, ""))]);
    }
  return needed;
}

/** `@scope/name/deep@1.2` → `@scope/name`. */
function packageOf(specifier: string): string {
  return /^(?:@[^/]+\/)?[^/@]+/.exec(specifier)?.[0] ?? specifier;
}

/** Ids of the nodes whose configuration says that they hold secrets. */
export function needsCredentials(node: FlowNode): boolean {
  const authentication = textOf(node.props["authType"]);
  if (node.type === "http request" && authentication !== null && authentication !== "none") return true;
  const env = node.props["env"];
  return Array.isArray(env) && env.some((entry: unknown) => isObject(entry) && entry["type"] === "cred" && idsIn(entry["name"]).length > 0);
}
