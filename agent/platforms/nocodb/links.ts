/**
 * Links of a page of records. A `Links` cell is only a count, and asking record by record costs a request each: pairs are read where the
 * product keeps them, a few requests a page.
 */
import type { Collection, Field } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import { mapLimit } from "../../kit/map-limit.ts";
import { type Client, MOST_ROWS } from "./client.ts";
import { unexpected } from "./errors.ts";
import { keyColumn, type LinkStore, linkStore } from "./model.ts";
import type { Column, Page, Table } from "./schema.ts";
import { all, areNumbers, compared, keyText, type KeyValue, oneOf } from "./where.ts";

type Row = Page["list"][number];
/** Keys a record points to, by its own key. */
type Pairs = ReadonlyMap<string, readonly string[]>;

export interface LinkReader {
  /** Ids of columns that the page itself has to bring. */
  readonly columns: readonly string[];
  /** @param ranged whether the keys are all there are between the first and the last. @returns pairs by field id */
  read(keys: readonly KeyValue[], rows: readonly Row[], ranged: boolean): Promise<ReadonlyMap<string, Pairs>>;
}

export function linkReader(
  client: Client,
  collection: Collection,
  shape: { readonly table: Table; readonly key: Column },
  signal: AbortSignal,
): LinkReader {
  const tables = new Map<string, Promise<Table>>([[shape.table.id, Promise.resolve(shape.table)]]);
  const tableOf = (id: string): Promise<Table> => {
    const known = tables.get(id) ?? client.table(id, signal);
    tables.set(id, known);
    return known;
  };
  const fields = collection.fields.filter((field) => field.link !== null);
  const columns = new Map(shape.table.columns.map((column) => [column.id, column]));
  const pointers = fields.flatMap((field) => {
    const link = columns.get(field.id)?.colOptions;
    const pointer = link?.fk_mm_model_id === null ? link.fk_child_column_id : null;
    return pointer !== null && columns.has(pointer) ? [pointer] : [];
  });

  async function storeOf(field: Field): Promise<LinkStore> {
    const column = columns.get(field.id);
    const related = await tableOf(field.link?.collection ?? "");
    if (column === undefined) return { kind: "asked" };
    return linkStore(
      column,
      shape.table,
      new Map([
        [shape.table.id, shape.table],
        [related.id, related],
      ]),
    );
  }

  async function pairsOf(field: Field, keys: readonly KeyValue[], rows: readonly Row[], ranged: boolean): Promise<Pairs> {
    const store = await storeOf(field);
    switch (store.kind) {
      case "own": {
        const title = columns.get(store.column)?.title ?? "";
        return grouped(rows.map((row) => [row[shape.key.title], row[title]]));
      }
      case "other": {
        const table = await tableOf(store.table);
        return grouped(await pairsIn(client, table, columnIn(table, store.column), keyColumn(table), keys, ranged, signal));
      }
      case "junction": {
        const table = await tableOf(store.table);
        return grouped(await pairsIn(client, table, columnIn(table, store.here), columnIn(table, store.there), keys, ranged, signal));
      }
      case "asked": {
        const key = keyColumn(await tableOf(field.link?.collection ?? ""));
        const lists = await mapLimit(keys, 4, async (own) => {
          const targets = await askedOne(client, shape.table.id, field.id, String(own), key, signal);
          return targets.map((target): readonly [unknown, unknown] => [own, target]);
        });
        return grouped(lists.flat());
      }
    }
  }

  return {
    columns: [...new Set(pointers)],
    read: async (keys, rows, ranged) => {
      const read = new Map<string, Pairs>();
      if (keys.length === 0) return read;
      for (const field of fields) {
        signal.throwIfAborted();
        read.set(field.id, await pairsOf(field, keys, rows, ranged));
      }
      return read;
    },
  };
}

/** Pairs of a table that names both sides, for the keys of one side. */
async function pairsIn(
  client: Client,
  table: Table,
  own: Column,
  other: Column,
  keys: readonly KeyValue[],
  ranged: boolean,
  signal: AbortSignal,
): Promise<readonly (readonly [unknown, unknown])[]> {
  const [first, last] = [keys[0], keys.at(-1)];
  if (first === undefined || last === undefined) return [];
  const half = Math.ceil(keys.length / 2);
  const split = async (): Promise<readonly (readonly [unknown, unknown])[]> => [
    ...(await pairsIn(client, table, own, other, keys.slice(0, half), ranged, signal)),
    ...(await pairsIn(client, table, own, other, keys.slice(half), ranged, signal)),
  ];
  const numbers = ranged && areNumbers(keys);
  if (!numbers && keys.length > 100) return split();
  const conditions = numbers ? [compared(own.id, "gte", first), compared(own.id, "lte", last)] : [oneOf(own.id, keys)];
  const fields = [...new Set([own.id, other.id])];
  const page = await client.rows(table.id, { fields, where: all(...conditions), sort: other.id, limit: MOST_ROWS }, signal);
  const pairs = page.list.map((row): readonly [unknown, unknown] => [row[own.title], row[other.title]]);
  if (page.pageInfo.isLastPage) return pairs;
  if (keys.length > 1) return split();
  // One record with more links than fit a page.
  const found = [...pairs];
  for (let more = page; !more.pageInfo.isLastPage;) {
    const end = found.at(-1)?.[1];
    if (typeof end !== "number" && typeof end !== "string") throw unexpected("a link without a target");
    const where = all(...conditions, compared(other.id, "gt", end));
    const before = found.length;
    more = await client.rows(table.id, { fields, where, sort: other.id, limit: MOST_ROWS }, signal);
    found.push(...more.list.map((row): readonly [unknown, unknown] => [row[own.title], row[other.title]]));
    if (found.length === before && !more.pageInfo.isLastPage) throw unexpected("an empty page that is not the last one");
  }
  return found;
}

/** Targets of one record, as the product itself lists them. */
export async function askedOne(
  client: Client,
  table: string,
  column: string,
  row: string,
  key: Column,
  signal: AbortSignal,
): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for (;;) {
    const page = await client.linked(table, column, row, key.id, found.length, signal).catch(orGone);
    if (page === null) return [];
    const list = Array.isArray(page.list) ? page.list : page.list === null ? [] : [page.list];
    found.push(...list.map((one) => one[key.title]).filter((one) => one !== undefined && one !== null));
    if (page.pageInfo?.isLastPage !== false || list.length === 0) return found;
  }
}

/** A record that was deleted since it was listed has no links. */
function orGone(thrown: unknown): null {
  if (thrown instanceof AgentError && thrown.kind === "not_found") return null;
  throw thrown;
}

function grouped(pairs: readonly (readonly [unknown, unknown])[]): Pairs {
  const lists = new Map<string, string[]>();
  for (const pair of pairs) {
    const [own, target] = pair.map(keyText);
    if (own == null || target == null) continue;
    const list = lists.get(own) ?? [];
    list.push(target);
    lists.set(own, list);
  }
  return lists;
}

function columnIn(table: Table, id: string): Column {
  const column = table.columns.find((one) => one.id === id);
  if (column === undefined) throw unexpected("a link whose column is not there");
  return column;
}
