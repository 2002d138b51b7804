/**
 * A base of our own that stays: Airtable deletes neither bases nor tables through its API. Tables are made once for each shape and used again,
 * a workspace is a row of one table of ours, and disposing takes away every row.
 */
import { AgentError } from "../../core/errors.ts";
import type { PlatformDeps, PlatformProbe, ScratchProbe, ScratchWorkspace, Workspace } from "../../core/platform-ports.ts";
import { type Client, MOST_ROWS } from "./client.ts";
import { isRefusal } from "./errors.ts";
import { listing } from "./records.ts";
import type { Table } from "./schema.ts";
import { emptyTable, removeRows } from "./scratch-rows.ts";
import { loadBase } from "./scratch-load.ts";
import { readBase } from "./scratch-read.ts";

/** The table whose rows stand for workspaces. */
export const MARKER = "restorewatch workspaces";
const TAG = "Tag";
/** What tables of backups are named after, before the id of the collection and its shape. */
const OURS = "restorewatch ";

/** Of one source: the tag without the drill. Tables are shared by its drills, one after the other. */
export function tablePrefix(tag: string): string {
  return `${OURS}${tag.slice(0, tag.lastIndexOf("-") + 1)}`;
}

export function createScratch(client: Client, base: string, deps: Pick<PlatformDeps, "clock">): ScratchWorkspace {
  const dispose = async (workspace: Workspace, signal: AbortSignal): Promise<{ readonly left: readonly string[] }> => {
    const tables = await client.tables(base, signal);
    const mine = tables.filter((table) => table.name.startsWith(tablePrefix(workspace.tag)));
    for (const table of mine) await emptyTable(client, base, table, signal);
    const marker = tables.find((table) => table.name === MARKER);
    // Last, so that a removal that was cut short is found again.
    if (marker !== undefined) await removeMarkers(client, base, marker, (tag) => tag === workspace.tag, signal);
    return {
      left: mine.length === 0 ? [] : [`${mine.length} empty tables, which Airtable's API cannot delete and the next drill uses again`],
    };
  };
  return {
    provision: async (tag, production, signal) => {
      await refuseProduction(client, base, production, signal);
      const marker = await markerTable(client, base, signal);
      const { records } = await client.insert(base, marker.id, [{ fields: { [primaryOf(marker)]: tag } }], signal);
      return { id: records[0]?.id ?? "", tag, createdAt: deps.clock.now() };
    },
    load: (workspace, set, signal, turn) => loadBase(client, base, tablePrefix(workspace.tag), set, signal, turn),
    readBack: (workspace, set, loaded, signal) => readBase(client, base, tablePrefix(workspace.tag), set, loaded, signal),
    dispose,
    sweep: async (prefix, keep, signal) => {
      const marker = (await client.tables(base, signal)).find((table) => table.name === MARKER);
      if (marker === undefined) return { found: 0, removed: 0 };
      const leaked = (await markersOf(client, base, marker, signal)).filter(({ tag }) => tag.startsWith(prefix) && !keep.has(tag));
      for (const { id, tag } of leaked) await dispose({ id, tag, createdAt: 0 }, signal);
      return { found: leaked.length, removed: leaked.length };
    },
  };
}

async function refuseProduction(client: Client, base: string, production: PlatformProbe["identity"], signal: AbortSignal): Promise<void> {
  if (production.scope === base) throw isProduction("The scratch base is the source itself.");
  for (const table of await client.tables(base, signal)) {
    if (table.name.startsWith(OURS)) continue;
    const { records } = await client.rows(base, table.id, { fields: [table.primaryFieldId], pageSize: 1 }, signal);
    if (records.length > 0) throw isProduction("The scratch base has tables of others with records in them: it could be production.");
  }
}

function isProduction(sentence: string): AgentError {
  return new AgentError("config", "scratch-is-production", `airtable: ${sentence}`, {
    mend: "make an empty base for scratch restores and nothing else, with a token for it alone",
  });
}

async function markerTable(client: Client, base: string, signal: AbortSignal): Promise<Table> {
  const found = (await client.tables(base, signal)).find((table) => table.name === MARKER);
  if (found !== undefined) return found;
  const description = "Scratch workspaces of Restorewatch: one row a drill under way.";
  return client.createTable(base, { name: MARKER, description, fields: [{ name: TAG, type: "singleLineText" }] }, signal);
}

async function markersOf(
  client: Client,
  base: string,
  marker: Table,
  signal: AbortSignal,
): Promise<readonly { readonly id: string; readonly tag: string }[]> {
  const found: { id: string; tag: string }[] = [];
  const primary = primaryOf(marker);
  for await (const rows of listing(client, { base, pageSize: MOST_ROWS }, marker, { fields: [primary] }, signal))
    for (const row of rows) {
      const tag = row.fields[primary];
      if (typeof tag === "string") found.push({ id: row.id, tag });
    }
  return found;
}

async function removeMarkers(
  client: Client,
  base: string,
  marker: Table,
  which: (tag: string) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const ids = (await markersOf(client, base, marker, signal)).filter(({ tag }) => which(tag)).map(({ id }) => id);
  await removeRows(client, base, marker.id, ids, signal);
}

function primaryOf(table: Table): string {
  return table.primaryFieldId;
}

export function createScratchProbe(client: Client, base: string): ScratchProbe {
  return {
    nextInsert: async (workspace, collection, signal) => {
      const prefix = `${tablePrefix(workspace.tag)}${collection.id} `;
      const table = (await client.tables(base, signal)).find((one) => one.name.startsWith(prefix));
      if (table === undefined) return "not-possible";
      try {
        const { records } = await client.insert(base, table.id, [{ fields: {} }], signal);
        await removeRows(
          client,
          base,
          table.id,
          records.map((one) => one.id),
          signal,
        );
        return records.length === 1 ? "ok" : "not-possible";
      } catch (thrown) {
        if (isRefusal(thrown)) return "collides";
        throw thrown;
      }
    },
    reconnect: async () => new Map(),
    audit: async () => null,
  };
}
