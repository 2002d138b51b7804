/** What the document says of itself: time zone, locale and the like, the order of its pages, and the comments on its cells. */
import { createHash } from "node:crypto";
import type { Setting } from "../../core/content.ts";
import type { GristDatabase } from "./database.ts";
import type { Marshalled } from "./marshal.ts";
import { digestOf, jsonOf, metaRows, text, type MetaRow } from "./metadata.ts";

export interface DocumentInfo {
  /** As text, for example `"39"`; null where the document does not say. */
  readonly schemaVersion: string | null;
  /** Store outside the document where attachments are put, or null. */
  readonly attachmentStore: string | null;
  readonly settings: readonly Setting[];
}

export function readInfo(database: GristDatabase, maxRows: number): DocumentInfo {
  const row: MetaRow = metaRows(database, "_grist_DocInfo", ["schemaVersion", "timezone", "documentSettings"], maxRows)[0] ?? {};
  const parsed = jsonOf(text(row, "documentSettings"));
  const own = parsed !== null && typeof parsed === "object" && !Array.isArray(parsed) ? (parsed as Record<string, Marshalled>) : {};
  const store = own["attachmentStoreId"];
  const settings: Setting[] = Object.entries({ ...own, timezone: row["timezone"] ?? null, schemaVersion: row["schemaVersion"] ?? null })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ id: name, digest: digestOf(value) }));
  return {
    schemaVersion: text(row, "schemaVersion") || null,
    attachmentStore: typeof store === "string" && store !== "" ? store : null,
    settings: [
      ...settings,
      ...tableSetting(database, "pages", "_grist_Pages", ["viewRef", "indentation", "pagePos"]),
      ...tableSetting(database, "comments", "_grist_Cells", ["tableRef", "colRef", "rowId", "root", "parentId", "type", "content"]),
    ],
  };
}

/** One digest over all rows of a table, if it has any; rows are not kept, so there may be many. */
function tableSetting(database: GristDatabase, name: string, table: string, columns: readonly string[]): Setting[] {
  const plain = database.tables.get(table.toLowerCase());
  if (plain === undefined) return [];
  const hash = createHash("sha256");
  let rows = 0;
  for (const cells of database.rows(plain, columns)) {
    hash.update(`${JSON.stringify(cells, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value))}\n`);
    rows += 1;
  }
  return rows === 0 ? [] : [{ id: name, digest: hash.digest("hex") }];
}
