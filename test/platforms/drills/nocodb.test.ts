/** The whole way on a real NocoDB: captured, drilled, restored into a base of its own, compared with production that went on and was broken. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Differences } from "../../../agent/core/differences.ts";
import { runAgent, startAgentProcess } from "../../integration/agent/running.ts";
import { nextSecond, type NocoShop, startShop } from "../nocodb/shop.ts";
import { expectSweptAfterKill } from "./killed-restore.ts";

let shop: NocoShop;
let home = "";

beforeAll(async () => {
  shop = await startShop();
  home = await mkdtemp(join(tmpdir(), "rw-drill-nocodb-"));
  await mkdir(join(home, "vault"));
  await writeFile(join(home, "token"), shop.noco.token);
  await writeFile(
    join(home, "restorewatch.yaml"),
    `vaults:
  nightly: { type: dir, path: ./vault }
sources:
  - id: shop
    platform: { type: nocodb, url: "${shop.noco.url}", base: ${shop.base}, token: { file: ./token } }
    scratch: { url: "${shop.noco.url}", token: { file: ./token }, sameInstance: true }
    capture: { schedule: "0 3 * * *", keep: 35d }
    owner: { team: sales }
    backups: { vault: nightly, path: shop, settle: 0s }
    verify: { layers: [artifact, content, scratch, live], sample: { records: 60, most: 300 } }
`,
  );
});
afterAll(async () => {
  await shop.stop();
  await rm(home, { recursive: true, force: true });
});

interface Drilled {
  readonly verdict: string;
  readonly layers: Readonly<Record<string, string>>;
  readonly reasons: readonly string[];
  readonly checks: readonly { readonly id: string; readonly layer: string; readonly status: string; readonly observed: string }[];
  readonly compared?: Readonly<Record<string, number>>;
  readonly traceId: string;
}

async function drill(): Promise<Drilled> {
  const { stdout, stderr } = await runAgent(home, "drill", "shop", "--output", "json");
  expect(stderr).not.toContain("    at ");
  const document = JSON.parse(stdout) as { drill?: Drilled } & Drilled;
  return document.drill ?? document;
}

const statusOf = (drilled: Drilled, id: string, layer: string): string | undefined =>
  drilled.checks.find((check) => check.id === id && check.layer === layer)?.status;

describe("a shop on NocoDB", () => {
  test("is captured whole", async () => {
    const { code, stdout } = await runAgent(home, "capture", "shop", "--output", "json");
    expect(code, stdout).toBe(0);
    const made = JSON.parse(stdout) as { records: number; changed: string[]; path: string };
    expect(made.records).toBeGreaterThan(30);
    expect(made.changed).toEqual([]);
    expect((await readdir(join(home, "vault", "shop"))).sort()).toEqual([
      made.path.slice("shop/".length),
      `${made.path.slice("shop/".length)}.run.json`,
    ]);
    expect(stdout).not.toContain(shop.noco.token);
  });

  test("is verified on every layer: bytes, content, a true restore, production", async () => {
    const drilled = await drill();
    const bad = drilled.checks.filter((check) => check.status === "fail" || check.status === "error");
    expect(bad).toEqual([]);
    expect(drilled.layers).toEqual({ artifact: "verified", content: "verified", scratch: "verified", live: "verified" });
    expect(drilled.compared).toMatchObject({ changed: 0, mismatch: 0 });
    expect(drilled.compared?.["match"]).toBeGreaterThan(20);
    expect(statusOf(drilled, "automations.inactive-in-sandbox", "scratch")).toBe("pass");
    expect(await shop.fired()).toBe(0);
  });

  test("people go on working: changed, not broken", async () => {
    await nextSecond();
    const { things } = shop.tables;
    const { list } = await shop.api<{ list: { Id: number }[] }>("GET", `/api/v2/tables/${things.id}/records?limit=3&sort=Id`);
    const [gone, edited] = list;
    await shop.api("DELETE", `/api/v2/tables/${things.id}/records`, { Id: gone?.Id });
    await shop.api("PATCH", `/api/v2/tables/${things.id}/records`, { Id: edited?.Id, ...(await someText(things.id)) });
    const drilled = await drill();
    expect(drilled.layers["live"]).toBe("verified");
    expect(drilled.compared?.["mismatch"]).toBe(0);
    expect(drilled.compared?.["changed"]).toBeGreaterThan(0);
    await shop.fired();
  });

  test("what they changed is shown field by field on this machine, and kept nowhere else", async () => {
    const shown = await runAgent(home, "diff", "shop", "--output", "json");
    expect(shown.code, shown.stdout + shown.stderr).toBe(0);
    const { differences } = JSON.parse(shown.stdout) as { differences: Differences };
    const edited = differences.items.find((item) => item.because === "edited since");
    expect(edited).toMatchObject({
      result: "changed",
      fields: [{ backup: expect.any(String) as string, production: "edited since: Anna" }],
    });
    expect(differences.items.some((item) => item.because === "deleted since")).toBe(true);
    const text = await runAgent(home, "diff", "shop");
    expect(text.stdout).toContain("      production  edited since: Anna\n");
    for (const asked of [
      ["report", "shop"],
      ["evidence", "show"],
      ["drill", "shop", "--output", "json"],
    ]) {
      const { stdout, stderr } = await runAgent(home, ...asked);
      expect(stdout + stderr).not.toContain("Anna");
    }
    await runAgent(home, "diff", "shop", "--forget");
    expect((await runAgent(home, "diff", "shop")).code).toBe(3);
  });

  test("coverage is told by layer, and the plan holds the source to its own promise", async () => {
    const { stdout } = await runAgent(home, "report", "shop");
    expect(stdout).toMatch(/layer scratch: [\d.]+ % of [\d,]+ records? within 30 days/u);
    expect(stdout).toMatch(/layer live: [\d.]+ % of [\d,]+ records? within 30 days/u);
    const planned = await runAgent(home, "plan", "shop", "--output", "json");
    const [source] = (JSON.parse(planned.stdout) as { sources: { layers: { layer: string; target: { coverWithinMs: number } }[] }[] })
      .sources;
    expect(source?.layers.map(({ layer, target }) => [layer, target.coverWithinMs])).toEqual([
      ["scratch", 30 * 86_400_000],
      ["live", 30 * 86_400_000],
    ]);
  });

  test("a field that production dropped is told", async () => {
    const { things } = shop.tables;
    const extra = await shop.api<{ columns: { id: string; title: string }[] }>("POST", `/api/v2/meta/tables/${things.id}/columns`, {
      column_name: "fleeting",
      title: "Fleeting",
      uidt: "SingleLineText",
    });
    const { code, stdout } = await runAgent(home, "capture", "shop", "--output", "json");
    expect(code, stdout).toBe(0);
    const column = extra.columns.find((one) => one.title === "Fleeting");
    await shop.api("DELETE", `/api/v2/meta/columns/${column?.id ?? ""}`);
    const drilled = await drill();
    const told = drilled.checks.find((check) => check.id === "live.compared")?.observed;
    expect(told).toContain("Fleeting");
    expect(drilled.layers["scratch"]).toBe("verified");
  });

  test("an agent killed in the middle of a restore leaves a base behind: the next one finds it by its tag and removes it", async () => {
    await expectSweptAfterKill(home, "shop", async () => {
      const { list } = await shop.api<{ list: { description?: string | null }[] }>("GET", "/api/v2/meta/bases");
      return list.filter(({ description }) => description?.includes("restorewatch-shop-") === true).length;
    });
  });

  test("a token that was revoked is inconclusive, never a failure", async () => {
    await writeFile(join(home, "token"), "no-such-token-0123456789");
    const drilled = await drill();
    expect(drilled.verdict).toBe("inconclusive");
    expect(drilled.layers).toMatchObject({ artifact: expect.anything() as string });
    expect(Object.values(drilled.layers)).not.toContain("failed");
    const refused = await runAgent(home, "capture", "shop", "--output", "json");
    expect(refused.code).toBe(3);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: "token-refused" } });
    await writeFile(join(home, "token"), shop.noco.token);
  });

  test("a field renamed is one field renamed, and no formula that uses it changed", async () => {
    await approveBaseline();
    const { things } = shop.tables;
    const { columns } = await shop.api<{ columns: { id: string; title: string }[] }>("GET", `/api/v2/meta/tables/${things.id}`);
    const column = columns.find((one) => one.title === "Name");
    await shop.api("PATCH", `/api/v2/meta/columns/${column?.id ?? ""}`, {
      title: "Full name",
      column_name: "Name",
      uidt: "SingleLineText",
    });
    const { code, stdout } = await runAgent(home, "capture", "shop", "--output", "json");
    expect(code, stdout).toBe(0);
    const drilled = await drill();
    const told = await runAgent(home, "baseline", "shop", "--output", "json");
    const [source] = (JSON.parse(told.stdout) as { sources: { differences: { kind: string; what: string; note: string }[] }[] }).sources;
    expect(source?.differences.filter(({ kind }) => kind.startsWith("field-"))).toMatchObject([
      // NocoDB removes them together with any change of the column they show, and that is told.
      { kind: "field-lost", what: "QrCode" },
      { kind: "field-lost", what: "Barcode" },
      { kind: "field-renamed", what: "Full name", note: "was called Name" },
    ]);
    expect(statusOf(drilled, "baseline.diff", "content")).toBe("fail");
  });
});

/** By the command line; a running agent takes it in. */
async function approveBaseline(): Promise<void> {
  await runAgent(home, "baseline", "shop", "--approve", "--reason", "the first that was verified");
  const agent = await startAgentProcess(home);
  try {
    for (let tried = 0; tried < 500; tried += 1) {
      const told = (await (await fetch(`${agent.url}/api/v1/sources/shop/baseline`)).json()) as { approved: object | null };
      if (told.approved !== null) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error("the approval was not taken in");
  } finally {
    await agent.stop("SIGTERM");
  }
}

/** A text column of the table with another value. */
async function someText(table: string): Promise<Record<string, string>> {
  const { columns } = await shop.api<{ columns: { title: string; uidt: string }[] }>("GET", `/api/v2/meta/tables/${table}`);
  const text = columns.find((column) => column.uidt === "SingleLineText" || column.uidt === "LongText");
  return { [text?.title ?? "Title"]: "edited since: Anna" };
}
