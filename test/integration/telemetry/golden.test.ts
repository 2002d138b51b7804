/** One run, told once, read twice: by a scrape and by an OTLP receiver. Both must tell the same. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GaugeSample } from "../../../agent/core/ports.ts";
import { seededRandom } from "../../../agent/kit/random.ts";
import { createTelemetry } from "../../../agent/telemetry/instrument.ts";
import { ATTRIBUTES, METRICS, type MetricDefinition, SPANS } from "../../../agent/telemetry/names.ts";
import { tallyOf } from "../../../agent/telemetry/tally.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { labelText, type OpenMetricsFamily, parseOpenMetrics } from "../../doubles/openmetrics.ts";
import {
  logsOf,
  metricsOf,
  msOf,
  type OtlpLog,
  type OtlpMetric,
  type OtlpSpan,
  resourceAttributes,
  spansOf,
} from "../../doubles/otlp-reading.ts";
import { otlpReceiver } from "../../doubles/otlp-receiver.ts";
import { escapedName, plainName } from "./prometheus-names.ts";

const SOURCES = ["crm", "workshop ü"];
/** A value for every label there is; the awkward ones are what a person could write in a configuration. */
const LABELS: Readonly<Record<string, readonly string[]>> = {
  source: SOURCES,
  platform: ["grist", "node-red"],
  vault: ['back"ups\\here'],
  owner: ["line\nbreak"],
  domain: ["sales"],
  tier: ["critical"],
  kind: ["records", "rule"],
  signal: ["bytes", "gap"],
  check: ["links.resolve"],
  layer: ["artifact", "content"],
  status: ["pass", "fail"],
  drill_kind: ["sample"],
  state: ["due", "running"],
  hash: ["0f0f"],
  outcome: ["success", "failure"],
  verdict: ["verified", "failed"],
  phase: ["open", "load"],
};
const definitions = Object.entries<MetricDefinition>(METRICS);
const START = Date.UTC(2026, 0, 15, 12);
const SINCE = Date.UTC(2025, 11, 1);

interface Golden {
  readonly scrape: ReadonlyMap<string, OpenMetricsFamily>;
  readonly otlp: readonly OtlpMetric[];
  readonly spans: readonly OtlpSpan[];
  readonly logs: readonly OtlpLog[];
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  readonly told: ReadonlyMap<string, number>;
  readonly resources: readonly Readonly<Record<string, unknown>>[];
  readonly headers: readonly (string | string[] | undefined)[];
}

let golden: Golden;
let close = async (): Promise<void> => undefined;

