/** Flows, folders, roles, policies and dashboards of a backup, put into a scratch place; everything bears the workspace's tag. */
import { z } from "zod";
import type { Json, RestoreSet, Workspace } from "../../core/platform-ports.ts";
import type { Client } from "./client.ts";
import type { Refusals } from "./refusals.ts";
import * as answers from "./schema.ts";

function original<T>(set: RestoreSet, name: string, schema: z.ZodType<T>): readonly T[] {
  return z.array(schema).parse(set.originals[`directus-${name}`] ?? []);
}

const tagged = (workspace: Workspace, text: string | null): string => `${workspace.tag} ${text ?? ""}`.trim();
const plain = (value: object): Json => JSON.parse(JSON.stringify(value)) as Json;

/** Switched off, and before any record. */
export async function loadFlows(
  client: Client,
  workspace: Workspace,
  set: RestoreSet,
  refusals: Refusals,
  signal: AbortSignal,
): Promise<void> {
  const operations = original(set, "operations", answers.operationSchema);
  for (const { operation, ...flow } of original(set, "flows", answers.flowSchema)) {
    const body = plain({ ...flow, status: "inactive", description: tagged(workspace, flow.description) });
    if ((await refusals.told("automations", "a flow", () => client.post("/flows", body, answers.createdSchema, signal))) === null) continue;
    const own = operations.filter((one) => one.flow === flow.id);
    for (const { resolve: _resolve, reject: _reject, ...one } of own)
      await refusals.told("automations", "an operation", () => client.post("/operations", plain(one), answers.createdSchema, signal));
    for (const { id, resolve, reject } of own)
      if (resolve !== null || reject !== null)
        await refusals.told("automations", "the order of operations", () =>
          client.patch("/operations/{id}", { resolve, reject }, signal, { id }),
        );
    if (operation !== null)
      await refusals.told("automations", "the first operation of a flow", () =>
        client.patch("/flows/{id}", { operation }, signal, { id: flow.id }),
      );
  }
}

/** Under the workspace's own folder. @returns ids of the folders there are now */
export async function loadFolders(
  client: Client,
  workspace: Workspace,
  set: RestoreSet,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const made = new Set<string>();
  let left = original(set, "folders", answers.folderSchema);
  for (;;) {
    const ready = left.filter((one) => one.parent === null || made.has(one.parent));
    if (ready.length === 0) return made;
    for (const one of ready) {
      await client.post("/folders", { ...one, parent: one.parent ?? workspace.id }, answers.createdSchema, signal);
      made.add(one.id);
    }
    left = left.filter((one) => !made.has(one.id));
  }
}

export async function loadAccess(
  client: Client,
  workspace: Workspace,
  set: RestoreSet,
  collections: ReadonlySet<string>,
  refusals: Refusals,
  signal: AbortSignal,
): Promise<void> {
  const policies = new Set<string>();
  // What anybody may do hangs on a policy with the same id in every installation: it is there already, and stays.
  const theirs = new Set(
    (await client.all("/access", answers.accessSchema, signal))
      .filter((one) => one.role === null && one.user === null)
      .map((one) => one.policy),
  );
  for (const one of original(set, "policies", answers.policySchema)) {
    if (theirs.has(one.id)) continue;
    const body = plain({ ...one, description: tagged(workspace, one.description) });
    if ((await refusals.told("access", "a policy", () => client.post("/policies", body, answers.createdSchema, signal))) !== null)
      policies.add(one.id);
  }
  const roles = new Set<string>();
  const all = original(set, "roles", answers.roleSchema);
  for (const one of all) {
    const body = plain({ ...one, parent: null, description: tagged(workspace, one.description) });
    if ((await refusals.told("access", "a role", () => client.post("/roles", body, answers.createdSchema, signal))) !== null)
      roles.add(one.id);
  }
  for (const { id, parent } of all)
    if (parent !== null && roles.has(parent) && roles.has(id))
      await refusals.told("access", "the parent of a role", () => client.patch("/roles/{id}", { parent }, signal, { id }));
  for (const one of original(set, "access", answers.accessSchema)) {
    if (one.user !== null || one.policy === null || !policies.has(one.policy) || (one.role !== null && !roles.has(one.role))) continue;
    const body = plain({ id: one.id, role: one.role, policy: one.policy, sort: one.sort ?? null });
    await refusals.told("access", "a policy's assignment", () => client.post("/access", body, answers.createdSchema, signal));
  }
  for (const one of original(set, "permissions", answers.permissionSchema)) {
    if (one.policy === null || !(policies.has(one.policy) || theirs.has(one.policy))) continue;
    // A rule on a table of ours goes with the table; one on the system's would stay.
    if (theirs.has(one.policy) && one.collection.startsWith("directus_")) {
      refusals.add("access", "What anybody may do with tables of the system belongs to the whole installation and is left as it is there.");
      continue;
    }
    if (!one.collection.startsWith("directus_") && !collections.has(one.collection)) continue;
    await refusals.told("access", "a permission", () => client.post("/permissions", plain(one), answers.createdSchema, signal));
  }
}

/** Dashboards of everybody; presets only where they are nobody's own. */
export async function loadViews(
  client: Client,
  workspace: Workspace,
  set: RestoreSet,
  collections: ReadonlySet<string>,
  refusals: Refusals,
  signal: AbortSignal,
): Promise<void> {
  for (const one of original(set, "dashboards", answers.dashboardSchema)) {
    const body = plain({ ...one, note: tagged(workspace, one.note) });
    await refusals.told("views", "a dashboard", () => client.post("/dashboards", body, answers.createdSchema, signal));
  }
  for (const one of original(set, "panels", answers.panelSchema))
    await refusals.told("views", "a panel", () => client.post("/panels", plain(one), answers.createdSchema, signal));
  for (const { id: _id, ...one } of original(set, "presets", answers.presetSchema)) {
    if (one.user !== null || one.collection === null || !collections.has(one.collection)) {
      refusals.add("views", "Presets of single users, and of collections that are not restored, are left out.");
      continue;
    }
    await refusals.told("views", "a preset", () => client.post("/presets", plain(one), answers.createdSchema, signal));
  }
}
