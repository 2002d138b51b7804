import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { s3VaultWriter } from "../../../agent/vaults/s3/writer.ts";
import { type S3Server, startS3 } from "../../servers/versitygw.ts";
import { clientOf, clock, configOf, newBucket, putInto, sdk, vaultOn } from "./harness.ts";

const signal = new AbortController().signal;
const HOUR = 3_600_000;
let server: S3Server;
let client: sdk.S3Client;
let dir = "";
beforeAll(async () => {
  server = await startS3();
  client = clientOf(server);
  dir = await mkdtemp(join(tmpdir(), "rw-s3w-"));
});
afterAll(async () => {
  client.destroy();
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

const sum = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const free = { immutableUntil: null, signal };
const writerOn = (bucket: string, more = {}) =>
  s3VaultWriter(configOf(server, { bucket, prefix: "vault/", ...more }), "captures/crm/", { clock });
async function fileOf(name: string, bytes: Uint8Array): Promise<{ localPath: string; sha256: string }> {
  const localPath = join(dir, name);
  await writeFile(localPath, bytes);
  return { localPath, sha256: sum(bytes) };
}
async function keysOf(Bucket: string): Promise<string[]> {
  const { Contents = [] } = await client.send(new sdk.ListObjectsV2Command({ Bucket }));
  return Contents.map((one) => one.Key ?? "");
}
async function uploadsOf(Bucket: string): Promise<number> {
  return (await client.send(new sdk.ListMultipartUploadsCommand({ Bucket }))).Uploads?.length ?? 0;
}
async function versionsOf(Bucket: string): Promise<number> {
  const { Versions = [], DeleteMarkers = [] } = await client.send(new sdk.ListObjectVersionsCommand({ Bucket }));
  return Versions.length + DeleteMarkers.length;
}

describe("captures put into S3", () => {
  it("lie under the prefix, are listed with the bucket's own checksum, and are read back as they were", async () => {
    const bucket = await newBucket(client);
    const bytes = randomBytes(100_000);
    await writerOn(bucket).put("captures/crm/ü 1.bag.zip", await fileOf("small", bytes), free);
    await writerOn(bucket).put("captures/crm/ü 1.bag.zip.run.json", { text: '{"outcome":"success"}\n' }, free);
    expect(await keysOf(bucket)).toEqual(["vault/captures/crm/ü 1.bag.zip", "vault/captures/crm/ü 1.bag.zip.run.json"]);
    const vault = vaultOn(server, bucket, { prefix: "vault/" });
    const { entries, reports } = await vault.list("captures/crm", { pattern: "*", signal });
    expect(entries).toMatchObject([
      {
        path: "captures/crm/ü 1.bag.zip",
        bytes: 100_000,
        immutableUntil: null,
        checksum: { algorithm: "sha256", value: sum(bytes), from: "x-amz-checksum-sha256 of captures/crm/ü 1.bag.zip" },
      },
    ]);
    expect(reports.map((report) => report.text)).toEqual(['{"outcome":"success"}\n']);
  });

  it("of 40 MB go up in parts and come down in parts, byte for byte", async () => {
    const bucket = await newBucket(client);
    const bytes = randomBytes(40 * 2 ** 20 + 123);
    await writerOn(bucket).put("captures/crm/big.bag.zip", await fileOf("big", bytes), free);
    expect(await uploadsOf(bucket)).toBe(0);
    const vault = vaultOn(server, bucket, { prefix: "vault/" });
    const entry = await vault.stat("captures/crm/big.bag.zip", signal);
    // What a bucket keeps of an upload in parts is a digest of digests, which nothing can be compared with.
    expect(entry).toMatchObject({ bytes: bytes.length, checksum: null });
    const spoolDir = await mkdtemp(join(dir, "spool-"));
    const opened = await vault.open("captures/crm/big.bag.zip", { spoolDir, maxBytes: 2 ** 30, signal });
    expect(sum(await readFile(opened.localPath))).toBe(sum(bytes));
    await opened.assertUnchanged();
    await opened.close();
    // The same again is no trouble, other bytes of the same size are.
    await writerOn(bucket).put("captures/crm/big.bag.zip", await fileOf("big", bytes), free);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await expect(writerOn(bucket).put("captures/crm/big.bag.zip", await fileOf("big", bytes), free)).rejects.toMatchObject({
      kind: "limit",
      code: "exists-already",
    });
    expect(await uploadsOf(bucket)).toBe(0);
  });

  it("never go over something else, and are content where the same lies there already", async () => {
    const bucket = await newBucket(client);
    const writer = writerOn(bucket);
    const a = await fileOf("a", Buffer.from("aaa"));
    await writer.put("captures/crm/a", a, free);
    await writer.put("captures/crm/a", a, free);
    await expect(writer.put("captures/crm/a", await fileOf("b", Buffer.from("bbb")), free)).rejects.toMatchObject({
      code: "exists-already",
    });
    await expect(writer.put("captures/crm/a", { text: "aaaa" }, free)).rejects.toMatchObject({ code: "exists-already" });
    // Put by somebody whose bucket keeps no SHA-256.
    await putInto(server, client, bucket)("vault/captures/crm/c", "ccc");
    await writer.put("captures/crm/c", { text: "ccc" }, free);
    await expect(writer.put("captures/crm/c", { text: "ccd" }, free)).rejects.toMatchObject({ code: "exists-already" });
  });

  it("of two writers at once, one wins and the other says that something is there", async () => {
    const bucket = await newBucket(client);
    const files = await Promise.all([1, 2, 3, 4].map((n) => fileOf(`race-${n}`, randomBytes(200_000))));
    const outcomes = await Promise.all(
      files.map((file) =>
        writerOn(bucket)
          .put("captures/crm/race", file, free)
          .then(
            () => "put",
            (thrown: { code: string }) => thrown.code,
          ),
      ),
    );
    expect(outcomes.toSorted()).toEqual(["exists-already", "exists-already", "exists-already", "put"]);
    const { value } = (await vaultOn(server, bucket, { prefix: "vault/" }).stat("captures/crm/race", signal)).checksum ?? { value: null };
    expect(value).toBe(files[outcomes.indexOf("put")]?.sha256);
  });

  it("that are not what they are said to be are not put, in one request or in parts", async () => {
    const bucket = await newBucket(client);
    for (const [name, bytes] of [
      ["small", randomBytes(1000)],
      ["big", randomBytes(20 * 2 ** 20)],
    ] as const) {
      const file = { ...(await fileOf(name, bytes)), sha256: sum("else") };
      await expect(writerOn(bucket).put(`captures/crm/${name}`, file, free)).rejects.toMatchObject({
        kind: "transient",
        code: "copy-differs",
      });
    }
    expect([await keysOf(bucket), await uploadsOf(bucket)]).toEqual([[], 0]);
  });

  it("leave no parts behind where they are stopped", async () => {
    const bucket = await newBucket(client);
    const file = await fileOf("stopped", randomBytes(64 * 2 ** 20));
    const stop = new AbortController();
    const putting = writerOn(bucket).put("captures/crm/stopped", file, { immutableUntil: null, signal: stop.signal });
    const rejected = expect(putting).rejects.toMatchObject({ kind: "transient", code: "aborted" });
    await expect.poll(() => uploadsOf(bucket), { interval: 5 }).toBe(1);
    stop.abort();
    await rejected;
    expect([await keysOf(bucket), await uploadsOf(bucket)]).toEqual([[], 0]);
  });

  it("lie below the source's own folder and nowhere else", async () => {
    const bucket = await newBucket(client);
    for (const path of ["captures/hr/x", "captures/crm", "captures/crm/../hr/x", "x", "/captures/crm/x"]) {
      await expect(writerOn(bucket).put(path, { text: "x" }, free), path).rejects.toMatchObject({ kind: "config" });
      await expect(writerOn(bucket).remove(path, signal), path).rejects.toMatchObject({ kind: "config" });
    }
    expect(await keysOf(bucket)).toEqual([]);
  });

  it("are removed with what stands beside them, with all their versions, and nothing else is", async () => {
    for (const lock of [false, true]) {
      const bucket = await newBucket(client, lock);
      const put = putInto(server, client, bucket);
      for (const name of ["a", "a.run.json", "a.sha256", "a2", "a.bak"]) await put(`vault/captures/crm/${name}`, name);
      if (lock) {
        await put("vault/captures/crm/a", "second");
        await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: "vault/captures/crm/a" }));
        await put("vault/captures/crm/a", "third");
      }
      await writerOn(bucket).remove("captures/crm/a", signal);
      await writerOn(bucket).remove("captures/crm/a", signal);
      expect(await keysOf(bucket)).toEqual(["vault/captures/crm/a.bak", "vault/captures/crm/a2"]);
      expect(await versionsOf(bucket)).toBe(2);
    }
  });
});

