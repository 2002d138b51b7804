/** The few questions this vault asks of a bucket, with answers reduced to what is used. Keys here are relative to the vault's prefix. */
import { AgentError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import { type Remembered, remembering } from "./cache.ts";
import type { S3Calls } from "./client.ts";
import { isAbsent, refusalOf } from "./errors.ts";
import { decodeKey, rootOf } from "./keys.ts";
import type { S3VaultConfig } from "./schema.ts";

/** An object as a listing tells of it. */
export interface Listed {
  readonly key: string;
  readonly bytes: number;
  /** Whole seconds, in milliseconds: listings and answers about one object do not agree on more. */
  readonly modifiedAt: number;
  readonly etag: string;
  /** Whether the bucket may hold a SHA-256 of the whole object. */
  readonly sha256: boolean;
}

export interface Known extends Omit<Listed, "sha256"> {
  readonly versionId: string | null;
  /** Hex, of the whole object. */
  readonly sha256: string | null;
  readonly lockedUntil: number | null;
}

export interface Page {
  readonly objects: readonly Listed[];
  /** Names of folders, relative to the vault, with a slash at their end. */
  readonly folders: readonly string[];
}

export interface Bucket {
  readonly config: S3VaultConfig;
  readonly calls: S3Calls;
  /** Where the vault begins in the bucket, empty or with a slash at its end. */
  readonly root: string;
  /** Page after page; without `deep`, what lies in folders is told as folders. Objects are never all held. */
  pages(prefix: string, options: { readonly deep: boolean; readonly limit?: number; readonly signal: AbortSignal }): AsyncGenerator<Page>;
  /** @throws AgentError `not_found` */
  head(key: string, signal: AbortSignal): Promise<Known>;
  /** At most `limit` bytes of the object as it was listed. */
  text(object: Pick<Listed, "key" | "etag" | "modifiedAt" | "bytes">, signal: AbortSignal): Promise<string>;
  /** Whether objects of this bucket can be locked. Asked once an hour. */
  canLock(signal: AbortSignal): Promise<boolean>;
  /** Until when the object as it is now is protected, asked by name. @throws AgentError `auth` where that may not be asked */
  lockedUntil(key: string, versionId: string | null, signal: AbortSignal): Promise<number | null>;
  readonly facts: Remembered<Known>;
}

const HOUR_MS = 3_600_000;
const NO_LOCK = new Set([
  "NoSuchObjectLockConfiguration",
  "ObjectLockConfigurationNotFoundError",
  "InvalidRequest",
  "NotImplemented",
  "NoSuchLockConfiguration",
]);

export function bucketOf(config: S3VaultConfig, calls: S3Calls, clock: Clock): Bucket {
  const root = rootOf(config.prefix);
  const Bucket = config.bucket;
  const texts = remembering<string>(8 * 1024 * 1024, 24 * HOUR_MS, clock);
  const facts = remembering<Known>(20_000, HOUR_MS, clock);
  const locks = remembering<boolean>(1, HOUR_MS, clock);

  const bucket: Bucket = {
    config,
    calls,
    root,
    facts,
    async *pages(prefix, { deep, limit, signal }) {
      let token: string | undefined;
      do {
        const from = token;
        const answer = await calls.call(signal, (sdk, client, abortSignal) =>
          client.send(
            new sdk.ListObjectsV2Command({
              Bucket,
              Prefix: `${root}${prefix}`,
              MaxKeys: limit ?? config.pageSize,
              EncodingType: "url",
              ...(deep ? {} : { Delimiter: "/" }),
              ...(from === undefined ? {} : { ContinuationToken: from }),
            }),
            { abortSignal },
          ),
        );
        // Every S3 says this; a portal's or a proxy's page does not, and would read as an empty bucket.
        if (typeof answer.IsTruncated !== "boolean") throw notS3();
        const name = (key: string): string => decodeKey(key, answer.EncodingType).slice(root.length);
        yield {
          objects: (answer.Contents ?? []).map((one) => ({
            key: name(one.Key ?? ""),
            bytes: one.Size ?? 0,
            modifiedAt: seconds(one.LastModified),
            etag: one.ETag ?? "",
            sha256: one.ChecksumAlgorithm?.includes("SHA256") === true && one.ChecksumType !== "COMPOSITE",
          })),
          folders: (answer.CommonPrefixes ?? []).map((one) => name(one.Prefix ?? "")),
        };
        token = answer.IsTruncated === true ? answer.NextContinuationToken : undefined;
        if (answer.IsTruncated === true && (token === undefined || token === "" || token === from))
          throw new AgentError("transient", "listing-stuck", "The server says that there is more and not how to ask for it.");
      } while (token !== undefined);
    },
    async head(key, signal) {
      const answer = await calls.call(signal, (sdk, client, abortSignal) =>
        client
          .send(new sdk.HeadObjectCommand({ Bucket, Key: `${root}${key}`, ChecksumMode: "ENABLED" }), { abortSignal })
          .catch(async (thrown: unknown) => {
            // A HEAD that finds nothing does not say whether the key or the whole bucket is missing.
            if (isAbsent(thrown))
              await client.send(new sdk.HeadBucketCommand({ Bucket }), { abortSignal }).catch((why: unknown) => noBucket(why));
            throw thrown;
          }),
      );
      if (answer.LastModified === undefined || answer.ContentLength === undefined) throw notS3();
      const sum = answer.ChecksumSHA256;
      return {
        key,
        bytes: answer.ContentLength ?? 0,
        modifiedAt: seconds(answer.LastModified),
        etag: answer.ETag ?? "",
        versionId: answer.VersionId ?? null,
        sha256: sum !== undefined && answer.ChecksumType !== "COMPOSITE" && !sum.includes("-") ? hexOf(sum) : null,
        lockedUntil: answer.ObjectLockRetainUntilDate?.getTime() ?? null,
      };
    },
    async text(object, signal) {
      const name = JSON.stringify([object.key, object.etag, object.modifiedAt, object.bytes]);
      const known = texts.get(name);
      if (known !== undefined) return known;
      const bytes = await calls.call(signal, async (sdk, client, abortSignal) => {
        const answer = await client.send(
          new sdk.GetObjectCommand({ Bucket, Key: `${root}${object.key}`, ...(object.etag === "" ? {} : { IfMatch: object.etag }) }),
          { abortSignal },
        );
        if (answer.LastModified === undefined) throw notS3();
        if (answer.ContentLength !== object.bytes || seconds(answer.LastModified) !== object.modifiedAt) throw changed();
        return (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      });
      if (bytes.byteLength !== object.bytes) throw changed();
      const text = new TextDecoder().decode(bytes);
      texts.set(name, text, object.bytes + 200);
      return text;
    },
    async canLock(signal) {
      const known = locks.get("");
      if (known !== undefined) return known;
      const can = await calls.call(signal, (sdk, client, abortSignal) =>
        client.send(new sdk.GetObjectLockConfigurationCommand({ Bucket }), { abortSignal }).then(
          (answer) => answer.ObjectLockConfiguration?.ObjectLockEnabled === "Enabled",
          (thrown: unknown) => {
            const { name, status } = refusalOf(thrown);
            if (NO_LOCK.has(name) || status === 501 || (status === 404 && name !== "NoSuchBucket")) return false;
            // Who may not ask about the bucket may still ask about its objects.
            if (name === "AccessDenied") return true;
            throw thrown;
          },
        ),
      );
      locks.set("", can, 1);
      return can;
    },
    async lockedUntil(key, versionId, signal) {
      return calls.call(signal, (sdk, client, abortSignal) =>
        client
          .send(
            new sdk.GetObjectRetentionCommand({ Bucket, Key: `${root}${key}`, ...(versionId === null ? {} : { VersionId: versionId }) }),
            { abortSignal },
          )
          .then(
            (answer) => answer.Retention?.RetainUntilDate?.getTime() ?? null,
            (thrown: unknown) => {
              const { name, status } = refusalOf(thrown);
              if (NO_LOCK.has(name) || status === 501) return null;
              throw thrown;
            },
          ),
      );
    },
  };
  return bucket;
}

function noBucket(why: unknown): void {
  const { name, status } = refusalOf(why);
  // Without the right to look at the bucket itself, the first answer stands.
  if (status === 404)
    throw Object.assign(new Error("no bucket"), { name: "NoSuchBucket", Code: "NoSuchBucket", $metadata: { httpStatusCode: 404 } });
  if (name === "PermanentRedirect" || status === 301) throw why;
}

export function changed(): AgentError {
  return new AgentError("transient", "artifact-changed", "It changed while it was read.", {
    mend: "it is looked at again at the next poll",
  });
}

export function notS3(): AgentError {
  return new AgentError("transient", "bad-answer", "The server answered with something that is not S3.", {
    mend: "see endpoint: it must be the address of the S3 API",
  });
}

/** Whole seconds, in milliseconds. */
export function seconds(time: Date | undefined): number {
  return Math.floor((time?.getTime() ?? 0) / 1000) * 1000;
}

function hexOf(base64: string): string | null {
  const hex = Buffer.from(base64, "base64").toString("hex");
  return hex.length === 64 ? hex : null;
}
