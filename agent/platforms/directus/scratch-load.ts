/** Puts a backup into an empty Directus: schema by merge, flows switched off, files under their ids, records with their own keys. */
import { z } from "zod";
import type { Collection, ContentRecord } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import type { Json, LoadOutcome, LoadTurn, RestoreSet, Workspace } from "../../core/platform-ports.ts";
import type { Client } from "./client.ts";
import { refusalOf } from "./errors.ts";
import { anyLinks, concealed, shapeOf } from "../../products/directus/model.ts";
import { chunks } from "./records.ts";
import { Refusals } from "./refusals.ts";
import { loadAccess, loadFlows, loadFolders, loadViews } from "./scratch-documents.ts";
import * as answers from "./schema.ts";
import { loadFiles } from "./scratch-files.ts";
import { kindly, restoreSpecials } from "./specials.ts";
import { toDirectus } from "./writing.ts";

/** Under the megabyte Directus takes in one request unless told otherwise. */
const MOST_BYTES = 500_000;
const MOST_ROWS = 200;

export async function loadInto(
  client: Client,
  workspace: Workspace,
  set: RestoreSet,
  signal: AbortSignal,
  turn?: (next: LoadTurn) => void,
): Promise<LoadOutcome> {
  const refusals = new Refusals();
  const snapshot = answers.snapshotSchema.parse(set.originals["directus-snapshot"]);
  const taken = await loadSchema(client, workspace, set, snapshot, refusals, signal);
  await loadFlows(client, workspace, set, refusals, signal);
  const folders = await loadFolders(client, workspace, set, signal);
  turn?.({ step: "files", collection: null });
  const files = await loadFiles(client, workspace, set, folders, refusals, signal);
  const claimed = new Map<string, number>();
  const keys = new Map<string, ReadonlyMap<string, string>>();
  const unrestorable: string[] = [];
  const waiting: (() => Promise<void>)[] = [];
  const loaded = new Set<string>();
  for (const collection of inOrder(set.collections.filter((one) => taken.has(one.id)))) {
    const plan = planOf(collection, snapshot, set, files, loaded);
    unrestorable.push(...plan.unrestorable.map((field) => `${collection.id}/${field}`));
    const records = set.records.get(collection.id) ?? [];
    turn?.({ step: "records", collection: collection.id });
    const put = await insert(client, plan, records, refusals, signal);
    claimed.set(collection.id, put.size);
    keys.set(collection.id, new Map(records.map((record) => [record.key, record.key])));
    loaded.add(collection.id);
    if (plan.later.size > 0)
      waiting.push(() => {
        turn?.({ step: "links", collection: collection.id });
        return setLater(
          client,
          plan,
          records.filter((record) => put.has(record.key)),
          refusals,
          signal,
        );
      });
  }
  for (const work of waiting) await work();
  turn?.({ step: "structure", collection: null });
  await restoreSpecials(client, taken, snapshot, refusals, signal);
  await loadAccess(client, workspace, set, taken, refusals, signal);
  await loadViews(client, workspace, set, taken, refusals, signal);
  refusals.add(
    "settings",
    "Settings and translations belong to the whole installation and are left as they are there.",
    set.settings.length,
  );
  refusals.add("access", "Users are people and are not made anew.", set.access.filter((one) => one.id.startsWith("user:")).length);
  return { claimed, keys, refused: refusals.list().filter((one) => one.count > 0), unrestorable };
}

