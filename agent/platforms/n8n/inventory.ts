/** Everything of an instance but the rows of its data tables. */
import type { AccessEntry, Aspect, AspectState, Setting } from "../../core/content.ts";
import { sha256Hex } from "../../core/ids.ts";
import type { Json, LiveInventory } from "../../core/platform-ports.ts";
import { canonicalJson } from "../../kit/json.ts";
import { mapLimit } from "../../kit/map-limit.ts";
import { collectionOf } from "../../products/n8n/tables.ts";
import { automationOf } from "../../products/n8n/workflows.ts";
import { type Client, ifThere } from "./client.ts";
import type { Workflow } from "./schema.ts";

export async function readInventory(client: Client, signal: AbortSignal): Promise<LiveInventory> {
  const tables = await client.tables(signal);
  const credentials = await client.credentials(signal);
  const workflows = await readWorkflows(client, signal);
  const users = await client.users(signal);
  const variables = await client.variables(signal);
  const projects = await client.projects(signal);
  const known = {
    workflow: new Set(workflows.map((one) => one.id)),
    credential: new Set(credentials.map((one) => one.id)),
    table: new Set(tables.map((one) => one.id)),
  };
  const access: AccessEntry[] = [
    ...users.map((user) => entry("membership", user.id, { role: user.role ?? null })),
    ...(projects ?? []).map((project) => entry("role", project.id, { type: project.type ?? null })),
  ];
  const settings: readonly Setting[] = (variables ?? []).map((one) => ({
    id: one.key,
    digest: sha256Hex(canonicalJson({ value: one.value ?? null })),
  }));
  return {
    collections: tables.map((one) => collectionOf(one)),
    automations: workflows.map((one) => automationOf(one, known)),
    credentials: credentials.map(({ id, type }) => ({ id, type, state: "not-included" as const })),
    files: [],
    access,
    settings,
    views: [],
    aspects: aspectsOf(variables !== null),
    originals: {
      workflows: workflows.map(documentOf),
      "data-tables": tables,
      credentials,
    },
  };
}

/** The list leaves out what only a single answer tells: description, versions, tags' names. */
export async function readWorkflows(client: Client, signal: AbortSignal): Promise<readonly Workflow[]> {
  const listed = await client.workflows(signal);
  const read = await mapLimit(listed, 4, (one) => ifThere(() => client.workflow(one.id, signal)));
  return read.filter((one) => one !== null);
}

/** What is published may be older than what people see in the editor: it is kept where it differs. */
function documentOf(workflow: Workflow): Json {
  const { activeVersion, tags, ...kept } = workflow;
  const behind = workflow.active && workflow.activeVersionId !== workflow.versionId;
  const document = { ...kept, tags: (tags ?? []).map((tag) => tag.name), ...(behind ? { published: activeVersion ?? null } : {}) };
  return document as unknown as Json;
}

function entry(kind: AccessEntry["kind"], id: string, granted: unknown): AccessEntry {
  return { kind, id, digest: sha256Hex(canonicalJson(granted)), broken: null };
}

function aspectsOf(variables: boolean): Readonly<Record<Aspect, AspectState>> {
  const included: AspectState = { included: true };
  const never = (reason: string): AspectState => ({ included: false, reason });
  return {
    records: included,
    links: never("data tables of n8n have no links"),
    views: never("data tables of n8n have no views"),
    automations: included,
    credentials: never("the API never gives out secrets: back up the database together with the encryption key"),
    files: never("binary data of executions is not given out by the API"),
    access: included,
    settings: variables ? included : never("this edition's licence has no variables; other settings are not given out by the API"),
    templates: never("n8n keeps no templates of its own"),
    sequences: never("the API does not tell which row id comes next"),
    timestamps: included,
    audit: never("the API gives out no audit trail"),
  };
}
