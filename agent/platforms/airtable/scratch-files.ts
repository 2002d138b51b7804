/** Attachments into the scratch base, one upload each; and what of a restore was refused, counted by reason. */
import type { Collection } from "../../core/content.ts";
import type { RestoreSet } from "../../core/platform-ports.ts";
import { type Client, MOST_UPLOAD } from "./client.ts";
import type { Table } from "./schema.ts";

export type Refused = Map<string, { readonly aspect: string; readonly reason: string; count: number }>;

export function fieldIn(table: Table, name: string): string | null {
  return table.fields.find((field) => field.name === name)?.id ?? null;
}

export async function uploadFiles(
  client: Client,
  base: string,
  collection: Collection,
  set: RestoreSet,
  tables: ReadonlyMap<string, Table>,
  keys: ReadonlyMap<string, ReadonlyMap<string, string>>,
  refused: Refused,
  signal: AbortSignal,
): Promise<void> {
  const table = tables.get(collection.id);
  for (const [at, field] of collection.fields.entries()) {
    const place = table === undefined ? null : fieldIn(table, field.name);
    if (field.type !== "files" || place === null) continue;
    for (const record of set.records.get(collection.id) ?? []) {
      const id = keys.get(collection.id)?.get(record.key);
      const value = record.values[at] ?? null;
      if (id === undefined || value === null) continue;
      for (const file of typeof value === "string" ? [value] : value) {
        const bytes = set.fileBytes.get(file);
        const item = set.files.find((one) => one.id === file);
        if (bytes === undefined) continue;
        if (bytes.length > MOST_UPLOAD) {
          count(refused, "files", "Airtable takes no attachment of more than 5 MB through its API", 1);
          continue;
        }
        signal.throwIfAborted();
        const body = {
          // The id of the backup goes along in the name: new ids are Airtable's own.
          filename: `${file} ${item?.name ?? ""}`.trim(),
          contentType: item?.declaredType ?? "application/octet-stream",
          file: Buffer.from(bytes).toString("base64"),
        };
        await client.upload({ base, record: id, field: place }, body, signal);
      }
    }
  }
}

export function count(refused: Refused, aspect: string, reason: string, more: number): void {
  const known = refused.get(reason);
  if (known === undefined) refused.set(reason, { aspect, reason, count: more });
  else known.count += more;
}
