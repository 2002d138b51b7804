/** Records of a table in the order of their ids: the only order that is the same tomorrow, as Airtable's own listing has none to go on in. */
import type { Collection, ContentRecord, Field } from "../../core/content.ts";
import { type Client, MOST_ROWS } from "./client.ts";
import { listingExpired, refusalCode, schemaChanged, unexpected } from "./errors.ts";
import { fits, updatesField } from "./model.ts";
import type { Row } from "./schema.ts";
import { canonical, timeOf } from "./values.ts";

/** Rows held to be put into order; of larger tables only the ids, and their rows are read a second time. */
const MOST_HELD = 20_000;

export interface Place {
  readonly base: string;
  readonly pageSize: number;
  /** Name or id of the field that tells updates, as configured. */
  readonly updatedField: string | null;
}

export async function* pagesOf(
  client: Client,
  place: Place,
  collection: Collection,
  reading: { readonly after: string | null; readonly since: number | null; readonly signal: AbortSignal },
): AsyncGenerator<readonly ContentRecord[]> {
  const { after, since, signal } = reading;
  await checkSchema(client, place.base, collection, signal);
  const fields = collection.fields.map((field) => field.id);
  let rows: Row[] | null = [];
  const ids: string[] = [];
  const formula = since === null ? undefined : editedSince(updatesField(collection, place.updatedField), since);
  for await (const page of listing(client, place, collection, { fields, formula }, signal)) {
    const wanted = page.filter((row) => after === null || row.id > after);
    ids.push(...wanted.map((row) => row.id));
    rows?.push(...wanted);
    if (ids.length > MOST_HELD) rows = null;
  }
  const held = new Map((rows ?? []).map((row) => [row.id, row]));
  ids.sort();
  for (let at = 0; at < ids.length; at += place.pageSize) {
    signal.throwIfAborted();
    const part = ids.slice(at, at + place.pageSize);
    const read = rows === null ? await rowsByKey(client, place, collection, part, signal) : part.flatMap((id) => held.get(id) ?? []);
    const records = read.map((row) => recordOf(row, collection, place)).sort((a, b) => (a.key < b.key ? -1 : 1));
    if (records.length > 0) yield records;
  }
  // A field that went while rows were read would look like one that is empty.
  await checkSchema(client, place.base, collection, signal);
}

/**
 * By the field that records are dated by and no other time, or a record would be given out as edited and dated before that. One that was
 * never edited may have no such time.
 */
export function editedSince(updates: Field | null, since: number): string {
  // Times are exact to a second: one earlier is asked for.
  const from = `DATETIME_PARSE('${new Date(since - 1001).toISOString()}')`;
  const edited = updates === null ? "LAST_MODIFIED_TIME()" : `{${updates.id}}`;
  return `OR(IS_AFTER(${edited},${from}),IS_AFTER(CREATED_TIME(),${from}))`;
}

/** Keys alone: only the field that tells updates is asked for, or the first where there is none. */
export async function* keysOf(
  client: Client,
  place: Place,
  collection: Collection,
  signal: AbortSignal,
): AsyncGenerator<readonly { readonly key: string; readonly createdAt: number | null; readonly updatedAt: number | null }[]> {
  const updates = updatesField(collection, place.updatedField);
  const asked = updates ?? collection.fields[0];
  await checkSchema(client, place.base, collection, signal);
  for await (const rows of listing(client, place, collection, { fields: asked === undefined ? [] : [asked.id] }, signal))
    yield rows.map((row) => ({
      key: row.id,
      createdAt: timeOf(row.createdTime),
      updatedAt: updates === null ? null : timeOf(row.fields[updates.id]),
    }));
}

