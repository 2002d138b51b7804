/** A Baserow export, read: metadata and rows are in memory, files of a zip are streams. */
import type { Aspect, AspectState, Integrity, Setting } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import type { Content, FormatContext } from "../../core/ports.ts";
import { apart, digestOf, readApplications, tableSettings } from "./applications.ts";
import { type Archive, openArchive } from "./archive.ts";
import { type Document, readDocument } from "./document.ts";
import { readFiles } from "./files.ts";
import type { JsonObject } from "../../kit/json.ts";
import { ZipClosedError } from "../../kit/zip.ts";
import { asFormatError } from "../reading.ts";
import { recordBatches, rowFaults } from "./records.ts";
import { namesOf, readTables } from "./tables.ts";
import { readViews } from "./views.ts";

export async function openDocument(path: string, context: FormatContext): Promise<Content> {
  const document: Document = await readDocument(path, context);
  return contentOf(document.applications, {
    formatVersion: document.version,
    createdAt: null,
    faults: [],
    checksums: null,
    settings: document.frame === null ? [] : [{ id: "template", digest: digestOf(document.frame) }],
    archive: null,
  });
}

export async function openWorkspaceExport(path: string, context: FormatContext): Promise<Content> {
  const archive = await openArchive(path, context);
  try {
    return contentOf(archive.applications, {
      formatVersion: archive.version,
      createdAt: archive.createdAt,
      faults: archive.faults,
      checksums: archive.checksums,
      settings: [{ id: `signature/${archive.signature}`, digest: digestOf(archive.signature) }],
      archive,
    });
  } catch (thrown) {
    await archive.zip.close();
    throw thrown;
  }
}

interface Around {
  readonly formatVersion: string | null;
  readonly createdAt: number | null;
  readonly faults: readonly string[];
  readonly checksums: Integrity["checksums"];
  readonly settings: readonly Setting[];
  readonly archive: Archive | null;
}

function contentOf(applications: readonly JsonObject[], around: Around): Content {
  const faults = [...around.faults];
  const databases = applications.filter((one) => one["type"] === "database");
  const tables = readTables(databases, faults);
  const byId = new Map(tables.map((table) => [table.collection.id, table]));
  for (const table of tables) faults.push(...rowFaults(table, byId));
  const parts = readApplications(applications, namesOf(tables.map((table) => table.definition)));
  const { archive } = around;
  const files = readFiles(tables, applications, (name) => (archive === null ? "outside" : (archive.files.get(name)?.bytes ?? null)));
  return {
    format: "baserow",
    formatVersion: around.formatVersion,
    createdAt: around.createdAt,
    integrity: { complete: faults.length === 0, problems: faults, checksums: around.checksums, plainSecrets: parts.plainSecrets },
    collections: tables.map((table) => table.collection),
    automations: parts.automations,
    credentials: parts.credentials,
    files,
    access: [],
    settings: apart([...around.settings, ...parts.settings, ...tableSettings(tables)]),
    views: apart([...tables.flatMap(readViews), ...parts.views]),
    aspects: aspectsOf(archive),
    async *records(collectionId, signal) {
      signal.throwIfAborted();
      const table = byId.get(collectionId);
      if (table === undefined) throw new AgentError("not_found", "no-such-collection", "The export has no such table.");
      yield* recordBatches(table, signal);
    },
    async *fileBytes(fileId, signal) {
      signal.throwIfAborted();
      const file = archive?.files.get(fileId);
      if (archive === null || file === undefined)
        throw new AgentError("not_found", "no-such-file", "The bytes of that file are not in the export.");
      try {
        yield* archive.zip.read(file.entry, signal);
      } catch (thrown) {
        if (thrown instanceof ZipClosedError) throw new AgentError("transient", "closed", thrown.message);
        throw asFormatError(thrown);
      }
    },
    async close() {
      await archive?.zip.close();
    },
  };
}

const INCLUDED: AspectState = { included: true };

function without(reason: string): AspectState {
  return { included: false, reason };
}

function aspectsOf(archive: Archive | null): Record<Aspect, AspectState> {
  const rows = archive?.onlyStructure === true ? without("It was exported as structure only, without rows.") : INCLUDED;
  return {
    records: rows,
    links: rows,
    views: INCLUDED,
    automations: INCLUDED,
    credentials: without("Passwords and tokens of integrations, database tokens and webhooks are not part of a Baserow export."),
    files: archive === null ? without("A JSON export names its files and does not hold them; they lie in Baserow's file storage.") : rows,
    access: without("Members, roles and permissions of a workspace are not part of a Baserow export."),
    settings: INCLUDED,
    templates: without("Baserow keeps templates outside of workspaces."),
    sequences: without("Baserow sets the next row id past the greatest one when it imports; nothing is stored."),
    timestamps: rows,
    audit: without("Comments, row history, the trash, snapshots and the audit log are not part of a Baserow export."),
  };
}
