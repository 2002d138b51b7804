import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkCommand } from "../../../agent/cli/check.ts";
import { loadConfig } from "../../../agent/config/load.ts";
import type { AgentError } from "../../../agent/core/errors.ts";
import { PLATFORMS } from "../../../agent/core/words.ts";
import type { Clock } from "../../../agent/core/ports.ts";
import { vaults } from "../../../agent/vaults/api.ts";
import { s3Vault } from "../../../agent/vaults/s3/index.ts";
import { s3VaultWriter } from "../../../agent/vaults/s3/writer.ts";
import { type S3Server, startS3 } from "../../servers/versitygw.ts";
import { capturedOutput } from "../../unit/config/captured-output.ts";
import { type BadLine, badLine } from "./bad-line.ts";
import { clientOf, clock, configOf, newBucket, putInto, sdk, secretOf, vaultOn } from "./harness.ts";

const signal = new AbortController().signal;
const all = { pattern: "*", signal };
let server: S3Server;
let client: sdk.S3Client;
let dir = "";
beforeAll(async () => {
  server = await startS3();
  client = clientOf(server);
  dir = await mkdtemp(join(tmpdir(), "rw-s3x-"));
});
afterAll(async () => {
  client.destroy();
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

const quick: Clock = { ...clock, sleep: (ms, stop) => clock.sleep(ms <= 5000 ? 1 : ms, stop) };
const sum = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
async function over<T>(line: BadLine, work: (server: S3Server) => Promise<T>): Promise<T> {
  try {
    return await work({ ...server, endpoint: line.endpoint });
  } finally {
    await line.close();
  }
}

describe("a line that is cut again and again", () => {
  const bytes = randomBytes(30 * 2 ** 20);

  it("brings the whole backup down all the same", async () => {
    const bucket = await newBucket(client);
    await putInto(server, client, bucket)("p/a.zip", bytes);
    const line = await badLine(server.endpoint, (number) => 1_000_000 + 400_000 * (number % 5));
    await over(line, async (there) => {
      const spoolDir = await mkdtemp(join(dir, "spool-"));
      const opened = await vaultOn(there, bucket, {}, { clock: quick }).open("p/a.zip", { spoolDir, maxBytes: 2 ** 30, signal });
      expect(sum(await readFile(opened.localPath))).toBe(sum(bytes));
      await opened.close();
    });
    expect(line.cuts()).toBeGreaterThan(10);
  });

  it("takes a capture up whole, or leaves nothing and says that it did not", async () => {
    const bucket = await newBucket(client);
    const localPath = join(dir, "capture");
    await writeFile(localPath, bytes);
    const put = (there: S3Server): Promise<void> =>
      s3VaultWriter(configOf(there, { bucket }), "c/", { clock: quick, random: () => 0.1 }).put(
        "c/a.zip",
        { localPath, sha256: sum(bytes) },
        { immutableUntil: null, signal },
      );
    // Every connection breaks somewhere in a part: none ever gets through.
    await over(
      await badLine(
        server.endpoint,
        () => Infinity,
        () => 3_000_000,
      ),
      async (there) => {
        await expect(put(there)).rejects.toMatchObject({ kind: "transient", code: "connection" });
      },
    );
    const uploads = async (): Promise<number> =>
      (await client.send(new sdk.ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0;
    expect([await uploads(), (await client.send(new sdk.ListObjectsV2Command({ Bucket: bucket }))).KeyCount]).toEqual([0, 0]);
    // Some connections break.
    const line = await badLine(
      server.endpoint,
      () => Infinity,
      (number) => (number % 3 === 1 ? 5_000_000 : Infinity),
    );
    await over(line, put);
    expect([await uploads(), line.cuts() > 0]).toEqual([0, true]);
    const head = await vaultOn(server, bucket).stat("c/a.zip", signal);
    expect(head.bytes).toBe(bytes.length);
    await put(server);
  });

  it("never makes a short listing look whole", async () => {
    const bucket = await newBucket(client);
    const put = putInto(server, client, bucket);
    await Promise.all(Array.from({ length: 60 }, (_, n) => put(`p/${n}.json`, "x")));
    for (let limit = 500; limit < 30_000; limit += 1733) {
      const line = await badLine(server.endpoint, () => limit);
      const outcome = await over(line, (there) =>
        vaultOn(there, bucket, { pageSize: 20 }, { clock: quick })
          .list("p", all)
          .then(
            ({ entries }) => entries.length,
            (thrown: AgentError) => thrown.kind,
          ),
      );
      expect([60, "transient"], `cut after ${limit} bytes`).toContain(outcome);
    }
  });

  it("leaves no copy where the server goes away for good", async () => {
    const bucket = await newBucket(client);
    await putInto(server, client, bucket)("p/a.zip", bytes);
    const spoolDir = await mkdtemp(join(dir, "spool-"));
    const line = await badLine(server.endpoint, (number) => (number < 6 ? 2_000_000 : 0));
    await over(line, async (there) => {
      const opening = vaultOn(there, bucket, {}, { clock: quick }).open("p/a.zip", { spoolDir, maxBytes: 2 ** 30, signal });
      await expect(opening).rejects.toMatchObject({ kind: "transient", code: "connection" });
    });
    expect(await readdir(spoolDir)).toEqual([]);
  });
});

describe("a server that refuses", () => {
  it("wrong keys, a wrong region, a clock that is off: each is said as what it is", async () => {
    const bucket = await newBucket(client);
    const wrong = { bucket, secretAccessKey: secretOf(() => "hunter2-hunter2") };
    const vault = s3Vault("v", configOf(server, wrong), { clock });
    for (const work of [() => vault.list("", all), () => vault.names("", signal)])
      await expect(work()).rejects.toMatchObject({ kind: "auth", code: "credentials-refused" });
    // A HEAD is refused without a reason.
    await expect(vault.stat("a", signal)).rejects.toMatchObject({ kind: "auth" });
    const unknown = s3Vault("v", configOf(server, { bucket, accessKeyId: secretOf(() => "NOBODY") }), { clock });
    await expect(unknown.list("", all)).rejects.toMatchObject({ kind: "auth", code: "credentials-refused" });
    await expect(vaultOn(server, bucket, { region: "eu-west-1" }).list("", all)).rejects.toMatchObject({
      kind: "config",
      code: "wrong-region",
    });
    const off = vaultOn(server, bucket, {}, { clock: { ...clock, now: () => Date.now() - 7_200_000 } });
    // Not only the first time: the SDK would set its own clock right and go on.
    for (let n = 0; n < 3; n += 1)
      await expect(off.list("", all)).rejects.toMatchObject({
        kind: "config",
        code: "clock-skew",
        mend: "set the clock of this machine, with NTP",
      });
  });

  it("keys that were changed while the agent runs are found without a restart", async () => {
    const bucket = await newBucket(client);
    await putInto(server, client, bucket)("p/a.json", "x");
    let secret = server.secretAccessKey;
    const vault = s3Vault("v", configOf(server, { bucket, secretAccessKey: secretOf(() => secret) }), { clock });
    expect((await vault.list("p", all)).entries).toHaveLength(1);
    secret = "changed-but-wrong";
    // Nobody refused the old key yet.
    expect((await vault.list("p", all)).entries).toHaveLength(1);
    const early = s3Vault("v", configOf(server, { bucket, secretAccessKey: secretOf(() => secret) }), { clock });
    await expect(early.stat("p/a.json", signal)).rejects.toMatchObject({ kind: "auth" });
    secret = server.secretAccessKey;
    expect((await early.stat("p/a.json", signal)).bytes).toBe(1);
  });
});

describe("restorewatch check", () => {
  it("says in one line what is wrong with a bucket", async () => {
    const bucket = await newBucket(client);
    await putInto(server, client, bucket)("crm/a.grist", "x");
    const line = async (vault: string, secret = server.secretAccessKey): Promise<string> => {
      const text = `vaults:\n  nightly: { type: s3, ${vault}, accessKeyId: { env: ID }, secretAccessKey: { env: KEY } }\nsources:\n  - { id: crm, platform: { type: grist }, backups: { vault: nightly, path: crm, settle: 0s } }\n`;
      const captured = capturedOutput();
      await checkCommand(
        { output: "json" },
        {
          out: captured.out,
          clock,
          loadConfig: () =>
            loadConfig({
              path: "restorewatch.yaml",
              readFile: async () => new TextEncoder().encode(text),
              env: { ID: server.accessKeyId, KEY: secret },
              registries: { vaults, formats: [{ id: "grist", summary: "" }], platforms: [...PLATFORMS] },
            }),
          openVaults: async (config) =>
            new Map(
              config.vaults.map((one) => {
                const definition = vaults.find((candidate) => candidate.type === one.type);
                if (definition === undefined) throw new Error("no such type");
                return [one.id, definition.create(one.id, one.config, { baseDir: "/", clock, env: {} })];
              }),
            ),
          probeIsolation: async () => ({
            process: true,
            permissions: true,
            network: true,
            memoryLimit: true,
            databaseLocked: true,
            notes: [],
          }),
          formats: [{ id: "grist", summary: "" }],
        },
      );
      const { sources } = JSON.parse(captured.stdout()) as { sources: { error: string | null; artifacts: number }[] };
      const [source] = sources;
      return source?.error ?? `${source?.artifacts} artifacts`;
    };
    const host = new URL(server.endpoint).host;
    const here = `endpoint: "${server.endpoint}"`;
    expect(await line(`${here}, bucket: ${bucket}`)).toBe("1 artifacts");
    expect(await line(`${here}, bucket: never-made`)).toBe(
      `"crm": There is no bucket "never-made"; mend: see bucket, region and endpoint of the vault`,
    );
    expect(await line(`${here}, bucket: ${bucket}`, "hunter2hunter2")).toContain(
      `${host} refuses the access key; mend: see accessKeyId and secretAccessKey`,
    );
    expect(await line(`${here}, bucket: ${bucket}, region: eu-west-1`)).toMatch(
      /does not lie in region eu-west-1; mend: write region: us-east-1/u,
    );
    expect(await line(`endpoint: "http://127.0.0.1:9", bucket: ${bucket}`)).toMatch(
      /could not be made or was cut \(ECONNREFUSED\); mend: see endpoint/u,
    );
  });
});
