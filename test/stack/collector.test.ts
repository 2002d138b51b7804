/** The shipped collector configurations in the real collector, with real data through every pipeline, and what an outage costs. */
import { execFile } from "node:child_process";
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COLLECTOR_SERIES } from "../../rules/own-alerts.ts";
import { type OtlpReceiver, otlpReceiver } from "../doubles/otlp-receiver.ts";
import { startAgentProcess, until } from "../integration/agent/running.ts";
import { ROOT } from "../meta/sources.ts";
import { type AirtableShop, startShop } from "../platforms/airtable/shop.ts";
import { askOfShop, configureShop } from "../platforms/airtable/watched.ts";
import { type CollectorPorts, collectorPorts, installCollector, type RunningCollector, startCollector } from "../servers/collector.ts";
import { freePort } from "../servers/process.ts";
import { type RunningPrometheus, startPrometheus } from "../servers/prometheus.ts";
import { COLLECTOR_CONFIG, FOR_TESTS, overlay, prometheusConfig, SOON } from "./configs.ts";
import { batchOf, logsIn, requestsOf, spansIn } from "./otlp.ts";

let home = "";
let tempo: OtlpReceiver;
let loki: OtlpReceiver;
let prometheus: RunningPrometheus;
let collector: RunningCollector;
let ports: CollectorPorts;
let prometheusPort = 0;

const startStore = (): Promise<RunningPrometheus> =>
  startPrometheus({
    home: join(home, "prometheus"),
    port: prometheusPort,
    config: prometheusConfig({
      hosts: {
        "alertmanager:9093": "127.0.0.1:9",
        "agent:9464": "127.0.0.1:9",
        "collector:8888": `127.0.0.1:${ports.metrics}`,
      },
      intervals: { scrape: "1s", evaluation: "1s" },
    }),
  });
const startMiddle = (): Promise<RunningCollector> =>
  startCollector({
    configs: [COLLECTOR_CONFIG, join(home, "tests.yaml")],
    home: join(home, "collector"),
    ports,
    env: {
      ...SOON,
      TEMPO_ENDPOINT: tempo.endpoint,
      LOKI_ENDPOINT: loki.endpoint,
      PROMETHEUS_ENDPOINT: `http://127.0.0.1:${prometheusPort}`,
    },
  });

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "rw-collector-"));
  await writeFile(join(home, "tests.yaml"), FOR_TESTS);
  [tempo, loki, ports, prometheusPort] = [await otlpReceiver(), await otlpReceiver(), await collectorPorts(), await freePort()];
  prometheus = await startStore();
  collector = await startMiddle();
});
afterAll(async () => {
  await Promise.all([collector?.stop(), prometheus?.stop(), tempo?.close(), loki?.close()]);
  await rm(home, { recursive: true, force: true });
});

describe("the real collector takes", () => {
  const COLLECTOR = [COLLECTOR_CONFIG];
  const all: readonly (readonly [string, readonly string[], Readonly<Record<string, string>>])[] = [
    ["collector.yaml", COLLECTOR, {}],
    ["Prometheus alone", [...COLLECTOR, overlay("prometheus-only")], {}],
    ["Prometheus and Loki", [...COLLECTOR, overlay("prometheus-only"), overlay("loki")], {}],
    ["a vendor", [...COLLECTOR, overlay("vendor-otlp")], { VENDOR_ENDPOINT: "https://otlp.example.org", VENDOR_AUTHORIZATION: "Basic x" }],
    ["the small one beside an agent", [join(ROOT, "collector-config/agent.yaml")], { GATEWAY_ENDPOINT: "https://otlp.example.org" }],
  ];
  const validate = async (configs: readonly string[], env: Readonly<Record<string, string>>) =>
    promisify(execFile)(await installCollector(), ["validate", ...configs.map((path) => `--config=file:${path}`)], {
      env: { ...env, QUEUE_DIR: join(home, "validated") },
    });

  test.each(all)("%s", async (_, configs, env) => {
    await expect(validate(configs, env)).resolves.toBeDefined();
  });

  test("and not what is wrong", async () => {
    await writeFile(join(home, "wrong.yaml"), "service: { pipelines: { traces: { exporters: [otlp_http/nowhere] } } }");
    await expect(validate([COLLECTOR_CONFIG, join(home, "wrong.yaml")], {})).rejects.toThrow("otlp_http/nowhere");
  });
});

