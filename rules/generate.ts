/** Rules as YAML, from definitions.ts and own-alerts.ts. */
import { stringify } from "yaml";
import { type AlertDefinition, HELD, SOURCE_ALERTS, type TestAt } from "./definitions.ts";
import { OWN_ALERTS } from "./own-alerts.ts";

/** Where the dashboards are, from Prometheus' external labels; without one where docker-compose.yml puts them. */
const GRAFANA = "{{ with $externalLabels.grafana }}{{ . }}{{ else }}http://127.0.0.1:3000{{ end }}";
const JOIN = "* on (instance, source) group_left (platform, vault, owner, domain, tier) restorewatch:source:held";
export const HEAD = "# Generated from rules/definitions.ts by `npm run generate`. Edit that.\n";

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
  const rules = ALL_ALERTS.map(({ alert, severity, expr, ofSource, summary, description, ...more }) => ({
    alert,
    expr: ofSource ? `(\n  ${expr.replaceAll("\n", "\n  ")}\n) ${JOIN}` : expr,
    ...(more.for === undefined ? {} : { for: more.for }),
    labels: { severity },
    annotations: {
      summary,
      description,
      runbook_url: `https://github.com/restorewatch/restorewatch/blob/main/rules/runbooks/${alert}.md`,
      dashboard_url: `${GRAFANA}${ofSource ? "/d/restorewatch-source?var-source={{ $labels.source }}" : "/d/restorewatch-health"}`,
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

/** More than three days, the longest window. */
const LONG = 4400;

/** All is well for days but in the given stretches, minutes before it is looked: each [from, to). */
function breached(...stretches: readonly (readonly [from: number, to: number])[]): TestAt {
  const parts: string[] = [];
  let minute = 0;
  const well = (until: number): void => {
    if (until > minute) parts.push(`${minute * 60}+60x${until - minute - 1}`);
  };
  for (const [from, to] of stretches) {
    well(LONG - from + 1);
    parts.push(`0x${from - to - 1}`);
    minute = LONG - to + 1;
  }
  well(LONG + 1);
  return {
    at: LONG,
    series: {
      'backup_rpo_objective_seconds{instance="a",source="crm"}': `1800x${LONG}`,
      'backup_last_success_timestamp_seconds{instance="a",source="crm"}': parts.join(" "),
    },
  };
}

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
      // What burnt has burnt, whatever is told now.
      without: ["backup_rpo_objective_seconds", "backup_last_success_timestamp_seconds"],
      // Six hours after the end none of the short windows burns any more.
      endsAt: 500,
      alsoFires: [breached([10, 0]), breached([50, 25]), breached([2880, 2820], [300, 295])],
      alsoQuiet: [breached([20, 10]), breached([5, 0]), breached([90, 65]), breached([2880, 2820])],
    },
  },
];

function round(value: number): number {
  return Number(value.toPrecision(6));
}

export const ALL_ALERTS: readonly AlertDefinition[] = [...SOURCE_ALERTS, ...BURN, ...OWN_ALERTS];
