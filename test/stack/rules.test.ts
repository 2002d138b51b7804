/** Rules by promtool itself: every case holds, and every alert that was made blind, deaf or lax is found out by a case. */
import { execFile } from "node:child_process";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { ALL_ALERTS, alertsYaml, recordingYaml, testsYaml } from "../../rules/generate.ts";
import { goTool } from "../servers/go-tools.ts";

let promtool = "";
let home = "";
beforeAll(async () => {
  promtool = await goTool("promtool");
  home = await mkdtemp(join(tmpdir(), "rw-rules-"));
}, 600_000);
afterAll(() => rm(home, { recursive: true, force: true }));

interface Alerts {
  readonly groups: readonly { readonly rules: { alert: string; expr: string; for?: string }[] }[];
}

/** @returns whether promtool is content */
async function holds(name: string, alerts: string, alert: string | null): Promise<{ readonly ok: boolean; readonly said: string }> {
  const directory = join(home, name);
  await mkdir(join(directory, "tests"), { recursive: true });
  const whole = parse(testsYaml()) as { tests: { name: string }[] };
  const tests = alert === null ? whole.tests : whole.tests.filter((one) => one.name.startsWith(`${alert} `));
  await writeFile(join(directory, "recording.yaml"), recordingYaml());
  await writeFile(join(directory, "alerts.yaml"), alerts);
  await writeFile(join(directory, "tests/alerts.yaml"), stringify({ ...whole, tests }));
  const run = promisify(execFile);
  try {
    await run(promtool, ["check", "rules", join(directory, "recording.yaml"), join(directory, "alerts.yaml")]);
    const { stdout } = await run(promtool, ["test", "rules", join(directory, "tests/alerts.yaml")]);
    return { ok: true, said: stdout };
  } catch (thrown) {
    const { stdout = "", stderr = "" } = thrown as { stdout?: string; stderr?: string };
    return { ok: false, said: `${stdout}${stderr}` };
  }
}

function changed(alert: string, change: (rule: { expr: string; for?: string }) => void): string {
  const rules = parse(alertsYaml()) as Alerts;
  for (const group of rules.groups) for (const rule of group.rules) if (rule.alert === alert) change(rule);
  return stringify(rules);
}

test("every alert fires, keeps quiet, outlives its agent and goes with its source", { timeout: 400_000 }, async () => {
  expect(await holds("whole", alertsYaml(), null)).toMatchObject({ ok: true });
});

describe("a rule that was broken is found out", () => {
  const names = ALL_ALERTS.map(({ alert }) => alert).filter((alert) => alert !== "RestorewatchWatchdog");

  test.each(names)("%s, made blind, lax or hasty", { timeout: 120_000 }, async (alert) => {
    const { expr, for: wait } = ALL_ALERTS.find((one) => one.alert === alert) ?? { expr: "" };
    const mutants: [string, (rule: { expr: string; for?: string }) => void][] = [
      ["never", (rule) => (rule.expr = "vector(0) > 1")],
      ["without its threshold", (rule) => (rule.expr = rule.expr.replace(/(>=|<|>|==) (?=\S)(?!on|bool)([\d.]+)/u, ">= -1e18"))],
    ];
    if (/(?:>=|<|>|==) [\d.]+/u.exec(expr) === null) mutants.pop();
    if (wait !== undefined) mutants.push(["hasty", (rule) => delete rule.for]);
    for (const [name, change] of mutants) {
      const { ok } = await holds(`${alert}-${name.replaceAll(" ", "-")}`, changed(alert, change), alert);
      expect(ok, `${alert} ${name}`).toBe(false);
    }
  });
});
