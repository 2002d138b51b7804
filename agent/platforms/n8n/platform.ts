/** Production: only ever read. */
import { AgentError } from "../../core/errors.ts";
import type { OpenPlatform, PlatformDeps, PlatformProbe } from "../../core/platform-ports.ts";
import type { Client } from "./client.ts";
import { readInventory } from "./inventory.ts";
import { pagesOf, recordsByKey } from "./records.ts";

/** Scopes of an API key; `discover` tells which of them it has. */
const NEEDED = ["workflow:list", "workflow:read", "credential:list", "dataTable:list", "dataTable:read", "dataTableRow:read", "user:list"];

export function openInstance(client: Client, url: string, pageSize: number, deps: Pick<PlatformDeps, "clock">): OpenPlatform {
  return {
    platform: {
      probe: (signal) => probe(client, url, deps, signal),
      inventory: (signal) => readInventory(client, signal),
      async *listKeys(collection, signal) {
        for await (const records of pagesOf(client, collection, { after: null, since: null, pageSize, signal }))
          yield records.map(({ key, createdAt, updatedAt }) => ({ key, createdAt, updatedAt }));
      },
      readItems: (collection, keys, signal) => recordsByKey(client, collection, keys, signal),
    },
    discoverer: {
      discover: async (signal) => {
        const scope = scopeOf(await instanceOf(client, signal), url);
        return [{ scope, kind: "instance", name: new URL(url).host }];
      },
    },
    capturer: {
      async *records(collection, { after, since, signal }) {
        for await (const records of pagesOf(client, collection, { after, since, pageSize, signal }))
          yield { records, cursor: records.at(-1)?.key ?? "" };
      },
      incremental: () => true,
      // Nothing of n8n's API is a file: an inventory never names one.
      fileBytes: noFiles,
      async *secrets() {},
    },
  };
}

/**
 * n8n has no id of an installation that its API tells. Its owner is made once, with it, and goes wherever its database is copied.
 * @returns null where it cannot be told: the key may not list users, or there is not exactly one owner
 */
export async function instanceOf(client: Client, signal: AbortSignal): Promise<string | null> {
  try {
    const owners = (await client.users(signal)).filter((user) => user.role === "global:owner");
    return owners.length === 1 ? (owners[0]?.id ?? null) : null;
  } catch (thrown) {
    if (thrown instanceof AgentError && thrown.kind === "auth" && (await mayEnter(client, signal))) return null;
    throw thrown;
  }
}

async function mayEnter(client: Client, signal: AbortSignal): Promise<boolean> {
  await client.scopes(signal);
  return true;
}

function scopeOf(instance: string | null, url: string): string {
  return instance ?? new URL(url).host;
}

async function probe(client: Client, url: string, deps: Pick<PlatformDeps, "clock">, signal: AbortSignal): Promise<PlatformProbe> {
  const scopes = new Set(await client.scopes(signal));
  const { version, date } = await client.front(signal);
  const told = Date.parse(date);
  const instance = await instanceOf(client, signal);
  return {
    version,
    identity: { instance, scope: scopeOf(instance, url) },
    permissions: NEEDED.map((name) => ({ name, neededFor: "capture", granted: scopes.has(name) })),
    nativeBackups: null,
    // The header is cut to the second: half of one is the fairest guess.
    clockSkewMs: Number.isNaN(told) ? null : told + 500 - deps.clock.now(),
  };
}

function noFiles(): never {
  throw new AgentError("not_found", "file-gone", "n8n: There are no files in what its API gives out.");
}
