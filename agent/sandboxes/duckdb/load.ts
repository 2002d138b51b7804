/** Content into tables: everything, or a sample and every key. */
import type { Collection, ContentRecord } from "../../core/content.ts";
import { LIST_TYPES } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import type { Content, LoadReport, SampleRequest, SandboxTable } from "../../core/ports.ts";
import { type Bulk, bulkOf, bulkTable, rowsInFiles } from "./bulk.ts";
import type { Database } from "./database.ts";
import { alwaysKept, compareRanks, HASH_RANGE, keyedHash, type Rank } from "./sampling.ts";
import { rowWriter, rowOf, rowTypes } from "./writer.ts";

/** One collection on its way into the database. */
interface Slot {
  readonly index: number;
  readonly collection: Collection;
  readonly table: string;
  readonly keys: string;
  read: number;
}

/** Decides over one record; `hash` is null where the sample needs none. */
type Choice = (record: ContentRecord, ordinal: number, hash: number | null) => boolean;

/**
 * @returns what lies where, counted in the database itself; `population` and `checked` leave computed collections out.
 * Throws what `content.records` throws, `limit` when memory or disk is used up, an AbortError when `signal` aborts.
 */
export async function loadContent(database: Database, content: Content, sample: SampleRequest, signal: AbortSignal): Promise<LoadReport> {
  if (sample.strategy !== "all" && sample.seed === "") {
    throw new AgentError("internal", "sample-without-seed", "A random sample needs a seed.");
  }
  const slots = content.collections.map((collection, index): Slot => ({
    index,
    collection,
    table: `t${index}`,
    keys: `k${index}`,
    read: 0,
  }));
  if (sample.strategy !== "all") for (const slot of slots) await createTables(database, slot, sample);
  if (sample.strategy === "all") await loadAll(database, content, slots, sample, signal);
  else if (sample.strategy === "rate") await loadRate(database, content, slots, sample, signal);
  else await loadCount(database, content, slots, sample, signal);
  const tables: SandboxTable[] = [];
  for (const slot of slots) tables.push(await describe(database, slot));
  const items = tables.filter((table) => !table.collection.computed);
  return {
    tables,
    population: items.reduce((sum, table) => sum + table.keyed, 0),
    checked: items.reduce((sum, table) => sum + table.loaded, 0),
  };
}

async function createTables(database: Database, slot: Slot, sample: SampleRequest): Promise<void> {
  const columns = slot.collection.fields.map((field, index) => `, c${index} VARCHAR${LIST_TYPES.has(field.type) ? "[]" : ""}`);
  await database.execute(`CREATE TABLE ${slot.table} (k VARCHAR, n BIGINT, created_at TIMESTAMP, updated_at TIMESTAMP${columns.join("")})`);
  if (sample.strategy === "all") {
    await database.execute(`CREATE VIEW ${slot.keys} AS SELECT k, n FROM ${slot.table}`);
  } else {
    await database.execute(`CREATE TABLE h${slot.index} (k VARCHAR, n BIGINT, h DOUBLE)`);
    await database.execute(`CREATE VIEW ${slot.keys} AS SELECT k, n FROM h${slot.index}`);
  }
}

async function loadAll(
  database: Database,
  content: Content,
  slots: readonly Slot[],
  sample: SampleRequest,
  signal: AbortSignal,
): Promise<void> {
  const native: { readonly slot: Slot; readonly bulk: Bulk }[] = [];
  for (const slot of slots) {
    const bulk = bulkOf(content, slot.collection.id);
    if (bulk !== null && bulk.files.length > 0) {
      native.push({ slot, bulk });
      continue;
    }
    await createTables(database, slot, sample);
    if (bulk === null) slot.read = await fill(database, content, slot, { rows: () => true, keys: false, seed: null }, signal);
  }
  await database.executeAll(
    native.map(({ slot, bulk }) => bulkTable(slot.collection, `b${slot.index}`, bulk)),
    signal,
  );
  for (const { slot, bulk } of native) {
    const columns = slot.collection.fields.map((_, index) => `, c${index}`).join("");
    await database.execute(`CREATE VIEW ${slot.table} AS SELECT k, rowid AS n, created_at, updated_at${columns} FROM b${slot.index}`);
    await database.execute(`CREATE VIEW ${slot.keys} AS SELECT k, rowid AS n FROM b${slot.index}`);
    slot.read = await rowsInFiles(database, bulk, signal);
  }
}

