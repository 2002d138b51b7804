/** The whole way on real Directus and a locked bucket: captured, drilled into an installation of its own, compared with production that was broken. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OtlpReceiver, otlpReceiver } from "../../doubles/otlp-receiver.ts";
import { type OtlpSpan, spansOf } from "../../doubles/otlp-reading.ts";
import { runAgent } from "../../integration/agent/running.ts";
import { type S3Server, startS3 } from "../../servers/versitygw.ts";
import { type DirectusHarness, directusOnThisMachine } from "../directus/harness.ts";
import { FLOW_SECRET } from "../directus/seed.ts";
import { clientOf, newBucket } from "../s3/harness.ts";
import { expectSweptAfterKill } from "./killed-restore.ts";

let product: DirectusHarness;
let s3: S3Server;
let receiver: OtlpReceiver;
let home = "";

beforeAll(async () => {
  [product, s3, receiver] = [await directusOnThisMachine(), await startS3(), await otlpReceiver()];
  const client = clientOf(s3);
  const bucket = await newBucket(client, true);
  client.destroy();
  home = await mkdtemp(join(tmpdir(), "rw-drill-directus-"));
  await writeFile(join(home, "token"), product.production.token);
  await writeFile(join(home, "scratch-token"), product.scratch.token);
  await writeFile(join(home, "s3-id"), s3.accessKeyId);
  await writeFile(join(home, "s3-key"), s3.secretAccessKey);
  await writeFile(
    join(home, "restorewatch.yaml"),
    `telemetry:
  otlp: { endpoint: "${receiver.endpoint}" }
vaults:
  nightly: { type: s3, endpoint: "${s3.endpoint}", bucket: ${bucket}, accessKeyId: { file: ./s3-id }, secretAccessKey: { file: ./s3-key } }
sources:
  - id: press
    platform: { type: directus, url: "${product.production.url}", token: { file: ./token } }
    scratch: { url: "${product.scratch.url}", token: { file: ./scratch-token } }
    capture: { immutable: 7d }
    owner: { team: press }
    backups: { vault: nightly, path: captures/press, settle: 0s, immutable: 1d }
    verify: { layers: [artifact, content, scratch, live], sample: { records: 5000, most: 5000 } }
`,
  );
});
afterAll(async () => {
  await Promise.all([product?.dispose(), s3?.stop(), receiver?.close()]);
  await rm(home, { recursive: true, force: true });
});

interface Drilled {
  readonly verdict: string;
  readonly layers: Readonly<Record<string, string>>;
  readonly checks: readonly { readonly id: string; readonly layer: string; readonly status: string; readonly observed: string }[];
  readonly compared?: Readonly<Record<string, number>>;
  readonly traceId: string;
}

let told = "";

async function agent(...args: readonly string[]): Promise<{ readonly code: number | null; readonly stdout: string }> {
  const { code, stdout, stderr } = await runAgent(home, ...args, "--output", "json");
  expect(stderr).not.toContain("    at ");
  told += stdout + stderr;
  return { code, stdout };
}

async function drill(): Promise<Drilled> {
  const document = JSON.parse((await agent("drill", "press")).stdout) as { drill?: Drilled } & Drilled;
  return document.drill ?? document;
}

async function capture(): Promise<Readonly<Record<string, unknown>>> {
  const { code, stdout } = await agent("capture", "press");
  expect(code, stdout).toBe(0);
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}

const bad = (drilled: Drilled) => drilled.checks.filter((check) => check.status === "fail" || check.status === "error");
const checkOf = (drilled: Drilled, id: string) => drilled.checks.find((check) => check.id === id);
const attribute = (span: OtlpSpan, name: string): unknown => (span.attributes as Readonly<Record<string, unknown>>)[name];

describe("a paper on Directus", () => {
  let whole = 0;

  /** How far clocks may be apart: what was made so shortly before a capture may or may not be in it. */
  const TOLERANCE_MS = 5000;

  test("is captured whole into a locked bucket and verified on every layer; nobody is called", async () => {
    await new Promise((resolve) => setTimeout(resolve, TOLERANCE_MS + 1000));
    const made = await capture();
    expect(made["records"]).toBeGreaterThan(150);
    expect(made["changed"]).toEqual([]);
    await product.fired();
    const drilled = await drill();
    expect(bad(drilled)).toEqual([]);
    expect(drilled.layers).toEqual({ artifact: "verified", content: "verified", scratch: "verified", live: "verified" });
    expect(drilled.compared).toMatchObject({ changed: 0, mismatch: 0, unverifiable: 0 });
    whole = drilled.compared?.["match"] ?? 0;
    expect(whole).toBeGreaterThan(150);
    for (const id of [
      "artifact.immutable",
      "automations.inactive-in-sandbox",
      "restore.access",
      "restore.session",
      "records.sequence",
      "audit.continuous",
      "restore.rollback",
    ])
      expect([id, ...drilled.checks.filter((check) => check.id === id).map((check) => check.status)]).toContain("pass");
    expect(await product.fired(), "no flow runs in the scratch place").toBe(0);
    expect(await product.leftovers("restorewatch-")).toBe(0);

    const spans = spansOf(receiver.bodies("traces")).filter((span) => span.traceId === drilled.traceId);
    const peers = [...new Set(spans.map((span) => attribute(span, "service.peer.name")).filter((name) => name !== undefined))];
    expect(peers).toEqual(expect.arrayContaining(["directus", "vault:nightly"]));
    expect(spans.some((span) => attribute(span, "db.system.name") === "duckdb")).toBe(true);
    expect(spans.filter((span) => span.parentSpanId === undefined || span.parentSpanId === "")).toHaveLength(1);
  });

  test("people go on working: what was deleted and edited is changed; what nobody can date is unverifiable; all else matches", async () => {
    await product.mutate.deleteRecord("articles", "118");
    await product.mutate.editRecord("articles", "115");
    await product.call("PATCH", "/items/notes/100", { text: "edited, and nobody knows when" });
    const drilled = await drill();
    expect(drilled.compared).toEqual({ match: whole - 3, changed: 2, mismatch: 0, unverifiable: 1 });
    expect(drilled.layers).toMatchObject({ artifact: "verified", content: "verified", scratch: "verified" });
    expect(await product.fired(), "the control: production did call").toBeGreaterThan(0);
  });

  test("a record that is not what it was though nobody edited it is a mismatch, and the drill fails", async () => {
    await product.sql("production", "update articles set spare = 'changed beneath' where id = 112");
    const drilled = await drill();
    expect(drilled.compared).toEqual({ match: whole - 4, changed: 2, mismatch: 1, unverifiable: 1 });
    expect(drilled.layers).toMatchObject({ content: "verified", scratch: "verified", live: "failed" });
    expect(drilled.verdict).toBe("failed");
    expect(checkOf(drilled, "live.compared")?.observed).not.toContain("changed beneath");
  });

  test("a field that production dropped is told by name", async () => {
    await product.mutate.changeSchema("articles");
    const drilled = await drill();
    expect(checkOf(drilled, "live.compared")?.observed).toContain("spare");
    expect(drilled.layers).toMatchObject({ content: "verified", scratch: "verified" });
  });

  test("an agent killed in the middle of a restore leaves collections behind: the next one finds and removes them", async () => {
    await expectSweptAfterKill(home, "press", async () => {
      const collections = (await product.callScratch("GET", "/collections")) as { collection: string }[];
      return collections.filter(({ collection }) => !collection.startsWith("directus_")).length;
    });
  });

  test("a configuration that makes a scratch place of production is refused before anything is written", async () => {
    const before = JSON.stringify(await product.call("GET", "/folders?limit=-1"));
    const config = await readFile(join(home, "restorewatch.yaml"), "utf8");
    const same = config.replace(product.scratch.url, product.production.url).replace("./scratch-token", "./token");
    await writeFile(join(home, "restorewatch.yaml"), same);
    const drilled = await drill();
    await writeFile(join(home, "restorewatch.yaml"), config);
    expect(drilled.layers["scratch"]).not.toBe("verified");
    expect(JSON.stringify(drilled)).toContain("source itself");
    expect(JSON.stringify(await product.call("GET", "/folders?limit=-1"))).toBe(before);
  });

  test("a token that was revoked is inconclusive, never a failure; no secret was told anywhere", async () => {
    await writeFile(join(home, "token"), "no-such-token-0123456789");
    const drilled = await drill();
    expect(drilled.verdict).toBe("inconclusive");
    expect(Object.values(drilled.layers)).not.toContain("failed");
    const names = (await readdir(join(home, "evidence"))).filter((name) => /\.(?:ndjson|jsonl|log)$/u.test(name));
    expect(names.length).toBeGreaterThan(0);
    const evidence = await Promise.all(names.map((name) => readFile(join(home, "evidence", name), "utf8")));
    const everything = [told, JSON.stringify(receiver.bodies("traces")), ...evidence].join("\n");
    for (const secret of [product.production.token, product.scratch.token, s3.secretAccessKey, FLOW_SECRET])
      expect(everything.includes(secret), "a secret was told").toBe(false);
  });
});