describe("an agent that watches a live product, through the collector", () => {
  let shop: AirtableShop;
  let shopHome = "";
  beforeAll(async () => {
    shopHome = await mkdtemp(join(tmpdir(), "rw-collector-shop-"));
    shop = await startShop();
    await configureShop(shopHome, shop);
    await appendFile(join(shopHome, "restorewatch.yaml"), `telemetry: { otlp: { endpoint: "${collector.endpoint}" } }\n`);
    await askOfShop(shopHome, "capture");
    const agent = await startAgentProcess(shopHome);
    try {
      await until(
        () => Promise.resolve(spansIn(tempo.bodies("traces"))),
        (spans) => spans.some(({ name }) => name === "restore.drill"),
        120_000,
      );
      await until(
        () => prometheus.query("restore_last_verified_timestamp_seconds"),
        (found) => found.length === 4,
        60_000,
      );
    } finally {
      await agent.stop("SIGTERM");
    }
  });
  afterAll(async () => {
    await shop?.stop();
    await rm(shopHome, { recursive: true, force: true });
  });

  test("its trace arrives whole, and its log lines carry the trace's id", async () => {
    const spans = spansIn(tempo.bodies("traces"));
    const drill = spans.find(({ name }) => name === "restore.drill");
    expect(drill?.attributes).toMatchObject({ "backup.source": "shop", "restore.verdict": "verified" });
    const own = spans.filter(({ traceId }) => traceId === drill?.traceId).map(({ name }) => name);
    for (const phase of ["open", "parse", "load", "checks", "readback", "compare", "dispose"]) expect(own).toContain(`restore.${phase}`);
    await until(
      () => Promise.resolve(logsIn(loki.bodies("logs"))),
      (logs) => logs.some(({ traceId }) => traceId === drill?.traceId),
    );
  });

  test("its metrics arrive under the names that rules and dashboards ask for, and lead to the trace", async () => {
    const [info] = await prometheus.query("backup_source_info");
    expect(info?.labels).toMatchObject({ source: "shop", platform: "airtable", owner: "sales", job: "restorewatch" });
    const ids = await until(
      () => prometheus.exemplars("restore_drill_duration_seconds_bucket"),
      (found) => found.length > 0,
    );
    expect(spansIn(tempo.bodies("traces")).map(({ traceId }) => traceId)).toContain(ids[0]);
  });

  test("spans become metrics, and edges to platform, vault and sandbox", async () => {
    const calls = await until(
      () => prometheus.query('traces_span_metrics_calls_total{span_name="restore.drill"}'),
      (found) => found.length > 0,
      60_000,
    );
    expect(calls[0]?.labels).toMatchObject({ service_name: "restorewatch" });
    const edges = await until(
      () => prometheus.query("sum by (client, server) (traces_service_graph_request_total)"),
      (found) => found.length >= 3,
      120_000,
    );
    expect(edges.map(({ labels }) => `${labels["client"]} → ${labels["server"]}`).sort()).toEqual([
      "restorewatch → airtable",
      "restorewatch → sandbox",
      "restorewatch → vault:nightly",
    ]);
    expect(await prometheus.query("traces_service_graph_request_server_seconds_bucket")).not.toEqual([]);
  });

  test("the collector's own metrics are those that dashboards and rules ask for", async () => {
    const found = (await (await fetch(collector.metricsUrl)).text()).split("\n");
    for (const name of [
      "otelcol_exporter_queue_size",
      "otelcol_exporter_queue_capacity",
      ...["spans", "metric_points", "log_records"].flatMap((kind) => [`otelcol_receiver_accepted_${kind}_total`]),
    ])
      expect([name, found.some((line) => line.startsWith(`${name}{`))]).toEqual([name, true]);
  });
});

