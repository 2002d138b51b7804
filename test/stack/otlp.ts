/** OTLP as a test writes it, and what a sink was sent: only the ids, whatever else the collector puts around them. */

const seconds = (at: number): string => `${Math.round(at * 1000)}000000`;
const named = (name: string) => ({ attributes: [{ key: "service.name", value: { stringValue: name } }] });
const hex = (value: number, length: number): string => value.toString(16).padStart(length, "0");

export interface Batch {
  readonly spans: readonly string[];
  readonly logs: readonly string[];
  /** Series and second. */
  readonly points: readonly (readonly [series: number, at: number])[];
}

/** Ids of a batch: no two batches share one. */
export function batchOf(index: number, size: number, at: number): Batch {
  const ids = Array.from({ length: size }, (_, item) => index * size + item + 1);
  return {
    spans: ids.map((id) => hex(id, 16)),
    logs: ids.map((id) => `log-${id}`),
    points: ids.map((_, series) => [series, at] as const),
  };
}

/** @param path of the signal, and the body: three requests, as an agent sends them */
export function requestsOf(batch: Batch, at: number, name: string): readonly (readonly [path: string, body: unknown])[] {
  const resource = named(name);
  const spans = batch.spans.map((spanId) => ({
    traceId: `${spanId}${spanId}`,
    spanId,
    name: "restore.check",
    kind: 1,
    startTimeUnixNano: seconds(at - 1),
    endTimeUnixNano: seconds(at),
    status: {},
  }));
  const logRecords = batch.logs.map((text) => ({ timeUnixNano: seconds(at), severityNumber: 9, body: { stringValue: text } }));
  const dataPoints = batch.points.map(([series, second]) => ({
    attributes: [{ key: "series", value: { stringValue: String(series) } }],
    timeUnixNano: seconds(second),
    asDouble: second,
  }));
  return [
    ["/v1/traces", { resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }],
    ["/v1/logs", { resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] }],
    ["/v1/metrics", { resourceMetrics: [{ resource, scopeMetrics: [{ metrics: [{ name: "outage_point", gauge: { dataPoints } }] }] }] }],
  ];
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

export interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const attributesOf = (attributes: readonly Attribute[] = []): Readonly<Record<string, unknown>> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

export function spansIn(bodies: readonly unknown[]): readonly SentSpan[] {
  interface Body {
    readonly resourceSpans: readonly {
      readonly scopeSpans: readonly { readonly spans: readonly (Omit<SentSpan, "attributes"> & { attributes?: readonly Attribute[] })[] }[];
    }[];
  }
  return (bodies as readonly Body[]).flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ ...span, attributes: attributesOf(span.attributes) }))),
    ),
  );
}

export interface SentLog {
  readonly text: string;
  readonly traceId: string;
}

export function logsIn(bodies: readonly unknown[]): readonly SentLog[] {
  interface Body {
    readonly resourceLogs: readonly {
      readonly scopeLogs: readonly {
        readonly logRecords: readonly { readonly body: { readonly stringValue: string }; readonly traceId?: string }[];
      }[];
    }[];
  }
  return (bodies as readonly Body[]).flatMap(({ resourceLogs }) =>
    resourceLogs.flatMap(({ scopeLogs }) =>
      scopeLogs.flatMap(({ logRecords }) => logRecords.map(({ body, traceId }) => ({ text: body.stringValue, traceId: traceId ?? "" }))),
    ),
  );
}
