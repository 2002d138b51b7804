/** A Telemetry that remembers what it was told, and throws at a metric or label set that names.ts does not have. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Attributes, AttributeValue, Clock, GaugeSample, LogLevel, Span, Telemetry } from "../../agent/core/ports.ts";
import { gaugeBoard } from "../../agent/telemetry/gauge-board.ts";
import { containsLabels, type Labels, requireMetric, requireNumber, requireSamples } from "../../agent/telemetry/labels.ts";

export interface RecordedSpan {
  readonly name: string;
  readonly kind: "internal" | "client";
  readonly attributes: Record<string, AttributeValue>;
  readonly parent: RecordedSpan | null;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly traceId: string;
  readonly spanId: string;
  readonly startedAt: number;
  status: "unset" | "error";
  error: { readonly type: string; readonly message: string | null } | null;
  /** Null while the span is open. */
  endedAt: number | null;
}

export interface RecordedLog {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, AttributeValue>>;
  readonly span: RecordedSpan | null;
}

export interface MemoryTelemetry extends Telemetry {
  /** In the order they began. */
  readonly spans: readonly RecordedSpan[];
  readonly logs: readonly RecordedLog[];
  readonly counts: readonly { readonly metric: string; readonly labels: Labels; readonly by: number }[];
  readonly observed: readonly {
    readonly metric: string;
    readonly labels: Labels;
    readonly value: number;
    readonly exemplar: { readonly traceId: string; readonly spanId: string } | null;
  }[];
  /** Gauge samples in force now. */
  gaugeSamples(): readonly GaugeSample[];
  /** Value in force of one gauge series, or null when it is absent. */
  gauge(metric: string, labels?: Labels): number | null;
  /** Sum of what was counted over all label sets that contain `labels`. */
  counted(metric: string, labels?: Labels): number;
  spansNamed(name: string): readonly RecordedSpan[];
  childrenOf(span: RecordedSpan): readonly RecordedSpan[];
}

function defined(attributes: Attributes): Record<string, AttributeValue> {
  return Object.fromEntries(Object.entries(attributes).filter((entry): entry is [string, AttributeValue] => entry[1] !== undefined));
}

/** @param clock where span times come from; the system's when not given */
export function memoryTelemetry(clock: Pick<Clock, "now"> = { now: () => Date.now() }): MemoryTelemetry {
  const spans: RecordedSpan[] = [];
  const logs: RecordedLog[] = [];
  const counts: MemoryTelemetry["counts"][number][] = [];
  const observed: MemoryTelemetry["observed"][number][] = [];
  const board = gaugeBoard();
  const current = new AsyncLocalStorage<RecordedSpan>();
  let traces = 0;

  const begin = (
    name: string,
    attributes: Attributes,
    parent: RecordedSpan | null,
    options: { kind?: "internal" | "client"; at?: number; links?: RecordedSpan["links"] } = {},
  ): { record: RecordedSpan; span: Span } => {
    if (parent === null) traces += 1;
    const record: RecordedSpan = {
      name,
      kind: options.kind ?? "internal",
      attributes: defined(attributes),
      parent,
      links: options.links ?? [],
      traceId: parent?.traceId ?? traces.toString(16).padStart(32, "0"),
      spanId: (spans.length + 1).toString(16).padStart(16, "0"),
      startedAt: options.at ?? clock.now(),
      status: "unset",
      error: null,
      endedAt: null,
    };
    spans.push(record);
    const open = (change: () => void): void => {
      if (record.endedAt === null) change();
    };
    const span: Span = {
      traceId: record.traceId,
      spanId: record.spanId,
      set: (more) => open(() => Object.assign(record.attributes, defined(more))),
      fail: (type, message) =>
        open(() => {
          record.status = "error";
          record.error = { type, message: message ?? null };
          record.attributes["error.type"] = type;
        }),
      start: (child, more = {}, how = {}) => begin(child, more, record, how).span,
      end: (at) =>
        open(() => {
          record.endedAt = at ?? clock.now();
        }),
    };
    return { record, span };
  };

  return {
    spans,
    logs,
    counts,
    observed,
    async span(name, attributes, work, options = {}) {
      const parent = options.root === true ? null : (current.getStore() ?? null);
      const { record, span } = begin(name, attributes, parent, options);
      try {
        return await current.run(record, () => work(span));
      } catch (thrown) {
        const code = (thrown as { code?: unknown } | null)?.code;
        const name = thrown instanceof Error ? thrown.name : "error";
        if (record.error === null)
          span.fail(typeof code === "string" ? code : name, thrown instanceof Error ? thrown.message : String(thrown));
        throw thrown;
      } finally {
        span.end();
      }
    },
    count(metric, labels, by = 1) {
      requireMetric(metric, "counter", labels);
      requireNumber(metric, by);
      counts.push({ metric, labels, by });
    },
    gauges(scope, samples) {
      requireSamples(scope, samples);
      board.replace(scope, samples);
    },
    observe(metric, labels, value, exemplar) {
      requireMetric(metric, "histogram", labels);
      requireNumber(metric, value);
      observed.push({
        metric,
        labels,
        value,
        exemplar: exemplar === undefined ? null : { traceId: exemplar.traceId, spanId: exemplar.spanId },
      });
    },
    log(level, message, fields = {}) {
      logs.push({ level, message, fields: defined(fields), span: current.getStore() ?? null });
    },
    gaugeSamples: () => board.all(),
    gauge: (metric, labels = {}) =>
      board.of(metric).find((sample) => containsLabels(sample.labels, labels) && containsLabels(labels, sample.labels))?.value ?? null,
    counted: (metric, labels = {}) =>
      counts.filter((entry) => entry.metric === metric && containsLabels(entry.labels, labels)).reduce((sum, entry) => sum + entry.by, 0),
    spansNamed: (name) => spans.filter((span) => span.name === name),
    childrenOf: (span) => spans.filter((other) => other.parent === span),
  };
}
