/** The committed dashboards: complete, honest about names, and the same as the code makes. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { METRICS } from "../../../agent/telemetry/names.ts";
import { dashboardFiles, DASHBOARDS, shownRows, waitsFor } from "../../../dashboards/build.ts";
import { explore } from "../../../dashboards/links.ts";
import { FOREIGN, metricsIn, PROMISED, RECORDED } from "../../../dashboards/queries.ts";
import { ROOT, textOf } from "../../meta/sources.ts";

interface PanelJson {
  readonly id: number;
  readonly type: string;
  readonly title?: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr?: string; readonly query?: string; readonly exemplar?: boolean; readonly refId: string }[];
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string; readonly thresholds?: object; readonly links?: readonly { readonly url: string }[] };
  };
  readonly transformations?: readonly { readonly id: string; readonly options: Record<string, unknown> }[];
}
interface DashboardJson {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly schemaVersion: number;
  readonly panels: readonly PanelJson[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown; readonly allValue?: string }[] };
}
const files = readdirSync(join(ROOT, "dashboards/dist"));
const all = files.map((name) => JSON.parse(textOf(`dashboards/dist/${name}`)) as DashboardJson);
const panels = all.flatMap((one) =>
  one.panels.filter((each) => each.type !== "row").map((each) => ({ where: `${one.title}: ${each.title}`, each })),
);
const queries = panels
  .filter(({ each }) => each.type !== "logs")
  .flatMap(({ where, each }) => (each.targets ?? []).flatMap(({ expr }) => (expr === undefined ? [] : [{ where, expr }])));

/** What a scrape calls a metric of names.ts. */
const told = new Set(
  Object.entries(METRICS).flatMap(([name, { type }]) =>
    type === "histogram" ? ["bucket", "sum", "count"].map((end) => `${name}_${end}`) : [name],
  ),
);

