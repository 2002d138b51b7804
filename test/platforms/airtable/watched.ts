/** A source that has everything: a live product, backups of our own, all four layers, objectives. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runAgent } from "../../integration/agent/running.ts";
import type { AirtableShop } from "./shop.ts";

/** @param home where the configuration and the vault are made; the source is `shop` */
export async function configureShop(home: string, shop: AirtableShop): Promise<void> {
  await mkdir(join(home, "vault"));
  await writeFile(join(home, "token"), shop.tokens.full);
  const { url, contentUrl } = shop.server;
  await writeFile(
    join(home, "restorewatch.yaml"),
    `vaults:
  nightly: { type: dir, path: ./vault }
sources:
  - id: shop
    platform: { type: airtable, base: ${shop.base.id}, token: { file: ./token }, url: "${url}", contentUrl: "${contentUrl}" }
    scratch: { base: ${shop.scratch.id}, token: { file: ./token }, url: "${url}", contentUrl: "${contentUrl}" }
    capture: { keep: 35d }
    owner: { team: sales }
    backups: { vault: nightly, path: shop, every: 1d, settle: 0s, retention: 30d }
    objectives: { rpo: 1d, rto: 4h }
    verify: { layers: [artifact, content, scratch, live], sample: { records: 100, most: 200, apiCalls: 100000 }, coverWithin: 30d }
`,
  );
}

/** Runs a command on the shop; any verdict is fine, that there is none is not. */
export async function askOfShop(home: string, command: "capture" | "drill"): Promise<void> {
  const { code, stderr } = await runAgent(home, command, "shop", "--output", "json");
  if (code !== 0 && code !== 1) throw new Error(`${command}: exit ${code}: ${stderr}`);
}
