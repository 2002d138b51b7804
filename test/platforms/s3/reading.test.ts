import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { artifactImmutable } from "../../../agent/checks/artifact-immutable.ts";
import { AgentError } from "../../../agent/core/errors.ts";
import type { CheckView } from "../../../agent/core/ports.ts";
import { expectation, point } from "../../fixtures/checks/build.ts";
import { type S3Server, startS3 } from "../../servers/versitygw.ts";
import { clientOf, clock, newBucket, putInto, sdk, vaultOn } from "./harness.ts";

const signal = new AbortController().signal;
const all = { pattern: "*", signal };
const HOUR = 3_600_000;
let server: S3Server;
let client: sdk.S3Client;
let dir = "";
beforeAll(async () => {
  server = await startS3();
  client = clientOf(server);
  dir = await mkdtemp(join(tmpdir(), "rw-s3r-"));
});
afterAll(async () => {
  client.destroy();
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});
const sum = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const spool = (): Promise<string> => mkdtemp(join(dir, "spool-"));

describe("reading an S3 vault", () => {
  it("turns page after page, files and folders alike, at page sizes that do not divide", async () => {
    const bucket = await newBucket(client);
    const put = putInto(server, client, bucket);
    for (let n = 0; n < 5000; n += 250)
      await Promise.all(
        Array.from({ length: 250 }, (_, i) => put(`many/${String(n + i).padStart(4, "0")}${(n + i) % 500 === 0 ? "/x" : ".json"}`, "x")),
      );
    for (const pageSize of [1000, 333, 7]) {
      const vault = vaultOn(server, bucket, { pageSize });
      const pattern = pageSize === 7 ? "0[0-4]*" : "*";
      const { entries, problems } = await vault.list("many", { pattern, signal });
      expect([entries.length, new Set(entries.map((entry) => entry.path)).size, problems]).toEqual(
        pageSize === 7 ? [500, 500, []] : [5000, 5000, []],
      );
      expect(entries.filter((entry) => entry.kind === "directory")).toHaveLength(pageSize === 7 ? 1 : 10);
    }
    expect(await vaultOn(server, bucket, { pageSize: 999 }).names("many", signal)).toHaveLength(5000);
    await expect(vaultOn(server, bucket, { maxArtifacts: 4999 }).list("many", all)).rejects.toMatchObject({
      kind: "limit",
      code: "too-many-artifacts",
      mend: "narrow path or pattern of the source, or raise maxArtifacts of the vault",
    });
  });

  it("finds and copies what odd keys name", async () => {
    const bucket = await newBucket(client);
    const put = putInto(server, client, bucket);
    const names = ["ü ä+%41.json", "emo😀.json", "a&<b>\"'.json", " lead", "a\\b", "a?b#c=d", "日本/語.json", "%2e%2e", "a+b c", "ﬀ\u0301"];
    for (const name of names) await put(`odd/${name}`, name);
    const vault = vaultOn(server, bucket, { pageSize: 3 });
    const { entries, problems } = await vault.list("odd", all);
    expect(entries.map((entry) => entry.path).toSorted()).toEqual(names.map((name) => `odd/${name.split("/")[0]}`).toSorted());
    expect(problems).toEqual([]);
    for (const entry of entries) {
      const opened = await vault.open(entry.path, { spoolDir: await spool(), maxBytes: 1000, signal });
      const name = entry.path.slice("odd/".length);
      const text = await readFile(entry.kind === "file" ? opened.localPath : join(opened.localPath, "語.json"), "utf8");
      expect(text).toBe(entry.kind === "file" ? name : "日本/語.json");
      await opened.close();
    }
  });

  it("reads what lies there now and not what lay there before, where the bucket keeps versions", async () => {
    const bucket = await newBucket(client, true);
    const put = putInto(server, client, bucket);
    for (const text of ["first", "second", "third"]) await put("v/a.json", text);
    await put("v/gone.json", "x");
    await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: "v/gone.json" }));
    const vault = vaultOn(server, bucket);
    expect((await vault.list("v", all)).entries.map((entry) => [entry.path, entry.bytes])).toEqual([["v/a.json", 5]]);
    await expect(vault.stat("v/gone.json", signal)).rejects.toMatchObject({ code: "not-found" });
    const opened = await vault.open("v/a.json", { spoolDir: await spool(), maxBytes: 10, signal });
    expect(await readFile(opened.localPath, "utf8")).toBe("third");
    // Other bytes of the same size, within the same second.
    await put("v/a.json", "fifth");
    await expect(opened.assertUnchanged()).rejects.toMatchObject({ kind: "transient", code: "artifact-changed" });
    await opened.close();
  });

  it("vouches with the SHA-256 the bucket keeps, unless one lies beside the backup", async () => {
    const bucket = await newBucket(client);
    const put = putInto(server, client, bucket);
    await put("p/a.json", "aaa", undefined, { ChecksumAlgorithm: "SHA256" });
    await put("p/b.json", "bbb", undefined, { ChecksumAlgorithm: "SHA256" });
    await put("p/b.json.sha256", sum("other"));
    await put("p/c.json", "ccc", undefined, { ChecksumAlgorithm: "CRC32" });
    const { entries } = await vaultOn(server, bucket).list("p", all);
    expect(entries.map((entry) => entry.checksum)).toEqual([
      { algorithm: "sha256", value: sum("aaa"), from: "x-amz-checksum-sha256 of p/a.json" },
      { algorithm: "sha256", value: sum("other"), from: "p/b.json.sha256" },
      null,
    ]);
  });

  it("reads parts of an artifact without the rest, of the version that was listed", async () => {
    const bucket = await newBucket(client);
    const put = putInto(server, client, bucket);
    const bytes = randomBytes(3_000_000);
    await put("p/a.zip", bytes);
    const vault = vaultOn(server, bucket);
    const entry = await vault.stat("p/a.zip", signal);
    expect(Buffer.from(await vault.read(entry, 2_999_990, 3_000_000, signal))).toEqual(bytes.subarray(2_999_990));
    expect(Buffer.from(await vault.read(entry, 5, 1_000_005, signal))).toEqual(bytes.subarray(5, 1_000_005));
    expect(await vault.read(entry, 7, 7, signal)).toHaveLength(0);
    await expect(vault.read(entry, 0, 3_000_001, signal)).rejects.toMatchObject({ code: "bad-range" });
    await put("p/a.zip", randomBytes(3_000_000));
    await expect(vault.read(entry, 0, 10, signal)).rejects.toMatchObject({ kind: "transient", code: "artifact-changed" });
    await expect(vault.read({ ...entry, path: "p/b.zip" }, 0, 10, signal)).rejects.toMatchObject({ code: "not-found" });
  });

  it("says when there is no place for a copy, and leaves nothing behind", async () => {
    const bucket = await newBucket(client);
    const put = putInto(server, client, bucket);
    for (const name of ["a", "b", "c"]) await put(`d/${name}`, randomBytes(1000));
    const spoolDir = join(await spool(), "file");
    await writeFile(spoolDir, "");
    const vault = vaultOn(server, bucket);
    for (const path of ["d", "d/a"]) {
      const error: unknown = await vault.open(path, { spoolDir, maxBytes: 10_000, signal }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(AgentError);
      expect((error as AgentError).message).toBe(`"${path}": A file or directory of this machine cannot be used for a copy.`);
    }
    expect(await readFile(spoolDir, "utf8")).toBe("");
  });

  it("takes what consoles make to show an empty folder for no file", async () => {
    const bucket = await newBucket(client);
    const put = putInto(server, client, bucket);
    await put("p/empty/", "");
    await put("p/full/", "");
    await put("p/full/a", "12");
    const vault = vaultOn(server, bucket);
    expect((await vault.list("p", all)).entries.map(({ path, kind, bytes }) => [path, kind, bytes])).toEqual([
      ["p/empty", "directory", 0],
      ["p/full", "directory", 2],
    ]);
    const opened = await vault.open("p/full", { spoolDir: await spool(), maxBytes: 10, signal });
    expect(await readdir(opened.localPath)).toEqual(["a"]);
  });
});

