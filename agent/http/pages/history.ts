/** The history of a source's numbers: a picture without a script, a plot to read off with one, and the figures as a table. */
import { html } from "hono/html";
import { describeBytes, describeDuration, describeMoment, describeNumber } from "../../core/words-for-people.ts";
import type { Expected, ShownSignal, SourceView } from "../reader.ts";
import { type Html, moment, scrollBox } from "./html.ts";
import { historyChart } from "./svg.ts";

interface Plot {
  readonly key: ShownSignal;
  readonly title: string;
  readonly unit: "bytes" | "records" | "seconds";
  readonly show: (value: number) => string;
  /** What to do so that there is something to see. */
  readonly missing: string;
}

const PLOTS: readonly Plot[] = [
  {
    key: "bytes",
    title: "Size of each backup",
    unit: "bytes",
    show: describeBytes,
    missing: "It starts with the first backup that is found.",
  },
  {
    key: "records",
    title: "Records in each verified backup",
    unit: "records",
    show: describeNumber,
    missing: "It starts with the first drill that could count records.",
  },
  {
    key: "duration",
    title: "How long each backup run took",
    unit: "seconds",
    show: (seconds) => describeDuration(seconds * 1000),
    missing: "It starts with the first run report that names a start and an end.",
  },
  {
    key: "restore_seconds",
    title: "How long each restore drill took",
    unit: "seconds",
    show: (seconds) => describeDuration(seconds * 1000),
    missing: "It starts with the first rolling drill that verified everything.",
  },
];

const TABLE_ROWS = 60;

export function historyFigures(history: SourceView["history"], now: number): Html {
  return html`<div class="plots">${PLOTS.map((plot) => figure(plot, history[plot.key], now))}</div>`;
}

function figure(plot: Plot, observations: readonly Expected[], now: number): Html {
  if (observations.length < 2)
    return html`<figure>
      <figcaption>${plot.title}</figcaption>
      <p class="empty">
        ${observations.length === 0 ? plot.missing : `One value so far: ${plot.show(observations[0]?.value ?? 0)}. A line needs two.`}
      </p>
    </figure>`;
  const values = observations.map((one) => one.value);
  const [lowest, highest, newest] = [Math.min(...values), Math.max(...values), values.at(-1) ?? 0];
  const [from, to] = [observations[0]?.at ?? 0, observations.at(-1)?.at ?? 0];
  const banded = observations.some(({ band }) => band !== null);
  const { band } = observations.at(-1) ?? { band: null };
  const expected = band === null ? "" : `, expected ${plot.show(band.expected)} (${plot.show(band.lower)} to ${plot.show(band.upper)})`;
  const label = `${plot.title}: ${values.length} values from ${describeMoment(from, now)} to ${describeMoment(to, now)}, lowest ${plot.show(lowest)}, highest ${plot.show(highest)}, newest ${plot.show(newest)}${band === null ? "" : `, expected between ${plot.show(band.lower)} and ${plot.show(band.upper)}`}`;
  const series = JSON.stringify({
    unit: plot.unit,
    title: plot.title,
    at: observations.map((one) => Math.round(one.at / 1000)),
    values,
    ...(banded
      ? { lower: observations.map((one) => short(one.band?.lower)), upper: observations.map((one) => short(one.band?.upper)) }
      : {}),
  });
  return html`<figure>
    <figcaption>
      ${plot.title}
      <span class="muted">newest ${plot.show(newest)}${expected}; lowest ${plot.show(lowest)}, highest ${plot.show(highest)}</span>
    </figcaption>
    <div class="plot" data-plot="${series}" data-label="${label}">${historyChart(observations, label, plot.show(highest))}</div>
    <p class="ends muted"><span>${describeMoment(from, now)}</span><span>${describeMoment(to, now)}</span></p>
    <details id="figures-${plot.key}">
      <summary>As figures</summary>
      ${scrollBox(
        plot.title,
        html`<table>
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col" class="number">${plot.title}</th>
              <th scope="col" class="number">Expected</th>
            </tr>
          </thead>
          <tbody>
            ${observations
              .slice(-TABLE_ROWS)
              .toReversed()
              .map(
                (one) =>
                  html`<tr>
                    <th scope="row">${moment(one.at, now)}</th>
                    <td class="number">${plot.show(one.value)}</td>
                    <td class="number">${one.band === null ? "–" : `${plot.show(one.band.lower)} to ${plot.show(one.band.upper)}`}</td>
                  </tr>`,
              )}
          </tbody>
        </table>`,
      )}
    </details>
  </figure>`;
}

/** Four digits are more than a picture shows. */
function short(value: number | undefined): number | null {
  return value === undefined ? null : Number(value.toPrecision(4));
}
