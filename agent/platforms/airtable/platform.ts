/** Production: only ever read. */
import type { FileItem } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import type { OpenPlatform, PlatformDeps, PlatformProbe } from "../../core/platform-ports.ts";
import type { Client } from "./client.ts";
import { readInventory, type SeenFile } from "./inventory.ts";
import { updatesField } from "./model.ts";
import { keysOf, listing, pagesOf, type Place, recordsByKey } from "./records.ts";
import { attachmentsOf } from "./values.ts";

const NEEDED = ["data.records:read", "schema.bases:read"];
/** Addresses live for two hours: half of it is safe to use. */
const ADDRESS_MS = 3_600_000;

export function openBase(client: Client, place: Place, deps: Pick<PlatformDeps, "clock">): OpenPlatform {
  const seen = new Map<string, SeenFile>();
  const monotonic = (): number => deps.clock.monotonic();
  const inventory = (signal: AbortSignal) => readInventory(client, place, seen, monotonic, signal);
  return {
    platform: {
      probe: (signal) => probe(client, place.base, deps, signal),
      inventory,
      listKeys: (collection, signal) => keysOf(client, place, collection, signal),
      readItems: (collection, keys, signal) => recordsByKey(client, place, collection, keys, signal),
    },
    discoverer: {
      discover: async (signal) => (await client.bases(signal)).map(({ id, name }) => ({ scope: id, kind: "base", name })),
    },
    capturer: {
      async *records(collection, { after, since, signal }) {
        for await (const records of pagesOf(client, place, collection, { after, since, signal }))
          yield { records, cursor: records.at(-1)?.key ?? "" };
      },
      // Whether a link that was set from the other side counts as an edit is told nowhere.
      incremental: (collection) =>
        updatesField(collection, place.updatedField) !== null && collection.fields.every((field) => field.link === null || field.computed),
      async *fileBytes(file, signal) {
        if (!seen.has(file.id)) await inventory(signal);
        yield* await client.download(await freshAddress(client, place, file, seen, monotonic, signal), signal);
      },
      async *secrets() {},
    },
  };
}

/** @throws AgentError `not_found` where the record or its attachment is gone */
async function freshAddress(
  client: Client,
  place: Place,
  file: FileItem,
  seen: Map<string, SeenFile>,
  monotonic: () => number,
  signal: AbortSignal,
): Promise<string> {
  const known = seen.get(file.id);
  if (known !== undefined && monotonic() - known.seenAt < ADDRESS_MS) return known.url;
  if (known !== undefined) {
    const asked = { fields: [known.field], formula: `RECORD_ID()='${known.record}'` };
    for await (const rows of listing(client, place, { id: known.table }, asked, signal))
      for (const row of rows)
        for (const one of attachmentsOf(row.fields[known.field]))
          if (one.id === file.id) {
            seen.set(file.id, { ...known, url: one.url, seenAt: monotonic() });
            return one.url;
          }
  }
  throw new AgentError("not_found", "no-such-file", "airtable: An attachment is not there any more.");
}

async function probe(client: Client, base: string, deps: Pick<PlatformDeps, "clock">, signal: AbortSignal): Promise<PlatformProbe> {
  const { body, headers } = await client.whoami(signal);
  const told = Date.parse(headers["date"] ?? "");
  const permissions: PlatformProbe["permissions"] = NEEDED.map((name) => ({
    name,
    neededFor: "capture",
    granted: body.scopes === undefined ? null : body.scopes.includes(name),
  }));
  if (permissions.every((one) => one.granted !== false)) await tried(client, base, signal);
  return {
    // Airtable names no release: the one version of its API is all there is.
    version: "v0",
    // There is one Airtable; a base is told by its id alone.
    identity: { instance: "airtable", scope: base },
    permissions,
    // Snapshots of a base are made and seen on its pages only.
    nativeBackups: null,
    // The header is cut to the second: half of one is the fairest guess.
    clockSkewMs: Number.isNaN(told) ? null : told + 500 - deps.clock.now(),
  };
}

/**
 * Scopes say nothing of this base, and a schema that answers says nothing of records: those are refused alone when the calls of the month
 * are used up.
 */
async function tried(client: Client, base: string, signal: AbortSignal): Promise<void> {
  const [table] = await client.tables(base, signal);
  if (table !== undefined) await client.rows(base, table.id, { fields: [table.primaryFieldId], pageSize: 1 }, signal);
}
