/** A vault that goes away: nothing that could not be looked at is judged, and all of it ends by itself. */
import { chmod, mkdir, rename, rmdir, unlink, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type RunningAgent, until } from "../agent/running.ts";
import { asking, HOUR, makeWorld, OTHER_USER, owned, type World } from "./world.ts";

let world: World;
let agent: RunningAgent;
const ask = asking(() => agent);
const lastSuccess = async (): Promise<string | undefined> =>
  /^backup_last_success_timestamp_seconds\{[^}]*\} (\S+)/m.exec(await ask.metrics())?.[1];
const troubled = (): Promise<unknown> => until(ask.source, ({ trouble }) => trouble !== null);
const drills = async (verdict: string): Promise<number> =>
  Number(new RegExp(`^restore_drills_total\\{[^}]*verdict="${verdict}"\\} (\\S+)`, "m").exec(await ask.metrics())?.[1] ?? 0);

beforeEach(async () => {
  world = await makeWorld();
});
afterEach(async () => {
  await agent?.stop("SIGKILL");
  await world.remove();
});

test(
  "removed, replaced by a file, forbidden: polls fail, points and last success stay, and it recovers each time",
  { timeout: 60_000 },
  async () => {
    await world.put("one", 20, 3 * HOUR);
    await owned(world);
    agent = await world.start(OTHER_USER);
    await until(ask.source, ({ verdict }) => verdict === "verified");
    const before = await lastSuccess();
    const vault = world.path("backups");
    const ways: readonly (readonly [string, () => Promise<unknown>, () => Promise<unknown>])[] = [
      ["removed", () => rename(vault, world.path("elsewhere")), () => rename(world.path("elsewhere"), vault)],
      [
        "replaced by a file",
        async () => {
          await rename(vault, world.path("elsewhere"));
          await writeFile(vault, "");
        },
        async () => {
          await unlink(vault);
          await rename(world.path("elsewhere"), vault);
        },
      ],
      [
        "an empty mount point",
        async () => {
          await rename(vault, world.path("elsewhere"));
          await mkdir(vault);
        },
        async () => {
          await rmdir(vault);
          await rename(world.path("elsewhere"), vault);
        },
      ],
      ["forbidden", () => chmod(vault, 0), () => chmod(vault, 0o755)],
    ];
    for (const [way, take, give] of ways) {
      await take();
      await troubled();
      expect([way, await lastSuccess(), (await ask.source()).verdict]).toEqual([way, before, "verified"]);
      expect([way, await drills("failed"), await drills("inconclusive")]).toEqual([way, 0, 0]);
      expect((await ask.ready()).status).toBe(200);
      await give();
      await until(ask.source, ({ trouble }) => trouble === null);
    }
    expect(await lastSuccess()).toBe(before);
  },
);
