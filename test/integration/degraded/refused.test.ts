/** What an agent cannot start on: one line that says what and how to mend it, and nothing is touched. */
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runAgent, type RunningAgent, until } from "../agent/running.ts";
import { asking, HOUR, makeWorld, OTHER_USER, owned, type World } from "./world.ts";

let world: World;
let agent: RunningAgent | null = null;
const ask = asking(() => agent as RunningAgent);

beforeEach(async () => {
  world = await makeWorld();
  await world.put("one", 20, 3 * HOUR);
});
afterEach(async () => {
  await agent?.stop("SIGKILL");
  agent = null;
  await world.remove();
});

/** Starts it as it would run and expects it to end by itself. */
async function refusal(wrap: readonly string[] = []): Promise<string> {
  const ended = await world.start(wrap).then(
    () => "",
    (thrown: unknown) => (thrown as Error).message,
  );
  const said = ended.replace(/^ended before it listened: /, "").trim();
  expect(said.split("\n")).toHaveLength(1);
  return said;
}

test.each([
  ["the state's directory", "state", /state.*(cannot be|denied)/i],
  ["the evidence's directory", "evidence", /evidence.*cannot be written/i],
])("%s is read-only", { timeout: 40_000 }, async (_, folder, said) => {
  await owned(world);
  await chmod(world.path(folder), 0o500);
  expect(await refusal(OTHER_USER)).toMatch(said);
  expect(await readdir(world.path(folder))).toEqual([]);
  await chmod(world.path(folder), 0o700);
  agent = await world.start(OTHER_USER);
  await until(ask.source, ({ verdict }) => verdict === "verified");
});

test("a state file that may only be read is refused, and taken again once it may be written", { timeout: 40_000 }, async () => {
  await owned(world);
  agent = await world.start(OTHER_USER);
  await until(ask.source, ({ verdict }) => verdict === "verified");
  await agent.stop("SIGTERM");
  await chmod(world.path("state/restorewatch.db"), 0o400);
  await chmod(world.path("state"), 0o500);
  expect(await refusal(OTHER_USER)).toMatch(/state.*(read-only|cannot be opened|denied)/i);
  await chmod(world.path("state"), 0o700);
  await chmod(world.path("state/restorewatch.db"), 0o600);
  agent = await world.start(OTHER_USER);
  expect((await ask.source()).verdict).toBe("verified");
});

test("a state that another agent has, by another evidence, and one of a newer version", { timeout: 40_000 }, async () => {
  agent = await world.start();
  await until(ask.source, ({ verdict }) => verdict === "verified");
  const second = await runAgent(world.home, "run", "--listen", "127.0.0.1:0", "--config", world.config);
  expect([second.code, second.stderr.trim().split("\n").length]).toEqual([2, 1]);
  expect(second.stderr).toMatch(/Another agent \(process \d+\) uses this directory/);
  await agent.stop("SIGTERM");
  const database = new DatabaseSync(world.path("state/restorewatch.db"));
  database.exec("insert into kysely_migration (name, timestamp) values ('9999-from-the-future', '2099-01-01T00:00:00.000Z')");
  database.close();
  expect(await refusal()).toMatch(
    /was written by a newer version of Restorewatch \(9999-from-the-future\).*run that version or a later one/,
  );
});

test(
  "a database that another process keeps to itself: said within seconds, over by itself, nothing lost",
  { timeout: 60_000 },
  async () => {
    agent = await world.start();
    const told = await until(ask.source, ({ verdict }) => verdict === "verified");
    const holder = new DatabaseSync(world.path("state/restorewatch.db"));
    holder.exec("begin immediate");
    await world.put("two", 30, HOUR);
    const held = await until(ask.ready, ({ status }) => status === 503, 30_000);
    expect(held.problems).toEqual([expect.stringMatching(/^The state cannot be .* held by another process/)]);
    expect(await ask.degraded()).toContain("state");
    holder.exec("rollback");
    holder.close();
    await until(ask.ready, ({ status }) => status === 200);
    await until(ask.source, ({ verdict, drillId }) => verdict === "verified" && drillId !== told.drillId);
  },
);

test("a state path that is a directory, and an evidence path that is a file", { timeout: 40_000 }, async () => {
  await mkdir(world.path("state/restorewatch.db"));
  expect(await refusal()).toMatch(/state .* cannot be opened/);
  await world.remove();
  world = await makeWorld({ evidence: "./token" });
  await writeFile(world.path("token"), "x");
  expect(await refusal()).toMatch(/evidence .* cannot be (made|written)/i);
});
