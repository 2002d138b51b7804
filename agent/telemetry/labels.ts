/** What a metric may be told: its name, its type and exactly its labels. */
import type { GaugeSample } from "../core/ports.ts";
import { METRICS, type MetricDefinition, type MetricName } from "./names.ts";

export type Labels = Readonly<Record<string, string>>;

/** Thrown for a metric or label set that names.ts does not have: a mistake in the code that told it. */
export class MetricMisuse extends Error {
  override readonly name = "MetricMisuse";
}

/** @returns the definition, or null when there is no such metric */
export function definitionOf(metric: string): MetricDefinition | null {
  return Object.hasOwn(METRICS, metric) ? METRICS[metric as MetricName] : null;
}

/**
 * @returns the metric's definition
 * @throws MetricMisuse when the metric is unknown, of another type, or the labels are not exactly its own
 */
export function requireMetric(metric: string, type: MetricDefinition["type"], labels: Labels): MetricDefinition {
  const definition = definitionOf(metric);
  if (definition === null) throw new MetricMisuse(`there is no metric ${metric} in telemetry/names.ts`);
  if (definition.type !== type) throw new MetricMisuse(`${metric} is a ${definition.type}, told as a ${type}`);
  const given = Object.keys(labels);
  const exact = given.length === definition.labels.length && definition.labels.every((label) => typeof labels[label] === "string");
  if (!exact) throw new MetricMisuse(`${metric} has the labels {${definition.labels.join(",")}}, told with {${given.join(",")}}`);
  return definition;
}

/** The same for the same labels in whatever order. */
export function labelKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

export function containsLabels(labels: Labels, part: Labels): boolean {
  return Object.entries(part).every(([name, value]) => labels[name] === value);
}

/**
 * Checks what `Telemetry.gauges` is given.
 * @throws MetricMisuse for an unknown metric or label set, a sample outside the scope, one told twice, or a `source` under the empty scope
 */
export function requireSamples(scope: Labels, samples: readonly GaugeSample[]): void {
  const seen = new Set<string>();
  const agentWide = Object.keys(scope).length === 0;
  for (const { metric, labels } of samples) {
    requireMetric(metric, "gauge", labels);
    if (!containsLabels(labels, scope)) throw new MetricMisuse(`${metric} is told outside the scope ${labelKey(scope)}`);
    if (agentWide && labels["source"] !== undefined) throw new MetricMisuse(`${metric} has a source, told under the empty scope`);
    const key = metric + labelKey(labels);
    if (seen.has(key)) throw new MetricMisuse(`${metric} is told twice with the same labels`);
    seen.add(key);
  }
}
