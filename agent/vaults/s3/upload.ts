/** One object put into the bucket: in one request, or in parts that show only when all are there. */
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import type { PutObjectCommandInput } from "@aws-sdk/client-s3";
import { AgentError } from "../../core/errors.ts";
import type { Bucket } from "./bucket.ts";
import { refusalOf } from "./errors.ts";

/** Above this, an object is put in parts. */
export const WHOLE_BYTES = 16 * 1024 * 1024;
const PART_BYTES = 8 * 1024 * 1024;
const PARTS_AT_ONCE = 3;
const MAX_PARTS = 10_000;
const ABORT_MS = 15_000;

type Lock = Pick<PutObjectCommandInput, "ObjectLockMode" | "ObjectLockRetainUntilDate">;

export interface Upload {
  readonly key: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly lock: Lock;
}

/** What the bucket made of it; null where something lay there already. */
export type Uploaded = { readonly versionId: string | null; readonly etag: string; readonly checked: boolean } | null;

/** @param content the whole of it, at most `WHOLE_BYTES` */
export async function putWhole(bucket: Bucket, upload: Upload, content: Uint8Array, signal: AbortSignal): Promise<Uploaded> {
  const ChecksumSHA256 = Buffer.from(upload.sha256, "hex").toString("base64");
  const put = (once: { readonly IfNoneMatch?: string }): Promise<Uploaded> =>
    bucket.calls.call(signal, async (sdk, client, abortSignal) => {
      const command = new sdk.PutObjectCommand({
        Bucket: bucket.config.bucket,
        Key: `${bucket.root}${upload.key}`,
        Body: content,
        ContentLength: content.byteLength,
        // The server compares what reached it with this, and refuses it where they differ.
        ChecksumSHA256,
        ...upload.lock,
        ...once,
      });
      return client
        .send(command, { abortSignal })
        .then(
          (answer) => ({ versionId: answer.VersionId ?? null, etag: answer.ETag ?? "", checked: answer.ChecksumSHA256 === ChecksumSHA256 }),
          taken,
        );
    });
  return createOnly(put);
}

export async function putInParts(bucket: Bucket, upload: Upload, localPath: string, signal: AbortSignal): Promise<Uploaded> {
  const target = { Bucket: bucket.config.bucket, Key: `${bucket.root}${upload.key}` };
  const started = await bucket.calls.call(signal, (sdk, client, abortSignal) =>
    client.send(new sdk.CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: "SHA256", ...upload.lock }), { abortSignal }),
  );
  const UploadId = started.UploadId;
  if (UploadId === undefined) throw new AgentError("transient", "bad-answer", "The server began an upload and gave it no name.");
  let whole = false;
  try {
    const parts = await sendParts(bucket, { ...target, UploadId }, upload, localPath, signal);
    const done = await createOnly((once) =>
      bucket.calls.call(signal, (sdk, client, abortSignal) =>
        client
          .send(new sdk.CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts: [...parts] }, ...once }), {
            abortSignal,
          })
          .then(
            (answer) => ({ versionId: answer.VersionId ?? null, etag: answer.ETag ?? "", checked: parts.every((part) => part.checked) }),
            (thrown: unknown) => {
              // Where the answer to the first try was lost, there is no upload of that name any more: what lies there tells.
              if (refusalOf(thrown).name === "NoSuchUpload") return null;
              return taken(thrown);
            },
          ),
      ),
    );
    whole = done !== null;
    return done;
  } finally {
    if (!whole) await abandon(bucket, { ...target, UploadId });
  }
}

interface Part {
  readonly PartNumber: number;
  readonly ETag: string;
  readonly ChecksumSHA256: string;
  readonly checked: boolean;
}

