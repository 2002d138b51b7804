/** A real n8n on PostgreSQL on this machine, with its command line. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./cache.ts";
import type { Postgres } from "./postgres.ts";
import { installProduct, productNode } from "./products.ts";
import { answers, freePort, startServer } from "./process.ts";

export interface N8n {
  readonly url: string;
  /** API key of the owner with every scope the edition has. */
  readonly key: string;
  /** Session cookie of the owner, for what the public API lacks. */
  readonly cookie: string;
  readonly encryptionKey: string;
  /** Runs `n8n ARGS…` against the same database; what it printed. Throws where it ends with an error. */
  cli(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  readonly said: () => string;
  stop(): Promise<void>;
}

/**
 * What Vitest puts into the environment: n8n would take itself for its own test, end without a word or refuse to make data tables.
 */
const NOT_A_TEST = {
  NODE_ENV: "production",
  ...Object.fromEntries(
    ["TEST", "VITEST", "VITEST_POOL_ID", "VITEST_WORKER_ID", "MODE", "DEV", "PROD", "SSR", "BASE_URL"].map((name) => [name, ""]),
  ),
};

export async function startN8n(postgres: Postgres, database: string, encryptionKey = `test-encryption-key-${database}`): Promise<N8n> {
  const [place, node, port, broker] = [await installProduct("n8n"), await productNode("n8n"), await freePort(), await freePort()];
  const directory = await mkdtemp(join(tmpdir(), "rw-n8n-"));
  await postgres.createDatabase(database);
  const env = {
    ...NOT_A_TEST,
    N8N_USER_FOLDER: directory,
    N8N_HOST: "127.0.0.1",
    N8N_LISTEN_ADDRESS: "127.0.0.1",
    N8N_PORT: String(port),
    N8N_PROTOCOL: "http",
    N8N_SECURE_COOKIE: "false",
    N8N_ENCRYPTION_KEY: encryptionKey,
    N8N_DIAGNOSTICS_ENABLED: "false",
    N8N_VERSION_NOTIFICATIONS_ENABLED: "false",
    N8N_TEMPLATES_ENABLED: "false",
    N8N_PERSONALIZATION_ENABLED: "false",
    N8N_HIRING_BANNER_ENABLED: "false",
    N8N_COMMUNITY_PACKAGES_ENABLED: "false",
    N8N_RUNNERS_BROKER_LISTEN_ADDRESS: "127.0.0.1",
    N8N_RUNNERS_BROKER_PORT: String(broker),
    DB_TYPE: "postgresdb",
    DB_POSTGRESDB_HOST: "127.0.0.1",
    DB_POSTGRESDB_PORT: String(postgres.port),
    DB_POSTGRESDB_DATABASE: database,
    DB_POSTGRESDB_USER: postgres.user,
    DB_POSTGRESDB_PASSWORD: postgres.password,
    N8N_LOG_LEVEL: "info",
    EXECUTIONS_DATA_PRUNE: "false",
    GENERIC_TIMEZONE: "UTC",
    PATH: `${join(node, "bin")}:${process.env["PATH"] ?? ""}`,
  };
  const program = join(node, "bin", "node");
  const entry = join(place, "node_modules", "n8n", "bin", "n8n");
  const url = `http://127.0.0.1:${port}`;
  const running = await startServer({
    name: "n8n",
    command: program,
    args: [entry, "start"],
    cwd: directory,
    env,
    ready: () => answers(`${url}/healthz/readiness`),
    withinMs: 240_000,
  });
  const stop = async (): Promise<void> => {
    await running.stop();
    await rm(directory, { recursive: true, force: true });
  };
  const { key, cookie } = await setUp(url).catch(async (thrown: unknown) => {
    await stop();
    throw thrown;
  });
  return {
    url,
    key,
    cookie,
    encryptionKey,
    cli: (args, more = {}) => run(program, [entry, ...args], { cwd: directory, env: { ...env, ...more } }),
    said: running.said,
    stop,
  };
}

/** Makes the owner, as the first person who opens it does, and a key with every scope. */
async function setUp(url: string): Promise<Pick<N8n, "key" | "cookie">> {
  const owner = await fetch(`${url}/rest/owner/setup`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: "admin@example.com", firstName: "A", lastName: "B", password: "Passw0rd!1" }),
  });
  if (!owner.ok) throw new Error(`n8n's owner could not be set up: ${owner.status} ${await owner.text()}`);
  const cookie = owner.headers
    .getSetCookie()
    .map((one) => one.split(";")[0])
    .join("; ");
  const asked = await fetch(`${url}/rest/api-keys/scopes`, { headers: { cookie } });
  const { data: scopes } = (await asked.json()) as { data: string[] };
  const made = await fetch(`${url}/rest/api-keys`, {
    method: "POST",
    headers: { "content-type": "application/json", cookie },
    body: JSON.stringify({ label: "contract", expiresAt: null, scopes }),
  });
  const { data } = (await made.json()) as { data: { rawApiKey: string } };
  return { key: data.rawApiKey, cookie };
}
