import { describe, expect, test } from "vitest";
import type { Tally } from "../../../agent/core/ports.ts";
import { createMetrics, type Metrics } from "../../../agent/telemetry/metrics.ts";
import { METRICS, type MetricDefinition } from "../../../agent/telemetry/names.ts";
import { metricsTable } from "../../../agent/telemetry/table.ts";
import { tallyOf } from "../../../agent/telemetry/tally.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { labelText, type OpenMetricsSample, parseOpenMetrics } from "../../doubles/openmetrics.ts";

function fresh(): Metrics {
  return createMetrics({ clock: fakeClock(), build: { version: "1.0.0", node: "v24" }, process: false });
}

async function samples(metrics: Metrics, family: string): Promise<readonly OpenMetricsSample[]> {
  return parseOpenMetrics(await metrics.text()).get(family)?.samples ?? [];
}

async function valueOf(metrics: Metrics, name: string, labels: Readonly<Record<string, string>>): Promise<number | undefined> {
  const family = name.replace(/_(total|bucket|sum|count)$/, "");
  const found = await samples(metrics, family);
  return found.find((one) => one.name === name && labelText(one.labels) === labelText(labels))?.value;
}

describe("counters", () => {
  test("those of the agent exist at 0 from the start, those of a source from when it is known", async () => {
    const metrics = fresh();
    expect((await samples(metrics, "restorewatch_telemetry_dropped")).map(({ labels, value }) => [labels["signal"], value])).toEqual([
      ["traces", 0],
      ["metrics", 0],
      ["logs", 0],
    ]);
    expect(await samples(metrics, "restorewatch_evidence_entries")).toHaveLength(1);
    expect(await samples(metrics, "restore_drills")).toEqual([]);
    metrics.initialise(["crm", "erp"]);
    const drills = await samples(metrics, "restore_drills");
    expect(drills).toHaveLength(2 * 3 * 3);
    expect(drills.every(({ value }) => value === 0)).toBe(true);
    expect(await samples(metrics, "backup_runs")).toHaveLength(2 * 4);
  });

  test("a source that is made known again keeps what was counted", async () => {
    const metrics = fresh();
    metrics.initialise(["crm"]);
    metrics.count("backup_runs_total", { source: "crm", outcome: "failure" }, 4);
    metrics.initialise(["crm", "erp"]);
    expect(await valueOf(metrics, "backup_runs_total", { source: "crm", outcome: "failure" })).toBe(4);
  });

  test("never go down", () => {
    expect(() => fresh().count("restorewatch_evidence_entries_total", {}, -1)).toThrow("cannot go down");
  });

  test("the same series whatever the order of its labels", async () => {
    const metrics = fresh();
    metrics.count("backup_runs_total", { source: "crm", outcome: "failure" });
    metrics.count("backup_runs_total", { outcome: "failure", source: "crm" });
    expect(await samples(metrics, "backup_runs")).toHaveLength(1);
  });
});

describe("a source that left the configuration", () => {
  test("loses every series, and a drill of it that ends late brings none back", async () => {
    const metrics = fresh();
    metrics.initialise(["crm", "erp"]);
    const tell = (): void => {
      metrics.gauges({ source: "crm" }, [{ metric: "backup_size_bytes", labels: { source: "crm" }, value: 1 }]);
      metrics.count("backup_runs_total", { source: "crm", outcome: "success" });
      metrics.observe("restore_drill_duration_seconds", { source: "crm", drill_kind: "sample" }, 1);
    };
    tell();
    metrics.forget("crm");
    tell();
    const text = await metrics.text();
    expect(text).not.toContain('source="crm"');
    expect(text).toContain('source="erp"');
    metrics.initialise(["crm"]);
    tell();
    expect(await valueOf(metrics, "backup_runs_total", { source: "crm", outcome: "success" })).toBe(1);
  });
});

