/** 10,000 backups of one source: polls and drills stay few and quick, memory and pages stay within bounds. */
import { readFile, utimes, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type RunningAgent, until } from "../agent/running.ts";
import { asking, csv, HOUR, makeWorld, type World } from "./world.ts";

const MANY = 10_000;
let world: World;
let agent: RunningAgent;
const ask = asking(() => agent);

beforeEach(async () => {
  world = await makeWorld();
});
afterEach(async () => {
  await agent?.stop("SIGKILL");
  await world.remove();
});

test("are listed, kept and shown; only what the policy asks for is drilled", { timeout: 90_000 }, async () => {
  const now = Date.now();
  const text = csv(10);
  for (let from = 0; from < MANY; from += 500) {
    await Promise.all(
      Array.from({ length: 500 }, async (_, n) => {
        const file = world.path("backups/crm", `${String(from + n).padStart(5, "0")}.csv`);
        await writeFile(file, text);
        const at = new Date(now - (from + n + 1) * HOUR);
        await utimes(file, at, at);
      }),
    );
  }
  agent = await world.start();
  const started = performance.now();
  await until(ask.source, ({ verdict }) => verdict === "verified", 30_000);
  expect(performance.now() - started).toBeLessThan(30_000);
  const metrics = await ask.metrics();
  expect(metrics).toMatch(/^backup_recovery_points\{source="crm"\} 10000$/m);
  const polls = async (): Promise<number> =>
    Number(/^backup_poll_duration_seconds_count\{[^}]*outcome="success"[^}]*\} (\d+)/m.exec(await ask.metrics())?.[1] ?? 0);
  const drilled = async (): Promise<number> =>
    Number(/^restore_drills_total\{source="crm",drill_kind="sample",verdict="verified"\} (\S+)/m.exec(await ask.metrics())?.[1]);
  // The newest and two older ones, as the configuration says where it says nothing, however many there are.
  await until(drilled, (count) => count === 3, 30_000);
  const before = await polls();
  await until(polls, (count) => count >= before + 3, 30_000);
  expect(await drilled()).toBe(3);
  const [, sum = "0", count = "1"] =
    /^backup_poll_duration_seconds_sum\{[^}]*outcome="success"[^}]*\} (\S+)[^]*?^backup_poll_duration_seconds_count\{[^}]*outcome="success"[^}]*\} (\d+)/m.exec(
      await ask.metrics(),
    ) ?? [];
  expect(Number(sum) / Number(count)).toBeLessThan(5);
  for (const path of ["/", "/sources/crm", "/api/v1/sources/crm/points?limit=50", "/metrics"]) {
    const asked = performance.now();
    expect([path, await ask.page(path)]).toEqual([path, 200]);
    expect(performance.now() - asked).toBeLessThan(5000);
  }
  const rss = Number(/^VmHWM:\s+(\d+) kB/m.exec(await readFile(`/proc/${agent.process.pid ?? 0}/status`, "utf8"))?.[1]) / 1024;
  expect(rss).toBeLessThan(450);
  expect((await agent.stop("SIGTERM")).code).toBe(0);
  // And a restart over them is as quick as ever.
  const again = performance.now();
  agent = await world.start();
  expect(performance.now() - again).toBeLessThan(10_000);
  expect((await ask.source()).verdict).toBe("verified");
});
