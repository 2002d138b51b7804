/** Rules and their tests as YAML, from definitions.ts. */
import { stringify } from "yaml";
import { type AlertDefinition, ALERTS, HELD, type TestSeries } from "./definitions.ts";

const JOIN = "* on (instance, source) group_left (platform, vault, owner, domain, tier) restorewatch:source:held";
const HEAD = "# Generated from rules/definitions.ts by `npm run generate`. Edit that.\n";

export function recordingYaml(): string {
  const rules = [
    {
      record: "restorewatch:agent:last_heartbeat_timestamp_seconds",
      expr: "max by (instance) (last_over_time(restorewatch_heartbeat_timestamp_seconds[7d]))",
    },
    {
      record: "restorewatch:agent:alive",
      expr: "group by (instance) ((count_over_time(restorewatch_heartbeat_timestamp_seconds[5m]) >= 3) and restorewatch_heartbeat_timestamp_seconds)",
    },
    {
      record: "restorewatch:agent:seen_timestamp_seconds",
      expr: "max by (instance) (timestamp(restorewatch_heartbeat_timestamp_seconds) and on (instance) restorewatch:agent:alive)\n  or on (instance) (last_over_time(restorewatch:agent:seen_timestamp_seconds[15m]) and on (instance) restorewatch:agent:last_heartbeat_timestamp_seconds)",
    },
    {
      record: "restorewatch:source:seen_timestamp_seconds",
      expr: "(\n  topk by (source) (1, max by (instance, source, platform, vault, owner, domain, tier) (timestamp(backup_source_info)))\n  or on (source) last_over_time(restorewatch:source:seen_timestamp_seconds[15m])\n) > on (instance) group_left () (restorewatch:agent:seen_timestamp_seconds - 180)",
    },
    {
      record: "restorewatch:source:held",
      expr: "group by (instance, source, platform, vault, owner, domain, tier) (restorewatch:source:seen_timestamp_seconds)",
    },
    ...HELD.map(({ metric, record, by }) => ({
      record,
      expr: `max by (${by.join(", ")}) (${metric})\n  or (last_over_time(${record}[5m]) and on (instance, source) (restorewatch:source:held unless on (instance) restorewatch:agent:alive))`,
    })),
    {
      record: "backup:rpo_breach:bool",
      expr: "(time() - (backup:last_success_timestamp_seconds:held or on (instance, source) backup:configured_timestamp_seconds:held))\n  > bool on (instance, source) backup:rpo_objective_seconds:held",
    },
  ];
  return HEAD + stringify({ groups: [{ name: "restorewatch-recording", interval: "1m", rules }] }, { lineWidth: 0 });
}

export function alertsYaml(): string {
  const rules = [...ALERTS, ...BURN].map(({ alert, severity, expr, ofSource, summary, description, ...more }) => ({
    alert,
    expr: ofSource ? `(\n  ${expr.replaceAll("\n", "\n  ")}\n) ${JOIN}` : expr,
    ...(more.for === undefined ? {} : { for: more.for }),
    labels: { severity },
    annotations: {
      summary,
      description,
      runbook_url: `https://github.com/restorewatch/restorewatch/blob/main/rules/runbooks/${alert}.md`,
      dashboard_url: ofSource ? "/d/restorewatch-source?var-source={{ $labels.source }}" : "/d/restorewatch-agent",
    },
  }));
  return HEAD + stringify({ groups: [{ name: "restorewatch-alerts", interval: "1m", rules }] }, { lineWidth: 0 });
}

/** Share of evaluations within the objective; what is left is the budget. */
const RPO_TARGET = 0.99;
/** Windows and the multiple of the budget burnt in them (the SRE workbook's, for 30 days), as far as the target lets them be reached. */
const PAIRS = [
  ["1h", "5m", 14.4],
  ["6h", "30m", 6],
  ["3d", "6h", 1],
] as const;

/** A pair that no breach can reach is none: all evaluations bad is 1 / (1 - target) times the budget. */
const reachable = PAIRS.filter(([, , factor]) => factor < 1 / (1 - RPO_TARGET));

