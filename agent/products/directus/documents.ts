/** Everything of a Directus project that is no record, as the content model: flows, roles, policies, files, presets, dashboards, settings. Pure. */
import type { AccessEntry, Automation, AutomationReference, FileItem, Setting, View } from "../../core/content.ts";
import type { Json } from "../../core/platform-ports.ts";
import { sha256Hex } from "../../core/ids.ts";
import { canonicalJson, isObject } from "../../kit/json.ts";
import type { z } from "zod";
import type * as answers from "./schema.ts";

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
  /** Kinds that were not exported, and are empty here: nothing that is said to be one of them is missing. */
  readonly absent?: ReadonlySet<string>;
}

/** What of users is told apart from what they are allowed: people, by nothing but their ids. */
export interface People {
  readonly users: readonly z.infer<typeof answers.userSchema>[];
  readonly shares: readonly z.infer<typeof answers.shareSchema>[];
}

const digest = (value: unknown): string => sha256Hex(canonicalJson(value));

export function automationsOf(documents: Documents): readonly Automation[] {
  return documents.flows.map((flow) => automationOf(flow, documents));
}

/** @param presence whether its bytes are there */
export function fileOf(file: answers.DirectusFile, presence: FileItem["presence"]): FileItem {
  const bytes = Number(file.filesize ?? Number.NaN);
  return {
    id: file.id,
    name: file.filename_download ?? file.id,
    bytes: Number.isSafeInteger(bytes) ? bytes : null,
    declaredType: file.type,
    declaredDigest: null,
    presence,
  };
}

export function settingsOf(documents: Documents): readonly Setting[] {
  return [
    ...(documents.absent?.has("settings") === true ? [] : [{ id: "project", digest: digest(documents.settings) }]),
    ...documents.translations.map((one): Setting => ({ id: `translation:${one.id}`, digest: digest(one) })),
  ];
}

export function accessOf(documents: Documents): readonly AccessEntry[] {
  const tables = new Set(documents.snapshot.collections.map((one) => one.collection));
  const policies = new Set(documents.policies.map((one) => one.id));
  const lost = (policy: string): boolean => documents.absent?.has("policies") !== true && !policies.has(policy);
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
        broken: one.policy === null || lost(one.policy) ? "its policy is missing" : missingRole(one.role, documents),
      })),
  ];
}

export function peopleOf({ users, shares }: People, documents: Documents): readonly AccessEntry[] {
  return [
    ...users.map((one): AccessEntry => ({
      kind: "membership",
      id: `user:${one.id}`,
      digest: digest(one),
      broken: missingRole(one.role, documents),
    })),
    ...shares.map((one): AccessEntry => ({ kind: "share", id: one.id, digest: digest(one), broken: missingRole(one.role, documents) })),
  ];
}

function missingRole(role: string | null, documents: Documents): string | null {
  return role === null || documents.absent?.has("roles") === true || documents.roles.some((one) => one.id === role)
    ? null
    : "its role is missing";
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
    ...next.map((target): AutomationReference => ({
      kind: "node",
      target,
      resolved: documents.absent?.has("operations") === true || ids.has(target),
    })),
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
export function viewsOf(documents: Documents): readonly View[] {
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

/** JSON by name, as a restore through the API needs it. Kinds that were not exported are left out. */
export function originalsOf({ absent, ...documents }: Documents): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    Object.entries(documents)
      .filter(([name]) => absent?.has(name) !== true)
      .map(([name, value]: [string, unknown]) => [`directus-${name}`, JSON.parse(JSON.stringify(value)) as Json]),
  );
}
