/** What a drill does with its time: phases, dependencies, and what failed. */
import type { DashboardSpec } from "./build.ts";
import { chosen, FAILING_CHECKS, of, over, quantile, thin } from "./queries.ts";

const half = { kind: "lines", width: 12, height: 8 } as const;
const PHASES = 'restore_phase_duration_seconds_bucket{platform=~"$platform"}';

export const drill: DashboardSpec = {
  uid: "restorewatch-drill",
  title: "Restorewatch / Drill",
  description: "Where the time of restores goes: phases, slowest dependencies, failing checks, and the traces behind them.",
  from: "now-24h",
  rows: [
    {
      title: "Time",
      panels: [
        {
          ...half,
          title: "Duration of drills, 95th percentile",
          description: "By kind. A dot is one drill and leads to its trace.",
          unit: "s",
          links: ["traces"],
          queries: [
            {
              expr: quantile(0.95, of("restore_drill_duration_seconds_bucket"), ["drill_kind"]),
              legend: "{{drill_kind}}",
              exemplars: true,
            },
          ],
        },
        {
          ...half,
          title: "Time by phase",
          description: "Seconds of drill work in each second of the clock, by phase: the tallest is where the time goes.",
          unit: "short",
          stacked: true,
          links: ["traces of the phase"],
          queries: [
            {
              expr: 'sum by (phase) (rate(restore_phase_duration_seconds_sum{platform=~"$platform"}[$__rate_interval]))',
              legend: "{{phase}}",
            },
          ],
        },
        {
          ...half,
          title: "Phases, 95th percentile",
          description: "By phase. A dot leads to a trace of a drill that spent its time there.",
          unit: "s",
          links: ["traces of the phase"],
          queries: [{ expr: quantile(0.95, PHASES, ["phase"]), legend: "{{phase}}", exemplars: true }],
        },
        {
          kind: "bars",
          title: "Mean duration by platform and phase",
          description: "Over the time shown, the slowest 20.",
          unit: "s",
          width: 12,
          height: 8,
          links: ["traces of the phase"],
          queries: [
            {
              expr: 'topk(20, sum by (platform, phase) (increase(restore_phase_duration_seconds_sum{platform=~"$platform"}[$__range])) / sum by (platform, phase) (increase(restore_phase_duration_seconds_count{platform=~"$platform"}[$__range]) > 0))',
              legend: "{{platform}} {{phase}}",
            },
          ],
        },
      ],
    },
    {
      title: "What failed",
      panels: [
        {
          kind: "table",
          title: "Failing checks",
          description: "Checks that failed in the last drill of their source; click for its traces.",
          unit: "none",
          width: 12,
          height: 8,
          key: "source",
          labels: { source: "Source", check: "Check", layer: "Layer", platform: "Platform", owner: "Owner" },
          sortBy: "Source",
          ascending: true,
          links: ["source of the row", "traces of the row"],
          columns: [{ title: "Failing", unit: "none", expr: `topk(200, ${chosen(FAILING_CHECKS, ["check", "layer"])})` }],
        },
        {
          ...half,
          title: "Drills by kind and verdict",
          description: "Finished drills.",
          unit: "short",
          stacked: true,
          queries: [
            {
              expr: over("sum by (drill_kind, verdict)", `increase(${of("restore_drills_total")}[$__rate_interval])`),
              legend: "{{drill_kind}} {{verdict}}",
            },
          ],
        },
        {
          kind: "traces",
          title: "Failed drills that had a failing dependency",
          description: "A failed drill with a call below it that went wrong: the call is the likely cause.",
          unit: "s",
          width: 12,
          height: 8,
          traceql: '{ name="restore.drill" && span.restore.verdict="failed" } >> { kind=client && status=error }',
        },
        {
          kind: "traces",
          title: "Slow calls to dependencies",
          description: "Calls of a vault, a platform or a database that took more than a second.",
          unit: "s",
          width: 12,
          height: 8,
          traceql: "{ kind=client && duration > 1s }",
        },
      ],
    },
    {
      title: "Dependencies",
      panels: [
        {
          ...half,
          title: "Slowest dependencies, 95th percentile",
          description: "From the collector's service graph: how long each dependency of the agent takes to answer.",
          unit: "s",
          queries: [
            {
              expr: "topk(10, histogram_quantile(0.95, sum by (le, server) (rate(traces_service_graph_request_server_seconds_bucket[$__rate_interval]))))",
              legend: "{{server}}",
              exemplars: true,
            },
          ],
        },
        {
          ...half,
          title: "Calls of dependencies that failed",
          description: "From the collector's service graph, as a share of all calls.",
          unit: "percentunit",
          max: 1,
          queries: [
            {
              expr: "topk(10, sum by (server) (rate(traces_service_graph_request_failed_total[$__rate_interval])) / sum by (server) (rate(traces_service_graph_request_total[$__rate_interval])))",
              legend: "{{server}}",
            },
          ],
        },
        {
          ...half,
          title: "Requests to platforms",
          description: "By class of the answer's status; error: there was no answer.",
          unit: "reqps",
          queries: [
            {
              expr: 'sum by (platform, status) (rate(restorewatch_platform_requests_total{platform=~"$platform"}[$__rate_interval]))',
              legend: "{{platform}} {{status}}",
            },
          ],
        },
        {
          ...half,
          title: "Waiting for platforms",
          description: "Seconds waited in each second before a request was sent: rate limits, retries, the budget of the day.",
          unit: "short",
          queries: [
            {
              expr: 'sum by (platform, reason) (rate(restorewatch_platform_wait_seconds_total{platform=~"$platform"}[$__rate_interval]))',
              legend: "{{platform}} {{reason}}",
            },
          ],
        },
      ],
    },
    {
      title: "Cost of the last drills",
      panels: [
        {
          kind: "table",
          title: "Cost by source",
          description: "What the last drill of each source took, most CPU first.",
          unit: "none",
          width: 24,
          height: 8,
          key: "source",
          labels: { source: "Source", platform: "Platform", owner: "Owner" },
          sortBy: "CPU",
          links: ["source of the row", "traces of the row"],
          columns: [
            { title: "CPU", unit: "s", expr: `topk(100, ${chosen(of("restore_resource_usage_seconds"))})` },
            { title: "Memory", unit: "bytes", expr: thin(of("restore_peak_memory_bytes")) },
            { title: "Disk", unit: "bytes", expr: thin(of("restore_disk_bytes")) },
            { title: "Read", unit: "bytes", expr: thin(of("restore_bytes_read")) },
          ],
        },
      ],
    },
  ],
};
