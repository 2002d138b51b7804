/** What counters and histograms gain by an entry. Pure, and from the entry alone, so that a rebuilt state counts the same. */
import type { EvidenceEntry } from "../../core/evidence.ts";
import type { Tally } from "../../core/ports.ts";
import { METRICS, type MetricDefinition, type MetricName } from "../../telemetry/names.ts";

/** One count (value 1) or one observed value. */
export interface Measure {
  readonly metric: MetricName;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Every entry counts as one in the log. @param fresh whether it told state something new; if not, nothing else is counted */
export function measuresOf(entry: EvidenceEntry, fresh: boolean): Measure[] {
  const measures: Measure[] = [{ metric: "restorewatch_evidence_entries_total", labels: {}, value: 1 }];
  if (!fresh) return measures;
  if (entry.type === "run.reported") {
    const { sourceId, outcome } = entry.report;
    measures.push({ metric: "backup_runs_total", labels: { source: sourceId, outcome }, value: 1 });
  }
  if (entry.type === "drill.finished") {
    const { sourceId, kind, verdict, startedAt, finishedAt, phases } = entry.drill;
    const labels = { source: sourceId, drill_kind: kind };
    measures.push({ metric: "restore_drills_total", labels: { ...labels, verdict }, value: 1 });
    measures.push({ metric: "restore_drill_duration_seconds", labels, value: (finishedAt - startedAt) / 1000 });
    const platform = entry.platform ?? "other";
    for (const [phase, ms] of Object.entries(phases))
      measures.push({ metric: "restore_phase_duration_seconds", labels: { platform, phase }, value: ms / 1000 });
  }
  return measures;
}

/** @returns what to add to the tallies for an entry */
export function talliesOf(entry: EvidenceEntry, fresh: boolean): Tally[] {
  return measuresOf(entry, fresh).map(tallyOf);
}

function tallyOf({ metric, labels, value }: Measure): Tally {
  const { type, buckets = [] }: MetricDefinition = METRICS[metric];
  const sorted = Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  if (type === "counter") return { metric, labels: sorted, count: value, sum: value, buckets: [] };
  return { metric, labels: sorted, count: 1, sum: value, buckets: buckets.map((bound) => (value <= bound ? 1 : 0)) };
}
