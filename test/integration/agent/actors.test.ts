/** Who decided can be erased: from the list, from the bytes of the state, and for good. What was decided stays. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runAgent, type RunningAgent, startAgentProcess, until } from "./running.ts";

let home = "";
let agent: RunningAgent;
const name = `user ${userInfo().username}`;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "rw-actors-"));
  agent = await startAgentProcess(home);
  await until(
    () => runAgent(home, "baseline", "healthy"),
    ({ code, stdout }) => code === 1 && stdout.includes("waits"),
  );
  await runAgent(home, "baseline", "healthy", "--approve", "--reason", "looked at it");
});
afterAll(async () => {
  await agent?.stop("SIGKILL");
  await rm(home, { recursive: true, force: true });
});

/** Files of state, evidence and inbox in which the name stands. */
async function filesWithName(): Promise<readonly string[]> {
  const place = join(home, ".restorewatch/quickstart");
  const files = (await readdir(place, { recursive: true, withFileTypes: true })).filter(
    (one) => one.isFile() && !one.parentPath.includes("/backups"),
  );
  const found: string[] = [];
  for (const file of files) if ((await readFile(join(file.parentPath, file.name))).includes(name)) found.push(file.name);
  return found;
}

describe("who decided", () => {
  test("is listed with the name, which the state alone holds", async () => {
    const { stdout } = await until(
      () => runAgent(home, "actors", "list"),
      (one) => one.stdout.includes(name),
    );
    expect(stdout).toMatch(/^~[0-9a-f]{16} {2}user \S+ {2}1 decision$/mu);
    expect((await filesWithName()).every((file) => file.startsWith("restorewatch.db"))).toBe(true);
  });

  test("is erased: no byte of it is left, what was decided stays, and a rebuild brings nothing back", async () => {
    const id = /^~[0-9a-f]{16}/mu.exec((await runAgent(home, "actors", "list")).stdout)?.[0] ?? "";
    const erased = await runAgent(home, "actors", "erase", id);
    expect([erased.code, erased.stdout]).toEqual([0, expect.stringContaining("within seconds")]);
    await until(
      () => runAgent(home, "actors", "list"),
      ({ stdout }) => stdout.includes(`${id}  (erased)  1 decision`),
    );
    expect(await filesWithName()).toEqual([]);
    expect((await runAgent(home, "actors", "erase", id)).stdout).toContain("has no name any more");
    expect((await runAgent(home, "actors", "erase", "~0000000000000000")).code).toBe(2);
    expect((await runAgent(home, "evidence", "show", "--type", "decision.made")).stdout).toContain("looked at it");
    expect((await runAgent(home, "evidence", "verify")).code).toBe(0);
    await agent.stop("SIGTERM");
    expect((await runAgent(home, "state", "rebuild")).code).toBe(0);
    expect((await runAgent(home, "actors", "list")).stdout).toContain(`${id}  (erased)  1 decision`);
    expect(await filesWithName()).toEqual([]);
  });
});
