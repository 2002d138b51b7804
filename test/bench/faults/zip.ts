/** Zips read by yauzl and written by yazl, for planting faults into their members. */
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import * as yauzl from "yauzl";
import { ZipFile } from "yazl";

/** What is used of it here and has no types. */
const { fromBufferPromise } = yauzl as unknown as {
  fromBufferPromise(bytes: Buffer): Promise<{
    eachEntry(): AsyncIterable<{ readonly fileName: string }>;
    openReadStreamPromise(entry: unknown): Promise<Readable>;
  }>;
};

/** In the order of the directory. */
export async function readZip(bytes: Buffer): Promise<Map<string, Buffer>> {
  const zip = await fromBufferPromise(bytes);
  const members = new Map<string, Buffer>();
  for await (const entry of zip.eachEntry()) members.set(entry.fileName, await buffer(await zip.openReadStreamPromise(entry)));
  return members;
}

export async function writeZip(members: ReadonlyMap<string, Uint8Array>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of members) zip.addBuffer(Buffer.from(content), name, { mtime: new Date(Date.UTC(2026, 0, 2)) });
  zip.end();
  return buffer(zip.outputStream as Readable);
}
