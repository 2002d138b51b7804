/** How much of a source's records was restored or compared in time, what is behind and why; and the sources that cannot keep their promise. */
import { html } from "hono/html";
import type { BehindReason, Coverage } from "../../core/sampling/coverage.ts";
import type { LayerStanding } from "../../core/sampling/standing.ts";
import { capital, describeCount, describeDuration, describeNumber } from "../../core/words-for-people.ts";
import type { SourceStanding } from "../api/coverage.ts";
import { ago, type Html, scrollBox, sourceLink, term, yesNoBadge } from "./html.ts";
import { shareBar } from "./svg.ts";

const DAY = 86_400_000;
/** Collections of one layer that are listed; those furthest behind come first. */
const SHOWN = 50;

const BEHIND_WORDS: Readonly<Record<BehindReason, string>> = {
  never: "never read",
  new: "new since",
  unreadable: "could not be read",
  untimed: "of unknown age",
  doubted: "not to be believed",
  late: "read too long ago",
};

/** Part of the page of a source; nothing where everything is read in every drill. */
export function coverageSection(source: string, standing: readonly LayerStanding[], now: number): Html {
  if (standing.length === 0) return html``;
  return html`<section id="coverage">
    <h2>How much of it was really tried?</h2>
    <p>
      Restoring and comparing every record each night would be too dear, so a drill takes a part of them, and the parts go round.
      <code>restorewatch plan ${source}</code> says what going round faster takes.
    </p>
    <div class="cards">${standing.map((one) => layerCard(one, now))}</div>
    ${standing.map((one) => strataTable(one, now))}
  </section>`;
}

function layerCard(standing: LayerStanding, now: number): Html {
  const { layer, coverage, withinMs, why, plan, badRateUpper } = standing;
  const ratio = coverage?.ratio ?? null;
  const whole = ratio !== null && coverage !== null && coverage.covered === coverage.population;
  return html`<section class="card" id="coverage-${layer}">
    <h3>Layer ${layer}: ${layer === "scratch" ? "restored into the product" : "compared with production"}</h3>
    <p class="big">${coverage === null ? "never ran" : ratio === null ? "cannot be counted" : `${percentDown(ratio)} in time`}</p>
    ${ratio === null ? "" : shareBar(ratio, whole ? "good" : "warn")}
    <dl class="facts">
      ${term("Promised", `every record within ${describeDuration(withinMs)}`)}
      ${coverage === null ? "" : term("Verified in time", `${describeNumber(coverage.covered)} of ${describeCount(coverage.population, "record")}`)}
      ${coverage === null || coverage.oldestAt === null ? "" : term("Waits longest", oldest(coverage.oldestAt, withinMs, now), "When the record was last verified that waits longest; one that never was counts from when it was there")}
      ${badRateUpper === null ? "" : term("Bad at most", `fewer than ${percentUp(badRateUpper)}, with 95 % confidence`, "Of the last drill; a single lost record may still be there")}
      ${plan === null ? "" : term("The promise", promiseWords(plan.promise.keepsCoverage))}
      ${plan === null ? "" : term("One round takes", plan.promise.cycleDays === null ? "for ever" : describeDuration(plan.promise.cycleDays * DAY))}
    </dl>
    ${
      why.length === 0
        ? ""
        : html`<ul class="reasons">
            ${why.map((sentence) => html`<li>${capital(sentence)}.</li>`)}
          </ul>`
    }
    ${warningsOf(standing).map((warning) => html`<p class="warn">${warning}</p>`)}
  </section>`;
}

/** Without what the reasons say already. */
function warningsOf({ plan, why }: LayerStanding): readonly string[] {
  const warnings = plan?.promise.warnings ?? [];
  return why.some((one) => one.startsWith("the budget")) ? warnings.slice(1) : warnings;
}

function promiseWords(kept: boolean): Html {
  return yesNoBadge(kept, "Cannot be kept");
}

function oldest(at: number, withinMs: number, now: number): Html {
  return now - at > withinMs ? html`<strong class="warn">${ago(at, now)}</strong>` : ago(at, now);
}

