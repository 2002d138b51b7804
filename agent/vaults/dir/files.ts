/** The few calls on the file system this vault makes, all of them reading; tests hand in others. */
import type { BigIntStats, Dirent } from "node:fs";
import { lstat, open, readdir, realpath } from "node:fs/promises";
import { constants } from "node:fs";

export interface VaultFiles {
  lstat(path: string): Promise<BigIntStats>;
  readdir(path: string): Promise<readonly Dirent[]>;
  realpath(path: string): Promise<string>;
  /** At most `limit` bytes of a regular file; never follows a symlink, never waits on a pipe. */
  read(path: string, limit: number): Promise<Uint8Array>;
}

export const systemFiles: VaultFiles = {
  lstat: (path) => lstat(path, { bigint: true }),
  readdir: (path) => readdir(path, { withFileTypes: true }),
  realpath: (path) => realpath(path),
  async read(path, limit) {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const buffer = new Uint8Array(limit);
      let filled = 0;
      while (filled < limit) {
        const { bytesRead } = await handle.read(buffer, filled, limit - filled, filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return buffer.subarray(0, filled);
    } finally {
      await handle.close();
    }
  },
};