beforeAll(async () => {
  const receiver = await otlpReceiver();
  close = () => receiver.close();
  const clock = fakeClock(START);
  const written: string[] = [];
  const agent = createTelemetry({
    service: { name: "restorewatch", version: "1.2.3", instanceId: "agent-7", environment: "production" },
    clock,
    random: seededRandom(3),
    log: { level: "info", write: (line) => written.push(line) },
    strict: true,
  });
  const { telemetry, metrics } = agent;
  const told = new Map<string, number>();
  const tell = (name: string, labels: Readonly<Record<string, string>>, value: number): void => {
    told.set(seriesKey(name, labels), (told.get(seriesKey(name, labels)) ?? 0) + value);
  };

  metrics.initialise(SOURCES);
  const before = { source: "crm", drill_kind: "sample", verdict: "verified" };
  const durations = { source: "crm", drill_kind: "sample" };
  metrics.restore([tallyOf("restore_drills_total", before, 41), tallyOf("restore_drill_duration_seconds", durations, 7)], SINCE);
  tell("restore_drills_total", before, 41);
  await agent.start({
    endpoint: receiver.endpoint,
    headers: { "x-scope": { reveal: async () => "tenant-secret-1" } },
    intervalMs: 3_600_000,
  });

  // A poll, then the drill it leads to, with spans told by the drill's child.
  const poll = await telemetry.span(
    SPANS.poll,
    { [ATTRIBUTES.source]: "crm", [ATTRIBUTES.platform]: "grist" },
    async (span) => {
      await telemetry.span(SPANS.list, { [ATTRIBUTES.peerName]: "vault" }, () => clock.advance(20), { kind: "client" });
      span.set({ [ATTRIBUTES.points]: 12 });
      telemetry.log("info", "poll finished", { [ATTRIBUTES.source]: "crm", points: 12 });
      return span;
    },
    { root: true },
  );
  await telemetry.span(
    SPANS.drill,
    { [ATTRIBUTES.drillId]: "d1", [ATTRIBUTES.drillKind]: "sample" },
    async (drill) => {
      const at = clock.now();
      await clock.advance(1500);
      const load = drill.start(SPANS.phase("load"), { [ATTRIBUTES.items]: 5302 }, { at: at + 10.25 });
      load.end(at + 900.5);
      const checks = drill.start(SPANS.phase("checks"), {}, { at: at + 901 });
      const links = checks.start(SPANS.check, { [ATTRIBUTES.checkId]: "links.resolve" }, { at: at + 902 });
      links.fail("check-failed", "3 dangling references");
      links.end(at + 950);
      checks.end(at + 951);
      drill.fail("verification-failed", "3 dangling references in City.Country");
      for (const [name, { type, labels }] of definitions) {
        if (type !== "histogram") continue;
        for (const [index, set] of labelSets(labels).entries()) telemetry.observe(name, set, 0.3 + index * 100, drill);
      }
      telemetry.log("warn", "drill finished", { [ATTRIBUTES.verdict]: "failed", level: "content" });
    },
    { root: true, links: [poll] },
  );
  for (const [index, [name, { type, labels }]] of definitions.entries()) {
    if (type !== "counter") continue;
    for (const set of labelSets(labels)) {
      telemetry.count(name, set, index + 1);
      tell(name, set, index + 1);
    }
  }
  const gauges = definitions.flatMap(([name, { type, labels }], index): GaugeSample[] =>
    type === "gauge" && name !== "restorewatch_build_info"
      ? labelSets(labels).map((set, nth) => ({ metric: name, labels: set, value: 1_768_478_400.125 + index * 100 + nth }))
      : [],
  );
  for (const { metric, labels, value } of gauges) tell(metric, labels, value);
  for (const source of SOURCES)
    telemetry.gauges(
      { source },
      gauges.filter((sample) => sample.labels["source"] === source),
    );
  telemetry.gauges(
    {},
    gauges.filter((sample) => sample.labels["source"] === undefined),
  );

  const scrape = parseOpenMetrics(await metrics.text());
  await agent.stop();
  const [body] = receiver.bodies("metrics");
  golden = {
    scrape,
    otlp: metricsOf(body),
    spans: spansOf(receiver.bodies("traces")),
    logs: logsOf(receiver.bodies("logs")),
    lines: written.map((line) => JSON.parse(line) as Record<string, unknown>),
    told,
    resources: (["traces", "metrics", "logs"] as const).map((signal) => resourceAttributes(receiver.bodies(signal)[0])),
    headers: receiver.requests.map((request) => request.headers["x-scope"]),
  };
});

afterAll(() => close());

