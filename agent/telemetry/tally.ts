/** One count or one observation in the form that is persisted and added up. */
import type { Tally } from "../core/ports.ts";
import { definitionOf, type Labels, MetricMisuse, requireMetric, requireNumber } from "./labels.ts";

/**
 * @param value what is added to the counter, or what the histogram observes
 * @returns the tally to hand to `TalliesRepository.add`; what adds up there is what `Metrics.restore` takes
 * @throws MetricMisuse for a gauge, an unknown metric or label set, or a value that is not finite
 */
export function tallyOf(metric: string, labels: Labels, value: number): Tally {
  const type = definitionOf(metric)?.type === "histogram" ? "histogram" : "counter";
  const { buckets = [] } = requireMetric(metric, type, labels);
  requireNumber(metric, value);
  if (type === "counter" && value < 0) throw new MetricMisuse(`${metric} is a counter and cannot go down`);
  const sorted = Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  if (type === "counter") return { metric, labels: sorted, count: value, sum: value, buckets: [] };
  return { metric, labels: sorted, count: 1, sum: value, buckets: buckets.map((bound) => (value <= bound ? 1 : 0)) };
}
