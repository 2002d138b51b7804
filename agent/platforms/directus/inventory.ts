/** Everything of a Directus project that is no record: schema, flows, roles, policies, files, presets, dashboards, settings. */
import { createHash } from "node:crypto";
import type { AccessEntry, Aspect, AspectState, Automation, AutomationReference, FileItem, Setting, View } from "../../core/content.ts";
import { z, type ZodType } from "zod";
import type { Json, LiveInventory } from "../../core/platform-ports.ts";
import { canonicalJson, isObject } from "../../kit/json.ts";
import { mapLimit } from "../../kit/map-limit.ts";
import type { Client } from "./client.ts";
import { collectionsOf, withUnmanaged } from "./model.ts";
import { withoutSecrets } from "./redact.ts";
import * as answers from "./schema.ts";

export interface Documents {
  readonly snapshot: answers.Snapshot;
  readonly flows: readonly answers.Flow[];
  readonly operations: readonly answers.Operation[];
  readonly roles: readonly answers.Role[];
  readonly policies: readonly answers.Policy[];
  readonly access: readonly answers.Access[];
  readonly permissions: readonly answers.Permission[];
  readonly folders: readonly answers.Folder[];
  readonly files: readonly answers.DirectusFile[];
  readonly presets: readonly answers.Preset[];
  readonly dashboards: readonly answers.Dashboard[];
  readonly panels: readonly answers.Panel[];
  readonly translations: readonly { id: string; language: string | null; key: string | null; value: string | null }[];
  readonly settings: Readonly<Record<string, unknown>>;
}

const digest = (value: unknown): string => createHash("sha256").update(canonicalJson(value)).digest("hex");

export async function readInventory(client: Client, wanted: ReadonlySet<string> | null, signal: AbortSignal): Promise<LiveInventory> {
  const documents = await readDocuments(client, signal);
  const [users, shares] = await Promise.all([
    client.all("/users", answers.userSchema, signal, { fields: "id,role,status" }),
    client.all("/shares", answers.shareSchema, signal, { fields: "id,collection,role" }),
  ]);
  const found = collectionsOf(documents.snapshot, wanted);
  const collections = await mapLimit(found, 4, async ({ collection, shape }) => ({
    ...collection,
    declaredRecords: shape.singleton ? null : await client.count(collection.id, signal),
  }));
  return {
    collections,
    ...describe(documents),
    access: [
      ...accessOf(documents),
      ...users.map((one): AccessEntry => ({
        kind: "membership",
        id: `user:${one.id}`,
        digest: digest(one),
        broken: missingRole(one.role, documents),
      })),
      ...shares.map((one): AccessEntry => ({ kind: "share", id: one.id, digest: digest(one), broken: missingRole(one.role, documents) })),
    ],
    aspects: aspects(found.some(({ shape }) => shape.columns.some((column) => column.meta?.special.includes("conceal")))),
    originals: originalsOf(documents),
  };
}

export async function readDocuments(client: Client, signal: AbortSignal): Promise<Documents> {
  const fields = (schema: { readonly shape: object }): Readonly<Record<string, string>> => ({
    fields: Object.keys(schema.shape).join(","),
  });
  const all = <T>(path: string, schema: ZodType<T> & { readonly shape: object }): Promise<T[]> =>
    client.all(path, schema, signal, fields(schema));
  const snapshot = await readSchema(client, signal);
  const { project_id: _project, ...settings } = await client.settings(signal);
  return {
    snapshot,
    flows: (await all("/flows", answers.flowSchema)).map((one) => ({ ...one, options: withoutSecrets(one.options) })),
    operations: (await all("/operations", answers.operationSchema)).map((one) => ({
      ...one,
      options: withoutSecrets(one.options),
    })),
    roles: await all("/roles", answers.roleSchema),
    policies: await all("/policies", answers.policySchema),
    access: await all("/access", answers.accessSchema),
    // Rules of the system itself have no policy, and are added to every page.
    permissions: (
      await client.all("/permissions", answers.permissionSchema, signal, {
        ...fields(answers.permissionSchema),
        "filter[policy][_nnull]": "true",
      })
    ).filter((one) => one.policy !== null),
    folders: await all("/folders", answers.folderSchema),
    files: await all("/files", answers.fileSchema),
    presets: await all("/presets", answers.presetSchema),
    dashboards: await all("/dashboards", answers.dashboardSchema),
    panels: await all("/panels", answers.panelSchema),
    translations: await all("/translations", answers.translationSchema),
    settings: withoutSecrets(settings as Json) as Readonly<Record<string, unknown>>,
  };
}

