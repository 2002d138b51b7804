/** The directories drills work in: each its own, gone when the drill is, and swept at the next start when the agent was killed. */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { asAgentError } from "../../core/errors.ts";

export interface WorkDir {
  readonly path: string;
  /** Idempotent. Throws AgentError when something stays behind. */
  remove(): Promise<void>;
}

const NAME = /^drill-[A-Za-z0-9_.]+-[0-9a-f]{6}-(\d+)$/;

/**
 * @param base made when it is not there
 * @param drillId becomes part of the name
 */
export async function createWorkDir(base: string, drillId: string): Promise<WorkDir> {
  const id = drillId.replaceAll(/[^A-Za-z0-9_.]/g, "_").slice(0, 60);
  const path = join(base, `drill-${id}-${randomBytes(3).toString("hex")}-${process.pid}`);
  try {
    await mkdir(base, { recursive: true, mode: 0o700 });
    await mkdir(path, { mode: 0o700 });
  } catch (thrown) {
    throw asAgentError(thrown);
  }
  return {
    path,
    remove: () =>
      rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 }).catch((thrown: unknown) => {
        throw asAgentError(thrown);
      }),
  };
}

/**
 * Removes work directories whose process is gone, or had this process's id in an earlier life: to be called before the first drill.
 * @returns how many were removed, and how many could not be. A base that does not exist has none.
 */
export async function sweepLeftovers(base: string): Promise<{ readonly removed: number; readonly failed: number }> {
  const entries = await readdir(base, { withFileTypes: true }).catch(() => []);
  let removed = 0;
  let failed = 0;
  for (const entry of entries) {
    const pid = NAME.exec(entry.name)?.[1];
    if (pid === undefined || !entry.isDirectory() || (Number(pid) !== process.pid && isAlive(Number(pid)))) continue;
    try {
      await rm(join(base, entry.name), { recursive: true, force: true });
      removed += 1;
    } catch {
      failed += 1;
    }
  }
  return { removed, failed };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === "EPERM";
  }
}
