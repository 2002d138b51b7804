/** The one an SRE leaves open: how many sources keep their promises, and the worst first. */
import type { DashboardSpec } from "./build.ts";
import { CHOSEN, chosen, FAILING_CHECKS, howMany, of, over, thin } from "./queries.ts";
import { NONE_IS_CALM, NONE_IS_GOOD, USED_UP } from "./steps.ts";

/** Age of the newest recovery point, or of the configuration where there never was one, as a share of the objective. */
export const RPO_USED = `(time() - (max by (source) (${of("backup_last_success_timestamp_seconds")}) or max by (source) (${of("backup_source_configured_timestamp_seconds")}))) / on (source) max by (source) (${of("backup_rpo_objective_seconds")})`;
/** Age of the newest verification of a layer as a share of its objective. */
export const VERIFICATION_USED = `(time() - max by (source, layer) (${of("restore_last_verified_timestamp_seconds")})) / on (source, layer) max by (source, layer) (${of("restore_verification_objective_seconds")})`;

const orNone = (expression: string): string => `(${expression} or on (source) 0 * max by (source) (${of("backup_source_info")}))`;
const FAILING = orNone(`count by (source) (max by (source, check) (${FAILING_CHECKS}))`);
const ALARMS = orNone(`sum by (source) (max by (source, signal, kind) (${of("backup_anomaly_active")}))`);
/** What is wrong with a source, counted: failing checks, alarms, a recovery point that is too old, a layer not verified in time. */
const TROUBLES = `${FAILING} + ${ALARMS} + ${orNone(`(${RPO_USED} > bool 1)`)} + ${orNone(`max by (source) (${VERIFICATION_USED} > bool 1)`)}`;

const number = { kind: "stat", unit: "none", width: 4, height: 4 } as const;

