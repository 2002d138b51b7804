/** A server as a child of the test: started, waited for, and gone with all its own children when the test ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";

export interface Running {
  /** What it said so far, the last 100,000 characters. */
  readonly said: () => string;
  readonly pid: number;
  /** Idempotent. SIGTERM, and SIGKILL to the whole group after five seconds. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** A port of this machine that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}

export interface ServerCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** True as soon as it serves; called again until then. What it throws is taken for "not yet". */
  readonly ready: () => Promise<boolean>;
  readonly withinMs?: number;
}

/** @throws Error with the end of what it said, where it ends or is not ready in time */
export async function startServer(server: ServerCommand): Promise<Running> {
  const child = spawn(server.command, server.args, {
    cwd: server.cwd,
    env: { ...process.env, ...server.env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let said = "";
  const hear = (chunk: Buffer): void => {
    said = (said + chunk.toString("utf8")).slice(-100_000);
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const ended = { done: false };
  const closed = new Promise<void>((resolve) => {
    const end = (): void => {
      ended.done = true;
      resolve();
    };
    child.once("close", end);
    child.once("error", (error) => {
      said += error.message;
      end();
    });
  });
  const killAtExit = (): void => killGroup(child, "SIGKILL");
  process.once("exit", killAtExit);
  const running: Running = {
    said: () => said,
    pid: child.pid ?? -1,
    async stop(signal = "SIGTERM") {
      process.removeListener("exit", killAtExit);
      if (!ended.done) killGroup(child, signal);
      const late = setTimeout(() => killGroup(child, "SIGKILL"), 5000);
      await closed;
      clearTimeout(late);
      // Its own children outlive some servers.
      killGroup(child, "SIGKILL");
    },
  };
  const until = performance.now() + (server.withinMs ?? 120_000);
  while (performance.now() < until && !ended.done) {
    if (await server.ready().catch(() => false)) return running;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await running.stop("SIGKILL");
  throw new Error(`${server.name} ${ended.done ? "ended" : "was not ready in time"}:\n${said.slice(-4000)}`);
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // It is gone already.
  }
}

/** True when the address answers with the status. */
export async function answers(url: string, status = 200): Promise<boolean> {
  const answer = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(3000) });
  await answer.arrayBuffer();
  return answer.status === status;
}
