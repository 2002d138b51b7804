/** What happens to a running agent: reloads good and bad, a damaged state, requests from the command line, run reports over HTTP. */
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureQuickstart } from "../../../agent/quickstart/index.ts";
import { runAgent, type RunningAgent, startAgentProcess, until } from "./running.ts";

let home: string;
let directory: string;
let config: string;
let whole: string;
let agent: RunningAgent;
const start = (): Promise<RunningAgent> => startAgentProcess(home, ["start", "--log", "json", "--config", config]);
const metrics = async (): Promise<string> => (await fetch(`${agent.url}/metrics`)).text();
const sources = async (): Promise<{ id: string; verdict: string }[]> =>
  ((await (await fetch(`${agent.url}/api/v1/sources?limit=20`)).json()) as { items: { id: string; verdict: string }[] }).items;
const judged = (): Promise<unknown> =>
  until(sources, (all) => all.every((one) => one.verdict === "verified" || one.verdict === "failed"), 40_000);

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "rw-life-"));
  const made = ensureQuickstart(home, Date.now());
  directory = made.directory;
  config = made.configPath;
  await writeFile(join(home, "token"), "let-me-report");
  whole = (await readFile(config, "utf8")).replace(
    'listen: "127.0.0.1:9464"',
    `listen: "127.0.0.1:9464", runs: { token: { file: ${join(home, "token")} } }`,
  );
  await writeFile(config, whole);
  agent = await start();
  await judged();
}, 60_000);

afterAll(async () => {
  await agent?.stop("SIGKILL");
  await rm(home, { recursive: true, force: true });
});

test(
  "a bad reload keeps the old configuration and says so; a good one takes a source out, series and all, and puts it back",
  { timeout: 60_000 },
  async () => {
    const success = async (): Promise<string | undefined> => /^restorewatch_config_last_reload_success (\S+)/m.exec(await metrics())?.[1];
    expect(await success()).toBe("1");
    await writeFile(config, whole.replace("vault: local", "vault: lokal"));
    agent.process.kill("SIGHUP");
    await until(success, (value) => value === "0");
    expect(agent.stdout()).toContain("configuration refused");
    expect(await sources()).toHaveLength(5);
    const without = whole.replace(/ {2}- id: broken\n(?: {4}.*\n)+/, "");
    await writeFile(config, without);
    agent.process.kill("SIGHUP");
    await until(success, (value) => value === "1");
    await until(sources, (all) => all.length === 4);
    expect(await metrics()).not.toContain('source="broken"');
    await writeFile(config, whole);
    agent.process.kill("SIGHUP");
    await until(sources, (all) => all.length === 5);
    await until(metrics, (text) => /^restore_check_failing\{source="broken"/m.test(text));
  },
);

test("a person can have a source drilled by the running agent and is told the verdict", { timeout: 60_000 }, async () => {
  const failed = await runAgent(home, "drill", "locked", "--config", config);
  expect([failed.code, failed.stderr]).toEqual([1, ""]);
  expect(failed.stdout).toContain("credentials.decrypt");
  expect((await runAgent(home, "drill", "healthy", "--config", config)).code).toBe(0);
  const polled = await runAgent(home, "poll", "--config", config);
  expect([polled.code, polled.stdout]).toEqual([0, "An agent runs on this configuration: it looks now.\n"]);
});

test("a backup job reports over HTTP with the token, and not without", async () => {
  const post = async (token: string | null): Promise<number> =>
    (
      await fetch(`${agent.url}/api/v1/runs`, {
        method: "POST",
        headers: { "content-type": "application/json", ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
        body: JSON.stringify({ source: "healthy", outcome: "failure", finished: new Date().toISOString() }),
      })
    ).status;
  expect([await post(null), await post("wrong")]).toEqual([401, 401]);
  expect(Math.trunc((await post("let-me-report")) / 100)).toBe(2);
  await until(metrics, (text) => text.includes('backup_runs_total{source="healthy",outcome="failure"} 1'));
  expect(await metrics()).toMatch(/^backup_consecutive_failures\{source="healthy"\} 1/m);
});

test("a second agent on the same evidence is refused in one line", async () => {
  const second = await runAgent(home, "run", "--listen", "127.0.0.1:0", "--config", config);
  expect(second.code).toBe(2);
  expect(second.stderr.trim().split("\n")).toHaveLength(1);
  expect(second.stderr).toContain("Another agent");
});

test("a damaged state is set aside and made anew from the evidence, with the same numbers", { timeout: 60_000 }, async () => {
  const counters = async (): Promise<string[]> =>
    (await metrics())
      .split("\n")
      .filter((line) => /^(restore_drills_total|backup_runs_total|backup_last_success)/.test(line))
      .map((line) => line.replace(/ # .*/, ""))
      .sort((a, b) => (a < b ? -1 : 1));
  const before = await counters();
  await agent.stop("SIGKILL");
  // The write-ahead log would mend what it holds; a disk that damages a file takes that too.
  for (const side of ["-wal", "-shm"]) await rm(join(directory, `restorewatch.db${side}`), { force: true });
  const file = await open(join(directory, "restorewatch.db"), "r+");
  await file.write(Buffer.alloc(20_000, 0xa5), 0, 20_000, 100);
  await file.close();
  agent = await start();
  expect(agent.stdout()).toContain("rebuilt from the evidence");
  expect(await counters()).toEqual(before);
});

test("evidence that was tampered with is named, entry by entry", async () => {
  await agent.stop("SIGTERM");
  const { stdout } = await runAgent(home, "evidence", "verify", "--output", "json", "--config", config);
  const sound = JSON.parse(stdout) as { sound: boolean; head: { hash: string }; entries: number };
  expect(sound.sound).toBe(true);
  const proven = await runAgent(home, "evidence", "verify", "--head", sound.head.hash, "--output", "json", "--config", config);
  expect(JSON.parse(proven.stdout)).toMatchObject({ sound: true, tailProven: true });
  const path = join(directory, "evidence", `evidence-${new Date().toISOString().slice(0, 10)}.ndjson`);
  const lines = (await readFile(path, "utf8")).split("\n");
  lines[4] = (lines[4] ?? "").replace('"at":1', '"at":2');
  await writeFile(path, lines.join("\n"));
  const broken = await runAgent(home, "evidence", "verify", "--config", config);
  expect(broken.code).toBe(1);
  expect(broken.stdout).toMatch(/Entry 5\b/);
});
