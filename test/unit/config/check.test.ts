import { describe, expect, test } from "vitest";
import { checkCommand, type CheckDeps } from "../../../agent/cli/check.ts";
import { AgentError } from "../../../agent/core/errors.ts";
import type { Vault } from "../../../agent/core/ports.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { memoryVault } from "../../doubles/vault.ts";
import { capturedOutput } from "./captured-output.ts";
import { loadText } from "./load-fixture.ts";

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 0, 15, 12);

const CONFIG = `
vaults:
  nightly: { type: dir, path: ./backups }
sources:
  - id: crm
    platform: { type: grist }
    objectives: { rpo: 24h }
    backups: { vault: nightly, path: crm, pattern: "*.grist", key: { env: CRM_KEY } }
  - { id: hr, platform: { type: grist }, backups: { vault: nightly, path: hr } }
`;

const ISOLATION = {
  process: true,
  permissions: true,
  network: false,
  memoryLimit: true,
  databaseLocked: true,
  notes: ["unshare is not permitted here"],
};

async function nightly(newestHours = 5): Promise<Vault> {
  const memory = memoryVault("nightly");
  await memory.put("crm/a.grist", "x", NOW - 40 * HOUR);
  await memory.put("crm/b.grist", "y", NOW - newestHours * HOUR);
  await memory.put("crm/c.grist", "z", NOW - 1000);
  await memory.put("crm/notes.txt", "n", NOW - HOUR);
  await memory.put("hr/a.grist", "x", NOW - 3 * HOUR);
  return memory.vault;
}

function setup(vault: Vault | AgentError, more: Partial<CheckDeps> = {}, env: Record<string, string> = { CRM_KEY: "s3cret" }) {
  const captured = capturedOutput();
  const clock = fakeClock(NOW);
  const deps: CheckDeps = {
    out: captured.out,
    clock,
    loadConfig: () => loadText(CONFIG, env),
    openVaults: async () => new Map([["nightly", vault]]),
    probeIsolation: async () => ISOLATION,
    formats: [{ id: "grist", summary: "" }],
    ...more,
  };
  return { deps, captured, clock };
}