describe("protection of what lies in S3", () => {
  const locked = (ms: number): Partial<sdk.PutObjectCommandInput> => ({
    ObjectLockMode: "COMPLIANCE",
    ObjectLockRetainUntilDate: new Date(clock.now() + ms),
    ChecksumAlgorithm: "SHA256",
  });

  it("is told of files, and of a folder as that of its least protected file", async () => {
    const bucket = await newBucket(client, true);
    const put = putInto(server, client, bucket);
    const now = clock.now();
    await put("p/locked.json", "x", undefined, locked(48 * HOUR));
    await put("p/open.json", "x");
    await put("p/both/a", "x", undefined, locked(48 * HOUR));
    await put("p/both/b", "x", undefined, locked(24 * HOUR));
    await put("p/half/a", "x", undefined, locked(48 * HOUR));
    await put("p/half/b", "x");
    const vault = vaultOn(server, bucket);
    const hours = (until: number | null): number | null => (until === null ? null : Math.round((until - now) / HOUR));
    for (const { entries } of [await vault.list("p", all), await vault.list("p", all)])
      expect(entries.map((entry) => [entry.path, hours(entry.immutableUntil)])).toEqual([
        ["p/both", 24],
        ["p/half", null],
        ["p/locked.json", 48],
        ["p/open.json", null],
      ]);
    expect(hours((await vault.stat("p/both", signal)).immutableUntil)).toBe(24);
  });

  it("is what artifact.immutable goes by", async () => {
    const bucket = await newBucket(client, true);
    const put = putInto(server, client, bucket);
    await put("p/long.json", "x", undefined, locked(48 * HOUR));
    await put("p/short.json", "x", undefined, locked(2 * HOUR));
    await put("p/open.json", "x");
    const { entries } = await vaultOn(server, bucket).list("p", all);
    const asked = await Promise.all(
      entries.map(async ({ immutableUntil, modifiedAt }) => {
        const base = expectation({ point: point({ immutableUntil, createdAt: modifiedAt }) });
        return artifactImmutable.run({} as CheckView, { ...base, objectives: { ...base.objectives, immutableMs: 24 * HOUR } });
      }),
    );
    expect(entries.map((entry, index) => [entry.path, asked[index]?.status])).toEqual([
      ["p/long.json", "pass"],
      ["p/open.json", "fail"],
      ["p/short.json", "fail"],
    ]);
  });

  it("that is made longer shows at once in a look afresh", async () => {
    const bucket = await newBucket(client, true);
    await putInto(server, client, bucket)("p/a.json", "x", undefined, locked(HOUR));
    const vault = vaultOn(server, bucket);
    const [entry] = (await vault.list("p", all)).entries;
    const until = new Date(clock.now() + 10 * HOUR);
    await client.send(
      new sdk.PutObjectRetentionCommand({ Bucket: bucket, Key: "p/a.json", Retention: { Mode: "COMPLIANCE", RetainUntilDate: until } }),
    );
    expect((await vault.stat("p/a.json", signal)).immutableUntil).toBeGreaterThan((entry?.immutableUntil ?? 0) + 8 * HOUR);
  });
});
