/** Bands and alarms: what is not as it was. */
import type { DashboardSpec } from "./build.ts";
import { chosen, howMany, of, over, thin } from "./queries.ts";
import { band } from "./source.ts";
import { NONE_IS_CALM, USED_UP } from "./steps.ts";

const half = { kind: "lines", width: 12, height: 8 } as const;
const SIGNALS = [
  { signal: "bytes", unit: "bytes", words: "Size of recovery points" },
  { signal: "records", unit: "short", words: "Records of recovery points" },
  { signal: "duration", unit: "s", words: "Duration of backup runs" },
  { signal: "gap", unit: "s", words: "Time between recovery points" },
] as const;

export const anomalies: DashboardSpec = {
  uid: "restorewatch-anomalies",
  title: "Restorewatch / Anomalies",
  description: "Alarms of the detector, and every signal beside the band it is expected in. Choose few sources to read the bands.",
  from: "now-7d",
  rows: [
    {
      title: "Alarms",
      panels: [
        {
          kind: "stat",
          title: "Sources with an alarm",
          description: "Sources with at least one active alarm, by kind of alarm.",
          unit: "none",
          width: 6,
          height: 8,
          steps: NONE_IS_CALM,
          queries: (["spike", "shift", "drift", "rule"] as const).map((kind) => ({
            expr: howMany(`${of("backup_anomaly_active", `kind="${kind}"`)} == 1`),
            legend: kind,
          })),
        },
        {
          kind: "table",
          title: "Active alarms",
          description: "Spike: once; shift: a new level; drift: slowly; rule: a limit that needs no history. Click a source to open it.",
          unit: "none",
          width: 10,
          height: 8,
          key: "source",
          labels: { source: "Source", signal: "Signal", kind: "Kind", owner: "Owner" },
          sortBy: "Source",
          ascending: true,
          links: ["source of the row"],
          columns: [
            { title: "Active", unit: "none", expr: `topk(200, ${chosen(`${of("backup_anomaly_active")} == 1`, ["signal", "kind"])})` },
          ],
        },
        {
          kind: "bars",
          title: "Nearest to an alarm, worst 15",
          description: "How far the newest observation is from the ordinary; at 1 an alarm is due.",
          unit: "short",
          width: 8,
          height: 8,
          steps: USED_UP,
          links: ["source"],
          queries: [{ expr: `topk(15, ${thin(of("backup_anomaly_score"), ["signal"])})`, legend: "{{source}} {{signal}}" }],
        },
        {
          ...half,
          width: 24,
          title: "Alarms over time",
          description: "Active alarms by signal and kind. Many sources at once have one cause: look at the vault and the platform first.",
          unit: "short",
          stacked: true,
          queries: [{ expr: `${over("sum by (signal, kind)", of("backup_anomaly_active"))} > 0`, legend: "{{signal}} {{kind}}" }],
        },
      ],
    },
    {
      title: "Signals beside their bands",
      panels: [
        ...SIGNALS.map(({ signal, unit, words }) => ({
          ...half,
          title: `${words} and band`,
          description: `${words}, what was expected, and the edges of the band; outside is an alarm. The 3 sources nearest to one.`,
          unit,
          links: ["source"] as const,
          queries: band(signal).map(({ expr, legend }) => ({
            expr: `(${expr}) and on (source) topk(3, max by (source) (${of("backup_anomaly_score", `signal="${signal}"`)}))`,
            legend,
          })),
        })),
        {
          ...half,
          title: "Observations that the bands rest on",
          description: "The lowest by signal; a band over few observations is wide, and says little.",
          unit: "short",
          queries: [{ expr: over("min by (signal)", of("backup_anomaly_runs")), legend: "{{signal}}" }],
        },
        {
          ...half,
          title: "Scores",
          description: "The highest score by signal; at 1 an alarm is due.",
          unit: "short",
          steps: USED_UP,
          queries: [{ expr: over("max by (signal)", of("backup_anomaly_score")), legend: "{{signal}}" }],
        },
      ],
    },
  ],
};
