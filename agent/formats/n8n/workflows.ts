/** Workflows as automations: what starts them and what they point at. */
import type { Automation, AutomationReference } from "../../core/content.ts";
import { sha256Hex } from "../../core/ids.ts";
import { canonicalJson, isObject, type JsonObject, objectOf, objectsIn, textOf } from "../../kit/json.ts";

/** Ids of what the artifact holds; null where it does not hold that kind, so that nothing of it can be missing. */
export interface Known {
  readonly workflow: ReadonlySet<string> | null;
  readonly credential: ReadonlySet<string> | null;
  readonly table: ReadonlySet<string> | null;
}

type Kind = keyof Known;

const WORDS: Readonly<Record<Kind, AutomationReference["kind"]>> = { workflow: "sub-flow", credential: "credential", table: "collection" };
const PARAMETERS: Readonly<Record<string, Kind>> = { workflowId: "workflow", dataTableId: "table" };

export function isWorkflow(value: unknown): value is JsonObject {
  return isObject(value) && Array.isArray(value["nodes"]) && isObject(value["connections"]) && textOf(value["id"]) !== null;
}

export function automationOf(workflow: JsonObject, known: Known): Automation {
  const nodes = objectsIn(workflow["nodes"]);
  const { binaryMode: _, ...settings } = objectOf(workflow["settings"]) ?? {};
  return {
    id: String(workflow["id"]),
    name: textOf(workflow["name"]) ?? String(workflow["id"]),
    active: workflow["active"] === true || workflow["active"] === 1,
    trigger: textOf(nodes.find(isTrigger)?.["type"]),
    references: referencesOf(nodes, settings, known),
    bodyDigest: sha256Hex(canonicalJson({ nodes: workflow["nodes"], connections: workflow["connections"], settings })),
  };
}

function referencesOf(nodes: readonly JsonObject[], settings: JsonObject, known: Known): readonly AutomationReference[] {
  const found = new Map<string, AutomationReference>();
  const add = (kind: Kind, id: unknown): void => {
    if (typeof id !== "string" || !/^[A-Za-z0-9_-]{1,64}$/u.test(id)) return;
    found.set(`${kind} ${id}`, { kind: WORDS[kind], target: id, resolved: known[kind]?.has(id) ?? true });
  };
  if (settings["errorWorkflow"] !== "DEFAULT") add("workflow", settings["errorWorkflow"]);
  for (const id of (textOf(settings["callerIds"]) ?? "").split(",")) add("workflow", id.trim());
  for (const node of nodes) {
    for (const one of Object.values(objectOf(node["credentials"]) ?? {})) if (isObject(one)) add("credential", one["id"]);
    const parameters = objectOf(node["parameters"]) ?? {};
    if (/^(?:n8n-nodes-base|@n8n\/)/u.test(textOf(node["type"]) ?? ""))
      for (const [name, kind] of Object.entries(PARAMETERS)) add(kind, located(parameters[name]));
    const path = textOf(parameters["path"]);
    if (isWebhook(node) && path !== null) found.set(`webhook ${path}`, { kind: "webhook", target: path, resolved: true });
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, reference]) => reference);
}

/** An id as it is, or in n8n's locator; found by name or address it is none, and an expression is known only when it runs. */
function located(value: unknown): unknown {
  if (!isObject(value)) return value;
  return value["mode"] === "list" || value["mode"] === "id" ? value["value"] : null;
}

function isTrigger(node: JsonObject): boolean {
  return node["disabled"] !== true && (isWebhook(node) || /trigger$|\.(?:start|cron|interval)$/iu.test(textOf(node["type"]) ?? ""));
}

function isWebhook(node: JsonObject): boolean {
  return /\.(?:webhook|formTrigger)$/u.test(textOf(node["type"]) ?? "");
}