/** Without what Directus would write by itself: times, users and hashes go in as they were, and are put back to work afterwards. */
async function loadSchema(
  client: Client,
  workspace: Workspace,
  set: RestoreSet,
  snapshot: answers.Snapshot,
  refusals: Refusals,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const there = new Set((await client.snapshot(signal)).collections.map((one) => one.collection));
  const clash = set.collections.find((one) => there.has(one.id));
  if (clash !== undefined)
    throw new AgentError("config", "scratch-occupied", `directus: The scratch place already has a collection ${clash.id}.`, {
      mend: "give the agent an installation of its own, or wait for the drill that uses it",
    });
  const room = await roomFor(client, signal);
  const tables = set.collections.map((one) => one.id).slice(0, room);
  if (tables.length < set.collections.length)
    refusals.add(
      "records",
      `LIMIT_EXCEEDED: the licence of the scratch place allows ${room} more collections.`,
      set.collections.length - tables.length,
    );
  const kept = new Set([
    ...tables,
    ...snapshot.collections.filter((one) => (one.schema ?? null) === null && !there.has(one.collection)).map((one) => one.collection),
  ]);
  const wanted = {
    ...snapshot,
    collections: snapshot.collections
      .filter((one) => kept.has(one.collection))
      .map((one) => ({
        ...one,
        meta: { ...one.meta, collection: one.collection, note: `${workspace.tag} ${one.meta?.note ?? ""}`.trim() },
      })),
    fields: snapshot.fields
      .filter((one) => kept.has(one.collection))
      .map((one) => ((one.meta ?? null) === null ? one : { ...one, meta: { ...one.meta, special: kindly(one) } })),
    relations: snapshot.relations.filter(
      (one) =>
        kept.has(one.collection) &&
        (one.related_collection === null || one.related_collection.startsWith("directus_") || kept.has(one.related_collection)),
    ),
    systemFields: [],
  };
  // Merge only ever adds: the default, mirror, would remove whatever the snapshot does not name.
  const request = { method: "POST" as const, path: "/schema/diff", query: { mode: "merge", force: "true" }, signal };
  const body = JSON.parse(JSON.stringify(wanted)) as Json;
  const diff = await client.http.json({ ...request, body, schema: z.object({ data: z.json() }).nullable() });
  if (diff.body !== null)
    await client.http.json({
      method: "POST",
      path: "/schema/apply",
      body: diff.body.data,
      schema: answers.ignoredSchema,
      signal,
      timeoutMs: 300_000,
    });
  return new Set(tables);
}

/** Collections the licence of the scratch place still allows. */
async function roomFor(client: Client, signal: AbortSignal): Promise<number> {
  const license = await client.get("/license", answers.licenseSchema, signal).catch((thrown: unknown) => {
    if (refusalOf(thrown) === null) throw thrown;
    return null;
  });
  const limit = license?.entitlements?.collections?.limit ?? -1;
  return limit < 0 ? Number.MAX_SAFE_INTEGER : Math.max(0, limit - (license?.usage?.collections ?? 0));
}

interface Plan {
  readonly collection: Collection;
  readonly key: string;
  readonly singleton: boolean;
  readonly body: (record: ContentRecord) => Readonly<Record<string, Json>>;
  /** Links into what is not loaded yet, or into itself: set when everything is there. */
  readonly later: ReadonlySet<string>;
  readonly laterBody: (record: ContentRecord) => Readonly<Record<string, Json>>;
  readonly unrestorable: readonly string[];
}

function planOf(
  collection: Collection,
  snapshot: answers.Snapshot,
  set: RestoreSet,
  files: ReadonlySet<string>,
  loaded: ReadonlySet<string>,
): Plan {
  const meta = snapshot.collections.find((one) => one.collection === collection.id);
  const shape = meta === undefined ? null : shapeOf(meta, snapshot.fields);
  if (shape === null) throw new AgentError("unsupported", "no-original", `directus: The backup has no schema of ${collection.id}.`);
  const any = anyLinks(collection.id, snapshot.relations);
  const columns = new Map(shape.columns.map((column) => [column.field, column]));
  const toSystem = new Set(
    snapshot.relations
      .filter(
        (one) =>
          one.collection === collection.id &&
          one.related_collection?.startsWith("directus_") === true &&
          one.related_collection !== "directus_files",
      )
      .map((one) => one.field),
  );
  const unrestorable = collection.fields
    .filter((field) => toSystem.has(field.id) || concealed(columns.get(field.id)))
    .map((field) => field.id);
  const later = new Set(
    collection.fields
      .filter((field) => field.link !== null && !any.has(field.id) && !field.required && !loaded.has(field.link.collection))
      .map((field) => field.id),
  );
  const key = (text: string): Json => (shape.key.type === "integer" ? Number(text) : text);
  const there = new Map([...set.records].map(([id, records]) => [id, new Set(records.map((record) => record.key))]));
  const cell = (record: ContentRecord, at: number): Json => {
    const field = collection.fields[at];
    const value = record.values[at] ?? null;
    if (field === undefined || value === null || typeof value !== "string") return null;
    if (field.type === "file") return files.has(value) ? value : null;
    if (field.link !== null) return there.get(field.link.collection)?.has(value) === true ? value : null;
    return toDirectus(field, value);
  };
  const body = (record: ContentRecord, which: (field: string) => boolean): Readonly<Record<string, Json>> => ({
    [shape.key.field]: key(record.key),
    ...Object.fromEntries(
      collection.fields.flatMap((field, at): [string, Json][] =>
        field.computed || any.has(field.id) || unrestorable.includes(field.id) || !which(field.id) ? [] : [[field.id, cell(record, at)]],
      ),
    ),
  });
  return {
    collection,
    key: shape.key.field,
    singleton: shape.singleton,
    body: (record) => body(record, (field) => !later.has(field)),
    later,
    laterBody: (record) => body(record, (field) => later.has(field)),
    unrestorable,
  };
}