describe("metrics by scrape and by OTLP", () => {
  test("every metric of names.ts is there both ways, with its type and its help", () => {
    const scraped = definitions.map(([name]) => [name, typeOf(golden.scrape.get(family(name)))]);
    const pushed = definitions.map(([name]) => [name, otlpType(golden.otlp.find((metric) => metric.name === family(name)))]);
    const expected = definitions.map(([name, { type }]) => [name, type]);
    expect(scraped).toEqual(expected);
    expect(pushed).toEqual(expected);
    for (const [name, { help }] of definitions) {
      expect(golden.scrape.get(family(name))?.help).toBe(help);
      expect(golden.otlp.find((metric) => metric.name === family(name))?.description).toBe(help);
    }
  });

  test("Prometheus names what is pushed exactly as what it scrapes, in both of its strategies", () => {
    for (const metric of golden.otlp) {
      const type = otlpType(metric);
      if (type === null) throw new Error(`${metric.name} has no type`);
      const scraped = type === "counter" ? `${metric.name}_total` : metric.name;
      expect(golden.scrape.get(metric.name)?.type).toBe(type);
      expect(escapedName(metric.name, metric.unit, type)).toBe(scraped);
      expect(plainName(metric.name, metric.unit, type)).toBe(scraped);
    }
  });

  test("units are told where they are part of the name, and as an annotation where they are not", () => {
    expect(unit("backup_last_success_timestamp_seconds")).toBe("s");
    expect(unit("backup_size_bytes")).toBe("By");
    expect(unit("restore_bytes_read")).toBe("{byte}");
    expect(unit("restore_drills")).toBe("{drill}");
    expect(unit("backup_anomaly_observed")).toBe("");
    expect(unit("process_cpu_seconds")).toBe("s");
  });

  test("the same series with the same values, awkward labels and all", () => {
    const scraped = new Map<string, number>();
    for (const [name] of definitions) {
      for (const sample of golden.scrape.get(family(name))?.samples ?? [])
        scraped.set(seriesKey(sample.name, numeric(sample.labels)), sample.value);
    }
    const pushed = new Map(definitions.flatMap(([name]) => pushedSeries(golden.otlp.find((metric) => metric.name === family(name)))));
    expect(Object.fromEntries(pushed)).toEqual(Object.fromEntries(scraped));
    for (const [key, value] of golden.told) expect([key, scraped.get(key)]).toEqual([key, value]);
    expect(scraped.size).toBeGreaterThan(golden.told.size);
  });

  test("a histogram that was restored goes on from where it was", () => {
    const samples = golden.scrape.get("restore_drill_duration_seconds")?.samples ?? [];
    const value = (name: string, le?: string): number | undefined =>
      samples.find((s) => s.name === name && s.labels["source"] === "crm" && s.labels["le"] === le)?.value;
    expect(value("restore_drill_duration_seconds_count")).toBe(2);
    expect(value("restore_drill_duration_seconds_sum")).toBe(7.3);
    expect(value("restore_drill_duration_seconds_bucket", "0.5")).toBe(1);
    expect(value("restore_drill_duration_seconds_bucket", "5.0")).toBe(1);
    expect(value("restore_drill_duration_seconds_bucket", "10.0")).toBe(2);
  });

  test("sums and histograms say since when they count", () => {
    expect(starts("restore_drills")).toContainEqual(["crm,sample,verified", SINCE]);
    expect(starts("restore_drills")).toContainEqual(["crm,smoke,failed", START]);
    expect(starts("restore_drill_duration_seconds")).toContainEqual(["crm,sample", SINCE]);
    for (const metric of golden.otlp) {
      for (const point of metric.sum?.dataPoints ?? []) expect(msOf(point.startTimeUnixNano)).toBeLessThanOrEqual(msOf(point.timeUnixNano));
    }
  });

  test("exemplars lead to the drill, the same both ways", () => {
    const drill = golden.spans.find((span) => span.name === "restore.drill");
    const scraped = definitions.flatMap(([name]) =>
      (golden.scrape.get(family(name))?.samples ?? []).flatMap(({ exemplar }) => (exemplar === null ? [] : [{ name, ...exemplar }])),
    );
    const pushed = golden.otlp.flatMap((metric) =>
      (metric.histogram?.dataPoints ?? []).flatMap(({ exemplars }) => exemplars.map((exemplar) => ({ name: metric.name, ...exemplar }))),
    );
    expect(scraped.length).toBe(6);
    expect(pushed.map((one) => [one.name, one.asDouble, one.traceId, one.spanId, msOf(one.timeUnixNano)])).toEqual(
      scraped.map((one) => [one.name, one.value, one.labels["trace_id"], one.labels["span_id"], (one.timestamp ?? 0) * 1000]),
    );
    for (const one of scraped) expect(one.labels).toEqual({ trace_id: drill?.traceId, span_id: drill?.spanId });
  });

  test("the process is told too, and nothing that OpenMetrics would misread", () => {
    expect(golden.scrape.get("process_resident_memory_bytes")?.samples[0]?.value).toBeGreaterThan(1e6);
    expect(golden.scrape.get("process_cpu_seconds")?.type).toBe("counter");
    expect([...golden.scrape.values()].filter(({ name }) => name.endsWith("_total"))).toEqual([]);
    // Lag is measured from one reading to the next: between two at the same moment there is none to tell.
    const families = [
      ...golden.otlp.map((metric) => metric.name),
      "nodejs_eventloop_lag_mean_seconds",
      "nodejs_eventloop_lag_stddev_seconds",
    ];
    const told = [...golden.scrape.values()].filter(({ samples }) => samples.some(({ value }) => Number.isFinite(value)));
    expect(told.map(({ name }) => name).filter((name) => !families.includes(name))).toEqual([]);
  });
});

