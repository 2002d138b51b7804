/** A bag, read: its own integrity and all metadata at once, records and files as streams, tables also as files for the sandbox. */
import { ASPECTS, type Aspect, type AspectState, type ContentRecord, LIST_TYPES } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import type { BulkContent, Content, FormatContext, OriginalsContent, TemplateContent } from "../../core/ports.ts";
import { type FileTree, quoted, readChunks } from "../../kit/file-tree.ts";
import { openStreams } from "../../kit/open-streams.ts";
import { keyRing } from "./age.ts";
import { readBag, sha256Of, verifyBag } from "./bagit.ts";
import { readJson } from "../reading.ts";
import { filePlaces, type Metadata, type MetadataName, readMetadata } from "./metadata.ts";
import { type BagPackage, PACKAGE, readPackage } from "./package.ts";
import { lineBlocks, partBytes } from "./parts.ts";
import { CREATED, readRow, UPDATED } from "./rows.ts";
import { columnsOf, surveyTables, type SurveyedPart, type SurveyedTable } from "./survey.ts";

const BATCH = 1000;

/**
 * Reads the bag whose files are `tree` (paths relative to the bag); `close` closes the tree.
 * @throws AgentError `damaged` where the bag's own files cannot be read for what they are, `limit` beyond a bound
 */
export async function readContent(
  tree: FileTree,
  context: FormatContext,
): Promise<Content & BulkContent & TemplateContent & OriginalsContent> {
  const { limits, signal } = context;
  const bag = await readBag(tree, context.unread);
  const packageFile = tree.files.get(PACKAGE);
  if (packageFile === undefined) throw new AgentError("damaged", "bag-package", `The bag has no ${PACKAGE}.`);
  const data = readPackage(await readJson(packageFile.place, PACKAGE, context));
  const collections = data.tables.map((table) => table.collection);
  const metadata = await readMetadata(tree, collections, keyRing(context.key), context);
  const surveyed = await surveyTables(tree, data.tables, limits, signal);
  const digests = new Map(surveyed.flatMap(({ parts }) => parts.map((part) => [part.path, part.sha256] as const)));
  const integrity = await verifyBag(bag, async (path, file) => digests.get(path) ?? (await sha256Of(file, signal)));
  const problems = [...integrity.problems, ...data.problems, ...metadata.problems, ...surveyed.flatMap((table) => table.problems)];
  const byId = new Map(surveyed.map((table) => [table.table.collection.id, table]));
  const places = filePlaces(tree, metadata.files);
  const streams = openStreams();
  let closed = false;
  const assertOpen = (): void => {
    signal.throwIfAborted();
    if (closed) throw new AgentError("internal", "content-closed", "The content was closed.");
  };
  return {
    format: "bag",
    formatVersion: data.layout,
    createdAt: data.startedAt,
    integrity: { complete: problems.length === 0, problems, checksums: integrity.checksums, plainSecrets: metadata.plainSecrets },
    collections,
    automations: metadata.automations,
    credentials: metadata.credentials,
    files: metadata.files,
    access: metadata.access,
    settings: metadata.settings,
    templates: metadata.templates,
    views: metadata.views,
    aspects: aspectsOf(data, metadata),
    async originals(ending) {
      ending.throwIfAborted();
      assertOpen();
      const found: Record<string, unknown> = {};
      for (const [path, file] of tree.files) {
        const name = /^data\/originals\/([A-Za-z0-9_.-]{1,200})\.json$/u.exec(path)?.[1];
        if (name !== undefined) found[name] = await readJson(file.place, path, context);
      }
      return found;
    },
    async *records(collectionId, ending) {
      ending.throwIfAborted();
      assertOpen();
      const table = byId.get(collectionId);
      if (table === undefined) throw new AgentError("not_found", "no-such-collection", "The bag has no such table.");
      for await (const batch of streams.track(batches(table, limits, ending))) {
        assertOpen();
        ending.throwIfAborted();
        yield batch;
      }
    },
    async *fileBytes(fileId, ending) {
      ending.throwIfAborted();
      assertOpen();
      const place = places.get(fileId);
      if (place === undefined) throw new AgentError("not_found", "no-such-file", "The bytes of this file are not in the bag.");
      yield* streams.track(readChunks(place, ending));
    },
    bulk(collectionId) {
      const table = byId.get(collectionId);
      return table === undefined ? null : bulkOf(table);
    },
    async close() {
      closed = true;
      await streams.end();
      await tree.close();
    },
  };
}

async function* batches(
  { table, parts }: SurveyedTable,
  limits: FormatContext["limits"],
  signal: AbortSignal,
): AsyncGenerator<readonly ContentRecord[]> {
  for (const part of parts) {
    const label = `Table ${table.collection.id}, ${quoted(part.path)}`;
    let batch: ContentRecord[] = [];
    for await (const { first, lines } of lineBlocks(partBytes(part.file, label, part.compressed, limits, signal), label)) {
      for (const [index, line] of lines.entries()) {
        if (line.trim() === "") continue;
        batch.push(readRow(line, table.shape, () => `${label}, line ${first + index}`));
        if (batch.length < BATCH) continue;
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0) yield batch;
  }
}

/** Only where every line of every part was seen to be written strictly. */
function bulkOf({ table, parts }: SurveyedTable): ReturnType<BulkContent["bulk"]> {
  if (!parts.every((part: SurveyedPart) => part.native)) return null;
  const scanned = columnsOf(table).map((column) => column.name);
  return {
    kind: "ndjson",
    files: parts.map((part) => part.file.place),
    columns: table.shape.sources.map(({ name, field }) => ({ field: field.id, source: name })),
    keySource: table.shape.key,
    canonical: {
      lists: table.shape.sources.filter(({ field }) => LIST_TYPES.has(field.type)).map(({ name }) => name),
      createdSource: scanned.includes(CREATED) ? CREATED : null,
      updatedSource: scanned.includes(UPDATED) ? UPDATED : null,
      records: parts.reduce((sum, part) => sum + part.lines, 0),
      longestLine: Math.max(0, ...parts.map((part) => part.longest)),
    },
  };
}

const KEPT_AS: Partial<Record<Aspect, MetadataName>> = {
  views: "views",
  automations: "automations",
  credentials: "credentials",
  files: "files",
  access: "access",
  settings: "settings",
  templates: "templates",
};

function aspectsOf(data: BagPackage, metadata: Metadata): Record<Aspect, AspectState> {
  const without = (reason: string): AspectState => ({ included: false, reason });
  const state = (aspect: Aspect): AspectState => {
    const declared = data.aspects[aspect];
    const kept = KEPT_AS[aspect];
    // What is there is there, whatever the capture says of it; what it says it holds must be there to be looked at.
    if (kept !== undefined) {
      if (metadata.present.has(kept)) return { included: true };
      return declared?.included === false ? declared : without(`The capture holds no ${kept}.json.`);
    }
    if (declared !== undefined) return declared;
    if (aspect === "records" || aspect === "links") return { included: true };
    if (aspect === "sequences")
      return data.tables.some((table) => table.collection.nextKey !== null)
        ? { included: true }
        : without("The capture says no next keys.");
    if (aspect === "timestamps")
      return data.tables.some((table) => table.timed) ? { included: true } : without("The capture holds no creation or change times.");
    return without("The capture holds nothing of this kind.");
  };
  return Object.fromEntries(ASPECTS.map((aspect) => [aspect, state(aspect)])) as Record<Aspect, AspectState>;
}
