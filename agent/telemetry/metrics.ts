/**
 * The state of every metric, and the one file that knows prom-client. Its registry holds metric objects of our own, because
 * prom-client's histograms cannot be set to what was persisted and its gauges cannot be replaced scope by scope.
 */
import { collectDefaultMetrics, type Metric, Registry, type OpenMetricsContentType } from "prom-client";
import type { Clock, GaugeSample, Tally } from "../core/ports.ts";
import { gaugeBoard } from "./gauge-board.ts";
import { definitionOf, type Labels, requireMetric, requireSamples } from "./labels.ts";
import { METRICS, type MetricDefinition } from "./names.ts";
import { type Counter, createCounter, createHistogram, type Exemplar, type Histogram, type HistogramSeries } from "./series.ts";

/** One line of the exposition, as prom-client passes it on. */
export interface ExposedValue {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Only histograms: name with its suffix. */
  readonly metricName?: string;
  readonly exemplar?: {
    readonly labelSet: { readonly trace_id: string; readonly span_id: string };
    readonly value: number;
    /** Seconds since the epoch. */
    readonly timestamp: number;
  } | null;
  /** When the series began, milliseconds since the epoch; 0 where that is not known, absent for metrics of the process. */
  readonly startedAt?: number;
}

export interface ExposedMetric {
  /** Counters with or without `_total`: prom-client strips it for good at the first scrape. */
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly ExposedValue[];
}

export interface Metrics {
  readonly contentType: string;
  /** When the process metrics began, milliseconds since the epoch. */
  readonly createdAt: number;
  /** The OpenMetrics exposition, ending in `# EOF`. */
  text(): Promise<string>;
  /** The same state as values, for the bridge to OTLP. */
  exposed(): Promise<readonly ExposedMetric[]>;
  /** Every method that tells a metric @throws MetricMisuse for what names.ts does not have. */
  count(metric: string, labels: Labels, by?: number): void;
  /** @see GaugeBoard.replace for what goes and what stays */
  gauges(scope: Labels, samples: readonly GaugeSample[]): void;
  /** An exemplar whose ids are not those of a trace is left out. */
  observe(metric: string, labels: Labels, value: number, exemplar?: { readonly traceId: string; readonly spanId: string }): void;
  /** Makes the sources known: their counters exist from now on, at 0 where nothing was counted yet. */
  initialise(sources: readonly string[]): void;
  /** Removes every series of the source; what is told of it afterwards is ignored until it is initialised again. */
  forget(source: string): void;
  /**
   * Sets counters and histograms to what was persisted. Tallies of a source that was not initialised are left alone: it is not in the
   * configuration.
   * @param since when the tallies were begun, milliseconds since the epoch; unknown when not given
   * @returns what could not be taken over because a metric, its labels or its bounds have changed since
   */
  restore(tallies: readonly Tally[], since?: number): readonly Tally[];
}

export interface MetricsOptions {
  readonly clock: Pick<Clock, "now">;
  /** Constant 1 as `restorewatch_build_info`. */
  readonly build: { readonly version: string; readonly node: string };
  /** Process and event-loop metrics of prom-client; on unless told otherwise. */
  readonly process?: boolean;
}

type State =
  | { readonly type: "gauge" }
  | { readonly type: "counter"; readonly series: Counter }
  | { readonly type: "histogram"; readonly series: Histogram };

/** Gauges that end in `_total` are no valid OpenMetrics family beside the one of the same name; each is the sum of that one. */
const MISNAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

