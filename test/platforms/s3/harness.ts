/** Vaults over a real S3 server, and a client of the tests' own beside them. */
import { rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import * as sdk from "@aws-sdk/client-s3";
import { systemClock } from "../../../agent/kit/clock.ts";
import { Secret } from "../../../agent/kit/secret.ts";
import type { S3Deps } from "../../../agent/vaults/s3/client.ts";
import { s3Vault } from "../../../agent/vaults/s3/index.ts";
import { type S3VaultConfig, s3VaultSchema } from "../../../agent/vaults/s3/schema.ts";
import type { S3Server } from "../../servers/versitygw.ts";

export const clock = systemClock();
let buckets = 0;

export function secretOf(value: () => string): Secret {
  return new Secret(
    { env: "KEY" },
    {
      env: {
        get KEY() {
          return value();
        },
      },
      baseDir: "/",
    },
  );
}

export function configOf(
  server: Pick<S3Server, "endpoint" | "accessKeyId" | "secretAccessKey">,
  more: Partial<S3VaultConfig>,
): S3VaultConfig {
  const parsed = s3VaultSchema.parse({
    bucket: "unset",
    endpoint: server.endpoint,
    accessKeyId: { env: "ID" },
    secretAccessKey: { env: "KEY" },
  });
  return { ...parsed, accessKeyId: secretOf(() => server.accessKeyId), secretAccessKey: secretOf(() => server.secretAccessKey), ...more };
}

export function vaultOn(server: S3Server, bucket: string, more: Partial<S3VaultConfig> = {}, deps: Partial<S3Deps> = {}) {
  return s3Vault("nightly", configOf(server, { bucket, ...more }), { clock, random: () => 0.1, ...deps });
}

export function clientOf(server: S3Server): sdk.S3Client {
  return new sdk.S3Client({
    endpoint: server.endpoint,
    region: server.region,
    forcePathStyle: true,
    credentials: { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey },
  });
}

export async function newBucket(client: sdk.S3Client, lock = false): Promise<string> {
  buckets += 1;
  const Bucket = `bucket-${process.pid}-${buckets}`;
  await client.send(new sdk.CreateBucketCommand({ Bucket, ...(lock ? { ObjectLockEnabledForBucket: true } : {}) }));
  return Bucket;
}

export interface Put {
  (
    path: string,
    bytes: string | Uint8Array,
    mtime?: number,
    more?: Partial<sdk.PutObjectCommandInput>,
  ): Promise<sdk.PutObjectCommandOutput>;
}

/** Puts as a backup job would; the server has no way to set a time, its folder has. */
export function putInto(server: S3Server, client: sdk.S3Client, Bucket: string): Put {
  return async (path, bytes, mtime, more = {}) => {
    const answer = await client.send(new sdk.PutObjectCommand({ Bucket, Key: path, Body: bytes, ...more }));
    if (mtime !== undefined) await utimes(join(server.directory, Bucket, path), mtime / 1000, mtime / 1000);
    return answer;
  };
}

export async function removeFrom(client: sdk.S3Client, Bucket: string, path: string): Promise<void> {
  const { Contents = [] } = await client.send(new sdk.ListObjectsV2Command({ Bucket, Prefix: path }));
  for (const { Key = "" } of Contents)
    if (Key === path || Key.startsWith(`${path}/`)) await client.send(new sdk.DeleteObjectCommand({ Bucket, Key }));
}

export async function dropBucket(server: S3Server, Bucket: string): Promise<void> {
  await rm(join(server.directory, Bucket), { recursive: true, force: true });
}

export { sdk };
