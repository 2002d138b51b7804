/** One locked database: opening, one statement at a time, interrupting, removing. */
import { mkdir, rm, stat } from "node:fs/promises";
import { statSync } from "node:fs";
import { join } from "node:path";
import type * as Api from "@duckdb/node-api";
import type { DuckDBAppender, DuckDBConnection, DuckDBInstance, DuckDBValue } from "@duckdb/node-api";
import { AgentError } from "../../core/errors.ts";
import type { Row, Sandbox, SandboxLimits } from "../../core/ports.ts";
import { plainValue } from "./rows.ts";
import { asSandboxError } from "./trouble.ts";

type Library = typeof Api;

export interface Database {
  readonly library: Library;
  readonly query: Sandbox["query"];
  /** Runs a statement for its effect. */
  execute(sql: string, signal?: AbortSignal): Promise<void>;
  /** Lets `work` append to tables while no statement runs; closes the appenders. `work` flushes them; what it throws comes out as it is. */
  append<T>(tables: readonly string[], work: (appenders: readonly DuckDBAppender[]) => Promise<T>): Promise<T>;
  /** Throws AgentError `limit` when the database file has outgrown its bound. */
  assertDisk(): void;
  close(): Promise<void>;
}

const DEFAULT_MAX_ROWS = 10_000;

/**
 * @param directory exists; everything lies in a folder of its own inside it
 * @param readPaths files and directories that may be read besides
 */
export async function openDatabase(directory: string, limits: SandboxLimits, readPaths: readonly string[]): Promise<Database> {
  const own = join(directory, "sandbox");
  const library = await import("@duckdb/node-api");
  await mkdir(own, { recursive: true, mode: 0o700 });
  let instance: DuckDBInstance | null = null;
  try {
    instance = await library.DuckDBInstance.create(join(own, "sandbox.duckdb"), {
      memory_limit: `${Math.max(16, Math.trunc(limits.memoryMb))}MB`,
      threads: String(Math.max(1, Math.trunc(limits.threads))),
    });
    const connection = await instance.connect();
    await lock(connection, directory, own, limits, readPaths);
    return database(library, instance, connection, own, limits);
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
    "SET TimeZone = 'UTC'",
    "SET preserve_insertion_order = true",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET enable_logging = false",
    // The database is thrown away: writing it out once more at the end would only cost time.
    "PRAGMA disable_checkpoint_on_shutdown",
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

function database(library: Library, instance: DuckDBInstance, connection: DuckDBConnection, own: string, limits: SandboxLimits): Database {
  let last: Promise<unknown> = Promise.resolve();
  let closed: Promise<void> | null = null;
  const maxDisk = limits.diskMb * 1e6;

  /** One after the other: an interrupt must reach the statement it was meant for. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(() => {
      if (closed !== null) throw new AgentError("internal", "sandbox-not-ready", "The sandbox is disposed.");
      return work();
    });
    last = turn.catch(() => undefined);
    return turn;
  };

  const interruptible = async <T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> => {
    if (signal?.aborted === true) throw new AgentError("transient", "aborted", "The query was aborted.");
    const stops: (() => void)[] = [];
    const interrupt = (): void => {
      stops.push(keepInterrupting(connection));
    };
    signal?.addEventListener("abort", interrupt, { once: true });
    try {
      return await work();
    } catch (thrown) {
      throw asSandboxError(thrown);
    } finally {
      signal?.removeEventListener("abort", interrupt);
      for (const stop of stops) stop();
    }
  };

  return {
    library,
    query: (sql, parameters = [], options = {}) =>
      inTurn(() => interruptible(options.signal, () => read(connection, sql, parameters, options.maxRows ?? DEFAULT_MAX_ROWS))),
    execute: (sql, signal) =>
      inTurn(() =>
        interruptible(signal, async () => {
          await connection.run(sql);
        }),
      ),
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
    assertDisk() {
      const used = sizeOf(join(own, "sandbox.duckdb")) + sizeOf(join(own, "sandbox.duckdb.wal"));
      if (used > maxDisk) {
        throw new AgentError("limit", "sandbox-disk", `The sandbox needs more than the ${limits.diskMb} MB of disk it may use.`, {
          mend: "raise verify.limits.diskMb",
        });
      }
    },
    close() {
      closed ??= (async () => {
        const stop = keepInterrupting(connection);
        await last;
        stop();
        connection.closeSync();
        instance.closeSync();
        await rm(own, { recursive: true, force: true });
      })();
      return closed;
    },
  };
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

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
