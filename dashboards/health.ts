/** The agent and the collector themselves: alive, keeping up, and what they cost. */
import type { DashboardSpec } from "./build.ts";
import { NONE_IS_CALM, NONE_IS_GOOD, ONE_IS_GOOD, USED_UP } from "./steps.ts";

const half = { kind: "lines", width: 12, height: 8 } as const;
const stat = { kind: "stat", width: 4, height: 4, unit: "none" } as const;
const perSignal = (verb: string): readonly { expr: string; legend: string }[] =>
  ([["spans"], ["metric_points"], ["log_records"]] as const).map(([thing]) => ({
    expr: `sum(rate(otelcol_${verb}_${thing}_total[$__rate_interval]))`,
    legend: `${verb.replaceAll("_", " ")} ${thing.replaceAll("_", " ")}`,
  }));

export const health: DashboardSpec = {
  uid: "restorewatch-health",
  title: "Restorewatch / Agent and collector health",
  description: "Is the watcher awake? Heartbeat, jobs, evidence, dropped telemetry, cost of the agent, and the collector's queues.",
  from: "now-6h",
  rows: [
    {
      title: "Agent",
      panels: [
        {
          ...stat,
          title: "Heartbeat, age",
          description: "Time since the scheduler last got through; above a minute or two nothing is being watched.",
          unit: "s",
          steps: [
            { from: null, color: "green" },
            { from: 120, color: "orange" },
            { from: 300, color: "red" },
          ],
          queries: [{ expr: "time() - max(restorewatch_heartbeat_timestamp_seconds)", legend: "" }],
        },
        {
          ...stat,
          title: "Configuration accepted",
          description: "0: the last load was refused and the old configuration stays in force.",
          steps: ONE_IS_GOOD,
          queries: [{ expr: "min(restorewatch_config_last_reload_success)", legend: "" }],
        },
        {
          ...stat,
          title: "Evidence broken",
          description: "1 when the evidence log does not verify: somebody or something changed it.",
          steps: NONE_IS_GOOD,
          queries: [{ expr: "max(restorewatch_evidence_broken)", legend: "" }],
        },
        {
          ...stat,
          title: "Kept from its work",
          description: "Causes that keep the agent from its work: a full disk, no permission, no process. /readyz says it in a sentence.",
          steps: NONE_IS_GOOD,
          queries: [{ expr: "sum(restorewatch_degraded)", legend: "" }],
        },
        {
          ...stat,
          title: "Left behind",
          description: "Sandboxes and scratch workspaces of drills that could not be removed.",
          steps: NONE_IS_CALM,
          queries: [
            { expr: "sum(restorewatch_sandbox_leaks)", legend: "sandboxes" },
            { expr: "sum(restorewatch_scratch_leaks)", legend: "workspaces" },
          ],
        },
        {
          ...stat,
          title: "Version",
          description: "Version of the agent and of Node.",
          queries: [{ expr: "max by (version, node) (restorewatch_build_info)", legend: "{{version}} on {{node}}" }],
        },
      ],
    },
    {
      title: "Work",
      panels: [
        {
          ...half,
          title: "Jobs",
          description: "Polls and drills by state. Late that does not fall again means there is more to do than the agent may.",
          unit: "short",
          queries: [{ expr: "sum by (state) (restorewatch_jobs)", legend: "{{state}}" }],
        },
        {
          ...half,
          title: "Polls, 95th percentile",
          description: "Time to poll one source, by platform and outcome; a dot leads to its trace.",
          unit: "s",
          links: ["polls of the platform"],
          queries: [
            {
              expr: 'histogram_quantile(0.95, sum by (le, platform, outcome) (rate(backup_poll_duration_seconds_bucket{platform=~"$platform"}[$__rate_interval])))',
              legend: "{{platform}} {{outcome}}",
              exemplars: true,
            },
          ],
        },
        {
          ...half,
          title: "Budgets left",
          description: "Requests left of the day's budget of a platform; at 0 the agent waits for tomorrow.",
          unit: "short",
          queries: [{ expr: "min by (budget) (restorewatch_budget_remaining)", legend: "{{budget}}" }],
        },
        {
          ...half,
          title: "Telemetry dropped",
          description: "Spans, metric batches and log records that could not be delivered. Anything but 0 is a blind spot.",
          unit: "short",
          steps: NONE_IS_GOOD,
          queries: [{ expr: "sum by (signal) (increase(restorewatch_telemetry_dropped_total[$__rate_interval]))", legend: "{{signal}}" }],
        },
        {
          ...half,
          title: "Evidence written",
          description: "Entries of the evidence log an hour.",
          unit: "short",
          queries: [{ expr: "3600 * sum(rate(restorewatch_evidence_entries_total[$__rate_interval]))", legend: "entries" }],
        },
        {
          ...half,
          title: "Baselines waiting for a decision",
          description: "Proposed baselines that nobody has approved or rejected yet.",
          unit: "short",
          queries: [{ expr: "sum(restorewatch_baselines_waiting)", legend: "waiting" }],
        },
      ],
    },
    {
      title: "Cost",
      panels: [
        {
          ...half,
          title: "CPU",
          description: "Share of one core that each agent takes, without its drills in processes of their own.",
          unit: "percentunit",
          queries: [
            {
              expr: "rate(process_cpu_seconds_total{job='restorewatch'}[$__rate_interval])",
              legend: "{{instance}}",
            },
          ],
        },
        {
          ...half,
          title: "Memory",
          description: "Resident memory and heap of each agent.",
          unit: "bytes",
          queries: [
            {
              expr: "process_resident_memory_bytes{job='restorewatch'}",
              legend: "{{instance}} resident",
            },
            { expr: "nodejs_heap_size_used_bytes{job='restorewatch'}", legend: "{{instance}} heap" },
          ],
        },
        {
          ...half,
          title: "Lag of the event loop",
          description: "99th percentile: above a second, polls and pages are late.",
          unit: "s",
          queries: [{ expr: "nodejs_eventloop_lag_p99_seconds{job='restorewatch'}", legend: "{{instance}}" }],
        },
        {
          ...half,
          title: "State on disk",
          description: "Size of the state of each agent.",
          unit: "bytes",
          queries: [{ expr: "max by (instance) (restorewatch_state_bytes)", legend: "{{instance}}" }],
        },
      ],
    },
    {
      title: "Collector",
      panels: [
        {
          ...half,
          title: "Queues, share that is full",
          description: "By exporter. A queue that fills means a backend is away; a full one refuses.",
          unit: "percentunit",
          max: 1,
          steps: USED_UP,
          queries: [
            {
              expr: "max by (exporter) (otelcol_exporter_queue_size) / max by (exporter) (otelcol_exporter_queue_capacity)",
              legend: "{{exporter}}",
            },
          ],
        },
        {
          ...half,
          title: "Taken in",
          description: "Spans, points and log records a second that the collector accepted.",
          unit: "ops",
          queries: perSignal("receiver_accepted"),
        },
        {
          ...half,
          title: "Refused",
          description: "What the collector refused, usually for want of memory. The agent sends it again.",
          unit: "ops",
          queries: perSignal("receiver_refused"),
        },
        {
          ...half,
          title: "Not delivered",
          description: "What exporters failed to deliver. The queue keeps it and tries again.",
          unit: "ops",
          queries: perSignal("exporter_send_failed"),
        },
        {
          kind: "logs",
          title: "What the agent says",
          description: "Verdicts, alarms, changes of the configuration and warnings, correlated with traces.",
          unit: "none",
          width: 24,
          height: 8,
          logql: '{service_name="restorewatch"}',
        },
      ],
    },
  ],
};
