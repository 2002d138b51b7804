/** What a drill used: of this process and of its directory. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ResourceUse } from "../core/values.ts";

export interface ResourceMeter {
  /** Bytes of the artifact read so far. */
  setReadBytes(bytes: number): void;
  /** Looks at the directory; the most ever seen counts. */
  lookAtDisk(): Promise<void>;
  use(): ResourceUse;
}

/** @param workDir what the drill may write to */
export function resourceMeter(workDir: string): ResourceMeter {
  let readBytes = 0;
  let diskBytes = 0;
  return {
    setReadBytes(bytes) {
      readBytes = bytes;
    },
    async lookAtDisk() {
      diskBytes = Math.max(diskBytes, await bytesUnder(workDir));
    },
    use() {
      // All threads of the process count: the database works in its own.
      const cpu = process.cpuUsage();
      return {
        cpuMs: (cpu.user + cpu.system) / 1000,
        peakRssBytes: process.resourceUsage().maxRSS * 1024,
        readBytes,
        diskBytes,
      };
    },
  };
}

async function bytesUnder(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        stat(join(entry.parentPath, entry.name)).then(
          (status) => status.size,
          () => 0,
        ),
      ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
