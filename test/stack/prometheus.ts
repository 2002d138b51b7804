/** A real Prometheus on loopback that scrapes agents every second. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { goTool } from "../servers/go-tools.ts";
import { answers, freePort, startServer } from "../servers/process.ts";

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds since 1970 and value; one point where the query was instant. */
  readonly points: readonly (readonly [number, number])[];
}

export interface ScrapingPrometheus {
  query(expression: string): Promise<readonly Series[]>;
  range(expression: string, seconds: number, step: number): Promise<readonly Series[]>;
  /** Trace ids of the exemplars of a series selector in the last ten minutes. */
  exemplars(selector: string): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** @param rules absolute paths of rule files; their groups keep their own interval */
export async function startScraping(targets: readonly string[], rules: readonly string[]): Promise<ScrapingPrometheus> {
  const home = await mkdtemp(join(tmpdir(), "rw-prometheus-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = {
    global: { scrape_interval: "1s", scrape_timeout: "1s" },
    rule_files: rules,
    scrape_configs: [{ job_name: "restorewatch", static_configs: [{ targets }] }],
  };
  await writeFile(join(home, "prometheus.yml"), JSON.stringify(config));
  const running = await startServer({
    name: "prometheus",
    command: await goTool("prometheus"),
    args: [
      `--config.file=${join(home, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(home, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--enable-feature=exemplar-storage",
    ],
    cwd: home,
    env: {},
    ready: () => answers(`${url}/-/ready`),
  });
  const ask = async <T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T> => {
    const answer = await fetch(`${url}/api/v1/${path}`, { method: "POST", body: new URLSearchParams(parameters) });
    const body = (await answer.json()) as { readonly status: string; readonly error?: string; readonly data: T };
    if (body.status !== "success") throw new Error(`${body.error}: ${parameters["query"]}`);
    return body.data;
  };
  interface Found {
    readonly result: readonly {
      readonly metric: Record<string, string>;
      readonly value?: readonly [number, string];
      readonly values?: readonly (readonly [number, string])[];
    }[];
  }
  const series = ({ result }: Found): readonly Series[] =>
    result.map(({ metric, value, values }) => ({
      labels: metric,
      points: (values ?? (value === undefined ? [] : [value])).map(([at, text]) => [at, Number(text)] as const),
    }));
  return {
    query: async (query) => series(await ask<Found>("query", { query })),
    range: async (query, seconds, step) => {
      const end = Date.now() / 1000;
      return series(await ask<Found>("query_range", { query, start: String(end - seconds), end: String(end), step: String(step) }));
    },
    exemplars: async (query) => {
      const end = Date.now() / 1000;
      const found = await ask<readonly { readonly exemplars: readonly { readonly labels: Record<string, string> }[] }[]>(
        "query_exemplars",
        {
          query,
          start: String(end - 600),
          end: String(end),
        },
      );
      return found.flatMap(({ exemplars }) => exemplars.flatMap(({ labels }) => labels["trace_id"] ?? []));
    },
    async stop() {
      await running.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
