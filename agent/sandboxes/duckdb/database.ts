/** One locked database: opening, as many questions at a time as there are threads, interrupting, removing. */
import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type * as Api from "@duckdb/node-api";
import type { DuckDBAppender, DuckDBConnection, DuckDBInstance, DuckDBValue } from "@duckdb/node-api";
import { AgentError } from "../../core/errors.ts";
import type { Row, Sandbox, SandboxLimits } from "../../core/ports.ts";
import { connectionPool } from "./connections.ts";
import { plainValue } from "./rows.ts";
import { asSandboxError } from "./trouble.ts";

type Library = typeof Api;

export interface Database {
  readonly library: Library;
  readonly query: Sandbox["query"];
  /** Runs a statement for its effect. */
  execute(sql: string, signal?: AbortSignal): Promise<void>;
  /** Runs statements that do not depend on each other, several at once. The first failure ends the others. */
  executeAll(statements: readonly string[], signal?: AbortSignal): Promise<void>;
  /** Lets `work` append to tables while no statement runs; closes the appenders. `work` flushes them; what it throws comes out as it is. */
  append<T>(tables: readonly string[], work: (appenders: readonly DuckDBAppender[]) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const DEFAULT_MAX_ROWS = 10_000;

/**
 * Lies in memory; what does not fit there is spilled to `directory`, within the bound of the disk. (A database file was measured: packing
 * the values for it took twice as long as reading them.)
 * @param directory exists; what is spilled lies in a folder of its own inside it
 * @param readPaths files and directories that may be read besides
 */
export async function openDatabase(directory: string, limits: SandboxLimits, readPaths: readonly string[]): Promise<Database> {
  const own = join(directory, "sandbox");
  const library = await import("@duckdb/node-api");
  await mkdir(own, { recursive: true, mode: 0o700 });
  let instance: DuckDBInstance | null = null;
  try {
    instance = await library.DuckDBInstance.create(":memory:", {
      memory_limit: `${Math.max(16, Math.trunc(limits.memoryMb))}MB`,
      threads: String(Math.max(1, Math.trunc(limits.threads))),
    });
    const connection = await instance.connect();
    await lock(connection, directory, own, limits, readPaths);
    return database(library, instance, connection, own, Math.max(1, Math.trunc(limits.threads)));
  } catch (thrown) {
    instance?.closeSync();
    await rm(own, { recursive: true, force: true });
    throw asSandboxError(thrown);
  }
}

/** Closes every way out, then the lock itself, then asks whether it holds. The order matters: nothing can be set afterwards. */
async function lock(
  connection: DuckDBConnection,
  directory: string,
  own: string,
  limits: SandboxLimits,
  readPaths: readonly string[],
): Promise<void> {
  const kinds = await Promise.all(readPaths.map(async (path) => ({ path, directory: (await stat(path)).isDirectory() })));
  const directories = [directory, ...kinds.filter((entry) => entry.directory).map((entry) => entry.path)];
  const files = kinds.filter((entry) => !entry.directory).map((entry) => entry.path);
  for (const statement of [
    `SET temp_directory = ${quote(join(own, "spill"))}`,
    `SET max_temp_directory_size = '${Math.max(1, Math.trunc(limits.diskMb))}MB'`,
    // For every connection, not only this one.
    "SET GLOBAL TimeZone = 'UTC'",
    "SET preserve_insertion_order = true",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET enable_logging = false",
    `SET allowed_directories = [${directories.map((path) => quote(`${path}/`)).join(", ")}]`,
    `SET allowed_paths = [${files.map(quote).join(", ")}]`,
    "SET enable_external_access = false",
    "SET lock_configuration = true",
  ]) {
    await connection.run(statement);
  }
  const [answer] = (
    await connection.runAndReadAll(
      "SELECT current_setting('lock_configuration') AS locked, current_setting('enable_external_access') AS open",
    )
  ).getRowObjects();
  if (answer?.["locked"] !== true || answer["open"] !== false) {
    throw new AgentError("internal", "sandbox-not-locked", "The sandbox could not be locked to its directory.");
  }
}

function database(library: Library, instance: DuckDBInstance, connection: DuckDBConnection, own: string, lanes: number): Database {
  const pool = connectionPool(instance, connection, lanes);
  const closing = new AbortController();
  let alone: Promise<unknown> = Promise.resolve();
  let closed: Promise<void> | null = null;

  const assertOpen = (): void => {
    if (closed !== null) throw new AgentError("internal", "sandbox-not-ready", "The sandbox is disposed.");
  };
  /** One after the other, and never beside a question: tables are made and filled. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = alone.then(async () => {
      await pool.idle();
      assertOpen();
      return work();
    });
    alone = turn.catch(() => undefined);
    return turn;
  };
  const run = (statement: string, on: DuckDBConnection, signal: AbortSignal | undefined): Promise<void> =>
    interruptible(on, [signal, closing.signal], async () => {
      await on.run(statement);
    });
  const executeAll = async (statements: readonly string[], signal: AbortSignal | undefined): Promise<void> => {
    const failing = new AbortController();
    const ending = AbortSignal.any([failing.signal, ...(signal === undefined ? [] : [signal])]);
    const failures: unknown[] = [];
    await Promise.all(
      statements.map((statement) =>
        pool
          .use((on) => run(statement, on, ending))
          .catch((thrown: unknown) => {
            failures.push(thrown);
            failing.abort();
          }),
      ),
    );
    // The first one says why; what the others say is that they were interrupted.
    if (failures.length > 0) throw failures[0];
  };

  return {
    library,
    async query(sql, parameters = [], options = {}) {
      await alone;
      return pool.use((on) => {
        assertOpen();
        return interruptible(on, [options.signal, closing.signal], () => read(on, sql, parameters, options.maxRows ?? DEFAULT_MAX_ROWS));
      });
    },
    execute: (sql, signal) => inTurn(() => run(sql, connection, signal)),
    executeAll: (statements, signal) => inTurn(() => executeAll(statements, signal)),
    append: (tables, work) =>
      inTurn(async () => {
        const appenders: DuckDBAppender[] = [];
        try {
          for (const table of tables) appenders.push(await connection.createAppender(table));
          return await work(appenders);
        } finally {
          for (const appender of appenders) closeQuietly(appender);
        }
      }),
    close() {
      closed ??= (async () => {
        closing.abort();
        await alone;
        await pool.idle();
        pool.close();
        instance.closeSync();
        await rm(own, { recursive: true, force: true });
      })();
      return closed;
    },
  };
}

/** Runs one statement on a connection; any of the signals interrupts it. */
async function interruptible<T>(on: DuckDBConnection, signals: readonly (AbortSignal | undefined)[], work: () => Promise<T>): Promise<T> {
  const signal = AbortSignal.any(signals.filter((one) => one !== undefined));
  if (signal.aborted) throw new AgentError("transient", "aborted", "The query was aborted.");
  const stops: (() => void)[] = [];
  const interrupt = (): void => {
    stops.push(keepInterrupting(on));
  };
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    return await work();
  } catch (thrown) {
    throw asSandboxError(thrown);
  } finally {
    signal.removeEventListener("abort", interrupt);
    for (const stop of stops) stop();
  }
}

/** Again and again until stopped: an interrupt that comes before the statement has begun is forgotten. */
function keepInterrupting(connection: DuckDBConnection): () => void {
  connection.interrupt();
  const timer = setInterval(() => connection.interrupt(), 10);
  return () => clearInterval(timer);
}

/** `work` has flushed what could be written; closing after a failure only repeats that failure. */
function closeQuietly(appender: DuckDBAppender): void {
  try {
    appender.closeSync();
  } catch {
    return;
  }
}

async function read(
  connection: DuckDBConnection,
  sql: string,
  parameters: readonly (string | number | boolean | null)[],
  maxRows: number,
): Promise<readonly Row[]> {
  const values: DuckDBValue[] = parameters.map((value) =>
    typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value,
  );
  const reader = await (values.length === 0
    ? connection.streamAndReadUntil(sql, maxRows)
    : connection.streamAndReadUntil(sql, maxRows, values));
  const names = reader.deduplicatedColumnNames();
  const types = reader.columnTypes().map(String);
  const count = Math.min(maxRows, reader.currentRowCount);
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(names.map((name, column) => [name, plainValue(reader.value(column, row), types[column] ?? "")])),
  );
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
