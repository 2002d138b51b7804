/** One source end to end: its backups, its drills, what they cost, and how sure one may be. */
import type { DashboardSpec } from "./build.ts";
import { RPO_USED, VERIFICATION_USED } from "./fleet.ts";
import { CHOSEN, chosen, FAILING_CHECKS, of, over, quantile, thin } from "./queries.ts";
import { NONE_IS_GOOD, USED_UP, WHOLE_IS_GOOD } from "./steps.ts";

const stat = { kind: "stat", width: 4, height: 4 } as const;
const half = { kind: "lines", width: 12, height: 8 } as const;

/** One band of the detector: observed between lower and upper. */
export function band(signal: string): readonly { expr: string; legend: string }[] {
  return (["observed", "expected", "lower", "upper"] as const).map((edge) => ({
    expr: thin(of(`backup_anomaly_${edge}`, `signal="${signal}"`)),
    legend: `{{source}} ${edge}`,
  }));
}

export const source: DashboardSpec = {
  uid: "restorewatch-source",
  title: "Restorewatch / Source",
  description: "One source end to end: recovery points, verdicts, bands, duration of restores, with the way to their traces.",
  from: "now-7d",
  single: true,
  rows: [
    {
      title: "Now",
      panels: [
        {
          ...stat,
          title: "Whose it is",
          description: "Platform, owner, domain and tier from the configuration.",
          unit: "none",
          width: 8,
          queries: [{ expr: CHOSEN, legend: "{{platform}} · {{owner}} · {{domain}} · {{tier}}" }],
        },
        {
          ...stat,
          title: "Newest recovery point, age",
          description: "Time since the newest recovery point was made.",
          unit: "s",
          queries: [{ expr: thin(`time() - ${of("backup_last_success_timestamp_seconds")}`), legend: "" }],
        },
        {
          ...stat,
          title: "Recovery point objective used",
          description: "Age of the newest recovery point as a share of the objective; 100 % is the limit.",
          unit: "percentunit",
          steps: USED_UP,
          queries: [{ expr: thin(RPO_USED), legend: "" }],
        },
        {
          ...stat,
          title: "Verification objective used",
          description: "Age of the last verification as a share of what was promised, by layer.",
          unit: "percentunit",
          steps: USED_UP,
          queries: [{ expr: thin(VERIFICATION_USED, ["layer"]), legend: "{{layer}}" }],
        },
        {
          ...stat,
          title: "Failing checks",
          description: "Checks that failed in the last drill.",
          unit: "none",
          steps: NONE_IS_GOOD,
          queries: [{ expr: `${over("count", FAILING_CHECKS)} or vector(0)`, legend: "" }],
        },
      ],
    },
    {
      title: "Verdict",
      panels: [
        {
          kind: "table",
          title: "What fails",
          description: "Checks whose last result is fail. Empty is good.",
          unit: "none",
          width: 12,
          height: 7,
          key: "source",
          labels: { source: "Source", check: "Check", layer: "Layer" },
          sortBy: "Check",
          ascending: true,
          links: ["traces of the row"],
          columns: [{ title: "Failing", unit: "none", expr: thin(FAILING_CHECKS, ["check", "layer"]) }],
        },
        {
          ...half,
          height: 7,
          title: "Checks of the last drill",
          description: "By status. Skip: the check does not apply; error: it could not look.",
          unit: "short",
          stacked: true,
          links: ["traces"],
          queries: [{ expr: thin(of("restore_checks"), ["status"]), legend: "{{status}}" }],
        },
        {
          ...half,
          title: "Drills that did not verify, in a row",
          description: "By layer, since the last that did.",
          unit: "short",
          steps: NONE_IS_GOOD,
          links: ["traces"],
          queries: [{ expr: thin(of("restore_consecutive_failures"), ["layer"]), legend: "{{layer}}" }],
        },
        {
          ...half,
          title: "Compared with production",
          description: "Items of the last drill by result; mismatch is data that a restore would bring back wrong.",
          unit: "short",
          stacked: true,
          links: ["traces"],
          queries: [{ expr: thin(of("restore_compared_items"), ["result"]), legend: "{{result}}" }],
        },
      ],
    },
    {
      title: "Backups",
      panels: [
        {
          ...half,
          title: "Bytes within their band",
          description: "Size of recovery points between the edges that the detector expects. Outside is an alarm.",
          unit: "bytes",
          queries: band("bytes"),
        },
        {
          ...half,
          title: "Records within their band",
          description: "Records of recovery points between the edges that the detector expects.",
          unit: "short",
          queries: band("records"),
        },
        {
          ...half,
          title: "Items by kind",
          description: "Items of the newest verified recovery point: collections, records, links, files and so on.",
          unit: "short",
          queries: [{ expr: thin(of("backup_items"), ["kind"]), legend: "{{kind}}" }],
        },
        {
          ...half,
          title: "Duration of backup runs",
          description: "Of the newest reported run; empty where runs are not reported.",
          unit: "s",
          queries: [{ expr: thin(of("backup_duration_seconds")), legend: "{{source}}" }],
        },
        {
          ...half,
          title: "Backup runs by outcome",
          description: "Reported runs; only a reported run is counted.",
          unit: "short",
          stacked: true,
          queries: [{ expr: over("sum by (outcome)", `increase(${of("backup_runs_total")}[$__rate_interval])`), legend: "{{outcome}}" }],
        },
        {
          ...half,
          title: "Recovery points",
          description: "How many the vault holds, and how far back they reach beside what was promised is in the table of objectives.",
          unit: "short",
          queries: [{ expr: thin(of("backup_recovery_points")), legend: "{{source}}" }],
        },
      ],
    },
    {
      title: "Restores",
      panels: [
        {
          ...half,
          title: "Duration of drills",
          description: "Median and 95th percentile by kind; a dot is a drill and leads to its trace.",
          unit: "s",
          links: ["traces"],
          queries: [
            {
              expr: quantile(0.5, of("restore_drill_duration_seconds_bucket"), ["drill_kind"]),
              legend: "{{drill_kind}} p50",
              exemplars: true,
            },
            {
              expr: quantile(0.95, of("restore_drill_duration_seconds_bucket"), ["drill_kind"]),
              legend: "{{drill_kind}} p95",
              exemplars: true,
            },
          ],
        },
        {
          ...half,
          title: "Forecast beside the recovery time objective",
          description: "How long a whole restore is expected to take, its upper bound, and what was promised.",
          unit: "s",
          queries: [
            { expr: thin(of("restore_forecast_seconds"), ["bound"]), legend: "{{bound}}" },
            { expr: thin(of("backup_rto_objective_seconds")), legend: "objective" },
          ],
        },
        {
          ...half,
          title: "Memory and disk of the last drill",
          description: "Peak resident memory, and the most disk its sandbox used.",
          unit: "bytes",
          links: ["traces"],
          queries: [
            { expr: thin(of("restore_peak_memory_bytes")), legend: "memory" },
            { expr: thin(of("restore_disk_bytes")), legend: "disk" },
            { expr: thin(of("restore_bytes_read")), legend: "read" },
          ],
        },
        {
          ...half,
          title: "CPU of the last drill",
          description: "CPU time it took.",
          unit: "s",
          links: ["traces"],
          queries: [{ expr: thin(of("restore_resource_usage_seconds")), legend: "{{source}}" }],
        },
      ],
    },
    {
      title: "How sure",
      panels: [
        {
          ...half,
          title: "Coverage",
          description: "Share of the records that were restored or compared within the promised time.",
          unit: "percentunit",
          max: 1,
          steps: WHOLE_IS_GOOD,
          queries: [{ expr: thin(of("restore_coverage_ratio"), ["layer"]), legend: "{{layer}}" }],
        },
        {
          ...half,
          title: "Bad records at most",
          description: "With this confidence the share of bad records is smaller; a single one may still be there.",
          unit: "percentunit",
          queries: [{ expr: chosen(of("restore_bad_items_upper_ratio"), ["layer", "confidence"]), legend: "{{layer}} at {{confidence}}" }],
        },
        {
          kind: "traces",
          title: "Its drills",
          description: "Drills of this source as traces, the newest first; open one to see phases, checks and dependencies.",
          unit: "s",
          width: 24,
          height: 8,
          traceql: '{ name="restore.drill" && span.backup.source=~"$source" }',
        },
      ],
    },
  ],
};
