/** No file descriptor left, no process left, a drill that is killed: our trouble, never the backup's. */
import { readdir } from "node:fs/promises";
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type RunningAgent, until } from "../agent/running.ts";
import { asking, evidenceProblems, HOUR, makeWorld, OTHER_USER, owned, setLimit, type World } from "./world.ts";

let world: World;
let agent: RunningAgent;
const ask = asking(() => agent);
const falseVerdicts = async (): Promise<unknown> => (await ask.metrics()).match(/^restore_drills_total\{[^}]*verdict="failed"\} [1-9]/m);

beforeEach(async () => {
  world = await makeWorld();
  await world.put("one", 20, 3 * HOUR);
});
afterEach(async () => {
  await agent?.stop("SIGKILL");
  await world.remove();
});

test("out of file descriptors: said, inconclusive at worst, over by itself", { timeout: 60_000 }, async () => {
  agent = await world.start();
  await until(ask.source, ({ verdict }) => verdict === "verified");
  const open = new Set((await readdir(`/proc/${agent.process.pid ?? 0}/fd`)).map(Number));
  // Those that are open stay, and three more may be had: enough to ask, too few for a process and its pipes.
  const free = Array.from({ length: 1000 }, (_, n) => n).filter((n) => !open.has(n));
  await setLimit(agent, "nofile", String((free[2] ?? 0) + 1));
  await world.put("two", 30, HOUR);
  const without = await until(ask.ready, ({ status }) => status === 503, 30_000);
  expect(without.problems.join("\n")).toMatch(/EMFILE|too many open files/i);
  expect((await ask.source()).verdict).not.toBe("failed");
  await setLimit(agent, "nofile", "4096");
  await until(ask.ready, ({ status }) => status === 200);
  await until(ask.source, ({ verdict, headline }) => verdict === "verified" && !headline.includes("3 h old"));
  expect(await falseVerdicts()).toBeNull();
  expect(await evidenceProblems(world.path("evidence"))).toEqual([]);
});

test("no process can be started: inconclusive with the reason, and tried again as soon as one can", { timeout: 60_000 }, async () => {
  await owned(world);
  agent = await world.start(OTHER_USER);
  await until(ask.source, ({ verdict }) => verdict === "verified");
  await setLimit(agent, "nproc", "1", OTHER_USER);
  await world.put("two", 30, HOUR);
  const { drillId } = await until(ask.source, ({ verdict }) => verdict === "inconclusive", 30_000);
  const drill = await ask.drill(drillId ?? "");
  expect([drill.trouble, drill.reasons]).toEqual(["child-not-started", [expect.stringMatching(/could not be started/)]]);
  const without = await until(ask.ready, ({ status }) => status === 503);
  expect(without.problems).toEqual([expect.stringMatching(/^Drills cannot work: .*(could not be started|EAGAIN)/)]);
  expect(await ask.degraded()).toEqual(["sandbox"]);
  await setLimit(agent, "nproc", "4096", OTHER_USER);
  await until(ask.source, ({ verdict }) => verdict === "verified");
  await until(ask.ready, ({ status }) => status === 200);
  expect(await falseVerdicts()).toBeNull();
});

test(
  "a drill's process that the system kills is out of memory: inconclusive, nothing left behind, tried again",
  { timeout: 60_000 },
  async () => {
    agent = await world.start();
    const told = await until(ask.source, ({ verdict }) => verdict === "verified");
    // Large enough that it can be met at work.
    await world.put("two", 400_000, HOUR);
    const child = await until(
      async () => {
        const pid = agent.process.pid ?? 0;
        const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
        return Number(children.trim().split(" ")[0]);
      },
      (pid) => pid > 0,
    );
    process.kill(child, "SIGKILL");
    const { drillId } = await until(ask.source, (one) => one.drillId !== null && one.drillId !== told.drillId);
    const drill = await ask.drill(drillId ?? "");
    expect([drill.verdict, drill.trouble]).toEqual(["inconclusive", "child-out-of-memory"]);
    expect(await readdir(world.path("work"))).toEqual([]);
    expect((await ask.ready()).status).toBe(200);
  },
);
