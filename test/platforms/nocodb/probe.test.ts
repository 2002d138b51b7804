/** What a poll finds out of a real NocoDB, with the right token, one that may read only, and one that it does not know. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ProductStatus } from "../../../agent/core/product-status.ts";
import { pollSource } from "../../../agent/engine/poller.ts";
import { readStatuses } from "../../../agent/engine/statuses.ts";
import { systemClock } from "../../../agent/kit/clock.ts";
import { systemRandom } from "../../../agent/kit/random.ts";
import { connectionTo } from "../../doubles/discovery.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";
import { memoryVault } from "../../doubles/vault.ts";
import { runAgent, startAgentProcess } from "../../integration/agent/running.ts";
import { type Opener, openerOf } from "./opener.ts";
import { type NocoShop, startShop } from "./shop.ts";

let shop: NocoShop;
let opener: Opener;

beforeAll(async () => {
  shop = await startShop();
  opener = openerOf(shop.noco.url);
});
afterAll(async () => {
  await opener.close();
  await shop.stop();
});

async function polledWith(token: string): Promise<{ readonly ok: boolean; readonly product: ProductStatus | null; readonly told: string }> {
  const { repositories } = memoryState();
  const memory = memoryVault("nightly");
  await memory.put("shop/a", "abc", Date.now() - 3_600_000);
  const telemetry = memoryTelemetry();
  const source = policy("shop", { platform: "nocodb" });
  const products = { connection: connectionTo("shop", {}), open: opener.open(token, shop.base), scratch: null };
  const { ok } = await pollSource(
    source,
    {
      vault: () => memory.vault,
      products: () => products,
      repositories,
      record: async () => undefined,
      telemetry,
      clock: systemClock(),
      settled: () => true,
      random: systemRandom(),
      deadlineMs: 30_000,
    },
    new AbortController().signal,
  );
  const product = (await readStatuses([source], repositories, Date.now()))[0]?.product ?? null;
  return { ok, product, told: JSON.stringify([product, telemetry.logs]) };
}

test("its version, its clock and a token that may everything", async () => {
  const { ok, product, told } = await polledWith(shop.noco.token);
  expect(ok).toBe(true);
  expect(product).toMatchObject({ reachable: true, problems: [], found: { version: "0.301.3", nativeBackups: null } });
  // It is this machine's own clock: what is left is how long the answer took.
  expect(Math.abs(product?.found?.clockSkewMs ?? Infinity)).toBeLessThan(20_000);
  expect(product?.found?.permissions.length).toBeGreaterThan(2);
  expect(told).not.toContain(shop.noco.token);
});

test("a token that may read only: what a capture would miss is said before one is made", async () => {
  const { ok, product } = await polledWith(shop.tokens.narrow);
  expect(ok).toBe(true);
  expect(product?.reachable).toBe(true);
  expect(product?.problems).toHaveLength(1);
  expect(product?.problems[0]?.sentence).toMatch(/^The token of shop may not read .+ on nocodb, and a whole capture of it needs that$/u);
});

test("a token that it does not know: said with its reason, and the poll of the vault is fine", async () => {
  const { ok, product } = await polledWith("no-such-token-0123456789");
  expect(ok).toBe(true);
  expect(product).toMatchObject({ reachable: false, reachedAt: null, trouble: { code: "token-refused" } });
  expect(product?.problems[0]?.sentence).toContain("nocodb could not be asked: ");
});

test("an agent that runs shows it in API, metrics and report, with what no source covers", async () => {
  const home = await mkdtemp(join(tmpdir(), "rw-probe-nocodb-"));
  try {
    await mkdir(join(home, "vault"));
    await writeFile(join(home, "token"), shop.noco.token);
    await shop.api("POST", "/api/v2/meta/bases", { title: "Forgotten" });
    await writeFile(
      join(home, "restorewatch.yaml"),
      `vaults:
  nightly: { type: dir, path: ./vault }
sources:
  - id: shop
    platform: { type: nocodb, url: "${shop.noco.url}", base: ${shop.base}, token: { file: ./token } }
    owner: { team: sales }
    backups: { vault: nightly, path: shop, settle: 0s }
`,
    );
    const agent = await startAgentProcess(home);
    try {
      const get = async (path: string): Promise<string> => (await fetch(`${agent.url}${path}`)).text();
      const version = async (): Promise<string | undefined> => {
        const { status } = JSON.parse(await get("/api/v1/sources/shop")) as { status: { product: { version: string } | null } };
        return status.product?.version;
      };
      await expect.poll(version, { timeout: 20_000 }).toBe("0.301.3");
      const metrics = (): Promise<string> => get("/metrics");
      await expect.poll(metrics, { timeout: 20_000 }).toContain('backup_product_reachable{source="shop"} 1');
      await expect.poll(metrics, { timeout: 20_000 }).toContain('restorewatch_uncovered_scopes{platform="nocodb"} 1');
      expect(await get("/sources/shop")).toContain("nocodb 0.301.3");
      expect(await get("/catalogue")).toContain("No source covers base Forgotten");
      expect((await runAgent(home, "report")).stdout).toContain("live product nocodb 0.301.3: answered ");
    } finally {
      await agent.stop("SIGTERM");
    }
    expect(agent.stdout() + agent.stderr()).not.toContain(shop.noco.token);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
