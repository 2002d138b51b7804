/** Whether this machine lets us do what we will have to: write to a directory, start a process. */
import { spawn } from "node:child_process";
import { mkdir, open, unlink } from "node:fs/promises";
import { join } from "node:path";

const BYTES = new Uint8Array(64 * 1024).fill(0x2e);

/**
 * Writes 64 KiB to a file of its own in `directory` (made when it is not there) and removes it again.
 * @param pid part of the file's name, so that two processes do not meet
 * @returns what was thrown, or null when it worked
 */
export async function tryWrite(directory: string, pid: number): Promise<Error | null> {
  const path = join(directory, `.restorewatch-try-${pid}`);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const file = await open(path, "w", 0o600);
    try {
      await file.writeFile(BYTES);
    } finally {
      await file.close();
      await unlink(path);
    }
    return null;
  } catch (thrown) {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  }
}

const PROCESS_MS = 10_000;

/** @returns what kept `path` from being started with `--version` and the four pipes a drill has, or null when it ran */
export function tryProcess(path: string): Promise<Error | null> {
  return new Promise((resolve) => {
    try {
      const child = spawn(path, ["--version"], {
        stdio: ["pipe", "pipe", "pipe", "pipe"],
        env: {},
        timeout: PROCESS_MS,
        killSignal: "SIGKILL",
      });
      child.on("error", resolve);
      child.stdout?.resume();
      child.on("exit", (code) =>
        resolve(code === 0 ? null : new Error("A process that was started to see whether it can be ended early.")),
      );
    } catch (thrown) {
      resolve(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  });
}
