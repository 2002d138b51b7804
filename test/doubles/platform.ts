/** A product held in memory: connectors' contract is tried on it, and the engine drilled with it. It can be told to lie. */
import { createHash } from "node:crypto";
import type { Automation, Collection, ContentRecord, Value } from "../../agent/core/content.ts";
import { AgentError } from "../../agent/core/errors.ts";
import type { LoadOutcome, OpenPlatform, OpenScratch, ReadBack, RestoreSet, Workspace } from "../../agent/core/platform-ports.ts";
import type { Clock } from "../../agent/core/ports.ts";
import { memoryContent } from "./content.ts";

export interface MemoryBase {
  collections: Collection[];
  records: Map<string, ContentRecord[]>;
  automations: Automation[];
  files: Map<string, Uint8Array>;
  readonly instance: string;
  readonly scope: string;
}

/** Ways in which products were seen to lie. */
export interface MemoryLies {
  /** Claims to have taken everything and keeps nothing. */
  readonly importsNothing?: boolean;
  /** Switches restored automations on. */
  readonly activates?: boolean;
  /** Keys are the product's own, in order of insertion. */
  readonly renumbers?: boolean;
  /** Rounds integers beyond 2^53. */
  readonly rounds?: boolean;
  /** Links are kept as they were sent, under keys that no longer exist. */
  readonly keepsOldLinks?: boolean;
  readonly disposeLeaves?: string;
}

export interface MemoryPlatform {
  readonly base: MemoryBase;
  readonly scratch: Map<string, { workspace: Workspace; base: MemoryBase }>;
  token: "right" | "wrong" | "narrow";
  readonly open: (clock: Clock, pageSize?: number) => OpenPlatform;
  readonly openScratch: (clock: Clock, production?: boolean) => OpenScratch;
}

export function memoryPlatform(base: MemoryBase, lies: MemoryLies = {}): MemoryPlatform {
  const scratch = new Map<string, { workspace: Workspace; base: MemoryBase }>();
  const self: MemoryPlatform = {
    base,
    scratch,
    token: "right",
    open: (clock, pageSize = 100) => openMemory(self, clock, pageSize),
    openScratch: (clock, production = false) => openMemoryScratch(self, lies, clock, production),
  };
  return self;
}

function described(base: MemoryBase) {
  const { aspects } = memoryContent();
  const files = [...base.files].map(([id, bytes]) => ({
    id,
    name: id,
    bytes: bytes.length,
    declaredType: null,
    declaredDigest: null,
    presence: "inside" as const,
  }));
  return {
    collections: structuredClone(base.collections),
    automations: structuredClone(base.automations),
    credentials: [],
    files,
    access: [],
    settings: [],
    views: [],
    aspects,
  };
}

function openMemory(self: MemoryPlatform, clock: Clock, pageSize: number): OpenPlatform {
  const { base } = self;
  const enter = (signal: AbortSignal): void => {
    signal.throwIfAborted();
    if (self.token === "wrong") throw new AgentError("auth", "token-refused", "memory: It refused us.", { mend: "check the token" });
  };
  const rows = (collection: Collection): readonly ContentRecord[] => {
    if (self.token === "narrow") throw new AgentError("auth", "token-refused", "memory: It refused us.", { mend: "check the token" });
    const now = base.collections.find((one) => one.id === collection.id);
    if (JSON.stringify(now?.fields) !== JSON.stringify(collection.fields))
      throw new AgentError("transient", "schema-changed", "memory: The collection changed while it was read.");
    return [...(base.records.get(collection.id) ?? [])].sort((a, b) => Number(a.key) - Number(b.key));
  };
  return {
    platform: {
      probe: async (signal) => {
        enter(signal);
        return {
          version: "1.0",
          identity: { instance: base.instance, scope: base.scope },
          permissions: [{ name: "read", neededFor: "capture", granted: self.token === "right" }],
          nativeBackups: null,
          clockSkewMs: Date.now() - clock.now(),
        };
      },
      inventory: async (signal) => {
        enter(signal);
        return { ...described(base), originals: {} };
      },
      async *listKeys(collection, signal) {
        enter(signal);
        for (const page of pages(rows(collection), pageSize)) {
          signal.throwIfAborted();
          yield page.map(({ key, createdAt, updatedAt }) => ({ key, createdAt, updatedAt }));
        }
      },
      readItems: async (collection, keys, signal) => {
        enter(signal);
        const wanted = new Set(keys);
        return rows(collection).filter((record) => wanted.has(record.key));
      },
    },
    discoverer: { discover: async () => [{ scope: base.scope, kind: "base", name: "memory" }] },
    capturer: {
      async *records(collection, { after, since, signal }) {
        enter(signal);
        const wanted = rows(collection).filter(
          (record) => (after === null || Number(record.key) > Number(after)) && (since === null || (record.updatedAt ?? 0) >= since),
        );
        for (const page of pages(wanted, pageSize)) {
          signal.throwIfAborted();
          yield { records: page, cursor: page.at(-1)?.key ?? "" };
        }
        signal.throwIfAborted();
      },
      incremental: () => true,
      async *fileBytes(file, signal) {
        enter(signal);
        const bytes = base.files.get(file.id);
        if (bytes === undefined) throw new AgentError("not_found", "not-found", "memory: It does not have that.");
        yield bytes;
      },
      async *secrets() {},
    },
  };
}

function pages<T>(list: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) => list.slice(index * size, (index + 1) * size));
}

