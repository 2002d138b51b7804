/** Inline pictures: no script, no style attribute, and never the only place where a figure stands. */
import { html } from "hono/html";
import type { Observation } from "../../core/values.ts";
import type { Html, Tone } from "./html.ts";

/** A bar's whole width stands for this many times the objective, so that the line to stay left of is well inside. */
const BAR_SPAN = 1.5;

/** Age against an objective: filled up to the age, a line where the objective lies. */
export function objectiveBar(ratio: number | null, tone: Tone): Html {
  if (ratio === null) return html``;
  const filled = Math.min(100, (Math.max(0, ratio) / BAR_SPAN) * 100);
  const line = 100 / BAR_SPAN;
  return html`<svg class="bar ${tone}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
    <rect class="track" x="0" y="2" width="100" height="4"></rect>
    <rect class="fill" x="0" y="2" width="${filled.toFixed(1)}" height="4"></rect>
    <rect class="limit" x="${(line - 0.6).toFixed(1)}" y="0" width="1.2" height="8"></rect>
  </svg>`;
}

/** A share of a whole: full is all of it. */
export function shareBar(share: number, tone: Tone): Html {
  return html`<svg class="bar ${tone}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
    <rect class="track" x="0" y="2" width="100" height="4"></rect>
    <rect class="fill" x="0" y="2" width="${(Math.floor(Math.min(1, Math.max(0, share)) * 1000) / 10).toFixed(1)}" height="4"></rect>
  </svg>`;
}

/** A line of sizes, oldest first, from 0 up: a collapse looks like one. `label` says it in words. */
export function sparkline(values: readonly number[], label: string): Html {
  if (values.length < 2) return html``;
  const points = place(
    values,
    values.map((_, index) => index),
    { width: 96, height: 22, pad: 2.5 },
  );
  const last = points.at(-1);
  return html`<svg class="spark" viewBox="0 0 96 22" width="96" height="22" role="img" aria-label="${label}">
    <polyline points="${path(points)}"></polyline>
    ${last === undefined ? "" : html`<circle cx="${last[0]}" cy="${last[1]}" r="2.2"></circle>`}
  </svg>`;
}

/** A bar between two shares of a whole (0 to 1). */
export function spanBar(from: number, to: number): Html {
  const width = Math.max(0.6, (to - from) * 100);
  const x = Math.min(from * 100, 100 - width);
  return html`<svg class="span" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">
    <rect class="track" x="0" y="4.5" width="100" height="1"></rect>
    <rect class="fill" x="${x.toFixed(2)}" y="1" width="${width.toFixed(2)}" height="8"></rect>
  </svg>`;
}

type Charted = Pick<Observation, "at" | "value"> & { readonly band: { readonly lower: number; readonly upper: number } | null };

const CHART = { width: 720, height: 150, pad: 8 };

/** The history of one signal as a line with a dot a point; what a script replaces by a plot that can be read off. */
export function historyChart(observations: readonly Charted[], label: string, top: string): Html {
  const at = observations.map((one) => one.at);
  const values = observations.map((one) => one.value);
  const most = values.reduce((highest, value) => Math.max(highest, value), 0) || 1;
  const points = place(values, at, CHART, most);
  const edge = (of: (band: NonNullable<Charted["band"]>) => number) =>
    place(
      observations.map((one) => (one.band === null ? 0 : Math.min(of(one.band), most * 1.04))),
      at,
      CHART,
      most,
    ).filter((_, index) => observations[index]?.band !== null);
  const band = [...edge(({ upper }) => upper), ...edge(({ lower }) => lower).toReversed()];
  return html`<svg class="chart" viewBox="0 0 ${CHART.width} ${CHART.height}" role="img" aria-label="${label}">
    <line class="axis" x1="0" x2="${CHART.width}" y1="${CHART.height - CHART.pad}" y2="${CHART.height - CHART.pad}"></line>
    <line class="grid" x1="0" x2="${CHART.width}" y1="${CHART.pad}" y2="${CHART.pad}"></line>
    <text x="4" y="${CHART.pad + 14}">${top}</text>
    <text x="4" y="${CHART.height - CHART.pad - 5}">0</text>
    ${band.length === 0 ? "" : html`<polygon class="band" points="${path(band)}"></polygon>`}
    <polyline points="${path(points)}"></polyline>
    ${points.map(([x, y]) => html`<circle cx="${x}" cy="${y}" r="2.4"></circle>`)}
  </svg>`;
}

function place(
  values: readonly number[],
  at: readonly number[],
  box: { readonly width: number; readonly height: number; readonly pad: number },
  top = values.reduce((most, value) => Math.max(most, value), 0) || 1,
): (readonly [number, number])[] {
  const first = at[0] ?? 0;
  const span = (at.at(-1) ?? 0) - first || 1;
  return values.map((value, index) => [
    round(box.pad + (((at[index] ?? first) - first) / span) * (box.width - 2 * box.pad)),
    round(box.height - box.pad - (Math.max(0, value) / top) * (box.height - 2 * box.pad)),
  ]);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function path(points: readonly (readonly [number, number])[]): string {
  return points.map(([x, y]) => `${x},${y}`).join(" ");
}
