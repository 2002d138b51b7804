/**
 * The whole chain as real processes: agent, collector, Prometheus with the shipped rules, Alertmanager with the shipped routes, an inbox. From
 * a fault in a backup to the page, the link and the trace; and what happens to it while one of them is away. Shorter than shipped are only
 * waits: metrics leave every 5 seconds instead of every 30, rules are evaluated every second instead of every minute, and an agent is down after 40 seconds instead of a quarter of an hour.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { alertsYaml, recordingYaml } from "../../rules/generate.ts";
import { type Inbox, openInbox } from "../doubles/inbox.ts";
import { type OtlpReceiver, otlpReceiver } from "../doubles/otlp-receiver.ts";
import { type RunningAgent, startAgentProcess, until } from "../integration/agent/running.ts";
import { type RunningAlertmanager, startAlertmanager } from "../servers/alertmanager.ts";
import { type CollectorPorts, collectorPorts, type RunningCollector, startCollector } from "../servers/collector.ts";
import { freePort } from "../servers/process.ts";
import { type RunningPrometheus, startPrometheus } from "../servers/prometheus.ts";
import { alertmanagerConfig, COLLECTOR_CONFIG, FOR_TESTS, prometheusConfig, SOON } from "./configs.ts";
import { logsIn, spansIn } from "./otlp.ts";

let home = "";
let inbox: Inbox;
let tempo: OtlpReceiver;
let loki: OtlpReceiver;
let alertmanager: RunningAlertmanager;
let prometheus: RunningPrometheus;
let collector: RunningCollector;
let agent: RunningAgent;
let ports: CollectorPorts;
let prometheusPort = 0;

const startAgent = (): Promise<RunningAgent> =>
  startAgentProcess(join(home, "agent"), ["start", "--log", "json"], [], {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${ports.otlp}`,
    OTEL_METRIC_EXPORT_INTERVAL: "5000",
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
const startStore = (): Promise<RunningPrometheus> =>
  startPrometheus({
    home: join(home, "prometheus"),
    port: prometheusPort,
    config: prometheusConfig({
      hosts: { "alertmanager:9093": alertmanager.address, "agent:9464": "127.0.0.1:9", "collector:8888": `127.0.0.1:${ports.metrics}` },
      intervals: { scrape: "1s", evaluation: "1s" },
      rules: [join(home, "recording.yaml"), join(home, "alerts.yaml")],
    }),
  });

interface Rules {
  readonly groups: readonly { interval: string; readonly rules: readonly { alert?: string; expr: string; for?: string }[] }[];
}

async function writeRules(): Promise<void> {
  const [recording, alerts] = [parse(recordingYaml()) as Rules, parse(alertsYaml()) as Rules];
  for (const group of [...recording.groups, ...alerts.groups]) group.interval = "1s";
  const down = alerts.groups.flatMap(({ rules }) => rules).find(({ alert }) => alert === "RestorewatchDown");
  if (down === undefined) throw new Error("no RestorewatchDown");
  down.expr = down.expr.replace("> 600", "> 20");
  down.for = "20s";
  await writeFile(join(home, "recording.yaml"), stringify(recording));
  await writeFile(join(home, "alerts.yaml"), stringify(alerts));
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "rw-chain-"));
  await writeFile(join(home, "tests.yaml"), FOR_TESTS);
  await writeRules();
  await mkdir(join(home, "agent"));
  [inbox, tempo, loki] = [await openInbox(), await otlpReceiver(), await otlpReceiver()];
  [ports, prometheusPort] = [await collectorPorts(), await freePort()];
  alertmanager = await startAlertmanager({
    home: join(home, "alertmanager"),
    config: await alertmanagerConfig(join(home, "alertmanager"), inbox),
  });
  prometheus = await startStore();
  collector = await startMiddle();
  agent = await startAgent();
}, 600_000);
afterAll(async () => {
  await agent?.stop("SIGKILL");
  await Promise.all([collector?.stop(), prometheus?.stop(), alertmanager?.stop()]);
  await Promise.all([inbox?.close(), tempo?.close(), loki?.close()]);
  await rm(home, { recursive: true, force: true });
});

interface Page {
  readonly at: number;
  readonly title: string;
  readonly link: string;
  readonly text: string;
}

function pagesAbout(text: string, path: "/pages" | "/tickets" = "/pages"): readonly Page[] {
  interface Message {
    readonly attachments: readonly { readonly title: string; readonly title_link: string; readonly text: string }[];
  }
  return inbox.posted
    .filter((one) => one.path === path)
    .flatMap(({ at, body }) => (body as Message).attachments.map((one) => ({ at, title: one.title, link: one.title_link, text: one.text })))
    .filter((page) => `${page.title}\n${page.text}`.includes(text));
}

const page = (text: string, since = 0, path: "/pages" | "/tickets" = "/pages"): Promise<readonly Page[]> =>
  until(
    () => Promise.resolve(pagesAbout(text, path).filter(({ at }) => at > since)),
    (found) => found.length > 0,
    150_000,
  );

interface Status {
  readonly verdict: string;
  readonly drillId: string | null;
}

async function statusOf(source: string): Promise<Status> {
  return ((await (await fetch(`${agent.url}/api/v1/sources/${source}`)).json()) as { readonly status: Status }).status;
}

/** The trace of the newest drill of a source, as its API tells it. */
async function traceOf(source: string): Promise<string> {
  const { drillId } = await statusOf(source);
  const drill = (await (await fetch(`${agent.url}/api/v1/drills/${drillId ?? ""}`)).json()) as { readonly traceId: string };
  return drill.traceId;
}

