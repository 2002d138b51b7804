/**
 * Attachments. `_grist_Attachments` lists them; the bytes lie in `_gristsys_Files` under the same `fileIdent`, which is the SHA-1 of
 * the bytes and an extension, unless `storageId` says that a store outside keeps them.
 */
import { AgentError } from "../../core/errors.ts";
import type { FileItem } from "../../core/content.ts";
import type { GristDatabase } from "./database.ts";
import { id, metaRows, text, type MetaRow } from "./metadata.ts";

/** File id → the ident under which its bytes lie. */
export interface Attachments {
  readonly files: readonly FileItem[];
  readonly idents: ReadonlyMap<string, string>;
}

const COLUMNS = ["id", "fileIdent", "fileName", "fileType", "fileSize", "timeDeleted"];
const CHUNK_BYTES = 8 * 1024 * 1024;

export function readAttachments(database: GristDatabase, maxRows: number): Attachments {
  const stored = storedIdents(database, maxRows);
  const rows = metaRows(database, "_grist_Attachments", COLUMNS, maxRows).filter((row) => isKept(row, stored));
  return {
    files: rows.map((row) => readFile(row, stored)),
    idents: new Map(rows.map((row) => [String(id(row, "id")), text(row, "fileIdent")])),
  };
}

/** Ident → whether the bytes are here (`inside`) or in a store outside. */
function storedIdents(database: GristDatabase, maxRows: number): ReadonlyMap<string, "inside" | "outside"> {
  const table = database.tables.get("_gristsys_files");
  const stored = new Map<string, "inside" | "outside">();
  if (table === undefined) return stored;
  let seen = 0;
  for (const [ident, storage, type] of database.rows(table, ["ident", "storageId"], ["data"])) {
    seen += 1;
    if (seen > maxRows) throw new AgentError("limit", "too-many-entries", `The document has more than ${maxRows} attachments, our limit.`);
    if (typeof ident !== "string") continue;
    if (storage !== null && storage !== "") stored.set(ident, "outside");
    else if (type !== "null") stored.set(ident, "inside");
  }
  return stored;
}

/** Grist removes the bytes of a deleted attachment some days later, by design. */
function isKept(row: MetaRow, stored: ReadonlyMap<string, unknown>): boolean {
  return row["timeDeleted"] === null || row["timeDeleted"] === undefined || stored.has(text(row, "fileIdent"));
}

function readFile(row: MetaRow, stored: ReadonlyMap<string, "inside" | "outside">): FileItem {
  const ident = text(row, "fileIdent");
  const sha1 = /^([0-9a-f]{40})(\.|$)/iu.exec(ident)?.[1];
  const size = row["fileSize"];
  return {
    id: String(id(row, "id")),
    name: text(row, "fileName"),
    bytes: typeof size === "number" && size >= 0 ? size : null,
    declaredType: text(row, "fileType") || null,
    declaredDigest: sha1 === undefined ? null : { algorithm: "sha1", value: sha1.toLowerCase() },
    presence: stored.get(ident) ?? "missing",
  };
}

export async function* readBytes(
  database: GristDatabase,
  attachments: Attachments,
  fileId: string,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  signal.throwIfAborted();
  const ident = attachments.idents.get(fileId);
  const table = database.tables.get("_gristsys_files");
  if (ident === undefined || table === undefined)
    throw new AgentError("not_found", "no-such-file", `The document lists no file ${fileId}.`);
  for (let from = 0; ; from += CHUNK_BYTES) {
    signal.throwIfAborted();
    const part = database.blob(table, "data", "ident", ident, from, CHUNK_BYTES);
    if (part === null) throw notFound(attachments, fileId);
    if (part.byteLength > 0) yield part;
    if (part.byteLength < CHUNK_BYTES) return;
  }
}

/** Bytes that the table lists and a look for them does not find: the table's index is broken. */
function notFound({ files }: Attachments, fileId: string): AgentError {
  const listed = files.some((file) => file.id === fileId && file.presence === "inside");
  return listed
    ? new AgentError("damaged", "file-not-found", `The document lists the bytes of file ${fileId}, and they cannot be found in it.`)
    : new AgentError("not_found", "no-such-file", `The bytes of file ${fileId} are not in the document.`);
}
