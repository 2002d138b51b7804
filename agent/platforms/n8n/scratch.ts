/** Things of our own on an instance that is not production: told by their names, as n8n has nothing to put them into. */
import { AgentError } from "../../core/errors.ts";
import type { PlatformDeps, PlatformProbe, ScratchWorkspace, Workspace } from "../../core/platform-ports.ts";
import { type Client, ifThere, isConflict } from "./client.ts";
import { isTitleWith, titleOf } from "./names.ts";
import { instanceOf } from "./platform.ts";
import { ignoredSchema, type Listed, type Table, tableSchema } from "./schema.ts";
import { loadInstance } from "./scratch-load.ts";
import { readInstance } from "./scratch-read.ts";

/** The column of the empty data table that stands for a workspace: a person's table, whatever its name, is never ours. */
const MARK = "scratchOfRestorewatch";

const UNPUBLISH_TRIES = 40;
const UNPUBLISH_WAIT_MS = 250;

export function createScratch(client: Client, deps: Pick<PlatformDeps, "clock">): ScratchWorkspace {
  const dispose = async (workspace: Workspace, signal: AbortSignal): Promise<{ readonly left: readonly string[] }> => {
    const prefix = `${titleOf(workspace.tag)} `;
    const marker = await ifThere(() => client.table(workspace.id, signal));
    if (marker !== null && tagOf(marker) !== titleOf(workspace.tag)) throw notOurs();
    const mine = async () => ({
      workflows: (await client.workflows(signal)).filter((one) => one.name.startsWith(prefix)),
      tables: (await client.tables(signal)).filter((one) => one.name.startsWith(prefix)),
    });
    const found = await mine();
    for (const one of found.workflows) await removeWorkflow(client, one, deps, signal);
    for (const one of found.tables) await remove(client, "/data-tables/{id}", one.id, signal);
    const rest = await mine();
    if (rest.workflows.length + rest.tables.length > 0)
      throw new AgentError("transient", "not-removed", "n8n: Parts of the scratch workspace are still there after they were deleted.", {
        mend: `delete what is named ${titleOf(workspace.tag)} by hand`,
      });
    // Last, so that a removal that was cut short is found again.
    if (marker !== null) await remove(client, "/data-tables/{id}", marker.id, signal);
    return { left: [] };
  };
  return {
    provision: async (tag, production, signal) => {
      await refuseProduction(client, production, signal);
      const body = { name: titleOf(tag), columns: [{ name: MARK, type: "string" }] };
      const made = await client.send("POST", "/data-tables", {}, body, tableSchema, signal);
      return { id: made.id, tag, createdAt: deps.clock.now() };
    },
    load: async (workspace, set, signal, turn) => {
      if (tagOf(await client.table(workspace.id, signal)) !== titleOf(workspace.tag)) throw notOurs();
      await refuseCopies(client, new Set([...set.collections, ...set.automations].map((one) => one.id)), signal);
      return loadInstance(client, titleOf(workspace.tag), set, signal, turn);
    },
    readBack: (workspace, set, loaded, signal) => readInstance(client, titleOf(workspace.tag), set, loaded, signal),
    dispose,
    sweep: async (prefix, keep, signal) => {
      const kept = new Set([...keep].map(titleOf));
      const leaked = (await client.tables(signal)).flatMap((table) => {
        const tag = tagOf(table);
        return tag !== null && isTitleWith(tag, prefix) && !kept.has(tag) ? [{ id: table.id, tag, createdAt: 0 }] : [];
      });
      for (const workspace of leaked) await dispose(workspace, signal);
      return { found: leaked.length, removed: leaked.length };
    },
  };
}

/** @returns the title of the workspace a data table stands for, or null */
function tagOf(table: Pick<Table, "name" | "columns">): string | null {
  return table.columns.length === 1 && table.columns[0]?.name === MARK ? table.name : null;
}

/** One that somebody published meanwhile is not deleted before it is unpublished, and n8n takes a moment for that. */
async function removeWorkflow(client: Client, workflow: Listed, deps: Pick<PlatformDeps, "clock">, signal: AbortSignal): Promise<void> {
  const { id } = workflow;
  if (workflow.active) await ifThere(() => client.send("POST", "/workflows/{id}/unpublish", { id }, {}, ignoredSchema, signal));
  for (let left = UNPUBLISH_TRIES; ; left -= 1) {
    try {
      await remove(client, "/workflows/{id}", id, signal);
      return;
    } catch (thrown) {
      if (left <= 1 || !isConflict(thrown)) throw thrown;
      await deps.clock.sleep(UNPUBLISH_WAIT_MS, signal);
    }
  }
}

async function remove(client: Client, path: string, id: string, signal: AbortSignal): Promise<void> {
  await ifThere(() => client.send("DELETE", path, { id }, undefined, ignoredSchema, signal));
}

async function refuseProduction(client: Client, production: PlatformProbe["identity"], signal: AbortSignal): Promise<void> {
  const instance = await instanceOf(client, signal);
  if (instance === null || production.instance === null)
    throw isProduction("It cannot be told whether the scratch place is the source itself: a key may not list users.");
  if (instance === production.instance)
    throw isProduction("The scratch place has the owner of the source: it is the source, or a copy of it.");
}

/** A copy of production holds the same ids: our workflows would point into it. */
async function refuseCopies(client: Client, ids: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
  const there = [...(await client.workflows(signal)), ...(await client.tables(signal))];
  if (there.some((one) => ids.has(one.id)))
    throw isProduction("The scratch place has workflows or data tables of the source: it is the source, or a copy of it.");
}

function isProduction(sentence: string): AgentError {
  return new AgentError("config", "scratch-is-production", `n8n: ${sentence}`, {
    mend: "use an n8n of its own, with an owner of its own, for scratch restores",
  });
}

function notOurs(): AgentError {
  return new AgentError("internal", "not-our-workspace", "n8n: The workspace does not carry the tag of this drill; it is left alone.");
}