async function readSchema(client: Client, signal: AbortSignal): Promise<answers.Snapshot> {
  const snapshot = await client.snapshot(signal);
  const there = await client.get("/collections", z.array(answers.collectionSchema), signal);
  const fields = await client.get("/fields", z.array(answers.fieldSchema), signal);
  return withUnmanaged(snapshot, there, fields, await client.get("/relations", z.array(answers.relationSchema), signal));
}

/** What is the same of production and of a restore: without people. */
export function describe(documents: Documents): Pick<LiveInventory, "automations" | "credentials" | "files" | "settings" | "views"> {
  return {
    automations: documents.flows.map((flow) => automationOf(flow, documents)),
    credentials: [],
    files: documents.files.map((file): FileItem => {
      const bytes = Number(file.filesize ?? Number.NaN);
      return {
        id: file.id,
        name: file.filename_download ?? file.id,
        bytes: Number.isSafeInteger(bytes) ? bytes : null,
        declaredType: file.type,
        declaredDigest: null,
        presence: "inside",
      };
    }),
    settings: [
      { id: "project", digest: digest(documents.settings) },
      ...documents.translations.map((one): Setting => ({ id: `translation:${one.id}`, digest: digest(one) })),
    ],
    views: viewsOf(documents),
  };
}

export function accessOf(documents: Documents): readonly AccessEntry[] {
  const tables = new Set(documents.snapshot.collections.map((one) => one.collection));
  const policies = new Set(documents.policies.map((one) => one.id));
  return [
    ...documents.roles.map((one): AccessEntry => ({
      kind: "role",
      id: one.id,
      digest: digest({
        parent: one.parent,
        policies: documents.access
          .filter((link) => link.role === one.id)
          .map((link) => link.policy ?? "")
          .sort((a, b) => (a < b ? -1 : 1)),
      }),
      broken: missingRole(one.parent, documents),
    })),
    ...documents.policies.map(({ id, ip_access, enforce_tfa, admin_access, app_access }): AccessEntry => ({
      kind: "permission",
      id: `policy:${id}`,
      digest: digest({ ip_access, enforce_tfa, admin_access, app_access }),
      broken: null,
    })),
    ...documents.permissions.map(({ policy, collection, action, permissions, validation, presets, fields }): AccessEntry => ({
      kind: "permission",
      id: `${policy}/${collection}/${action}`,
      digest: digest({ permissions, validation, presets, fields }),
      broken: collection.startsWith("directus_") || tables.has(collection) ? null : `there is no collection ${collection}`,
    })),
    ...documents.access
      .filter((one) => one.user === null)
      .map((one): AccessEntry => ({
        kind: "membership",
        id: `access:${one.id}`,
        digest: digest({ role: one.role, policy: one.policy }),
        broken: one.policy === null || !policies.has(one.policy) ? "its policy is missing" : missingRole(one.role, documents),
      })),
  ];
}

function missingRole(role: string | null, documents: Documents): string | null {
  return role === null || documents.roles.some((one) => one.id === role) ? null : "its role is missing";
}

