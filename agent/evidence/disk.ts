/** The writes of the log, apart so that tests can make a disk fail. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

export interface EvidenceFile {
  size(): Promise<number>;
  /** All of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(length: number): Promise<void>;
  /** What was written is on the medium when it resolves. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface EvidenceDisk {
  /** Opens for writing; made, readable by its owner alone, when not there. */
  open(path: string): Promise<EvidenceFile>;
  /** The names in the directory are on the medium when it resolves. */
  syncDirectory(path: string): Promise<void>;
}

export const realDisk: EvidenceDisk = {
  async open(path) {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    return {
      size: async () => (await file.stat()).size,
      write: (bytes, position) => writeAll(file, bytes, position),
      truncate: (length) => file.truncate(length),
      sync: () => file.sync(),
      close: () => file.close(),
    };
  },
  async syncDirectory(path) {
    const directory = await open(path, "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
};

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
