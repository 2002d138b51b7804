/**
 * `npm run bench:cardinality`: how many series a source costs, and how long Prometheus needs for the rules where there are many sources.
 * Real: an agent with one source that has everything (four layers on the local Airtable, five collections, history, bands, comparison),
 * first when all is well and then when much is wrong; Prometheus with the shipped rules, scraping that source a thousand times under other
 * names, with the days behind it that the longest range of a rule reads.
 * Then every query of every dashboard is asked of it, over all sources and the last six hours, as Grafana does when the page is opened.
 * Options: --sources 1000 · --days 3 · --evaluations 5
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { parseArgs, promisify } from "node:util";
import { tableOf } from "../doubles/airtable/world.ts";
import { runAgent, startAgentProcess } from "../integration/agent/running.ts";
import { ROOT, textOf } from "../meta/sources.ts";
import { type AirtableShop, startShop } from "../platforms/airtable/shop.ts";
import { askOfShop, configureShop } from "../platforms/airtable/watched.ts";
import { goTool } from "../servers/go-tools.ts";
import { answers, freePort, startServer } from "../servers/process.ts";
import type { DashboardJson } from "../stack/draw.ts";
import { seriesBackwards } from "./cardinality/backfill.ts";
import { beside, type Cell, machine, seconds, table } from "./table.ts";

const { values: options } = parseArgs({
  options: {
    sources: { type: "string", default: "1000" },
    days: { type: "string", default: "3" },
    evaluations: { type: "string", default: "5" },
  },
});
const sources = Number(options.sources);
const days = Number(options.days);
const evaluations = Number(options.evaluations);
if (![sources, days, evaluations].every((value) => Number.isFinite(value) && value > 0)) throw new Error("the options are no numbers");

const SERIES_GOAL = 150;
const RULES_GOAL_MS = 1000;
const DAY_MS = 86_400_000;
const HISTORY_RUNS = 40;
const RULE_FILES = ["recording.yaml", "alerts.yaml"].map((name) => join(ROOT, "rules", name));

const DASHBOARDS = (await readdir(join(ROOT, "dashboards/dist"))).map(
  (name) => JSON.parse(textOf(`dashboards/dist/${name}`)) as DashboardJson,
);

const home = await mkdtemp(join(tmpdir(), "rw-bench-cardinality-"));
const shop = await startShop();
try {
  console.log(machine());
  const { well, broken, own } = await tellOfOneSource();
  console.log(`\n${seriesTable(well, broken)}\n`);
  const rows = await evaluateFor(broken, own);
  console.log(table(`Prometheus, ${sources.toLocaleString("en")} sources where as much is wrong`, ["what", "figure"], rows));
} finally {
  await shop.stop();
  await rm(home, { recursive: true, force: true });
}

interface Told {
  /** Lines of /metrics of the one source when all is well. */
  readonly well: readonly string[];
  readonly broken: readonly string[];
  /** Lines of /metrics of the agent itself. */
  readonly own: readonly string[];
}

async function tellOfOneSource(): Promise<Told> {
  await configureShop(home, shop);
  for (let ago = HISTORY_RUNS; ago > 0; ago -= 1) await recordRun(ago, 20_000 + ((ago * 37) % 11) * 90);
  await askOfShop(home, "capture");
  await askOfShop(home, "drill");
  const well = await metrics();
  await recordRun(0, 900);
  breakProduction(shop);
  await askOfShop(home, "drill");
  const broken = await metrics();
  return { well: ofSource(well), broken: ofSource(broken), own: broken.filter((line) => !line.includes('source="')) };
}

async function recordRun(daysAgo: number, bytes: number): Promise<void> {
  const end = Date.now() - daysAgo * DAY_MS;
  const [started, finished] = [new Date(end - 60_000 - (daysAgo % 7) * 1000).toISOString(), new Date(end).toISOString()];
  const { code, stderr } = await runAgent(
    home,
    ...["record", "shop", "--outcome", "success", "--bytes", String(bytes), "--started", started, "--finished", finished],
  );
  if (code !== 0) throw new Error(stderr);
}

/** Eight records differ from the backup, and nothing says that they were edited since. */
function breakProduction({ base, tables }: AirtableShop): void {
  const things = tableOf(base, tables.things.id);
  for (const key of tables.things.keys.slice(0, 8)) {
    const row = things.rows.find(({ id }) => id === key);
    row?.cells.set(tables.things.fields["Name"] ?? "", "changed without a time");
  }
}

