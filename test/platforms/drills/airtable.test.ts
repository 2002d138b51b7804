/** The whole way on the local Airtable: captured into a bucket, restored into a base of its own, compared with production that was broken. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { change, destroy, insert } from "../../doubles/airtable/records.ts";
import { tableOf } from "../../doubles/airtable/world.ts";
import { runAgent } from "../../integration/agent/running.ts";
import { type S3Server, startS3 } from "../../servers/versitygw.ts";
import { type AirtableShop, startShop } from "../airtable/shop.ts";
import { clientOf, newBucket } from "../s3/harness.ts";

let shop: AirtableShop;
let s3: S3Server;
let home = "";

beforeAll(async () => {
  [shop, s3] = [await startShop(), await startS3()];
  const client = clientOf(s3);
  const bucket = await newBucket(client, false);
  client.destroy();
  home = await mkdtemp(join(tmpdir(), "rw-drill-airtable-"));
  await writeFile(join(home, "token"), shop.tokens.full);
  await writeFile(join(home, "s3-id"), s3.accessKeyId);
  await writeFile(join(home, "s3-key"), s3.secretAccessKey);
  const { url, contentUrl } = shop.server;
  await writeFile(
    join(home, "restorewatch.yaml"),
    `vaults:
  nightly: { type: s3, endpoint: "${s3.endpoint}", bucket: ${bucket}, accessKeyId: { file: ./s3-id }, secretAccessKey: { file: ./s3-key } }
sources:
  - id: shop
    platform: { type: airtable, base: ${shop.base.id}, token: { file: ./token }, url: "${url}", contentUrl: "${contentUrl}" }
    scratch: { base: ${shop.scratch.id}, token: { file: ./token }, url: "${url}", contentUrl: "${contentUrl}" }
    capture: { keep: 35d }
    owner: { team: sales }
    backups: { vault: nightly, path: shop, settle: 0s }
    verify: { layers: [artifact, content, scratch, live], sample: { records: 100, most: 200 } }
`,
  );
});
afterAll(async () => {
  await Promise.all([shop?.stop(), s3?.stop()]);
  await rm(home, { recursive: true, force: true });
});

interface Drilled {
  readonly verdict: string;
  readonly layers: Readonly<Record<string, string>>;
  readonly checks: readonly { readonly id: string; readonly layer: string; readonly status: string; readonly observed: string }[];
  readonly compared?: Readonly<Record<string, number>>;
}

async function drill(): Promise<Drilled> {
  const { stdout, stderr } = await runAgent(home, "drill", "shop", "--output", "json");
  expect(stderr).not.toContain("    at ");
  expect(stdout).not.toContain(shop.tokens.full);
  const document = JSON.parse(stdout) as { drill?: Drilled } & Drilled;
  return document.drill ?? document;
}

const bad = (drilled: Drilled): string[] =>
  drilled.checks.filter((check) => check.status === "fail" || check.status === "error").map((check) => `${check.id}: ${check.observed}`);

// Five requests a second, as Airtable allows them.
describe("a shop in Airtable", { timeout: 400_000 }, () => {
  test("is captured whole", async () => {
    const { code, stdout, stderr } = await runAgent(home, "capture", "shop", "--output", "json");
    expect(code, stdout + stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ records: 67, files: 1, changed: [] });
  });

  test("is verified on every layer, and no row of the restore is left", async () => {
    const drilled = await drill();
    expect(bad(drilled)).toEqual([]);
    expect(drilled.layers).toEqual({ artifact: "verified", content: "verified", scratch: "verified", live: "verified" });
    expect(drilled.compared).toMatchObject({ changed: 0, mismatch: 0, unverifiable: 0 });
    expect(drilled.compared?.["match"]).toBe(67);
    expect(shop.scratch.tables.length).toBeGreaterThan(3);
    expect(shop.scratch.tables.flatMap((table) => table.rows)).toEqual([]);
  });

  test("production was broken: every item has its right result, dated where a field tells times and unverifiable where none does", async () => {
    const { world } = shop.server;
    const [things, books] = [tableOf(shop.base, shop.tables.things.id), tableOf(shop.base, shop.tables.books.id)];
    await new Promise((resolve) => setTimeout(resolve, 2100));
    const [gone, edited] = [shop.tables.things.keys[5] ?? "", shop.tables.things.keys[6] ?? ""];
    destroy(shop.base, things, [gone]);
    change(world, shop.base, things, { records: [{ id: edited, fields: { Name: "edited since" } }] });
    insert(world, shop.base, things, { records: [{ fields: { Name: "new" } }] });
    // Written behind the back of its time, as a fault of the backup would look.
    const lost = things.rows.find((row) => row.id === shop.tables.things.keys[8]);
    lost?.cells.set(shop.tables.things.fields["Name"] ?? "", "was always so");
    change(world, shop.base, books, { records: [{ id: shop.tables.books.keys[0] ?? "", fields: { Title: "no time tells" } }] });
    const drilled = await drill();
    expect(drilled.compared).toMatchObject({ changed: 3, mismatch: 1, unverifiable: 1, match: 63 });
    expect(drilled.layers).toMatchObject({ content: "verified", scratch: "verified", live: "failed" });
  });

  test("a quota that is used up is said as what it is, and waited for by nobody", async () => {
    (shop.server.world as { quotaSpent: boolean }).quotaSpent = true;
    const { code, stdout } = await runAgent(home, "capture", "shop", "--output", "json");
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "quota-exhausted" } });
    const drilled = await drill();
    expect(drilled.layers["live"]).toBe("inconclusive");
    expect(Object.values(drilled.layers)).not.toContain("failed");
  });
});