describe("traces and logs", () => {
  test("one trace a poll, one a drill, whole across what the child told, linked", () => {
    const by = (name: string): OtlpSpan => {
      const found = golden.spans.find((span) => span.name === name);
      if (found === undefined) throw new Error(`no span ${name}`);
      return found;
    };
    const [poll, list, drill, load, checks, check] = [
      "backup.poll",
      "vault.list",
      "restore.drill",
      "restore.load",
      "restore.checks",
      "restore.check",
    ].map(by);
    expect(golden.spans).toHaveLength(6);
    expect(list).toMatchObject({ traceId: poll?.traceId, parentSpanId: poll?.spanId, kind: 3 });
    expect(poll).toMatchObject({
      kind: 1,
      attributes: { "backup.source": "crm", "backup.platform": "grist", "backup.recovery_points": 12 },
    });
    expect(poll?.parentSpanId).toBeUndefined();
    expect(drill?.parentSpanId).toBeUndefined();
    expect(drill?.links).toMatchObject([{ traceId: poll?.traceId, spanId: poll?.spanId }]);
    expect(drill?.status).toEqual({ code: 2, message: "3 dangling references in City.Country" });
    expect(drill?.attributes).toMatchObject({ "error.type": "verification-failed", "restore.drill.id": "d1" });
    expect([load, checks].map((span) => span?.parentSpanId)).toEqual([drill?.spanId, drill?.spanId]);
    expect(check).toMatchObject({ parentSpanId: checks?.spanId, traceId: drill?.traceId, status: { code: 2 } });
    expect(msOf(load?.endTimeUnixNano ?? "0") - msOf(load?.startTimeUnixNano ?? "0")).toBe(890.25);
    expect(msOf(drill?.endTimeUnixNano ?? "0") - msOf(drill?.startTimeUnixNano ?? "0")).toBe(1500);
  });

  test("a log line and a log record say the same, and name their span", () => {
    const drill = golden.spans.find((span) => span.name === "restore.drill");
    const poll = golden.spans.find((span) => span.name === "backup.poll");
    expect(golden.lines).toEqual([
      {
        level: "info",
        time: "2026-01-15T12:00:00.020Z",
        trace_id: poll?.traceId,
        span_id: poll?.spanId,
        "backup.source": "crm",
        points: 12,
        msg: "poll finished",
      },
      {
        level: "warn",
        time: "2026-01-15T12:00:01.520Z",
        trace_id: drill?.traceId,
        span_id: drill?.spanId,
        "restore.verdict": "failed",
        "field.level": "content",
        msg: "drill finished",
      },
    ]);
    expect(
      golden.logs.map((log) => [log.severityText, log.severityNumber, log.body.stringValue, log.traceId, log.spanId, log.attributes]),
    ).toEqual([
      ["INFO", 9, "poll finished", poll?.traceId, poll?.spanId, { "backup.source": "crm", points: 12 }],
      ["WARN", 13, "drill finished", drill?.traceId, drill?.spanId, { "restore.verdict": "failed", level: "content" }],
    ]);
    expect(golden.logs.map((log) => msOf(log.timeUnixNano))).toEqual([START + 20, START + 1520]);
  });

  test("all three name the same agent and carry the configured header", () => {
    for (const resource of golden.resources) {
      expect(resource).toEqual({
        "service.name": "restorewatch",
        "service.version": "1.2.3",
        "service.instance.id": "agent-7",
        "deployment.environment.name": "production",
      });
    }
    expect(golden.headers).toEqual(golden.headers.map(() => "tenant-secret-1"));
  });
});

