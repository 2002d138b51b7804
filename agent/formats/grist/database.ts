/**
 * The one place that opens a Grist document with SQLite: a copy inside the work directory, read-only, with an authorizer that lets
 * nothing happen but reads of ordinary tables. Views, triggers and virtual tables of a hostile schema are never touched.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { constants, DatabaseSync, type StatementSync } from "node:sqlite";
import { AgentError, asAgentError } from "../../core/errors.ts";
import type { FormatContext } from "../../core/ports.ts";
import { checkHeader, copyDocument, cutShort } from "./container.ts";
import type { Cell } from "./values.ts";

/** An ordinary table: stored rows, plain columns. */
export interface PlainTable {
  readonly name: string;
  /** Stored columns as named in the file, by lower-case name; generated columns are not among them. */
  readonly columns: ReadonlyMap<string, string>;
  /** Whether `id` is SQLite's own row id, as Grist makes it. */
  readonly rowIds: boolean;
}

export interface GristDatabase {
  /** By lower-case name, as SQLite compares them. */
  readonly tables: ReadonlyMap<string, PlainTable>;
  /** What is wrong with the container, as sentences. */
  readonly problems: readonly string[];
  /**
   * Rows as arrays, in row order: the values of `columns`, then the storage classes (`"null"`, `"blob"`, …) of `typesOf`, whose values
   * are not read. A column that is not there reads as null. Throws `damaged`.
   */
  rows(table: PlainTable, columns: readonly string[], typesOf?: readonly string[]): Iterable<readonly Cell[]>;
  /** At most `bytes` bytes of a value from offset `from`, of the first row whose `key` column is `keyValue`; null where there is none. */
  blob(table: PlainTable, column: string, key: string, keyValue: string, from: number, bytes: number): Uint8Array | null;
  close(): Promise<void>;
}

const MAX_PROBLEMS = 20;

export async function openDatabase(path: string, context: FormatContext): Promise<GristDatabase> {
  context.signal.throwIfAborted();
  const directory = await mkdtemp(join(context.workDir, "grist-")).catch((thrown: unknown) => {
    throw asAgentError(thrown);
  });
  const close = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    const copy = join(directory, "document.sqlite");
    const header = await copyDocument(path, copy, context);
    const problems = checkHeader(header);
    return openCopy(copy, problems, cutShort(header), close);
  } catch (thrown) {
    await close();
    if (context.signal.aborted) context.signal.throwIfAborted();
    throw thrown instanceof AgentError ? thrown : asAgentError(thrown);
  }
}

