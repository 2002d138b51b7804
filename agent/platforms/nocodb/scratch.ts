/** A base of our own: made, filled, read back, and taken away with its tables. */
import { AgentError } from "../../core/errors.ts";
import type { PlatformDeps, PlatformProbe, ScratchWorkspace, Workspace } from "../../core/platform-ports.ts";
import type { Client } from "./client.ts";
import type { Base } from "./schema.ts";
import { createdSchema, ignoredSchema } from "./schema.ts";
import { loadBase } from "./scratch-load.ts";
import { readBase } from "./scratch-read.ts";
import { MARK, tagOf, titleOf } from "./tag.ts";

export interface ScratchOptions {
  readonly workspace: string | null;
  /** Whether it may be the installation the source lies on. */
  readonly sameInstance: boolean;
}

export function createScratch(client: Client, options: ScratchOptions, deps: Pick<PlatformDeps, "clock">): ScratchWorkspace {
  const dispose = async (workspace: Workspace, signal: AbortSignal): Promise<{ readonly left: readonly string[] }> => {
    const base = await baseOrNull(client, workspace.id, signal);
    if (base === null) return { left: [] };
    refuseUnlessOurs(base, workspace.tag);
    return removeBase(client, base, signal);
  };
  return {
    provision: async (tag, production, signal) => {
      await refuseProduction(client, options, production, signal);
      const path = options.workspace === null ? "/api/v2/meta/bases" : "/api/v3/meta/workspaces/{workspace}/bases";
      const parameters = options.workspace === null ? {} : { workspace: options.workspace };
      const body = { title: titleOf(tag), description: `${MARK}${tag}` };
      const made = await client.send("POST", path, parameters, body, createdSchema, signal);
      if (made.id === production.scope) throw isProduction("The new base has the id of the source.");
      return { id: made.id, tag, createdAt: deps.clock.now() };
    },
    load: async (workspace, set, signal, turn) => {
      refuseUnlessOurs(await client.base(workspace.id, signal), workspace.tag);
      return loadBase(client, workspace.id, set, signal, turn);
    },
    readBack: (workspace, set, loaded, signal) => readBase(client, workspace.id, set, loaded, signal),
    dispose,
    sweep: async (prefix, keep, signal) => {
      const leaked = (await client.bases(signal)).flatMap((base) => {
        const tag = tagOf(base);
        return tag !== null && tag.startsWith(prefix) && !keep.has(tag) ? [{ id: base.id, tag, createdAt: 0 }] : [];
      });
      for (const workspace of leaked) await dispose(workspace, signal);
      return { found: leaked.length, removed: leaked.length };
    },
  };
}

async function refuseProduction(
  client: Client,
  options: ScratchOptions,
  production: PlatformProbe["identity"],
  signal: AbortSignal,
): Promise<void> {
  const { ncDefaultWorkspaceId: instance } = await client.info(signal);
  if (options.sameInstance) return;
  if (instance === null || production.instance === null)
    throw isProduction("It cannot be told whether the scratch place is the installation of the source.");
  if (instance === production.instance) throw isProduction("The scratch place is the installation the source lies on.");
}

function isProduction(sentence: string): AgentError {
  return new AgentError("config", "scratch-is-production", `nocodb: ${sentence}`, {
    mend: "use another installation, or set sameInstance: true where its database may fill with what NocoDB keeps",
  });
}

function refuseUnlessOurs(base: Base, tag: string): void {
  if (tagOf(base) !== tag)
    throw new AgentError("internal", "not-our-workspace", "nocodb: The base does not carry the tag of this drill; it is left alone.");
}

async function baseOrNull(client: Client, id: string, signal: AbortSignal): Promise<Base | null> {
  try {
    return await client.base(id, signal);
  } catch (thrown) {
    if (thrown instanceof AgentError && thrown.kind === "not_found") return null;
    throw thrown;
  }
}

/**
 * Deleting a base only marks it: every table of it would stay in the database with all its records. Deleted one by one, tables are
 * really dropped; what stays is told.
 */
async function removeBase(client: Client, base: Base, signal: AbortSignal): Promise<{ readonly left: readonly string[] }> {
  const tables = await client.tables(base.id, signal);
  let files = 0;
  for (const table of tables) {
    const { columns } = await client.table(table.id, signal);
    if (columns.some((column) => column.uidt === "Attachment")) files += 1;
    await client.send("DELETE", "/api/v2/meta/tables/{table}", { table: table.id }, undefined, ignoredSchema, signal);
  }
  const kept = (await client.tables(base.id, signal)).length;
  await client.send("DELETE", "/api/v2/meta/bases/{base}", { base: base.id }, undefined, ignoredSchema, signal);
  if ((await baseOrNull(client, base.id, signal)) !== null)
    throw new AgentError("transient", "not-removed", "nocodb: The scratch base is still there after it was deleted.", {
      mend: `delete the base ${base.id} by hand`,
    });
  const prefix = base.prefix === null || base.prefix === "" ? "" : `, named ${base.prefix}…`;
  return {
    left: [
      `The base ${base.id} stays in NocoDB's own database, marked as deleted.`,
      ...(kept > 0 ? [`${kept} of its tables stay in the database${prefix}, with all their records.`] : []),
      ...(files > 0 ? ["Attachments that were uploaded stay in NocoDB's storage, below restorewatch/."] : []),
    ],
  };
}