describe("captures that are to be immutable", () => {
  it("are locked until then, in one request or in parts, and the vault tells it", async () => {
    const bucket = await newBucket(client, true);
    const until = clock.now() + HOUR + 1;
    for (const [name, size] of [
      ["small", 1000],
      ["big", 17 * 2 ** 20],
    ] as const) {
      const writer = writerOn(bucket);
      await writer.put(`captures/crm/${name}`, await fileOf(name, randomBytes(size)), { immutableUntil: until, signal });
      await writer.put(`captures/crm/${name}.run.json`, { text: "{}" }, free);
      const error = await writer.remove(`captures/crm/${name}`, signal).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ kind: "auth", code: "still-immutable" });
      // Refused as a whole: what stands beside it is still there.
      expect(await keysOf(bucket)).toContain(`vault/captures/crm/${name}.run.json`);
    }
    const { entries } = await vaultOn(server, bucket, { prefix: "vault" }).list("captures/crm", { pattern: "*", signal });
    for (const entry of entries) expect(entry.immutableUntil).toBeGreaterThanOrEqual(Math.floor(until / 1000) * 1000);
    expect(entries).toHaveLength(2);
  });

  it("are locked although the same bytes lay there unlocked", async () => {
    const bucket = await newBucket(client, true);
    await writerOn(bucket, { objectLock: "governance" }).put("captures/crm/a", { text: "a" }, free);
    await writerOn(bucket, { objectLock: "governance" }).put(
      "captures/crm/a",
      { text: "a" },
      { immutableUntil: clock.now() + HOUR, signal },
    );
    await expect(writerOn(bucket).remove("captures/crm/a", signal)).rejects.toMatchObject({ code: "still-immutable" });
  });

  it("are refused by a bucket that cannot lock, before anything is put", async () => {
    const bucket = await newBucket(client);
    const putting = writerOn(bucket).put("captures/crm/a", { text: "a" }, { immutableUntil: clock.now() + HOUR, signal });
    await expect(putting).rejects.toMatchObject({ kind: "config", code: "no-object-lock" });
    expect(await keysOf(bucket)).toEqual([]);
  });

  it("are not removed under a legal hold either", async () => {
    const bucket = await newBucket(client, true);
    await writerOn(bucket).put("captures/crm/a", { text: "a" }, free);
    await client.send(new sdk.PutObjectLegalHoldCommand({ Bucket: bucket, Key: "vault/captures/crm/a", LegalHold: { Status: "ON" } }));
    await expect(writerOn(bucket).remove("captures/crm/a", signal)).rejects.toMatchObject({ kind: "auth", code: "still-immutable" });
    expect(await keysOf(bucket)).toEqual(["vault/captures/crm/a"]);
  });
});