/** @param cut what is said of damage where the file is known to be cut short, instead of what SQLite makes of it; else null */
function openCopy(copy: string, problems: string[], cut: string | null, remove: () => Promise<void>): GristDatabase {
  const database = new DatabaseSync(copy, { readOnly: true, allowExtension: false });
  let closed = false;
  try {
    for (const pragma of ["trusted_schema=OFF", "query_only=ON", "cell_size_check=ON", "ignore_check_constraints=ON", "mmap_size=0"])
      told(cut, () => database.exec(`PRAGMA ${pragma}`));
    lock(database);
    const tables = told(cut, () => plainTables(database));
    problems.push(...told(cut, () => integrityProblems(database, problems.length > 0)));
    return {
      tables,
      problems,
      rows: (table, columns, typesOf = []) => rows(database, selection(table, columns, typesOf), cut, () => closed),
      blob: (table, column, key, keyValue, from, bytes) =>
        told(cut, () => {
          const sql = `SELECT substr(CAST(${quoted(column)} AS BLOB), ?, ?) FROM ${quoted(table.name)} WHERE ${quoted(key)} = ?`;
          const part = prepare(database, sql).get(from + 1, bytes, keyValue);
          const value = part === undefined ? null : Object.values(part)[0];
          return value instanceof Uint8Array ? value : null;
        }),
      close: async () => {
        if (!closed) database.close();
        closed = true;
        await remove();
      },
    };
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/**
 * The second lock behind reading nothing but stored columns of ordinary tables. Node before 24.10 does not have it: there the first is
 * the only one, and what is asked is the same.
 */
function lock(database: Partial<Pick<DatabaseSync, "enableDefensive" | "setAuthorizer">>): void {
  database.enableDefensive?.(true);
  database.setAuthorizer?.(authorize);
}

/** Integers come as bigints: beyond 2^53 a number would be a wrong one. */
function prepare(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  return statement;
}

/** Pragmas that only look; reading functions; nothing else. Asked while a statement is prepared, so it costs nothing per row. */
function authorize(action: number, first: string | null, second: string | null): number {
  const { SQLITE_SELECT, SQLITE_READ, SQLITE_FUNCTION, SQLITE_PRAGMA, SQLITE_OK, SQLITE_DENY } = constants;
  if (action === SQLITE_SELECT || action === SQLITE_READ) return SQLITE_OK;
  if (action === SQLITE_FUNCTION) return ["count", "substr", "length", "typeof"].includes(second ?? "") ? SQLITE_OK : SQLITE_DENY;
  if (action === SQLITE_PRAGMA)
    return ["table_xinfo", "index_list", "index_xinfo", "integrity_check"].includes(first ?? "") ? SQLITE_OK : SQLITE_DENY;
  return SQLITE_DENY;
}

function plainTables(database: DatabaseSync): ReadonlyMap<string, PlainTable> {
  const tables = new Map<string, PlainTable>();
  const schema = prepare(database, "SELECT name, sql FROM sqlite_schema WHERE type = 'table'");
  for (const entry of schema.all()) {
    const name = String(entry["name"]);
    if (typeof entry["sql"] !== "string" || isVirtual(entry["sql"])) continue;
    const info = prepare(database, `PRAGMA table_xinfo(${quoted(name)})`).all();
    const stored = info.filter((column) => column["hidden"] === 0n).map((column) => String(column["name"]));
    const id = info.find((column) => String(column["name"]).toLowerCase() === "id");
    tables.set(name.toLowerCase(), {
      name,
      columns: new Map(stored.map((column) => [column.toLowerCase(), column])),
      rowIds: id?.["pk"] === 1n && String(id["type"]).toUpperCase() === "INTEGER",
    });
  }
  return tables;
}

/**
 * SQLite's own check of every page, row and index. It evaluates computed columns and indexed expressions and calls virtual tables:
 * where the schema has any of these, which no document made by Grist has, only the tables without them are checked, one by one.
 */
function integrityProblems(database: DatabaseSync, known: boolean): string[] {
  const unsafe = unsafeTables(database);
  const pragmas =
    unsafe.size === 0
      ? [`integrity_check(${MAX_PROBLEMS})`]
      : [...plainTables(database).values()]
          .filter((table) => !unsafe.has(table.name) && !/^\d/u.test(table.name))
          .map((table) => `integrity_check(${quoted(table.name)})`);
  let faults = 0;
  let finished = true;
  for (const pragma of pragmas) {
    try {
      for (const finding of prepare(database, `PRAGMA ${pragma}`).iterate()) faults += Object.values(finding)[0] === "ok" ? 0 : 1;
    } catch (thrown) {
      // Where a page is too damaged the check itself ends with an error: what can still be read is read all the same.
      if (!isDamage(thrown)) throw thrown;
      finished = false;
    }
  }
  if (finished && faults === 0) return [];
  const more = finished && faults < MAX_PROBLEMS ? "" : "at least ";
  return [`SQLite's integrity check finds ${more}${Math.max(faults, 1)} ${faults > 1 ? "faults" : "fault"}${known ? " as well" : ""}.`];
}

/** Names of the tables that checking could make run something. */
function unsafeTables(database: DatabaseSync): ReadonlySet<string> {
  const unsafe = new Set<string>();
  for (const entry of prepare(database, "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE type IN ('table', 'index')").all()) {
    const name = quoted(String(entry["name"]));
    const table = String(entry["tbl_name"]);
    if (entry["type"] === "index") {
      const columns = prepare(database, `PRAGMA index_xinfo(${name})`).all();
      const partial = prepare(database, `PRAGMA index_list(${quoted(table)})`)
        .all()
        .some((index) => index["name"] === entry["name"] && index["partial"] === 1n);
      if (partial || columns.some((column) => column["cid"] === -2n)) unsafe.add(table);
    } else if (typeof entry["sql"] === "string" && isVirtual(entry["sql"])) unsafe.add(table);
    else if (
      prepare(database, `PRAGMA table_xinfo(${name})`)
        .all()
        .some((column) => column["hidden"] !== 0n)
    )
      unsafe.add(table);
  }
  return unsafe;
}

function isVirtual(sql: string): boolean {
  return /^\s*CREATE\s+VIRTUAL/iu.test(sql);
}

function selection(table: PlainTable, columns: readonly string[], typesOf: readonly string[]): string {
  const known = (column: string): string => (table.columns.has(column.toLowerCase()) ? quoted(column) : "NULL");
  const values = [...columns.map(known), ...typesOf.map((column) => `typeof(${known(column)})`)];
  // A name of its own for each: rows that come as objects would hold two columns of one name once.
  const list = values.map((value, index) => `${value} AS v${index}`);
  return `SELECT ${list.join(", ")} FROM ${quoted(table.name)} NOT INDEXED`;
}

function* rows(database: DatabaseSync, sql: string, cut: string | null, closed: () => boolean): Iterable<readonly Cell[]> {
  if (closed()) throw new AgentError("internal", "content-closed", "The content was closed before it was read.");
  const statement = told(cut, () => prepare(database, sql));
  const arrays = asArrays(statement);
  const iterator = told(cut, () => statement.iterate())[Symbol.iterator]() as Iterator<unknown>;
  try {
    for (;;) {
      const next = told(cut, () => iterator.next());
      if (next.done === true) return;
      yield arrays ? (next.value as readonly Cell[]) : Object.values(next.value as object);
      if (closed()) throw new AgentError("internal", "content-closed", "The content was closed while it was read.");
    }
  } finally {
    if (!closed()) iterator.return?.();
  }
}

/** @returns whether rows now come as arrays; Node before 22.16 only gives objects */
function asArrays(statement: Partial<Pick<StatementSync, "setReturnArrays">>): boolean {
  statement.setReturnArrays?.(true);
  return statement.setReturnArrays !== undefined;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

const DAMAGED_CODES = new Set([11, 26]);

function isDamage(thrown: unknown): boolean {
  const code = (thrown as { errcode?: unknown }).errcode;
  return typeof code === "number" && DAMAGED_CODES.has(code & 0xff);
}

const LIMIT_CODES = new Set([7, 13, 18]);

/** Runs something with SQLite; its errors become ours, without SQLite's message, which may quote the schema. */
function told<T>(cut: string | null, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    const { errcode, errstr } = thrown as { errcode?: unknown; errstr?: unknown };
    if (typeof errcode !== "number") throw thrown;
    const primary = errcode & 0xff;
    if (isDamage(thrown) && cut !== null) throw new AgentError("damaged", "artifact-truncated", cut);
    const why = `SQLite says: ${String(errstr)} (${errcode}).`;
    if (isDamage(thrown)) throw new AgentError("damaged", "sqlite-damaged", `The document cannot be read. ${why}`);
    if (LIMIT_CODES.has(primary)) throw new AgentError("limit", "sqlite-limit", `Reading the document reached a limit. ${why}`);
    throw new AgentError("internal", "sqlite-error", `Reading the document failed. ${why}`);
  }
}
