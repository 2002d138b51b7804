/** Alerts of the agent itself and of the collector beside it. */
import type { AlertDefinition, TestSeries } from "./definitions.ts";

/** Series of the collector's own that rules stand on; the stack's tests see each of them come out of a real one. */
export const COLLECTOR_SERIES = [
  "otelcol_exporter_queue_capacity",
  "otelcol_exporter_queue_size",
  "otelcol_exporter_send_failed_log_records_total",
  "otelcol_exporter_send_failed_metric_points_total",
  "otelcol_exporter_send_failed_spans_total",
  "otelcol_receiver_refused_log_records_total",
  "otelcol_receiver_refused_metric_points_total",
  "otelcol_receiver_refused_spans_total",
] as const;

const SIGNALS = { traces: "spans", metrics: "metric_points", logs: "log_records" } as const;
const COLLECTOR = 'instance="c",job="collector"';

/** Of all three signals: what was counted in the last half hour, from the first on, which `increase` does not see. */
function counted(name: string, by: string): string {
  const each = Object.entries(SIGNALS).map(([signal, kind]) => {
    const series = `${name}_${kind}_total`;
    return `label_replace(sum by (${by}) ((${series} unless ${series} offset 30m) or increase(${series}[30m])), "signal", "${signal}", "", "")`;
  });
  return each.join("\n  or ");
}

const queue = (size: string): TestSeries => ({
  [`otelcol_exporter_queue_size{${COLLECTOR},exporter="otlp_http/tempo",data_type="traces"}`]: size,
  [`otelcol_exporter_queue_capacity{${COLLECTOR},exporter="otlp_http/tempo",data_type="traces"}`]: "1000x240",
});

