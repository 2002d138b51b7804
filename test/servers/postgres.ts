/** A PostgreSQL of the test's own: Debian's programs, data in a directory that goes away. */
import { chmodSync, existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./cache.ts";
import { freePort, startServer } from "./process.ts";

export interface Postgres {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  createDatabase(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** Not as root: the server refuses that, so root runs it as `postgres`. */
export async function startPostgres(): Promise<Postgres> {
  const versions = existsSync("/usr/lib/postgresql") ? (await readdir("/usr/lib/postgresql")).sort() : [];
  const newest = versions.at(-1);
  if (newest === undefined) throw new Error("PostgreSQL is not installed: apt-get install postgresql");
  const bin = join("/usr/lib/postgresql", newest, "bin");
  const directory = await mkdtemp(join(tmpdir(), "rw-postgres-"));
  const root = process.getuid?.() === 0;
  if (root) {
    chmodSync(directory, 0o700);
    await run("chown", ["postgres:postgres", directory], { cwd: "/" });
  }
  const as = (program: string, args: readonly string[]): [string, string[]] =>
    root ? ["runuser", ["-u", "postgres", "--", join(bin, program), ...args]] : [join(bin, program), [...args]];
  const port = await freePort();
  const data = join(directory, "data");
  await run(...as("initdb", ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]), { cwd: "/" });
  const psql = (sql: string): Promise<string> =>
    run(...as("psql", ["-h", "127.0.0.1", "-p", String(port), "-U", "postgres", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-Atc", sql]), {
      cwd: "/",
    });
  const [command, args] = as("postgres", ["-D", data, "-h", "127.0.0.1", "-p", String(port), "-k", directory, "-c", "fsync=off"]);
  const running = await startServer({
    name: "PostgreSQL",
    command,
    args,
    cwd: "/",
    env: {},
    ready: async () => (await psql("select 1")).trim() === "1",
  });
  return {
    port,
    user: "postgres",
    password: "unused-but-asked-for",
    createDatabase: async (name) => {
      await psql(`create database "${name}"`);
    },
    stop: async () => {
      await running.stop("SIGINT");
      await rm(directory, { recursive: true, force: true });
    },
  };
}
