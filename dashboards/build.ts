/** From lists of panels to the files of `dashboards/dist`. */
import {
  type Dashboard,
  DashboardBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
  DashboardCursorSync,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../agent/telemetry/names.ts";
import { anomalies } from "./anomalies.ts";
import { coverage } from "./coverage.ts";
import { drill } from "./drill.ts";
import { fleet } from "./fleet.ts";
import { health } from "./health.ts";
import { objectives } from "./objectives.ts";
import { panel, type PanelSpec, PROMETHEUS, queriesOf } from "./panels.ts";
import { metricsIn, PROMISED } from "./queries.ts";
import { source } from "./source.ts";

export interface DashboardSpec {
  /** Also the name of its file. */
  readonly uid: `restorewatch-${string}`;
  readonly title: string;
  readonly description: string;
  readonly from: string;
  /** Whether one source is looked at and not many. */
  readonly single?: boolean;
  readonly rows: readonly { readonly title: string; readonly panels: readonly PanelSpec[] }[];
}

export const DASHBOARDS: readonly DashboardSpec[] = [fleet, source, drill, anomalies, coverage, objectives, health];

/** Promised metrics a panel asks that an agent does not tell yet; where there is one, the panel waits. */
export function waitsFor(spec: PanelSpec, known: ReadonlySet<string> = new Set(Object.keys(METRICS))): readonly string[] {
  const asked = queriesOf(spec).flatMap(metricsIn);
  return PROMISED.filter((name) => asked.includes(name) && !known.has(name));
}

/** The panels that are drawn, row by row. */
export function shownRows(spec: DashboardSpec): DashboardSpec["rows"] {
  return spec.rows
    .map((row) => ({ ...row, panels: row.panels.filter((one) => waitsFor(one).length === 0) }))
    .filter((row) => row.panels.length > 0);
}

/** What each file under dashboards/dist should hold, by path from the root of the repository. */
export function dashboardFiles(): ReadonlyMap<string, string> {
  return new Map(DASHBOARDS.map((spec) => [`dashboards/dist/${spec.uid}.json`, `${JSON.stringify(dashboard(spec), null, 2)}\n`]));
}

/** One dashboard in the classic model; panels flow from left to right and wrap at 24 columns. */
export function dashboard(spec: DashboardSpec): Dashboard {
  const builder = new DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags(["restorewatch"])
    .timezone("browser")
    .time({ from: spec.from, to: "now" })
    .refresh("1m")
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder("Restorewatch")
        .type(DashboardLinkType.Dashboards)
        .tags(["restorewatch"])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    );
  for (const variable of variables(spec.single === true)) builder.withVariable(variable);
  let y = 0;
  let id = 1;
  for (const row of shownRows(spec)) {
    builder.withRow(new RowBuilder(row.title).id(id++).gridPos({ x: 0, y: y++, w: 24, h: 1 }));
    let x = 0;
    let tallest = 0;
    for (const one of row.panels) {
      if (x + one.width > 24) {
        x = 0;
        y += tallest;
        tallest = 0;
      }
      const built = panel(one, id++, { x, y });
      builder.withPanel({ build: () => built });
      x += one.width;
      tallest = Math.max(tallest, one.height);
    }
    y += tallest;
  }
  return builder.build();
}

/** Who and where narrow the list of sources, so a fleet of thousands stays a short list. */
function variables(single: boolean): readonly (DatasourceVariableBuilder | QueryVariableBuilder)[] {
  const chain = ["platform", "domain", "owner", "tier"] as const;
  const narrowed = (upTo: number): string =>
    chain
      .slice(0, upTo)
      .map((name) => `${name}=~"$${name}"`)
      .join(", ");
  const named = (name: string, upTo: number): QueryVariableBuilder =>
    new QueryVariableBuilder(name)
      .label(`${name.slice(0, 1).toUpperCase()}${name.slice(1)}`)
      .datasource(PROMETHEUS)
      .query({ query: `label_values(backup_source_info{${narrowed(upTo)}}, ${name})`, refId: name })
      .refresh(VariableRefresh.OnTimeRangeChanged)
      .sort(VariableSort.AlphabeticalCaseInsensitiveAsc);
  // ".*" and not the list of all names: it also takes sources without an owner, and stays short with ten thousand.
  const everything = (variable: QueryVariableBuilder): QueryVariableBuilder =>
    variable
      .multi(true)
      .includeAll(true)
      .allValue(".*")
      .current({ selected: true, text: ["All"], value: ["$__all"] });
  return [
    new DatasourceVariableBuilder("datasource").label("Prometheus").type("prometheus"),
    new DatasourceVariableBuilder("tempo").label("Tempo").type("tempo"),
    new DatasourceVariableBuilder("loki").label("Loki").type("loki"),
    ...chain.map((name, index) => everything(named(name, index))),
    single ? named("source", chain.length) : everything(named("source", chain.length)),
  ];
}
