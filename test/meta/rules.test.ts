/** Rules and runbooks as they lie in the repository: names exist, links lead somewhere, commands are commands. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { METRICS, type MetricDefinition } from "../../agent/telemetry/names.ts";
import { casesOf } from "../../rules/cases.ts";
import { HELD } from "../../rules/definitions.ts";
import { ALL_ALERTS } from "../../rules/generate.ts";
import { COLLECTOR_SERIES } from "../../rules/own-alerts.ts";
import { runAgent } from "../integration/agent/running.ts";
import { ROOT } from "./sources.ts";

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert?: string;
      readonly record?: string;
      readonly expr: string;
      readonly annotations?: Readonly<Record<string, string>>;
    }[];
  }[];
}
const read = (name: string): Rules => parse(readFileSync(join(ROOT, "rules", name), "utf8")) as Rules;
const recorded = read("recording.yaml").groups.flatMap((group) => group.rules);
const alerts = read("alerts.yaml").groups.flatMap((group) => group.rules);
const runbook = (alert: string): string => readFileSync(join(ROOT, "rules/runbooks", `${alert}.md`), "utf8");

/** Every series an expression names. */
function seriesOf(expr: string): string[] {
  const bare = expr
    .replaceAll(/"[^"]*"/gu, '""')
    .replaceAll(/\[[^\]]*\]/gu, "")
    .replaceAll(/\{[^}]*\}/gu, "");
  const clauses = bare.replaceAll(/\b(?:by|on|group_left|group_right|ignoring|without)\s*\([^)]*\)/gu, "");
  return [...clauses.matchAll(/\b([a-z_][a-z0-9_:]*)\b(?!\s*\()/giu)]
    .map(([, name = ""]) => name)
    .filter((name) => name.includes("_") || name.includes(":"));
}
const made = new Set(recorded.map((rule) => rule.record));
const exists = (name: string): boolean => {
  if (made.has(name) || name.startsWith("group_") || (COLLECTOR_SERIES as readonly string[]).includes(name)) return true;
  const base = name.replace(/_(?:count|sum|bucket)$/u, "");
  const definition: MetricDefinition | undefined = base in METRICS ? METRICS[base as keyof typeof METRICS] : undefined;
  return definition !== undefined && (base === name || definition.type === "histogram");
};

describe("rules", () => {
  test.each([...recorded, ...alerts].map((rule) => [rule.alert ?? rule.record ?? "", rule.expr] as const))(
    "%s names only series there are",
    (_, expr) => {
      expect(seriesOf(expr).filter((name) => !exists(name) && !["and", "or", "unless", "bool"].includes(name))).toEqual([]);
    },
  );

  test("held series keep labels their metric has", () => {
    for (const { metric, by } of HELD)
      expect([
        metric,
        by.filter((label) => label !== "instance" && !(METRICS[metric].labels as readonly string[]).includes(label)),
      ]).toEqual([metric, []]);
  });

  test("every alert says what is wrong in a sentence, and where to read on", () => {
    for (const { alert = "", annotations = {} } of alerts) {
      expect([alert, Object.keys(annotations).toSorted()]).toEqual([alert, ["dashboard_url", "description", "runbook_url", "summary"]]);
      expect(annotations["description"]).toMatch(/\.$/u);
      expect(runbook(alert)).toContain("## Diagnosis");
    }
  });

  test("every alert of the contract is there, and more only of the collector and of alarms told together", () => {
    const contract =
      "BackupNeverSucceeded BackupRpoBreached BackupRpoBurnRateHigh BackupLate BackupFailing BackupVolumeAnomaly BackupDurationAnomaly BackupGapAnomaly BackupImmutabilityLapsing BackupRetentionBroken RestoreVerificationFailed RestoreVerificationStale RestoreVerificationInconclusive RestoreCoverageBehind RestorePromiseBreaks RestoreRtoForecastBreached RestoreTimeDrifting RestoreMismatchFound RestoreDrillOverdue RestoreSandboxLeak RestorewatchDown RestorewatchPollFailing RestorewatchRateLimited RestorewatchTelemetryDropped RestorewatchConfigReloadFailed RestorewatchWatchdog RestorewatchAnomaliesGrouped RestorewatchCollectorQueueFilling RestorewatchCollectorExportFailing RestorewatchCollectorRefusing";
    const there = new Set(alerts.map((rule) => rule.alert));
    expect(contract.split(" ").filter((name) => !there.has(name))).toEqual([]);
    expect([...there].filter((name) => !contract.split(" ").includes(name ?? ""))).toEqual([]);
  });

  test("each fires in one case at least and keeps quiet in another", () => {
    for (const definition of ALL_ALERTS.filter(({ alert }) => alert !== "RestorewatchWatchdog")) {
      const cases = casesOf(definition);
      expect([definition.alert, cases.some((one) => one.fires === 1), cases.some((one) => one.fires === 0)]).toEqual([
        definition.alert,
        true,
        true,
      ]);
    }
  });
});

describe("runbooks", () => {
  test("there is one an alert, and none beside", () => {
    expect(readdirSync(join(ROOT, "rules/runbooks")).toSorted()).toEqual(alerts.map((rule) => `${rule.alert ?? ""}.md`).toSorted());
  });

  test("their queries name series there are", () => {
    for (const { alert = "" } of alerts) {
      const query = /```promql\n([\s\S]*?)\n```/u.exec(runbook(alert))?.[1] ?? "none_at_all";
      expect([alert, seriesOf(query).filter((name) => !exists(name))]).toEqual([alert, []]);
    }
  });

  test("their commands are commands of ours, with flags they have", async () => {
    const lines = new Set(
      alerts.flatMap(({ alert = "" }) => [...runbook(alert).matchAll(/restorewatch ([a-z][^`\n]*)/gu)].map(([, line = ""]) => line.trim())),
    );
    const helps = new Map<string, string>();
    for (const line of lines) {
      const words = line.split(/\s+/u);
      const command = words.slice(0, ["state", "evidence"].includes(words[0] ?? "") ? 2 : 1);
      const name = command.join(" ");
      if (!helps.has(name)) helps.set(name, (await runAgent(ROOT, ...command, "--help")).stdout);
      expect(helps.get(name), name).toMatch(/^Usage: restorewatch/u);
      for (const flag of words.filter((word) => word.startsWith("--"))) expect(helps.get(name), line).toContain(flag);
    }
    expect(lines.size).toBeGreaterThan(8);
  }, 60_000);
});
