/** What was promised, what is kept, and how much of the allowance is left. */
import type { DashboardSpec } from "./build.ts";
import { RPO_USED, VERIFICATION_USED } from "./fleet.ts";
import { chosen, howMany, of, over, thin } from "./queries.ts";
import { NONE_IS_GOOD, USED_UP, WHOLE_IS_GOOD } from "./steps.ts";

const half = { kind: "lines", width: 12, height: 8 } as const;
const stat = { kind: "stat", unit: "percentunit", width: 6, height: 5 } as const;
const BREACH = 'max by (source) (backup:rpo_breach:bool{source=~"$source"})';
/** The share of time in which a recovery point may be too old. */
const ALLOWED = 0.01;
const kept = (window: string): string => `1 - ${over("avg", `avg_over_time(backup:rpo_breach:bool{source=~"$source"}[${window}])`)}`;
const verified = (window: string): string =>
  `${over("sum", `increase(${of("restore_drills_total", 'verdict="verified"')}[${window}])`)} / (${over("sum", `increase(${of("restore_drills_total", 'verdict=~"verified|failed"')}[${window}])`)} > 0)`;

export const objectives: DashboardSpec = {
  uid: "restorewatch-objectives",
  title: "Restorewatch / Objectives and error budgets",
  description: "Recovery point, recovery time and verification objectives: kept or not, and what is left of the error budget of 1 %.",
  from: "now-28d",
  rows: [
    {
      title: "Kept",
      panels: [
        {
          ...stat,
          title: "Recovery points young enough, 28 days",
          description: "Share of time, over sources, in which the newest recovery point was as young as promised. Target: 99 %.",
          steps: WHOLE_IS_GOOD,
          queries: [{ expr: kept("28d"), legend: "" }],
        },
        {
          ...stat,
          title: "Budget left, 28 days",
          description: "What is left of the 1 % of time in which recovery points may be too old; below 0 it is spent.",
          steps: [
            { from: null, color: "red" },
            { from: 0, color: "orange" },
            { from: 0.5, color: "green" },
          ],
          queries: [{ expr: `1 - (1 - (${kept("28d")})) / ${ALLOWED}`, legend: "" }],
        },
        {
          ...stat,
          title: "Drills that verified, 28 days",
          description: "Of drills that could tell. Those that could not look count for neither side.",
          steps: WHOLE_IS_GOOD,
          queries: [{ expr: verified("28d"), legend: "" }],
        },
        {
          ...stat,
          unit: "none",
          title: "Broken promises now",
          description: "Sources with a recovery point older than promised.",
          steps: NONE_IS_GOOD,
          queries: [{ expr: howMany(`${RPO_USED} > 1`), legend: "" }],
        },
      ],
    },
    {
      title: "How fast the budget burns",
      panels: [
        {
          ...half,
          title: "Burn rate of the recovery point budget",
          description: "1 spends the budget exactly in its 28 days; 14 spends it in two. With few backups a day it moves in steps.",
          unit: "short",
          steps: [
            { from: null, color: "green" },
            { from: 1, color: "orange" },
            { from: 14.4, color: "red" },
          ],
          queries: ["1h", "6h", "3d"].map((window) => ({ expr: `(1 - (${kept(window)})) / ${ALLOWED}`, legend: window })),
        },
        {
          ...half,
          title: "Sources with a recovery point too old",
          description: "Those that break their recovery point objective, by tier.",
          unit: "short",
          stacked: true,
          queries: [{ expr: `sum by (tier) (${chosen(BREACH)})`, legend: "{{tier}}" }],
        },
        {
          kind: "bars",
          title: "Budget spent, worst 15",
          description: "Share of the 28 days' budget a source used; above 100 % it is spent.",
          unit: "percentunit",
          width: 12,
          height: 8,
          steps: USED_UP,
          links: ["source"],
          queries: [
            {
              expr: `topk(15, ${thin('avg_over_time(backup:rpo_breach:bool{source=~"$source"}[28d])')}) / ${ALLOWED}`,
              legend: "{{source}}",
            },
          ],
        },
        {
          kind: "bars",
          title: "Verification objective used, worst 15",
          description: "Age of the last verification as a share of what was promised; 100 % is the limit.",
          unit: "percentunit",
          width: 12,
          height: 8,
          steps: USED_UP,
          links: ["source"],
          queries: [{ expr: `topk(15, ${thin(VERIFICATION_USED, ["layer"])})`, legend: "{{source}} {{layer}}" }],
        },
      ],
    },
    {
      title: "What was promised",
      panels: [
        {
          kind: "table",
          title: "Objectives beside what is",
          description: "Recovery point, recovery time, retention and immutability of each source; most of the objective used first.",
          unit: "s",
          width: 24,
          height: 10,
          key: "source",
          labels: { source: "Source", platform: "Platform", owner: "Owner", tier: "Tier" },
          sortBy: "Recovery point objective used",
          links: ["source of the row"],
          columns: [
            { title: "Recovery point objective used", unit: "percentunit", steps: USED_UP, expr: `topk(100, ${chosen(RPO_USED)})` },
            { title: "Recovery point objective", unit: "s", expr: thin(of("backup_rpo_objective_seconds")) },
            { title: "Recovery time objective", unit: "s", expr: thin(of("backup_rto_objective_seconds")) },
            { title: "Expected every", unit: "s", expr: thin(of("backup_expected_interval_seconds")) },
            { title: "Retention promised", unit: "s", expr: thin(of("backup_retention_objective_seconds")) },
            {
              title: "Reaches back",
              unit: "s",
              expr: thin(`time() - ${of("backup_oldest_recovery_point_timestamp_seconds")}`),
            },
            { title: "Immutable for", unit: "s", expr: thin(`${of("backup_immutable_until_timestamp_seconds")} - time()`) },
            { title: "Failed runs in a row", unit: "none", steps: NONE_IS_GOOD, expr: thin(of("backup_consecutive_failures")) },
          ],
        },
        {
          ...half,
          width: 24,
          title: "Restore forecast as a share of the objective, worst 15",
          description: "Upper bound of how long a restore takes, over the recovery time objective; above 100 % the promise cannot be kept.",
          unit: "percentunit",
          steps: USED_UP,
          links: ["source"],
          queries: [
            {
              expr: `topk(15, ${thin(`max by (source) (${of("restore_forecast_seconds", 'bound="upper"')}) / on (source) max by (source) (${of("backup_rto_objective_seconds")})`)})`,
              legend: "{{source}}",
            },
          ],
        },
      ],
    },
  ],
};
