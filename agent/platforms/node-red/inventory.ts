/** What an instance holds, in the same words as an artifact of it. */
import type { Aspect, AspectState, Credential } from "../../core/content.ts";
import type { Described, Json, LiveInventory } from "../../core/platform-ports.ts";
import { textOf } from "../../kit/json.ts";
import { automationsOf, needsCredentials, shortId } from "../../products/node-red/automations.ts";
import type { Client } from "./client.ts";
import { CORE_TYPES } from "../../products/node-red/core-types.ts";
import { type FlowNode, type FlowSet, flowSetOfInstance } from "../../products/node-red/flow-set.ts";
import { COLLECTIONS } from "../../products/node-red/records.ts";
import type { Flows, NodeSets } from "./schema.ts";

export async function readInventory(
  client: Client,
  signal: AbortSignal,
): Promise<{ readonly inventory: LiveInventory; readonly set: FlowSet }> {
  const answer = await client.flows(signal);
  const flows = withoutSecrets(answer);
  const sets = await client.nodes(signal);
  const set = flowSetOfInstance(flows);
  const described = await describe(client, set, sets, signal);
  const originals = { flows: { rev: answer.rev, flows: flows as readonly Json[] }, modules: modulesOf(sets) };
  return { inventory: { ...described, originals }, set };
}

/** @param set what to describe; the instance is asked which of its nodes have credentials */
export async function describe(client: Client, set: FlowSet, sets: NodeSets, signal: AbortSignal): Promise<Described> {
  const credentials = await credentialsOf(client, set, signal);
  const around = {
    credentials: new Set(credentials.map((each) => each.id)),
    modules: new Set(sets.map((each) => each.module)),
    providers: new Map(sets.flatMap((each) => each.types.map((type) => [type, each.module] as const))),
  };
  return {
    collections: COLLECTIONS.map((collection) => ({
      ...collection,
      declaredRecords: [...set.byId.values()].filter((node) => node.kind === collection.id).length,
    })),
    automations: automationsOf(set, around),
    credentials,
    files: [],
    access: [],
    settings: [],
    views: [],
    aspects: ASPECTS,
  };
}

/** The API does not tell credentials; what somebody wrote into a node by hand all the same is never kept. */
export function withoutSecrets(answer: Flows): Flows["flows"] {
  return answer.flows.map((node) => without(node, "credentials"));
}

function without<T extends Readonly<Record<string, unknown>>>(node: T, name: string): T {
  return Object.fromEntries(Object.entries(node).filter(([each]) => each !== name)) as T;
}

/** Flows and revision stay equal when credentials are gone: each node that may have some is asked about. */
async function credentialsOf(client: Client, set: FlowSet, signal: AbortSignal): Promise<Credential[]> {
  const asked = [...set.byId.values()].filter(mayHaveCredentials);
  const found: Credential[] = [];
  for (let at = 0; at < asked.length; at += 4)
    found.push(...(await Promise.all(asked.slice(at, at + 4).map((node) => credentialOf(client, node, signal)))).flat());
  return found;
}

function mayHaveCredentials(node: FlowNode): boolean {
  if (node.type === null || node.kind === "tabs" || node.kind === "subflows" || node.kind === "groups") return needsCredentials(node);
  return node.kind === "config-nodes" || needsCredentials(node) || !(CORE_TYPES.has(node.type) || node.type.startsWith("subflow:"));
}

async function credentialOf(client: Client, node: FlowNode, signal: AbortSignal): Promise<Credential[]> {
  const type = node.type ?? "unknown";
  const told = await client.credential(type, node.key, signal);
  const has = Object.entries(told).some(([name, value]) => (name.startsWith("has_") ? value === true : textOf(value) !== null));
  return has ? [{ id: shortId(node.key), type: type.slice(0, 200), state: "not-included" }] : [];
}

/** Name → version of what is installed: the same has to be there before a restore runs. */
function modulesOf(sets: NodeSets): Readonly<Record<string, string>> {
  const versions = sets.map((each) => [each.module, each.version ?? "?"] as const);
  return Object.fromEntries(versions.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const never = (reason: string): AspectState => ({ included: false, reason });
const INCLUDED: AspectState = { included: true };

const ASPECTS: Readonly<Record<Aspect, AspectState>> = {
  records: INCLUDED,
  links: INCLUDED,
  automations: INCLUDED,
  credentials: never("the API only tells which nodes have credentials; they lie in <flows>_cred.json of the user directory"),
  settings: never("settings.js, stored context and the library lie in the user directory"),
  views: never("Node-RED has no views"),
  files: never("files that flows read or write lie outside of Node-RED"),
  access: never("who may log in is set in settings.js, which the API does not give"),
  templates: never("Node-RED has no templates; subflows are kept as a collection"),
  sequences: never("ids are random, nothing counts them"),
  timestamps: never("Node-RED keeps no time with a node"),
  audit: never("Node-RED keeps its audit log elsewhere"),
};
