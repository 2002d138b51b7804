/** Captures put into a bucket: whole or not at all, never over something else, locked where that is asked, compared with what was to be put. */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { AgentError } from "../../core/errors.ts";
import type { VaultWriter } from "../../core/platform-ports.ts";
import { vaultSegments } from "../../core/vault-names.ts";
import { type Bucket, bucketOf, type Known } from "./bucket.ts";
import { type S3Deps, s3Calls } from "./client.ts";
import { fetchRange } from "./download.ts";
import { guarded } from "./guarded.ts";
import type { S3VaultConfig } from "./schema.ts";
import { differs, putInParts, putWhole, type Upload, type Uploaded, WHOLE_BYTES } from "./upload.ts";
import { removeKey, stillLocked } from "./remove.ts";

/** @param prefix the one folder of the vault that may be written to */
export function s3VaultWriter(config: S3VaultConfig, prefix: string, deps: S3Deps): VaultWriter {
  const own = vaultSegments(prefix);
  const bucket = bucketOf(config, s3Calls(config, deps), deps.clock);
  const keyOf = (path: string): string => {
    const segments = vaultSegments(path);
    if (segments.length <= own.length || own.some((segment, index) => segments[index] !== segment))
      throw new AgentError("config", "outside-prefix", "It lies outside the folder of this source's captures.");
    return segments.join("/");
  };
  return {
    put: (path, file, { immutableUntil, signal }) =>
      guarded(path, signal, async () => {
        const key = keyOf(path);
        if (immutableUntil !== null && !(await bucket.canLock(signal))) throw noLock();
        const content = "text" in file ? new TextEncoder().encode(file.text) : null;
        const upload: Upload = {
          key,
          bytes: "text" in file ? (content?.byteLength ?? 0) : (await stat(file.localPath)).size,
          sha256: "text" in file ? createHash("sha256").update(file.text).digest("hex") : file.sha256,
          lock: immutableUntil === null ? {} : lockOf(config, immutableUntil),
        };
        const there = await existing(bucket, key, signal);
        const put = there !== null ? null : await send(bucket, upload, "text" in file ? content : file.localPath, signal);
        await assertThere(bucket, upload, put, signal);
        if (immutableUntil !== null) await assertLocked(bucket, upload, put, immutableUntil, signal);
      }),
    remove: (path, signal) =>
      guarded(path, signal, async () => {
        const key = keyOf(path);
        const keys = [key, `${key}.run.json`, `${key}.sha256`];
        // All are asked before one is touched.
        const versions = await Promise.all(keys.map((one) => stillLocked(bucket, one, deps.clock.now(), signal)));
        // The artifact first: what lies beside it means nothing without it.
        for (const [index, one] of keys.entries()) await removeKey(bucket, one, versions[index] ?? [], signal);
      }),
  };
}

function lockOf(config: S3VaultConfig, until: number): Upload["lock"] {
  return {
    ObjectLockMode: config.objectLock === "compliance" ? "COMPLIANCE" : "GOVERNANCE",
    // Servers keep whole seconds, some only these: never less than was asked.
    ObjectLockRetainUntilDate: new Date(Math.ceil(until / 1000) * 1000),
  };
}

async function existing(bucket: Bucket, key: string, signal: AbortSignal): Promise<Known | null> {
  return bucket.head(key, signal).catch((thrown: unknown) => {
    if (thrown instanceof AgentError && thrown.code === "not-found") return null;
    throw thrown;
  });
}

async function send(bucket: Bucket, upload: Upload, from: Uint8Array | string | null, signal: AbortSignal): Promise<Uploaded> {
  if (typeof from === "string" && upload.bytes > WHOLE_BYTES) return putInParts(bucket, upload, from, signal);
  const content = typeof from === "string" ? await readFile(from) : (from ?? new Uint8Array());
  if (content.byteLength !== upload.bytes || createHash("sha256").update(content).digest("hex") !== upload.sha256) throw differs();
  return putWhole(bucket, upload, content, signal);
}

/** Whether the object there is the one that was to be put, by the bucket's own word of it or by reading it. */
async function assertThere(bucket: Bucket, upload: Upload, put: Uploaded, signal: AbortSignal): Promise<void> {
  const known = await bucket.head(upload.key, signal);
  const same =
    known.bytes === upload.bytes &&
    (put?.checked === true && (known.etag === put.etag || known.sha256 === upload.sha256)
      ? true
      : (known.sha256 ?? (await sha256Of(bucket, known, signal))) === upload.sha256);
  if (same) return;
  // Something else of that name, before or at the same time; or a server that checks nothing and kept something else.
  if (put !== null && known.etag === put.etag) throw differs();
  throw new AgentError("limit", "exists-already", "There is something else under that name already, which is never overwritten.");
}

async function sha256Of(bucket: Bucket, known: Known, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  let at = 0;
  while (at < known.bytes) {
    const before = at;
    await fetchRange(bucket, known, at, Math.min(known.bytes, at + WHOLE_BYTES), signal, async (chunk) => {
      hash.update(chunk);
      at += chunk.byteLength;
    });
    if (at === before) throw new AgentError("transient", "connection", "The connection was cut.");
  }
  return hash.digest("hex");
}

/** A lock that was asked for and is not there is no lock, whatever the server answered; what lay there before gets it now. */
async function assertLocked(bucket: Bucket, upload: Upload, put: Uploaded, until: number, signal: AbortSignal): Promise<void> {
  const { versionId } = put ?? (await bucket.head(upload.key, signal));
  const locked = async (): Promise<boolean> =>
    ((await bucket.lockedUntil(upload.key, versionId, signal)) ?? 0) >= Math.floor(until / 1000) * 1000;
  if (await locked()) return;
  if (put === null) {
    await bucket.calls.call(signal, (sdk, client, abortSignal) =>
      client.send(
        new sdk.PutObjectRetentionCommand({
          Bucket: bucket.config.bucket,
          Key: `${bucket.root}${upload.key}`,
          ...(versionId === null ? {} : { VersionId: versionId }),
          Retention: { Mode: upload.lock.ObjectLockMode, RetainUntilDate: upload.lock.ObjectLockRetainUntilDate },
        }),
        { abortSignal },
      ),
    );
    if (await locked()) return;
  }
  throw new AgentError("config", "not-locked", "The bucket took it and did not lock it.", {
    mend: "see object lock of the bucket, or take capture.immutable out",
  });
}

function noLock(): AgentError {
  return new AgentError("config", "no-object-lock", "The bucket has no object lock, so nothing in it can be protected from change.", {
    mend: "make a bucket with object lock, or take capture.immutable out",
  });
}