async function loadRate(
  database: Database,
  content: Content,
  slots: readonly Slot[],
  sample: SampleRequest,
  signal: AbortSignal,
): Promise<void> {
  const threshold = sample.rate * HASH_RANGE;
  for (const slot of slots) {
    const always = alwaysKept(sample, [slot.collection.id, slot.collection.name]);
    const rows: Choice = (record, _, hash) => (hash ?? HASH_RANGE) < threshold || always(record.key);
    slot.read = await fill(database, content, slot, { rows, keys: true, seed: sample.seed }, signal);
  }
}

/** Twice over the records: the first time for the keys and their hashes, the second for the rows up to the last one that fits. */
async function loadCount(
  database: Database,
  content: Content,
  slots: readonly Slot[],
  sample: SampleRequest,
  signal: AbortSignal,
): Promise<void> {
  for (const slot of slots) slot.read = await fill(database, content, slot, { rows: null, keys: true, seed: sample.seed }, signal);
  const last = await lastRank(database, slots, sample.count);
  for (const slot of slots) {
    const always = alwaysKept(sample, [slot.collection.id, slot.collection.name]);
    const rows: Choice = (record, ordinal, hash) =>
      (last !== null && compareRanks({ hash: hash ?? HASH_RANGE, collection: slot.index, ordinal }, last) <= 0) || always(record.key);
    const again = await fill(database, content, slot, { rows, keys: false, seed: sample.seed }, signal);
    if (again !== slot.read) {
      throw new AgentError(
        "internal",
        "reader-unstable",
        `${slot.collection.name} gave ${slot.read} records, and ${again} when read again.`,
      );
    }
  }
}

/** The rank of the `count`-th record over all collections that hold items; null where none is wanted. */
async function lastRank(database: Database, slots: readonly Slot[], count: number): Promise<Rank | null> {
  const parts = slots.filter((slot) => !slot.collection.computed).map((slot) => `SELECT h, ${slot.index} AS c, n FROM h${slot.index}`);
  if (parts.length === 0 || count < 1) return null;
  const [row] = await database.query(
    `SELECT h, c, n FROM (SELECT h, c, n FROM (${parts.join(" UNION ALL ")}) ORDER BY h, c, n LIMIT $1) ORDER BY h DESC, c DESC, n DESC LIMIT 1`,
    [Math.trunc(count)],
  );
  return row === undefined ? null : { hash: Number(row["h"]), collection: Number(row["c"]), ordinal: Number(row["n"]) };
}

/** @returns how many records the reader handed over */
async function fill(
  database: Database,
  content: Content,
  slot: Slot,
  what: { readonly rows: Choice | null; readonly keys: boolean; readonly seed: string | null },
  signal: AbortSignal,
): Promise<number> {
  const { library } = database;
  const { collection } = slot;
  const targets = [...(what.rows === null ? [] : [slot.table]), ...(what.keys ? [`h${slot.index}`] : [])];
  return database.append(targets, async (appenders) => {
    const [first, second] = appenders;
    const rowAppender = what.rows === null ? undefined : first;
    const keyAppender = what.rows === null ? first : second;
    const rows = rowAppender === undefined ? null : rowWriter(database, rowAppender, rowTypes(library, collection));
    const keys = keyAppender === undefined ? null : rowWriter(database, keyAppender, [library.VARCHAR, library.BIGINT, library.DOUBLE]);
    let ordinal = 0;
    for await (const batch of content.records(collection.id, signal)) {
      signal.throwIfAborted();
      for (const record of batch) {
        const hash = what.seed === null ? null : keyedHash(what.seed, collection.id, record.key);
        keys?.add([record.key, BigInt(ordinal), hash], record.key.length);
        if (rows !== null && what.rows?.(record, ordinal, hash) === true) {
          const { row, characters } = rowOf(library, collection, record, ordinal);
          rows.add(row, characters);
        }
        ordinal += 1;
      }
    }
    rows?.end();
    keys?.end();
    return ordinal;
  });
}

async function describe(database: Database, slot: Slot): Promise<SandboxTable> {
  const [counts] = await database.query(
    `SELECT (SELECT count(*) FROM ${slot.table}) AS loaded, (SELECT count(*) FROM ${slot.keys}) AS keyed`,
  );
  return {
    collection: slot.collection,
    table: slot.table,
    keys: slot.keys,
    columns: slot.collection.fields.map((field, index) => ({ field, column: `c${index}`, list: LIST_TYPES.has(field.type) })),
    read: slot.read,
    loaded: Number(counts?.["loaded"]),
    keyed: Number(counts?.["keyed"]),
  };
}
