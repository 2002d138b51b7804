/** The whole way on two real n8n: captured into a bucket, drilled into an instance of its own, compared with production that was broken. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OtlpReceiver, otlpReceiver } from "../../doubles/otlp-receiver.ts";
import { spansOf } from "../../doubles/otlp-reading.ts";
import { runAgent } from "../../integration/agent/running.ts";
import { type N8n, startN8n } from "../../servers/n8n.ts";
import { type Postgres, startPostgres } from "../../servers/postgres.ts";
import { type S3Server, startS3 } from "../../servers/versitygw.ts";
import { type Api, apiOf, SECRET, seedShop, type Shop, startSink } from "../n8n/shop.ts";
import { clientOf, newBucket } from "../s3/harness.ts";
import { expectSweptAfterKill } from "./killed-restore.ts";

let postgres: Postgres;
let production: N8n;
let scratch: N8n;
let s3: S3Server;
let receiver: OtlpReceiver;
let sink: Awaited<ReturnType<typeof startSink>>;
let api: Api;
let shop: Shop;
let home = "";

beforeAll(async () => {
  [postgres, s3, receiver, sink] = await Promise.all([startPostgres(), startS3(), otlpReceiver(), startSink()]);
  [production, scratch] = await Promise.all([startN8n(postgres, "production"), startN8n(postgres, "scratch")]);
  api = apiOf(production);
  shop = await seedShop(api, sink.url);
  // A credential of the same type and name, so that workflows can be led to it and it is tried.
  await apiOf(scratch)("POST", "/credentials", {
    name: "shop",
    type: "httpHeaderAuth",
    data: { name: "X-K", value: "of-the-scratch-place" },
  });
  const client = clientOf(s3);
  const bucket = await newBucket(client, false);
  client.destroy();
  home = await mkdtemp(join(tmpdir(), "rw-drill-n8n-"));
  await writeFile(join(home, "token"), production.key);
  await writeFile(join(home, "scratch-token"), scratch.key);
  await writeFile(join(home, "s3-id"), s3.accessKeyId);
  await writeFile(join(home, "s3-key"), s3.secretAccessKey);
  await writeFile(
    join(home, "restorewatch.yaml"),
    `telemetry:
  otlp: { endpoint: "${receiver.endpoint}" }
vaults:
  nightly: { type: s3, endpoint: "${s3.endpoint}", bucket: ${bucket}, accessKeyId: { file: ./s3-id }, secretAccessKey: { file: ./s3-key } }
sources:
  - id: flows
    platform: { type: n8n, url: "${production.url}", token: { file: ./token } }
    scratch: { url: "${scratch.url}", token: { file: ./scratch-token } }
    capture: { keep: 35d }
    owner: { team: plant }
    backups: { vault: nightly, path: flows, settle: 0s }
    verify: { layers: [artifact, content, scratch, live], sample: { records: 60, most: 300 } }
`,
  );
});
afterAll(async () => {
  await Promise.all([production?.stop(), scratch?.stop(), sink?.stop(), s3?.stop(), receiver?.close()]);
  await postgres?.stop();
  await rm(home, { recursive: true, force: true });
});

interface Drilled {
  readonly verdict: string;
  readonly layers: Readonly<Record<string, string>>;
  readonly checks: readonly {
    readonly id: string;
    readonly layer: string;
    readonly status: string;
    readonly observed: string;
    readonly count: number;
  }[];
  readonly compared?: Readonly<Record<string, number>>;
  readonly traceId: string;
}

async function drill(): Promise<Drilled> {
  const { stdout, stderr } = await runAgent(home, "drill", "flows", "--output", "json");
  expect(stderr).not.toContain("    at ");
  for (const secret of [production.key, scratch.key, SECRET]) expect(stdout).not.toContain(secret);
  const document = JSON.parse(stdout) as { drill?: Drilled } & Drilled;
  return document.drill ?? document;
}

const bad = (drilled: Drilled): string[] =>
  drilled.checks.filter((check) => check.status === "fail" || check.status === "error").map((check) => `${check.id}: ${check.observed}`);

describe("flows on n8n", () => {
  test("are captured whole", async () => {
    const { code, stdout, stderr } = await runAgent(home, "capture", "flows", "--output", "json");
    expect(code, stdout + stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ records: 30, changed: [], mode: "full" });
  });

  test("are verified on every layer, restored without one of them firing, in one trace with every peer by its name", async () => {
    sink.heard();
    const drilled = await drill();
    expect(bad(drilled)).toEqual([]);
    expect(drilled.layers).toEqual({ artifact: "verified", content: "verified", scratch: "verified", live: "verified" });
    expect(drilled.compared).toEqual({ match: 30, changed: 0, mismatch: 0, unverifiable: 0 });
    expect(drilled.checks.find((check) => check.id === "automations.inactive-in-sandbox")).toMatchObject({ status: "pass", count: 3 });
    expect(sink.heard(), "no side effect").toBe(0);
    const left = await apiOf(scratch)<{ data: unknown[] }>("GET", "/workflows");
    expect(left.data).toEqual([]);
    const spans = spansOf(receiver.bodies("traces")).filter((span) => span.traceId === drilled.traceId);
    const attribute = (span: (typeof spans)[number], name: string): unknown => (span.attributes as Readonly<Record<string, unknown>>)[name];
    const peers = new Set(spans.map((span) => attribute(span, "service.peer.name")));
    expect([...peers]).toEqual(expect.arrayContaining(["n8n", "vault:nightly"]));
    expect(spans.some((span) => attribute(span, "db.system.name") === "duckdb")).toBe(true);
  });

  test("production was broken: per item it is told what was edited, deleted and added since, and the next capture reads only that", async () => {
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const rows = `/data-tables/${shop.things.id}/rows`;
    const only = (id: number) => ({ type: "and", filters: [{ columnName: "id", condition: "eq", value: id }] });
    for (const id of [4, 5]) await api("DELETE", `${rows}/delete?filter=${encodeURIComponent(JSON.stringify(only(id)))}`);
    for (const id of [6, 7, 8]) await api("PATCH", `${rows}/update`, { filter: only(id), data: { title: "edited since" } });
    await api("POST", rows, { data: [{ title: "new" }], returnType: "count" });
    // What is published is neither deleted nor gone at once.
    await api("POST", `/workflows/${shop.child}/unpublish`, {});
    await expect.poll(() => api("DELETE", `/workflows/${shop.child}`).then(() => "gone", String), { timeout: 15_000 }).toBe("gone");
    const drilled = await drill();
    expect(drilled.layers["scratch"]).toBe("verified");
    expect(drilled.layers["live"]).toBe("verified");
    expect(drilled.compared).toEqual({ match: 25, changed: 6, mismatch: 0, unverifiable: 0 });
    const { code, stdout, stderr } = await runAgent(home, "capture", "flows", "--output", "json");
    expect(code, stdout + stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ records: 29, mode: "incremental" });
    const again = await drill();
    expect(again.compared).toEqual({ match: 29, changed: 0, mismatch: 0, unverifiable: 0 });
    // What the parent calls is gone in production, and so in the backup: a restore would not work.
    expect(bad(again).join()).toContain("automations.references");
    expect(again.verdict).toBe("failed");
  });

  test("a column that production dropped is told", async () => {
    const spare = shop.things.columns.find((column) => column.name === "spare");
    await api("DELETE", `/data-tables/${shop.things.id}/columns/${spare?.id ?? ""}`);
    const drilled = await drill();
    expect(drilled.checks.find((check) => check.id === "live.compared")?.observed).toContain("spare");
  });

  test("an agent killed in the middle of a restore leaves tables and workflows behind: the next one removes them", async () => {
    await expectSweptAfterKill(home, "flows", async () => {
      const lists = await Promise.all(
        ["/data-tables?limit=250", "/workflows?limit=250"].map((path) => apiOf(scratch)<{ data: unknown[] }>("GET", path)),
      );
      return lists.reduce((sum, { data }) => sum + data.length, 0);
    });
    expect(sink.heard(), "no side effect of what was left").toBe(0);
  });

  test("a key that was revoked is inconclusive, never a failure of the layer", async () => {
    await writeFile(join(home, "token"), "no-longer-0123456789");
    const drilled = await drill();
    expect(drilled.layers["live"]).toBe("inconclusive");
    const refused = await runAgent(home, "capture", "flows", "--output", "json");
    expect(refused.code).toBe(3);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: "token-refused" } });
  });
});
