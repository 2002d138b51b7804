/** What a real n8n exports by itself, as people back it up, verified offline by the command; and that less than the whole is seen. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ContentRecord } from "../../../agent/core/content.ts";
import { n8nFormat } from "../../../agent/formats/n8n/index.ts";
import { contextIn, probeOf } from "../../contracts/format.ts";
import { runAgent } from "../../integration/agent/running.ts";
import { type N8n, startN8n } from "../../servers/n8n.ts";
import { type Postgres, startPostgres } from "../../servers/postgres.ts";
import { createOpener } from "../n8n/opener.ts";
import { type Api, apiOf, SECRET, seedShop, type Shop, UNICODE } from "../n8n/shop.ts";

interface Verified {
  readonly verdict: string;
  readonly reasons: readonly string[];
  readonly layers: Readonly<Record<string, string>>;
  readonly artifact: { readonly format: string | null };
  readonly checks: readonly { readonly id: string; readonly status: string; readonly observed: string; readonly count: number }[];
}

const ROWS = 30;
const never = new AbortController().signal;

describe("exports of n8n", () => {
  let postgres: Postgres;
  let n8n: N8n;
  let api: Api;
  let shop: Shop;
  let home = "";
  let inactive = "";
  const at = (...names: string[]): string => join(home, ...names);

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "rw-n8n-exports-"));
    postgres = await startPostgres();
    n8n = await startN8n(postgres, "production");
    api = apiOf(n8n);
    shop = await seedShop(api, "http://127.0.0.1:1/nobody");
    const node = { id: "a", name: "At times", type: "n8n-nodes-base.scheduleTrigger", typeVersion: 1.2, position: [0, 0], parameters: {} };
    const body = { name: `switched off ${UNICODE}`, nodes: [node], connections: {}, settings: { executionOrder: "v1" } };
    inactive = (await api<{ id: string }>("POST", "/workflows", body)).id;
    const tag = await api<{ id: string }>("POST", "/tags", { name: "important" });
    await api("PUT", `/workflows/${shop.child}/tags`, [{ id: tag.id }]);
    await api("POST", "/credentials", { name: "login", type: "httpBasicAuth", data: { user: "u", password: SECRET } });
    const made = (...args: readonly string[]) => n8n.cli(args);
    // Each is a start of n8n: two at a time.
    await Promise.all([
      made("export:workflow", "--backup", `--output=${at("workflows")}/`).then(() =>
        made("export:credentials", "--backup", `--output=${at("credentials")}/`),
      ),
      made("export:entities", `--outputDir=${at("entities")}`).then(() =>
        made("export:credentials", "--all", "--decrypted", `--output=${at("clear.json")}`),
      ),
    ]);
    await writeFile(at("own-key"), "a-key-for-this-export-only");
    await Promise.all([
      made("export:entities", `--outputDir=${at("own")}`, `--keyFile=${at("own-key")}`),
      made("export:entities", `--outputDir=${at("rowless")}`, "--no-includeDataTableRows"),
    ]);
    await writeFile(at("key"), `${n8n.encryptionKey}\n`);
    await writeFile(at("other-key"), "the-key-of-another-n8n\n");
  });
  afterAll(async () => {
    await n8n.stop();
    await postgres.stop();
    await rm(home, { recursive: true, force: true });
  });

  async function verify(path: string, ...args: readonly string[]): Promise<Verified> {
    const { stdout, stderr } = await runAgent(home, "verify", path, ...args, "--output", "json");
    expect(`${stdout}${stderr}`).not.toContain(SECRET);
    for (const key of [n8n.encryptionKey, "the-key-of-another-n8n"]) expect(`${stdout}${stderr}`).not.toContain(key);
    return JSON.parse(stdout) as Verified;
  }
  /** `id count` of what passed. */
  const passed = ({ checks }: Verified): readonly string[] =>
    checks.filter((check) => check.status === "pass").map((check) => `${check.id} ${check.count}`);
  const whole = { verdict: "verified", reasons: [], artifact: { format: "n8n" } };

  test("a backup directory of workflows: all of them, which run, and what they call", async () => {
    expect(await readdir(at("workflows"))).toHaveLength(4);
    const verified = await verify(at("workflows"));
    expect(verified).toMatchObject(whole);
    expect(passed(verified)).toEqual(expect.arrayContaining(["automations.present 4", "automations.references 4", "records.count 4"]));
    expect(verified.checks.find((one) => one.id === "automations.present")?.observed).toBe("4 automations, 3 active");
  });

  test("a workflow that others call is missed where its file is gone, and a file that is cut off is damage", async () => {
    await mkdir(at("fewer"));
    for (const name of await readdir(at("workflows")))
      if (!name.includes(shop.child)) await writeFile(at("fewer", name), await readFile(at("workflows", name)));
    const fewer = await verify(at("fewer"));
    expect(fewer.verdict).toBe("failed");
    expect(fewer.reasons.join(" ")).toContain("automations.references");
    await mkdir(at("cut"));
    for (const name of await readdir(at("workflows"))) {
      const bytes = await readFile(at("workflows", name));
      await writeFile(at("cut", name), name.includes(inactive) ? bytes.subarray(0, bytes.length / 2) : bytes);
    }
    expect((await verify(at("cut"))).verdict).toBe("failed");
  });

  test("a backup directory of credentials: with the key, with another, without", async () => {
    expect(await readdir(at("credentials"))).toHaveLength(2);
    const [verified, wrong, without] = await Promise.all([
      verify(at("credentials"), "--key", at("key")),
      verify(at("credentials"), "--key", at("other-key")),
      verify(at("credentials")),
    ]);
    expect(verified).toMatchObject(whole);
    expect(passed(verified)).toContain("credentials.decrypt 2");
    expect(wrong.verdict).toBe("failed");
    expect(wrong.reasons.join(" ")).toContain("credentials.decrypt: 2 credentials cannot be decrypted");
    expect(without.verdict).toBe("inconclusive");
    expect(without.reasons.join(" ")).toContain("could not be tried");
  });

  test("credentials exported in clear are told, and none of them is shown", async () => {
    expect(await readFile(at("clear.json"), "utf8")).toContain(SECRET);
    const clear = await verify(at("clear.json"));
    expect(clear.verdict).toBe("failed");
    expect(clear.reasons).toEqual(["artifact.no-secrets: The export holds 2 credentials in clear (--decrypted)."]);
  });

  test("entities.zip: tables with every row, credentials, roles; without its key nothing is said of it", async () => {
    const zip = at("entities", "entities.zip");
    const verified = await verify(zip, "--key", at("key"));
    expect(verified).toMatchObject(whole);
    expect(passed(verified)).toEqual(
      expect.arrayContaining(["automations.present 4", "structure.collections 2", `records.count ${ROWS}`, "credentials.decrypt 2"]),
    );
    expect(verified.checks.find((one) => one.id === "automations.present")?.observed).toBe("4 automations, 3 active");
    for (const args of [[], ["--key", at("other-key")]]) {
      const closed = await verify(zip, ...args);
      expect(closed.verdict).toBe("inconclusive");
      expect(closed.reasons.join(" ")).toMatch(/no key was given|cannot be opened with the key/u);
    }
    const bytes = await readFile(zip);
    await writeFile(at("half.zip"), bytes.subarray(0, bytes.length / 2));
    expect((await verify(at("half.zip"), "--format", "n8n", "--key", at("key"))).verdict).toBe("failed");
  });

  test("entities.zip says of workflows, tables and rows what the connector says of the running n8n", async () => {
    const opener = createOpener();
    const { platform, capturer } = opener.open(n8n.url, n8n.key);
    const content = await n8nFormat
      .create()
      .open(await probeOf(at("entities", "entities.zip")), contextIn(home, { key: n8n.encryptionKey }));
    try {
      const inventory = await platform.inventory(never);
      const byId = <T extends { readonly id: string }>(items: readonly T[]): readonly T[] =>
        items.toSorted((a, b) => (a.id < b.id ? -1 : 1));
      expect(byId(content.automations)).toEqual(byId(inventory.automations));
      expect(byId(content.collections)).toEqual(byId(inventory.collections));
      for (const collection of inventory.collections) {
        const [exported, live]: [ContentRecord[], ContentRecord[]] = [[], []];
        for await (const batch of content.records(collection.id, never)) exported.push(...batch);
        for await (const page of capturer?.records(collection, { after: null, since: null, signal: never }) ?? [])
          live.push(...page.records);
        expect(exported).toEqual(live);
      }
    } finally {
      await content.close();
      await opener.close();
    }
  });

  test("entities.zip under a key of its own needs both keys", async () => {
    const zip = at("own", "entities.zip");
    await writeFile(at("both"), `a-key-for-this-export-only\n${n8n.encryptionKey}\n`);
    const verified = await verify(zip, "--key", at("both"));
    expect(verified).toMatchObject(whole);
    expect(passed(verified)).toContain("credentials.decrypt 2");
    const half = await verify(zip, "--key", at("own-key"));
    expect(half.verdict).toBe("inconclusive");
    expect(half.reasons.join(" ")).toContain("credentials.decrypt");
    expect((await verify(zip, "--key", at("key"))).verdict).toBe("inconclusive");
  });

  test("entities.zip without the rows of its tables is not verified, and says why", async () => {
    const rowless = await verify(at("rowless", "entities.zip"), "--key", at("key"));
    expect(rowless.verdict).toBe("inconclusive");
    expect(rowless.reasons.join(" ")).toContain("made without them");
  });

  test("a package: workflows and what they call, and it says what it has not", async () => {
    const answer = await fetch(`${n8n.url}/api/v1/n8n-packages/export`, {
      method: "POST",
      headers: { "x-n8n-api-key": n8n.key, "content-type": "application/json" },
      body: JSON.stringify({ workflowIds: [shop.child, shop.parent, shop.listener, inactive] }),
    });
    expect(answer.status).toBe(200);
    await writeFile(at("shop.n8np"), Buffer.from(await answer.arrayBuffer()));
    const verified = await verify(at("shop.n8np"));
    expect(verified).toMatchObject(whole);
    expect(passed(verified)).toEqual(expect.arrayContaining(["automations.present 4", "automations.references 4"]));
    expect(verified.checks.find((one) => one.id === "baseline.fidelity")?.observed).toContain("credentials");
    const bytes = await readFile(at("shop.n8np"));
    await writeFile(at("half.n8np"), bytes.subarray(0, bytes.length / 2));
    expect((await verify(at("half.n8np"), "--format", "n8n")).verdict).toBe("failed");
  });
});