const BURN: readonly AlertDefinition[] = [
  {
    alert: "BackupRpoBurnRateHigh",
    severity: "warning",
    expr: reachable
      .map(
        ([long, short, factor]) =>
          `(avg_over_time(backup:rpo_breach:bool[${long}]) > ${round(factor * (1 - RPO_TARGET))} and avg_over_time(backup:rpo_breach:bool[${short}]) > ${round(factor * (1 - RPO_TARGET))})`,
      )
      .join("\nor "),
    ofSource: true,
    summary: "{{ $labels.source }} uses up its error budget for recovery points",
    description:
      "The newest backup of {{ $labels.source }} is too old so often that the objective of 99 % of the time will not hold. Few backups a day make this coarse: one that is missed may be all of it.",
    test: {
      fires: {
        'backup_rpo_objective_seconds{instance="a",source="crm"}': "1800x240",
        'backup_last_success_timestamp_seconds{instance="a",source="crm"}': "0x240",
      },
      quiet: {
        'backup_rpo_objective_seconds{instance="a",source="crm"}': "1800x240",
        'backup_last_success_timestamp_seconds{instance="a",source="crm"}': "0+60x240",
      },
      survives: true,
      // A breach that has only begun: the short windows burn, the long ones do not.
      alsoQuiet: {
        at: "131m",
        series: {
          'backup_rpo_objective_seconds{instance="a",source="crm"}': "1800x240",
          'backup_last_success_timestamp_seconds{instance="a",source="crm"}': "0+60x100 6000x140",
        },
      },
    },
  },
];

function round(value: number): number {
  return Number(value.toPrecision(6));
}

export const ALL_ALERTS: readonly AlertDefinition[] = [...ALERTS, ...BURN];

const INFO = 'backup_source_info{instance="a",source="crm",platform="grist",vault="nightly",owner="sales",domain="sales",tier="critical"}';
const HEARTBEAT = 'restorewatch_heartbeat_timestamp_seconds{instance="a"}';
const CONFIGURED = 'backup_source_configured_timestamp_seconds{instance="a",source="crm"}';
const PLAIN: TestSeries = { [HEARTBEAT]: "0+60x240", [INFO]: "1x240", [CONFIGURED]: "0x240" };

interface Case {
  readonly name: string;
  readonly series: TestSeries;
  readonly at: string;
  readonly fires: boolean;
}

/** What is to be seen of an alert: it fires, keeps quiet, ends, outlives its agent, and goes with its source. */
export function casesOf(definition: AlertDefinition): readonly Case[] {
  const { alert, test, ofSource } = definition;
  if (alert === "RestorewatchWatchdog") return [{ name: "always", series: PLAIN, at: "10m", fires: true }];
  if (alert === "RestorewatchDown")
    return [
      { name: "fires when the heartbeat stops", series: { ...PLAIN, [HEARTBEAT]: "0+60x60 _x180" }, at: "2h", fires: true },
      { name: "fires when there never was one", series: { [INFO]: "1x240" }, at: "30m", fires: true },
      { name: "is quiet while it beats", series: PLAIN, at: "2h", fires: false },
      { name: "ends when it beats again", series: { ...PLAIN, [HEARTBEAT]: "0+60x60 _x60 7260+60x120" }, at: "3h", fires: false },
      { name: "waits for a restart", series: { ...PLAIN, [HEARTBEAT]: "0+60x60 _x180" }, at: "73m", fires: false },
    ];
  const fires = { ...PLAIN, ...test.fires };
  const quiet = { ...PLAIN, ...test.quiet };
  const until = (series: TestSeries, end: number): TestSeries =>
    Object.fromEntries(Object.entries(series).map(([name, values]) => [name, values.replace(/x240$/u, `x${end} _x${240 - end}`)]));
  const cases: Case[] = [
    { name: "fires", series: fires, at: "2h", fires: true },
    { name: "is quiet", series: quiet, at: "2h", fires: false },
  ];
  if (test.alsoQuiet !== undefined)
    cases.push({ name: "is quiet here too", series: { ...PLAIN, ...test.alsoQuiet.series }, at: test.alsoQuiet.at ?? "2h", fires: false });
  if (!ofSource) return cases;
  return [
    ...cases,
    { name: "outlives its agent", series: until(fires, 120), at: "150m", fires: true },
    {
      name: "goes with its source",
      series: { ...until(fires, 120), [HEARTBEAT]: "0+60x240" },
      at: "140m",
      fires: false,
    },
    { name: "says nothing of a source it does not know", series: { ...fires, [INFO]: "_x240" }, at: "2h", fires: false },
  ];
}

export function testsYaml(): string {
  const tests = ALL_ALERTS.flatMap((definition) =>
    casesOf(definition).map((one) => ({
      name: `${definition.alert} ${one.name}`,
      interval: "1m",
      input_series: Object.entries(one.series).map(([series, values]) => ({ series, values })),
      promql_expr_test: [
        {
          expr: `count(ALERTS{alertname="${definition.alert}",alertstate="firing"${definition.ofSource ? ',source="crm",owner="sales"' : ""}}) > 0`,
          eval_time: one.at,
          exp_samples: one.fires ? [{ labels: "{}", value: 1 }] : [],
        },
      ],
    })),
  );
  return HEAD + stringify({ rule_files: ["../recording.yaml", "../alerts.yaml"], evaluation_interval: "1m", tests }, { lineWidth: 0 });
}
