/** Rules by promtool itself: every case holds, and every alert that was made blind, deaf, lax or simpler is found out by a case. */
import { execFile } from "node:child_process";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { longTestsYaml, testsYaml } from "../../rules/cases.ts";
import { ALL_ALERTS, alertsYaml, recordingYaml } from "../../rules/generate.ts";
import { ROOT } from "../meta/sources.ts";
import { goTool } from "../servers/go-tools.ts";
import { mutantsOf } from "./mutants.ts";

let promtool = "";
let home = "";
beforeAll(async () => {
  promtool = await goTool("promtool");
  home = await mkdtemp(join(tmpdir(), "rw-rules-"));
}, 600_000);
afterAll(() => rm(home, { recursive: true, force: true }));

interface Rule {
  alert?: string;
  record?: string;
  expr: string;
  for?: string;
}
interface Rules {
  readonly groups: readonly { readonly rules: Rule[] }[];
}
interface OneTest {
  readonly name: string;
  /** Of which file. */
  readonly in: number;
}
interface Tests {
  readonly tests: readonly { readonly name: string }[];
}
/** Those of hours, and those of days, each with how often rules are evaluated in them. */
const FILES = [testsYaml(), longTestsYaml()].map((text) => parse(text) as Tests);

interface Tried {
  readonly ok: boolean;
  readonly said: string;
}

async function holds(
  name: string,
  rules: { readonly recording?: string; readonly alerts?: string },
  tests: readonly OneTest[],
): Promise<Tried> {
  const directory = join(home, name.replaceAll(/\W+/gu, "-"));
  await mkdir(join(directory, "tests"), { recursive: true });
  const alerts = rules.alerts ?? alertsYaml();
  await writeFile(join(directory, "recording.yaml"), neededBy(alerts, rules.recording ?? recordingYaml()));
  await writeFile(join(directory, "alerts.yaml"), alerts);
  const files = FILES.map((file, index) => ({
    path: join(directory, `tests/${index}.yaml`),
    file,
    own: tests.filter((one) => one.in === index),
  }));
  for (const { path, file, own } of files)
    await writeFile(path, stringify({ ...file, tests: own.map((one) => ({ ...one, in: undefined })) }));
  const run = promisify(execFile);
  try {
    const { stdout } = await run(promtool, ["test", "rules", ...files.filter(({ own }) => own.length > 0).map(({ path }) => path)], {
      maxBuffer: 1e8,
    });
    return { ok: true, said: stdout };
  } catch (thrown) {
    const { stdout = "", stderr = "" } = thrown as { stdout?: string; stderr?: string };
    return { ok: false, said: `${stdout}${stderr}` };
  }
}

/** The first case that notices, asked one after the other: the rest costs time and says nothing. */
async function killerOf(
  name: string,
  rules: { readonly recording?: string; readonly alerts?: string },
  tests: readonly OneTest[],
): Promise<OneTest | null> {
  for (const one of tests) if (!(await holds(name, rules, [one])).ok) return one;
  return null;
}

/** Only what the alerts stand on is recorded: the rest costs time and says nothing. */
function neededBy(alerts: string, recording: string): string {
  const { groups } = parse(recording) as Rules;
  const all = groups.flatMap(({ rules }) => rules);
  const wanted = new Set<string>();
  const want = (expr: string): void => {
    for (const { record = "", expr: own } of all)
      if (!wanted.has(record) && expr.includes(record)) {
        wanted.add(record);
        want(own);
      }
  };
  want(alerts);
  return stringify({ groups: groups.map((group) => ({ ...group, rules: group.rules.filter(({ record = "" }) => wanted.has(record)) })) });
}

const casesFor = (alert: string): readonly OneTest[] =>
  FILES.flatMap(({ tests }, index) => tests.filter((one) => one.name.startsWith(`${alert} `)).map((one) => ({ ...one, in: index })));

/** Only the one alert: the others cost time and say nothing. */
function onlyAlert(alert: string, change: (rule: Rule) => void): string {
  const { groups } = parse(alertsYaml()) as Rules;
  const kept = groups.map((group) => ({ ...group, rules: group.rules.filter((rule) => rule.alert === alert) }));
  for (const rule of kept.flatMap((group) => group.rules)) change(rule);
  return stringify({ groups: kept });
}

test("promtool takes the files as they are shipped", async () => {
  const files = ["recording.yaml", "alerts.yaml"].map((name) => join(ROOT, "rules", name));
  const { stdout } = await promisify(execFile)(promtool, ["check", "rules", ...files]);
  expect(stdout.match(/SUCCESS/gu)).toHaveLength(2);
});

test.each(ALL_ALERTS.map(({ alert }) => alert))(
  "%s fires, keeps quiet, ends, outlives its agent and goes with its source",
  async (alert) => {
    const { ok, said } = await holds(`${alert} whole`, { alerts: onlyAlert(alert, () => undefined) }, casesFor(alert));
    expect(ok ? "" : said.slice(0, 5000)).toBe("");
  },
);

