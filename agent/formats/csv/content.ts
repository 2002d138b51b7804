/** A set of CSV files, read: every file is read once whole before anything is said of it; records then come as a stream. */
import { createHash } from "node:crypto";
import {
  ASPECTS,
  type Aspect,
  type AspectState,
  type Collection,
  type ContentRecord,
  type Field,
  type FileItem,
  type SemanticType,
} from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import { describeCount } from "../../core/words-for-people.ts";
import type { Content, FormatContext } from "../../core/ports.ts";
import { type FileTree, quoted, readChunks } from "../../kit/file-tree.ts";
import { openStreams } from "../../kit/open-streams.ts";
import { constraintsOf, type DeclaredColumn, type DeclaredTable, readDeclared } from "./declared.ts";
import { type Keyed, keysAndLinks, type Link } from "./links.ts";
import { isTablePath, namesCreated, namesUpdated, tableId } from "./names.ts";
import { cellsOf, type SurveyedColumn, type SurveyedTable, surveyTable } from "./survey.ts";
import { readRows } from "./text.ts";
import { canonical, typeOf } from "./values.ts";

const BATCH = 1000;

/** One table, ready to be streamed. */
interface CsvTable {
  readonly survey: SurveyedTable;
  readonly collection: Collection;
  /** Index of the key's column, -1 where a row's number is its key. */
  readonly key: number;
  readonly created: number;
  readonly updated: number;
}

/**
 * @param tree the artifact's files; `close` closes it
 * @param checked whether the checksums of all its files were compared while it was unpacked
 * @throws AgentError `damaged` where there is no table at all, or a declaration is no JSON; `limit` beyond a bound
 */
export async function readContent(tree: FileTree, checked: boolean, context: FormatContext): Promise<Content> {
  const { limits, signal } = context;
  const declared = await readDeclared(tree, limits.maxDepth);
  const paths = [...tree.files.keys()].filter((path) => isTablePath(path) || declared.tables.some((table) => table.path === path)).sort();
  if (paths.length === 0) throw new AgentError("damaged", "csv-empty", "There is no CSV file in it.");
  const ids = idsOf(paths);
  const surveys: SurveyedTable[] = [];
  for (const path of paths) {
    const file = tree.files.get(path);
    const own = declared.tables.find((table) => table.path === path) ?? null;
    if (file !== undefined) surveys.push(await surveyTable(path, file, ids.get(path) ?? path, own, signal));
  }
  const keyed = await keysAndLinks(surveys, signal);
  const tables = surveys.map((survey) => tableOf(survey, keyed.get(survey.id) ?? { key: null, links: new Map() }));
  const byId = new Map(tables.map((table) => [table.collection.id, table]));
  const sums = await checksums(surveys, signal);
  const own = surveys.flatMap((survey) => [...survey.problems, ...missingColumns(survey)]);
  const problems = [...tree.problems, ...declared.problems, ...own, ...sums.problems];
  const compared = sums.compared + (checked ? tree.files.size : 0);
  const streams = openStreams();
  let closed = false;
  return {
    format: "csv",
    formatVersion: null,
    createdAt: null,
    integrity: {
      complete: problems.length === 0,
      problems,
      checksums: compared === 0 ? null : { compared, mismatched: sums.mismatched },
      plainSecrets: null,
    },
    collections: tables.map((table) => table.collection),
    automations: [],
    credentials: [],
    files: filesOf(surveys),
    access: [],
    settings: [],
    views: [],
    aspects: aspectsOf(tables, [...keyed.values()]),
    async *records(collectionId, ending) {
      ending.throwIfAborted();
      const table = byId.get(collectionId);
      if (table === undefined) throw new AgentError("not_found", "no-such-collection", "There is no such table.");
      if (closed) throw new AgentError("internal", "content-closed", "The content was closed.");
      for await (const batch of streams.track(batches(table, ending))) {
        if (closed) throw new AgentError("internal", "content-closed", "The content was closed.");
        ending.throwIfAborted();
        yield batch;
      }
    },
    async *fileBytes(_fileId, ending) {
      ending.throwIfAborted();
      yield* [];
      throw new AgentError("not_found", "no-such-file", "A CSV file holds no attachments.");
    },
    async close() {
      closed = true;
      await streams.end();
      await tree.close();
    },
  };
}

/** Ids without dates, as long as no two are the same. */
function idsOf(paths: readonly string[]): ReadonlyMap<string, string> {
  const counts = new Map<string, number>();
  for (const path of paths) counts.set(tableId(path), (counts.get(tableId(path)) ?? 0) + 1);
  return new Map(paths.map((path) => [path, counts.get(tableId(path)) === 1 ? tableId(path) : path]));
}

function tableOf(survey: SurveyedTable, keyed: Keyed): CsvTable {
  const { columns, declared } = survey;
  const declaredColumns = new Map(declared?.columns.map((column) => [column.name, column]));
  const fields = columns.map((column) =>
    fieldOf(column, declaredColumns.get(column.name), keyed.links.get(column.name), column.name === keyed.key),
  );
  const key = columns.findIndex((column) => column.name === keyed.key);
  const moment = (names: (column: string) => boolean): number =>
    fields.findIndex((field) => field.type === "timestamp" && names(field.name));
  return {
    survey,
    key,
    created: moment(namesCreated),
    updated: moment(namesUpdated),
    collection: {
      id: survey.id,
      name: survey.name,
      fields,
      keyKind: key < 0 || columns[key]?.made === true ? "platform" : "natural",
      declaredRecords: declared?.records ?? null,
      computed: false,
      nextKey: null,
    },
  };
}

