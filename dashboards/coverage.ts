/** How much was looked at, and how sure one may be of the rest. */
import type { DashboardSpec } from "./build.ts";
import { chosen, of, over, thin } from "./queries.ts";
import { NONE_IS_CALM, NONE_IS_GOOD, USED_UP, WHOLE_IS_GOOD } from "./steps.ts";

const half = { kind: "lines", width: 12, height: 8 } as const;
const OLDEST_USED = `(time() - max by (source, layer) (${of("restore_oldest_unverified_timestamp_seconds")})) / on (source, layer) max by (source, layer) (${of("restore_coverage_objective_seconds")})`;

export const coverage: DashboardSpec = {
  uid: "restorewatch-coverage",
  title: "Restorewatch / Coverage and confidence",
  description: "Which share of the records was restored or compared in time, and how many bad ones may hide in the rest.",
  from: "now-7d",
  rows: [
    {
      title: "Records",
      panels: [
        {
          kind: "table",
          title: "Coverage by source and layer",
          description: "Least first. Oldest: when the record that waits longest was last verified, as a share of what was promised.",
          unit: "none",
          width: 12,
          height: 9,
          key: "source",
          labels: { source: "Source", layer: "Layer", owner: "Owner", tier: "Tier" },
          sortBy: "Covered",
          ascending: true,
          links: ["source of the row", "traces of the row"],
          columns: [
            {
              title: "Covered",
              unit: "percentunit",
              steps: WHOLE_IS_GOOD,
              expr: `bottomk(200, ${chosen(of("restore_coverage_ratio"), ["layer"])})`,
            },
          ],
        },
        {
          kind: "bars",
          title: "Oldest unverified record, worst 15",
          description: "Time since the record was verified that waits longest, as a share of the promised time.",
          unit: "percentunit",
          width: 12,
          height: 9,
          steps: USED_UP,
          links: ["source"],
          queries: [{ expr: `topk(15, ${thin(OLDEST_USED, ["layer"])})`, legend: "{{source}} {{layer}}" }],
        },
        {
          ...half,
          title: "Coverage, mean by layer",
          description: "Mean over the sources that the variables choose.",
          unit: "percentunit",
          max: 1,
          steps: WHOLE_IS_GOOD,
          queries: [{ expr: over("avg by (layer)", of("restore_coverage_ratio")), legend: "{{layer}}" }],
        },
        {
          ...half,
          title: "Promises the budget keeps",
          description: "1 where every record has its turn within the promised time at today's budget, 0 where it cannot.",
          unit: "none",
          max: 1,
          links: ["source"],
          queries: [{ expr: `bottomk(15, ${thin(of("restore_coverage_promise_kept"), ["layer"])})`, legend: "{{source}} {{layer}}" }],
        },
        {
          ...half,
          title: "Bad records at most",
          description: "The 15 widest bounds: with this confidence the share of bad records is smaller, though a single one may be there.",
          unit: "percentunit",
          links: ["source"],
          queries: [
            {
              expr: `topk(15, ${thin(of("restore_bad_items_upper_ratio"), ["layer", "confidence"])})`,
              legend: "{{source}} {{layer}} at {{confidence}}",
            },
          ],
        },
        {
          ...half,
          title: "Compared with production",
          description: "Items of the last drills by result: match, mismatch, changed since, not comparable.",
          unit: "short",
          stacked: true,
          queries: [{ expr: over("sum by (result)", of("restore_compared_items")), legend: "{{result}}" }],
        },
        {
          ...half,
          title: "Planted damage that was found",
          description: "Share of canaries that drills noticed; less than all means the verification is blind somewhere.",
          unit: "percentunit",
          max: 1,
          queries: [{ expr: "min(restorewatch_canary_detection_ratio)", legend: "found" }],
        },
      ],
    },
    {
      title: "Sources and scopes",
      panels: [
        {
          kind: "stat",
          title: "Sources by coverage",
          description: "Configured sources: covered, empty vault, no backup configured, not known yet.",
          unit: "none",
          width: 12,
          height: 5,
          queries: [{ expr: "sum by (coverage) (restorewatch_catalogue_sources)", legend: "{{coverage}}" }],
        },
        {
          kind: "stat",
          title: "Scopes nobody covers",
          description: "Bases, workspaces and apps that the configured tokens see and no source covers, by platform.",
          unit: "none",
          width: 6,
          height: 5,
          steps: NONE_IS_CALM,
          queries: [{ expr: "sum by (platform) (restorewatch_uncovered_scopes)", legend: "{{platform}}" }],
        },
        {
          kind: "stat",
          title: "Artifacts nobody claims",
          description: "Folders and kinds of file in a vault that no source claims: a backup nobody watches, or rubbish.",
          unit: "none",
          width: 6,
          height: 5,
          steps: NONE_IS_CALM,
          queries: [{ expr: "sum by (vault) (restorewatch_unclaimed_artifacts)", legend: "{{vault}}" }],
        },
        {
          kind: "table",
          title: "What is missing",
          description: "Findings of the catalogue: a backup, an owner, an objective, a drill schedule.",
          unit: "none",
          width: 12,
          height: 8,
          key: "source",
          labels: { source: "Source", finding: "Missing", owner: "Owner" },
          sortBy: "Source",
          ascending: true,
          links: ["source of the row"],
          columns: [
            {
              title: "Open",
              unit: "none",
              steps: NONE_IS_GOOD,
              expr: `topk(200, ${chosen(`${of("backup_source_finding")} == 1`, ["finding"])})`,
            },
          ],
        },
        {
          kind: "table",
          title: "Live products",
          description: "1 while the product of a source answers, 0 while it does not.",
          unit: "none",
          width: 12,
          height: 8,
          key: "source",
          labels: { source: "Source", platform: "Platform", owner: "Owner" },
          sortBy: "Answers",
          ascending: true,
          links: ["source of the row"],
          columns: [{ title: "Answers", unit: "none", expr: `bottomk(200, ${chosen(of("backup_product_reachable"))})` }],
        },
      ],
    },
  ],
};
