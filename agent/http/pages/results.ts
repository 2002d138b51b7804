/** Results of checks as a table, worst first, with examples of what is wrong. */
import { html } from "hono/html";
import type { CheckRegistry } from "../../core/definitions.ts";
import type { CheckResult, Example } from "../../core/values.ts";
import type { CheckStatus } from "../../core/words.ts";
import { describeCount, describeDuration, describeNumber } from "../../core/words-for-people.ts";
import { checkBadge, checkHref, checkWord, type Html, scrollBox } from "./html.ts";

const ORDER: readonly CheckStatus[] = ["fail", "error", "changed", "pass", "skip"];
const LOUD: ReadonlySet<CheckStatus> = new Set(["fail", "error", "changed"]);

/** Failing, unclear and changed ones are open; what passed or was not asked is folded away behind its count. */
export function checkResults(checks: readonly CheckResult[], registry: CheckRegistry): Html {
  if (checks.length === 0) return html`<p class="empty">No check was asked: the drill ended before that. Its reasons say why.</p>`;
  const groups = Map.groupBy(checks, (check) => check.status);
  return html`${ORDER.flatMap((status) => {
    const group = groups.get(status) ?? [];
    if (group.length === 0) return [];
    const table = scrollBox(`Checks: ${checkWord(status)}`, resultTable(group, registry));
    const title = html`${checkBadge(status)} ${describeCount(group.length, "check")}`;
    return [
      LOUD.has(status)
        ? html`<section class="results">
            <h3>${title}</h3>
            ${table}
          </section>`
        : html`<details class="results" id="checks-${status}">
            <summary>${title}</summary>
            ${table}
          </details>`,
    ];
  })}`;
}

function resultTable(checks: readonly CheckResult[], registry: CheckRegistry): Html {
  const questions = new Map(registry.map((check) => [check.id, check.question]));
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Check</th>
        <th scope="col">What was found</th>
        <th scope="col">Expected</th>
        <th scope="col" class="number" title="Items affected, or looked at where it passed">Items</th>
        <th scope="col" class="number">Took</th>
      </tr>
    </thead>
    <tbody>
      ${checks.map(
        (check) =>
          html`<tr>
            <th scope="row"><a href="${checkHref(check.id)}">${check.id}</a><small>${questions.get(check.id) ?? ""}</small></th>
            <td class="wide">${check.observed}${examples(check.examples, check.count)}</td>
            <td>${check.expected ?? html`<span class="muted">–</span>`}</td>
            <td class="number">${describeNumber(check.count)}</td>
            <td class="number">${describeDuration(check.durationMs)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function examples(list: readonly Example[], count: number): Html {
  if (list.length === 0) return html``;
  const rest = count - list.length;
  return html`<ul class="examples">
    ${list.map(
      (example) =>
        html`<li>
          <code>${example.collection}</code> item
          <code>${example.item}</code>${example.field === undefined ? "" : html`, field <code>${example.field}</code>`}${
            example.note === undefined ? "" : html`: ${example.note}`
          }
        </li>`,
    )}
    ${rest > 0 ? html`<li class="muted">and ${describeNumber(rest)} more</li>` : ""}
  </ul>`;
}