async function metrics(): Promise<readonly string[]> {
  const agent = await startAgentProcess(home);
  try {
    for (let tries = 0; tries < 400; tries += 1) {
      const lines = (await (await fetch(`${agent.url}/metrics`)).text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      if (lines.some((line) => line.startsWith("backup_recovery_points{"))) return lines;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error("the agent did not tell of its source");
  } finally {
    await agent.stop("SIGTERM");
  }
}

function ofSource(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => line.includes('source="shop"'));
}

function seriesTable(well: readonly string[], broken: readonly string[]): string {
  const names = (lines: readonly string[]) =>
    Map.groupBy(lines, (line) => (/^[^{\s]+/u.exec(line)?.[0] ?? "").replace(/_(?:bucket|sum|count)$/u, ""));
  const [a, b] = [names(well), names(broken)];
  const rows: Cell[][] = [...new Set([...a.keys(), ...b.keys()])]
    .map((name) => [name, a.get(name)?.length ?? 0, b.get(name)?.length ?? 0] satisfies Cell[])
    .toSorted((one, other) => Number(other[2]) - Number(one[2]));
  const goal = (count: number): string => beside(String(count), `≤ ${SERIES_GOAL}`, count <= SERIES_GOAL);
  return table(
    "Series of one source: five collections, four layers",
    ["metric", "all well", "much wrong"],
    [["all", goal(well.length), goal(broken.length)], ...rows],
  );
}

/** @returns what Prometheus says that scraping and evaluating cost */
async function evaluateFor(one: readonly string[], own: readonly string[]): Promise<Cell[][]> {
  const page = `${[...own, ...Array.from({ length: sources }, (_, index) => renamed(one, `s${String(index).padStart(5, "0")}`)).flat()].join("\n")}\n`;
  const beat = (): string =>
    page.replace(/^(restorewatch_heartbeat_timestamp_seconds(?:\{[^}]*\})?) .*$/mu, (_, name: string) => `${name} ${Date.now() / 1000}`);
  const target = createServer((_, response) => response.setHeader("content-type", "text/plain; version=0.0.4").end(beat()));
  target.listen(0, "127.0.0.1");
  await once(target, "listening");
  const address = target.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const data = join(home, "prometheus");
  try {
    await mkdir(data);
    await writeRules(data, "5s");
    const first = await startPrometheus(data, address.port);
    await first.evaluated(3);
    const ranged = await Promise.all(["backup:rpo_breach:bool"].map((name) => first.series(name)));
    await first.stop();
    const from = performance.now();
    const samples = await backfill(data, ranged.flat());
    const measured = await evaluateAgain(data, address.port);
    // As shipped: nobody looks at a Prometheus that does nothing but evaluate.
    await writeRules(data, "1m");
    const third = await startPrometheus(data, address.port, "60s");
    try {
      await third.evaluated(1);
      return [
        ["series scraped", own.length + one.length * sources],
        ["samples behind them for the longest range", samples],
        ["putting them there", seconds(measured.from - from)],
        ...measured.rows,
        ...(await askDashboards(third)),
      ];
    } finally {
      await third.stop();
    }
  } finally {
    target.close();
  }
}

async function evaluateAgain(data: string, target: number): Promise<{ readonly from: number; readonly rows: Cell[][] }> {
  const from = performance.now();
  const second = await startPrometheus(data, target);
  try {
    const took = await second.evaluated(evaluations);
    const total = took.reduce((sum, group) => sum + group.worst, 0);
    const rows: Cell[][] = [
      ["series of the head, with the recorded", await second.head()],
      ["scrape", seconds(await second.scrapeMs())],
      ...took.map((group): Cell[] => [`evaluation of ${group.name}, worst of ${evaluations}`, seconds(group.worst)]),
      ["evaluation of all rules", beside(seconds(total), "< 1 s", total < RULES_GOAL_MS)],
    ];
    return { from, rows };
  } finally {
    await second.stop();
  }
}

/** The slowest query of each dashboard, and how long all of them take one after the other. */
async function askDashboards(prometheus: Evaluating): Promise<Cell[][]> {
  const rows: Cell[][] = [];
  for (const { title, uid, panels } of DASHBOARDS) {
    const took: number[] = [];
    for (const { type, targets = [] } of panels)
      for (const { expr } of type === "logs" ? [] : targets)
        if (expr !== undefined) took.push(await prometheus.ask(filled(expr, uid), type === "timeseries"));
    const sum = took.reduce((all, one) => all + one, 0);
    rows.push([`${title}: slowest of ${took.length} queries · all of them`, `${seconds(Math.max(...took))} · ${seconds(sum)}`]);
  }
  return rows;
}

/** What Grafana fills in for whoever looks at everything; the page of one source shows one. */
function filled(expr: string, uid: string): string {
  return expr
    .replaceAll("$__rate_interval", "1m")
    .replaceAll("$__range", "6h")
    .replaceAll("$source", uid === "restorewatch-source" ? "s00001" : ".*")
    .replaceAll(/\$(?:platform|domain|owner|tier)\b/gu, ".*");
}

function renamed(lines: readonly string[], id: string): readonly string[] {
  return lines.map((line) => line.replaceAll('source="shop"', `source="${id}"`).replace(/ # \{.*$/u, ""));
}

/** The shipped groups; evaluated more often than once a minute where somebody waits for it. */
async function writeRules(data: string, interval: "5s" | "1m"): Promise<void> {
  for (const path of RULE_FILES) {
    const name = path.split("/").at(-1) ?? "";
    await writeFile(join(data, name), (await readFile(path, "utf8")).replaceAll(/^( {4}interval:) .*$/gmu, `$1 ${interval}`));
  }
}

/** A day of every minute, for the series that a long range reads. @returns number of samples */
async function backfill(data: string, series: readonly Readonly<Record<string, string>>[]): Promise<number> {
  const file = join(data, "behind.om");
  const samples = await seriesBackwards(file, series, { from: Date.now() - days * DAY_MS, to: Date.now() - 15 * 60_000, everyMs: 60_000 });
  await promisify(execFile)(await goTool("promtool"), ["tsdb", "create-blocks-from", "openmetrics", "--quiet", file, join(data, "data")], {
    maxBuffer: 1e8,
  });
  await rm(file);
  return samples;
}

interface Evaluating {
  /** Resolves after that many evaluations of each group with the worst, ms. */
  evaluated(times: number): Promise<readonly { readonly name: string; readonly worst: number }[]>;
  series(name: string): Promise<readonly Readonly<Record<string, string>>[]>;
  head(): Promise<number>;
  scrapeMs(): Promise<number>;
  /** @returns how long the answer took, ms; throws where it is an error */
  ask(query: string, ranged: boolean): Promise<number>;
  stop(): Promise<void>;
}

async function startPrometheus(data: string, target: number, every: "5s" | "60s" = "5s"): Promise<Evaluating> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = {
    global: { scrape_interval: every === "60s" ? every : "15s", scrape_timeout: "15s", evaluation_interval: every },
    rule_files: RULE_FILES.map((path) => join(data, path.split("/").at(-1) ?? "")),
    scrape_configs: [{ job_name: "restorewatch", static_configs: [{ targets: [`127.0.0.1:${target}`] }] }],
  };
  await writeFile(join(data, "prometheus.yml"), JSON.stringify(config));
  const running = await startServer({
    name: "prometheus",
    command: await goTool("prometheus"),
    args: [
      `--config.file=${join(data, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(data, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--storage.tsdb.retention.time=30d",
    ],
    cwd: data,
    env: {},
    ready: () => answers(`${url}/-/ready`),
  });
  const get = async <T>(path: string): Promise<T> => ((await (await fetch(`${url}/api/v1/${path}`)).json()) as { readonly data: T }).data;
  const value = async (query: string): Promise<number> => {
    const { result } = await get<{ readonly result: readonly { readonly value: readonly [number, string] }[] }>(
      `query?query=${encodeURIComponent(query)}`,
    );
    return Number(result[0]?.value[1] ?? Number.NaN);
  };
  return {
    async evaluated(times) {
      const seen = new Map<string, Map<string, number>>();
      while (seen.size === 0 || [...seen.values()].some((found) => found.size < times)) {
        const { groups } = await get<{
          readonly groups: readonly { readonly name: string; readonly lastEvaluation: string; readonly evaluationTime: number }[];
        }>("rules");
        const scraped = await value("count(backup_source_info)");
        for (const group of groups) {
          const found = seen.get(group.name) ?? new Map<string, number>();
          if (scraped === sources && group.evaluationTime > 0) found.set(group.lastEvaluation, group.evaluationTime * 1000);
          seen.set(group.name, found);
        }
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      return [...seen].map(([name, found]) => ({ name, worst: Math.max(...found.values()) }));
    },
    series: async (name) => {
      const { result } = await get<{ readonly result: readonly { readonly metric: Record<string, string> }[] }>(
        `query?query=${encodeURIComponent(name)}`,
      );
      if (result.length === 0) throw new Error(`${name} has no series`);
      return result.map(({ metric }) => metric);
    },
    head: () =>
      value("prometheus_tsdb_head_series").then(async (own) =>
        Number.isNaN(own) ? (await get<{ readonly headStats: { readonly numSeries: number } }>("status/tsdb")).headStats.numSeries : own,
      ),
    scrapeMs: () => value("scrape_duration_seconds").then((s) => s * 1000),
    async ask(query, ranged) {
      const end = Date.now() / 1000;
      const over: Record<string, string> = ranged ? { start: String(end - 21_600), end: String(end), step: "60" } : {};
      const from = performance.now();
      const answer = await fetch(`${url}/api/v1/${ranged ? "query_range" : "query"}`, {
        method: "POST",
        body: new URLSearchParams({ query, ...over }),
      });
      const { status, error } = (await answer.json()) as { readonly status: string; readonly error?: string };
      if (status !== "success") throw new Error(`${error}: ${query}`);
      return performance.now() - from;
    },
    stop: async () => {
      await running.stop();
    },
  };
}
