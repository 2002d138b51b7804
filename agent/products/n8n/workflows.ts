/** Workflows as automations: what starts them and what they point at; and the same workflow pointing at other ids. */
import type { Automation, AutomationReference } from "../../core/content.ts";
import { sha256Hex } from "../../core/ids.ts";
import { canonicalJson, isObject, type JsonObject, listOf, objectOf, objectsIn, textOf } from "../../kit/json.ts";

export type Kind = "workflow" | "credential" | "table";
/** Ids of what is there, by kind; null where nothing of that kind could be there, so that none of it can be missing. */
export type Known = Readonly<Record<Kind, ReadonlySet<string> | null>>;
/** @returns the id to write instead */
export type Rewrite = (kind: Kind, id: string) => string;

export interface WorkflowBody {
  readonly nodes: readonly unknown[];
  readonly connections: unknown;
  readonly settings?: JsonObject | null | undefined;
}
export interface Workflow extends WorkflowBody {
  readonly id: string;
  readonly name: string;
  readonly active: boolean;
}

const WORDS: Readonly<Record<Kind, AutomationReference["kind"]>> = { workflow: "sub-flow", credential: "credential", table: "collection" };
/** Parameters of n8n's own nodes that hold the id of something; others hold words of other services. */
const PARAMETERS: Readonly<Record<string, Kind>> = { workflowId: "workflow", dataTableId: "table" };
const OWN = /^(?:n8n-nodes-base|@n8n\/)/u;

export function isWorkflow(document: unknown): document is JsonObject {
  return isObject(document) && Array.isArray(document["nodes"]) && isObject(document["connections"]) && textOf(document["id"]) !== null;
}

/** @param document that is a workflow, from whichever database */
export function workflowIn(document: JsonObject): Workflow {
  const id = String(document["id"]);
  return {
    id,
    name: textOf(document["name"]) ?? id,
    // SQLite has no booleans.
    active: document["active"] === true || document["active"] === 1,
    nodes: listOf(document["nodes"]),
    connections: document["connections"],
    settings: objectOf(document["settings"]),
  };
}

export function automationOf(workflow: Workflow, known: Known): Automation {
  const { id, name, active } = workflow;
  return {
    id,
    name,
    active,
    trigger: textOf(objectsIn(workflow.nodes).find(isTrigger)?.["type"]),
    references: referencesOf(workflow, known),
    bodyDigest: digestOf(workflow),
  };
}

/** Without what n8n itself derives; pinned and static data are no part of it. */
export function digestOf({ nodes, connections, settings: all }: WorkflowBody): string {
  const { binaryMode: _, ...settings } = all ?? {};
  return sha256Hex(canonicalJson({ nodes, connections, settings }));
}

/** The same body with every id replaced; expressions, names and addresses are no ids and stay. */
export function rewritten(body: WorkflowBody, rewrite: Rewrite): WorkflowBody & { readonly settings: JsonObject } {
  const settings = Object.entries(body.settings ?? {}).map(([name, value]) => [name, settingOf(name, value, rewrite)] as const);
  return {
    nodes: body.nodes.map((node) => (isObject(node) ? nodeOf(node, rewrite) : node)),
    connections: body.connections,
    settings: Object.fromEntries(settings),
  };
}

function referencesOf(body: WorkflowBody, known: Known): readonly AutomationReference[] {
  const found = new Map<string, AutomationReference>();
  const add = (kind: AutomationReference["kind"], target: string, resolved: boolean): void => {
    found.set(`${kind} ${target}`, { kind, target, resolved });
  };
  rewritten(body, (kind, id) => {
    add(WORDS[kind], id, known[kind]?.has(id) ?? true);
    return id;
  });
  for (const node of objectsIn(body.nodes)) {
    const path = textOf(objectOf(node["parameters"])?.["path"]);
    if (isWebhook(node) && path !== null && path !== "") add("webhook", path, true);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, reference]) => reference);
}

function isTrigger(node: JsonObject): boolean {
  return node["disabled"] !== true && (isWebhook(node) || /trigger$|\.(?:start|cron|interval)$/iu.test(textOf(node["type"]) ?? ""));
}

function isWebhook(node: JsonObject): boolean {
  return /\.(?:webhook|formTrigger)$/u.test(textOf(node["type"]) ?? "");
}

function settingOf(name: string, value: unknown, rewrite: Rewrite): unknown {
  if (name === "errorWorkflow") return value === "DEFAULT" ? value : idOf(value, (id) => rewrite("workflow", id));
  if (name !== "callerIds" || typeof value !== "string" || value === "") return value;
  const ids = value.split(",").map((one) => one.trim());
  return ids.map((one) => idOf(one, (id) => rewrite("workflow", id))).join(",");
}

function nodeOf(node: JsonObject, rewrite: Rewrite): JsonObject {
  const parameters = objectOf(node["parameters"]);
  const credentials = objectOf(node["credentials"]);
  const own = OWN.test(textOf(node["type"]) ?? "");
  return {
    ...node,
    ...(parameters === null
      ? {}
      : { parameters: mapped(parameters, (value, name) => parameterOf(value, own ? PARAMETERS[name] : undefined, rewrite)) }),
    ...(credentials === null ? {} : { credentials: mapped(credentials, (value) => credentialOf(value, rewrite)) }),
  };
}

function mapped(object: JsonObject, change: (value: unknown, name: string) => unknown): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value, name)]));
}

function credentialOf(value: unknown, rewrite: Rewrite): unknown {
  return isObject(value) ? { ...value, id: idOf(value["id"], (id) => rewrite("credential", id)) } : value;
}

/** An id as it is, or in n8n's locator: chosen from a list or typed in; found by name or address it is no id. */
function parameterOf(value: unknown, kind: Kind | undefined, rewrite: Rewrite): unknown {
  if (kind === undefined) return value;
  if (!isObject(value)) return idOf(value, (id) => rewrite(kind, id));
  if (value["mode"] !== "list" && value["mode"] !== "id") return value;
  return { ...value, value: idOf(value["value"], (id) => rewrite(kind, id)) };
}

function idOf(value: unknown, rewrite: (id: string) => string): unknown {
  return typeof value === "string" && /^[A-Za-z0-9_-]{1,64}$/u.test(value) ? rewrite(value) : value;
}