describe("restorewatch check", () => {
  test("says for each source what lies there and how old the newest is, and what a drill gets here", async () => {
    const { deps, captured } = setup(await nightly());
    expect(await checkCommand({ output: "text" }, deps)).toBe(0);
    expect(captured.stdout().split("\n")).toEqual([
      "✓ restorewatch.yaml is valid: 2 sources, 1 vault",
      "",
      "Secrets",
      "✓ sources[0].backups.key: environment variable CRM_KEY",
      "",
      "Sources",
      "✓ crm: nightly/crm reached, 2 backups, 1 still settling, newest 5 h old (RPO 24 h: met)",
      "✓ hr: nightly/hr reached, 1 backup, newest 3 h old",
      "",
      "Formats grist",
      "",
      "A drill on this machine gets",
      "✓ a process of its own",
      "✓ reading and writing only where it must",
      "- no network: not here",
      "✓ a limit on memory",
      "✓ a database that reaches no other file",
      "    unshare is not permitted here",
      "",
    ]);
    expect(captured.stdout()).not.toContain("s3cret");
  });

  test("a breached RPO is told but is not a fault of the configuration", async () => {
    const { deps, captured } = setup(await nightly(30));
    expect(await checkCommand({ output: "text" }, deps)).toBe(0);
    expect(captured.stdout()).toContain("! crm: nightly/crm reached, 2 backups, 1 still settling, newest 30 h old (RPO 24 h: breached)");
  });

  test("as JSON it holds the same, in the agent's units", async () => {
    const { deps, captured } = setup(await nightly());
    expect(await checkCommand({ output: "json" }, deps)).toBe(0);
    expect(JSON.parse(captured.stdout())).toMatchObject({
      schema: "restorewatch.check/v1",
      ok: true,
      path: "restorewatch.yaml",
      sources: [
        { source: "crm", reachable: true, artifacts: 2, waiting: 1, newestAt: NOW - 5 * HOUR, rpo: "met", rpoMs: 24 * HOUR, error: null },
        { source: "hr", reachable: true, artifacts: 1, rpo: "none" },
      ],
      secrets: [{ at: "sources[0].backups.key", error: null }],
      isolation: { network: false, process: true },
    });
  });

  test("a configuration that is not valid ends with 2 and every problem on a line", async () => {
    const { deps, captured } = setup(await nightly(), { loadConfig: () => loadText("vaults: {}\nsources: []\n") });
    expect(await checkCommand({ output: "text" }, deps)).toBe(2);
    expect(captured.stderr().split("\n")).toEqual([
      "restorewatch: restorewatch.yaml:1:1 vaults: no vault is named; mend: add one, for example nightly: {type: dir, …}",
      "restorewatch.yaml:2:1 sources: is an empty list; mend: add at least one entry",
      "",
    ]);
  });

  test("a secret that cannot be had ends with 2 and is named, the others are still looked at", async () => {
    const { deps, captured } = setup(await nightly(), {}, {});
    expect(await checkCommand({ output: "text" }, deps)).toBe(2);
    expect(captured.stdout()).toContain(
      "✗ sources[0].backups.key: environment variable CRM_KEY is not set; mend: set CRM_KEY where the agent is started",
    );
    expect(captured.stdout()).toContain("✓ hr: nightly/hr reached");
  });

  test("a folder that is not there ends with 3 and hides no other source", async () => {
    const memory = memoryVault("nightly");
    await memory.put("hr/a.grist", "x", NOW - 3 * HOUR);
    const { deps, captured } = setup(memory.vault);
    expect(await checkCommand({ output: "text" }, deps)).toBe(3);
    expect(captured.stdout()).toContain('✗ crm: nightly/crm could not be reached: "crm": There is no such file or directory');
    expect(captured.stdout()).toContain("✓ hr: nightly/hr reached, 1 backup");
  });

  test("a vault that cannot be made is told for each of its sources", async () => {
    const { deps, captured } = setup(new AgentError("auth", "no", "The folder may not be read.", { mend: "allow it" }));
    expect(await checkCommand({ output: "text" }, deps)).toBe(3);
    expect(captured.stdout().match(/could not be reached: The folder may not be read; mend: allow it/gu)).toHaveLength(2);
  });

  test("nothing found where something could not be looked at is not all well", async () => {
    const blind: Vault = { ...(await nightly()), list: async () => ({ entries: [], reports: [], problems: ["crm/a: no permission"] }) };
    const { deps, captured } = setup(blind);
    expect(await checkCommand({ output: "text" }, deps)).toBe(3);
    expect(captured.stdout()).toContain("    ! crm/a: no permission");
  });

  test("an empty folder is reached and pointed out", async () => {
    const memory = memoryVault("nightly");
    await memory.put("crm/readme.txt", "x", NOW - HOUR);
    await memory.put("hr/a.grist", "x", NOW - HOUR);
    const { deps, captured } = setup(memory.vault);
    expect(await checkCommand({ output: "text" }, deps)).toBe(0);
    expect(captured.stdout()).toContain("! crm: nightly/crm reached, but no backup is there that the pattern matches");
  });

  test("a backup that may still be written is counted, not judged", async () => {
    const memory = memoryVault("nightly");
    await memory.put("crm/a.grist", "x", NOW - 1000);
    await memory.put("hr/a.grist", "x", NOW - HOUR);
    const { deps, captured } = setup(memory.vault);
    expect(await checkCommand({ output: "text" }, deps)).toBe(0);
    expect(captured.stdout()).toContain("! crm: nightly/crm reached, 1 backup too new to be judged yet");
  });

  test("a vault that hangs and heeds no signal is left at the deadline, all sources at the same time", async () => {
    const stuck: Vault = { ...(await nightly()), list: () => new Promise(() => undefined) };
    const { deps, captured, clock } = setup(stuck);
    const running = checkCommand({ output: "text" }, deps);
    await expect.poll(() => clock.sleepers).toBe(2);
    await clock.advance(10_000);
    expect(await running).toBe(3);
    expect(captured.stdout().match(/could not be reached: no answer within 10 s; mend: /gu)).toHaveLength(2);
    expect(clock.sleepers).toBe(0);
  });

  test("no timer is left behind when a vault answers", async () => {
    const { deps, clock } = setup(await nightly());
    await checkCommand({ output: "text" }, deps);
    expect(clock.sleepers).toBe(0);
  });
});