/** Those others point at come first; a circle is entered where it is met. */
function inOrder(collections: readonly Collection[]): readonly Collection[] {
  const byId = new Map(collections.map((one) => [one.id, one]));
  const ordered = new Set<Collection>();
  const entered = new Set<string>();
  const visit = (one: Collection): void => {
    if (entered.has(one.id)) return;
    entered.add(one.id);
    // Links that must not be empty are followed first: in a circle it is the others that can wait.
    for (const field of [...one.fields].sort((a, b) => Number(b.required) - Number(a.required))) {
      const target = field.link === null ? undefined : byId.get(field.link.collection);
      if (target !== undefined) visit(target);
    }
    ordered.add(one);
  };
  for (const one of collections) visit(one);
  return [...ordered];
}

/** @returns keys of what the product took; a batch it refuses is halved until what it does not take stands alone */
async function insert(
  client: Client,
  plan: Plan,
  records: readonly ContentRecord[],
  refusals: Refusals,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const put = new Set<string>();
  const parameters = { collection: plan.collection.id };
  const send = async (batch: readonly ContentRecord[]): Promise<void> => {
    signal.throwIfAborted();
    const body = batch.map(plan.body);
    try {
      if (plan.singleton) await client.patch("/items/{collection}", body[0] ?? {}, signal, parameters);
      else
        await client.http.json({
          method: "POST",
          path: "/items/{collection}",
          query: { fields: plan.key },
          parameters,
          body,
          schema: answers.ignoredSchema,
          signal,
        });
      for (const record of batch) put.add(record.key);
    } catch (thrown) {
      const refusal = refusalOf(thrown);
      if (refusal === null) throw thrown;
      if (batch.length === 1) {
        refusals.add("records", `Directus refused records of ${plan.collection.id}: ${refusal.code}.`);
        return;
      }
      const half = Math.ceil(batch.length / 2);
      await send(batch.slice(0, half));
      await send(batch.slice(half));
    }
  };
  for (const batch of batches(records)) await send(batch);
  return put;
}

async function setLater(
  client: Client,
  plan: Plan,
  records: readonly ContentRecord[],
  refusals: Refusals,
  signal: AbortSignal,
): Promise<void> {
  const filled = records
    .map(plan.laterBody)
    .filter((body) => Object.entries(body).some(([name, value]) => name !== plan.key && value !== null));
  for (const batch of chunks(filled, MOST_ROWS))
    await refusals.told("links", `links of ${plan.collection.id}`, () =>
      client.patch("/items/{collection}", plan.singleton ? (batch[0] ?? {}) : [...batch], signal, { collection: plan.collection.id }),
    );
}

function batches(records: readonly ContentRecord[]): readonly (readonly ContentRecord[])[] {
  const found: ContentRecord[][] = [];
  let bytes = 0;
  for (const record of records) {
    const size = record.values.reduce((sum, value) => sum + (value === null ? 5 : Buffer.byteLength(String(value))) + 20, 0);
    const last = found.at(-1);
    if (last === undefined || last.length >= MOST_ROWS || bytes + size > MOST_BYTES) {
      found.push([record]);
      bytes = size;
    } else {
      last.push(record);
      bytes += size;
    }
  }
  return found;
}
