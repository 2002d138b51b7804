/** Moves a database out of the way, so that a new one can be made and the old one still be looked at. */
import { rename, stat } from "node:fs/promises";
import { asAgentError } from "../core/errors.ts";

/**
 * @param now milliseconds since the epoch, part of the new name
 * @returns path it lies at now, or null when there was none; its side files go with it
 * @throws AgentError when it cannot be moved
 */
export async function setStateAside(path: string, now: number): Promise<string | null> {
  const stamp = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  try {
    let target = `${path}.damaged-${stamp}`;
    for (let n = 2; await exists(target); n += 1) target = `${path}.damaged-${stamp}-${n}`;
    // First: a write-ahead log that stayed behind alone would be replayed into the new database.
    for (const suffix of ["-wal", "-shm", "-journal"]) await move(path + suffix, target + suffix);
    return (await move(path, target)) ? target : null;
  } catch (thrown) {
    throw asAgentError(thrown);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (thrown) {
    if (asAgentError(thrown).kind === "not_found") return false;
    throw thrown;
  }
}

async function move(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (thrown) {
    if (asAgentError(thrown).kind === "not_found") return false;
    throw thrown;
  }
}
