/** A full disk under each of the agent's directories: it is said, nothing told is lost, no verdict is wrong, and it ends by itself. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runAgent, type RunningAgent, until } from "../agent/running.ts";
import {
  asking,
  diskAt,
  evidenceProblems,
  evidenceText,
  HOUR,
  makeWorld,
  setLimit,
  withinAgent,
  withSmallDisk,
  type World,
} from "./world.ts";

let world: World;
let agent: RunningAgent;
const ask = asking(() => agent);
const verified = (): Promise<unknown> => until(ask.source, ({ verdict }) => verdict === "verified");

beforeEach(async () => {
  world = await makeWorld();
  await world.put("one", 20, 3 * HOUR);
});
afterEach(async () => {
  await agent?.stop("SIGKILL");
  await world.remove();
});

describe.each([
  { what: "the evidence", cause: "evidence", folder: "evidence", kib: 1024 },
  { what: "the state", cause: "state", folder: "state", kib: 8192 },
])("no space left for $what", ({ cause, folder, kib }) => {
  test(
    "is said in /readyz and a metric, holds drills back, loses nothing, and is over when there is space again",
    { timeout: 60_000 },
    async () => {
      agent = await world.start(withSmallDisk(world.path(folder), kib));
      await verified();
      const told = await ask.source();
      const disk = diskAt(withinAgent(agent, world.path(folder)));
      const evidence = withinAgent(agent, world.path("evidence"));
      await disk.fill();
      const before = await evidenceText(evidence);
      await world.put("two", 30, HOUR);
      const full = await until(ask.ready, ({ status }) => status === 503);
      expect(full.problems).toEqual([expect.stringMatching(new RegExp(`^The ${cause} cannot be .*no drill is begun: .*\\.$`))]);
      expect(await ask.degraded()).toEqual([cause]);
      expect(await ask.page("/healthz")).toBe(200);
      expect(await ask.page("/")).toBe(200);
      // A job that reports now is told that it was not taken, or it is in the evidence.
      const accepted = (await ask.report("failure")) < 300;
      if (accepted) expect(await evidenceText(evidence)).toContain('"outcome":"failure"');
      expect((await evidenceText(evidence)).startsWith(before)).toBe(true);
      expect(await evidenceProblems(evidence)).toEqual([]);
      expect((await ask.source()).verdict).toMatch(/^(verified|pending)$/);
      expect((await ask.metrics()).match(/^restore_drills_total\{[^}]*verdict="(failed|inconclusive)"\} [1-9]/m)).toBeNull();
      await disk.free();
      expect(await until(ask.ready, ({ status }) => status === 200)).toEqual({ status: 200, problems: [] });
      expect(await ask.degraded()).toEqual([]);
      await until(ask.source, ({ verdict, drillId }) => verdict === "verified" && drillId !== told.drillId);
      expect(await ask.report("success")).toBeLessThan(300);
      expect(await evidenceProblems(evidence)).toEqual([]);
      expect((await agent.stop("SIGTERM")).code).toBe(0);
    },
  );
});

test(
  "an agent that may write no file any longer says so for each, and recovers; a report left meanwhile is not lost",
  { timeout: 60_000 },
  async () => {
    agent = await world.start();
    await verified();
    await setLimit(agent, "fsize", "1");
    const left = await runAgent(world.home, "record", "crm", "--outcome", "failure", "--config", world.config);
    expect([left.code, left.stderr]).toEqual([0, ""]);
    const full = await until(ask.ready, ({ status, problems }) => status === 503 && problems.length >= 3);
    expect(full.problems.toSorted()).toEqual([
      expect.stringMatching(/^Drills cannot work: EFBIG/),
      expect.stringMatching(/^The evidence cannot be written/),
      expect.stringMatching(/^The state cannot be/),
    ]);
    await setLimit(agent, "fsize", "unlimited");
    await until(ask.ready, ({ status }) => status === 200);
    await until(ask.metrics, (text) => text.includes('backup_runs_total{source="crm",outcome="failure"} 1'));
    expect(await evidenceProblems(world.path("evidence"))).toEqual([]);
  },
);
