/** A real Directus on PostgreSQL on this machine. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./cache.ts";
import type { Postgres } from "./postgres.ts";
import { installProduct, productNode } from "./products.ts";
import { answers, freePort, startServer } from "./process.ts";

export interface Directus {
  readonly url: string;
  /** Static token of the administrator. */
  readonly token: string;
  readonly said: () => string;
  stop(): Promise<void>;
}

/** @param env further environment, such as a rate limiter */
export async function startDirectus(postgres: Postgres, database: string, env: Readonly<Record<string, string>> = {}): Promise<Directus> {
  const [place, node, port] = [await installProduct("directus"), await productNode("directus"), await freePort()];
  const directory = await mkdtemp(join(tmpdir(), "rw-directus-"));
  const token = `test-static-token-${database}`;
  const all = {
    HOST: "127.0.0.1",
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    DB_CLIENT: "pg",
    DB_HOST: "127.0.0.1",
    DB_PORT: String(postgres.port),
    DB_DATABASE: database,
    DB_USER: postgres.user,
    DB_PASSWORD: postgres.password,
    KEY: `test-key-${database}`,
    SECRET: `test-secret-${database}-0123456789`,
    ADMIN_EMAIL: "admin@example.com",
    ADMIN_PASSWORD: "Passw0rd!1",
    ADMIN_TOKEN: token,
    TELEMETRY: "false",
    ACCEPT_TERMS: "true",
    LOG_LEVEL: "info",
    RATE_LIMITER_ENABLED: "false",
    MAX_PAYLOAD_SIZE: "50mb",
    MAX_BATCH_MUTATION: "100000",
    EXTENSIONS_AUTO_RELOAD: "false",
    WEBSOCKETS_ENABLED: "false",
    STORAGE_LOCAL_ROOT: join(directory, "uploads"),
    ...env,
  };
  const program = join(node, "bin", "node");
  const cli = join(place, "node_modules", "directus", "cli.js");
  await postgres.createDatabase(database);
  await run(program, [cli, "bootstrap"], { cwd: directory, env: all });
  const running = await startServer({
    name: "Directus",
    command: program,
    args: [cli, "start"],
    cwd: directory,
    env: all,
    ready: () => answers(`http://127.0.0.1:${port}/server/ping`),
  });
  return {
    url: `http://127.0.0.1:${port}`,
    token,
    said: running.said,
    stop: async () => {
      await running.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
