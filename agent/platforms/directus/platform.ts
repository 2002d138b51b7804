/** Production: only ever read. */
import type { Collection } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import type { OpenPlatform, PlatformDeps, PlatformProbe } from "../../core/platform-ports.ts";
import type { Client } from "./client.ts";
import { readInventory } from "./inventory.ts";
import { keysOf, pagesOf, recordsByKey } from "./records.ts";
import * as answers from "./schema.ts";

export interface Target {
  readonly url: string;
  readonly collections: readonly string[] | null;
  readonly pageSize: number;
}

export function openProject(client: Client, target: Target, deps: Pick<PlatformDeps, "clock">): OpenPlatform {
  const wanted = target.collections === null ? null : new Set(target.collections);
  let dated: ReadonlySet<string> = new Set();
  const size = async (signal: AbortSignal): Promise<number> => {
    const most = (await client.info(signal)).body.data.queryLimit?.max ?? -1;
    return most > 0 ? Math.min(most, target.pageSize) : target.pageSize;
  };
  return {
    platform: {
      probe: (signal) => probe(client, target, deps, signal),
      inventory: async (signal) => {
        const inventory = await readInventory(client, wanted, signal);
        dated = datedIn(inventory.originals["directus-snapshot"]);
        return inventory;
      },
      async *listKeys(collection, signal) {
        yield* keysOf(client, collection, { after: null, since: null, pageSize: await size(signal), signal });
      },
      readItems: async (collection, keys, signal) => recordsByKey(client, collection, keys, await size(signal), signal),
    },
    discoverer: {
      discover: async (signal) => {
        const settings = await client.settings(signal);
        return [{ scope: scopeOf(settings.project_id, target), kind: "project", name: settings.project_name ?? "Directus" }];
      },
    },
    capturer: {
      async *records(collection, { after, since, signal }) {
        const options = { after, since: since !== null && dated.has(collection.id) ? since : null, pageSize: await size(signal), signal };
        for await (const records of pagesOf(client, collection, options)) yield { records, cursor: records.at(-1)?.key ?? "" };
      },
      /** True only behind an inventory, which tells whether Directus stamps creation and every update of its records. */
      incremental: (collection: Collection) => dated.has(collection.id),
      async *fileBytes(file, signal) {
        yield* (await client.asset(file.id, signal)).body;
      },
      async *secrets() {},
    },
  };
}

function datedIn(snapshot: unknown): ReadonlySet<string> {
  const read = answers.snapshotSchema.safeParse(snapshot);
  if (!read.success) return new Set();
  const having = (special: string): ReadonlySet<string> =>
    new Set(read.data.fields.filter((field) => field.meta?.special.includes(special)).map((field) => field.collection));
  const updated = having("date-updated");
  return new Set([...having("date-created")].filter((collection) => updated.has(collection)));
}

function scopeOf(project: string | null, target: Target): string {
  return project ?? new URL(target.url).host;
}

export async function identityOf(client: Client, target: Pick<Target, "url">, signal: AbortSignal): Promise<PlatformProbe["identity"]> {
  const project = (await client.settings(signal)).project_id;
  return { instance: project, scope: project ?? new URL(target.url).host };
}

async function probe(client: Client, target: Target, deps: Pick<PlatformDeps, "clock">, signal: AbortSignal): Promise<PlatformProbe> {
  const answer = await client.info(signal);
  const date = Date.parse(answer.headers["date"] ?? "");
  // The header is cut to the second: half of one is the fairest guess.
  const clockSkewMs = Number.isNaN(date) ? null : date + 500 - deps.clock.now();
  const may = async (name: string, work: () => Promise<unknown>): Promise<PlatformProbe["permissions"][number]> => {
    try {
      await work();
      return { name, neededFor: "capture", granted: true };
    } catch (thrown) {
      if (thrown instanceof AgentError && thrown.kind === "auth") return { name, neededFor: "capture", granted: false };
      throw thrown;
    }
  };
  const one = { limit: 1, fields: "id" };
  const read = (path: string): Promise<unknown> => client.get(path, answers.ignoredSchema, signal, one);
  const permissions = [
    await may("read the schema (administrator)", () => client.snapshot(signal)),
    await may("read flows", () => read("/flows")),
    await may("read policies and permissions", () => read("/policies")),
    await may("read files", () => read("/files")),
    ...(await collectionPermissions(client, target, signal, may)),
  ];
  const identity = await identityOf(client, target, signal).catch((thrown: unknown) => {
    if (thrown instanceof AgentError && thrown.kind === "auth") return { instance: null, scope: new URL(target.url).host };
    throw thrown;
  });
  // Directus has no backups of its own.
  return { version: answer.body.data.version, identity, permissions, nativeBackups: null, clockSkewMs };
}

/** Named collections are tried one by one; without names the administrator sees them all. */
async function collectionPermissions(
  client: Client,
  target: Target,
  signal: AbortSignal,
  may: (name: string, work: () => Promise<unknown>) => Promise<PlatformProbe["permissions"][number]>,
): Promise<PlatformProbe["permissions"]> {
  const found: PlatformProbe["permissions"][number][] = [];
  for (const collection of target.collections ?? [])
    found.push(
      await may(`read ${collection}`, () => client.get("/items/{collection}", answers.ignoredSchema, signal, { limit: 1 }, { collection })),
    );
  return found;
}
