import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { vaultContract } from "../../contracts/vault.ts";
import { type S3Server, startS3 } from "../../servers/versitygw.ts";
import { clientOf, dropBucket, newBucket, putInto, removeFrom, type sdk, vaultOn } from "./harness.ts";

let server: S3Server;
let client: sdk.S3Client;
beforeAll(async () => {
  server = await startS3();
  client = clientOf(server);
});
afterAll(async () => {
  client.destroy();
  await server.stop();
});

for (const { name, prefix } of [
  { name: "s3, a whole bucket", prefix: "" },
  { name: "s3, a folder of a bucket", prefix: "no code/ü/" },
])
  vaultContract({
    name,
    async create() {
      const bucket = await newBucket(client);
      const put = putInto(server, client, bucket);
      return {
        vault: vaultOn(server, bucket, { prefix }),
        put: async (path, bytes, mtime) => {
          await put(`${prefix}${path}`, bytes, mtime);
        },
        remove: (path) => removeFrom(client, bucket, `${prefix}${path}`),
        dispose: () => dropBucket(server, bucket),
      };
    },
    skips: [],
  });

describe("an S3 vault that holds nothing", () => {
  it("lists an empty bucket as empty, and a bucket that is not there as not found", async () => {
    const signal = new AbortController().signal;
    const bucket = await newBucket(client);
    expect(await vaultOn(server, bucket).list("", { pattern: "*", signal })).toEqual({ entries: [], reports: [], problems: [] });
    expect(await vaultOn(server, bucket).names("", signal)).toEqual([]);
    const missing = vaultOn(server, "never-made");
    for (const work of [() => missing.list("", { pattern: "*", signal }), () => missing.stat("a.json", signal)])
      await expect(work()).rejects.toMatchObject({
        kind: "not_found",
        code: "no-such-bucket",
        mend: "see bucket, region and endpoint of the vault",
      });
  });
});
