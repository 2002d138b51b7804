/** The sample a drill child left in its directory. */
import { createReadStream } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { AgentError } from "../../core/errors.ts";
import type { RestoreSet } from "../../core/platform-ports.ts";
import { parseRestoreSet } from "../../core/restore-set.ts";
import { RESTORE_SET_FILE } from "../../drill/protocol.ts";

/** More than this is no sample; it is held in memory. */
const MAX_BYTES = 256 * 1024 * 1024;

/** @throws AgentError `internal` where it is not whole, `limit` where it is too large */
export async function readRestoreSet(workDir: string): Promise<RestoreSet> {
  const path = join(workDir, RESTORE_SET_FILE);
  const stats = await lstat(path);
  // The child could have put anything there.
  if (!stats.isFile()) throw new AgentError("internal", "restore-set", "The sample to restore is no file.");
  if (stats.size > MAX_BYTES)
    throw new AgentError("limit", "restore-set-too-large", "The sample to restore is too large to be held in memory.", {
      mend: "lower verify.scratch.items or verify.scratch.fileBytes",
    });
  return parseRestoreSet(createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY }));
}