function automationOf(flow: answers.Flow, documents: Documents): Automation {
  const operations = documents.operations.filter((one) => one.flow === flow.id).sort((a, b) => (a.id < b.id ? -1 : 1));
  const ids = new Set(operations.map((one) => one.id));
  const next = [flow.operation, ...operations.flatMap((one) => [one.resolve, one.reject])].filter((one) => one !== null);
  const tables = new Set(documents.snapshot.collections.map((one) => one.collection));
  const collections = [flow.options, ...operations.map((one) => one.options)].flatMap((options) =>
    namedIn(options, "collections", "collection"),
  );
  const flows = operations.filter((one) => one.type === "trigger").flatMap((one) => namedIn(one.options, "flow"));
  const references: AutomationReference[] = [
    ...[...new Set(collections)].map((target): AutomationReference => ({
      kind: "collection",
      target,
      resolved: target.startsWith("directus_") || tables.has(target) || target.includes("{{"),
    })),
    ...[...new Set(flows)].map((target): AutomationReference => ({
      kind: "sub-flow",
      target,
      resolved: target.includes("{{") || documents.flows.some((one) => one.id === target),
    })),
    ...next.map((target): AutomationReference => ({ kind: "node", target, resolved: ids.has(target) })),
    ...operations
      .filter((one) => one.type === "request" || one.type === "webhook")
      .map((one): AutomationReference => ({ kind: "webhook", target: one.key, resolved: true })),
  ];
  const { id: _id, status: _status, description: _description, ...body } = flow;
  return {
    id: flow.id,
    name: flow.name,
    active: flow.status === "active",
    trigger: flow.trigger,
    references,
    bodyDigest: digest({ ...body, operations }),
  };
}

function namedIn(options: unknown, ...names: readonly string[]): readonly string[] {
  if (!isObject(options)) return [];
  return names.flatMap((name) => [options[name]].flat().filter((one) => typeof one === "string"));
}

/** What people keep of how they look at a collection, and dashboards. */
function viewsOf(documents: Documents): readonly View[] {
  const tables = new Set(documents.snapshot.collections.map((one) => one.collection));
  const lost = (collection: string | null): string | null =>
    collection === null || collection.startsWith("directus_") || tables.has(collection) ? null : `there is no collection ${collection}`;
  return [
    ...documents.presets.map((one): View => ({
      id: `preset:${one.id}`,
      name: one.bookmark ?? `${one.collection ?? "?"} (default)`,
      type: one.layout ?? "tabular",
      collection: one.collection,
      broken: lost(one.collection),
    })),
    ...documents.dashboards.map((one): View => {
      const panels = documents.panels.filter((panel) => panel.dashboard === one.id);
      const broken = panels.flatMap((panel) => namedIn(panel.options, "collection")).map(lost);
      return {
        id: `dashboard:${one.id}`,
        name: one.name,
        type: "dashboard",
        collection: null,
        broken: broken.find((lack) => lack !== null) ?? null,
      };
    }),
  ];
}

function originalsOf(documents: Documents): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    Object.entries(documents).map(([name, value]: [string, unknown]) => [`directus-${name}`, JSON.parse(JSON.stringify(value)) as Json]),
  );
}

function aspects(concealed: boolean): Readonly<Record<Aspect, AspectState>> {
  const yes = { included: true } as const;
  return {
    records: yes,
    links: yes,
    views: yes,
    automations: yes,
    credentials: {
      included: false,
      reason: `passwords, tokens of users, keys of providers and secret headers of requests are not given out or not kept${concealed ? "; fields with concealed values neither" : ""}`,
    },
    files: yes,
    access: yes,
    settings: yes,
    templates: { included: false, reason: "Directus has no templates of records; content versions and drafts are not read" },
    sequences: {
      included: false,
      reason: "the API does not tell the next number of a sequence; Directus sets it behind the greatest key it is given",
    },
    timestamps: yes,
    audit: { included: false, reason: "activity and revisions are tied to users and cannot be written through the API" },
  };
}
