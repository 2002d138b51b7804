/** Panels as data, and how each becomes a panel of Grafana. */
import { PanelBuilder as BarGaugeBuilder } from "@grafana/grafana-foundation-sdk/bargauge";
import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import {
  VizLegendOptionsBuilder,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  TooltipDisplayMode,
  VizOrientation,
  VizTooltipOptionsBuilder,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  TableCellDisplayMode,
} from "@grafana/grafana-foundation-sdk/common";
import {
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder as LokiQuery } from "@grafana/grafana-foundation-sdk/loki";
import { PanelBuilder as LogsBuilder } from "@grafana/grafana-foundation-sdk/logs";
import { DataqueryBuilder as PrometheusQuery, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { DataqueryBuilder as TempoQuery, SearchTableType } from "@grafana/grafana-foundation-sdk/tempo";
import { PanelBuilder as TimeseriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { LINKS, type LinkName } from "./links.ts";

export type Unit = "s" | "bytes" | "percentunit" | "short" | "none" | "dtdurations" | "dateTimeFromNow" | "reqps" | "ops";

export interface Step {
  /** From this value on, the lowest step counts for everything below. */
  readonly from: number | null;
  readonly color: "green" | "yellow" | "orange" | "red" | "blue" | "text";
}

export interface Query {
  readonly expr: string;
  /** How a series is called: Grafana's `{{label}}`. */
  readonly legend: string;
  /** Dots on the line that lead to a trace: histograms only. */
  readonly exemplars?: boolean;
}

/** A column of a table; the first query of a table brings the labels. */
export interface Column {
  readonly expr: string;
  readonly title: string;
  readonly unit: Unit;
  readonly steps?: readonly Step[];
}

interface Common {
  readonly title: string;
  readonly description: string;
  readonly unit: Unit;
  /** Of the 24 columns of a dashboard. */
  readonly width: number;
  readonly height: number;
  readonly steps?: readonly Step[];
  readonly links?: readonly LinkName[];
}
export type PanelSpec = Common &
  (
    | { readonly kind: "stat" | "bars"; readonly queries: readonly Query[] }
    | { readonly kind: "lines"; readonly queries: readonly Query[]; readonly stacked?: boolean; readonly max?: number }
    | {
        readonly kind: "table";
        /** Labels shown as columns, with their titles, in this order. */
        readonly labels: Readonly<Record<string, string>>;
        /** The label that the columns have in common. */
        readonly key: string;
        readonly columns: readonly Column[];
        /** Title of the column the table is sorted by. */
        readonly sortBy: string;
        readonly ascending?: boolean;
      }
    | { readonly kind: "traces"; readonly traceql: string }
    | { readonly kind: "logs"; readonly logql: string }
  );

export const PROMETHEUS = { type: "prometheus", uid: "${datasource}" } as const;
export const TEMPO = { type: "tempo", uid: "${tempo}" } as const;
export const LOKI = { type: "loki", uid: "${loki}" } as const;

const letter = (index: number): string => String.fromCodePoint(65 + index);

/** @returns the panel at its place; `id` is unique on its dashboard */
export function panel(spec: PanelSpec, id: number, place: { readonly x: number; readonly y: number }): Panel {
  return dressed(builderOf(spec), spec, id, place).build();
}

type AnyBuilder = StatBuilder | BarGaugeBuilder | TimeseriesBuilder | TableBuilder | LogsBuilder;

function dressed(builder: AnyBuilder, spec: PanelSpec, id: number, place: { readonly x: number; readonly y: number }): Builder<Panel> {
  builder
    .id(id)
    .title(spec.title)
    .description(spec.description)
    .gridPos({ x: place.x, y: place.y, w: spec.width, h: spec.height })
    .datasource(spec.kind === "traces" ? TEMPO : spec.kind === "logs" ? LOKI : PROMETHEUS)
    .unit(spec.unit)
    .noValue("no data")
    .thresholds(thresholds(spec.steps))
    .dataLinks((spec.links ?? []).map(link));
  return builder;
}

function link(name: LinkName): DashboardLinkBuilder {
  const { title, url } = LINKS[name];
  return new DashboardLinkBuilder(title)
    .type(DashboardLinkType.Link)
    .url(url)
    .targetBlank(name !== "source");
}

function thresholds(steps: readonly Step[] = [{ from: null, color: "text" }]): ThresholdsConfigBuilder {
  const list: Threshold[] = steps.map(({ from, color }) => ({ value: from, color }));
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(list);
}

function builderOf(spec: PanelSpec): AnyBuilder {
  switch (spec.kind) {
    case "stat":
      return new StatBuilder()
        .targets(instants(spec.queries))
        .reduceOptions(last())
        .colorMode(spec.steps === undefined ? BigValueColorMode.None : BigValueColorMode.Value)
        .graphMode(BigValueGraphMode.None)
        .textMode(spec.queries.length > 1 || spec.queries[0]?.legend !== "" ? BigValueTextMode.ValueAndName : BigValueTextMode.Value);
    case "bars":
      return new BarGaugeBuilder().targets(instants(spec.queries)).reduceOptions(last()).orientation(VizOrientation.Horizontal);
    case "lines":
      return lines(spec);
    case "table":
      return table(spec);
    case "traces":
      return new TableBuilder().targets([
        new TempoQuery().datasource(TEMPO).refId("A").queryType("traceql").query(spec.traceql).limit(50).tableType(SearchTableType.Traces),
      ]);
    case "logs":
      return new LogsBuilder().targets([new LokiQuery().datasource(LOKI).refId("A").expr(spec.logql)]);
  }
}

const last = (): ReduceDataOptionsBuilder => new ReduceDataOptionsBuilder().calcs(["lastNotNull"]).values(false);

function instants(queries: readonly Query[]): Builder<Dataquery>[] {
  return queries.map(({ expr, legend }, index) =>
    new PrometheusQuery().datasource(PROMETHEUS).refId(letter(index)).expr(expr).legendFormat(legend).instant(),
  );
}

function lines(spec: PanelSpec & { readonly kind: "lines" }): TimeseriesBuilder {
  const builder = new TimeseriesBuilder()
    .targets(
      spec.queries.map(({ expr, legend, exemplars }, index) =>
        new PrometheusQuery()
          .datasource(PROMETHEUS)
          .refId(letter(index))
          .expr(expr)
          .legendFormat(legend)
          .range()
          .exemplar(exemplars === true),
      ),
    )
    .legend(new VizLegendOptionsBuilder().displayMode(LegendDisplayMode.List).placement(LegendPlacement.Bottom).showLegend(true))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .fillOpacity(spec.stacked === true ? 60 : 5)
    .lineWidth(1)
    .axisSoftMin(0);
  if (spec.steps !== undefined) builder.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  return spec.max === undefined ? builder : builder.max(spec.max);
}

function table(spec: PanelSpec & { readonly kind: "table" }): TableBuilder {
  const value = (index: number): string => (spec.columns.length === 1 ? "Value" : `Value #${letter(index)}`);
  const builder = new TableBuilder().targets(
    queriesOf(spec).map((expr, index) =>
      new PrometheusQuery().datasource(PROMETHEUS).refId(letter(index)).expr(expr).format(PromQueryFormat.Table).instant(),
    ),
  );
  if (spec.columns.length > 1) {
    builder.withTransformation({ id: "joinByField", options: { byField: spec.key, mode: "outer" } });
  }
  const shown = [...Object.keys(spec.labels), ...spec.columns.map((_, index) => value(index))];
  const titles = { ...spec.labels, ...Object.fromEntries(spec.columns.map(({ title }, index) => [value(index), title])) };
  builder.withTransformation({ id: "filterFieldsByName", options: { include: { names: shown } } }).withTransformation({
    id: "organize",
    options: { indexByName: Object.fromEntries(shown.map((name, index) => [name, index])), renameByName: titles },
  });
  builder.withTransformation({ id: "sortBy", options: { fields: {}, sort: [{ field: spec.sortBy, desc: spec.ascending !== true }] } });
  for (const { title, unit, steps } of spec.columns) {
    builder.overrideByName(title, [
      { id: "unit", value: unit },
      ...(steps === undefined
        ? []
        : [
            { id: "thresholds", value: { mode: "absolute", steps: steps.map(({ from, color }) => ({ value: from, color })) } },
            { id: "custom.cellOptions", value: { type: TableCellDisplayMode.ColorText } },
          ]),
    ]);
  }
  return builder;
}

/** Every query of a panel for Prometheus, as it stands in the JSON. */
export function queriesOf(spec: PanelSpec): readonly string[] {
  if (spec.kind === "traces" || spec.kind === "logs") return [];
  if (spec.kind !== "table") return spec.queries.map(({ expr }) => expr);
  const [first, ...others] = spec.columns.map(({ expr }) => expr);
  if (first === undefined) return [];
  // The first column limits the rows; the others would otherwise bring every source of a fleet of thousands.
  return [first, ...others.map((expr) => `(${expr}) and on (${spec.key}) (${first})`)];
}
