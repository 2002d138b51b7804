/** NocoDB captured into a locked bucket, and drilled from there: immutable, one trace, every peer by its name, no secret anywhere. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OtlpReceiver, otlpReceiver } from "../../doubles/otlp-receiver.ts";
import { type OtlpSpan, spansOf } from "../../doubles/otlp-reading.ts";
import { runAgent } from "../../integration/agent/running.ts";
import { type S3Server, startS3 } from "../../servers/versitygw.ts";
import { type NocoShop, startShop } from "../nocodb/shop.ts";
import { clientOf, newBucket } from "../s3/harness.ts";

let shop: NocoShop;
let s3: S3Server;
let receiver: OtlpReceiver;
let home = "";

beforeAll(async () => {
  [shop, s3, receiver] = await Promise.all([startShop(), startS3(), otlpReceiver()]);
  const client = clientOf(s3);
  const bucket = await newBucket(client, true);
  client.destroy();
  home = await mkdtemp(join(tmpdir(), "rw-drill-s3-"));
  await writeFile(join(home, "token"), shop.noco.token);
  await writeFile(join(home, "s3-id"), s3.accessKeyId);
  await writeFile(join(home, "s3-key"), s3.secretAccessKey);
  await writeFile(
    join(home, "restorewatch.yaml"),
    `telemetry:
  otlp: { endpoint: "${receiver.endpoint}" }
vaults:
  nightly: { type: s3, endpoint: "${s3.endpoint}", bucket: ${bucket}, accessKeyId: { file: ./s3-id }, secretAccessKey: { file: ./s3-key } }
sources:
  - id: shop
    platform: { type: nocodb, url: "${shop.noco.url}", base: ${shop.base}, token: { file: ./token } }
    scratch: { url: "${shop.noco.url}", token: { file: ./token }, sameInstance: true }
    capture: { immutable: 7d }
    owner: { team: sales }
    backups: { vault: nightly, path: captures/shop, settle: 0s, immutable: 1d }
    verify: { layers: [artifact, content, scratch, live] }
`,
  );
});
afterAll(async () => {
  await Promise.all([shop?.stop(), s3?.stop(), receiver?.close()]);
  await rm(home, { recursive: true, force: true });
});

const attribute = (span: OtlpSpan, name: string): unknown => (span.attributes as Readonly<Record<string, unknown>>)[name];

test("captured, protected, drilled, and one trace shows platform, vault and sandbox as peers of their own", async () => {
  const made = await runAgent(home, "capture", "shop", "--output", "json");
  expect(made.code, made.stdout + made.stderr).toBe(0);
  const drilled = await runAgent(home, "drill", "shop", "--output", "json");
  const document = JSON.parse(drilled.stdout) as { drill?: Drilled } & Drilled;
  const drill = document.drill ?? document;
  expect(drill.checks.filter((check) => check.status === "fail" || check.status === "error")).toEqual([]);
  expect(drill.layers).toEqual({ artifact: "verified", content: "verified", scratch: "verified", live: "verified" });
  expect(drill.checks.find((check) => check.id === "artifact.immutable")?.status).toBe("pass");

  const spans = spansOf(receiver.bodies("traces")).filter((span) => span.traceId === drill.traceId);
  const peers = new Set(spans.map((span) => attribute(span, "service.peer.name")).filter((name) => name !== undefined));
  expect([...peers].map(String).sort()).toEqual(expect.arrayContaining(["nocodb", "vault:nightly"]));
  expect(spans.some((span) => attribute(span, "db.system.name") === "duckdb")).toBe(true);
  expect(spans.filter((span) => span.parentSpanId === undefined || span.parentSpanId === "")).toHaveLength(1);
  expect(spans.some((span) => attribute(span, "url.template") !== undefined)).toBe(true);

  const everything = [made.stdout, drilled.stdout, JSON.stringify(receiver.bodies("traces")), await evidence()].join("\n");
  for (const secret of [shop.noco.token, s3.secretAccessKey]) expect(everything.includes(secret), "a secret was told").toBe(false);
});

interface Drilled {
  readonly layers: Readonly<Record<string, string>>;
  readonly checks: readonly { readonly id: string; readonly status: string }[];
  readonly traceId: string;
}

async function evidence(): Promise<string> {
  const names = (await readdir(join(home, "evidence"))).filter(
    (name) => name.endsWith(".ndjson") || name.endsWith(".jsonl") || name.endsWith(".log"),
  );
  expect(names.length).toBeGreaterThan(0);
  return (await Promise.all(names.map((name) => readFile(join(home, "evidence", name), "utf8")))).join("\n");
}
