/** What is used of yauzl, which has no types of its own. */
declare module "yauzl" {
  import type { Readable } from "node:stream";

  export interface Entry {
    readonly fileName: string;
    readonly compressedSize: number;
    readonly uncompressedSize: number;
    readonly compressionMethod: number;
    readonly generalPurposeBitFlag: number;
    readonly crc32: number;
    readonly externalFileAttributes: number;
    readonly versionMadeBy: number;
    isEncrypted(): boolean;
  }

  export interface ZipFile {
    readonly entryCount: number;
    eachEntry(): AsyncIterable<Entry>;
    openReadStreamPromise(entry: Entry, options: { decodeFileData: false }): Promise<Readable>;
    readLocalFileHeaderPromise(entry: Entry): Promise<{ generalPurposeBitFlag: number; compressionMethod: number }>;
    close(): void;
    on(event: "error", listener: () => void): void;
  }

  export function fromFdPromise(
    fd: number,
    options: { autoClose: boolean; strictFileNames: boolean; validateEntrySizes: boolean },
  ): Promise<ZipFile>;
}
