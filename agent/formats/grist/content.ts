/** A Grist document, read: metadata whole at once, records and attachments as streams. */
import { AgentError } from "../../core/errors.ts";
import type { Aspect, AspectState, ContentRecord, FileItem } from "../../core/content.ts";
import type { Content, FormatContext } from "../../core/ports.ts";
import { readAccess } from "./access.ts";
import { readAutomations } from "./automations.ts";
import { readStructure, type GristTable } from "./collections.ts";
import type { GristDatabase } from "./database.ts";
import { readAttachments, readBytes } from "./files.ts";
import { readInfo } from "./settings.ts";
import { canonicalCell, decodeCell, rawText, type Cell } from "./values.ts";
import { readViews } from "./views.ts";

const BATCH = 1000;
const NEEDED = ["_grist_DocInfo", "_grist_Tables", "_grist_Tables_column"];

/** @throws AgentError `damaged` when Grist's own tables are not there or cannot be read */
export function readContent(database: GristDatabase, context: FormatContext): Content {
  const missing = NEEDED.filter((table) => !database.tables.has(table.toLowerCase()));
  if (missing.length > 0)
    throw new AgentError(
      "damaged",
      "not-grist",
      `This is no whole Grist document: ${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} not in it.`,
    );
  const maxRows = context.limits.maxEntries;
  const info = readInfo(database, maxRows);
  const { tables, names, problems } = readStructure(database, maxRows);
  const attachments = readAttachments(database, maxRows);
  const all = [...database.problems, ...problems];
  const byId = new Map(tables.map((table) => [table.collection.id, table]));
  return {
    format: "grist",
    formatVersion: info.schemaVersion,
    createdAt: null,
    integrity: { complete: all.length === 0, problems: all, checksums: null, plainSecrets: null },
    collections: tables.map((table) => table.collection),
    ...readAutomations(database, names, maxRows),
    files: attachments.files,
    access: readAccess(database, names, maxRows),
    settings: info.settings,
    views: readViews(database, names, maxRows),
    aspects: aspectsOf(database, attachments.files, info.attachmentStore),
    async *records(collectionId, signal) {
      signal.throwIfAborted();
      const table = byId.get(collectionId);
      if (table === undefined) throw new AgentError("not_found", "no-such-collection", "The document has no such collection.");
      yield* batches(database, table, signal);
    },
    fileBytes: (fileId, signal) => readBytes(database, attachments, fileId, signal),
    close: () => database.close(),
  };
}

async function* batches(database: GristDatabase, table: GristTable, signal: AbortSignal): AsyncIterable<readonly ContentRecord[]> {
  if (table.stored === null) return;
  let batch: ContentRecord[] = [];
  for (const cells of database.rows(table.stored, ["id", ...table.collection.fields.map((field) => field.id)])) {
    batch.push(readRecord(table, cells));
    if (batch.length < BATCH) continue;
    yield batch;
    signal.throwIfAborted();
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function readRecord(table: GristTable, cells: readonly Cell[]): ContentRecord {
  return {
    key: rawText(decodeCell(cells[0] ?? null)),
    values: table.cells.map((cell, index) => canonicalCell(cell, cells[index + 1] ?? null)),
    createdAt: null,
    updatedAt: null,
  };
}

function without(reason: string): AspectState {
  return { included: false, reason };
}

function aspectsOf(database: GristDatabase, files: readonly FileItem[], store: string | null): Record<Aspect, AspectState> {
  const included: AspectState = { included: true };
  const allOutside = files.length > 0 ? files.every((file) => file.presence === "outside") : store !== null;
  return {
    records: included,
    links: included,
    views: included,
    automations: included,
    credentials: without("Addresses and secrets of webhooks lie in Grist's home database, not in the document."),
    files: allOutside ? without("The document keeps its attachments in a store outside, which needs a backup of its own.") : included,
    access: included,
    settings: included,
    templates: without("Grist keeps templates as documents of their own."),
    sequences: without("Grist gives the next row the highest row id plus one; nothing is stored."),
    timestamps: without("Grist keeps no creation or change time of a row."),
    audit: hasRows(database, "_gristsys_ActionHistory") ? included : without("The history was left out of this copy of the document."),
  };
}

function hasRows(database: GristDatabase, name: string): boolean {
  const table = database.tables.get(name.toLowerCase());
  return table !== undefined && [...take(database.rows(table, ["id"]), 1)].length > 0;
}

function* take<T>(items: Iterable<T>, count: number): Iterable<T> {
  let taken = 0;
  for (const item of items) {
    yield item;
    taken += 1;
    if (taken >= count) return;
  }
}
