/** Records of a backup into a base of ours. Ids are the product's own: what it gave is mapped, in the order it was asked. */
import type { Collection, ContentRecord, Field } from "../../core/content.ts";
import type { Json, LoadTurn, RestoreSet } from "../../core/platform-ports.ts";
import { mapLimit } from "../../kit/map-limit.ts";
import { type Client, isOwn500, isRefusal, MOST_INSERTS } from "./client.ts";
import { unexpected } from "./errors.ts";
import { ignoredSchema, insertedSchema, uploadedSchema } from "./schema.ts";
import { writers } from "./scratch-columns.ts";
import { documentsOf, type Mapping, type Refusals } from "./restoring.ts";
import { COMPUTED, toNocoDb } from "./values.ts";

/** Characters in one insert; a body of 50 MB is refused. */
const MOST_CHARACTERS = 8_000_000;
const CONCURRENT = 4;
/** Folder of the storage: the id of the file in the backup follows, so that it is known again when it is read back. */
const FOLDER = "restorewatch";

/** @returns key in the backup → key in the workspace */
export async function insertRecords(
  client: Client,
  collection: Collection,
  set: RestoreSet,
  mapping: Mapping,
  members: ReadonlySet<string>,
  refusals: Refusals,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const table = mapping.tables.get(collection.id) ?? "";
  const given = new Map<string, string>();
  const bodies: { record: ContentRecord; body: Record<string, Json>; size: number }[] = [];
  const send = async (part: readonly (typeof bodies)[number][], again = false): Promise<void> => {
    if (part.length === 0) return;
    try {
      const answer = await client.send(
        "POST",
        "/api/v2/tables/{table}/records",
        { table },
        part.map((one) => one.body),
        insertedSchema,
        signal,
      );
      if (answer.length !== part.length) throw unexpected("fewer new records than were sent");
      part.forEach((one, at) => {
        const id = answer[at]?.["Id"];
        if (typeof id !== "number" && typeof id !== "string") throw unexpected("a new record without its Id");
        given.set(one.record.key, String(id));
      });
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      // One value that it does not take refuses the whole batch; a trouble of its own that passes is no value's fault.
      if (part.length === 1 && !again && isOwn500((thrown as Error).cause)) await send(part, true);
      else if (part.length === 1) refusals.add("records", "NocoDB refuses a record with the values the backup holds");
      else for (const one of part) await send([one]);
    }
  };
  for (const record of set.records.get(collection.id) ?? []) {
    signal.throwIfAborted();
    const body = await bodyOf(client, collection, record, set, members, refusals, signal);
    const size = JSON.stringify(body).length;
    if (bodies.length >= MOST_INSERTS || bodies.reduce((sum, one) => sum + one.size, size) > MOST_CHARACTERS) await send(bodies.splice(0));
    bodies.push({ record, body, size });
  }
  await send(bodies);
  return given;
}

async function bodyOf(
  client: Client,
  collection: Collection,
  record: ContentRecord,
  set: RestoreSet,
  members: ReadonlySet<string>,
  refusals: Refusals,
  signal: AbortSignal,
): Promise<Record<string, Json>> {
  const body: Record<string, Json> = {};
  for (const [at, field] of collection.fields.entries()) {
    if (field.link !== null || COMPUTED.has(field.platformType)) continue;
    const value = record.values[at] ?? null;
    if (field.type === "files") {
      const uploaded = await uploads(client, typeof value === "string" ? [value] : (value ?? []), set, refusals, signal);
      body[field.name] = uploaded.length === 0 ? null : uploaded;
      continue;
    }
    // Nothing of the backup is lost by it: who is a member is decided where it is restored.
    if (field.platformType === "User" && typeof value === "object" && value?.some((one) => !members.has(one)) === true)
      refusals.field(collection.id, field.id, "people in a User field are not members of the scratch base");
    body[field.name] = toNocoDb(field, value, members);
  }
  return body;
}

async function uploads(
  client: Client,
  ids: readonly string[],
  set: RestoreSet,
  refusals: Refusals,
  signal: AbortSignal,
): Promise<readonly Json[]> {
  const sent = await mapLimit(ids, CONCURRENT, async (id): Promise<readonly Json[]> => {
    const bytes = set.fileBytes.get(id);
    if (bytes === undefined) {
      refusals.add("files", "the backup does not hold the bytes of an attachment");
      return [];
    }
    const item = set.files.find((file) => file.id === id);
    const form = new FormData();
    const type = item?.declaredType ?? "application/octet-stream";
    form.append("file", new File([Uint8Array.from(bytes)], item?.name ?? "file", { type }));
    const path = `${FOLDER}/${Buffer.from(id).toString("base64url")}`;
    return client.send("POST", "/api/v2/storage/upload", {}, form, uploadedSchema, signal, { path });
  });
  return sent.flat();
}

/** @returns id in the backup of an attachment of the workspace, or null where we did not upload it */
export function uploadedId(path: string | null): string | null {
  const found = new RegExp(`(?:^|/)${FOLDER}/([A-Za-z0-9_-]+)/[^/]+$`, "u").exec(path ?? "");
  return found?.[1] === undefined ? null : Buffer.from(found[1], "base64url").toString("utf8");
}

/** Each pair once, from the side that writes it. */
export async function setLinks(
  client: Client,
  set: RestoreSet,
  keys: ReadonlyMap<string, ReadonlyMap<string, string>>,
  mapping: Mapping,
  refusals: Refusals,
  signal: AbortSignal,
  turn?: (next: LoadTurn) => void,
): Promise<void> {
  const documents = new Map(documentsOf(set).tables.map((table) => [table.id, table]));
  for (const { collection, field } of writers(set.collections, documents)) {
    const table = mapping.tables.get(collection.id);
    const column = mapping.columns.get(field.id);
    if (table === undefined || column === undefined) continue;
    turn?.({ step: "links", collection: collection.id });
    const targets = keys.get(field.link?.collection ?? "") ?? new Map<string, string>();
    const own = keys.get(collection.id) ?? new Map<string, string>();
    const wanted = pairsOf(collection, field, set, own, targets);
    await mapLimit(wanted, CONCURRENT, async ({ row, ids }) => {
      for (let at = 0; at < ids.length; at += MOST_INSERTS) {
        signal.throwIfAborted();
        const body = ids.slice(at, at + MOST_INSERTS).map((id) => ({ Id: Number(id) }));
        await refusals.attempt("links", "NocoDB does not take links of a record", () =>
          client.send("POST", "/api/v2/tables/{table}/links/{column}/records/{row}", { table, column, row }, body, ignoredSchema, signal),
        );
      }
    });
  }
}

/** A target that is not restored (a cut link) has no key there. */
function pairsOf(
  collection: Collection,
  field: Field,
  set: RestoreSet,
  own: ReadonlyMap<string, string>,
  targets: ReadonlyMap<string, string>,
): readonly { readonly row: string; readonly ids: readonly string[] }[] {
  const at = collection.fields.indexOf(field);
  return (set.records.get(collection.id) ?? []).flatMap((record) => {
    const value = record.values[at] ?? null;
    const row = own.get(record.key);
    const ids = (value === null ? [] : typeof value === "string" ? [value] : value).flatMap((key) => targets.get(key) ?? []);
    return row === undefined || ids.length === 0 ? [] : [{ row, ids }];
  });
}
