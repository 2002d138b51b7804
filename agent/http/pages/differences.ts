/** `/drills/:id/differences`: what production held where the backup held something else. People's data: shown here and nowhere else. */
import { html } from "hono/html";
import type { Differences, DifferentItem } from "../../core/differences.ts";
import type { DrillRecord } from "../../core/values.ts";
import { capital, describeCount, describeNumber } from "../../core/words-for-people.ts";
import { ago, drillHref, type Html, moment, scrollBox, sourceLink } from "./html.ts";

const RESULT_WORDS: Readonly<Record<DifferentItem["result"], string>> = {
  mismatch: "Wrong in the backup",
  unverifiable: "Cannot be told",
  changed: "Changed since",
};

/** Part of the page of a drill: how many differ, and where to see in what. Nothing where production was not asked. */
export function comparedSection({ id, compared }: DrillRecord): Html {
  if (compared === undefined) return html``;
  const { match, changed, mismatch, unverifiable } = compared;
  const count = (items: number, text: string): Html => html`<li>${describeCount(items, "record")} ${text}</li>`;
  return html`<section id="compared">
    <h2>How does it compare with production?</h2>
    <ul>
      ${count(match, "are the same")} ${changed > 0 ? count(changed, "were changed, made or deleted by people since") : ""}
      ${mismatch > 0 ? html`<li><strong class="bad">${describeCount(mismatch, "record")}</strong> production held otherwise before the backup began</li>` : ""}
      ${unverifiable > 0 ? count(unverifiable, "could not be told: the next backup shows which") : ""}
    </ul>
    ${
      changed + mismatch + unverifiable === 0
        ? ""
        : html`<p><a href="${drillHref(id)}/differences">Show the differences field by field</a>, for people on this machine.</p>`
    }
  </section>`;
}

export function differencesBody(drill: DrillRecord, found: Differences | null, now: number): Html {
  return html`<nav class="crumbs" aria-label="Where you are">
      <a href="/">Fleet</a> <span aria-hidden="true">›</span> ${sourceLink(drill.sourceId)} <span aria-hidden="true">›</span>
      <a href="${drillHref(drill.id)}">drill</a> <span aria-hidden="true">›</span> differences
    </nav>
    <h1>What differs from production</h1>
    ${found === null ? gone(drill) : list(found, now)}`;
}

function gone({ sourceId }: DrillRecord): Html {
  return html`<p class="empty">
    The values of this comparison are not kept any more. Only those of the last one of a source are, and only for a while
    (<code>verify.keepDifferences</code>); <code>restorewatch drill ${sourceId}</code> compares again.
  </p>`;
}

function list({ items, more, startedAt, comparedAt, expiresAt, sourceId }: Differences, now: number): Html {
  return html`<p>
      The backup began ${moment(startedAt, now)}, production was read ${moment(comparedAt, now)}. These values lie in a file on the agent's
      machine alone and are removed ${ago(expiresAt, now)}; <code>restorewatch diff ${sourceId} --forget</code> removes them now.
    </p>
    ${items.map((item) => itemSection(item, now))}
    ${more === 0 ? "" : html`<p class="muted">And ${describeCount(more, "further record")}.</p>`}`;
}

function itemSection(item: DifferentItem, now: number): Html {
  const { collection, key, result, because, fields } = item;
  return html`<section class="difference">
    <h2>${collection} <code>${key}</code></h2>
    <p>
      <strong class="${result === "mismatch" ? "bad" : "warn"}">${RESULT_WORDS[result]}</strong>: ${capital(because)}${times(item, now)}.
    </p>
    ${
      fields.length === 0
        ? ""
        : scrollBox(
            `Fields of ${collection} that differ`,
            html`<table>
              <thead>
                <tr>
                  <th scope="col">Field</th>
                  <th scope="col">In the backup</th>
                  <th scope="col">In production</th>
                </tr>
              </thead>
              <tbody>
                ${fields.map(
                  (one) =>
                    html`<tr>
                      <th scope="row">${one.field}</th>
                      <td class="wide">${shown(one.backup)}</td>
                      <td class="wide">${shown(one.production)}</td>
                    </tr>`,
                )}
              </tbody>
            </table>`,
          )
    }
    ${item.more === 0 ? "" : html`<p class="muted">And ${describeNumber(item.more)} more fields.</p>`}
  </section>`;
}

function shown(value: string | null): Html {
  return value === null ? html`<span class="muted">empty</span>` : html`<span class="value">${value}</span>`;
}

function times({ productionUpdatedAt, productionCreatedAt, because }: DifferentItem, now: number): Html {
  const at = because.startsWith("created") ? productionCreatedAt : productionUpdatedAt;
  return at === null ? html`` : html`, in production ${moment(at, now)}`;
}