function openMemoryScratch(self: MemoryPlatform, lies: MemoryLies, clock: Clock, production: boolean): OpenScratch {
  const { scratch } = self;
  const placeOf = (workspace: Workspace): MemoryBase => {
    const place = scratch.get(workspace.id)?.base;
    if (place === undefined) throw new AgentError("not_found", "not-found", "memory: There is no such workspace.");
    return place;
  };
  return {
    workspace: {
      provision: async (tag, identity) => {
        if (production || identity.instance === "scratch")
          throw new AgentError("config", "scratch-is-production", "memory: The scratch place is the source itself.");
        const workspace = { id: `ws-${scratch.size + 1}-${tag}`, tag, createdAt: clock.now() };
        scratch.set(workspace.id, {
          workspace,
          base: { collections: [], records: new Map(), automations: [], files: new Map(), instance: "scratch", scope: workspace.id },
        });
        return workspace;
      },
      load: async (workspace, set, signal) => {
        signal.throwIfAborted();
        return loadInto(placeOf(workspace), set, lies);
      },
      readBack: async (workspace, set, loaded) => readBackFrom(placeOf(workspace), set, loaded),
      dispose: async (workspace) => {
        scratch.delete(workspace.id);
        return { left: lies.disposeLeaves === undefined ? [] : [lies.disposeLeaves] };
      },
      sweep: async (prefix, keep) => {
        const leaked = [...scratch.values()].filter(({ workspace }) => workspace.tag.startsWith(prefix) && !keep.has(workspace.tag));
        for (const { workspace } of leaked) scratch.delete(workspace.id);
        return { found: leaked.length, removed: leaked.length };
      },
    },
    access: {
      asRestricted: async (workspace, set) => {
        const place = placeOf(workspace);
        return {
          session: true,
          collections: set.collections.map(({ id }) => ({
            collection: id,
            visible: place.records.get(id)?.length ?? 0,
            shouldSee: (set.records.get(id)?.length ?? 0) > 0,
          })),
        };
      },
      asOutsider: async (_, set) => ({
        session: false,
        collections: set.collections.map(({ id }) => ({ collection: id, visible: 0, shouldSee: false })),
      }),
    },
    probe: {
      nextInsert: async () => "ok",
      reconnect: async () => new Map(),
      audit: async () => null,
    },
  };
}

function loadInto(place: MemoryBase, set: RestoreSet, lies: MemoryLies): LoadOutcome {
  const claimed = new Map([...set.records].map(([id, records]) => [id, records.length]));
  const keys = new Map(
    [...set.records].map(([id, records]) => [
      id,
      new Map(records.map((record, index) => [record.key, lies.renumbers === true ? String(index + 1) : record.key])),
    ]),
  );
  if (lies.importsNothing === true) return { claimed, keys, refused: [] };
  place.collections = structuredClone([...set.collections]);
  place.automations = set.automations.map((one) => ({ ...one, active: lies.activates === true && one.active }));
  place.files = new Map(set.fileBytes);
  for (const collection of set.collections)
    place.records.set(
      collection.id,
      (set.records.get(collection.id) ?? []).map((record) => ({
        ...record,
        key: keys.get(collection.id)?.get(record.key) ?? record.key,
        values: record.values.map((value, index) => stored(value, collection, index, keys, lies)),
      })),
    );
  return { claimed, keys, refused: [] };
}

function stored(value: Value, collection: Collection, index: number, keys: LoadOutcome["keys"], lies: MemoryLies): Value {
  const field = collection.fields[index];
  if (lies.rounds === true && field?.type === "integer" && typeof value === "string") return BigInt(Number(value)).toString();
  const link = field?.link ?? null;
  if (link === null || lies.keepsOldLinks === true) return value;
  return mapped(value, keys.get(link.collection) ?? new Map());
}

function mapped(value: Value, keys: ReadonlyMap<string, string>): Value {
  if (value === null) return null;
  return typeof value === "string" ? (keys.get(value) ?? value) : value.map((one) => keys.get(one) ?? one).sort();
}

/** Keys of the workspace as those of the backup; one that nobody restored must not look like one of the backup. */
function foreign(value: Value, keys: ReadonlyMap<string, string>): Value {
  if (value === null) return null;
  const one = (key: string): string => keys.get(key) ?? `?${key}`;
  return typeof value === "string" ? one(value) : value.map(one).sort();
}

function readBackFrom(place: MemoryBase, set: RestoreSet, loaded: LoadOutcome): ReadBack {
  const back = new Map(
    [...loaded.keys].map(([id, keys]) => [id, new Map([...keys].map(([ours, theirs]): [string, string] => [theirs, ours]))]),
  );
  const records = new Map(
    place.collections.map((collection): [string, readonly ContentRecord[]] => [
      collection.id,
      (place.records.get(collection.id) ?? []).map((record) => ({
        ...record,
        key: back.get(collection.id)?.get(record.key) ?? `new ${record.key}`,
        values: record.values.map((value, index) => {
          const link = collection.fields[index]?.link ?? null;
          return link === null ? value : foreign(value, back.get(link.collection) ?? new Map());
        }),
      })),
    ]),
  );
  return {
    ...described(place),
    records,
    fileDigests: new Map([...place.files].map(([id, bytes]) => [id, createHash("sha256").update(bytes).digest("hex")])),
    running: place.automations.filter((one) => one.active).map((one) => one.id),
    collections: set.collections.filter((one) => place.collections.some((other) => other.id === one.id)),
  };
}