describe("restore", () => {
  const labels = { source: "crm", drill_kind: "sample" };

  test("what adds up in the state gives the exposition of an agent that never stopped", async () => {
    const observations = [0.01, 0.05, 3, 59, 60, 61, 100_000];
    const through = fresh();
    const after = fresh();
    for (const metrics of [through, after]) metrics.initialise(["crm"]);
    for (const value of observations) through.observe("restore_drill_duration_seconds", labels, value);
    const stored = observations
      .slice(0, 4)
      .map((value) => tallyOf("restore_drill_duration_seconds", labels, value))
      .reduce(add);
    expect(after.restore([stored])).toEqual([]);
    for (const value of observations.slice(4)) after.observe("restore_drill_duration_seconds", labels, value);
    expect(await after.text()).toBe(await through.text());
    expect(await valueOf(after, "restore_drill_duration_seconds_bucket", { ...labels, le: "60.0" })).toBe(5);
  });

  test("a counter is set, not added to", async () => {
    const metrics = fresh();
    metrics.initialise(["crm"]);
    const run = { source: "crm", outcome: "success" };
    metrics.count("backup_runs_total", run, 2);
    metrics.restore([add(tallyOf("backup_runs_total", run, 5), tallyOf("backup_runs_total", run, 6))]);
    expect(await valueOf(metrics, "backup_runs_total", run)).toBe(11);
  });

  test("what is no longer what it was is handed back; a source that is not configured is left alone", async () => {
    const metrics = fresh();
    metrics.initialise(["crm"]);
    const gone: Tally = { metric: "backup_was_total", labels: {}, count: 1, sum: 1, buckets: [] };
    const relabelled: Tally = { metric: "backup_runs_total", labels: { source: "crm" }, count: 1, sum: 1, buckets: [] };
    const rebucketed: Tally = { metric: "restore_drill_duration_seconds", labels, count: 2, sum: 1, buckets: [1, 2] };
    const falling: Tally = { ...tallyOf("restore_drill_duration_seconds", labels, 1), count: 0 };
    const gauge: Tally = { metric: "backup_size_bytes", labels: { source: "crm" }, count: 1, sum: 1, buckets: [] };
    const other = tallyOf("backup_runs_total", { source: "erp", outcome: "success" }, 3);
    expect(metrics.restore([gone, relabelled, rebucketed, falling, gauge, other])).toEqual([gone, relabelled, rebucketed, falling, gauge]);
    expect(await metrics.text()).not.toContain('source="erp"');
    expect(await samples(metrics, "restore_drill_duration_seconds")).toEqual([]);
  });
});

describe("exemplars", () => {
  test("sit in the bucket of their observation; ids that are none are left out", async () => {
    const metrics = fresh();
    const labels = { platform: "grist", phase: "load" };
    const ids = { traceId: "ab".repeat(16), spanId: "cd".repeat(8) };
    metrics.observe("restore_phase_duration_seconds", labels, 0.2, ids);
    metrics.observe("restore_phase_duration_seconds", labels, 0.21, { traceId: "", spanId: "" });
    metrics.observe("restore_phase_duration_seconds", labels, 90_000, { ...ids, spanId: "0".repeat(16) });
    const withOne = (await samples(metrics, "restore_phase_duration_seconds")).filter(({ exemplar }) => exemplar !== null);
    expect(withOne).toEqual([
      {
        name: "restore_phase_duration_seconds_bucket",
        labels: { ...labels, le: "0.25" },
        value: 2,
        exemplar: { labels: { trace_id: ids.traceId, span_id: ids.spanId }, value: 0.2, timestamp: Date.UTC(2026, 0, 15, 12) / 1000 },
      },
    ]);
  });
});

describe("the exposition", () => {
  test("is OpenMetrics by its content type, and the same at every reading", async () => {
    const metrics = fresh();
    metrics.initialise(["crm"]);
    expect(metrics.contentType).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    const first = await metrics.text();
    await metrics.exposed();
    expect(await metrics.text()).toBe(first);
  });

  test("has no series for what nobody told", async () => {
    const told = [...parseOpenMetrics(await fresh().text()).values()].filter(
      (family) => family.type === "gauge" && family.samples.length > 0,
    );
    expect(told.map(({ name, samples: own }) => [name, own[0]?.labels])).toEqual([
      ["restorewatch_build_info", { version: "1.0.0", node: "v24" }],
    ]);
  });

  test("two agents in one process share nothing", async () => {
    const [one, two] = [fresh(), fresh()];
    one.count("restorewatch_evidence_entries_total", {}, 3);
    expect(await valueOf(one, "restorewatch_evidence_entries_total", {})).toBe(3);
    expect(await valueOf(two, "restorewatch_evidence_entries_total", {})).toBe(0);
  });
});

describe("names", () => {
  const definitions = Object.entries<MetricDefinition>(METRICS);

  test("counters end in _total and nothing else does; units of seconds and bytes are in the name", () => {
    for (const [name, { type, unit, buckets, help }] of definitions) {
      expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
      expect([name, unit === "s"]).toEqual([name, /_seconds(_total)?$/.test(name)]);
      expect([name, unit === "By"]).toEqual([name, name.includes("_bytes")]);
      expect([name, (buckets ?? []).length > 0]).toEqual([name, type === "histogram"]);
      expect(buckets ?? []).toEqual([...(buckets ?? [])].sort((a, b) => a - b));
      expect(help).toMatch(/^[A-Z1].*\.$/);
    }
  });

  test("the table has a row for each", () => {
    const rows = metricsTable().split("\n");
    expect(rows).toHaveLength(definitions.length + 2);
    expect(new Set(rows.map((row) => row.split(/(?<!\\)\|/).length))).toEqual(new Set([7]));
    expect(rows).toContain("| `backup_runs_total` | counter | {run} | `source` `outcome` | Reported backup runs by outcome. |");
  });
});

/** As the state adds up what it is given. */
function add(a: Tally, b: Tally): Tally {
  const buckets = a.buckets.map((count, index) => count + (b.buckets[index] ?? 0));
  return { ...a, count: a.count + b.count, sum: a.sum + b.sum, buckets };
}
