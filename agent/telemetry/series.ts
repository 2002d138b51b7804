/** Counters and histograms that can be set to what was persisted; prom-client's own can only be added to. */
import type { Tally } from "../core/ports.ts";
import { labelKey, type Labels, MetricMisuse, requireNumber } from "./labels.ts";

export interface Exemplar {
  readonly traceId: string;
  readonly spanId: string;
  readonly value: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface CounterSeries {
  readonly labels: Labels;
  value: number;
  /** When it was 0, milliseconds since the epoch; 0 where that is not known. */
  startedAt: number;
}

export interface HistogramSeries {
  readonly labels: Labels;
  /** Observations by bucket, not cumulative; the last is above every bound. */
  readonly counts: number[];
  /** Newest by bucket. */
  readonly exemplars: (Exemplar | null)[];
  sum: number;
  startedAt: number;
}

interface Series<S> {
  of(labels: Labels, create: (labels: Labels) => S): S;
  all(): Iterable<S>;
  forget(source: string): void;
}

function seriesByLabels<S extends { readonly labels: Labels }>(): Series<S> {
  const known = new Map<string, S>();
  return {
    of(labels, create) {
      const key = labelKey(labels);
      const series = known.get(key) ?? create({ ...labels });
      known.set(key, series);
      return series;
    },
    all: () => known.values(),
    forget(source) {
      for (const [key, series] of known) if (series.labels["source"] === source) known.delete(key);
    },
  };
}

export interface Counter {
  /** @throws MetricMisuse when `by` is negative or not finite */
  add(labels: Labels, by: number, now: number): void;
  /** Sets the series to what was persisted. */
  restore(tally: Tally, startedAt: number): void;
  all(): Iterable<CounterSeries>;
  /** Removes every series of the source. */
  forget(source: string): void;
}

export function createCounter(metric: string): Counter {
  const series = seriesByLabels<CounterSeries>();
  return {
    add(labels, by, now) {
      requireNumber(metric, by);
      if (by < 0) throw new MetricMisuse(`${metric} is a counter and cannot go down`);
      series.of(labels, (own) => ({ labels: own, value: 0, startedAt: now })).value += by;
    },
    restore(tally, startedAt) {
      const restored = series.of(tally.labels, (own) => ({ labels: own, value: 0, startedAt }));
      restored.value = tally.count;
      restored.startedAt = startedAt;
    },
    all: () => series.all(),
    forget: (source) => series.forget(source),
  };
}

export interface Histogram {
  readonly bounds: readonly number[];
  /** @throws MetricMisuse when `value` is not finite */
  observe(labels: Labels, value: number, exemplar: Exemplar | null, now: number): void;
  /** @returns false, and nothing is changed, when the tally was recorded over other bounds */
  restore(tally: Tally, startedAt: number): boolean;
  all(): Iterable<HistogramSeries>;
  forget(source: string): void;
}

export function createHistogram(metric: string, bounds: readonly number[]): Histogram {
  const series = seriesByLabels<HistogramSeries>();
  const buckets = bounds.length + 1;
  const empty =
    (startedAt: number) =>
    (labels: Labels): HistogramSeries => ({
      labels,
      counts: Array<number>(buckets).fill(0),
      exemplars: Array<Exemplar | null>(buckets).fill(null),
      sum: 0,
      startedAt,
    });
  return {
    bounds,
    observe(labels, value, exemplar, now) {
      requireNumber(metric, value);
      const own = series.of(labels, empty(now));
      const found = bounds.findIndex((bound) => value <= bound);
      const bucket = found === -1 ? bounds.length : found;
      own.counts[bucket] = (own.counts[bucket] ?? 0) + 1;
      own.sum += value;
      if (exemplar !== null) own.exemplars[bucket] = exemplar;
    },
    restore(tally, startedAt) {
      const cumulative = [...tally.buckets, tally.count];
      const rising = cumulative.every((count, index) => count >= (cumulative[index - 1] ?? 0));
      if (tally.buckets.length !== bounds.length || !rising) return false;
      const own = series.of(tally.labels, empty(startedAt));
      for (const [index, count] of cumulative.entries()) own.counts[index] = count - (cumulative[index - 1] ?? 0);
      own.sum = tally.sum;
      own.startedAt = startedAt;
      return true;
    },
    all: () => series.all(),
    forget: (source) => series.forget(source),
  };
}