export async function recordsByKey(
  client: Client,
  place: Place,
  collection: Collection,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<readonly ContentRecord[]> {
  await checkSchema(client, place.base, collection, signal);
  const rows = await rowsByKey(client, place, collection, keys, signal);
  return rows.map((row) => recordOf(row, collection, place));
}

async function rowsByKey(
  client: Client,
  place: Place,
  collection: Collection,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<readonly Row[]> {
  // What is no id of Airtable is nothing it has, and nothing to put into a formula.
  const askable = [...new Set(keys)].filter((key) => /^rec[A-Za-z0-9]{1,40}$/u.test(key));
  const fields = collection.fields.map((field) => field.id);
  const found: Row[] = [];
  const ask = async (part: readonly string[]): Promise<void> => {
    const formula = `OR(${part.map((key) => `RECORD_ID()='${key}'`).join(",")})`;
    for await (const rows of listing(client, place, collection, { fields, formula, once: true }, signal)) found.push(...rows);
  };
  for (let at = 0; at < askable.length; at += MOST_ROWS) {
    signal.throwIfAborted();
    const part = askable.slice(at, at + MOST_ROWS);
    const before = found.length;
    await ask(part);
    // What is missing is deleted, or was left out of the answer: said to be gone only when a second answer lacks it too.
    const there = new Set(found.slice(before).map((row) => row.id));
    const missing = part.filter((key) => !there.has(key));
    if (missing.length > 0) await ask(missing);
  }
  const wanted = new Set(askable);
  if (found.some((row) => !wanted.has(row.id))) throw unexpected("records that were not asked for");
  return found;
}

/**
 * Page after page of one listing, which Airtable keeps for some minutes. No answer says how many records there are, so a page that could
 * be short, the last one or one that is not full, is asked for a second time, and counts only what both together show.
 * @param asked `once`: the caller knows what must be there
 */
export async function* listing(
  client: Client,
  place: Pick<Place, "base" | "pageSize">,
  collection: Pick<Collection, "id">,
  asked: { readonly fields: readonly string[]; readonly formula?: string | undefined; readonly once?: boolean },
  signal: AbortSignal,
): AsyncGenerator<readonly Row[]> {
  const seen = new Set<string>();
  const { once = false, ...wanted } = asked;
  const ask = (offset: string | undefined) => {
    signal.throwIfAborted();
    return inItsWords(collection.id, () => client.rows(place.base, collection.id, { ...wanted, pageSize: place.pageSize, offset }, signal));
  };
  for (let offset: string | undefined; ;) {
    const page = await ask(offset);
    const doubtful = !once && (page.offset === undefined || page.records.length < place.pageSize);
    const second = doubtful ? await ask(offset) : page;
    const rows: Row[] = [];
    for (const row of [...page.records, ...second.records]) {
      if (seen.has(row.id)) continue;
      seen.add(row.id);
      rows.push(row);
    }
    if (rows.length > 0) yield rows;
    const next = second.records.length > page.records.length ? (second.offset ?? page.offset) : (page.offset ?? second.offset);
    if (next === undefined) return;
    if (next === offset) throw unexpected("the same page again");
    offset = next;
  }
}

/** @throws AgentError `transient` code `schema-changed` */
async function checkSchema(client: Client, base: string, collection: Collection, signal: AbortSignal): Promise<void> {
  const tables = await client.tables(base, signal);
  if (
    !fits(
      collection,
      tables.find((table) => table.id === collection.id),
    )
  )
    throw schemaChanged(collection.id);
}

function recordOf(row: Row, collection: Collection, place: Place): ContentRecord {
  const updates = updatesField(collection, place.updatedField);
  return {
    key: row.id,
    values: collection.fields.map((field) => canonical(field.type, row.fields[field.id])),
    createdAt: timeOf(row.createdTime),
    updatedAt: updates === null ? null : timeOf(row.fields[updates.id]),
  };
}

async function inItsWords<T>(table: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const code = refusalCode(thrown);
    if (code === "UNKNOWN_FIELD_NAME") throw schemaChanged(table, thrown);
    if (code === "LIST_RECORDS_ITERATOR_NOT_AVAILABLE") throw listingExpired(table, thrown);
    throw thrown;
  }
}
