/**
 * From the registry to OTLP, so that Prometheus' OTLP receiver stores the very series a scrape would. Its translation (with suffixes,
 * escaped or not: github.com/prometheus/otlptranslator) does three things to a name, and the bridge forestalls each:
 * - it appends `_total` to a monotonic sum, so the name goes out without it;
 * - it appends `_ratio` to a gauge of unit `1`, so a gauge that is no ratio goes out without a unit;
 * - it appends `_seconds` or `_bytes` for the units `s` and `By` unless the name has it (one strategy asks for it anywhere, the other at
 *   the end), so those units go out only where the name ends in them, and as an annotation (`{byte}`), which adds nothing, elsewhere.
 * What stays different is Prometheus' own doing: a scraped bucket is `le="1.0"`, a pushed one `le="1"`.
 */
import type { HrTime } from "@opentelemetry/api";
import { ValueType } from "@opentelemetry/api";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type Histogram,
  type HistogramMetricData,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import type { Clock } from "../core/ports.ts";
import { definitionOf, labelKey, type Labels } from "./labels.ts";
import type { ExposedMetric, ExposedValue, Metrics } from "./metrics.ts";
import { toHrTime } from "./spans.ts";

export interface OtlpExemplar {
  readonly traceId: string;
  readonly spanId: string;
  readonly value: number;
  readonly time: HrTime;
}

/** The SDK's data points know no exemplars; these do. */
export interface HistogramPoint extends DataPoint<Histogram> {
  readonly exemplars: readonly OtlpExemplar[];
}

export interface BridgeDeps {
  readonly metrics: Pick<Metrics, "exposed" | "createdAt">;
  readonly clock: Pick<Clock, "now">;
  readonly resource?: Resource;
}

export const SCOPE = { name: "restorewatch" } as const;

/** @returns a producer whose histogram points are `HistogramPoint`s; series without a finite value are left out */
export function createBridge({ metrics, clock, resource = resourceFromAttributes({}) }: BridgeDeps): MetricProducer {
  return {
    async collect(): Promise<CollectionResult> {
      const now = toHrTime(clock.now());
      const exposed = await metrics.exposed();
      const data = exposed.flatMap((metric) => metricData(metric, now, toHrTime(metrics.createdAt)));
      return { resourceMetrics: { resource, scopeMetrics: [{ scope: SCOPE, metrics: data }] }, errors: [] };
    },
  };
}

/** @returns the unit that goes out, given the metric's name without `_total`; "" for none */
export function otlpUnit(name: string): string {
  const definition = definitionOf(name) ?? definitionOf(`${name}_total`);
  if (name.endsWith("_seconds")) return "s";
  if (name.endsWith("_bytes")) return "By";
  if (name.endsWith("_ratio")) return "1";
  const unit = definition?.unit ?? "";
  if (unit === "By") return "{byte}";
  if (unit === "s") return "{second}";
  return unit === "1" ? "" : unit;
}

function metricData(metric: ExposedMetric, now: HrTime, createdAt: HrTime): MetricData[] {
  const name = metric.type === "counter" ? metric.name.replace(/_total$/, "") : metric.name;
  const descriptor = { name, description: metric.help, unit: otlpUnit(name), valueType: ValueType.DOUBLE };
  const base = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE } as const;
  const startOf = (value: ExposedValue): HrTime => (value.startedAt === undefined ? createdAt : toHrTime(value.startedAt));
  const finite = metric.values.filter((value) => Number.isFinite(value.value));
  if (finite.length === 0) return [];
  if (metric.type === "histogram") {
    const dataPoints = histogramPoints(metric, startOf, now);
    return [{ ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints } satisfies HistogramMetricData];
  }
  const points = finite.map((value) => ({
    // A gauge has no beginning; the API wants a time, and receivers ignore it.
    startTime: metric.type === "counter" ? startOf(value) : now,
    endTime: now,
    attributes: textLabels(value.labels),
    value: value.value,
  }));
  if (metric.type === "counter") return [{ ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: points }];
  return [{ ...base, dataPointType: DataPointType.GAUGE, dataPoints: points }];
}

interface Gathered {
  readonly labels: Labels;
  readonly startTime: HrTime;
  readonly buckets: { readonly bound: number; readonly cumulative: number }[];
  readonly exemplars: OtlpExemplar[];
  sum: number;
  count: number;
}

/** Puts the lines of one histogram together again, series by series. */
function histogramPoints(metric: ExposedMetric, startOf: (value: ExposedValue) => HrTime, now: HrTime): HistogramPoint[] {
  const series = new Map<string, Gathered>();
  for (const value of metric.values) {
    const { le, ...labels } = textLabels(value.labels);
    const key = labelKey(labels);
    const own = series.get(key) ?? { labels, startTime: startOf(value), buckets: [], exemplars: [], sum: 0, count: 0 };
    series.set(key, own);
    if (value.metricName === `${metric.name}_sum`) own.sum = value.value;
    else if (value.metricName === `${metric.name}_count`) own.count = value.value;
    else if (le !== undefined) own.buckets.push({ bound: le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le), cumulative: value.value });
    // prom-client's own histograms (garbage collection) carry a null here.
    if (value.exemplar !== undefined && value.exemplar !== null) own.exemplars.push(otlpExemplar(value.exemplar));
  }
  return [...series.values()].map(({ labels, startTime, buckets, exemplars, sum, count }) => {
    const rising = buckets.toSorted((a, b) => a.bound - b.bound);
    const counts = rising.map(({ cumulative }, index) => cumulative - (rising[index - 1]?.cumulative ?? 0));
    const boundaries = rising.map(({ bound }) => bound).filter((bound) => Number.isFinite(bound));
    return { startTime, endTime: now, attributes: labels, exemplars, value: { buckets: { boundaries, counts }, sum, count } };
  });
}

function otlpExemplar({ labelSet, value, timestamp }: NonNullable<ExposedValue["exemplar"]>): OtlpExemplar {
  return { traceId: labelSet.trace_id, spanId: labelSet.span_id, value, time: toHrTime(Math.round(timestamp * 1000)) };
}

function textLabels(labels: ExposedValue["labels"]): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]));
}
