/** A real Prometheus on loopback, with whatever configuration it is given. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { goTool } from "./go-tools.ts";
import { answers, freePort, type Running, startServer } from "./process.ts";

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds since 1970 and value; one point where the query was instant. */
  readonly points: readonly (readonly [number, number])[];
}

export interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: "pending" | "firing";
}

export interface RunningPrometheus extends Running {
  readonly url: string;
  /** An instant query. */
  query(expression: string): Promise<readonly Series[]>;
  /** Of the last `seconds`, a value every `step` seconds. */
  range(expression: string, seconds: number, step: number): Promise<readonly Series[]>;
  /** Trace ids of the exemplars of a series selector in the last ten minutes. */
  exemplars(selector: string): Promise<readonly string[]>;
  alerts(): Promise<readonly ActiveAlert[]>;
}

export interface PrometheusOptions {
  /** YAML or JSON. */
  readonly config: string;
  /** A folder of its own; its data outlives it. */
  readonly home: string;
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** What the shipped rules and pipelines need of it, as in docker-compose.yml. */
export const PROMETHEUS_FLAGS = ["--web.enable-otlp-receiver", "--enable-feature=exemplar-storage"];

/** @throws Error with the end of what it said where it does not start */
export async function startPrometheus(options: PrometheusOptions): Promise<RunningPrometheus> {
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  await mkdir(options.home, { recursive: true });
  await writeFile(join(options.home, "prometheus.yml"), options.config);
  const running = await startServer({
    name: "prometheus",
    command: await goTool("prometheus"),
    args: [
      `--config.file=${join(options.home, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(options.home, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      ...PROMETHEUS_FLAGS,
    ],
    cwd: options.home,
    env: options.env ?? {},
    ready: () => answers(`${url}/-/ready`),
  });
  const ask = async <T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T> => {
    const answer = await fetch(`${url}/api/v1/${path}`, { method: "POST", body: new URLSearchParams(parameters) });
    const body = (await answer.json()) as { readonly status: string; readonly error?: string; readonly data: T };
    if (body.status !== "success") throw new Error(`${body.error}: ${parameters["query"]}`);
    return body.data;
  };
  return {
    ...running,
    url,
    query: async (query) => seriesOf(await ask<Found>("query", { query })),
    range: async (query, seconds, step) => {
      const end = Date.now() / 1000;
      return seriesOf(await ask<Found>("query_range", { query, start: String(end - seconds), end: String(end), step: String(step) }));
    },
    exemplars: async (query) => {
      const end = Date.now() / 1000;
      const found = await ask<readonly { readonly exemplars: readonly { readonly labels: Record<string, string> }[] }[]>(
        "query_exemplars",
        { query, start: String(end - 600), end: String(end) },
      );
      return found.flatMap(({ exemplars }) => exemplars.flatMap(({ labels }) => labels["trace_id"] ?? []));
    },
    alerts: async () => {
      const answer = await fetch(`${url}/api/v1/alerts`);
      return ((await answer.json()) as { readonly data: { readonly alerts: readonly ActiveAlert[] } }).data.alerts;
    },
  };
}

interface Found {
  readonly result: readonly {
    readonly metric: Record<string, string>;
    readonly value?: readonly [number, string];
    readonly values?: readonly (readonly [number, string])[];
  }[];
}

function seriesOf({ result }: Found): readonly Series[] {
  return result.map(({ metric, value, values }) => ({
    labels: metric,
    points: (values ?? (value === undefined ? [] : [value])).map(([at, text]) => [at, Number(text)] as const),
  }));
}