function strataTable({ layer, coverage }: LayerStanding, now: number): Html {
  if (coverage === null) return html``;
  const rest = coverage.strata.length - SHOWN;
  return html`<details id="strata-${layer}">
    <summary>${capital(layer)}, by collection (${describeNumber(coverage.strata.length)})</summary>
    ${scrollBox(
      `Coverage of the layer ${layer} by collection`,
      html`<table>
        <thead>
          <tr>
            <th scope="col">Collection</th>
            <th scope="col" class="number">In time</th>
            <th scope="col" class="number">Records</th>
            <th scope="col">Waits longest</th>
            <th scope="col">Behind</th>
          </tr>
        </thead>
        <tbody>
          ${coverage.strata.slice(0, SHOWN).map(
            (one) =>
              html`<tr>
                <th scope="row">${one.stratum.collection}</th>
                <td class="number">${one.ratio === null ? "cannot be counted" : percentDown(one.ratio)}</td>
                <td class="number">${describeNumber(one.population)}</td>
                <td>${one.oldestAt === null ? "nothing waits" : ago(one.oldestAt, now)}</td>
                <td>${behindWords(one)}</td>
              </tr>`,
          )}
        </tbody>
      </table>`,
    )}
    ${rest > 0 ? html`<p class="muted">And ${describeCount(rest, "further collection")}, less behind.</p>` : ""}
  </details>`;
}

function behindWords({ behind }: Coverage): string {
  const parts = (Object.entries(behind) as [BehindReason, number][]).filter(([, items]) => items > 0);
  return parts.length === 0 ? "nothing" : parts.map(([why, items]) => `${describeNumber(items)} ${BEHIND_WORDS[why]}`).join(", ");
}

/** `/coverage`: every source that reads samples, those that cannot keep their promise first. */
export function coverageBody(all: readonly SourceStanding[], now: number): Html {
  const rows = all.flatMap(({ id, standing }) => standing.map((one) => ({ id, one })));
  const broken = new Set(rows.filter(({ one }) => one.plan?.promise.keepsCoverage === false).map(({ id }) => id)).size;
  return html`<h1>Coverage and promises</h1>
    <p class="headline">${headline(all.length, broken)}</p>
    <p>
      Layers that restore into a product or ask production look at a part of the records in each drill. A promise is kept when every record
      has its turn within the promised time (<code>verify.coverWithin</code>) at today's budget.
    </p>
    ${
      rows.length === 0
        ? ""
        : scrollBox(
            "Coverage by source and layer",
            html`<table>
              <thead>
                <tr>
                  <th scope="col">Source</th>
                  <th scope="col">Layer</th>
                  <th scope="col" class="number">In time</th>
                  <th scope="col">Waits longest</th>
                  <th scope="col">Promised within</th>
                  <th scope="col">One round takes</th>
                  <th scope="col">Promise kept</th>
                  <th scope="col">What is behind</th>
                </tr>
              </thead>
              <tbody>
                ${rows.map(({ id, one }) => promiseRow(id, one, now))}
              </tbody>
            </table>`,
          )
    }`;
}

function headline(sources: number, broken: number): string {
  if (sources === 0) return "No source reads samples: everything is read in every drill.";
  if (broken === 0) return `No promise is known to break, of ${describeCount(sources, "source")} that read samples.`;
  return `${describeCount(broken, "source")} of ${describeNumber(sources)} cannot keep the promise.`;
}

function promiseRow(id: string, { layer, coverage, withinMs, plan, why }: LayerStanding, now: number): Html {
  const promise = plan?.promise ?? null;
  const cycle = promise === null ? "not known" : promise.cycleDays === null ? "for ever" : describeDuration(promise.cycleDays * DAY);
  const ratio = coverage === null ? "never ran" : coverage.ratio === null ? "cannot be counted" : percentDown(coverage.ratio);
  const reasons = [...(promise?.warnings ?? []), ...why.map((one) => `${capital(one)}.`)];
  return html`<tr>
    <th scope="row">${sourceLink(id)}</th>
    <td>${layer}</td>
    <td class="number">${ratio}</td>
    <td>${coverage?.oldestAt == null ? "" : ago(coverage.oldestAt, now)}</td>
    <td>${describeDuration(withinMs)}</td>
    <td>${cycle}</td>
    <td>${promise === null ? html`<span class="muted">not known</span>` : promiseWords(promise.keepsCoverage)}</td>
    <td>${reasons[0] ?? ""}</td>
  </tr>`;
}

/** Never more than it is: 99.96 % is not everything. */
export function percentDown(ratio: number): string {
  return `${Math.floor(ratio * 1000 + 1e-9) / 10} %`;
}

function percentUp(rate: number): string {
  return `${Number((Math.ceil(rate * 1e4 - 1e-9) / 100).toPrecision(4))} %`;
}