test("what it says has every value filled in", { timeout: 300_000 }, async () => {
  for (const { alert } of ALL_ALERTS) {
    const [first = { name: "", in: 0 }] = casesFor(alert);
    // Expecting none makes promtool print what there is.
    const asked = {
      ...first,
      name: "said",
      promql_expr_test: undefined,
      alert_rule_test: [{ alertname: alert, eval_time: "2h", exp_alerts: [] }],
    };
    const { said } = await holds(`${alert} says`, { alerts: onlyAlert(alert, () => undefined) }, [
      JSON.parse(JSON.stringify(asked)) as typeof asked,
    ]);
    expect(said, alert).toContain("dashboard_url");
    expect(said.replaceAll(/\s+/gu, " "), alert).toMatch(
      /dashboard_url(?::|=)\s*"?http:\/\/127\.0\.0\.1:3000\/d\/restorewatch-(?:source\?var-source=crm|health)/u,
    );
    expect(said, alert).not.toMatch(/<no value>|\{\{|error expanding/u);
  }
});

describe("a rule that was broken is found out", () => {
  const names = ALL_ALERTS.map(({ alert }) => alert).filter((alert) => alert !== "RestorewatchWatchdog");

  test.each(names)("%s", { timeout: 300_000 }, async (alert) => {
    const { expr, for: wait } = ALL_ALERTS.find((one) => one.alert === alert) ?? { expr: "" };
    const mutants: (readonly [string, (rule: Rule) => void])[] = mutantsOf(expr).map((mutant) => [
      `${mutant.what}: ${mutant.expr}`,
      (rule) => {
        if (!rule.expr.includes(expr) && !rule.expr.includes(expr.replaceAll("\n", "\n  "))) throw new Error("the rule was not found");
        rule.expr = rule.expr.replace(expr.replaceAll("\n", "\n  "), () => mutant.expr).replace(expr, () => mutant.expr);
      },
    ]);
    mutants.push(["never", (rule) => (rule.expr = "vector(0) > 1")]);
    if (wait !== undefined) mutants.push(["hasty", (rule) => delete rule.for]);
    const overlooked: string[] = [];
    let cases = casesFor(alert);
    for (const [index, [what, change]] of mutants.entries()) {
      const killer = await killerOf(`${alert} ${index}`, { alerts: onlyAlert(alert, change) }, cases);
      if (killer === null) overlooked.push(what);
      // What noticed one notices the next one often too.
      else cases = [killer, ...cases.filter((one) => one !== killer)];
    }
    expect(overlooked).toEqual([]);
  });

  const recorded = (parse(recordingYaml()) as Rules).groups.flatMap((group) => group.rules.map(({ record = "" }) => record));

  test.each(recorded)("%s, forgetful or for ever", { timeout: 600_000 }, async (record) => {
    const change = (expr: (before: string) => string): string => {
      const rules = parse(recordingYaml()) as Rules;
      for (const rule of rules.groups.flatMap((group) => group.rules)) if (rule.record === record) rule.expr = expr(rule.expr);
      return stringify(rules);
    };
    const users = ALL_ALERTS.filter(({ expr, ofSource }) => expr.includes(record) || (ofSource && record.startsWith("restorewatch:")));
    expect(users.length, "somebody asks for it").toBeGreaterThan(0);
    const tests = users.slice(0, 2).flatMap(({ alert }) => casesFor(alert));
    const { groups } = parse(alertsYaml()) as Rules;
    const alerts = stringify({
      groups: groups.map((group) => ({
        ...group,
        rules: group.rules.filter((rule) => users.slice(0, 2).some(({ alert }) => alert === rule.alert)),
      })),
    });
    const [live, held] = ((parse(recordingYaml()) as Rules).groups[0]?.rules.find((rule) => rule.record === record)?.expr ?? "").split(
      /\n\s*or /u,
    );
    expect(await killerOf(`${record} gone`, { recording: change(() => "vector(0) > 1"), alerts }, tests), "gone").not.toBe(null);
    if (!record.endsWith(":held") || record === "restorewatch:source:held" || held === undefined) return;
    expect(await killerOf(`${record} forgetful`, { recording: change(() => live ?? ""), alerts }, tests), "forgets").not.toBe(null);
    // These two an agent tells for as long as it knows the source.
    if (["backup:configured_timestamp_seconds:held", "restore:last_verified_timestamp_seconds:held"].includes(record)) return;
    const forEver = `${live}\n  or last_over_time(${record}[5m])`;
    expect(await killerOf(`${record} for ever`, { recording: change(() => forEver), alerts }, tests), "never lets go").not.toBe(null);
  });
});
