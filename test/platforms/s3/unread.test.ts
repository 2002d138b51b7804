/** A drill over a bag in a real bucket that leaves most attachments there: by the bytes that came over the line. */
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CheckResult } from "../../../agent/core/values.ts";
import { runDrillChild } from "../../../agent/engine/drill-child/index.ts";
import { probeIsolation } from "../../../agent/engine/drill-child/isolation.ts";
import { leaveBehind } from "../../../agent/engine/unread.ts";
import { bag } from "../../../agent/formats/bag/index.ts";
import { sha256Hex } from "../../../agent/core/ids.ts";
import { writeBag } from "../../fixtures/bag/write.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";
import { jobPlace } from "../../integration/drill-child/job.ts";
import { type S3Server, startS3 } from "../../servers/versitygw.ts";
import { clientOf, clock, newBucket, putInto, type sdk, vaultOn } from "./harness.ts";

const signal = new AbortController().signal;
const ATTACHMENTS = 40;
const EACH = 500_000;
let server: S3Server;
let client: sdk.S3Client;
let home = "";
let bucket = "";
let total = 0;
let line: { readonly endpoint: string; came: number; readonly server: Server };

beforeAll(async () => {
  server = await startS3();
  client = clientOf(server);
  home = await mkdtemp(join(tmpdir(), "rw-s3u-"));
  bucket = await newBucket(client);
  line = await countingLine(new URL(server.endpoint));
  const files = Array.from({ length: ATTACHMENTS }, () => randomBytes(EACH));
  const directory = join(home, "bag");
  await writeBag(directory, {
    tables: [
      {
        id: "deals",
        fields: [
          { id: "name", type: "text" },
          { id: "papers", type: "files" },
        ],
        rows: Array.from({ length: 2000 }, (_, n) => ({
          _key: String(n + 1),
          name: `Deal ${n + 1}`,
          papers: n < ATTACHMENTS ? [`f${n}`] : [],
        })),
      },
    ],
    rowsPerPart: 50,
    files,
    metadata: {
      files: files.map((bytes, n) => ({ id: `f${n}`, name: `${n}.bin`, bytes: EACH, type: null, sha256: sha256Hex(bytes) })),
    },
  });
  const put = putInto(server, client, bucket);
  for (const path of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!path.isFile()) continue;
    const place = join(path.parentPath, path.name);
    const bytes = await readFile(place);
    total += bytes.length;
    await put(`crm/today${place.slice(directory.length)}`, bytes);
  }
});
afterAll(async () => {
  client.destroy();
  line.server.close();
  await server.stop();
  await rm(home, { recursive: true, force: true });
});

/** In front of the server; counts what it sends. */
async function countingLine(to: URL): Promise<typeof line> {
  const open = new Set<Socket>();
  const proxy = createServer((socket) => {
    const far = createConnection(Number(to.port), to.hostname);
    for (const one of [socket, far]) {
      open.add(one);
      one.on("error", () => one.destroy());
      one.on("close", () => open.delete(one));
    }
    far.on("data", (chunk) => (counted.came += chunk.length));
    socket.pipe(far).pipe(socket);
  });
  await new Promise<void>((resolve) => {
    proxy.listen(0, "127.0.0.1", resolve);
  });
  const counted = { endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, came: 0, server: proxy };
  proxy.on("close", () => open.clear());
  return counted;
}

async function drilled(maxBytes: number | undefined) {
  const vault = vaultOn(server, bucket, { endpoint: line.endpoint });
  const place = await jobPlace();
  const spoolDir = join(place.base, "spool");
  await mkdir(spoolDir);
  const before = line.came;
  const opened = await vault.open("crm/today", {
    spoolDir,
    maxBytes: 100_000_000,
    signal,
    ...leaveBehind(maxBytes, (files) => bag.spares?.(files) ?? [], "5eed"),
  });
  const came = line.came - before;
  try {
    const telemetry = memoryTelemetry();
    const job = {
      ...place.job,
      artifactPath: opened.localPath,
      artifactName: "crm/today",
      ...(opened.unread === undefined ? {} : { unread: opened.unread }),
    };
    const isolation = await probeIsolation();
    const outcome = await telemetry.span("restore.drill", {}, (span) => runDrillChild(job, { isolation, clock, span, signal }));
    await opened.assertUnchanged();
    return { outcome, came, unread: opened.unread, said: said(outcome.checks) };
  } finally {
    await opened.close();
    await place.remove();
  }
}

const said = (checks: readonly CheckResult[]): Readonly<Record<string, string>> =>
  Object.fromEntries(checks.map((check) => [check.id, `${check.status}: ${check.observed}`]));

describe("a drill of which attachments are left in the bucket", () => {
  it("fetches a fraction, loads every record, and says what it did not read", async () => {
    const { outcome, came, unread, said } = await drilled(2_000_000);
    expect(unread).toHaveLength(36);
    expect(came).toBeLessThan(0.2 * total);
    expect(came).toBeGreaterThan(2_000_000);
    expect(outcome.trouble).toBeNull();
    expect(outcome.facts?.inventory.records).toBe(2000);
    expect(outcome.artifact).toMatchObject({ bytes: total, sha256: null, unread: { files: 36, bytes: 36 * EACH } });
    expect(outcome.checks.filter((check) => check.status === "fail" || check.status === "error")).toEqual([]);
    const files = outcome.artifact?.files ?? 0;
    expect(said["artifact.checksum"]).toContain(`; read were ${files - 36} of ${files} files, `);
    expect(said["artifact.checksum"]).toMatch(/[\d.]+ MB of [\d.]+ MB, the rest was left in the vault$/u);
    expect(said["files.digest"]).toBe("pass: 4 attachments as stated, 36 attachments left unread in the vault");
    expect(said["files.present"]).toBe("pass: 40 attachments there, 36 attachments left unread in the vault");
  });

  it("fetches everything where nothing limits it, and then says nothing of a share", async () => {
    const { outcome, came, unread, said } = await drilled(undefined);
    expect(unread).toBeUndefined();
    expect(came).toBeGreaterThan(total);
    expect(outcome.artifact?.sha256).toMatch(/^[0-9a-f]{64}$/u);
    expect(said["artifact.checksum"]).toMatch(/^pass: \d+ checksums agree$/u);
    expect(said["files.digest"]).toBe("pass: 40 attachments as stated");
  });

  it("an attachment that is gone from the bucket is missing, drawn or not", async () => {
    const vault = vaultOn(server, bucket);
    const { unread } = await drilled(2_000_000);
    const gone = unread?.[0]?.path ?? "";
    const path = join(server.directory, bucket, "crm/today", gone);
    const bytes = await readFile(path);
    await rm(path);
    try {
      expect((await vault.stat("crm/today", signal)).bytes).toBe(total - EACH);
      const { said } = await drilled(2_000_000);
      expect(said["artifact.complete"]).toContain("fail: ");
      expect(said["files.present"]).toContain("fail: 1 attachment not in the backup");
    } finally {
      await putInto(server, client, bucket)(`crm/today/${gone}`, bytes);
    }
  });
});