/** The label sets of a metric: the first value of each label, and the second of each where there is one. */
function labelSets(labels: readonly string[]): Record<string, string>[] {
  const set = (nth: number): Record<string, string> =>
    Object.fromEntries(labels.map((label) => [label, LABELS[label]?.[nth] ?? LABELS[label]?.[0] ?? knownValue(label)]));
  const sets = [set(0), set(1)];
  return JSON.stringify(sets[0]) === JSON.stringify(sets[1]) ? [set(0)] : sets;
}

function knownValue(label: string): string {
  const known = definitions.map(([, definition]) => definition.known?.[label]?.[0]).find((value) => value !== undefined);
  return known ?? `some ${label}`;
}

function family(name: string): string {
  return name.replace(/_total$/, "");
}

function typeOf(found: OpenMetricsFamily | undefined): string | null {
  return found === undefined || found.samples.length === 0 ? null : found.type;
}

function otlpType(metric: OtlpMetric | undefined): "gauge" | "counter" | "histogram" | null {
  if (metric?.sum !== undefined) return "counter";
  if (metric?.histogram !== undefined) return "histogram";
  return metric?.gauge === undefined ? null : "gauge";
}

function seriesKey(name: string, labels: Readonly<Record<string, unknown>>): string {
  return name + labelText(labels);
}

/** A bound is a number, however it is written. */
function numeric(labels: Readonly<Record<string, string>>): Record<string, string> {
  return labels["le"] === undefined ? { ...labels } : { ...labels, le: labels["le"] === "+Inf" ? "+Inf" : String(Number(labels["le"])) };
}

/** The series Prometheus makes of a pushed metric. */
function pushedSeries(metric: OtlpMetric | undefined): [string, number][] {
  if (metric === undefined) return [];
  const plain = [...(metric.gauge?.dataPoints ?? []), ...(metric.sum?.dataPoints ?? [])].map((point): [string, number] => [
    seriesKey(metric.sum === undefined ? metric.name : `${metric.name}_total`, point.attributes),
    point.asDouble,
  ]);
  const buckets = (metric.histogram?.dataPoints ?? []).flatMap((point) => {
    let cumulative = 0;
    const lines = point.bucketCounts.map((count, index): [string, number] => {
      cumulative += count;
      const bound = point.explicitBounds[index];
      return [seriesKey(`${metric.name}_bucket`, { ...point.attributes, le: bound === undefined ? "+Inf" : String(bound) }), cumulative];
    });
    const rest: [string, number][] = [
      [seriesKey(`${metric.name}_sum`, point.attributes), point.sum],
      [seriesKey(`${metric.name}_count`, point.attributes), point.count],
    ];
    return [...lines, ...rest];
  });
  return [...plain, ...buckets];
}

function unit(name: string): string | undefined {
  return golden.otlp.find((metric) => metric.name === name)?.unit;
}

/** Label values and start of each point of a sum or histogram. */
function starts(name: string): (readonly [string, number])[] {
  const metric = golden.otlp.find((one) => one.name === name);
  const points = metric?.sum?.dataPoints ?? metric?.histogram?.dataPoints ?? [];
  return points.map((point) => [Object.values(point.attributes).join(), msOf(point.startTimeUnixNano)] as const);
}
