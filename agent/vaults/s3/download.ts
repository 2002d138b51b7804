/** Copies of objects on this machine: in parts side by side, each going on where it was cut, all of one version. */
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AgentError } from "../../core/errors.ts";
import { mapLimit } from "../../kit/map-limit.ts";
import { type Bucket, changed, notS3, seconds } from "./bucket.ts";
import { passes, TRIES } from "./client.ts";
import type { Measured } from "./measure.ts";

const PART_BYTES = 8 * 1024 * 1024;
const PARTS_AT_ONCE = 4;
const FILES_AT_ONCE = 8;

type Pinned = Measured["files"][number];

/**
 * Nothing writes any more when it returns or throws.
 * @param relative path below `target` by key; empty for the target itself
 */
export async function download(
  bucket: Bucket,
  files: readonly Pinned[],
  target: string,
  relative: (key: string) => string,
  signal: AbortSignal,
): Promise<void> {
  // The first failure ends the others too: nobody waits for what is thrown away.
  const others = new AbortController();
  const both = AbortSignal.any([signal, others.signal]);
  const settled = async (work: () => Promise<void>): Promise<void> => {
    if (both.aborted) return;
    await work().catch((thrown: unknown) => others.abort(thrown));
  };
  const partsAtOnce = files.length > 1 ? 1 : PARTS_AT_ONCE;
  await mapLimit(files, FILES_AT_ONCE, (file) =>
    settled(async () => {
      const path = join(target, relative(file.key));
      await mkdir(dirname(path), { recursive: true });
      const handle = await open(path, "wx", 0o600);
      try {
        const starts = Array.from({ length: Math.ceil(file.bytes / PART_BYTES) }, (_, index) => index * PART_BYTES);
        await mapLimit(starts, partsAtOnce, (start) =>
          settled(() => fetchPart(bucket, file, start, Math.min(file.bytes, start + PART_BYTES), handle, both)),
        );
      } finally {
        await handle.close();
      }
    }),
  );
  both.throwIfAborted();
}

async function fetchPart(bucket: Bucket, file: Pinned, start: number, end: number, handle: FileHandle, signal: AbortSignal): Promise<void> {
  const got = { to: start };
  for (let tried = 0; got.to < end;) {
    const before = got.to;
    try {
      await fetchRange(bucket, file, before, end, signal, async (chunk) => {
        await writeAll(handle, chunk, got.to);
        got.to += chunk.byteLength;
      });
      if (got.to < end) throw new AgentError("transient", "connection", "The connection was cut.");
    } catch (thrown) {
      // As long as it goes forward, a bad line is only slow.
      tried = got.to > before ? 1 : tried + 1;
      if (tried >= TRIES || !passes(thrown) || signal.aborted) throw thrown;
      await bucket.calls.pause(tried, signal);
    }
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array, at: number): Promise<void> {
  let written = 0;
  while (written < chunk.byteLength) written += (await handle.write(chunk, written, chunk.byteLength - written, at + written)).bytesWritten;
}

/**
 * Hands over bytes `from` up to, not including, `to` of exactly that version; may end early where the connection does.
 * @returns the server's tag of that version, empty where it gives none
 */
export function fetchRange(
  bucket: Bucket,
  file: Pinned,
  from: number,
  to: number,
  signal: AbortSignal,
  take: (chunk: Uint8Array) => Promise<void>,
): Promise<string> {
  return bucket.calls.once(signal, async (sdk, client, abortSignal) => {
    const answer = await client.send(
      new sdk.GetObjectCommand({
        Bucket: bucket.config.bucket,
        Key: `${bucket.root}${file.key}`,
        Range: `bytes=${from}-${to - 1}`,
        ...(file.etag === "" ? {} : { IfMatch: file.etag }),
        ...(file.versionId === null ? {} : { VersionId: file.versionId }),
      }),
      { abortSignal },
    );
    const body = answer.Body as AsyncIterable<Uint8Array> | undefined;
    if (answer.LastModified === undefined) throw notS3();
    if (seconds(answer.LastModified) !== file.modifiedAt) throw changed();
    checkRange(answer.ContentRange, answer.ContentLength, file.bytes, from, to);
    let left = to - from;
    for await (const chunk of body ?? []) {
      // A body that drips keeps no deadline of its own.
      abortSignal.throwIfAborted();
      left -= chunk.byteLength;
      if (left < 0) throw new AgentError("transient", "bad-answer", "The server sent more than was asked for.");
      await take(chunk);
    }
    return answer.ETag ?? "";
  });
}

/** A server that gives other bytes than were asked for would fill the copy with the wrong ones. */
export function checkRange(range: string | undefined, length: number | undefined, whole: number, from: number, to: number): void {
  const said = /^bytes (\d+)-(\d+)\/(\d+|\*)$/u.exec(range ?? "");
  if (said === null) {
    if (from === 0 && to === whole && (length === undefined || length === whole)) return;
    if (from === 0 && to === whole) throw changed();
    throw new AgentError("unsupported", "no-ranges", "The server does not give parts of an object.");
  }
  if (said[3] !== "*" && Number(said[3]) !== whole) throw changed();
  if (Number(said[1]) !== from || Number(said[2]) !== to - 1)
    throw new AgentError("transient", "bad-answer", "The server sent another part than was asked for.");
}
