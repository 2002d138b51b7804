/** The embedded state: one SQLite file beside the evidence it can be rebuilt from. */
import { AsyncLocalStorage } from "node:async_hooks";
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { Kysely, sql } from "kysely";
import { AgentError, asAgentError } from "../core/errors.ts";
import type { Clock, State } from "../core/ports.ts";
import { bodiesOf } from "./bodies.ts";
import { APPLICATION_ID, connect, damagedState, sqliteDialect } from "./dialects/sqlite.ts";
import { migrate, SCHEMA_VERSION } from "./migrations/index.ts";
import { pruneRows } from "./prune.ts";
import { repositoriesOn } from "./repositories/index.ts";
import { leasesRepository, type LeasesRepository } from "./repositories/leases.ts";
import { type Database, TABLES } from "./schema.ts";

/** Up to here a whole check of the file is cheap enough for every start: about 30 ms for 16 MB. */
const CHECKED_BYTES = 16 * 1024 * 1024;

export interface SqliteState extends State {
  readonly path: string;
  /** Name of the newest migration. */
  readonly schemaVersion: string;
  /** What `localWork` stands on. */
  readonly leases: LeasesRepository;
  /** Rows by table. */
  counts(): Promise<Readonly<Record<(typeof TABLES)[number], number>>>;
}

export interface OpenStateOptions {
  readonly path: string;
  readonly clock: Pick<Clock, "now">;
  /** `read`: beside a running agent; nothing is made or migrated. */
  readonly mode?: "write" | "read";
}

/**
 * Opens the state and brings its schema to today's; makes file and directories when they are not there.
 * @throws AgentError `damaged` state-damaged with the mend; `config` when the file is someone else's database, of a newer version, or cannot be
 * opened; `limit` when it cannot be written; `not_found` when there is none and `mode` is `read`
 */
export async function openState({ path, mode = "write" }: OpenStateOptions): Promise<SqliteState> {
  await prepareFile(path, mode);
  const database = connect(path, mode);
  const db = new Kysely<Database>({ dialect: sqliteDialect(database, path) });
  try {
    const empty = claim(database, path, mode);
    if (!empty) lookForDamage(database, path);
    await migrate(db, path, mode === "read");
    await requireTables(db, path);
    return stateOver(db, path);
  } catch (thrown) {
    await db.destroy();
    if (database.isOpen) database.close();
    throw thrown;
  }
}

async function prepareFile(path: string, mode: "write" | "read"): Promise<void> {
  try {
    if (mode === "read") {
      await stat(path);
      return;
    }
    await mkdir(dirname(path), { recursive: true });
    // Made here so that only the agent's user can read it; SQLite gives its side files the same mode.
    closeSync(openSync(path, "a", 0o600));
  } catch (thrown) {
    const error = asAgentError(thrown);
    if (mode === "read" && error.kind === "not_found")
      throw new AgentError("not_found", "state-missing", `There is no state at ${path}.`, { cause: thrown, mend: "start the agent once" });
    if (error.kind === "limit") throw error;
    if ((thrown as { code?: unknown }).code === "EROFS")
      throw new AgentError("limit", "state-read-only", `The state ${path} cannot be written: ${error.message}`, { cause: thrown });
    throw new AgentError("config", "state-cannot-open", `The state ${path} cannot be opened: ${error.message}`, {
      cause: thrown,
      mend: "check state.sqlite in the configuration and who may write there",
    });
  }
}

/** Marks a new file as ours. @returns whether it was new. @throws AgentError `config` for another program's database */
function claim(database: DatabaseSync, path: string, mode: "write" | "read"): boolean {
  const id = numberOf(database, "PRAGMA application_id");
  if (id === APPLICATION_ID) return false;
  const tables = numberOf(database, "SELECT count(*) FROM sqlite_schema");
  if (id !== 0 || tables > 0)
    throw new AgentError("config", "state-not-ours", `${path} is a database of another program.`, {
      mend: "give state.sqlite a path of its own",
    });
  if (mode === "write") database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  return true;
}

function lookForDamage(database: DatabaseSync, path: string): void {
  const missing = missingBytes(path);
  if (missing > 0) throw damagedState(path, `the file is cut short by ${missing} bytes`);
  if (statSync(path).size > CHECKED_BYTES) return;
  const found = valueOf(database, "PRAGMA quick_check(1)");
  if (found !== "ok") throw damagedState(path, String(found).split("\n")[0] ?? "the check failed");
}

/** What the header promises and the file lacks. With a write-ahead log the file may rightly be behind its header. */
function missingBytes(path: string): number {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  if (log !== undefined && log.size > 0) return 0;
  const file = openSync(path, "r");
  try {
    const header = Buffer.alloc(32);
    if (readSync(file, header, 0, 32, 0) < 32) return 0;
    const declared = header.readUInt16BE(16);
    const pageBytes = declared === 1 ? 65_536 : declared;
    return Math.max(0, header.readUInt32BE(28) * pageBytes - fstatSync(file).size);
  } finally {
    closeSync(file);
  }
}

async function requireTables(db: Kysely<Database>, path: string): Promise<void> {
  const { rows } = await sql<{ name: string }>`select name from sqlite_schema where type = 'table'`.execute(db);
  const there = new Set(rows.map((row) => row.name));
  const missing = TABLES.filter((table) => !there.has(table));
  if (missing.length > 0) throw damagedState(path, `it lacks ${missing.join(", ")}`);
}

function stateOver(db: Kysely<Database>, path: string): SqliteState {
  const bodies = bodiesOf(path);
  const within = new AsyncLocalStorage<true>();
  let closing: Promise<void> | null = null;
  return {
    path,
    schemaVersion: SCHEMA_VERSION,
    repositories: repositoriesOn(db, bodies),
    leases: leasesRepository(db),
    async transaction(work) {
      // There is one connection: the inner transaction would wait for the outer one for ever.
      if (within.getStore() === true)
        throw new AgentError("internal", "nested-transaction", "A transaction was begun inside a transaction.");
      return db.transaction().execute((inner) => within.run(true, () => work(repositoriesOn(inner, bodies))));
    },
    prune: (before) => db.transaction().execute((inner) => pruneRows(inner, before)),
    async size() {
      const sizes = await Promise.all(["", "-wal", "-shm"].map((suffix) => sizeOf(path + suffix)));
      return sizes.reduce((sum, bytes) => sum + bytes, 0);
    },
    async counts() {
      const { rows } = await sql<{ name: (typeof TABLES)[number]; rows: number }>`${sql.join(
        TABLES.map((table) => sql`select ${sql.lit(table)} as name, count(*) as rows from ${sql.table(table)}`),
        sql` union all `,
      )}`.execute(db);
      return Object.fromEntries(rows.map((row) => [row.name, row.rows])) as Record<(typeof TABLES)[number], number>;
    },
    close: () => (closing ??= db.destroy()),
  };
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (thrown) {
    if (asAgentError(thrown).kind === "not_found") return 0;
    throw asAgentError(thrown);
  }
}

function valueOf(database: DatabaseSync, query: string): unknown {
  return Object.values(database.prepare(query).get() ?? {})[0];
}

function numberOf(database: DatabaseSync, query: string): number {
  return Number(valueOf(database, query));
}
