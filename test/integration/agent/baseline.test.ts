/** Baselines with a real agent: proposed by the first verified point, approved and answered on the command line, compared with from then on. */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../../meta/sources.ts";
import { runAgent, type RunningAgent, startAgentProcess, until } from "./running.ts";

let home: string;
let agent: RunningAgent;
const json = async (path: string): Promise<unknown> => (await fetch(`${agent.url}${path}`)).json();
const waiting = async (): Promise<string | undefined> =>
  /^restorewatch_baselines_waiting (\S+)/mu.exec(await (await fetch(`${agent.url}/metrics`)).text())?.[1];
const baseline = async (...more: string[]) => runAgent(home, "baseline", ...more);
const verdict = async (): Promise<string | undefined> =>
  ((await json("/api/v1/sources?limit=5")) as { items: { verdict: string }[] }).items[0]?.verdict;
const evidence = async (): Promise<string> => (await runAgent(home, "evidence", "show", "--source", "library")).stdout;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "rw-baseline-"));
  await mkdir(join(home, "vault"));
  await copyFile(resolve(ROOT, "../shared/data/grist/World-v39.grist"), join(home, "vault", "2026-01-01.grist"));
  await writeFile(
    join(home, "restorewatch.yaml"),
    `vaults:
  local: { type: dir, path: ./vault }
sources:
  - id: library
    platform: { type: grist }
    backups: { vault: local, settle: 0s }
    poll: 1s
`,
  );
  agent = await startAgentProcess(home, ["run", "--log", "json"]);
  await until(waiting, (count) => count === "1", 40_000);
}, 60_000);

afterAll(async () => {
  await agent?.stop("SIGKILL");
  await rm(home, { recursive: true, force: true });
});

test("the first verified point waits; without an answer nothing is compared", async () => {
  const { code, stdout } = await baseline();
  expect(code).toBe(1);
  expect(stdout).toContain("library: no baseline is approved; one of ");
  expect(await verdict()).toBe("verified");
});

test("an answer needs a source and a reason", async () => {
  expect((await baseline("library", "--approve")).code).toBe(2);
  expect((await baseline("nobody", "--approve", "--reason", "x")).code).toBe(2);
  expect((await baseline("--approve", "--reason", "x")).code).toBe(2);
  expect((await baseline("library", "--approve", "--reject", "--reason", "x")).code).toBe(2);
});

test(
  "approved, it is what the next points are held against: a dropped table fails, is proposed, and approved is the new normal",
  { timeout: 90_000 },
  async () => {
    expect(await baseline("library", "--approve", "--reason", "the state we signed off")).toMatchObject({ code: 0 });
    await until(waiting, (count) => count === "0");
    const path = join(home, "vault", "2026-01-02.grist");
    await copyFile(join(home, "vault", "2026-01-01.grist"), path);
    const database = new DatabaseSync(path);
    database.exec("DELETE FROM _grist_Views_section WHERE id = 12");
    database.close();
    await until(waiting, (count) => count === "1", 40_000);
    const shown = await baseline("library");
    expect(shown.stdout).toContain("is gone");
    expect(await verdict()).toBe("failed");
    expect(await baseline("library", "--approve", "--reason", "the widget went on purpose, says ada@example.org")).toMatchObject({
      code: 0,
    });
    await until(verdict, (is) => is === "verified", 40_000);
    expect((await baseline("library")).stdout).toContain("none waits");
    const told = await evidence();
    expect(told).toContain("baseline approved by ~");
    expect(told).toContain("says [address]");
    expect(await readFile(join(home, "restorewatch.yaml"), "utf8")).not.toContain("ada");
  },
);
