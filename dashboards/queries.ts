/**
 * How queries of dashboards are written. Every per-source series is thin: who owns it and where it belongs stands in
 * `backup_source_info` only, and joins by it also apply the variables at the head of a dashboard.
 */
import type { MetricName } from "../agent/telemetry/names.ts";

/** Metrics of telemetry.md that an agent of this repository does not tell yet; a panel that asks one appears with the name. */
export const PROMISED = [
  "restore_forecast_seconds",
  "restore_remediations_open",
  "restore_remediations_overdue",
  "restorewatch_canary_detection_ratio",
  "restorewatch_canary_delay_seconds",
] as const;

/** Metrics of others: the runtime's own, and those of the collector (its health, span metrics, service graph). */
export const FOREIGN = [
  "process_cpu_seconds_total",
  "process_resident_memory_bytes",
  "nodejs_eventloop_lag_p99_seconds",
  "nodejs_heap_size_used_bytes",
  "otelcol_exporter_queue_size",
  "otelcol_exporter_queue_capacity",
  "otelcol_exporter_send_failed_spans_total",
  "otelcol_exporter_send_failed_metric_points_total",
  "otelcol_exporter_send_failed_log_records_total",
  "otelcol_receiver_refused_spans_total",
  "otelcol_receiver_refused_metric_points_total",
  "otelcol_receiver_refused_log_records_total",
  "otelcol_receiver_accepted_spans_total",
  "otelcol_receiver_accepted_metric_points_total",
  "otelcol_receiver_accepted_log_records_total",
  "traces_service_graph_request_total",
  "traces_service_graph_request_failed_total",
  "traces_service_graph_request_server_seconds_bucket",
] as const;

/** Series that rules/recording.yaml makes. */
export const RECORDED = ["backup:rpo_breach:bool"] as const;

type Histogram =
  `${"restore_drill_duration_seconds" | "restore_phase_duration_seconds" | "backup_poll_duration_seconds"}_${"bucket" | "sum" | "count"}`;
export type Name = MetricName | Histogram | (typeof PROMISED)[number] | (typeof FOREIGN)[number] | (typeof RECORDED)[number];

/** The sources that the variables choose, one series each with the value 1; the newest owner wins while two are known. */
export const CHOSEN =
  'topk by (source) (1, group by (source, platform, domain, owner, tier) (backup_source_info{source=~"$source", platform=~"$platform", domain=~"$domain", owner=~"$owner", tier=~"$tier"}))';

/** Selects one metric of the chosen sources by name; more matchers as PromQL writes them. */
export function of(name: Name, matchers = ""): string {
  return `${name}{source=~"$source"${matchers === "" ? "" : `, ${matchers}`}}`;
}

/** Checks that fail. What is no longer sent is seen for five more minutes, unless its layer was verified since. */
export const FAILING_CHECKS = `(${of("restore_check_failing")} unless on (source, layer) (${of("restore_consecutive_failures")} == 0))`;

/** The values of the chosen sources, with the labels of who and where. `by` are the labels beside `source` that stay. */
export function chosen(expression: string, by: readonly string[] = []): string {
  return `max by (${["source", ...by].join(", ")}) (${expression}) * on (source) group_left (platform, domain, owner, tier) ${CHOSEN}`;
}

/** The same without the labels of who and where, which a table shows once. */
export function thin(expression: string, by: readonly string[] = []): string {
  return `max by (${["source", ...by].join(", ")}) (${expression}) and on (source) ${CHOSEN}`;
}

/** Sums, counts or other aggregations over the chosen sources. */
export function over(aggregation: string, expression: string): string {
  return `${aggregation} ((${expression}) and on (source) ${CHOSEN})`;
}

/** The number of chosen sources for which the expression gives anything, 0 where it gives nothing. */
export function howMany(expression: string): string {
  return `count(max by (source) (${expression}) and on (source) ${CHOSEN}) or vector(0)`;
}

/** A quantile of a histogram over what the dashboard shows. */
export function quantile(q: number, buckets: string, by: readonly string[] = []): string {
  return `histogram_quantile(${q}, sum by (${["le", ...by].join(", ")}) (rate(${buckets}[$__rate_interval])))`;
}

/** Every metric a query asks, by name, without what PromQL itself is made of. */
export function metricsIn(query: string): readonly string[] {
  const bare = query
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, "")
    .replaceAll(/\{[^}]*\}/g, " ")
    .replaceAll(/\[[^\]]*\]/g, " ")
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, " ");
  const words = bare.match(/(?<![\w:$])[A-Za-z_:][\w:]*(?!\s*\()(?![\w:])/g) ?? [];
  return [...new Set(words.filter((word) => !KEYWORDS.has(word)))];
}

const KEYWORDS = new Set([
  "and",
  "or",
  "unless",
  "bool",
  "offset",
  "by",
  "without",
  "on",
  "ignoring",
  "group_left",
  "group_right",
  "inf",
  "nan",
]);
const AGGREGATIONS = ["sum", "max", "min", "count", "group", "topk", "bottomk", "avg", "quantile", "sort_desc"];
for (const word of AGGREGATIONS) KEYWORDS.add(word);
