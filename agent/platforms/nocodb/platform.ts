/** Production: only ever read. */
import type { Collection, FileItem } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import type { OpenPlatform, PlatformDeps, PlatformProbe } from "../../core/platform-ports.ts";
import type { Client } from "./client.ts";
import { unexpected } from "./errors.ts";
import { type FilePlace, type Read, readInventory } from "./inventory.ts";
import { keysOf, pagesOf, recordsByKey } from "./records.ts";
import type { Attachment } from "./schema.ts";
import { tagOf } from "./tag.ts";
import { attachmentsOf, fileIdOf } from "./values.ts";
import { all, oneOf } from "./where.ts";

export function openBase(client: Client, base: string, pageSize: number, deps: Pick<PlatformDeps, "clock">): OpenPlatform {
  let files: ReadonlyMap<string, FilePlace> = new Map();
  const inventory = async (signal: AbortSignal): Promise<Read["inventory"]> => {
    const read = await readInventory(client, base, signal);
    files = read.files;
    return read.inventory;
  };
  return {
    platform: {
      probe: (signal) => probe(client, base, deps, signal),
      inventory,
      listKeys: (collection, signal) => keysOf(client, collection, { pageSize, signal }),
      readItems: (collection, keys, signal) => recordsByKey(client, collection, keys, signal),
    },
    discoverer: {
      // A drill's own base is nobody's data.
      discover: async (signal) =>
        (await client.bases(signal)).flatMap((one) => (tagOf(one) === null ? [{ scope: one.id, kind: "base", name: one.title }] : [])),
    },
    capturer: {
      async *records(collection, { after, since, signal }) {
        if (since === null) {
          for await (const records of pagesOf(client, collection, { after, pageSize, signal }))
            yield { records, cursor: records.at(-1)?.key ?? "" };
          return;
        }
        // Keys and times cost a fraction of the records: what did not change is not read.
        for await (const page of keysOf(client, collection, { pageSize, signal, after })) {
          const changed = page.filter((one) => one.updatedAt === null || one.updatedAt >= since).map((one) => one.key);
          if (changed.length === 0) continue;
          const records = await recordsByKey(client, collection, changed, signal);
          yield { records, cursor: page.at(-1)?.key ?? "" };
        }
      },
      incremental,
      async *fileBytes(file, signal) {
        if (!files.has(file.id)) await inventory(signal);
        yield* bytesOf(client, file, files.get(file.id), signal);
      },
      async *secrets() {},
    },
  };
}

/**
 * UpdatedAt tells every edit of a cell, but not a link that was set from the other side; and it has to be there.
 * Its precision is a second, which `since` allows for by being compared inclusively.
 */
function incremental(collection: Collection): boolean {
  return collection.fields.every((field) => field.link === null || field.computed);
}

async function probe(client: Client, base: string, deps: Pick<PlatformDeps, "clock">, signal: AbortSignal): Promise<PlatformProbe> {
  const answer = await client.version(signal);
  const date = Date.parse(answer.headers["date"] ?? "");
  // The header is cut to the second: half of one is the fairest guess.
  const clockSkewMs = Number.isNaN(date) ? null : date + 500 - deps.clock.now();
  const info = await client.info(signal);
  const found = await client.base(base, signal);
  const may = async (name: string, work: () => Promise<unknown>): Promise<PlatformProbe["permissions"][number]> => {
    try {
      await work();
      return { name, neededFor: "capture", granted: true };
    } catch (thrown) {
      if (thrown instanceof AgentError && thrown.kind === "auth") return { name, neededFor: "capture", granted: false };
      throw thrown;
    }
  };
  const [table] = await client.tables(base, signal);
  const permissions = [
    await may("read the members of the base", () => client.users(base, signal)),
    await may("read which views are hidden from whom", () => client.visibility(base, signal)),
    ...(table === undefined
      ? []
      : [
          await may("read records", () => client.count(table.id, signal)),
          await may("read webhooks", () => client.hooks(table.id, signal)),
        ]),
  ];
  return {
    version: answer.body.currentVersion,
    identity: { instance: info.ncDefaultWorkspaceId ?? found.fk_workspace_id, scope: base },
    permissions,
    // The community edition has no snapshots.
    nativeBackups: null,
    clockSkewMs,
  };
}

/** Addresses are signed for a while only: each file is asked for anew when its turn comes. */
export async function* bytesOf(
  client: Client,
  file: Pick<FileItem, "id">,
  place: FilePlace | undefined,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (place === undefined) throw new AgentError("not_found", "file-gone", "nocodb: A file is not attached to any record any more.");
  const attachment = await refreshed(client, file, place, signal);
  const path = attachment.signedUrl ?? attachment.signedPath ?? attachment.path ?? attachment.url;
  if (path === null) throw unexpected("an attachment without an address");
  const answer = await client.http.bytes({ method: "GET", ...addressOf(path), signal, maxBytes: 1024 * 1024 * 1024 });
  yield* answer.body;
}

async function refreshed(client: Client, file: Pick<FileItem, "id">, place: FilePlace, signal: AbortSignal): Promise<Attachment> {
  const table = await client.table(place.table, signal);
  const key = table.columns.find((column) => column.pk);
  const column = table.columns.find((one) => one.id === place.column);
  if (key === undefined || column === undefined) throw unexpected("a table without the column of the file");
  const where = all(oneOf(key.id, [place.key]));
  const page = await client.rows(place.table, { fields: [key.id, column.id], where, sort: key.id, limit: 1 }, signal);
  const found = attachmentsOf(page.list[0]?.[column.title]).find((one) => fileIdOf(one) === file.id);
  if (found === undefined) throw new AgentError("not_found", "file-gone", "nocodb: A file is not attached to its record any more.");
  return found;
}

/** A path on the product itself goes into a place of the template, or its signature would be told with the template. */
function addressOf(path: string): { readonly path: string; readonly parameters?: Readonly<Record<string, string>> } {
  if (/^https?:/u.test(path)) return { path };
  const parts = path.split("/").filter((part) => part !== "");
  const places = parts.map((_, at) => `{part${at}}`);
  return { path: `/${places.join("/")}`, parameters: Object.fromEntries(parts.map((part, at) => [`part${at}`, part])) };
}
