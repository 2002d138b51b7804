/** Draws a dashboard from real query results into one page, so that a person can judge it where Grafana cannot run. */
import type { Series } from "./prometheus.ts";

type Steps = readonly { readonly value: number | null; readonly color: string }[];
export interface PanelJson {
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr?: string; readonly query?: string; readonly legendFormat?: string }[];
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string; readonly thresholds?: { readonly steps: Steps } };
    readonly overrides: readonly {
      readonly matcher: { readonly options: string };
      readonly properties: readonly { readonly id: string; readonly value: unknown }[];
    }[];
  };
  readonly transformations?: readonly { readonly id: string; readonly options: Record<string, unknown> }[];
}
export interface DashboardJson {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly PanelJson[];
}
type Results = readonly (readonly Series[])[];

const COLORS = ["#2f7ed8", "#e07b39", "#3a9a5b", "#b04ad0", "#c23b3b", "#7a7a28", "#2aa7a7", "#8a5a44"];
const NAMED: Readonly<Record<string, string>> = { green: "#2e8b57", orange: "#d9822b", red: "#c23b3b" };
const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** As a person reads it: units as Grafana shows them, roughly. */
export function show(value: number, unit: string): string {
  if (!Number.isFinite(value)) return String(value);
  const round = (one: number): string => String(Number(one.toPrecision(3)));
  if (unit === "percentunit") return `${round(value * 100)} %`;
  if (unit === "bytes") {
    const step = value < 1 ? 0 : Math.min(4, Math.floor(Math.log2(value) / 10));
    return `${round(value / 1024 ** step)} ${["B", "KiB", "MiB", "GiB", "TiB"][step] ?? ""}`;
  }
  if (unit !== "s") return round(value);
  const size = Math.abs(value);
  if (size >= 86_400) return `${round(value / 86_400)} d`;
  if (size >= 3600) return `${round(value / 3600)} h`;
  if (size >= 60) return `${round(value / 60)} min`;
  return size > 0 && size < 1 ? `${round(value * 1000)} ms` : `${round(value)} s`;
}

function colorOf(value: number, steps: Steps): string {
  return NAMED[steps.findLast((step) => step.value === null || value >= step.value)?.color ?? ""] ?? "#222";
}

/** One whole page; `results` lie beside `panels`. */
export function draw(title: string, panels: readonly PanelJson[], results: readonly Results[]): string {
  const cells = panels.map(({ gridPos: { x, y, w, h } }, index) => {
    const one = panels[index];
    if (one === undefined) return "";
    const place = `left:${x * 60}px;top:${y * 34 + 50}px;width:${w * 60 - 8}px;height:${h * 34 - 8}px`;
    return `<section style="${place}"><h2>${escaped(one.title)}</h2>${one.type === "row" ? "" : body(one, results[index] ?? [])}</section>`;
  });
  const bottom = Math.max(...panels.map(({ gridPos: { y, h } }) => (y + h) * 34)) + 70;
  return `<!doctype html><meta charset="utf-8"><style>body{margin:0;height:${bottom}px;background:#f3f4f6;font:12px sans-serif;position:relative}
h1{margin:0;padding:12px;font-size:18px}section{position:absolute;background:#fff;border:1px solid #d8dbe0;overflow:hidden;box-sizing:border-box;padding:4px 8px}
h2{margin:0 0 4px;font-size:12px}table{border-collapse:collapse;width:100%}td,th{text-align:left;border-bottom:1px solid #eee;padding:1px 4px;white-space:nowrap}
.stat{display:inline-block;margin-right:16px}.stat b{display:block;font-size:22px}.none{color:#888}</style><h1>${escaped(title)}</h1>${cells.join("\n")}`;
}

/** Every value with its name as the legend says it. */
function named(one: PanelJson, results: Results): readonly { readonly name: string; readonly points: Series["points"] }[] {
  return results.flatMap((result, index) =>
    result.map(({ labels, points }) => ({
      name: (one.targets?.[index]?.legendFormat ?? "").replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => labels[label] ?? ""),
      points: points.filter(([, value]) => Number.isFinite(value)),
    })),
  );
}

