/** What is sent is what the exporters of the OpenTelemetry SDK send; only the exemplars, which those leave out, come on top. */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createBridge } from "../../../agent/telemetry/bridge.ts";
import { createMetrics } from "../../../agent/telemetry/metrics.ts";
import { logBody, metricBody, traceBody } from "../../../agent/telemetry/otlp-json.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { type OtlpReceiver, otlpReceiver } from "../../doubles/otlp-receiver.ts";

const scope = { name: "restorewatch", version: "1.0.0" };
const attributes = { "service.name": "restorewatch" };
const resource = resourceFromAttributes(attributes);
let receiver: OtlpReceiver;

beforeEach(async () => {
  receiver = await otlpReceiver();
});
afterEach(() => receiver.close());

function plain(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body));
}

test("traces", async () => {
  const memory = new InMemorySpanExporter();
  const provider = new TracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor({ exporter: memory })] });
  const tracer = provider.getTracer(scope.name, scope.version);
  const link = { context: { traceId: "a".repeat(32), spanId: "b".repeat(16), traceFlags: TraceFlags.SAMPLED, isRemote: false } };
  const root = tracer.startSpan("drill", {
    attributes: { text: "ü", whole: 3, part: 0.5, yes: true },
    links: [link],
    startTime: [1_768_478_400, 5],
  });
  const child = tracer.startSpan("query", { kind: SpanKind.CLIENT }, trace.setSpan(ROOT_CONTEXT, root));
  child.setStatus({ code: SpanStatusCode.ERROR, message: "late" });
  child.end();
  root.end();
  const spans = memory.getFinishedSpans();
  const exporter = new OTLPTraceExporter({ url: `${receiver.endpoint}/v1/traces` });
  await new Promise((resolve) => exporter.export(spans, resolve));
  expect(plain(traceBody(spans, attributes, scope))).toEqual(receiver.bodies("traces")[0]);
  expect(spans).toHaveLength(2);
  await exporter.shutdown();
});

test("logs", async () => {
  const exporter = new OTLPLogExporter({ url: `${receiver.endpoint}/v1/logs` });
  const memory = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter: memory })] });
  const span = { traceId: "a".repeat(32), spanId: "b".repeat(16) };
  const context = trace.setSpanContext(ROOT_CONTEXT, { ...span, traceFlags: TraceFlags.SAMPLED });
  const at = 1_768_478_400_123;
  const fields = { source: "crm", count: 3, ratio: 0.5 };
  provider.getLogger(scope.name, scope.version).emit({
    timestamp: at,
    observedTimestamp: at,
    severityNumber: 13,
    severityText: "WARN",
    body: "poll failed",
    attributes: fields,
    context,
  });
  await new Promise((resolve) => exporter.export(memory.getFinishedLogRecords(), resolve));
  const own = logBody([{ level: "warn", message: "poll failed", fields, at, span }], attributes, scope);
  expect(plain(own)).toEqual(receiver.bodies("logs")[0]);
  await exporter.shutdown();
});

test("metrics", async () => {
  const clock = fakeClock();
  const metrics = createMetrics({ clock, build: { version: "1.0.0", node: "v24" }, process: false });
  metrics.initialise(["crm"]);
  metrics.gauges({ source: "crm" }, [{ metric: "backup_size_bytes", labels: { source: "crm" }, value: 0.5 }]);
  metrics.observe("restore_phase_duration_seconds", { platform: "grist", phase: "load" }, 3);
  const { resourceMetrics } = await createBridge({ metrics, clock, resource }).collect();
  const exporter = new OTLPMetricExporter({ url: `${receiver.endpoint}/v1/metrics` });
  const scopeMetrics = resourceMetrics.scopeMetrics.map((one) => ({ ...one, scope }));
  await new Promise((resolve) => exporter.export({ ...resourceMetrics, scopeMetrics }, resolve));
  const own = metricBody(resourceMetrics.scopeMetrics, attributes, scope);
  expect(plain(own)).toEqual(receiver.bodies("metrics")[0]);
  await exporter.shutdown();
});
