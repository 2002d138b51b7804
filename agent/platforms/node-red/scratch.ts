/** Restores into an instance of its own, kept for the agent alone: empty before and after, with nothing in it ever started. */
import { AgentError } from "../../core/errors.ts";
import type {
  LoadOutcome,
  PlatformDeps,
  PlatformProbe,
  ReadBack,
  RestoreSet,
  ScratchWorkspace,
  Workspace,
} from "../../core/platform-ports.ts";
import { isObject, listOf } from "../../kit/json.ts";
import type { Client } from "./client.ts";
import { KINDS, flowSetOfInstance } from "../../products/node-red/flow-set.ts";
import { describe } from "./inventory.ts";
import { fingerprint, scopeOf } from "./platform.ts";
import { recordsByKey } from "../../products/node-red/records.ts";
import { asItWas, disabled, isRunning, type Node, nodesOf } from "./switching.ts";

/** Id of the tab that says whose the workspace is. */
const MARK_ID = "restorewatch-mark";

const markOf = (tag: string): Node => ({ id: MARK_ID, type: "tab", label: tag, disabled: true, info: `Made by restorewatch: ${tag}` });

/** @returns the tag of a workspace of ours, or null: what a person deployed is never ours */
export function tagOf(flows: readonly unknown[]): string | null {
  const mark = flows.find((node) => isObject(node) && node["id"] === MARK_ID);
  if (!isObject(mark) || mark["type"] !== "tab" || typeof mark["label"] !== "string") return null;
  return mark["info"] === `Made by restorewatch: ${mark["label"]}` ? mark["label"] : null;
}

export function createScratch(client: Client, url: string, deps: Pick<PlatformDeps, "clock">): ScratchWorkspace {
  const empty = async (tag: string, signal: AbortSignal, attempts = 3): Promise<void> => {
    const now = await client.flows(signal);
    if (tagOf(now.flows) !== tag) return;
    try {
      // Node-RED keeps a copy of the flows before the last deploy: the second one makes that empty too.
      await client.deploy(await client.deploy(now.rev, [], signal), [], signal);
    } catch (thrown) {
      // A load that was given up may still arrive in between; after the next look it comes upon a revision that is past.
      if (attempts > 1 && thrown instanceof AgentError && thrown.code === "scratch-changed") return empty(tag, signal, attempts - 1);
      throw thrown;
    }
    if ((await client.flows(signal)).flows.length > 0)
      throw new AgentError("transient", "not-removed", "node-red: The scratch instance still has flows after they were removed.");
  };
  return {
    provision: async (tag, production, signal) => {
      const now = await client.flows(signal);
      refuseProduction(scopeOf(url), now.flows, production);
      await client.deploy(now.rev, [markOf(tag)], signal);
      return { id: scopeOf(url), tag, createdAt: deps.clock.now() };
    },
    load: (workspace, set, signal) => load(client, workspace, set, signal),
    readBack: (workspace, set, _loaded, signal) => readBack(client, workspace, set, signal),
    dispose: async (workspace, signal) => {
      await empty(workspace.tag, signal);
      return { left: [] };
    },
    sweep: async (prefix, keep, signal) => {
      const tag = tagOf((await client.flows(signal)).flows);
      if (tag === null || !tag.startsWith(prefix) || keep.has(tag)) return { found: 0, removed: 0 };
      await empty(tag, signal);
      return { found: 1, removed: 1 };
    },
  };
}

function refuseProduction(scope: string, flows: readonly unknown[], production: PlatformProbe["identity"]): void {
  if (scope === production.scope) throw isProduction("The scratch instance has the address of the source.");
  if (production.instance === null) throw isProduction("The source has no flows, so an empty scratch instance cannot be told from it.");
  if (flows.length === 0) return;
  if (tagOf(flows) !== null)
    throw new AgentError("transient", "scratch-busy", "node-red: The scratch instance holds the restore of another drill.", {
      mend: "wait for that drill; what a killed one left is removed by the next sweep",
    });
  if (fingerprint(flowSetOfInstance(flows)) === production.instance)
    throw isProduction("The scratch instance runs the very nodes of the source.");
  throw isProduction("The scratch instance has flows of its own: it could be the source, edited since.");
}

function isProduction(sentence: string): AgentError {
  return new AgentError("config", "scratch-is-production", `node-red: ${sentence}`, {
    mend: "give the agent an empty instance of its own",
  });
}

async function load(client: Client, workspace: Workspace, set: RestoreSet, signal: AbortSignal): Promise<LoadOutcome> {
  const now = await client.flows(signal);
  if (tagOf(now.flows) !== workspace.tag)
    throw new AgentError("internal", "not-our-workspace", "node-red: The instance does not carry the tag of this drill; it is left alone.");
  const nodes = nodesOf(set.originals["flows"]).filter((node) => node["id"] !== MARK_ID);
  const sets = await client.nodes(signal);
  await client.deploy(now.rev, [markOf(workspace.tag), ...nodes.map(disabled(nodes))], signal);
  const inside = flowSetOfInstance(nodes);
  const provided = new Set(sets.flatMap((each) => (each.enabled ? each.types : [])));
  const unknown = [...inside.byId.values()]
    .filter((node) => node.kind === "nodes" || node.kind === "config-nodes")
    .flatMap(({ type }) => (type === null || provided.has(type) || BUILT_IN.has(type) || type.startsWith("subflow:") ? [] : [type]));
  const names = [...new Set(unknown)].sort();
  const lost = set.credentials.length;
  return {
    claimed: new Map(KINDS.map((kind) => [kind, [...inside.byId.values()].filter((node) => node.kind === kind).length])),
    keys: new Map(),
    refused: [
      ...(names.length === 0
        ? []
        : [
            {
              aspect: "automations",
              reason: `The scratch instance lacks the modules of unknown node types: ${names.slice(0, 5).join(", ").slice(0, 200)}.`,
              count: unknown.length,
            },
          ]),
      ...(lost === 0
        ? []
        : [{ aspect: "credentials", reason: "Node-RED never tells credentials, so nodes are restored without them.", count: lost }]),
    ],
  };
}

/** What needs no module: Node-RED's runtime knows them itself. */
const BUILT_IN: ReadonlySet<string> = new Set(["tab", "subflow", "group", "junction", "global-config"]);

async function readBack(client: Client, workspace: Workspace, set: RestoreSet, signal: AbortSignal): Promise<ReadBack> {
  const { flows } = await client.flows(signal);
  if (tagOf(flows) !== workspace.tag)
    throw new AgentError("internal", "not-our-workspace", "node-red: The instance does not carry the tag of this drill any more.");
  const originals = new Map(nodesOf(set.originals["flows"]).map((node) => [node["id"], node]));
  const restored = flows.filter((node) => node.id !== MARK_ID);
  const tabs = restored.filter((node) => node.type === "tab");
  const found = flowSetOfInstance(restored.map((node) => asItWas(node, originals.get(node.id), tabs)));
  const described = await describe(client, found, await client.nodes(signal), signal);
  return {
    ...described,
    records: new Map(
      set.collections.map(({ id }) => {
        const sampled = new Set((set.records.get(id) ?? []).map((record) => record.key));
        const all = recordsByKey(found, id).map((record) => (originals.has(record.key) ? record : { ...record, key: `?${record.key}` }));
        return [id, all.filter((record) => sampled.has(record.key) || record.key.startsWith("?"))];
      }),
    ),
    fileDigests: new Map(),
    running: listOf(restored).flatMap((node) => (isObject(node) && isRunning(node, restored) ? [String(node["id"])] : [])),
  };
}
