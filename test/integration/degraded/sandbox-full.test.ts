/** A full disk under the drills' working directory, and a vault beside it that is well. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { type RunningAgent, until } from "../agent/running.ts";
import { asking, diskAt, HOUR, makeWorld, withinAgent, withSmallDisk, type World } from "./world.ts";

let world: World;
let agent: RunningAgent;
const ask = asking(() => agent);
const verified = (): Promise<unknown> => until(ask.source, ({ verdict }) => verdict === "verified");

beforeEach(async () => {
  world = await makeWorld();
  await world.putDocument("one", 3 * HOUR);
});
afterEach(async () => {
  await agent?.stop("SIGKILL");
  await world.remove();
});

test(
  "no space left for sandboxes: drills are inconclusive with the reason, and tried again as soon as there is space",
  { timeout: 60_000 },
  async () => {
    agent = await world.start(withSmallDisk(world.path("work"), 4096));
    await verified();
    const disk = diskAt(withinAgent(agent, world.path("work")));
    await disk.fill();
    const full = await until(ask.ready, ({ status }) => status === 503, 45_000);
    expect(full.problems).toEqual([expect.stringMatching(/^Drills cannot work: .*no space left/)]);
    expect(await ask.degraded()).toEqual(["sandbox"]);
    await world.putDocument("two", HOUR);
    const { drillId } = await until(ask.source, ({ verdict }) => verdict === "inconclusive");
    const drill = await ask.drill(drillId ?? "");
    expect(drill.reasons[0]).toMatch(/no space left|disk is full/i);
    await disk.free();
    await until(ask.ready, ({ status }) => status === 200);
    await verified();
    expect(await ask.degraded()).toEqual([]);
  },
);