export function createMetrics({ clock, build, process: withProcess = true }: MetricsOptions): Metrics {
  const registry: Registry<OpenMetricsContentType> = new Registry();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const createdAt = clock.now();
  const board = gaugeBoard();
  const buildInfo: GaugeSample = { metric: "restorewatch_build_info", labels: { ...build }, value: 1 };
  const states = new Map<string, State>();
  const known = new Set<string>();
  const forgotten = new Set<string>();

  for (const [name, definition] of Object.entries<MetricDefinition>(METRICS)) {
    const state = stateOf(name, definition);
    states.set(name, state);
    register(registry, name, definition, () => (state.type === "gauge" ? gaugeValues(name) : exposedSeries(name, state)));
  }
  if (withProcess) {
    collectDefaultMetrics({ register: registry });
    for (const name of MISNAMED) registry.removeSingleMetric(name);
  }
  zero([]);

  return {
    contentType: registry.contentType,
    createdAt,
    text: () => registry.metrics(),
    exposed: async () => (await registry.getMetricsAsJSON()) as unknown as ExposedMetric[],
    count(metric, labels, by = 1) {
      const definition = requireMetric(metric, "counter", labels);
      const state = states.get(metric);
      if (state?.type === "counter" && !isForgotten(labels)) state.series.add(ordered(definition, labels), by, clock.now());
    },
    gauges(scope, samples) {
      requireSamples(scope, samples);
      board.replace(
        scope,
        samples.filter((sample) => !isForgotten(sample.labels)),
      );
    },
    observe(metric, labels, value, exemplar) {
      const definition = requireMetric(metric, "histogram", labels);
      const state = states.get(metric);
      if (state?.type !== "histogram" || isForgotten(labels)) return;
      const now = clock.now();
      state.series.observe(ordered(definition, labels), value, exemplar === undefined ? null : exemplarOf(exemplar, value, now), now);
    },
    initialise(sources) {
      for (const source of sources) {
        known.add(source);
        forgotten.delete(source);
      }
      zero(sources);
    },
    forget(source) {
      known.delete(source);
      forgotten.add(source);
      board.replace({ source }, []);
      for (const state of states.values()) if (state.type !== "gauge") state.series.forget(source);
    },
    restore: (tallies, since = 0) => tallies.filter((tally) => !restoreOne(tally, since)),
  };

  function gaugeValues(name: string): ExposedValue[] {
    const samples = name === buildInfo.metric ? [buildInfo] : board.of(name);
    const definition = definitionOf(name);
    return samples.map(({ labels, value }) => ({ labels: definition === null ? labels : ordered(definition, labels), value }));
  }

  function isForgotten(labels: Labels): boolean {
    return labels["source"] !== undefined && forgotten.has(labels["source"]);
  }

  function zero(sources: readonly string[]): void {
    for (const [name, definition] of Object.entries<MetricDefinition>(METRICS)) {
      const state = states.get(name);
      if (state?.type !== "counter") continue;
      const values = definition.labels.map((label) => (label === "source" ? sources : (definition.known?.[label] ?? [])));
      for (const combination of combinations(values)) {
        state.series.add(Object.fromEntries(definition.labels.map((label, index) => [label, combination[index] ?? ""])), 0, clock.now());
      }
    }
  }

  /** @returns true when nothing is lost by what was done: restored, or of a source that is not ours */
  function restoreOne(tally: Tally, since: number): boolean {
    const source = tally.labels["source"];
    if (source !== undefined && !known.has(source)) return true;
    const state = states.get(tally.metric);
    const definition = definitionOf(tally.metric);
    if (state === undefined || state.type === "gauge" || definition === null) return false;
    const given = Object.keys(tally.labels);
    if (given.length !== definition.labels.length || !definition.labels.every((label) => given.includes(label))) return false;
    const own = { ...tally, labels: ordered(definition, tally.labels) };
    if (state.type === "histogram") return state.series.restore(own, since);
    state.series.restore(own, since);
    return true;
  }
}

function stateOf(name: string, definition: MetricDefinition): State {
  if (definition.type === "counter") return { type: "counter", series: createCounter(name) };
  if (definition.type === "histogram") return { type: "histogram", series: createHistogram(name, definition.buckets ?? []) };
  return { type: "gauge" };
}

/** A registry reads no more of a metric than its name, its type and `get()`; prom-client's types ask for one of its own classes. */
function register(
  registry: Registry<OpenMetricsContentType>,
  name: string,
  definition: MetricDefinition,
  values: () => ExposedValue[],
): void {
  const { type, help } = definition;
  // In OpenMetrics the family of a counter has no suffix; the registry adds it to each line.
  const family = type === "counter" ? name.replace(/_total$/, "") : name;
  const metric = { name: family, help, type, get: () => ({ name: family, help, type, values: values() }) };
  registry.registerMetric(metric as unknown as Metric);
}

function exposedSeries(name: string, state: Exclude<State, { type: "gauge" }>): ExposedValue[] {
  if (state.type === "counter") return [...state.series.all()].map(({ labels, value, startedAt }) => ({ labels, value, startedAt }));
  return [...state.series.all()].flatMap((series) => histogramValues(name, state.series.bounds, series));
}

function histogramValues(name: string, bounds: readonly number[], series: HistogramSeries): ExposedValue[] {
  const { labels, startedAt } = series;
  let cumulative = 0;
  const buckets = series.counts.map((count, index) => {
    cumulative += count;
    const exemplar = series.exemplars[index] ?? null;
    const bound = bounds[index];
    return {
      metricName: `${name}_bucket`,
      labels: { ...labels, le: bound === undefined ? "+Inf" : canonical(bound) },
      value: cumulative,
      startedAt,
      ...(exemplar === null ? {} : { exemplar: exposedExemplar(exemplar) }),
    };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: series.sum, startedAt },
    { metricName: `${name}_count`, labels, value: cumulative, startedAt },
  ];
}

function exposedExemplar(exemplar: Exemplar): NonNullable<ExposedValue["exemplar"]> {
  return { labelSet: { trace_id: exemplar.traceId, span_id: exemplar.spanId }, value: exemplar.value, timestamp: exemplar.at / 1000 };
}

/** OpenMetrics wants one way to write a bound, and Prometheus 3 stores it so: `1.0`, not `1`. */
function canonical(bound: number): string {
  return Number.isInteger(bound) ? bound.toFixed(1) : String(bound);
}

function exemplarOf(
  { traceId, spanId }: { readonly traceId: string; readonly spanId: string },
  value: number,
  at: number,
): Exemplar | null {
  const valid = /^(?!0+$)[0-9a-f]{32}$/.test(traceId) && /^(?!0+$)[0-9a-f]{16}$/.test(spanId);
  return valid ? { traceId, spanId, value, at } : null;
}

/** Labels in the order of names.ts, so that a series reads the same however it came about. */
function ordered(definition: MetricDefinition, labels: Labels): Labels {
  return Object.fromEntries(definition.labels.map((label) => [label, labels[label] ?? ""]));
}

/** Every way to take one value of each list; none when a list is empty, one empty way when there are no lists. */
function combinations(lists: readonly (readonly string[])[]): string[][] {
  return lists.reduce<string[][]>((ways, list) => ways.flatMap((way) => list.map((value) => [...way, value])), [[]]);
}
