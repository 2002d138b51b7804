/** Rows of an exported file, whatever Directus or a script wrote it as. */
import { AgentError } from "../../core/errors.ts";
import type { FormatContext } from "../../core/ports.ts";
import { CsvParser, type CsvRow } from "../../kit/csv.ts";
import { quoted, readChunks, readStart, type TreeFile } from "../../kit/file-tree.ts";
import { isObject, listOf, parseJson, textOf } from "../../kit/json.ts";
import type { Row } from "../../products/directus/schema.ts";
import { asFormatError, readJson, readWhole } from "../reading.ts";
import { countInHead, jsonRows, jsonShape } from "./json-list.ts";
import { yamlOf } from "./snapshot.ts";

export interface RowsFile {
  /** In the artifact. */
  readonly path: string;
  readonly file: TreeFile;
  readonly kind: "json" | "ndjson" | "csv" | "yaml";
}

export interface RowsRead {
  /** How many the file itself says there are, or null. */
  readonly declared: number | null;
  /** The file holds one object that is no list: what Directus gives of a singleton. */
  readonly single: boolean;
}

const HEAD_BYTES = 64 * 1024;
const BATCH = 100;
const NOTHING: RowsRead = { declared: null, single: false };

type Rows = AsyncGenerator<readonly Row[], RowsRead>;
type Limits = Pick<FormatContext, "limits">;

const READERS: Readonly<Record<RowsFile["kind"], (rows: RowsFile, context: Limits, signal: AbortSignal) => Rows>> = {
  json,
  ndjson: ndjsonRows,
  csv: csvRows,
  yaml: yamlRows,
};

/**
 * @returns rows in groups of up to a hundred; the cells of a CSV file are texts
 * Throws AgentError `damaged` where the file is cut off, broken or an error that Directus answered with; `limit`; others as the system says.
 */
export async function* readRows(rows: RowsFile, context: Limits, signal: AbortSignal): Rows {
  signal.throwIfAborted();
  try {
    return yield* inBatches(READERS[rows.kind](rows, context, signal), signal);
  } catch (thrown) {
    signal.throwIfAborted();
    throw asFormatError(thrown);
  }
}

async function* inBatches(rows: Rows, signal: AbortSignal): Rows {
  let batch: Row[] = [];
  try {
    for (;;) {
      const step = await rows.next();
      signal.throwIfAborted();
      if (step.done === true) {
        if (batch.length > 0) yield batch;
        return step.value;
      }
      for (const row of step.value) {
        batch.push(row);
        if (batch.length < BATCH) continue;
        yield batch;
        signal.throwIfAborted();
        batch = [];
      }
    }
  } finally {
    // Whoever stops early leaves the file open otherwise.
    await rows.return(NOTHING);
  }
}

async function* json({ path, file }: RowsFile, context: Limits, signal: AbortSignal): Rows {
  const { limits } = context;
  if (file.bytes === 0 && byButton(path)) return NOTHING;
  const head = await readStart(file.place, Math.min(HEAD_BYTES, file.bytes));
  const { from, enveloped } = jsonShape(head);
  if (from !== null) {
    const behind = yield* jsonRows(readChunks(file.place, signal), { from, enveloped }, quoted(path), limits.maxDepth);
    return { declared: behind ?? countInHead(head), single: false };
  }
  const whole = await readJson(file.place, quoted(path), { workDir: "", key: null, limits, signal });
  const value = unwrapped(whole);
  if (isObject(value) && Array.isArray(value["errors"])) throw refused(path, value["errors"]);
  return yield* rowsIn(value, path);
}

/** An answer of Directus, or what a script put around one; a singleton with a field `data` is none. */
function unwrapped(whole: unknown): unknown {
  if (!isObject(whole) || !("data" in whole) || "id" in whole) return whole;
  const answer = Object.keys(whole).every((name) => name === "data" || name === "meta");
  return answer || Array.isArray(whole["data"]) ? whole["data"] : whole;
}

