/** A real agent process on a folder of its own, as a person would start it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { ROOT } from "../../meta/sources.ts";

export interface RunningAgent {
  readonly url: string;
  readonly process: ChildProcess;
  /** Everything printed so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Sends the signal and resolves with the exit code (null when killed) and how long it took, ms. */
  stop(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly ms: number }>;
}

const READY_MS = 20_000;

export function agentCommand(...args: readonly string[]): readonly [string, readonly string[]] {
  return [process.execPath, ["--disable-warning=ExperimentalWarning", join(ROOT, "agent/main.ts"), ...args]];
}

/**
 * Resolves once the agent listens; its address is whatever port was free.
 * @param env beside PATH, of which nothing else is handed on
 * @param wrap a command that becomes the agent's process by its last arguments, such as `["prlimit", "--nofile=64"]`
 */
export async function startAgentProcess(
  cwd: string,
  args: readonly string[] = ["start", "--log", "json"],
  wrap: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningAgent> {
  const [node, own] = agentCommand(...args, "--listen", "127.0.0.1:0");
  return startListening(cwd, [...wrap, node, ...own], env);
}

/** Resolves once the command, which becomes an agent's process, listens. */
export async function startListening(
  cwd: string,
  [command = "", ...all]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningAgent> {
  const child = spawn(command, all, { cwd, stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env["PATH"], ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
  });
  const exited = once(child, "exit");
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not listening after ${READY_MS} ms: ${stdout}${stderr}`)), READY_MS);
    const look = (): void => {
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(stdout);
      if (found === null) return;
      clearTimeout(timer);
      resolve(found[0]);
    };
    child.stdout.on("data", look);
    void exited.then(() => {
      clearTimeout(timer);
      reject(new Error(`ended before it listened: ${stdout}${stderr}`));
    });
  });
  return {
    url,
    process: child,
    stdout: () => stdout,
    stderr: () => stderr,
    async stop(signal) {
      const from = performance.now();
      child.kill(signal);
      await exited;
      return { code: child.exitCode, ms: performance.now() - from };
    },
  };
}

/** Runs a command to its end. */
export async function runAgent(
  cwd: string,
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const [command, all] = agentCommand(...args);
  return runCommand(cwd, [command, ...all]);
}

/** Runs any command to its end. */
export async function runCommand(
  cwd: string,
  [command = "", ...all]: readonly string[],
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(command, all, { cwd, stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env["PATH"] } });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

/** Asks again until `wanted` says yes; fails with what it saw last. */
export async function until<T>(ask: () => Promise<T>, wanted: (value: T) => boolean, ms = 20_000): Promise<T> {
  const from = performance.now();
  for (;;) {
    const value = await ask();
    if (wanted(value)) return value;
    if (performance.now() - from > ms) throw new Error(`not within ${ms} ms; last seen: ${JSON.stringify(value).slice(0, 2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
