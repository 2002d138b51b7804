/** Every query of every panel against a real Prometheus that scrapes real agents, on the quickstart and on a live product, and each dashboard as a picture. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ALL_ALERTS } from "../../rules/generate.ts";
import { launch } from "../browser/browser.ts";
import { runAgent, type RunningAgent, startAgentProcess, until } from "../integration/agent/running.ts";
import { ROOT, textOf } from "../meta/sources.ts";
import { type AirtableShop, startShop } from "../platforms/airtable/shop.ts";
import { askOfShop, configureShop } from "../platforms/airtable/watched.ts";
import { goTool } from "../servers/go-tools.ts";
import { type DashboardJson, draw, type PanelJson } from "./draw.ts";
import { emptyOfRunbook, rightlyEmpty } from "./empty.ts";
import { type ScrapingPrometheus, type Series, startScraping } from "./prometheus.ts";

/** Where the pictures lie afterwards. */
const PICTURES = process.env["RESTOREWATCH_PICTURES"] ?? join(tmpdir(), "restorewatch-dashboards");
const run = promisify(execFile);
const dashboards = (await readdir(join(ROOT, "dashboards/dist"))).map(
  (name) => JSON.parse(textOf(`dashboards/dist/${name}`)) as DashboardJson,
);
let home: string;
let agent: RunningAgent;
/** Another agent, which watches a live product beside its backups. */
let shopHome: string;
let shop: AirtableShop;
let shopAgent: RunningAgent;
let prometheus: ScrapingPrometheus;

/** What Grafana fills in; `source` is one name on the dashboard of one source. */
function filled(expr: string, uid: string, source = "broken"): string {
  return expr
    .replaceAll("$__rate_interval", "60s")
    .replaceAll("$__range", "3m")
    .replaceAll("$source", uid === "restorewatch-source" ? source : ".*")
    .replaceAll(/\$(?:platform|domain|owner|tier)\b/g, ".*");
}

const exprsOf = (one: PanelJson): readonly string[] => (one.type === "logs" ? [] : (one.targets ?? []).flatMap(({ expr }) => expr ?? []));

async function ask(one: PanelJson, uid: string): Promise<readonly (readonly Series[])[]> {
  const results: (readonly Series[])[] = [];
  for (const expr of exprsOf(one)) {
    const found = async (source: string): Promise<readonly Series[]> => {
      const query = filled(expr, uid, source);
      return one.type === "timeseries" ? prometheus.range(query, 90, 2) : prometheus.query(query);
    };
    // A backup of a folder has no product to compare with.
    const broken = await found("broken");
    results.push(broken.length > 0 ? broken : await found("shop"));
  }
  return results;
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "rw-dashboards-"));
  shopHome = await mkdtemp(join(tmpdir(), "rw-dashboards-shop-"));
  shop = await startShop();
  await configureShop(shopHome, shop);
  await askOfShop(shopHome, "capture");
  agent = await startAgentProcess(home);
  shopAgent = await startAgentProcess(shopHome);
  prometheus = await startScraping(
    [agent, shopAgent].map(({ url }) => new URL(url).host),
    [join(ROOT, "rules/recording.yaml")],
  );
  // A forecast rests on three drills; the first one asked for may be the one that was due anyway.
  const drillShop = (): Promise<void> => askOfShop(shopHome, "drill");
  const shopDrilled = drillShop().then(drillShop).then(drillShop);
  const verdicts = async (): Promise<readonly string[]> =>
    ((await (await fetch(`${agent.url}/api/v1/sources?limit=100`)).json()) as { items: { verdict: string }[] }).items.map(
      ({ verdict }) => verdict,
    );
  await until(verdicts, (all) => all.length === 5 && all.every((verdict) => verdict === "verified" || verdict === "failed"), 60_000);
  // A run is reported and a backup broken and mended, so that counters move while somebody looks.
  const config = join(home, ".restorewatch/quickstart/restorewatch.yaml");
  for (const source of ["healthy", "broken"]) {
    const started = new Date(Date.now() - 60_000).toISOString();
    const told = await runAgent(
      home,
      "record",
      source,
      "--outcome",
      "success",
      "--started",
      started,
      "--bytes",
      "4096",
      "--config",
      config,
    );
    if (told.code !== 0 || told.stderr !== "") throw new Error(`the run of ${source} was not taken: ${told.code} ${told.stderr}`);
  }
  const folder = join(home, ".restorewatch/quickstart/backups/broken");
  const names = (await readdir(folder)).filter((name) => !name.endsWith(".json")).sort();
  const path = join(folder, names.at(-1) ?? "");
  const whole = await readFile(path);
  const drills = async (): Promise<number> =>
    (await prometheus.query('sum(restore_drills_total{source="broken"})'))[0]?.points[0]?.[1] ?? 0;
  await until(drills, (count) => count > 0, 60_000);
  const before = await drills();
  await truncate(path, 40_000);
  await until(drills, (count) => count > before, 60_000);
  await writeFile(path, whole);
  await until(drills, (count) => count > before + 1, 60_000);
  await shopDrilled;
  await until(
    () => prometheus.query("restore_forecast_seconds"),
    (found) => found.length > 0,
    60_000,
  );
  // Recording rules are evaluated once a minute.
  await until(
    () => prometheus.query("count(backup:rpo_breach:bool)"),
    (found) => found.length === 1,
    150_000,
  );
}, 400_000);

