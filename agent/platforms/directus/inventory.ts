/** Everything of a Directus project that is no record: schema, flows, roles, policies, files, presets, dashboards, settings. */
import type { Aspect, AspectState } from "../../core/content.ts";
import { z, type ZodType } from "zod";
import type { Json, LiveInventory } from "../../core/platform-ports.ts";
import { mapLimit } from "../../kit/map-limit.ts";
import {
  accessOf,
  automationsOf,
  type Documents,
  fileOf,
  originalsOf,
  peopleOf,
  settingsOf,
  viewsOf,
} from "../../products/directus/documents.ts";
import { collectionsOf, withUnmanaged } from "../../products/directus/model.ts";
import { withoutSecrets } from "../../products/directus/redact.ts";
import type { Client } from "./client.ts";
import * as answers from "./schema.ts";

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
    access: [...accessOf(documents), ...peopleOf({ users, shares }, documents)],
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
    automations: automationsOf(documents),
    credentials: [],
    files: documents.files.map((file) => fileOf(file, "inside")),
    settings: settingsOf(documents),
    views: viewsOf(documents),
  };
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
