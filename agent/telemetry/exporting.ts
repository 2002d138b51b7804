/** Everything that is sent over OTLP. Loaded only when an endpoint is configured. */
import type { Attributes } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { Clock } from "../core/ports.ts";
import { type Batcher, createBatcher } from "./batcher.ts";
import { createBridge } from "./bridge.ts";
import type { LogRecord } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import { logBody, metricBody, type Scope, traceBody } from "./otlp-json.ts";
import { createSender, type OtlpTarget, type SignalName } from "./otlp-sender.ts";

export interface ExportDeps {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly resource: Attributes;
  readonly scope: Scope;
  readonly onSecret: (value: string) => void;
  /** Tells people, on stdout only: a pipeline that is in trouble is not told of it through itself. */
  readonly tell: (level: "warn" | "info", message: string, fields: Readonly<Record<string, string | number>>) => void;
}

export interface ExportOptions extends OtlpTarget {
  /** Time between two pushes of all metrics; 30,000 unless told. */
  readonly intervalMs?: number;
}

export interface Exporting {
  span(span: ReadableSpan): void;
  log(record: LogRecord): void;
  /** Sends what is waiting and the metrics once more, for at most `timeoutMs`; the rest is dropped and counted. Idempotent, never throws. */
  stop(timeoutMs: number): Promise<void>;
}

const QUEUE = { traces: { maxQueue: 4096, maxBatch: 512, delayMs: 2000 }, logs: { maxQueue: 4096, maxBatch: 512, delayMs: 1000 } } as const;
const PUSH_MS = 30_000;
const WARN_AGAIN_MS = 300_000;

export function startExporting(options: ExportOptions, deps: ExportDeps): Exporting {
  const { clock, metrics, resource, scope } = deps;
  const userAgent = `${scope.name}/${scope.version}`;
  const sender = createSender(options, { clock, userAgent, onSecret: deps.onSecret });
  const bridge = createBridge({ metrics, clock });
  const drops = createDropReport(deps);
  const ending = new AbortController();
  const cutOff = new AbortController();

  const batcher = <T>(signal: "traces" | "logs", body: (items: readonly T[]) => unknown): Batcher<T> =>
    createBatcher<T>({
      ...QUEUE[signal],
      clock,
      send: (items, abort) => sender.send(signal, body(items), abort),
      onDropped: (count, reason) => drops.dropped(signal, count, reason),
      onSent: () => drops.sent(signal),
    });
  const spans = batcher<ReadableSpan>("traces", (items) => traceBody(items, resource, scope));
  const logs = batcher<LogRecord>("logs", (items) => logBody(items, resource, scope));
  const pushing = pushLoop();
  let stopped: Promise<void> | null = null;

  return {
    span: (span) => spans.add(span),
    log: (record) => logs.add(record),
    stop(timeoutMs) {
      stopped ??= stop(timeoutMs);
      return stopped;
    },
  };

  async function pushLoop(): Promise<void> {
    while (!ending.signal.aborted) {
      try {
        await clock.sleep(options.intervalMs ?? PUSH_MS, ending.signal);
      } catch {
        return;
      }
      await push();
    }
  }

  /** A push that fails is not tried again: the next one carries the same state, newer. */
  async function push(): Promise<void> {
    try {
      const { resourceMetrics } = await bridge.collect();
      const outcome = await sender.send("metrics", metricBody(resourceMetrics.scopeMetrics, resource, scope), cutOff.signal);
      if (outcome.sent && outcome.lost === 0) drops.sent("metrics");
      else drops.dropped("metrics", 1, outcome.sent ? "refused in part by the receiver" : outcome.reason);
    } catch (thrown) {
      drops.dropped("metrics", 1, thrown instanceof Error ? thrown.name : "error");
    }
  }

  async function stop(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => cutOff.abort(), timeoutMs);
    ending.abort();
    // A push that hangs goes on holding its place until the deadline cuts it off; then there is no time for another.
    const last = pushing.then(() => (cutOff.signal.aborted ? undefined : push()));
    await Promise.all([spans.stop(cutOff.signal), logs.stop(cutOff.signal), last]);
    clearTimeout(timer);
    sender.close();
  }
}

interface DropReport {
  dropped(signal: SignalName, count: number, reason: string): void;
  sent(signal: SignalName): void;
}

/** Counts everything that is lost, and says so in one line at a time, not in one a loss. */
function createDropReport({ metrics, clock, tell }: ExportDeps): DropReport {
  const troubled = new Set<SignalName>();
  let untold = 0;
  let lastWarned = Number.NEGATIVE_INFINITY;
  return {
    dropped(signal, count, reason) {
      metrics.count("restorewatch_telemetry_dropped_total", { signal }, count);
      troubled.add(signal);
      untold += count;
      if (clock.monotonic() - lastWarned < WARN_AGAIN_MS) return;
      lastWarned = clock.monotonic();
      tell("warn", "telemetry could not be delivered", { signal, reason, dropped: untold });
      untold = 0;
    },
    sent(signal) {
      if (!troubled.delete(signal) || troubled.size > 0) return;
      tell("info", "telemetry is delivered again", { signal, dropped: untold });
      untold = 0;
      lastWarned = Number.NEGATIVE_INFINITY;
    },
  };
}
