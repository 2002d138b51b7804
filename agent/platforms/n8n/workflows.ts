/** What workflows point at, and the same workflow pointing at other ids. Pure. */
import type { Automation, AutomationReference } from "../../core/content.ts";
import { sha256Hex } from "../../core/ids.ts";
import type { Json } from "../../core/platform-ports.ts";
import { canonicalJson } from "../../kit/json.ts";
import type { Workflow, WorkflowBody, WorkflowNode } from "./schema.ts";

export type Kind = "workflow" | "credential" | "table";
/** Ids of what is there, by kind. */
export type Known = Readonly<Record<Kind, ReadonlySet<string>>>;
/** @returns the id to write instead */
export type Rewrite = (kind: Kind, id: string) => string;

/** Parameters of n8n's own nodes that hold the id of something; others hold words of other services. */
const PARAMETERS: Readonly<Record<string, Kind>> = { workflowId: "workflow", dataTableId: "table" };
const OWN = /^(?:n8n-nodes-base|@n8n\/)/u;

/** The same body with every id replaced; expressions, names and addresses are no ids and stay. */
export function rewritten(body: WorkflowBody, rewrite: Rewrite): WorkflowBody {
  const settings = Object.entries(body.settings ?? {}).map(([name, value]): [string, Json] => [name, settingOf(name, value, rewrite)]);
  return {
    nodes: body.nodes.map((node) => nodeOf(node, rewrite)),
    connections: body.connections,
    settings: Object.fromEntries(settings) as NonNullable<WorkflowBody["settings"]>,
  };
}

export function automationOf(workflow: Workflow, known: Known): Automation {
  return {
    id: workflow.id,
    name: workflow.name,
    active: workflow.active,
    trigger: workflow.nodes.find(isTrigger)?.type ?? null,
    references: referencesOf(workflow, known),
    bodyDigest: digestOf(workflow),
  };
}

/** Without what n8n itself derives; pinned and static data were never read. */
export function digestOf(body: WorkflowBody): string {
  const { binaryMode: _, ...settings } = body.settings ?? {};
  return sha256Hex(canonicalJson({ nodes: body.nodes, connections: body.connections, settings }));
}

function referencesOf(body: WorkflowBody, known: Known): readonly AutomationReference[] {
  const found = new Map<string, AutomationReference>();
  const add = (kind: AutomationReference["kind"], target: string, resolved: boolean): void => {
    found.set(`${kind} ${target}`, { kind, target, resolved });
  };
  rewritten(body, (kind, id) => {
    add(kind === "workflow" ? "sub-flow" : kind === "table" ? "collection" : "credential", id, known[kind].has(id));
    return id;
  });
  for (const node of body.nodes) {
    const path = node.parameters?.["path"];
    if (isWebhook(node) && typeof path === "string" && path !== "") add("webhook", path, true);
  }
  return [...found.values()].sort((a, b) => (`${a.kind} ${a.target}` < `${b.kind} ${b.target}` ? -1 : 1));
}

function isTrigger(node: WorkflowNode): boolean {
  return node.disabled !== true && (isWebhook(node) || /trigger$|\.(?:start|cron|interval)$/iu.test(node.type));
}

function isWebhook(node: WorkflowNode): boolean {
  return /\.(?:webhook|formTrigger)$/u.test(node.type);
}

function settingOf(name: string, value: Json, rewrite: Rewrite): Json {
  if (typeof value !== "string" || value === "") return value;
  if (name === "errorWorkflow") return value === "DEFAULT" ? value : rewrite("workflow", value);
  if (name !== "callerIds") return value;
  const ids = value.split(",").map((one) => one.trim());
  return ids.map((one) => (one === "" ? one : rewrite("workflow", one))).join(",");
}

function nodeOf(node: WorkflowNode, rewrite: Rewrite): WorkflowNode {
  const credentials = Object.entries(node.credentials ?? {}).map(([type, one]) => [
    type,
    typeof one.id === "string" && one.id !== "" ? { ...one, id: rewrite("credential", one.id) } : one,
  ]);
  const parameters = Object.entries(node.parameters ?? {}).map(([name, value]): [string, Json] => {
    const kind = PARAMETERS[name];
    return [name, kind === undefined || !OWN.test(node.type) ? value : locatorOf(value, (id) => rewrite(kind, id))];
  });
  return {
    ...node,
    ...(node.parameters === undefined ? {} : { parameters: Object.fromEntries(parameters) as NonNullable<WorkflowNode["parameters"]> }),
    ...(node.credentials === undefined ? {} : { credentials: Object.fromEntries(credentials) as NonNullable<WorkflowNode["credentials"]> }),
  };
}

/** An id as it is, or in n8n's locator: chosen from a list or typed in; found by name or address it is no id. */
function locatorOf(value: Json, rewrite: (id: string) => string): Json {
  if (typeof value === "string") return isId(value) ? rewrite(value) : value;
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  const locator = value as { readonly [name: string]: Json };
  const target = locator["value"];
  const byId = locator["mode"] === "list" || locator["mode"] === "id";
  return byId && typeof target === "string" && isId(target) ? { ...locator, value: rewrite(target) } : value;
}

function isId(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/u.test(text);
}