/** An empty file has no header to look in, and is told as such. */
function missingColumns({ path, columns, declared }: SurveyedTable): readonly string[] {
  const there = new Set(columns.map((column) => column.name));
  const gone = there.size === 0 ? [] : (declared?.expected ?? []).filter((name) => !there.has(name));
  if (gone.length === 0) return [];
  const first = gone.slice(0, 3).map(quoted).join(", ");
  return [`${quoted(path)} lacks ${describeCount(gone.length, "column")} that ${gone.length === 1 ? "is" : "are"} declared: ${first}.`];
}

function fieldOf(column: SurveyedColumn, declared: DeclaredColumn | undefined, link: Link | undefined, isKey: boolean): Field {
  const found = typeOf(column.types);
  const type: SemanticType =
    link === undefined
      ? (declared?.type ?? found)
      : link.many || declared?.type === "links" || declared?.platformType === "array"
        ? "links"
        : "link";
  const constraints = constraintsOf(declared);
  return {
    id: column.name,
    name: column.name,
    platformType: declared?.platformType ?? `csv ${found}`,
    // A type that needs a target is only as good as the link.
    type: link === undefined && (type === "link" || type === "links") ? "text" : type,
    computed: false,
    ...constraints,
    unique: constraints.unique || isKey,
    link: link === undefined ? null : { collection: link.collection, many: type === "links", reciprocal: null },
  };
}

async function* batches(table: CsvTable, signal: AbortSignal): AsyncGenerator<readonly ContentRecord[]> {
  const { survey, collection } = table;
  const types = collection.fields.map((field) => field.type);
  let batch: ContentRecord[] = [];
  let number = -1;
  for await (const group of readRows(survey.file, quoted(survey.path), survey.dialect, signal)) {
    for (const row of group) {
      const cells = cellsOf(row, number < 0 ? 0 : types.length);
      if (cells === null) continue;
      number += 1;
      if (number === 0) continue;
      const values = types.map((type, index) => canonical(type, cells[index] ?? ""));
      batch.push({
        key: table.key < 0 ? String(number) : (cells[table.key] ?? ""),
        values,
        createdAt: momentOf(values[table.created]),
        updatedAt: momentOf(values[table.updated]),
      });
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

function momentOf(value: unknown): number | null {
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isFinite(at) ? at : null;
}

/** Attachments lie in the product's own store; a CSV file only names them. */
function filesOf(surveys: readonly SurveyedTable[]): readonly FileItem[] {
  const files = new Map(surveys.flatMap((survey) => [...survey.files]));
  return [...files.values()].map((file) => ({
    id: file.id,
    name: file.name,
    bytes: null,
    declaredType: null,
    declaredDigest: null,
    presence: "outside",
  }));
}

/** Sizes and checksums that a data package declares of its files. */
async function checksums(
  surveys: readonly SurveyedTable[],
  signal: AbortSignal,
): Promise<{ compared: number; mismatched: readonly string[]; problems: readonly string[] }> {
  const mismatched: string[] = [];
  const problems: string[] = [];
  let compared = 0;
  for (const { path, file, declared } of surveys) {
    if (declared?.bytes != null && declared.bytes !== file.bytes)
      problems.push(`${quoted(path)} has ${file.bytes} bytes, and ${declared.bytes} are declared.`);
    const hash: DeclaredTable["hash"] = declared?.hash ?? null;
    if (hash === null) continue;
    compared += 1;
    const digest = createHash(hash.algorithm);
    for await (const chunk of readChunks(file.place, signal)) digest.update(chunk);
    if (digest.digest("hex") === hash.value) continue;
    mismatched.push(path);
    problems.push(`${quoted(path)} differs from its declared checksum.`);
  }
  return { compared, mismatched, problems };
}

function aspectsOf(tables: readonly CsvTable[], keyed: readonly Keyed[]): Record<Aspect, AspectState> {
  const included: AspectState = { included: true };
  const without = (reason: string): AspectState => ({ included: false, reason });
  const links = keyed.flatMap((each) => [...each.links.values()]);
  const timed = tables.some((table) => table.created >= 0 || table.updated >= 0);
  const records = without("CSV files hold records only.");
  const states: Partial<Record<Aspect, AspectState>> = {
    records: included,
    links: links.some((link) => link.declared)
      ? included
      : without(
          "Links are not declared. A column is taken for a link only where every value of it resolves, so a dangling one would not be seen; a datapackage.json beside the files declares them.",
        ),
    files: without("CSV files hold only names and addresses of attachments."),
    sequences: without("CSV files say no next keys."),
    timestamps: timed ? included : without("No column is called as a creation or change time and holds moments with a zone."),
  };
  return Object.fromEntries(ASPECTS.map((aspect) => [aspect, states[aspect] ?? records])) as Record<Aspect, AspectState>;
}
