/** Artifacts that change under a drill: nothing is proven by what was read of them, in either direction. */
import { appendFile, readFile, rename, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type RunningAgent, until } from "../agent/running.ts";
import { asking, csv, HOUR, makeWorld, type World } from "./world.ts";

let world: World;
let agent: RunningAgent;
const ask = asking(() => agent);
const drills = async (verdict: string): Promise<number> =>
  Number(new RegExp(`^restore_drills_total\\{[^}]*verdict="${verdict}"\\} (\\S+)`, "m").exec(await ask.metrics())?.[1] ?? 0);

beforeEach(async () => {
  world = await makeWorld();
});
afterEach(async () => {
  await agent?.stop("SIGKILL");
  await world.remove();
});

describe("an artifact that changes while it is read", () => {
  /** Waits until the drill's process has begun, and lets `change` happen under its hands. */
  const underTheDrill = async (change: () => Promise<unknown>): Promise<void> => {
    await until(
      async () => {
        const pid = agent.process.pid ?? 0;
        return (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim();
      },
      (children) => children !== "",
    );
    await change();
  };
  const ROWS = 150_000;

  test.each<readonly [string, (file: string) => Promise<unknown>]>([
    ["is appended to", (file) => appendFile(file, "999999,New,1\n")],
    ["is cut short", (file) => truncate(file, 1000)],
    ["is deleted", (file) => rm(file)],
    [
      "is replaced by another",
      async (file) => {
        await writeFile(`${world.home}/next.csv`, csv(10));
        await rename(`${world.home}/next.csv`, file);
      },
    ],
    [
      "is exchanged byte by byte, with its size and time put back",
      async (file) => {
        const { atime, mtime } = await stat(file);
        const text = await readFile(file, "utf8");
        await writeFile(file, text.replaceAll("Deal", "Dead"));
        await utimes(file, atime, mtime);
      },
    ],
  ])("%s: never verified, never failed", { timeout: 40_000 }, async (_, change) => {
    agent = await world.start();
    await until(ask.source, ({ verdict }) => verdict === "none");
    const file = await world.put("one", ROWS, 3 * HOUR);
    await underTheDrill(() => change(file));
    await until(
      () => drills("inconclusive"),
      (count) => count === 1,
    );
    expect([await drills("verified"), await drills("failed")]).toEqual([0, 0]);
    const reasons = agent.stdout();
    expect(reasons).toMatch(/"reason":"[^"]*(changed while it was read|no longer what the last poll saw)/);
  });
});
