/**
 * The JSON of OTLP 1.x (opentelemetry-proto, "OTLP/JSON"). The SDK's own exporters leave out exemplars, which the dashboards need to
 * get from a slow drill to its trace; so the three bodies are made here, and a test compares them with what those exporters send.
 */
import type { Attributes, HrTime, SpanContext } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { DataPointType, type DataPoint, type Histogram, type MetricData, type ScopeMetrics } from "@opentelemetry/sdk-metrics";
import type { HistogramPoint } from "./bridge.ts";
import type { LogRecord } from "./logger.ts";

export interface Scope {
  readonly name: string;
  readonly version: string;
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber */
const SEVERITY = { debug: 5, info: 9, warn: 13, error: 17 } as const;
const CUMULATIVE = 2;

export function traceBody(spans: readonly ReadableSpan[], resource: Attributes, scope: Scope): unknown {
  return { resourceSpans: [{ resource: resourceJson(resource), scopeSpans: [{ scope, spans: spans.map(spanJson) }] }] };
}

export function logBody(records: readonly LogRecord[], resource: Attributes, scope: Scope): unknown {
  return { resourceLogs: [{ resource: resourceJson(resource), scopeLogs: [{ scope, logRecords: records.map(logJson) }] }] };
}

export function metricBody(scopes: readonly ScopeMetrics[], resource: Attributes, scope: Scope): unknown {
  const scopeMetrics = scopes.map(({ metrics }) => ({ scope, metrics: metrics.map(metricJson) }));
  return { resourceMetrics: [{ resource: resourceJson(resource), scopeMetrics }] };
}

function resourceJson(attributes: Attributes): unknown {
  return { attributes: keyValues(attributes), droppedAttributesCount: 0 };
}

function spanJson(span: ReadableSpan): unknown {
  const context = span.spanContext();
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    ...(span.parentSpanContext === undefined ? {} : { parentSpanId: span.parentSpanContext.spanId }),
    name: span.name,
    // The API counts kinds from 0, the protocol from 1 (0 is "unspecified").
    kind: span.kind + 1,
    startTimeUnixNano: nanos(span.startTime),
    endTimeUnixNano: nanos(span.endTime),
    attributes: keyValues(span.attributes),
    droppedAttributesCount: span.droppedAttributesCount,
    events: [],
    droppedEventsCount: span.droppedEventsCount,
    status: { code: span.status.code, ...(span.status.message === undefined ? {} : { message: span.status.message }) },
    links: span.links.map((link) => ({
      attributes: keyValues(link.attributes ?? {}),
      spanId: link.context.spanId,
      traceId: link.context.traceId,
      droppedAttributesCount: link.droppedAttributesCount ?? 0,
      flags: flagsOf(link.context, link.context.isRemote === true),
    })),
    droppedLinksCount: span.droppedLinksCount,
    flags: flagsOf(context, span.parentSpanContext?.isRemote === true),
  };
}

/** The lower eight bits are those of W3C trace context; bit 8 says that bit 9 is known, bit 9 that the parent is remote. */
function flagsOf({ traceFlags }: SpanContext, remote: boolean): number {
  return (traceFlags & 0xff) | 0x100 | (remote ? 0x200 : 0);
}

function logJson({ level, message, fields, at, span }: LogRecord): unknown {
  const time = `${Math.trunc(at)}000000`;
  return {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber: SEVERITY[level],
    severityText: level.toUpperCase(),
    body: { stringValue: message },
    attributes: keyValues(fields),
    droppedAttributesCount: 0,
    ...(span === null ? {} : { traceId: span.traceId, spanId: span.spanId, flags: 1 }),
  };
}

function metricJson(metric: MetricData): unknown {
  const { name, description, unit } = metric.descriptor;
  const head = { name, description, unit };
  if (metric.dataPointType === DataPointType.SUM) {
    const dataPoints = metric.dataPoints.map(numberJson);
    return { ...head, sum: { aggregationTemporality: CUMULATIVE, isMonotonic: metric.isMonotonic, dataPoints } };
  }
  if (metric.dataPointType === DataPointType.GAUGE) return { ...head, gauge: { dataPoints: metric.dataPoints.map(numberJson) } };
  if (metric.dataPointType === DataPointType.HISTOGRAM) {
    return { ...head, histogram: { aggregationTemporality: CUMULATIVE, dataPoints: metric.dataPoints.map(histogramJson) } };
  }
  throw new Error("The registry holds no exponential histogram.");
}

function pointJson(point: DataPoint<unknown>): Record<string, unknown> {
  return {
    attributes: keyValues(point.attributes),
    startTimeUnixNano: nanos(point.startTime),
    timeUnixNano: nanos(point.endTime),
  };
}

function numberJson(point: DataPoint<number>): unknown {
  return { ...pointJson(point), asDouble: point.value };
}

function histogramJson(point: DataPoint<Histogram>): unknown {
  const { buckets, sum, count } = point.value;
  const { exemplars = [] } = point as Partial<HistogramPoint>;
  return {
    ...pointJson(point),
    bucketCounts: buckets.counts,
    explicitBounds: buckets.boundaries,
    count,
    sum,
    ...(exemplars.length === 0
      ? {}
      : {
          exemplars: exemplars.map(({ traceId, spanId, value, time }) => ({
            timeUnixNano: nanos(time),
            asDouble: value,
            spanId,
            traceId,
          })),
        }),
  };
}

function nanos([seconds, rest]: HrTime): string {
  return (BigInt(seconds) * 1_000_000_000n + BigInt(rest)).toString();
}

function keyValues(attributes: Attributes): KeyValue[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") return Number.isSafeInteger(value) ? { intValue: value } : { doubleValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  return {};
}
