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
  for (const name in part) if (labels[name] !== part[name]) return false;
  return true;
}

/** @throws MetricMisuse unless `value` is a finite number: what is not known has no sample */
export function requireNumber(metric: string, value: number): void {
  if (!Number.isFinite(value)) throw new MetricMisuse(`${metric} is told the value ${String(value)}`);
}

/**
 * Checks one sample of what `Telemetry.gauges` is given.
 * @throws MetricMisuse for an unknown metric or label set, a sample outside the scope, a `source` under the empty scope, or no finite value
 */
export function requireSample(scope: Labels, { metric, labels, value }: GaugeSample): void {
  requireMetric(metric, "gauge", labels);
  requireNumber(metric, value);
  if (!containsLabels(labels, scope)) throw new MetricMisuse(`${metric} is told outside the scope ${labelKey(scope)}`);
  const agentWide = Object.keys(scope).length === 0;
  if (agentWide && labels["source"] !== undefined) throw new MetricMisuse(`${metric} has a source, told under the empty scope`);
}

/**
 * Checks all that `Telemetry.gauges` is given.
 * @throws MetricMisuse as `requireSample`, and for a series told twice
 */
export function requireSamples(scope: Labels, samples: readonly GaugeSample[]): void {
  const seen = new Set<string>();
  for (const sample of samples) {
    requireSample(scope, sample);
    const key = sample.metric + labelKey(sample.labels);
    if (seen.has(key)) throw new MetricMisuse(`${sample.metric} is told twice with the same labels`);
    seen.add(key);
  }
}
