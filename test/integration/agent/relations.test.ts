/** Two sources that belong together, with a real agent: what the one points to and the other's backup lost is found in what was restored. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeBag } from "../../fixtures/bag/write.ts";
import { runAgent, type RunningAgent, startAgentProcess, until } from "./running.ts";

let home: string;
let agent: RunningAgent;

const EDITED = "2026-01-01T00:00:00.000Z";

interface Result {
  readonly status: string;
  readonly observed: string;
  readonly count: number;
}

/** Of the newest drill of the source that points. */
async function answer(): Promise<Result | undefined> {
  const { items } = (await (await fetch(`${agent.url}/api/v1/sources/crm/drills?limit=1`)).json()) as { items: { id: string }[] };
  if (items[0] === undefined) return undefined;
  const drill = (await (await fetch(`${agent.url}/api/v1/drills/${items[0].id}`)).json()) as { checks: (Result & { id: string })[] };
  return drill.checks.find(({ id }) => id === "links.cross-source");
}

const timed = (created: string) => ({ created, restorewatch: { layout: "1", startedAt: created } });

async function shop(at: string, keys: readonly string[]): Promise<void> {
  const rows = keys.map((key) => ({ _key: key, _createdAt: EDITED, _updatedAt: EDITED, number: `C-${key}` }));
  await writeBag(join(home, "vault/shop", at.slice(0, 10)), {
    tables: [{ id: "customers", fields: [{ id: "number", type: "text" }], rows }],
    package: timed(at),
  });
}

async function crm(at: string, numbers: readonly string[]): Promise<void> {
  const rows = numbers.map((customer, index) => ({ _key: String(index + 1), _createdAt: EDITED, _updatedAt: EDITED, customer }));
  await writeBag(join(home, "vault/crm", at.slice(0, 10)), {
    tables: [{ id: "deals", fields: [{ id: "customer", type: "text" }], rows }],
    package: timed(at),
  });
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "rw-relations-"));
  await mkdir(join(home, "vault/shop"), { recursive: true });
  await mkdir(join(home, "vault/crm"), { recursive: true });
  const source = (id: string): string => `  - id: ${id}
    platform: { type: other }
    backups: { vault: local, path: ${id}, format: bag, settle: 0s }
    verify: { baseline: { review: false } }
    poll: 1s
`;
  await writeFile(
    join(home, "restorewatch.yaml"),
    `vaults:
  local: { type: dir, path: ./vault }
sources:
${source("shop")}${source("crm")}relations:
  - { name: deals of customers, from: crm/deals/customer, to: shop/customers/number }
`,
  );
  await crm("2026-02-01T04:00:00.000Z", ["C-1", "C-2"]);
  agent = await startAgentProcess(home, ["run", "--log", "json"]);
}, 60_000);

afterAll(async () => {
  await agent?.stop("SIGKILL");
  await rm(home, { recursive: true, force: true });
});

test("as long as the other side was never restored there is doubt, and the source is not verified", async () => {
  const told = await until(answer, (result) => result !== undefined, 40_000);
  expect(told).toMatchObject({ status: "error" });
  expect(told?.observed).toContain("shop");
  const { items } = (await (await fetch(`${agent.url}/api/v1/sources`)).json()) as { items: { id: string; verdict: string }[] };
  expect(items.find(({ id }) => id === "crm")?.verdict).toBe("inconclusive");
}, 60_000);

test("with it restored, everything that is pointed to is found; a later backup of it that lost some fails here", async () => {
  const drilled = async (): Promise<number> =>
    ((await (await fetch(`${agent.url}/api/v1/sources/shop/drills`)).json()) as { items: unknown[] }).items.length;
  await shop("2026-02-02T03:00:00.000Z", ["1", "2", "3"]);
  await until(drilled, (count) => count === 1, 40_000);
  await crm("2026-02-02T04:00:00.000Z", ["C-1", "C-2", "C-2"]);
  expect(await until(answer, (result) => result?.status === "pass", 40_000)).toMatchObject({ count: 2 });

  await shop("2026-02-03T03:00:00.000Z", ["1", "3"]);
  await until(drilled, (count) => count === 2, 40_000);
  await crm("2026-02-03T04:00:00.000Z", ["C-1", "C-2", "C-3"]);
  expect(await until(answer, (result) => result?.status === "fail", 40_000)).toMatchObject({ count: 1 });
  const metrics = await (await fetch(`${agent.url}/metrics`)).text();
  expect(metrics).toMatch(/restore_check_failing\{[^}]*links\.cross-source[^}]*\} 1/u);
  const evidence = await runAgent(home, "evidence", "show", "--source", "crm");
  expect(evidence.stdout).toContain("links.cross-source");
  // Values are never kept, only keyed digests of them.
  expect(`${evidence.stdout}${metrics}${agent.stdout()}${agent.stderr()}`).not.toMatch(/C-[123]\b/u);
}, 120_000);