test("ten minutes of traffic while every backend is away and the collector is killed: what was acknowledged arrives", async () => {
  const [count, size] = [120, 50];
  const from = Math.floor(Date.now() / 1000) - 600;
  const acknowledged = { spans: new Set<string>(), logs: new Set<string>(), points: 0 };
  const send = async (index: number): Promise<void> => {
    const at = from + index * 5;
    const batch = batchOf(index, size, at);
    const taken = await Promise.all(
      requestsOf(batch, at, "outage").map(async ([path, body]) => {
        const answer = await fetch(collector.endpoint + path, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        }).catch(() => null);
        return answer?.ok === true;
      }),
    );
    if (taken[0] === true) for (const id of batch.spans) acknowledged.spans.add(id);
    if (taken[1] === true) for (const id of batch.logs) acknowledged.logs.add(id);
    if (taken[2] === true) acknowledged.points += batch.points.length;
  };
  tempo.mood({ kind: "status", status: 503 });
  loki.mood({ kind: "status", status: 503 });
  await prometheus.stop();
  for (let index = 0; index < count / 2; index += 1) await send(index);
  // In the middle of what is on its way.
  const last = send(count / 2);
  await collector.stop("SIGKILL");
  await last;
  collector = await startMiddle();
  for (let index = count / 2 + 1; index < count; index += 1) await send(index);
  expect(acknowledged.spans.size).toBeGreaterThanOrEqual((count - 1) * size);
  tempo.mood({ kind: "ok" });
  loki.mood({ kind: "ok" });
  prometheus = await startStore();

  const missing = (wanted: ReadonlySet<string>, there: readonly string[]): number => wanted.difference(new Set(there)).size;
  await until(
    () =>
      Promise.resolve(
        missing(
          acknowledged.spans,
          spansIn(tempo.bodies("traces")).map(({ spanId }) => spanId),
        ),
      ),
    (left) => left === 0,
    60_000,
  );
  await until(
    () =>
      Promise.resolve(
        missing(
          acknowledged.logs,
          logsIn(loki.bodies("logs")).map(({ text }) => text),
        ),
      ),
    (left) => left === 0,
    60_000,
  );
  await until(
    async () => (await prometheus.query("sum(count_over_time(outage_point[20m]))"))[0]?.points[0]?.[1] ?? 0,
    (points) => points >= acknowledged.points,
    60_000,
  );
  console.log(
    `acknowledged and arrived: ${acknowledged.spans.size} spans, ${acknowledged.logs.size} log lines, ${acknowledged.points} points`,
  );
  // Made from spans, they begin anew and are there again.
  await until(
    () => prometheus.query('traces_span_metrics_calls_total{service_name="outage"}'),
    (found) => found.length > 0,
    60_000,
  );
});

test("what a backend refuses for good is counted under the names that alerts ask for", async () => {
  const at = Math.floor(Date.now() / 1000);
  tempo.mood({ kind: "status", status: 400 });
  loki.mood({ kind: "status", status: 400 });
  try {
    // Long before anything that Prometheus still takes.
    const batch = batchOf(1_000_000, 5, at - 90 * 86_400);
    for (const [path, body] of requestsOf(batch, at, "refused"))
      await fetch(collector.endpoint + path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const told = async (): Promise<ReadonlyMap<string, number>> => {
      const lines = (await (await fetch(collector.metricsUrl)).text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      const sums = new Map<string, number>();
      for (const line of lines) {
        const name = /^[a-z_]+/u.exec(line)?.[0] ?? "";
        sums.set(name, (sums.get(name) ?? 0) + Number(line.slice(line.lastIndexOf(" ") + 1)));
      }
      return sums;
    };
    const failed = COLLECTOR_SERIES.filter((name) => name.includes("send_failed"));
    const found = await until(told, (sums) => failed.every((name) => (sums.get(name) ?? 0) > 0), 60_000);
    expect(failed.length).toBe(3);
    expect(COLLECTOR_SERIES.filter((name) => !found.has(name))).toEqual([]);
  } finally {
    tempo.mood({ kind: "ok" });
    loki.mood({ kind: "ok" });
  }
});
