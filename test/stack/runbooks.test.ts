/** Every command of every runbook, run beside a real agent on a quickstart that was broken so that the alerts' conditions hold, and without one. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ALL_ALERTS } from "../../rules/generate.ts";
import { runAgent, type RunningAgent, startAgentProcess, until } from "../integration/agent/running.ts";
import { textOf } from "../meta/sources.ts";

let home = "";
let agent: RunningAgent;

/** Which source an alert would name here; where none is said, the one whose backup does not restore. */
const SOURCE_OF: Readonly<Record<string, string>> = {
  BackupRpoBreached: "late",
  BackupRpoBurnRateHigh: "late",
  BackupLate: "late",
  BackupGapAnomaly: "late",
  BackupVolumeAnomaly: "collapsed",
  BackupNeverSucceeded: "unreachable",
  RestorewatchPollFailing: "unreachable",
  RestoreVerificationInconclusive: "healthy",
  RestoreVerificationStale: "healthy",
};
const sourceOf = (alert: string): string => SOURCE_OF[alert] ?? "broken";

interface Expected {
  /** 0 fine; 1 something is wrong, which is told; 2 does not apply, which is told; 3 could not look, which is told. */
  readonly codes: readonly number[];
  readonly says: RegExp;
}
/** What a command prints that a woken person can use, by how it stands in the runbooks. */
const COMMANDS: Readonly<Record<string, (source: string) => Expected>> = {
  "restorewatch report SOURCE": (source) => ({
    codes: [0, 1, 3],
    says: new RegExp(`(verified|failed|inconclusive|unknown).*\\b${source}\\b`, "u"),
  }),
  "restorewatch report": () => ({ codes: [0, 1], says: /collapsed[\s\S]*Evidence: \d+ entries/u }),
  "restorewatch check": () => ({ codes: [0, 3], says: /unreachable: .*could not be reached|unreachable.*there is no/u }),
  "restorewatch evidence show --source SOURCE --last 20": (source) => ({ codes: [0], says: new RegExp(`\\b${source}: `, "u") }),
  "restorewatch evidence verify": () => ({ codes: [0], says: /sound +\d+ entries/u }),
  "restorewatch poll SOURCE": () => ({ codes: [0], says: /it looks now/u }),
  "restorewatch poll": () => ({ codes: [0], says: /it looks now/u }),
  "restorewatch plan SOURCE": (source) => ({ codes: [0], says: new RegExp(`^${source}: `, "u") }),
  "restorewatch plan SOURCE --within 60d": (source) => ({ codes: [0], says: new RegExp(`^${source}: `, "u") }),
  "restorewatch plan": () => ({ codes: [0], says: /^healthy: /mu }),
  "restorewatch drill SOURCE": (source) => ({
    codes: source === "broken" ? [1] : source === "healthy" ? [3] : [0],
    says: source === "broken" ? /links\.reciprocal: / : source === "healthy" ? /more than the 1000 allowed/u : /verified/u,
  }),
  "restorewatch state info": () => ({ codes: [0], says: /follows \d+ evidence entries/u }),
  "restorewatch discover --all": () => ({ codes: [0, 1, 3], says: /unreachable/u }),
  "restorewatch baseline SOURCE": (source) => ({ codes: [0, 1], says: new RegExp(`^${source}: .*baseline`, "u") }),
  "restorewatch expected SOURCE": (source) => ({
    codes: source === "collapsed" ? [1] : [0],
    says: source === "collapsed" ? /^[0-9a-f]{12} {2}.*expected about/mu : /no alarm is active/u,
  }),
  'restorewatch expected SOURCE ALARM --reason "…"': () => ({ codes: [0], says: /\S/u }),
  // No source of the quickstart has a product: the command says what is missing.
  "restorewatch capture SOURCE": () => ({ codes: [2], says: /not set up for captures/u }),
  "restorewatch capture SOURCE --prune --dry-run": () => ({ codes: [2], says: /not set up for captures/u }),
};

