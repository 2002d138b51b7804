/** The main job end to end, as a new user meets it: the quickstart judged, a backup broken by hand, a clean stop, a clean start. */
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseOpenMetrics } from "../../doubles/openmetrics.ts";
import { runAgent, type RunningAgent, startAgentProcess, until } from "./running.ts";

interface Fleet {
  readonly items: readonly {
    readonly id: string;
    readonly verdict: string;
    readonly headline: string;
    readonly rpo: { readonly state: string };
    readonly alarms: readonly { readonly rule: string }[];
    readonly drillId: string | null;
  }[];
}

let home: string;
let agent: RunningAgent;
const get = async <T>(path: string): Promise<T> => (await fetch(`${agent.url}${path}`)).json() as Promise<T>;
const fleet = (): Promise<Fleet> => get<Fleet>("/api/v1/sources?limit=100");
const judged = (value: Fleet): boolean =>
  value.items.length === 5 && value.items.every((item) => ["verified", "failed", "inconclusive"].includes(item.verdict));
const backups = (source: string): string => join(home, ".restorewatch/quickstart/backups", source);
const newest = async (source: string): Promise<string> =>
  join(
    backups(source),
    (await readdir(backups(source)))
      .filter((name) => !name.endsWith(".json"))
      .sort()
      .at(-1) ?? "",
  );

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "rw-quickstart-"));
});
afterAll(async () => {
  await agent?.stop("SIGKILL");
  await rm(home, { recursive: true, force: true });
});

describe("the quickstart", () => {
  test("five sources are judged, each for its own reason", { timeout: 60_000 }, async () => {
    agent = await startAgentProcess(home);
    const { items } = await until(fleet, judged, 40_000);
    const by = Object.fromEntries(items.map((item) => [item.id, item]));
    expect(Object.fromEntries(items.map((item) => [item.id, [item.verdict, item.rpo.state]]))).toEqual({
      healthy: ["verified", "ok"],
      late: ["verified", "breached"],
      collapsed: ["verified", "ok"],
      broken: ["failed", "ok"],
      locked: ["failed", "ok"],
    });
    const detail = async (
      id: string,
    ): Promise<{ checks: { id: string; status: string; observed: string; examples: { collection: string; item: string }[] }[] }> =>
      get(`/api/v1/drills/${by[id]?.drillId}`);
    const failing = async (id: string): Promise<string[]> =>
      (await detail(id)).checks
        .filter((check) => check.status === "fail")
        .map((check) => check.id)
        .sort();
    expect(await failing("broken")).toEqual(["links.reciprocal", "links.resolve"]);
    expect(await failing("locked")).toEqual(["credentials.decrypt"]);
    const resolve = (await detail("broken")).checks.find((check) => check.id === "links.resolve");
    expect(resolve?.observed).toContain("Orders");
    expect(resolve?.examples.length).toBeGreaterThan(0);
    const alarms = await get<{ items: { source: string; rule: string; endedAt: string | null }[] }>("/api/v1/alarms?limit=100");
    const active = (source: string): string[] =>
      alarms.items
        .filter((alarm) => alarm.source === source && alarm.endedAt === null)
        .map((alarm) => alarm.rule)
        .sort();
    expect(active("collapsed")).toEqual(["volume.collapse", "volume.collapse"]);
    expect(active("late")).toEqual(["gap.late"]);
    expect(active("healthy")).toEqual([]);
  });

  test("metrics say the same", async () => {
    const text = await (await fetch(`${agent.url}/metrics`)).text();
    // Strict: throws at anything that is not OpenMetrics.
    parseOpenMetrics(text);
    expect(text).toContain('backup_last_success_timestamp_seconds{source="healthy"}');
    const value = async (line: RegExp): Promise<string | undefined> => line.exec(await (await fetch(`${agent.url}/metrics`)).text())?.[1];
    expect(await value(/^restore_check_failing\{source="locked",check="credentials\.decrypt",layer="content"\} (\S+)/m)).toBe("1");
    expect(await value(/^backup_anomaly_active\{source="collapsed",signal="bytes",kind="rule"\} (\S+)/m)).toBe("1");
    expect(await value(/^backup_anomaly_active\{source="healthy",signal="bytes",kind="rule"\} (\S+)/m)).toBe("0");
  });

  test("a backup broken by hand turns its verdict within a poll, and mended again turns it back", { timeout: 60_000 }, async () => {
    const path = await newest("healthy");
    const whole = await readFile(path);
    const of = async (): Promise<string | undefined> => (await fleet()).items.find((item) => item.id === "healthy")?.verdict;
    await truncate(path, 40_000);
    await until(of, (verdict) => verdict === "failed");
    await writeFile(path, whole);
    await until(of, (verdict) => verdict === "verified");
  });

  test("a run reported on the command line is counted by the running agent", async () => {
    const config = join(home, ".restorewatch/quickstart/restorewatch.yaml");
    const told = await runAgent(home, "record", "healthy", "--outcome", "failure", "--config", config);
    expect([told.code, told.stderr]).toEqual([0, ""]);
    const failures = async (): Promise<string | undefined> =>
      /^backup_runs_total\{source="healthy",outcome="failure"\} (\S+)/m.exec(await (await fetch(`${agent.url}/metrics`)).text())?.[1];
    await until(failures, (value) => value === "1");
  });

  test("report tells it in words and with an exit code, beside the running agent", async () => {
    const config = join(home, ".restorewatch/quickstart/restorewatch.yaml");
    const report = await runAgent(home, "report", "--config", config);
    expect([report.code, report.stderr]).toEqual([1, ""]);
    expect(report.stdout).toMatch(/✗ failed\s+broken/);
    expect((await runAgent(home, "report", "late", "--config", config)).code).toBe(0);
    const unknown = await runAgent(home, "report", "nobody", "--config", config);
    expect([unknown.code, unknown.stdout]).toEqual([2, ""]);
  });

  test("SIGTERM ends it within five seconds, and the next start shows the same settled drills", { timeout: 60_000 }, async () => {
    const settled = async (): Promise<string> =>
      (await (await fetch(`${agent.url}/metrics`)).text())
        .split("\n")
        .filter((line) => /^(restore_|backup_)/.test(line) && !/^backup_poll_/.test(line))
        .map((line) => line.replace(/ # \{.*$/, "").replace(/ (\S+)$/, (_, value: string) => ` ${Number(Number(value).toPrecision(12))}`))
        .sort()
        .join("\n");
    const before = await settled();
    const { code, ms } = await agent.stop("SIGTERM");
    expect(code).toBe(0);
    expect(ms).toBeLessThan(5000);
    agent = await startAgentProcess(home);
    expect(await settled()).toBe(before);
    const left = await readdir(join(home, ".restorewatch/quickstart/restorewatch-work")).catch(() => []);
    expect(left.filter((name) => !name.endsWith(`-${agent.process.pid}`))).toEqual([]);
  });
});
