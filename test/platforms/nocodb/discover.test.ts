/** `restorewatch discover` against a real NocoDB: which bases its tokens see that no source covers. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runAgent } from "../../integration/agent/running.ts";
import { openerOf } from "./opener.ts";
import { type NocoShop, startShop } from "./shop.ts";

let shop: NocoShop;
let home = "";
let forgotten = "";

beforeAll(async () => {
  shop = await startShop();
  home = await mkdtemp(join(tmpdir(), "rw-discover-nocodb-"));
  await mkdir(join(home, "vault"));
  await writeFile(join(home, "token"), shop.noco.token);
  await writeFile(join(home, "narrow"), shop.tokens.narrow);
  forgotten = (await shop.api<{ id: string }>("POST", "/api/v2/meta/bases", { title: "Forgotten" })).id;
  // What a drill made, as connectors mark it.
  const opener = openerOf(shop.noco.url);
  const scratch = opener.openScratch(shop.noco.token);
  await scratch.workspace.provision("restorewatch-drill-1", { instance: "elsewhere", scope: "elsewhere" }, new AbortController().signal);
  await opener.close();
  const source = (id: string, token: string): string => `  - id: ${id}
    platform: { type: nocodb, url: "${shop.noco.url}", base: ${shop.base}, token: { file: ./${token} } }
    owner: { team: sales }
    backups: { vault: nightly, path: ${id}, settle: 0s }
`;
  await writeFile(
    join(home, "restorewatch.yaml"),
    `vaults:
  nightly: { type: dir, path: ./vault }
sources:
${source("shop", "token")}${source("shop-by-another-token", "narrow")}`,
  );
});
afterAll(async () => {
  await shop.stop();
  await rm(home, { recursive: true, force: true });
});

interface Document {
  readonly counts: { readonly findings: { readonly unprotected: number } };
  readonly findings: readonly {
    readonly kind: string;
    readonly product: { readonly scope: string; readonly seenBy: readonly string[] } | null;
  }[];
  readonly unseen: readonly { readonly source: string | null; readonly problem: string }[];
}

async function discover(): Promise<{ readonly code: number | null; readonly found: Document }> {
  const { code, stdout } = await runAgent(home, "discover", "--output", "json");
  expect(stdout).not.toContain(shop.noco.token);
  return { code, found: JSON.parse(stdout) as Document };
}

const bases = (found: Document): string[] => found.findings.flatMap((one) => one.product?.scope ?? []);

test("finds the base that nobody covers: once, and neither the shop nor a drill's own base", async () => {
  const { code, found } = await discover();
  expect(found.unseen).toEqual([]);
  expect(bases(found)).toContain(forgotten);
  expect(bases(found)).not.toContain(shop.base);
  expect(bases(found)).toHaveLength(1);
  expect(found.counts.findings.unprotected).toBe(1);
  expect(code).toBe(1);
  const { stdout } = await runAgent(home, "discover");
  expect(stdout).toContain(`No source covers base Forgotten (${forgotten}) on nocodb, which the token of shop can see`);
});

test("with a token that was revoked it says that it could not look, and does not count what it does not see", async () => {
  await writeFile(join(home, "token"), "no-such-token-0123456789");
  const { code, found } = await discover();
  expect(code).toBe(3);
  expect(found.unseen.map((one) => one.source)).toEqual(["shop"]);
  expect(found.unseen[0]?.problem).toContain("what the token of shop sees on nocodb: ");
  expect(bases(found)).toEqual([]);
});
