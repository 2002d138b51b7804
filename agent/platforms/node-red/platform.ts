/** Production: only ever read, with a login that may do nothing else. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AgentError, asAgentError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/ids.ts";
import type { OpenPlatform, PlatformDeps, PlatformProbe } from "../../core/platform-ports.ts";
import type { Collection, ContentRecord, Credential } from "../../core/content.ts";
import type { Client } from "./client.ts";
import { type FlowSet, flowSetOfInstance } from "../../products/node-red/flow-set.ts";
import { readInventory } from "./inventory.ts";
import { COLLECTIONS, recordsByKey } from "../../products/node-red/records.ts";

export interface PlatformOptions {
  readonly url: string;
  readonly pageSize: number;
  readonly userDir: string | null;
  readonly flowFile: string;
}

export function openInstance(client: Client, options: PlatformOptions, deps: Pick<PlatformDeps, "clock">): OpenPlatform {
  const scope = scopeOf(options.url);
  /** What an inventory was described from: a capture's collections are all of that one moment, and read once. */
  const described = new WeakMap<Collection, FlowSet>();
  const read = async (collection: Collection, signal: AbortSignal): Promise<ContentRecord[]> => {
    refuseOtherFields(collection);
    return recordsByKey(flowSetOfInstance((await client.flows(signal)).flows), collection.id);
  };
  return {
    platform: {
      probe: (signal) => probe(client, scope, deps, signal),
      inventory: async (signal) => {
        const { inventory, set } = await readInventory(client, signal);
        for (const collection of inventory.collections) described.set(collection, set);
        // A capture seals only what its inventory names.
        const credentials: Credential[] = [...inventory.credentials];
        for await (const { credential: id } of secretFiles(options, signal))
          credentials.push({ id, type: "file of the user directory", state: "not-included" });
        return { ...inventory, credentials };
      },
      async *listKeys(collection, signal) {
        for (const page of pages(await read(collection, signal), options.pageSize))
          yield page.map(({ key }) => ({ key, createdAt: null, updatedAt: null }));
      },
      readItems: async (collection, keys, signal) => {
        const wanted = new Set(keys);
        return (await read(collection, signal)).filter((record) => wanted.has(record.key));
      },
    },
    discoverer: { discover: async (signal) => (await client.settings(signal), [{ scope, kind: "instance", name: scope }]) },
    capturer: {
      async *records(collection, { after, signal }) {
        const set = described.get(collection);
        const all = set === undefined ? await read(collection, signal) : recordsByKey(set, collection.id);
        const records = after === null ? all : all.filter((record) => record.key > after);
        for (const page of pages(records, options.pageSize)) {
          signal.throwIfAborted();
          yield { records: page, cursor: page.at(-1)?.key ?? "" };
        }
      },
      incremental: () => false,
      async *fileBytes(file) {
        yield await Promise.reject(new AgentError("not_found", "no-such-file", `node-red: It keeps no file ${file.id.slice(0, 100)}.`));
      },
      secrets: (signal) => secretFiles(options, signal),
    },
  };
}

/** @returns the address without what may be written in several ways */
export function scopeOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname.replace(/\/+$/u, "")}`;
}

/**
 * Node-RED tells nobody which instance it is. Its nodes have random ids, so their ids tell it as long as nobody adds or removes one.
 * @returns null where there is not a single node
 */
export function fingerprint(set: FlowSet): string | null {
  return set.byId.size === 0 ? null : sha256Hex([...set.byId.keys()].sort().join("\n")).slice(0, 32);
}

function* pages<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size);
}

function refuseOtherFields(collection: Collection): void {
  const known = COLLECTIONS.find((each) => each.id === collection.id);
  const same =
    known !== undefined &&
    known.fields.length === collection.fields.length &&
    known.fields.every((field, at) => field.id === collection.fields[at]?.id);
  if (!same) throw new AgentError("transient", "schema-changed", "node-red: The collection is not one this version reads.");
}

async function probe(client: Client, scope: string, deps: Pick<PlatformDeps, "clock">, signal: AbortSignal): Promise<PlatformProbe> {
  const settings = await client.settings(signal);
  const date = Date.parse(settings.headers["date"] ?? "");
  const permissions: PlatformProbe["permissions"][number][] = [];
  const may = async <T>(name: string, work: () => Promise<T>): Promise<T | null> => {
    try {
      const done = await work();
      permissions.push({ name, neededFor: "capture", granted: true });
      return done;
    } catch (thrown) {
      if (!(thrown instanceof AgentError) || thrown.kind !== "auth") throw thrown;
      permissions.push({ name, neededFor: "capture", granted: false });
      return null;
    }
  };
  if (!(await client.guarded(signal)))
    permissions.push({ name: "anything: this instance asks nobody to log in (adminAuth is not set)", neededFor: "capture", granted: true });
  const flows = await may("read flows (flows.read)", () => client.flows(signal));
  await may("read modules (nodes.read)", () => client.nodes(signal));
  await may("read which nodes have credentials (credentials.read)", () => client.credential("mqtt-broker", "restorewatch-probe", signal));
  return {
    version: settings.body.version,
    identity: { instance: flows === null ? null : fingerprint(flowSetOfInstance(flows.flows)), scope },
    permissions,
    nativeBackups: null,
    // The header is cut to the second: half of one is the fairest guess.
    clockSkewMs: Number.isNaN(date) ? null : date + 500 - deps.clock.now(),
  };
}

/** The encrypted credentials and, where Node-RED made it itself, the key to them: both are needed, and both are sealed. */
async function* secretFiles(
  options: PlatformOptions,
  signal: AbortSignal,
): AsyncGenerator<{ readonly credential: string; readonly clear: Uint8Array }> {
  if (options.userDir === null) return;
  for (const name of [options.flowFile.replace(/(?:\.json)?$/u, "_cred.json"), ".config.runtime.json"]) {
    try {
      yield { credential: name, clear: await readFile(join(options.userDir, name), { signal }) };
    } catch (thrown) {
      const error = asAgentError(thrown);
      // An instance whose flows need no secret has neither.
      if (error.kind !== "not_found") throw error;
    }
  }
}