/** The export button offers YAML too. */
async function* yamlRows({ path, file }: RowsFile, { limits }: Limits, signal: AbortSignal): Rows {
  const bytes = await readWhole(file.place, quoted(path), { workDir: "", key: null, limits, signal });
  return yield* rowsIn(yamlOf(bytes, quoted(path)), path);
}

async function* rowsIn(value: unknown, path: string): Rows {
  if (value === null) return NOTHING;
  if (isObject(value)) {
    yield [value];
    return { declared: null, single: true };
  }
  const rows = listOf(value);
  if (!Array.isArray(value) || !rows.every(isObject))
    throw new AgentError("damaged", "no-rows", `${quoted(path)} holds no items: neither a list nor an object.`);
  yield rows;
  return NOTHING;
}

/** Into the file library it writes nothing at all where there are no items, not even an empty list. */
export function byButton(path: string): boolean {
  return /(?:^|\/)export-[^/]+-\d{8}-\d{6}[^/]*$/u.test(path);
}

/** What a script saves that does not look at the status of an answer. */
function refused(path: string, errors: readonly unknown[]): AgentError {
  const [first] = errors;
  const code = isObject(first) && isObject(first["extensions"]) ? textOf(first["extensions"]["code"]) : null;
  const told = code !== null && /^[A-Z_]{3,60}$/u.test(code) ? ` (${code})` : "";
  return new AgentError(
    "damaged",
    "directus-error-saved",
    `${quoted(path)} is an error that Directus answered with${told}, and holds no items.`,
  );
}

async function* ndjsonRows({ path, file }: RowsFile, { limits }: Limits, signal: AbortSignal): Rows {
  let pending: Buffer = Buffer.alloc(0);
  let line = 0;
  const parse = (bytes: Uint8Array): Row[] => {
    line += 1;
    if (bytes.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09)) return [];
    const row = parseJson(bytes, `${quoted(path)}, line ${line},`, limits.maxDepth);
    if (!isObject(row)) throw new AgentError("damaged", "no-row", `${quoted(path)}: line ${line} is no object with fields.`);
    return [row];
  };
  for await (const chunk of readChunks(file.place, signal)) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    const rows: Row[] = [];
    let from = 0;
    for (let end = pending.indexOf(0x0a); end >= 0; end = pending.indexOf(0x0a, from)) {
      rows.push(...parse(pending.subarray(from, end)));
      from = end + 1;
    }
    pending = pending.subarray(from);
    if (rows.length > 0) yield rows;
  }
  if (pending.length > 0) yield parse(pending);
  return NOTHING;
}

async function* csvRows({ path, file }: RowsFile, _context: Limits, signal: AbortSignal): Rows {
  const parser = new CsvParser({ delimiter: ",", newline: "\n" });
  const decoder = new TextDecoder();
  let header: readonly string[] | null = null;
  const take = (rows: readonly CsvRow[]): Row[] => {
    const taken: Row[] = [];
    for (const { cells, line, fault } of rows) {
      if (cells.length === 0) continue;
      if (fault === "unclosed") throw damagedRow(path, line, "ends inside a quoted cell: the file is cut off");
      if (fault === "stray") throw damagedRow(path, line, "has text behind a closing quote");
      if (header === null) {
        if (new Set(cells).size < cells.length) throw damagedRow(path, line, "names a column twice");
        header = cells;
        continue;
      }
      if (cells.length !== header.length) throw damagedRow(path, line, `has ${cells.length} cells where the header has ${header.length}`);
      taken.push(Object.fromEntries(header.map((name, at) => [name, cells[at] ?? ""])));
    }
    return taken;
  };
  for await (const chunk of readChunks(file.place, signal)) {
    const rows = take(parser.push(decoder.decode(chunk, { stream: true })));
    if (parser.overlong)
      throw new AgentError("limit", "row-too-long", `${quoted(path)}: the row on line ${parser.line} has no end within reason.`);
    if (rows.length > 0) yield rows;
  }
  const last = take([...parser.push(decoder.decode()), ...parser.end()]);
  if (last.length > 0) yield last;
  return NOTHING;
}

function damagedRow(path: string, line: number, why: string): AgentError {
  return new AgentError("damaged", "csv-row", `${quoted(path)}: the row on line ${line} ${why}.`);
}