/** Lines of `sh` blocks, and what stands between backticks. */
function commandsOf(alert: string): readonly string[] {
  const page = textOf(`rules/runbooks/${alert}.md`);
  const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/gu)].flatMap(([, lines = ""]) => lines.trim().split("\n"));
  const inline = [...page.replaceAll(/```[\s\S]*?```/gu, "").matchAll(/`(restorewatch [^`]+)`/gu)].map(([, command = ""]) => command);
  return [...blocks, ...inline];
}

const used = ALL_ALERTS.flatMap(({ alert }) => commandsOf(alert).map((command) => ({ alert, command })));

function argumentsOf(command: string, source: string, alarm: string): readonly string[] {
  const [name, ...words] = command.replaceAll("SOURCE", source).replaceAll("ALARM", alarm).split(" ");
  if (name !== "restorewatch") throw new Error(`not a command of ours: ${command}`);
  return words.map((word) => (word === '"…"' ? "meant so" : word));
}

async function verdictOf(source: string): Promise<string> {
  return ((await (await fetch(`${agent.url}/api/v1/sources/${source}`)).json()) as { readonly status: { readonly verdict: string } }).status
    .verdict;
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "rw-runbooks-"));
  agent = await startAgentProcess(home);
  for (const source of ["healthy", "late", "collapsed", "broken", "locked"])
    await until(
      () => verdictOf(source),
      (verdict) => verdict === "verified" || verdict === "failed",
      60_000,
    );
  await agent.stop("SIGTERM");
  // One whose drills are ended by a limit, and one whose vault is away.
  const path = join(home, ".restorewatch/quickstart/restorewatch.yaml");
  const text = (await readFile(path, "utf8"))
    .replace("  local: { type: dir, path: ./backups }", "  local: { type: dir, path: ./backups }\n  away: { type: dir, path: ./away }")
    .replace(/( {2}- id: healthy\n)/u, "$1    verify: { limits: { maxBytes: 1KB } }\n")
    .concat("  - id: unreachable\n    platform: { type: grist }\n    backups: { vault: away, every: 24h }\n    poll: 5s\n");
  await writeFile(path, text);
  agent = await startAgentProcess(home);
  await until(
    () => fetch(`${agent.url}/api/v1/sources/unreachable`),
    ({ ok }) => ok,
    30_000,
  );
}, 300_000);
afterAll(async () => {
  await agent?.stop("SIGKILL");
  await rm(home, { recursive: true, force: true });
});

describe("runbooks", () => {
  test("every command is known to this test, and it knows no other", () => {
    expect([...new Set(used.map(({ command }) => command))].toSorted()).toEqual(Object.keys(COMMANDS).toSorted());
  });

  const pairs = [
    ...new Map(used.map(({ alert, command }) => [command.replaceAll("SOURCE", sourceOf(alert)), { alert, command }])).values(),
  ];
  test.each(pairs.filter(({ command }) => !command.includes("ALARM")))(
    "$command, as $alert asks",
    { timeout: 60_000 },
    async ({ alert, command }) => {
      const source = sourceOf(alert);
      const { codes, says } = COMMANDS[command]?.(source) ?? { codes: [], says: /never/u };
      const { code, stdout, stderr } = await runAgent(home, ...argumentsOf(command, source, ""));
      expect(`${stdout}${stderr}`).toMatch(says);
      expect(codes, `${stdout}${stderr}`).toContain(code);
      expect(stderr).not.toMatch(/\n\s+at /u);
    },
  );

  test("an alarm is found by its id and marked as expected, and ends", { timeout: 60_000 }, async () => {
    const listed = await runAgent(home, "expected", "collapsed");
    const ids = [...listed.stdout.matchAll(/^([0-9a-f]{12}) {2}/gmu)].map(([, id = ""]) => id);
    expect(ids.length).toBeGreaterThan(0);
    for (const id of ids) {
      const answered = await runAgent(home, ...argumentsOf('restorewatch expected SOURCE ALARM --reason "…"', "collapsed", id));
      expect([answered.code, answered.stderr]).toEqual([0, ""]);
    }
    await until(
      () => runAgent(home, "expected", "collapsed"),
      ({ code, stdout }) => code === 0 && stdout.includes("no alarm is active"),
      30_000,
    );
  });

  test("a configuration that was refused: the agent keeps the old one, and check names line and mend", { timeout: 60_000 }, async () => {
    const path = join(home, ".restorewatch/quickstart/restorewatch.yaml");
    const good = await readFile(path, "utf8");
    await writeFile(path, good.replace("rpo: 36h", "rpo: soon"));
    agent.process.kill("SIGHUP");
    await until(
      async () => (await fetch(`${agent.url}/metrics`)).text(),
      (text) => text.includes("restorewatch_config_last_reload_success 0"),
    );
    const { code, stderr } = await runAgent(home, ...argumentsOf("restorewatch check", "", ""));
    expect(code).toBe(2);
    expect(stderr).toMatch(/restorewatch\.yaml:\d+:\d+ .*rpo.*mend: /u);
    await writeFile(path, good);
    agent.process.kill("SIGHUP");
    await until(
      async () => (await fetch(`${agent.url}/metrics`)).text(),
      (text) => text.includes("restorewatch_config_last_reload_success 1"),
    );
  });

  test("the agent is dead: its commands tell what it knew, and that its evidence is sound", { timeout: 60_000 }, async () => {
    await agent.stop("SIGKILL");
    for (const command of commandsOf("RestorewatchDown").filter((one) => !one.includes("check"))) {
      const { code, stdout } = await runAgent(home, ...argumentsOf(command, "", ""));
      expect([command, code]).toEqual([command, 0]);
      expect(stdout).toMatch(COMMANDS[command]?.("").says ?? /never/u);
    }
    const report = await runAgent(home, "report", "broken");
    expect(report.stdout).toContain("links.reciprocal");
  });
});
