/** What docker-compose.yml starts, started natively: its commands, its environment, its configurations; only hosts, ports and places are others. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Inbox, openInbox } from "../doubles/inbox.ts";
import { type OtlpReceiver, otlpReceiver } from "../doubles/otlp-receiver.ts";
import { type RunningAgent, startAgentProcess, until } from "../integration/agent/running.ts";
import { type RunningAlertmanager, startAlertmanager } from "../servers/alertmanager.ts";
import { type CollectorPorts, collectorPorts, type RunningCollector, startCollector } from "../servers/collector.ts";
import { freePort } from "../servers/process.ts";
import { PROMETHEUS_FLAGS, type RunningPrometheus, startPrometheus } from "../servers/prometheus.ts";
import { readCompose } from "./compose.ts";
import { alertmanagerConfig, COLLECTOR_CONFIG, FOR_TESTS, prometheusConfig, SOON } from "./configs.ts";
import { spansIn } from "./otlp.ts";

const { services } = readCompose();
const [agentService, collectorService, prometheusService] = ["agent", "collector", "prometheus"].map((name) => {
  const service = services[name];
  if (service === undefined) throw new Error(`no service ${name}`);
  return service;
}) as [(typeof services)[string], (typeof services)[string], (typeof services)[string]];

let home = "";
let inbox: Inbox;
let tempo: OtlpReceiver;
let loki: OtlpReceiver;
let alertmanager: RunningAlertmanager;
let prometheus: RunningPrometheus;
let collector: RunningCollector;
let agent: RunningAgent;
let ports: CollectorPorts;

/** Addresses of the compose network, as they are here. Throws for one that nobody stands for. */
function native(environment: Readonly<Record<string, string>>, hosts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => {
      const host = /^http:\/\/([a-z]+:\d+)$/u.exec(value)?.[1];
      if (host === undefined) return [name, value];
      const here = hosts[host];
      if (here === undefined) throw new Error(`nobody stands for ${host}`);
      return [name, here];
    }),
  );
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "rw-compose-"));
  await writeFile(join(home, "tests.yaml"), FOR_TESTS);
  await mkdir(join(home, "agent"));
  [inbox, tempo, loki, ports] = [await openInbox(), await otlpReceiver(), await otlpReceiver(), await collectorPorts()];
  const prometheusPort = await freePort();
  alertmanager = await startAlertmanager({
    home: join(home, "alertmanager"),
    config: await alertmanagerConfig(join(home, "alertmanager"), inbox),
  });
  collector = await startCollector({
    configs: [COLLECTOR_CONFIG, join(home, "tests.yaml")],
    home: join(home, "collector"),
    ports,
    env: {
      ...native(collectorService.environment, {
        "tempo:4318": tempo.endpoint,
        "loki:3100": loki.endpoint,
        "prometheus:9090": `http://127.0.0.1:${prometheusPort}`,
      }),
      ...SOON,
      // Ports of this machine instead of those of a container of its own.
      OTLP_LISTEN: `127.0.0.1:${ports.otlp}`,
      HEALTH_LISTEN: `127.0.0.1:${ports.health}`,
      METRICS_HOST: "127.0.0.1",
      QUEUE_DIR: join(home, "collector/queue"),
    },
  });
  const [command = "", listen, , ...rest] = agentService.command ?? [];
  if (listen !== "--listen" || rest.length > 0)
    throw new Error("the agent of docker-compose.yml is started otherwise: start it so here too");
  agent = await startAgentProcess(join(home, "agent"), [command, "--log", "json"], [], {
    ...native(agentService.environment, { "collector:4318": collector.endpoint }),
    OTEL_METRIC_EXPORT_INTERVAL: "2000",
  });
  prometheus = await startPrometheus({
    home: join(home, "prometheus"),
    port: prometheusPort,
    env: { GRAFANA_URL: prometheusService.environment["GRAFANA_URL"] ?? "" },
    config: prometheusConfig({
      hosts: {
        "alertmanager:9093": alertmanager.address,
        "agent:9464": new URL(agent.url).host,
        "collector:8888": `127.0.0.1:${ports.metrics}`,
      },
      intervals: { scrape: "1s", evaluation: "1s" },
    }),
  });
}, 600_000);
afterAll(async () => {
  await agent?.stop("SIGKILL");
  await Promise.all([collector?.stop(), prometheus?.stop(), alertmanager?.stop()]);
  await Promise.all([inbox?.close(), tempo?.close(), loki?.close()]);
  await rm(home, { recursive: true, force: true });
});

describe("what docker-compose.yml starts", () => {
  test("Prometheus of these tests is given what compose gives it", () => {
    const own = (prometheusService.command ?? []).filter((flag) => !/config\.file|storage\.tsdb/u.test(flag));
    expect(own).toEqual(PROMETHEUS_FLAGS);
  });

  test("metrics of the agent come through the collector, those of its runtime by scraping, and nothing twice", async () => {
    const sources = await until(
      () => prometheus.query("backup_source_info"),
      (series) => series.length >= 5,
      60_000,
    );
    expect(sources).toHaveLength(5);
    const scraped = await until(
      () => prometheus.query('up{job=~"restorewatch|collector"} == 1'),
      (series) => series.length === 2,
      30_000,
    );
    expect(new Set(scraped.map(({ labels }) => labels["job"]))).toEqual(new Set(["collector", "restorewatch"]));
    const runtime = await prometheus.query('{__name__=~"process_cpu_.*",job="restorewatch"}');
    expect(runtime.length).toBeGreaterThan(0);
  }, 120_000);

  test("traces arrive where Tempo stands, and an alert at Alertmanager with a link to where Grafana stands", async () => {
    await until(
      () => Promise.resolve(spansIn(tempo.bodies("traces"))),
      (spans) => spans.some(({ name }) => name === "restore.drill"),
      60_000,
    );
    const alerts = await until(
      () => alertmanager.alerts(),
      (all) => all.some(({ labels }) => labels["source"] === "broken"),
      90_000,
    );
    const grafana = prometheusService.environment["GRAFANA_URL"];
    expect(alerts.every(({ labels }) => labels["grafana"] === grafana)).toBe(true);
    const posted = await until(
      () => Promise.resolve(inbox.posted.filter(({ path }) => path === "/pages")),
      (all) => all.length > 0,
      30_000,
    );
    expect(JSON.stringify(posted)).toContain(`${grafana}/d/restorewatch-source?var-source=`);
  }, 240_000);
});
