/** A real NocoDB on SQLite on this machine. */
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installProduct, productNode } from "./products.ts";
import { answers, freePort, startServer } from "./process.ts";

export interface NocoDb {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  /** An API token of the administrator. */
  readonly token: string;
  /** The SQLite file with every table of every base: to look at what a product does not say. */
  readonly database: string;
  readonly said: () => string;
  stop(): Promise<void>;
}

/** The npm package has no program of its own. */
const START = `const http = require("http");
const express = require("express");
(async () => {
  const app = express();
  const server = http.createServer(app);
  const { Noco } = require("nocodb");
  await new Promise((resolve) => server.listen(Number(process.env.PORT), "127.0.0.1", resolve));
  app.use(await Noco.init({}, server, app));
})().catch((error) => { console.error(error); process.exit(1); });
`;

export async function startNocoDb(env: Readonly<Record<string, string>> = {}): Promise<NocoDb> {
  const [place, node, port] = [await installProduct("nocodb"), await productNode("nocodb"), await freePort()];
  const directory = await mkdtemp(join(tmpdir(), "rw-nocodb-"));
  const database = join(directory, "noco.db");
  // Modules are found from where the program lies.
  const program = join(place, "start.js");
  await writeFile(program, START);
  // It reads its own version from below the working directory, and says none where it does not find it.
  await symlink(join(place, "node_modules"), join(directory, "node_modules"));
  const url = `http://127.0.0.1:${port}`;
  const email = "admin@example.com";
  const password = "Passw0rd!1";
  const running = await startServer({
    name: "NocoDB",
    command: join(node, "bin", "node"),
    args: [program],
    cwd: directory,
    env: {
      NC_DB: `sqlite3://localhost?d=${database}`,
      NC_TOOL_DIR: directory,
      NC_AUTH_JWT_SECRET: "test-jwt-secret-0123456789",
      NC_ADMIN_EMAIL: email,
      NC_ADMIN_PASSWORD: password,
      NC_DISABLE_TELE: "true",
      NC_PUBLIC_URL: url,
      PORT: String(port),
      ...env,
    },
    ready: () => answers(`${url}/api/v1/health`),
  });
  const session = (await post(`${url}/api/v1/auth/user/signin`, {}, { email, password })) as { token: string };
  const made = (await post(`${url}/api/v1/tokens`, { "xc-auth": session.token }, { description: "contract" })) as { token: string };
  return {
    url,
    email,
    password,
    token: made.token,
    database,
    said: running.said,
    stop: async () => {
      await running.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function post(url: string, headers: Readonly<Record<string, string>>, body: unknown): Promise<unknown> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}
