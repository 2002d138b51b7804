/** The long tables of a source: its recovery points with their verdicts, and the runs that its backup job reported. */
import { html } from "hono/html";
import type { LedgerRow } from "../../core/ports.ts";
import { describeBytes, describeCount, describeDuration, describeMoment, describeNumber } from "../../core/words-for-people.ts";
import type { SourceView } from "../reader.ts";
import { ago, drillHref, type Html, moment, scrollBox, verdictBadge, verdictMark } from "./html.ts";

export const POINTS_SHOWN = 14;
const RUNS_SHOWN = 10;

export function pointsSection({ points, ledger, policy, poll, at }: SourceView, shown: number): Html {
  const newest = new Map(ledger.toReversed().map((row) => [row.pointId, row]));
  return html`<section id="points">
    <h2>Which backups are there?</h2>
    ${points.length === 0 ? "" : verdictStrip(points, newest, at)}
    ${
      points.length === 0
        ? html`<p class="empty">
            ${poll === null || poll.lastOkAt === null ? "The vault has not been looked at yet: backups are expected" : "No backup was found"}
            under <code>${policy.backups.path}/${policy.backups.pattern}</code> in vault <code>${policy.backups.vaultId}</code>.
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
                      ${row === undefined ? html`<span class="muted">not tried</span>` : html`<a class="plain" href="${drillHref(row.drillId)}">${verdictBadge(row.verdict)}</a>`}
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
      points.length === 0
        ? ""
        : html`<p class="muted">
            Tried are the newest backup and ${describeCount(policy.verify.history, "older one")} (<code>verify.history</code> in the
            configuration).
          </p>`
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

const STRIP_MOST = 60;

/** One mark a backup, oldest left: the run of verdicts at a glance. The table below says the same in words. */
function verdictStrip(points: SourceView["points"], newest: ReadonlyMap<string, LedgerRow>, at: number): Html {
  const shown = points.slice(0, STRIP_MOST).toReversed();
  const counts = (["verified", "failed", "inconclusive"] as const)
    .map((verdict) => [verdict, shown.filter((point) => newest.get(point.id)?.verdict === verdict).length] as const)
    .filter(([, count]) => count > 0)
    .map(([verdict, count]) => `${describeNumber(count)} ${verdict}`);
  const untried = shown.filter((point) => !newest.has(point.id)).length;
  const label = [...counts, ...(untried === 0 ? [] : [`${describeNumber(untried)} not tried`])].join(", ");
  return html`<p class="strip">
    <span class="marks" role="img" aria-label="The newest ${describeCount(shown.length, "backup")}, oldest left: ${label}"
      >${shown.map((point) => verdictMark(newest.get(point.id)?.verdict ?? null, describeMoment(point.createdAt, at)))}</span
    >
    <span class="muted">${label}; oldest left</span>
  </p>`;
}

export function runsSection({ runs, policy, at }: SourceView): Html {
  return html`<section id="runs">
    <h2>How did the backup job run?</h2>
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