export const fleet: DashboardSpec = {
  uid: "restorewatch-fleet",
  title: "Restorewatch / Fleet",
  description: "Do all backups restore? Objectives, worst sources first, alarms, and drills that are due.",
  from: "now-24h",
  rows: [
    {
      title: "Now",
      panels: [
        {
          ...number,
          title: "Sources",
          description: "Sources that the variables choose.",
          queries: [{ expr: `count(${CHOSEN})`, legend: "" }],
        },
        {
          ...number,
          title: "Recovery point too old",
          description: "Sources whose newest recovery point is older than their recovery point objective allows.",
          steps: NONE_IS_GOOD,
          queries: [{ expr: howMany(`${RPO_USED} > 1`), legend: "" }],
        },
        {
          ...number,
          title: "Do not restore",
          description: "Sources with at least one check that failed in the last drill. Their backups cannot be trusted.",
          steps: NONE_IS_GOOD,
          queries: [{ expr: howMany(FAILING_CHECKS), legend: "" }],
        },
        {
          ...number,
          title: "Verification stale",
          description: "Sources with a layer whose last verification is older than was promised.",
          steps: NONE_IS_CALM,
          queries: [{ expr: howMany(`${VERIFICATION_USED} > 1`), legend: "" }],
        },
        {
          ...number,
          title: "Unusual",
          description: "Sources with an active alarm: volume, duration or gap is not what it was.",
          steps: NONE_IS_CALM,
          queries: [{ expr: howMany(`${of("backup_anomaly_active")} == 1`), legend: "" }],
        },
        {
          ...number,
          title: "Without any backup",
          description: "Sources in the catalogue that no backup covers: none is configured, or the vault holds none.",
          steps: NONE_IS_GOOD,
          queries: [{ expr: "max(restorewatch_uncovered_sources)", legend: "" }],
        },
      ],
    },
    {
      title: "Worst first",
      panels: [
        {
          kind: "table",
          title: "Sources, worst first",
          description:
            "The 100 worst. Troubles counts failing checks, alarms, a recovery point too old, a layer not verified in time. Above 100 % a promise is broken.",
          unit: "none",
          width: 24,
          height: 11,
          key: "source",
          labels: { source: "Source", platform: "Platform", domain: "Domain", owner: "Owner", tier: "Tier" },
          sortBy: "Troubles",
          links: ["source of the row", "traces of the row"],
          columns: [
            { title: "Troubles", unit: "none", steps: NONE_IS_GOOD, expr: `topk(100, ${chosen(TROUBLES)})` },
            { title: "Failing checks", unit: "none", steps: NONE_IS_GOOD, expr: FAILING },
            { title: "Recovery point objective used", unit: "percentunit", steps: USED_UP, expr: thin(RPO_USED) },
            {
              title: "Newest recovery point, age",
              unit: "s",
              expr: thin(`time() - ${of("backup_last_success_timestamp_seconds")}`),
            },
            { title: "Verification objective used", unit: "percentunit", steps: USED_UP, expr: thin(VERIFICATION_USED) },
            { title: "Alarms", unit: "none", steps: NONE_IS_CALM, expr: ALARMS },
            { title: "Size", unit: "bytes", expr: thin(of("backup_size_bytes")) },
            { title: "Recovery points", unit: "short", expr: thin(of("backup_recovery_points")) },
          ],
        },
        {
          kind: "table",
          title: "Failing checks",
          description: "What failed in the last drill, and in which layer. The trace of the drill tells where.",
          unit: "none",
          width: 12,
          height: 8,
          key: "source",
          labels: { source: "Source", check: "Check", layer: "Layer", owner: "Owner", tier: "Tier" },
          sortBy: "Source",
          ascending: true,
          links: ["source of the row", "traces of the row"],
          columns: [{ title: "Failing", unit: "none", expr: `topk(200, ${chosen(FAILING_CHECKS, ["check", "layer"])})` }],
        },
        {
          kind: "bars",
          title: "Recovery point objective used, worst 15",
          description: "Age of the newest recovery point as a share of what the objective allows; 100 % is the limit.",
          unit: "percentunit",
          width: 12,
          height: 8,
          steps: USED_UP,
          links: ["source"],
          queries: [{ expr: `topk(15, ${thin(RPO_USED)})`, legend: "{{source}}" }],
        },
      ],
    },
    {
      title: "Drills and backups",
      panels: [
        {
          kind: "lines",
          title: "Drills by verdict",
          description: "Finished drills. Inconclusive means the agent could not look, and is neither good nor bad.",
          unit: "short",
          width: 12,
          height: 8,
          stacked: true,
          queries: [{ expr: over("sum by (verdict)", `increase(${of("restore_drills_total")}[$__rate_interval])`), legend: "{{verdict}}" }],
        },
        {
          kind: "lines",
          title: "Alarms that are active",
          description: "Active alarms by signal: bytes, records, duration, gap between backups, outcome of runs.",
          unit: "short",
          width: 12,
          height: 8,
          stacked: true,
          queries: [{ expr: over("sum by (signal)", of("backup_anomaly_active")), legend: "{{signal}}" }],
        },
        {
          kind: "table",
          title: "Next drills",
          description: "When the next drill of each kind is due; below zero it is late.",
          unit: "s",
          width: 12,
          height: 8,
          key: "source",
          labels: { source: "Source", drill_kind: "Kind", owner: "Owner" },
          sortBy: "Due in",
          ascending: true,
          links: ["source of the row"],
          columns: [
            {
              title: "Due in",
              unit: "s",
              steps: [
                { from: null, color: "red" },
                { from: 0, color: "green" },
              ],
              expr: `bottomk(100, ${chosen(`${of("restore_drill_due_timestamp_seconds")} - time()`, ["drill_kind"])})`,
            },
          ],
        },
        {
          kind: "lines",
          title: "Size of the newest recovery points",
          description: "Sum of the newest recovery points by platform: a step down is data that is gone.",
          unit: "bytes",
          width: 12,
          height: 8,
          queries: [{ expr: `sum by (platform) (${chosen(of("backup_size_bytes"))})`, legend: "{{platform}}" }],
        },
      ],
    },
  ],
};
