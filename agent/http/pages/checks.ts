/** `/checks` and `/checks/:id`: what is asked of every backup, what that cannot see, and where it fails now. */
import { html } from "hono/html";
import type { CheckRegistry } from "../../core/definitions.ts";
import type { Check } from "../../core/ports.ts";
import { LAYERS } from "../../core/words.ts";
import { capital, describeCount, describeNumber } from "../../core/words-for-people.ts";
import type { CheckNotes } from "../deps.ts";
import type { FailingSource } from "../failing.ts";
import type { Fleet } from "../reader.ts";
import { ago, checkHref, drillHref, type Html, icon, LAYER_MEANING, scrollBox, sourceLink, withCheckLinks } from "./html.ts";

type Failing = ReadonlyMap<string, readonly FailingSource[]>;

export function checksBody(registry: CheckRegistry, failing: Failing): Html {
  const failingIn = (check: Check): number => failing.get(check.id)?.length ?? 0;
  const broken = registry.filter((check) => failing.has(check.id)).length;
  return html`<h1>Checks</h1>
    <p class="headline">
      ${broken === 0 ? "No check fails anywhere now." : `${describeCount(broken, "check")} ${broken === 1 ? "fails" : "fail"} somewhere now.`}
    </p>
    <p class="lead">
      What a drill asks of a backup. Checks that fail come first; those with nothing to ask about a backup are marked “not asked” in its
      drill, with the reason.
    </p>
    ${LAYERS.map((layer) => {
      const own = registry.filter((check) => check.layer === layer).toSorted((a, b) => failingIn(b) - failingIn(a));
      if (own.length === 0) return "";
      return html`<section>
        <h2>Layer ${layer} <small>${LAYER_MEANING[layer]}</small></h2>
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
            ${
              count === 0
                ? html`<span class="muted">nowhere</span>`
                : html`<a class="when" href="${checkHref(check.id)}">${icon("cross", "bad")}${describeCount(count, "source")}</a>`
            }
          </td>
        </tr>`;
      })}
    </tbody>
  </table>`;
}

const NEEDS: Readonly<Record<Check["needs"], string>> = {
  artifact: "As soon as the backup was fetched.",
  content: "Once the backup was opened as what it is.",
  sandbox: "Once every record was loaded into the sandbox.",
};

export function checkBody(
  check: Check,
  notes: CheckNotes,
  failing: readonly FailingSource[],
  fleet: Fleet,
  ids: ReadonlySet<string>,
): Html {
  const { at } = fleet;
  return html`<nav class="crumbs" aria-label="Where you are">
      <a href="/checks">Checks</a> <span aria-hidden="true">›</span> ${check.id}
    </nav>
    <h1>${check.question}</h1>
    <p class="lead">Check <code>${check.id}</code> of layer ${check.layer}: ${LAYER_MEANING[check.layer]}.</p>
    <section>
      <h2>Where does it fail now?</h2>
      ${failing.length === 0 ? html`<p class="empty">${nowhere(fleet)}</p>` : scrollBox("Failing sources", failingTable(failing, at))}
    </section>
    <div class="cards">
      <section class="card">
        <h2>When is it asked?</h2>
        <p>${NEEDS[check.needs]} Where there is nothing to ask about, it is marked “not asked”, with the reason.</p>
      </section>
      <section class="card">
        <h2>Which backups can answer it?</h2>
        ${
          notes.formats.length === 0
            ? html`<p>None of the formats that are read today.</p>`
            : html`<p>Those of format ${listed(notes.formats.map((id) => html`<code>${id}</code>`))}.</p>`
        }
      </section>
      <section class="card">
        <h2>What can it not see?</h2>
        <p>${withCheckLinks(check.limits, ids)}</p>
      </section>
      <section class="card">
        <h2>What went wrong for others?</h2>
        ${
          notes.failures.length === 0
            ? html`<p>
                ${check.pitfalls.length === 0 ? "No failure told in public is known to us." : `${capital(check.pitfalls.join("; "))}.`}
              </p>`
            : html`<ul class="plain-list">
                ${notes.failures.map(({ failure, seen }) => html`<li>${capital(failure)} <small class="muted">${seen}</small></li>`)}
              </ul>`
        }
      </section>
    </div>`;
}

function failingTable(failing: readonly FailingSource[], at: number): Html {
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Source</th>
        <th scope="col">What was found</th>
        <th scope="col">Found by the drill</th>
      </tr>
    </thead>
    <tbody>
      ${failing.map(
        (one) =>
          html`<tr>
            <th scope="row">${sourceLink(one.sourceId)}</th>
            <td class="wide">${one.result.observed}</td>
            <td class="when"><a href="${drillHref(one.drillId)}">${ago(one.finishedAt, at)}</a></td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** Not having looked is not the same as having found nothing. */
function nowhere({ entries }: Fleet): string {
  const looked = entries.filter(({ status }) => status.drill !== null || status.previous !== null).length;
  if (looked === 0) return "Not known yet: no backup was verified so far.";
  const rest = entries.length - looked;
  const unknown = rest === 0 ? "" : ` Nothing is known yet of ${describeCount(rest, "other source")}.`;
  return `Nowhere: in the newest drill of ${looked === 1 ? "the one source" : `each of ${describeNumber(looked)} sources`} it passed, or there was nothing to ask it about.${unknown}`;
}

function listed(items: readonly Html[]): Html {
  return html`${items.map((item, index) => html`${index === 0 ? "" : index === items.length - 1 ? " or " : ", "}${item}`)}`;
}