export const OWN_ALERTS: readonly AlertDefinition[] = [
  {
    alert: "RestorewatchDown",
    severity: "critical",
    for: "5m",
    expr: "(time() - restorewatch:agent:last_heartbeat_timestamp_seconds > 600)\n  or absent_over_time(restorewatch_heartbeat_timestamp_seconds[7d])",
    ofSource: false,
    summary: "Restorewatch does not run",
    description:
      "The agent {{ $labels.instance }} has not been heard of for more than ten minutes: nothing is verified meanwhile, and other alerts stand as they were.",
    test: { fires: {}, quiet: {} },
  },
  {
    alert: "RestorewatchPollFailing",
    severity: "warning",
    expr: 'sum by (instance, platform) (increase(backup_poll_duration_seconds_count{outcome="failure"}[30m])) > 0\n  unless on (instance, platform) sum by (instance, platform) (increase(backup_poll_duration_seconds_count{outcome="success"}[30m])) > 0',
    ofSource: false,
    summary: "No vault of {{ $labels.platform }} sources can be looked at",
    description:
      "Every poll of {{ $labels.platform }} sources of the last half hour failed: what is told of their backups is old. Look at /readyz and the agent's log.",
    test: {
      fires: { 'backup_poll_duration_seconds_count{instance="a",platform="grist",outcome="failure"}': "0+1x240" },
      quiet: {
        'backup_poll_duration_seconds_count{instance="a",platform="grist",outcome="failure"}': "0+1x240",
        'backup_poll_duration_seconds_count{instance="a",platform="grist",outcome="success"}': "0+1x240",
      },
      alsoFires: [
        {
          series: {
            'backup_poll_duration_seconds_count{instance="a",platform="grist",outcome="failure"}': "0+1x240",
            'backup_poll_duration_seconds_count{instance="a",platform="grist",outcome="success"}': "5x240",
          },
        },
      ],
      alsoQuiet: [
        { series: { 'backup_poll_duration_seconds_count{instance="a",platform="grist",outcome="failure"}': "5x240" } },
        { series: { 'backup_poll_duration_seconds_count{instance="a",platform="grist",outcome="other"}': "0+1x240" } },
      ],
    },
  },
  {
    alert: "RestorewatchRateLimited",
    severity: "info",
    expr: 'sum by (instance, platform) (rate(restorewatch_platform_wait_seconds_total{reason=~"rate_limit|budget"}[30m])) > 0.5',
    ofSource: false,
    summary: "{{ $labels.platform }} limits what can be verified",
    description: "More than half of the time the agent waits for {{ $labels.platform }}. `restorewatch plan` says what the limits allow.",
    test: {
      fires: { 'restorewatch_platform_wait_seconds_total{instance="a",platform="airtable",reason="rate_limit"}': "0+40x240" },
      quiet: { 'restorewatch_platform_wait_seconds_total{instance="a",platform="airtable",reason="rate_limit"}': "0+20x240" },
      alsoQuiet: [{ series: { 'restorewatch_platform_wait_seconds_total{instance="a",platform="airtable",reason="retry"}': "0+40x240" } }],
    },
  },
  {
    alert: "RestorewatchTelemetryDropped",
    severity: "warning",
    expr: "sum by (instance, signal) (increase(restorewatch_telemetry_dropped_total[30m])) > 0",
    ofSource: false,
    summary: "The agent cannot deliver its {{ $labels.signal }}",
    description: "{{ $labels.signal }} were lost on the way to the collector. Look whether it runs, and at telemetry.otlp.",
    test: {
      fires: { 'restorewatch_telemetry_dropped_total{instance="a",signal="traces"}': "0+1x240" },
      quiet: { 'restorewatch_telemetry_dropped_total{instance="a",signal="traces"}': "7x240" },
    },
  },
  {
    alert: "RestorewatchConfigReloadFailed",
    severity: "warning",
    expr: "restorewatch_config_last_reload_success == 0",
    ofSource: false,
    summary: "The agent runs on an older configuration",
    description:
      "The last load of the configuration was refused, and the one before stays in force. `restorewatch check` says what is wrong with it.",
    test: {
      fires: { 'restorewatch_config_last_reload_success{instance="a"}': "0x240" },
      quiet: { 'restorewatch_config_last_reload_success{instance="a"}': "1x240" },
    },
  },
  {
    alert: "RestorewatchWatchdog",
    severity: "info",
    expr: "vector(1)",
    ofSource: false,
    summary: "Alerting works",
    description: "Always fires. Route it to a dead man's switch that tells you when it stops.",
    test: { fires: {}, quiet: {} },
  },
  {
    alert: "RestorewatchAnomaliesGrouped",
    severity: "warning",
    expr: "max by (instance) (restorewatch_anomalies_grouped) > 0",
    ofSource: false,
    summary: "Many sources are out of the ordinary at once",
    description:
      "{{ $value }} alarms beyond those told one by one began within a day (anomalies.toldPerDay). Look for one cause: a vault, a network, a job that runs them all.",
    test: {
      fires: { 'restorewatch_anomalies_grouped{instance="a"}': "3x240" },
      quiet: { 'restorewatch_anomalies_grouped{instance="a"}': "0x240" },
    },
  },
  {
    alert: "RestorewatchCollectorQueueFilling",
    severity: "warning",
    for: "10m",
    expr: "max by (instance, exporter, data_type) (otelcol_exporter_queue_size / otelcol_exporter_queue_capacity) > 0.5",
    ofSource: false,
    summary: "The collector's queue of {{ $labels.data_type }} fills up",
    description:
      "{{ $labels.exporter }} takes less than comes: the queue is {{ $value | humanizePercentage }} full, and what comes after it is full is refused. Look at the backend.",
    test: {
      fires: queue("600x240"),
      quiet: queue("400x240"),
      alsoQuiet: [{ series: queue("0x119 600x9 0x112"), at: 126 }],
    },
  },
  {
    alert: "RestorewatchCollectorExportFailing",
    severity: "warning",
    expr: `(\n  ${counted("otelcol_exporter_send_failed", "instance, exporter")}\n) > 0`,
    ofSource: false,
    summary: "{{ $labels.exporter }} refuses {{ $labels.signal }}, and they are lost",
    description:
      "{{ $value }} {{ $labels.signal }} of the last half hour were refused for good by the backend behind {{ $labels.exporter }}. The collector's log says why.",
    test: {
      fires: { [`otelcol_exporter_send_failed_spans_total{${COLLECTOR},exporter="otlp_http/tempo"}`]: "0+1x240" },
      quiet: { [`otelcol_exporter_send_failed_spans_total{${COLLECTOR},exporter="otlp_http/tempo"}`]: "5x240" },
      alsoFires: Object.values(SIGNALS).flatMap((kind) => [
        { series: { [`otelcol_exporter_send_failed_${kind}_total{${COLLECTOR},exporter="otlp_http/tempo"}`]: "0+1x240" } },
        { series: { [`otelcol_exporter_send_failed_${kind}_total{${COLLECTOR},exporter="otlp_http/tempo"}`]: "_x110 5x130" } },
      ]),
      alsoQuiet: Object.values(SIGNALS).map((kind) => ({
        series: { [`otelcol_exporter_send_failed_${kind}_total{${COLLECTOR},exporter="otlp_http/tempo"}`]: "5x240" },
      })),
    },
  },
  {
    alert: "RestorewatchCollectorRefusing",
    severity: "warning",
    expr: `(\n  ${counted("otelcol_receiver_refused", "instance")}\n) > 0`,
    ofSource: false,
    summary: "The collector refuses {{ $labels.signal }}",
    description:
      "{{ $value }} {{ $labels.signal }} of the last half hour were not taken: the collector's queues are full or its memory is. The agent sends them again for a while, then drops them.",
    test: {
      fires: { [`otelcol_receiver_refused_spans_total{${COLLECTOR}}`]: "0+1x240" },
      quiet: { [`otelcol_receiver_refused_spans_total{${COLLECTOR}}`]: "5x240" },
      alsoFires: Object.values(SIGNALS).flatMap((kind) => [
        { series: { [`otelcol_receiver_refused_${kind}_total{${COLLECTOR}}`]: "0+1x240" } },
        { series: { [`otelcol_receiver_refused_${kind}_total{${COLLECTOR}}`]: "_x110 5x130" } },
      ]),
      alsoQuiet: Object.values(SIGNALS).map((kind) => ({
        series: { [`otelcol_receiver_refused_${kind}_total{${COLLECTOR}}`]: "5x240" },
      })),
    },
  },
];