describe("the committed dashboards", () => {
  test("are what the code makes, and nothing else", () => {
    expect(Object.fromEntries(files.map((name) => [`dashboards/dist/${name}`, textOf(`dashboards/dist/${name}`)]))).toEqual(
      Object.fromEntries(dashboardFiles()),
    );
  });

  test("seven, each with a uid of its own, in the classic model", () => {
    expect(all.map(({ uid }) => uid).sort()).toEqual([
      "restorewatch-anomalies",
      "restorewatch-coverage",
      "restorewatch-drill",
      "restorewatch-fleet",
      "restorewatch-health",
      "restorewatch-objectives",
      "restorewatch-source",
    ]);
    expect(new Set(all.map(({ schemaVersion }) => schemaVersion))).toEqual(new Set([42]));
    expect(all.filter(({ title, description }) => title === "" || description === "")).toEqual([]);
  });

  test("every panel has a title, a sentence, a unit and thresholds; titles are unique on a dashboard, ids too", () => {
    const bare = panels.filter(
      ({ each }) =>
        (each.title ?? "").length < 3 ||
        !/^.{15,}\.$/.test(each.description ?? "") ||
        each.fieldConfig?.defaults.unit === undefined ||
        each.fieldConfig.defaults.thresholds === undefined,
    );
    expect(bare.map(({ where }) => where)).toEqual([]);
    for (const one of all) {
      const ids = one.panels.map(({ id }) => id);
      const titles = one.panels.filter(({ type }) => type !== "row").map(({ title }) => title);
      expect([one.title, new Set(ids).size, new Set(titles).size]).toEqual([one.title, ids.length, titles.length]);
    }
  });

  test("panels stay within 24 columns and do not lie on each other", () => {
    const wrong = all.flatMap((one) =>
      one.panels.flatMap(({ id, gridPos: a }) => [
        ...(a.x + a.w > 24 ? [`${one.title}: ${id} is too wide`] : []),
        ...one.panels
          .filter(({ id: other, gridPos: b }) => other > id && a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h)
          .map(({ id: other }) => `${one.title}: ${id} lies on ${other}`),
      ]),
    );
    expect(wrong).toEqual([]);
  });

  test("every metric in every query exists, and one that is made up is noticed", () => {
    const known = new Set<string>([...told, ...FOREIGN, ...RECORDED]);
    const unknown = queries.flatMap(({ where, expr }) =>
      metricsIn(expr)
        .filter((name) => !known.has(name))
        .map((name) => `${where}: ${name}`),
    );
    expect(unknown).toEqual([]);
    expect(queries.filter(({ expr }) => metricsIn(expr).length === 0)).toEqual([]);
    expect(
      metricsIn('sum by (le, made_label) (rate(backup_made_up{a="b_c"}[5m])) / on (x_y) group_left (z_z) backup:r:bool or vector(0)'),
    ).toEqual(["backup_made_up", "backup:r:bool"]);
  });

  test("every recorded series is one that the rules record", () => {
    const rules = textOf("rules/recording.yaml");
    expect(RECORDED.filter((name) => name.includes(":") && !rules.includes(`- record: ${name}\n`))).toEqual([]);
  });

  test("every label in a query is one its metric has", () => {
    const wrong = queries.flatMap(({ where, expr }) =>
      [...expr.matchAll(/([a-z_:]+)\{([^}]*)\}/g)].flatMap(([, name = "", matchers = ""]) => {
        const definition =
          METRICS[name.replace(/_(?:bucket|sum|count)$/, "") as keyof typeof METRICS] ?? METRICS[name as keyof typeof METRICS];
        if (definition === undefined) return [];
        const labels: readonly string[] = definition.labels;
        return [...matchers.matchAll(/([a-z_]+)\s*(?:=~|=|!=|!~)/g)]
          .map((match) => match[1] ?? "")
          .filter((label) => !labels.includes(label))
          .map((label) => `${where}: ${name} has no ${label}`);
      }),
    );
    expect(wrong).toEqual([]);
  });

  test("panels that wait for a metric appear with it", () => {
    const waiting = DASHBOARDS.flatMap((spec) =>
      spec.rows.flatMap((row) => row.panels.flatMap((one) => waitsFor(one).map((name) => `${spec.title}: ${one.title} waits for ${name}`))),
    );
    console.log(waiting.join("\n") || "no panel waits");
    const everything = new Set<string>([...Object.keys(METRICS), ...PROMISED]);
    for (const spec of DASHBOARDS) {
      const whole = spec.rows.flatMap((row) => row.panels);
      expect(whole.filter((one) => waitsFor(one, everything).length > 0)).toEqual([]);
      const shown = shownRows(spec).flatMap((row) => row.panels);
      expect(shown).toEqual(whole.filter((one) => waitsFor(one).length === 0));
    }
  });

  test("the variables stand on each, and narrow the sources", () => {
    for (const one of all) {
      const names = one.templating.list.map(({ name }) => name);
      expect(names).toEqual(["datasource", "tempo", "loki", "platform", "domain", "owner", "tier", "source"]);
      expect(JSON.stringify(one.templating.list.at(-1)?.query)).toContain('tier=~\\"$tier\\"');
    }
  });

  test("histograms carry exemplars, and one that is drawn over time leads to its traces or says why not", () => {
    const quantiles = panels.flatMap(({ where, each }) =>
      each.type === "timeseries"
        ? (each.targets ?? []).filter(({ expr }) => expr?.includes("histogram_quantile") === true).map((target) => ({ where, target }))
        : [],
    );
    expect(quantiles.length).toBeGreaterThan(3);
    expect(quantiles.filter(({ target }) => target.exemplar !== true).map(({ where }) => where)).toEqual([]);
  });

  test("links lead to dashboards that exist and to TraceQL that can be read back", () => {
    const urls = new Set(panels.flatMap(({ each }) => (each.fieldConfig?.defaults.links ?? []).map(({ url }) => url)));
    expect(urls.size).toBeGreaterThan(3);
    for (const url of urls) {
      const page = /^\/d\/([a-z-]+)\?/.exec(url)?.[1];
      if (page !== undefined) expect(all.map(({ uid }) => uid)).toContain(page);
      else expect(url).toMatch(/^\/explore\?schemaVersion=1&panes=/);
    }
    const panes = new URL(
      explore('{ name="restore.drill" && span.backup.source="${__field.labels.source}" }'),
      "http://grafana",
    ).searchParams.get("panes");
    expect((JSON.parse(panes ?? "") as { a: { queries: { query: string }[] } }).a.queries[0]?.query).toBe(
      '{ name="restore.drill" && span.backup.source="${__field.labels.source}" }',
    );
  });

  test("tables keep the columns they were given", () => {
    const tables = panels.filter(({ each }) => each.type === "table" && each.targets?.[0]?.expr !== undefined);
    expect(tables.length).toBeGreaterThan(5);
    for (const { where, each } of tables) {
      const values = each.targets?.length === 1 ? ["Value"] : (each.targets ?? []).map(({ refId }) => `Value #${refId}`);
      const kept = each.transformations?.find(({ id }) => id === "filterFieldsByName")?.options["include"] as
        | { names: string[] }
        | undefined;
      expect([where, values.filter((value) => kept?.names.includes(value) !== true)]).toEqual([where, []]);
    }
  });
});

describe("provisioning", () => {
  interface Source {
    readonly uid: string;
    readonly type: string;
    readonly url: string;
    readonly jsonData: unknown;
  }
  const sources = (parse(textOf("dashboards/provisioning/datasources/restorewatch.yaml")) as { datasources: readonly Source[] })
    .datasources;

  test("every data source another one points at is there", () => {
    const uids = sources.map(({ uid }) => uid);
    expect([...uids].sort()).toEqual(["alertmanager", "loki", "prometheus", "tempo"]);
    const wanted = [...JSON.stringify(sources).matchAll(/"datasourceUid":"([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(wanted.length).toBeGreaterThan(4);
    expect(wanted.filter((uid) => !uids.includes(uid))).toEqual([]);
  });

  test("queries behind traces ask metrics that exist", () => {
    const asked = [...textOf("dashboards/provisioning/datasources/restorewatch.yaml").matchAll(/^\s*query: ([^'\n]+)$/gm)].flatMap(
      (match) => metricsIn(match[1] ?? ""),
    );
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.filter((name) => !told.has(name))).toEqual([]);
  });
});
