/** Rows taken away, ten at a time. */
import { type Client, MOST_ROWS, MOST_WRITES } from "./client.ts";
import { listing } from "./records.ts";
import type { Table } from "./schema.ts";

export async function emptyTable(
  client: Client,
  base: string,
  table: Pick<Table, "id" | "primaryFieldId">,
  signal: AbortSignal,
): Promise<void> {
  const ids: string[] = [];
  for await (const rows of listing(client, { base, pageSize: MOST_ROWS }, table, { fields: [table.primaryFieldId] }, signal))
    ids.push(...rows.map((row) => row.id));
  await removeRows(client, base, table.id, ids, signal);
}

export async function removeRows(client: Client, base: string, table: string, ids: readonly string[], signal: AbortSignal): Promise<void> {
  for (let at = 0; at < ids.length; at += MOST_WRITES) {
    signal.throwIfAborted();
    await client.remove(base, table, ids.slice(at, at + MOST_WRITES), signal);
  }
}