async function sendParts(
  bucket: Bucket,
  target: { readonly Bucket: string; readonly Key: string; readonly UploadId: string },
  upload: Upload,
  localPath: string,
  signal: AbortSignal,
): Promise<readonly Part[]> {
  const size = Math.max(PART_BYTES, 2 ** 20 * Math.ceil(upload.bytes / MAX_PARTS / 2 ** 20));
  const hash = createHash("sha256");
  const sent: Part[] = [];
  const failure: { thrown: unknown } = { thrown: null };
  const others = new AbortController();
  const both = AbortSignal.any([signal, others.signal]);
  const running = new Set<Promise<void>>();
  const handle = await open(localPath, "r");
  try {
    for (let at = 0; at < upload.bytes && !both.aborted; at += size) {
      const content = await readAt(handle, at, Math.min(size, upload.bytes - at));
      hash.update(content);
      const sending: Promise<void> = sendPart(bucket, target, at / size + 1, content, both)
        .then(
          (part) => void sent.push(part),
          (thrown: unknown) => {
            if (!others.signal.aborted) failure.thrown = thrown;
            others.abort();
          },
        )
        .finally(() => running.delete(sending));
      running.add(sending);
      if (running.size >= PARTS_AT_ONCE) await Promise.race(running);
    }
  } finally {
    // An upload is abandoned only when none of its parts is on its way any more.
    await Promise.all(running);
    await handle.close();
  }
  signal.throwIfAborted();
  if (failure.thrown !== null) throw failure.thrown;
  if (hash.digest("hex") !== upload.sha256) throw differs();
  return sent.sort((a, b) => a.PartNumber - b.PartNumber);
}

function sendPart(
  bucket: Bucket,
  target: { readonly Bucket: string; readonly Key: string; readonly UploadId: string },
  PartNumber: number,
  content: Uint8Array,
  signal: AbortSignal,
): Promise<Part> {
  const ChecksumSHA256 = createHash("sha256").update(content).digest("base64");
  return bucket.calls.call(signal, async (sdk, client, abortSignal) => {
    const command = new sdk.UploadPartCommand({ ...target, PartNumber, Body: content, ContentLength: content.byteLength, ChecksumSHA256 });
    const answer = await client.send(command, { abortSignal }).catch(taken);
    if (answer === null) throw differs();
    return { PartNumber, ETag: answer.ETag ?? "", ChecksumSHA256, checked: answer.ChecksumSHA256 === ChecksumSHA256 };
  });
}

/** Parts that nobody completes are stored, and paid for, for ever. */
async function abandon(
  bucket: Bucket,
  target: { readonly Bucket: string; readonly Key: string; readonly UploadId: string },
): Promise<void> {
  // Whoever gave up gave up the upload, not the clearing away.
  const signal = AbortSignal.timeout(ABORT_MS);
  await bucket.calls
    .call(signal, (sdk, client, abortSignal) => client.send(new sdk.AbortMultipartUploadCommand(target), { abortSignal }))
    .catch(() => undefined);
}

/** With the condition that nothing lies there, and without it on servers that do not know it: it was looked before. */
async function createOnly(put: (once: { readonly IfNoneMatch?: string }) => Promise<Uploaded>): Promise<Uploaded> {
  try {
    return await put({ IfNoneMatch: "*" });
  } catch (thrown) {
    if (!(thrown instanceof AgentError) || thrown.code !== "not-implemented") throw thrown;
    return put({});
  }
}

function taken(thrown: unknown): null {
  const { name, status } = refusalOf(thrown);
  if (name === "PreconditionFailed" || status === 412) return null;
  if (["BadDigest", "XAmzContentChecksumMismatch", "InvalidDigest", "XAmzContentSHA256Mismatch"].includes(name)) throw differs();
  throw thrown;
}

async function readAt(handle: FileHandle, at: number, length: number): Promise<Uint8Array> {
  const content = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(content, filled, length - filled, at + filled);
    if (bytesRead === 0) throw differs();
    filled += bytesRead;
  }
  return content;
}

export function differs(): AgentError {
  return new AgentError("transient", "copy-differs", "What was written is not what was to be written.");
}