async function newestBackup(source: string): Promise<string> {
  const folder = join(home, "agent/.restorewatch/quickstart/backups", source);
  const names = (await readdir(folder)).filter((name) => !name.endsWith(".json")).sort();
  return join(folder, names.at(-1) ?? "");
}

/** Breaks the newest backup. @returns when, and how to mend it */
async function damage(source: string): Promise<{ readonly at: number; readonly mend: () => Promise<void> }> {
  const path = await newestBackup(source);
  const whole = await readFile(path);
  const at = Date.now();
  await truncate(path, Math.floor(whole.length / 2));
  return { at, mend: () => writeFile(path, whole) };
}

const seconds = (from: number, to: number): string => `${((to - from) / 1000).toFixed(1)} s`;

describe("from a fault to whoever is woken", () => {
  test("the five sources of the quickstart: what is wrong with them is told, each once, and nothing else is paged", async () => {
    await page("A backup of broken does not restore (content)");
    await page("The newest backup of late is older than its objective");
    await page("size or number of records of collapsed's backup", 0, "/tickets");
    const titles = pagesAbout("").map(({ title }) => title);
    expect(titles.filter((title) => !/broken|late|locked/u.test(title))).toEqual([]);
    expect(titles.filter((title) => title.includes("broken"))).toHaveLength(1);
    expect(pagesAbout("A backup of late is late", "/tickets"), "the page says it already").toEqual([]);
    expect(inbox.posted.some(({ path }) => path === "/dead-man")).toBe(true);
  }, 300_000);

  test("a backup is damaged: page, link, evidence and trace; mended: over", async () => {
    const { at, mend } = await damage("healthy");
    const [found] = await page("A backup of healthy does not restore", at);
    console.log(`from the damaged backup to the page: ${seconds(at, found?.at ?? 0)}`);
    expect(found?.link).toBe("http://127.0.0.1:3000/d/restorewatch-source?var-source=healthy");
    expect(found?.text).toContain("rules/runbooks/RestoreVerificationFailed.md");
    expect(found?.text).toContain("Owner sales-ops, tier critical.");
    const trace = await traceOf("healthy");
    const spans = await until(
      () => Promise.resolve(spansIn(tempo.bodies("traces")).filter(({ traceId }) => traceId === trace)),
      (all) => all.some(({ name }) => name === "restore.drill"),
    );
    expect(spans.find(({ name }) => name === "restore.drill")?.attributes).toMatchObject({ "restore.verdict": "failed" });
    await until(
      () => Promise.resolve(logsIn(loki.bodies("logs"))),
      (logs) => logs.some(({ traceId }) => traceId === trace),
    );
    const mended = Date.now();
    await mend();
    const [over] = await page("Over: A backup of healthy does not restore", mended);
    console.log(`from the mended backup to the all-clear: ${seconds(mended, over?.at ?? 0)}`);
  }, 400_000);
});

describe("while one of them is away", () => {
  const overs = (): readonly string[] => pagesAbout("Over: ").map(({ title }) => title);

  test("the agent, killed: that is told, and nothing that was wrong is taken back", async () => {
    const before = overs().length;
    const at = Date.now();
    await agent.stop("SIGKILL");
    const [found] = await page("PAGE: Restorewatch does not run", at);
    console.log(`from the killed agent to the page: ${seconds(at, found?.at ?? 0)} (of which 40 s are the rule's, shipped: 15 min)`);
    const states = await until(
      () => alertmanager.alerts(),
      (all) => all.some(({ labels, status }) => labels["source"] === "broken" && status.state === "suppressed"),
      60_000,
    );
    expect(states.filter(({ labels }) => labels["alertname"] === "RestoreVerificationFailed").length).toBeGreaterThan(0);
    agent = await startAgent();
    await page("Over: Restorewatch does not run", at);
    expect(overs().slice(before)).toEqual(["Over: Restorewatch does not run"]);
  }, 400_000);

  test("the collector, killed: what failed meanwhile is paged when it is back", async () => {
    await collector.stop("SIGKILL");
    const { at, mend } = await damage("healthy");
    const before = spansIn(tempo.bodies("traces")).length;
    await until(
      () => statusOf("healthy"),
      ({ verdict }) => verdict === "failed",
      60_000,
    );
    collector = await startMiddle();
    const [found] = await page("A backup of healthy does not restore", at);
    console.log(`from the damaged backup to the page, the collector being away: ${seconds(at, found?.at ?? 0)}`);
    const trace = await traceOf("healthy");
    await until(
      () => Promise.resolve(spansIn(tempo.bodies("traces")).slice(before)),
      (spans) => spans.some(({ traceId }) => traceId === trace),
      60_000,
    );
    const mended = Date.now();
    await mend();
    await page("Over: A backup of healthy does not restore", mended);
  }, 400_000);

  test("Prometheus, killed: what failed meanwhile is paged when it is back, and nothing is taken back", async () => {
    const before = overs().length;
    await prometheus.stop("SIGKILL");
    const { at, mend } = await damage("healthy");
    await until(
      () => statusOf("healthy"),
      ({ verdict }) => verdict === "failed",
      60_000,
    );
    prometheus = await startStore();
    const [found] = await page("A backup of healthy does not restore", at);
    console.log(`from the damaged backup to the page, Prometheus being away: ${seconds(at, found?.at ?? 0)}`);
    expect(overs().slice(before)).toEqual([]);
    await mend();
  }, 400_000);
});
