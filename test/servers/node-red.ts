/** A real Node-RED on this machine. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installProduct, productNode } from "./products.ts";
import { answers, freePort, startServer } from "./process.ts";

export interface NodeRed {
  readonly url: string;
  readonly userDir: string;
  readonly user: string;
  readonly password: string;
  /** `credentialSecret` of its settings. */
  readonly secret: string;
  readonly said: () => string;
  /** Stops and starts it on the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Digest of `Passw0rd!1`, as Node-RED wants it. */
const PASSWORD_HASH = "$2b$08$h8F8DT.qt2v96oZreuMFO.DY.ImOIpCAGh/jzid2ouR8KpR80rcB2";

/** @param more members of settings.js, such as further users */
export async function startNodeRed(more: { readonly secret?: string; readonly users?: string } = {}): Promise<NodeRed> {
  const [place, node, port] = [await installProduct("node-red"), await productNode("node-red"), await freePort()];
  const userDir = await mkdtemp(join(tmpdir(), "rw-node-red-"));
  const secret = more.secret ?? "test-credential-secret";
  const users = `[{username:"admin",password:${JSON.stringify(PASSWORD_HASH)},permissions:"*"}${more.users === undefined ? "" : `,${more.users}`}]`;
  await writeFile(
    join(userDir, "settings.js"),
    `module.exports = {uiHost:"127.0.0.1",uiPort:${port},flowFile:"flows.json",credentialSecret:${JSON.stringify(secret)},userDir:${JSON.stringify(userDir)},
adminAuth:{type:"credentials",users:${users}},telemetry:{enabled:false,updateNotification:false},diagnostics:{enabled:true},
apiMaxLength:"50mb",contextStorage:{default:{module:"localfilesystem"}},logging:{console:{level:"info"}}};`,
  );
  const start = () =>
    startServer({
      name: "Node-RED",
      command: join(node, "bin", "node"),
      args: [join(place, "node_modules", "node-red", "red.js"), "-s", join(userDir, "settings.js")],
      cwd: userDir,
      env: {},
      ready: () => answers(`http://127.0.0.1:${port}/auth/login`),
    });
  let running = await start();
  return {
    url: `http://127.0.0.1:${port}`,
    userDir,
    user: "admin",
    password: "Passw0rd!1",
    secret,
    said: () => running.said(),
    restart: async () => {
      await running.stop();
      running = await start();
    },
    stop: async () => {
      await running.stop();
      await rm(userDir, { recursive: true, force: true });
    },
  };
}
