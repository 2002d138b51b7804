/** The Telemetry port of the running agent: metrics in the registry, spans of the SDK, log lines, and their export. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Span as OtelSpan } from "@opentelemetry/api";
import type { Clock, GaugeSample, LogLevel, Random, Telemetry } from "../core/ports.ts";
import type { ExportOptions } from "./exporting.ts";
import { labelKey, type Labels, MetricMisuse, requireSample } from "./labels.ts";
import { createLogger, logTime, type LogRecord, type LogThreshold } from "./logger.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createRedactor, type Redactor } from "./redact.ts";
import { createSdk, resourceOf, type ServiceIdentity } from "./sdk.ts";
import { errorType, startSpan } from "./spans.ts";

export interface TelemetryOptions {
  readonly service: ServiceIdentity;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: {
    readonly level: LogThreshold;
    /** Takes one line with its line feed. Must neither throw nor block. */
    readonly write: (line: string) => void;
  };
  /** A metric or label set that names.ts does not have throws; in production (false) it is counted and logged instead. */
  readonly strict?: boolean;
  /** Process and event-loop metrics; on unless told otherwise. */
  readonly processMetrics?: boolean;
}

export interface AgentTelemetry {
  readonly telemetry: Telemetry;
  /** What the app restores at start, initialises from the configuration, and shows on /metrics. */
  readonly metrics: Metrics;
  /** Told every secret that is revealed. */
  readonly redactor: Redactor;
  /** Starts the export, or moves it to another endpoint; null ends it. Nothing is sent before. */
  start(otlp: ExportOptions | null): Promise<void>;
  setLogLevel(level: LogThreshold): void;
  /** Flushes for at most `timeoutMs` (3,000 unless told), even when the endpoint hangs. Spans and metrics can still be told afterwards. */
  stop(timeoutMs?: number): Promise<void>;
}

const FLUSH_MS = 3000;

export function createTelemetry(options: TelemetryOptions): AgentTelemetry {
  const { service, clock, random, log, strict = false } = options;
  const redactor = createRedactor();
  const logger = createLogger(log);
  const metrics = createMetrics({
    clock,
    build: { version: service.version, node: process.version },
    ...(options.processMetrics === undefined ? {} : { process: options.processMetrics }),
  });
  const sdk = createSdk({
    clock,
    random,
    metrics,
    version: service.version,
    resource: resourceOf(service),
    onSecret: (value) => {
      redactor.add(value);
      // `Bearer abc`: what has to stay secret is `abc` wherever it turns up.
      redactor.add(value.slice(value.lastIndexOf(" ") + 1));
    },
    tell: (level, message, fields) => writeLine({ level, message, fields, at: logTime(clock), span: null }),
  });
  const current = new AsyncLocalStorage<OtelSpan>();
  const spanDeps = { tracer: sdk.tracer, clock, redactor };
  const misused = new Set<string>();

  const telemetry: Telemetry = {
    async span(name, attributes, work, how = {}) {
      const parent = how.root === true ? null : (current.getStore() ?? null);
      const { span, otel, failed } = startSpan(spanDeps, parent, name, attributes, how);
      try {
        return await current.run(otel, () => work(span));
      } catch (thrown) {
        if (!failed()) span.fail(errorType(thrown), thrown instanceof Error ? thrown.message : undefined);
        throw thrown;
      } finally {
        span.end();
      }
    },
    count: (metric, labels, by) => guarded(() => metrics.count(metric, labels, by)),
    gauges: (scope, samples) => guarded(() => metrics.gauges(scope, strict ? samples : usable(scope, samples))),
    observe: (metric, labels, value, exemplar) => guarded(() => metrics.observe(metric, labels, value, exemplar)),
    log(level, message, fields = {}) {
      if (!logger.enabled(level)) return;
      const context = current.getStore()?.spanContext();
      const span = context === undefined ? null : { traceId: context.traceId, spanId: context.spanId };
      tell({ level, message: redactor.text(message), fields: redactor.attributes(fields), at: logTime(clock), span });
    },
  };

  return {
    telemetry,
    metrics,
    redactor,
    start: (otlp) => sdk.exportTo(otlp, FLUSH_MS),
    setLogLevel: (level) => logger.setLevel(level),
    stop: (timeoutMs = FLUSH_MS) => sdk.exportTo(null, timeoutMs),
  };

  function tell(record: LogRecord): void {
    writeLine(record);
    sdk.log(record);
  }

  /** Nobody may fail because a line could not be written. */
  function writeLine(record: LogRecord): void {
    try {
      logger.write(record);
    } catch {
      metrics.count("restorewatch_telemetry_dropped_total", { signal: "logs" });
    }
  }

  function guarded(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      if (strict) throw thrown;
      reportMisuse(thrown);
    }
  }

  /** One wrong sample does not take the others of its source with it: their series would vanish, and alerts with them. */
  function usable(scope: Labels, samples: readonly GaugeSample[]): GaugeSample[] {
    const kept = new Map<string, GaugeSample>();
    for (const sample of samples) {
      try {
        requireSample(scope, sample);
        kept.set(sample.metric + labelKey(sample.labels), sample);
      } catch (thrown) {
        reportMisuse(thrown);
      }
    }
    return [...kept.values()];
  }

  function reportMisuse(thrown: unknown): void {
    metrics.count("restorewatch_telemetry_dropped_total", { signal: "metrics" });
    const problem = thrown instanceof MetricMisuse ? thrown.message : errorType(thrown);
    if (misused.has(problem) || misused.size >= 100) return;
    misused.add(problem);
    const level: LogLevel = "error";
    if (logger.enabled(level)) {
      tell({ level, message: "a metric was told wrongly", fields: { problem: redactor.text(problem) }, at: logTime(clock), span: null });
    }
  }
}
