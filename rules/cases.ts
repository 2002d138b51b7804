/** What is to be seen of every alert, as tests for promtool: one value a minute, times from 0. */
import { stringify } from "yaml";
import type { AlertDefinition, TestAt, TestSeries } from "./definitions.ts";
import { ALL_ALERTS, HEAD } from "./generate.ts";

const LABELS = 'source="crm",platform="grist",vault="nightly",owner="sales",domain="sales",tier="critical"';
const INFO = `backup_source_info{instance="a",${LABELS}}`;
const HEARTBEAT = 'restorewatch_heartbeat_timestamp_seconds{instance="a"}';
const CONFIGURED = 'backup_source_configured_timestamp_seconds{instance="a",source="crm"}';
const PLAIN: TestSeries = { [HEARTBEAT]: "0+60x240", [INFO]: "1x240", [CONFIGURED]: "0x240" };

export interface Case {
  readonly name: string;
  readonly series: TestSeries;
  readonly at: string;
  /** How many of it fire. */
  readonly fires: 0 | 1;
}

/** It fires, keeps quiet, ends, outlives its agent and a pause, changes agents with its source, and goes with it. */
export function casesOf(definition: AlertDefinition): readonly Case[] {
  const { alert, test, ofSource } = definition;
  if (alert === "RestorewatchWatchdog") return [{ name: "always", series: PLAIN, at: "10m", fires: 1 }];
  if (alert === "RestorewatchDown") return DOWN;
  const fires = { ...PLAIN, ...test.fires };
  const quiet = { ...PLAIN, ...test.quiet };
  const cases: Case[] = [
    { name: "fires", series: fires, at: "2h", fires: 1 },
    { name: "is quiet", series: quiet, at: "2h", fires: 0 },
    { name: "ends when it is well again", series: thenAt120(fires, quiet, test.endsAt), at: `${test.endsAt ?? 240}m`, fires: 0 },
    { name: "begins when it goes wrong", series: thenAt120(quiet, fires), at: "4h", fires: 1 },
    ...also("fires too", 1, test.alsoFires),
    ...also("is quiet too", 0, test.alsoQuiet),
  ];
  if (!ofSource) return cases;
  return [
    ...cases,
    { name: "outlives its agent", series: cut(fires, 120, 240), at: "150m", fires: 1 },
    { name: "goes on over a restart", series: cut(fires, 110, 116), at: "118m", fires: 1 },
    { name: "is quiet over a restart", series: cut(quiet, 110, 116), at: "118m", fires: 0 },
    ...untold(definition),
    { name: "keeps quiet when its agent dies", series: cut(quiet, 120, 241), at: "125m", fires: 0 },
    { name: "goes with its source", series: { ...cut(fires, 120, 240), [HEARTBEAT]: "0+60x240" }, at: "140m", fires: 0 },
    { name: "goes on once when another agent takes the source over", series: takenOver(fires), at: "3h", fires: 1 },
    { name: "says nothing of a source it does not know", series: { ...fires, [INFO]: "_x240" }, at: "2h", fires: 0 },
    {
      name: "is quiet for a source that has just come",
      series: { ...cut(quiet, 0, 120), [CONFIGURED]: "_x120 7200x120" },
      at: "125m",
      fires: 0,
    },
  ];
}

function also(name: string, fires: 0 | 1, all: readonly TestAt[] = []): readonly Case[] {
  return all.map(({ series, at = 120 }, index) => ({
    name: `${name}, ${index + 1}`,
    series: { ...(at > 240 ? mapped(PLAIN, (minutes) => minutes, at) : PLAIN), ...series },
    at: `${at}m`,
    fires,
  }));
}

/** Each of the series it stands on is no longer told by an agent that lives and knows the source. */
function untold({ test }: AlertDefinition): readonly Case[] {
  return Object.keys(test.fires)
    .filter((name) => !(test.without ?? []).some((metric) => name.startsWith(`${metric}{`)))
    .map((name) => ({
      name: `ends when ${name.slice(0, name.indexOf("{"))} is no longer told`,
      series: { ...PLAIN, ...test.fires, ...cut({ [name]: test.fires[name] ?? "" }, 120, 241) },
      at: "140m",
      fires: 0,
    }));
}

const DOWN: readonly Case[] = [
  { name: "fires when the heartbeat stops", series: { ...PLAIN, [HEARTBEAT]: "0+60x60 _x180" }, at: "2h", fires: 1 },
  { name: "fires when there never was one", series: { [INFO]: "1x240" }, at: "30m", fires: 1 },
  { name: "is quiet while it beats", series: PLAIN, at: "2h", fires: 0 },
  { name: "ends when it beats again", series: { ...PLAIN, [HEARTBEAT]: "0+60x60 _x60 7260+60x120" }, at: "3h", fires: 0 },
  { name: "waits for a restart", series: { ...PLAIN, [HEARTBEAT]: "0+60x60 _x180" }, at: "73m", fires: 0 },
];

