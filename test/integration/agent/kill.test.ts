/** SIGKILL at random moments under load: nothing that was told is lost, the chain holds, no sandbox stays, and the numbers come back. */
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { verifyEvidence } from "../../../agent/evidence/verify.ts";
import { seededRandom } from "../../../agent/kit/random.ts";
import { ensureQuickstart } from "../../../agent/quickstart/index.ts";
import { runAgent, startAgentProcess, until } from "./running.ts";

const KILLS = 25;
const SOURCES = ["healthy", "late", "collapsed", "broken", "locked"];

test("killed 25 times under load", { timeout: 240_000 }, async () => {
  const home = await mkdtemp(join(tmpdir(), "rw-kill-"));
  try {
    const { directory, configPath } = ensureQuickstart(home, Date.now());
    const config = await readFile(configPath, "utf8");
    await writeFile(configPath, config.replaceAll("poll: 5s", "poll: 1s").replaceAll("settle: 2s", "settle: 0s"));
    const random = seededRandom(20_261_123);
    const told = new Set<string>();
    const noteTold = (log: string): void => {
      const line = /"restore\.drill\.id":"([0-9a-f]+)"[^\n]*"drill finished"|"drill finished"[^\n]*"restore\.drill\.id":"([0-9a-f]+)"/g;
      for (const match of log.matchAll(line)) told.add(match[1] ?? match[2] ?? "");
    };
    const start = (): ReturnType<typeof startAgentProcess> => startAgentProcess(home, ["start", "--log", "json", "--config", configPath]);
    for (let kill = 0; kill < KILLS; kill += 1) {
      await touchNewest(directory, kill);
      const agent = await start();
      await new Promise((resolve) => setTimeout(resolve, 50 + random.next() * 1500));
      await agent.stop("SIGKILL");
      noteTold(agent.stdout());
      expect(
        (await verifyEvidence({ directory: join(directory, "evidence") })).problems.filter((problem) => problem.kind !== "torn"),
        `after kill ${kill + 1}`,
      ).toEqual([]);
    }
    const last = await start();
    const settled = async (): Promise<readonly string[]> => settledLines(await (await fetch(`${last.url}/metrics`)).text());
    const drilled = async (): Promise<boolean> =>
      ((await (await fetch(`${last.url}/api/v1/sources?limit=10`)).json()) as { items: { verdict: string }[] }).items.every((item) =>
        ["verified", "failed"].includes(item.verdict),
      );
    await until(drilled, (value) => value, 40_000);
    await until(
      async () => [await settled(), (await new Promise((resolve) => setTimeout(resolve, 2500)), await settled())] as const,
      ([a, b]) => a.join() === b.join(),
      60_000,
    );
    const before = await settled();
    await last.stop("SIGKILL");
    noteTold(last.stdout());
    const again = await start();
    expect(settledLines(await (await fetch(`${again.url}/metrics`)).text())).toEqual(before);
    const left = await readdir(join(directory, "restorewatch-work")).catch(() => []);
    expect(left.filter((name) => !name.endsWith(`-${again.process.pid}`))).toEqual([]);
    await again.stop("SIGTERM");
    const evidence = await readAll(join(directory, "evidence"));
    expect([...told].filter((id) => !evidence.includes(`"id":"${id}"`))).toEqual([]);
    // How many got through before their kill depends on the machine; that some did, on nothing.
    expect(told.size).toBeGreaterThan(0);
    expect((await runAgent(home, "evidence", "verify", "--config", configPath)).code).toBe(0);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});

/** Every source's newest backup counts as a new one, so there is something to drill after each start. */
async function touchNewest(directory: string, round: number): Promise<void> {
  for (const source of SOURCES) {
    const folder = join(directory, "backups", source);
    const name = (await readdir(folder))
      .filter((one) => !one.endsWith(".json"))
      .sort()
      .at(-1);
    const at = new Date(Date.now() - 3_600_000 + round * 1000);
    if (name !== undefined) await utimes(name.endsWith(".grist") ? join(folder, name) : join(folder, name, "flows.json"), at, at);
  }
}

function settledLines(text: string): readonly string[] {
  return (
    text
      .split("\n")
      .filter((line) => /^restore_(drills|drill_duration|phase_duration|check|last|consecutive)/.test(line))
      // Sums of seconds are added up in another order after a restart: the last digits of a double may differ.
      .map((line) => line.replace(/ # \{.*$/, "").replace(/ (\S+)$/, (_, value: string) => ` ${Number(Number(value).toPrecision(12))}`))
      .sort()
  );
}

async function readAll(directory: string): Promise<string> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".ndjson")).sort();
  return (await Promise.all(names.map((name) => readFile(join(directory, name), "utf8")))).join("");
}