function body(one: PanelJson, results: Results): string {
  const unit = one.fieldConfig?.defaults.unit ?? "none";
  const steps = one.fieldConfig?.defaults.thresholds?.steps ?? [];
  if (results.length === 0) return `<p class="none">Tempo or Loki: ${escaped(one.targets?.[0]?.query ?? one.targets?.[0]?.expr ?? "")}</p>`;
  if (results.every((result) => result.length === 0)) return `<p class="none">no data</p>`;
  if (one.type === "table") return rows(one, results);
  if (one.type === "timeseries") return chart(one, results, unit);
  const values = named(one, results).map(({ name, points }) => ({ name, value: points.at(-1)?.[1] ?? Number.NaN }));
  if (one.type === "stat") {
    return values
      .map(
        ({ name, value }) => `<span class="stat"><b style="color:${colorOf(value, steps)}">${show(value, unit)}</b>${escaped(name)}</span>`,
      )
      .join("");
  }
  const most = Math.max(...values.map(({ value }) => Math.abs(value)), 1e-9);
  const bar = (value: number): string =>
    `<div style="height:12px;width:${(Math.abs(value) / most) * 100}%;background:${colorOf(value, steps)}"></div>`;
  return `<table>${values
    .map(({ name, value }) => `<tr><td>${escaped(name)}</td><td style="width:60%">${bar(value)}</td><td>${show(value, unit)}</td></tr>`)
    .join("")}</table>`;
}

/** As joinByField does: one row a key, the first query brings the labels. A single query keeps its rows apart. */
function rows(one: PanelJson, results: Results): string {
  const option = (id: string, name: string): unknown => one.transformations?.find((each) => each.id === id)?.options[name];
  const titles = Object.entries((option("organize", "renameByName") ?? {}) as Record<string, string>);
  const [sort] = (option("sortBy", "sort") ?? []) as readonly { readonly field: string; readonly desc: boolean }[];
  const key = ({ labels }: Series): string => (results.length === 1 ? JSON.stringify(labels) : (labels["source"] ?? ""));
  const unitOf = (title: string): string => {
    const properties = one.fieldConfig?.overrides.find(({ matcher }) => matcher.options === title)?.properties ?? [];
    const unit = properties.find(({ id }) => id === "unit")?.value;
    return typeof unit === "string" ? unit : "none";
  };
  const cell = (row: string, name: string, title: string): { readonly text: string; readonly order: number | string } => {
    const query = name === "Value" ? 0 : (/^Value #(\w)$/.exec(name)?.[1]?.codePointAt(0) ?? 64) - 65;
    const found = results[Math.max(query, 0)]?.find((series) => key(series) === row);
    if (query < 0) return { text: found?.labels[name] ?? "", order: found?.labels[name] ?? "" };
    const value = found?.points.at(-1)?.[1];
    return value === undefined ? { text: "", order: Number.NEGATIVE_INFINITY } : { text: show(value, unitOf(title)), order: value };
  };
  const [by = ""] = titles.find(([, title]) => title === sort?.field) ?? [];
  const all = [...new Set(results.flatMap((result) => result.map(key)))].toSorted((a, b) => {
    const [x, y] = [cell(a, by, sort?.field ?? "").order, cell(b, by, sort?.field ?? "").order];
    return (x < y ? -1 : x > y ? 1 : 0) * (sort?.desc === true ? -1 : 1);
  });
  const head = titles.map(([, title]) => `<th>${escaped(title)}</th>`).join("");
  const lines = all.map((row) => `<tr>${titles.map(([name, title]) => `<td>${escaped(cell(row, name, title).text)}</td>`).join("")}</tr>`);
  return `<table><tr>${head}</tr>${lines.join("")}</table>`;
}

function chart(one: PanelJson, results: Results, unit: string): string {
  const lines = named(one, results);
  const flat = lines.flatMap(({ points }) => points);
  if (flat.length === 0) return `<p class="none">no numbers</p>`;
  const [from, to] = [Math.min(...flat.map(([at]) => at)), Math.max(...flat.map(([at]) => at))];
  const [low, high] = [Math.min(0, ...flat.map(([, value]) => value)), Math.max(...flat.map(([, value]) => value), 1e-9)];
  const [width, height] = [one.gridPos.w * 60 - 110, one.gridPos.h * 34 - 80];
  const at = ([when, value]: readonly [number, number]): string =>
    `${(((when - from) / Math.max(to - from, 1)) * width).toFixed(1)},${(height - ((value - low) / (high - low)) * height).toFixed(1)}`;
  const color = (index: number): string => COLORS[index % COLORS.length] ?? "#222";
  const drawn = lines.map(
    ({ points }, index) => `<polyline fill="none" stroke="${color(index)}" stroke-width="2" points="${points.map(at).join(" ")}"/>`,
  );
  const names = lines.slice(0, 14).map(({ name }, index) => `<span style="color:${color(index)}">■ ${escaped(name)}</span>`);
  return `<div>${show(low, unit)} … ${show(high, unit)}</div><svg width="${width}" height="${height}" style="border-left:1px solid #ccc;border-bottom:1px solid #ccc">${drawn.join("")}</svg><div>${names.join(" ")}</div>`;
}
