/** A real Prometheus on loopback that scrapes agents every second. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningPrometheus, startPrometheus } from "../servers/prometheus.ts";

export type { Series } from "../servers/prometheus.ts";
export type ScrapingPrometheus = Pick<RunningPrometheus, "query" | "range" | "exemplars" | "stop">;

/** @param rules absolute paths of rule files; their groups keep their own interval */
export async function startScraping(targets: readonly string[], rules: readonly string[]): Promise<ScrapingPrometheus> {
  const home = await mkdtemp(join(tmpdir(), "rw-prometheus-"));
  const config = {
    global: { scrape_interval: "1s", scrape_timeout: "1s" },
    rule_files: rules,
    scrape_configs: [{ job_name: "restorewatch", static_configs: [{ targets }] }],
  };
  const running = await startPrometheus({ home, config: JSON.stringify(config) });
  return {
    ...running,
    async stop() {
      await running.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
