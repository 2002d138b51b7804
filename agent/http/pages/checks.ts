/** `/checks` and `/checks/:id`: what is asked of every backup, what that cannot see, and where it fails now. */
import { html } from "hono/html";
import type { CheckRegistry } from "../../core/definitions.ts";
import type { Check } from "../../core/ports.ts";
import { LAYERS } from "../../core/words.ts";
import { describeCount } from "../../core/words-for-people.ts";
import type { FailingSource } from "../failing.ts";
import { ago, checkHref, drillHref, type Html, icon, LAYER_MEANING, scrollBox, sourceLink, term } from "./html.ts";

type Failing = ReadonlyMap<string, readonly FailingSource[]>;

export function checksBody(registry: CheckRegistry, failing: Failing): Html {
  const broken = registry.filter((check) => failing.has(check.id)).length;
  return html`<h1>Checks</h1>
    <p class="headline">
      ${broken === 0 ? "No check fails anywhere now." : `${describeCount(broken, "check")} ${broken === 1 ? "fails" : "fail"} somewhere now.`}
    </p>
    <p class="lead">
      What is asked of every backup once it lies in the sandbox. A check that does not apply to a format is not asked, and says so.
    </p>
    ${LAYERS.map((layer) => {
      const own = registry.filter((check) => check.layer === layer);
      if (own.length === 0) return "";
      return html`<section>
        <h2>${layer} <small>${LAYER_MEANING[layer]}</small></h2>
        ${scrollBox(`Checks of layer ${layer}`, checkTable(own, failing))}
      </section>`;
    })}`;
}

function checkTable(checks: readonly Check[], failing: Failing): Html {
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Check</th>
        <th scope="col">What it asks</th>
        <th scope="col">Fails now</th>
      </tr>
    </thead>
    <tbody>
      ${checks.map((check) => {
        const count = failing.get(check.id)?.length ?? 0;
        return html`<tr>
          <th scope="row"><a href="${checkHref(check.id)}">${check.id}</a></th>
          <td class="wide">${check.question}</td>
          <td>
            ${count === 0 ? html`<span class="muted">nowhere</span>` : html`${icon("cross", "bad")} ${describeCount(count, "source")}`}
          </td>
        </tr>`;
      })}
    </tbody>
  </table>`;
}

export function checkBody(check: Check, failing: readonly FailingSource[], now: number): Html {
  return html`<nav class="crumbs" aria-label="Where you are">
      <a href="/checks">Checks</a> <span aria-hidden="true">›</span> ${check.id}
    </nav>
    <h1>${check.id}</h1>
    <p class="headline">${check.question}</p>
    <dl class="identity">
      ${term("Layer", html`${check.layer} <span class="muted">${LAYER_MEANING[check.layer]}</span>`)}
      ${term("What it cannot see", check.limits)}
      ${check.pitfalls.length === 0 ? "" : term("What goes wrong in practice", check.pitfalls.join("; "))}
    </dl>
    <section>
      <h2>Where it fails now</h2>
      ${
        failing.length === 0
          ? html`<p class="empty">Nowhere: in the newest drill of every source it passed, or did not apply.</p>`
          : scrollBox(
              "Failing sources",
              html`<table>
                <thead>
                  <tr>
                    <th scope="col">Source</th>
                    <th scope="col">Seen</th>
                    <th scope="col">Drill</th>
                  </tr>
                </thead>
                <tbody>
                  ${failing.map(
                    (one) =>
                      html`<tr>
                        <th scope="row">${sourceLink(one.sourceId)}</th>
                        <td class="wide">${one.result.observed}</td>
                        <td><a href="${drillHref(one.drillId)}">${ago(one.finishedAt, now)}</a></td>
                      </tr>`,
                  )}
                </tbody>
              </table>`,
            )
      }
    </section>`;
}
