/** Reads what an OtlpReceiver was sent: bodies of OTLP/JSON, checked for shape and flattened. */
import { z } from "zod";
import type { AttributeValue } from "../../agent/core/ports.ts";

const anyValue = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: z.number().int() }),
  z.strictObject({ doubleValue: z.number() }),
]);
const attributes = z.array(z.strictObject({ key: z.string().min(1), value: anyValue })).transform((pairs) => {
  const found: Record<string, AttributeValue> = {};
  for (const { key, value } of pairs) found[key] = Object.values(value)[0] as AttributeValue;
  return found;
});
const nanos = z.string().regex(/^\d+$/);
const traceId = z.string().regex(/^(?!0+$)[0-9a-f]{32}$/);
const spanId = z.string().regex(/^(?!0+$)[0-9a-f]{16}$/);
const zero = z.literal(0);
const resource = z.strictObject({ attributes, droppedAttributesCount: zero });
const scope = z.strictObject({ name: z.string(), version: z.string() });

const span = z.strictObject({
  traceId,
  spanId,
  parentSpanId: spanId.optional(),
  name: z.string(),
  kind: z.number(),
  startTimeUnixNano: nanos,
  endTimeUnixNano: nanos,
  attributes,
  droppedAttributesCount: zero,
  events: z.array(z.never()),
  droppedEventsCount: zero,
  status: z.strictObject({ code: z.number(), message: z.string().optional() }),
  links: z.array(z.strictObject({ attributes, traceId, spanId, droppedAttributesCount: zero, flags: z.number() })),
  droppedLinksCount: zero,
  flags: z.number(),
});

const log = z.strictObject({
  timeUnixNano: nanos,
  observedTimeUnixNano: nanos,
  severityNumber: z.number(),
  severityText: z.string(),
  body: z.strictObject({ stringValue: z.string() }),
  attributes,
  droppedAttributesCount: zero,
  traceId: traceId.optional(),
  spanId: spanId.optional(),
  flags: z.number().optional(),
});

const point = { attributes, startTimeUnixNano: nanos, timeUnixNano: nanos };
const numberPoint = z.strictObject({ ...point, asDouble: z.number() });
const histogramPoint = z.strictObject({
  ...point,
  bucketCounts: z.array(z.number()),
  explicitBounds: z.array(z.number()),
  count: z.number(),
  sum: z.number(),
  exemplars: z.array(z.strictObject({ timeUnixNano: nanos, asDouble: z.number(), spanId, traceId })).default([]),
});
const cumulative = z.literal(2);
const metric = z.strictObject({
  name: z.string(),
  description: z.string(),
  unit: z.string(),
  sum: z.strictObject({ aggregationTemporality: cumulative, isMonotonic: z.literal(true), dataPoints: z.array(numberPoint) }).optional(),
  gauge: z.strictObject({ dataPoints: z.array(numberPoint) }).optional(),
  histogram: z.strictObject({ aggregationTemporality: cumulative, dataPoints: z.array(histogramPoint) }).optional(),
});

const traceRequest = z.strictObject({
  resourceSpans: z.array(z.strictObject({ resource, scopeSpans: z.array(z.strictObject({ scope, spans: z.array(span) })) })),
});
const logRequest = z.strictObject({
  resourceLogs: z.array(z.strictObject({ resource, scopeLogs: z.array(z.strictObject({ scope, logRecords: z.array(log) })) })),
});
const metricRequest = z.strictObject({
  resourceMetrics: z.array(z.strictObject({ resource, scopeMetrics: z.array(z.strictObject({ scope, metrics: z.array(metric) })) })),
});

export type OtlpSpan = z.infer<typeof span>;
export type OtlpLog = z.infer<typeof log>;
export type OtlpMetric = z.infer<typeof metric>;
export type OtlpHistogramPoint = z.infer<typeof histogramPoint>;

export function spansOf(bodies: readonly unknown[]): OtlpSpan[] {
  return bodies.flatMap((body) => traceRequest.parse(body).resourceSpans.flatMap((one) => one.scopeSpans.flatMap(({ spans }) => spans)));
}

export function logsOf(bodies: readonly unknown[]): OtlpLog[] {
  return bodies.flatMap((body) =>
    logRequest.parse(body).resourceLogs.flatMap((one) => one.scopeLogs.flatMap(({ logRecords }) => logRecords)),
  );
}

export function metricsOf(body: unknown): OtlpMetric[] {
  return metricRequest.parse(body).resourceMetrics.flatMap((one) => one.scopeMetrics.flatMap(({ metrics }) => metrics));
}

/** Resource attributes of a body of any signal. */
export function resourceAttributes(body: unknown): Readonly<Record<string, AttributeValue>> {
  const first = Object.values(body as Record<string, readonly unknown[]>)[0]?.[0];
  return resource.parse((first as { readonly resource: unknown }).resource).attributes;
}

/** Milliseconds since the epoch, with the fractions that a number can hold. */
export function msOf(nanoseconds: string): number {
  return Number(BigInt(nanoseconds) / 1_000_000n) + Number(BigInt(nanoseconds) % 1_000_000n) / 1e6;
}
