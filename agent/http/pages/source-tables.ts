/** The long tables of a source: its recovery points with their verdicts, and the runs that its backup job reported. */
import { html } from "hono/html";
import { describeBytes, describeDuration, describeNumber } from "../../core/words-for-people.ts";
import type { SourceView } from "../reader.ts";
import { ago, drillHref, type Html, moment, scrollBox, verdictBadge } from "./html.ts";

export const POINTS_SHOWN = 14;
const RUNS_SHOWN = 10;

export function pointsSection({ points, ledger, policy, at }: SourceView, shown: number): Html {
  const newest = new Map(ledger.toReversed().map((row) => [row.pointId, row]));
  return html`<section id="points">
    <h2>Recovery points</h2>
    ${
      points.length === 0
        ? html`<p class="empty">
            No backup was found under <code>${policy.backups.path}/${policy.backups.pattern}</code> in vault
            <code>${policy.backups.vaultId}</code>.
          </p>`
        : scrollBox(
            "Recovery points",
            html`<table>
              <thead>
                <tr>
                  <th scope="col">Made</th>
                  <th scope="col">Verdict</th>
                  <th scope="col" class="number">Size</th>
                  <th scope="col">Where</th>
                  <th scope="col">Protected until</th>
                </tr>
              </thead>
              <tbody>
                ${points.slice(0, shown).map((point) => {
                  const row = newest.get(point.id);
                  return html`<tr>
                    <th scope="row">${moment(point.createdAt, at)}</th>
                    <td>
                      ${row === undefined ? html`<span class="muted">not drilled</span>` : html`<a class="plain" href="${drillHref(row.drillId)}">${verdictBadge(row.verdict)}</a>`}
                    </td>
                    <td class="number">${describeBytes(point.bytes)}</td>
                    <td class="path"><code>${point.path}</code></td>
                    <td>
                      ${point.immutableUntil === null ? html`<span class="muted" title="The vault says nothing of a lock: it could be deleted or changed">not locked</span>` : ago(point.immutableUntil, at)}
                    </td>
                  </tr>`;
                })}
              </tbody>
            </table>`,
          )
    }
    ${
      points.length > shown
        ? html`<p>
            <a href="/sources/${encodeURIComponent(policy.id)}?points=${shown + 100}#points"
              >Show more of the ${describeNumber(points.length)}</a
            >
          </p>`
        : ""
    }
  </section>`;
}

export function runsSection({ runs, policy, at }: SourceView): Html {
  return html`<section id="runs">
    <h2>Backup runs</h2>
    ${
      runs.length === 0
        ? html`<p class="empty">
            No run was reported, so how long backups take, and that one failed, cannot be known from the files alone. Let the backup job
            call
            <code>restorewatch record ${policy.id} …</code> or POST to <code>/api/v1/runs</code>.
          </p>`
        : scrollBox(
            "Backup runs",
            html`<table>
              <thead>
                <tr>
                  <th scope="col">Ended</th>
                  <th scope="col">Outcome</th>
                  <th scope="col" class="number">Took</th>
                  <th scope="col" class="number">Size</th>
                  <th scope="col">Message</th>
                </tr>
              </thead>
              <tbody>
                ${runs.slice(0, RUNS_SHOWN).map(
                  (run) =>
                    html`<tr>
                      <th scope="row">${moment(run.finishedAt, at)}</th>
                      <td>${run.outcome === "success" ? run.outcome : html`<strong class="warn">${run.outcome}</strong>`}</td>
                      <td class="number">${run.startedAt === null ? "–" : describeDuration(run.finishedAt - run.startedAt)}</td>
                      <td class="number">${run.bytes === null ? "–" : describeBytes(run.bytes)}</td>
                      <td>${run.message ?? ""}</td>
                    </tr>`,
                )}
              </tbody>
            </table>`,
          )
    }
  </section>`;
}
