/** One writer a directory. The lock is the kernel's and dies with the process that holds it, so a killed agent leaves none behind. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AgentError } from "../core/errors.ts";

/**
 * Takes the lock of an evidence directory. SQLite's own file lock is used: it holds against other processes, other containers on the same
 * host and a second opening in this process alike, where a process id in a file would be taken for alive after a restart in a container.
 * @param pid written beside the lock, only to be named to whoever comes second
 * @throws AgentError `config` evidence-locked while another holds it; `config` evidence-cannot-open when the directory cannot be written
 */
export function lockDirectory(directory: string, pid: number): { release(): void } {
  const holder = join(directory, ".lock.pid");
  let lock: DatabaseSync | null = null;
  try {
    lock = new DatabaseSync(join(directory, ".lock"));
    lock.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;");
    writeFileSync(holder, `${pid}\n`, { mode: 0o600 });
  } catch (thrown) {
    lock?.close();
    // 5 is SQLITE_BUSY: https://www.sqlite.org/rescode.html
    if ((thrown as { errcode?: unknown }).errcode === 5)
      throw new AgentError("config", "evidence-locked", `Another agent${named(holder)} uses this directory: ${directory}.`, {
        cause: thrown,
        mend: "stop it first, or give this agent an evidence.directory of its own",
      });
    throw new AgentError("config", "evidence-cannot-open", `The evidence directory ${directory} cannot be written: ${messageOf(thrown)}.`, {
      cause: thrown,
      mend: "check evidence.directory in the configuration and who may write there",
    });
  }
  const held = lock;
  return {
    release() {
      if (held.isOpen) held.close();
    },
  };
}

function named(holder: string): string {
  try {
    return ` (process ${Number.parseInt(readFileSync(holder, "utf8"), 10)})`;
  } catch {
    return "";
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