/**
 * The value of every minute from 0 to `last`; null where there is none. Reads what the definitions use: `axN`, `a+bxN`, `_xN`, one after
 * another; the last goes on as it was.
 */
export function minutesOf(values: string, last = 240): readonly (number | null)[] {
  const all: (number | null)[] = [];
  for (const part of values.split(" ")) {
    const found = /^(?:(?<gap>_)|(?<from>[\d.e]+)(?<step>[+-][\d.]+)?)x(?<times>\d+)$/u.exec(part)?.groups;
    if (found === undefined) throw new Error(`no values: ${values}`);
    const [times, from, step] = [Number(found["times"]), Number(found["from"] ?? 0), Number(found["step"] ?? 0)];
    // promtool writes `axN` as the value and N more, but `_xN` as N gaps.
    const own = found["gap"] === undefined ? times + 1 : times;
    const count = values.endsWith(part) ? Math.max(own, last + 1 - all.length) : own;
    for (let at = 0; at < count; at += 1) all.push(found["gap"] === undefined ? from + step * at : null);
  }
  return Array.from({ length: last + 1 }, (_, minute) => all[minute] ?? null);
}

function written(minutes: readonly (number | null)[]): string {
  const runs: { value: number | null; step: number; count: number }[] = [];
  for (const value of minutes) {
    const run = runs.at(-1);
    if (run === undefined || (run.value === null) !== (value === null)) runs.push({ value, step: 0, count: 1 });
    else if (run.value === null || value === null) run.count += 1;
    else if (run.count === 1 || value === run.value + run.step * run.count) {
      if (run.count === 1) run.step = value - run.value;
      run.count += 1;
    } else runs.push({ value, step: 0, count: 1 });
  }
  return runs
    .map(({ value, step, count }) =>
      value === null
        ? `_x${count}`
        : count === 1
          ? String(value)
          : `${value}${step === 0 ? "" : step > 0 ? `+${step}` : step}x${count - 1}`,
    )
    .join(" ");
}

function mapped(series: TestSeries, of: (minutes: readonly (number | null)[]) => readonly (number | null)[], last = 240): TestSeries {
  return Object.fromEntries(Object.entries(series).map(([name, values]) => [name, written(of(minutesOf(values, last)))]));
}

/** Nothing is told from one minute to another. */
function cut(series: TestSeries, from: number, to: number): TestSeries {
  return mapped(series, (minutes) => minutes.map((value, minute) => (minute >= from && minute < to ? null : value)));
}

function thenAt120(before: TestSeries, after: TestSeries, last = 240): TestSeries {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const none = "_x241";
  return Object.fromEntries(
    names.map((name) => {
      const [first, second] = [minutesOf(before[name] ?? none, last), minutesOf(after[name] ?? none, last)];
      return [name, written(first.map((value, minute) => (minute < 120 ? value : (second[minute] ?? null))))];
    }),
  );
}

/** From minute 120 on it is agent b that tells the same. */
function takenOver(series: TestSeries): TestSeries {
  const later = mapped(series, (minutes) => minutes.map((value, minute) => (minute < 120 ? null : value)));
  return {
    ...cut(series, 120, 241),
    ...Object.fromEntries(Object.entries(later).map(([name, values]) => [name.replace('instance="a"', 'instance="b"'), values])),
  };
}

/** Days take promtool long, so those cases are evaluated every five minutes, in a file of their own. */
const SHORT = 600;
const minutes = ({ at }: Case): number => Number(at.replace("m", "")) || 0;

export function testsYaml(): string {
  return fileOf(
    casesWhere((one) => minutes(one) <= SHORT),
    "1m",
  );
}

export function longTestsYaml(): string {
  return fileOf(
    casesWhere((one) => minutes(one) > SHORT),
    "5m",
  );
}
type Tests = readonly { readonly definition: AlertDefinition; readonly one: Case }[];

function casesWhere(wanted: (one: Case) => boolean): Tests {
  return ALL_ALERTS.flatMap((definition) =>
    casesOf(definition)
      .filter(wanted)
      .map((one) => ({ definition, one })),
  );
}

function fileOf(all: Tests, interval: string): string {
  const tests = all.map(({ definition, one }) => ({
    name: `${definition.alert} ${one.name}`,
    interval: "1m",
    input_series: Object.entries(one.series).map(([series, values]) => ({ series, values })),
    promql_expr_test: [
      {
        expr: `count(ALERTS{alertname="${definition.alert}",alertstate="firing"${definition.ofSource ? ',source="crm",owner="sales"' : ""}})`,
        eval_time: one.at,
        exp_samples: one.fires === 1 ? [{ labels: "{}", value: 1 }] : [],
      },
    ],
  }));
  const files = { rule_files: ["../recording.yaml", "../alerts.yaml"], evaluation_interval: interval };
  // Else promtool takes them in any order, and one time in four another.
  return HEAD + stringify({ ...files, group_eval_order: ["restorewatch-recording", "restorewatch-alerts"], tests }, { lineWidth: 0 });
}