afterAll(async () => {
  await prometheus?.stop();
  await agent?.stop("SIGKILL");
  await shopAgent?.stop("SIGKILL");
  await shop?.stop();
  for (const each of [home, shopHome]) await rm(each, { recursive: true, force: true });
});

describe("dashboards on real data", () => {
  test("every query is PromQL that promtool reads", { timeout: 300_000 }, async () => {
    const promtool = await goTool("promtool");
    const all = new Set(dashboards.flatMap(({ uid, panels }) => panels.flatMap(exprsOf).map((expr) => filled(expr, uid))));
    expect(all.size).toBeGreaterThan(80);
    for (const expr of all) await run(promtool, ["--experimental", "promql", "format", expr]);
    await expect(run(promtool, ["--experimental", "promql", "format", "sum by (x"])).rejects.toThrow("promql");
  });

  test("every query returns data or is rightly empty, and no reason is given for one that is not", { timeout: 120_000 }, async () => {
    const wrong: string[] = [];
    let asked = 0;
    for (const { uid, title, panels } of dashboards) {
      for (const one of panels) {
        const exprs = exprsOf(one);
        for (const [index, result] of (await ask(one, uid)).entries()) {
          asked += 1;
          const reason = rightlyEmpty(uid, one.title, exprs[index] ?? "");
          const where = `${title}: ${one.title}: query ${index}`;
          if (result.length === 0 && reason === null) wrong.push(`${where} is empty: ${filled(exprs[index] ?? "", uid)}`);
          if (result.length > 0 && reason !== null) wrong.push(`${where} is not empty although: ${reason}`);
        }
      }
    }
    console.log(`${asked} queries asked`);
    expect(asked).toBeGreaterThan(100);
    expect(wrong).toEqual([]);
  });

  test("what a runbook tells to ask returns data or is rightly empty, and no reason is given for one that is not", async () => {
    const wrong: string[] = [];
    for (const { alert } of ALL_ALERTS) {
      const asked = /```promql\n([\s\S]*?)\n```/u.exec(textOf(`rules/runbooks/${alert}.md`))?.[1] ?? "";
      let found: readonly Series[] = [];
      for (const source of ["broken", "late", "collapsed", "shop"])
        if (found.length === 0)
          found = await prometheus.query(asked.replaceAll("SOURCE", source).replaceAll(/\[(?:1h|7d|30m|3d)\]/gu, "[3m]"));
      const reason = emptyOfRunbook(alert);
      if (found.length === 0 && reason === null) wrong.push(`${alert} is empty: ${asked}`);
      if (found.length > 0 && reason !== null) wrong.push(`${alert} is not empty although: ${reason}`);
    }
    expect(wrong).toEqual([]);
  });

  test("histograms carry trace ids", async () => {
    for (const name of ["restore_drill_duration_seconds_bucket", "restore_phase_duration_seconds_bucket"]) {
      const ids = await prometheus.exemplars(name);
      expect([name, ids.length > 0, ids.filter((id) => !/^[0-9a-f]{32}$/.test(id))]).toEqual([name, true, []]);
    }
  });

  test("what the fleet says of the quickstart and of the shop is true", async () => {
    const stat = async (title: string): Promise<number | undefined> => {
      const one = dashboards.find(({ uid }) => uid === "restorewatch-fleet")?.panels.find((each) => each.title === title);
      return one === undefined ? undefined : (await ask(one, "restorewatch-fleet"))[0]?.[0]?.points[0]?.[1];
    };
    expect([await stat("Sources"), await stat("Recovery point too old"), await stat("Do not restore")]).toEqual([6, 1, 2]);
  });

  test("each dashboard can be looked at", { timeout: 120_000 }, async () => {
    await mkdir(PICTURES, { recursive: true });
    const browser = await launch();
    try {
      for (const { uid, title, panels } of dashboards) {
        const results = [];
        for (const one of panels) results.push(await ask(one, uid));
        const tab = await browser.newPage({ viewport: { width: 1448, height: 900 } });
        await tab.setContent(draw(title, panels, results));
        await tab.screenshot({ path: join(PICTURES, `${uid}.png`), fullPage: true });
        expect(await tab.locator("section").count()).toBe(panels.length);
        await tab.close();
      }
    } finally {
      await browser.close();
    }
    console.log(`pictures: ${PICTURES}`);
  });
});
