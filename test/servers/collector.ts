/** The OpenTelemetry Collector, put together by its own builder from the components that collector-config/ names. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256Hex } from "../../agent/core/ids.ts";
import { installedOnce, run } from "./cache.ts";
import { answers, freePort, type Running, startServer } from "./process.ts";

/** The last of which every component can be had. */
const VERSION = "v0.158.0";
const CORE = "go.opentelemetry.io/collector";
const CONTRIB = "github.com/open-telemetry/opentelemetry-collector-contrib";
const MANIFEST = JSON.stringify({
  dist: { name: "otelcol", version: VERSION.slice(1), output_path: "./build" },
  receivers: [{ gomod: `${CORE}/receiver/otlpreceiver ${VERSION}` }],
  processors: [{ gomod: `${CORE}/processor/memorylimiterprocessor ${VERSION}` }],
  exporters: ["otlphttpexporter", "debugexporter"].map((name) => ({ gomod: `${CORE}/exporter/${name} ${VERSION}` })),
  connectors: ["spanmetricsconnector", "servicegraphconnector"].map((name) => ({ gomod: `${CONTRIB}/connector/${name} ${VERSION}` })),
  extensions: ["healthcheckextension", "storage/filestorage"].map((name) => ({ gomod: `${CONTRIB}/extension/${name} ${VERSION}` })),
  providers: ["env", "file"].map((name) => ({ gomod: `${CORE}/confmap/provider/${name}provider v1.64.0` })),
});

/** @returns absolute path of the program */
export async function installCollector(): Promise<string> {
  const place = await installedOnce(`collector-${VERSION}-${sha256Hex(MANIFEST).slice(0, 12)}`, async (directory) => {
    await run("go", ["install", `${CORE}/cmd/builder@${VERSION}`], { cwd: directory, env: { GOBIN: directory } });
    await writeFile(join(directory, "manifest.yaml"), MANIFEST);
    await run(join(directory, "builder"), ["--config=manifest.yaml"], { cwd: directory, env: { CGO_ENABLED: "0" } });
  });
  return join(place, "build", "otelcol");
}

export interface RunningCollector extends Running {
  /** Base of OTLP over HTTP. */
  readonly endpoint: string;
  /** Where it tells its own metrics, as Prometheus reads them. */
  readonly metricsUrl: string;
  readonly healthUrl: string;
}

export interface CollectorOptions {
  /** Absolute paths, later ones on top of earlier ones. */
  readonly configs: readonly string[];
  /** A folder of its own, which outlives it: queues lie in `queue`. */
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** Ports of an earlier life, so that whoever sends finds it again. */
  readonly ports?: CollectorPorts;
}

export interface CollectorPorts {
  readonly otlp: number;
  readonly health: number;
  readonly metrics: number;
}

export async function collectorPorts(): Promise<CollectorPorts> {
  return { otlp: await freePort(), health: await freePort(), metrics: await freePort() };
}

/** @throws Error with the end of what it said where it does not start */
export async function startCollector({ configs, home, env, ports }: CollectorOptions): Promise<RunningCollector> {
  const { otlp, health, metrics } = ports ?? (await collectorPorts());
  await mkdir(join(home, "queue"), { recursive: true });
  const healthUrl = `http://127.0.0.1:${health}/`;
  const running = await startServer({
    name: "collector",
    command: await installCollector(),
    args: configs.map((path) => `--config=file:${path}`),
    cwd: home,
    env: {
      OTLP_LISTEN: `127.0.0.1:${otlp}`,
      HEALTH_LISTEN: `127.0.0.1:${health}`,
      METRICS_HOST: "127.0.0.1",
      METRICS_PORT: String(metrics),
      QUEUE_DIR: join(home, "queue"),
      ...env,
    },
    ready: () => answers(healthUrl),
  });
  return { ...running, endpoint: `http://127.0.0.1:${otlp}`, metricsUrl: `http://127.0.0.1:${metrics}/metrics`, healthUrl };
}
