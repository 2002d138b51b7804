/** SQLite as Kysely wants it: one connection of node:sqlite, its settings, and its errors as AgentErrors. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { type Dialect, SqliteAdapter, type SqliteDatabase, SqliteDriver, SqliteIntrospector, SqliteQueryCompiler } from "kysely";
import { AgentError } from "../../core/errors.ts";

export const REBUILD = "restorewatch state rebuild";
/** "RWst": marks a database file as ours, so that nobody else's is ever migrated or moved aside. */
export const APPLICATION_ID = 0x52577374;
/** The whole process stands still while SQLite waits: longer than this is told as `state-busy`, and tried again by whoever wanted it. */
const BUSY_TIMEOUT_MS = 500;
const STATEMENTS_KEPT = 200;

/**
 * @throws AgentError `damaged` state-damaged (not a database, corrupt), `limit` (disk full, read-only), `config` (cannot be opened),
 * `transient` (another process holds it)
 */
export function connect(path: string, mode: "write" | "read"): DatabaseSync {
  return translated(path, () => {
    const database = new DatabaseSync(path, { readOnly: mode === "read", enableForeignKeyConstraints: true });
    try {
      database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
      if (mode === "write") database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
      // The first read of the file: what is no database shows here.
      database.exec("PRAGMA schema_version;");
    } catch (thrown) {
      database.close();
      throw thrown;
    }
    return database;
  });
}

/** @returns a dialect over the connection; destroying the Kysely closes it */
export function sqliteDialect(database: DatabaseSync, path: string): Dialect {
  return {
    createAdapter: () => new TransactionalAdapter(),
    createDriver: () => new SqliteDriver({ database: adapt(database, path) }),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** SQLite can undo DDL; with it in the transaction a killed migration leaves nothing half made. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

function adapt(database: DatabaseSync, path: string): SqliteDatabase {
  interface Prepared {
    readonly statement: StatementSync;
    /** Whether it gives rows. */
    readonly reader: boolean;
  }
  const kept = new Map<string, Prepared>();
  const prepare = (sql: string): Prepared => {
    const known = kept.get(sql);
    if (known !== undefined) return known;
    if (kept.size >= STATEMENTS_KEPT) kept.clear();
    const statement = translated(path, () => database.prepare(sql));
    const prepared = { statement, reader: givesRows(sql) };
    kept.set(sql, prepared);
    return prepared;
  };
  return {
    close: () => {
      kept.clear();
      translated(path, () => database.close());
    },
    prepare: (sql) => {
      const { statement, reader } = prepare(writingBegin(sql));
      const run = (parameters: readonly unknown[]) => statement.run(...(parameters as SQLInputValue[]));
      return {
        reader,
        all: (parameters) => translated(path, () => statement.all(...(parameters as SQLInputValue[]))),
        run: (parameters) => translated(path, () => (sql === "rollback" ? unlessOver(() => run(parameters)) : run(parameters))),
        iterate: (parameters) => translated(path, () => statement.iterate(...(parameters as SQLInputValue[]))),
      };
    },
  };
}

/**
 * Told by the text: what Node 22.15 has cannot ask SQLite. Taking a statement that gives none for one that gives rows does no harm but
 * that the number of changed rows is not told.
 */
export function givesRows(sql: string): boolean {
  return /^\s*(?:select|with|values|pragma|explain)\b|\breturning\b/iu.test(sql);
}

const ROLLED_BACK = { changes: 0, lastInsertRowid: 0 };

/** SQLite has already rolled back after some errors (a full disk); that there is nothing to roll back would hide the first error. */
function unlessOver<T>(rollback: () => T): T | typeof ROLLED_BACK {
  try {
    return rollback();
  } catch (thrown) {
    if (thrown instanceof Error && thrown.message.includes("no transaction is active")) return ROLLED_BACK;
    throw thrown;
  }
}

/** A transaction that reads first and writes later would fail at once, without waiting, when another process wrote in between. */
function writingBegin(sql: string): string {
  return sql === "begin" ? "begin immediate" : sql;
}

function translated<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw sqliteError(thrown, path);
  }
}

/** @returns the AgentError for what node:sqlite threw; anything that is no SQLite error comes back as it is */
export function sqliteError(thrown: unknown, path: string): unknown {
  const { errcode, code } = thrown as { errcode?: unknown; code?: unknown };
  if (typeof errcode !== "number" || code !== "ERR_SQLITE_ERROR") return thrown;
  const said = thrown instanceof Error ? thrown.message : "no reason given";
  const make = (kind: AgentError["kind"], name: string, what: string, mend?: string): AgentError =>
    new AgentError(kind, name, `The state ${path} ${what} (${said}).`, { cause: thrown, ...(mend === undefined ? {} : { mend }) });
  // The low byte is the primary code: https://www.sqlite.org/rescode.html
  switch (errcode & 0xff) {
    case 11:
    case 26:
      return damagedState(path, said, thrown);
    case 5:
    case 6:
      return make("transient", "state-busy", "is held by another process");
    case 13:
      return make("limit", "state-disk-full", "cannot be written: the disk is full", "free some space on that disk");
    case 8:
      return make(
        "limit",
        "state-read-only",
        "cannot be written: it is read-only",
        "give the agent's user write access to the file and its directory",
      );
    case 10:
      return make("limit", "state-io", "cannot be read or written: the disk answers with errors", "look at the disk and the kernel log");
    case 3:
    case 23:
      return make(
        "auth",
        "state-no-permission",
        "cannot be used: permission denied",
        "give the agent's user access to the file and its directory",
      );
    case 14:
      return make("config", "state-cannot-open", "cannot be opened", "check state.sqlite in the configuration and who may write there");
    default:
      return make("internal", "state-failed", "did not take a statement");
  }
}

export function damagedState(path: string, why: string, cause?: unknown): AgentError {
  return new AgentError("damaged", "state-damaged", `The state ${path} is damaged: ${why}.`, { mend: REBUILD, cause });
}
