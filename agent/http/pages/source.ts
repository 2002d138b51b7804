/** `/sources/:id`: one source end to end: how it stands, why, its history, and where the evidence lies. */
import { html } from "hono/html";
import type { CheckRegistry } from "../../core/definitions.ts";
import { nextStep } from "../../core/next-step.ts";
import { nextSampleAt } from "../../core/plan.ts";
import type { Isolation } from "../../core/values.ts";
import { capital, describeBytes, describeCount, describeDuration, describeNumber } from "../../core/words-for-people.ts";
import type { SourceView } from "../reader.ts";
import {
  ago,
  alarmBadge,
  drillHref,
  duration,
  type Html,
  layerLine,
  leftInVault,
  levelBadge,
  moment,
  prose,
  restoreBadge,
  rpoBadge,
  rpoTone,
  term,
} from "./html.ts";
import { expectedForm } from "./baseline.ts";
import { resourcesCard } from "./drill.ts";
import { isolationList } from "./isolation.ts";
import { forecastTerms, forecastWords } from "./forecast.ts";
import { historyFigures } from "./history.ts";
import { driftNotice, productNotice, productTerms } from "./product.ts";
import { checkResults } from "./results.ts";
import { pointsSection, runsSection } from "./source-tables.ts";
import { objectiveBar } from "./svg.ts";

export interface SourceExtras {
  readonly checks: CheckRegistry;
  readonly isolation: Isolation | null;
  readonly evidencePath: string | null;
  readonly baseline: Html;
  readonly coverage: Html;
  /** Of the forms by which a person decides; null where nobody may here. */
  readonly token: string | null;
  /** How many recovery points to list. */
  readonly shown: number;
}

export function sourceBody(view: SourceView, extras: SourceExtras): Html {
  const { policy, status, at } = view;
  return html`<nav class="crumbs" aria-label="Where you are"><a href="/">Fleet</a> <span aria-hidden="true">›</span> ${policy.id}</nav>
    <h1>${policy.id} ${levelBadge(status.level)}</h1>
    <p class="headline">${status.headline}.</p>
    ${nextBox(view)} ${identity(view)} ${pollTrouble(view)} ${productNotice(status.product)}
    <div class="cards">
      ${newestCard(view)} ${verificationCard(view)} ${restoreTimeCard(view)} ${view.drill === null ? "" : resourcesCard(view.drill)}
    </div>
    ${alarmsSection(view, extras.token)}
    <section id="checks">
      <h2>What the checks found</h2>
      ${view.drill === null ? noDrill(view) : drillIntro(view)} ${view.drill === null ? "" : checkResults(view.drill.checks, extras.checks)}
    </section>
    <section id="history">
      <h2>How have its numbers changed?</h2>
      ${historyFigures(view.history, at)}
    </section>
    ${extras.coverage} ${driftNotice(status.product, at)} ${extras.baseline} ${pointsSection(view, extras.shown)} ${runsSection(view)}
    <section id="evidence">
      <h2>Evidence and isolation</h2>
      <p>
        Every recovery point, drill and alarm of this source is an entry of an append-only log, each carrying the hash of the one
        before${extras.evidencePath === null ? "" : html`, in <code>${extras.evidencePath}</code>`}. Check it with
        <code>restorewatch evidence verify</code>.
      </p>
      <details id="isolation">
        <summary>How a drill is kept apart on this machine</summary>
        ${isolationList(extras.isolation)}
      </details>
    </section>`;
}

/** What to do, and what there is to restore from meanwhile. */
function nextBox({ status, policy, points, ledger, at }: SourceView): Html {
  const step = nextStep(status, policy);
  if (step === null) return html``;
  const verified = new Set(ledger.filter((row) => row.verdict === "verified").map((row) => row.pointId));
  const good = points.find((point) => verified.has(point.id));
  const drill = ledger.find((row) => row.pointId === good?.id && row.verdict === "verified");
  return html`<section class="notice" aria-label="What to do next">
    <strong>What to do next:</strong> ${prose(step)}
    <p>
      ${
        good === undefined || drill === undefined
          ? "No backup of this source that is still in the vault has been verified."
          : html`If you had to restore now: the newest backup that verified is of ${moment(good.createdAt, at)},
              <code>${good.path}</code> (<a href="${drillHref(drill.drillId)}">its drill</a>).`
      }
    </p>
  </section>`;
}

function identity({ policy, status, poll, at }: SourceView): Html {
  return html`<dl class="identity">
    ${term("Platform", policy.platform)} ${term("Owner", status.owner ?? html`<strong class="warn">nobody is named</strong>`)}
    ${policy.owner?.contact === null || policy.owner === null ? "" : term("Contact", policy.owner.contact)} ${term("Domain", policy.domain)}
    ${term("Tier", policy.tier, "How important it is; it orders sources that stand equally badly")}
    ${term("Backups", html`vault <code>${policy.backups.vaultId}</code>, <code>${policy.backups.path}/${policy.backups.pattern}</code>`)}
    ${term("Looked at", poll === null || poll.lastPollAt === null ? "not yet" : ago(poll.lastPollAt, at), "When the vault was last listed")}
    ${productTerms(status.product, at)}
  </dl>`;
}

function pollTrouble({ status, at }: SourceView): Html {
  const { trouble } = status;
  if (trouble === null) return html``;
  return html`<section class="notice warn" aria-label="Polling fails">
    <strong>The vault could not be looked at</strong>${trouble.since === null ? "" : html` since ${moment(trouble.since, at)}`}
    (${describeCount(trouble.failures, "try", "tries")}): ${trouble.message} <code>${trouble.code}</code>
    <p>
      Nothing below is newer than that. It says nothing about the backups themselves; <code>restorewatch check</code> shows what is in the
      way.
    </p>
  </section>`;
}

function newestCard({ status, policy, points, at }: SourceView): Html {
  const { rpo } = status;
  const [newest] = points;
  const ratio = rpo.ageMs === null || rpo.objectiveMs === null ? null : rpo.ageMs / rpo.objectiveMs;
  return html`<section class="card">
    <h2 title="Recovery point objective: how much work you accept to lose">How old is the newest backup?</h2>
    <p class="big">${rpo.newestAt === null ? "none" : ago(rpo.newestAt, at)} ${rpoBadge(rpo.state)}</p>
    ${objectiveBar(ratio, rpoTone(rpo.state))}
    <dl class="facts">
      ${term("Objective (RPO)", duration(rpo.objectiveMs), "The newest backup is never to be older than this")}
      ${term("Expected every", duration(policy.backups.everyMs))} ${newest === undefined ? "" : term("Size", describeBytes(newest.bytes))}
      ${term("Kept", `${describeCount(status.counts.points, "recovery point")}, ${describeBytes(status.counts.bytes)}`)}
      ${term("To be kept for", duration(policy.backups.retentionMs))}
    </dl>
  </section>`;
}

function verificationCard({ status, policy, points, ledger, drill, at }: SourceView): Html {
  const next = nextSampleAt(policy, points, ledger.toReversed(), at);
  return html`<section class="card">
    <h2 title="The verdict of the newest drill of the newest backup">Would it restore?</h2>
    <p class="big">${restoreBadge(status)}</p>
    <ul class="layers">
      ${status.layers.map((one) => layerLine(one.layer, one.verdict, one.verifiedAt, one.stale, at))}
    </ul>
    <dl class="facts">
      ${drill?.artifact.unread === undefined ? "" : leftInVault(drill.artifact.unread)}
      ${term("Verified at least every", describeDuration(policy.objectives.verifyMs))}
      ${term("Next drill", next === null ? "when the first backup is there" : next <= at ? "due now" : ago(next, at))}
    </dl>
  </section>`;
}

function restoreTimeCard({ policy, drill, forecast, at }: SourceView): Html {
  const took = drill === null || drill.verdict === "inconclusive" ? null : drill.finishedAt - drill.startedAt;
  return html`<section class="card">
    <h2 title="Recovery time objective: how long a restore may take">How long does a restore take?</h2>
    <p class="big">${took === null ? "not measured" : describeDuration(took)}</p>
    ${forecast === null ? "" : forecastWords(forecast, policy.objectives)}
    <dl class="facts">
      ${forecast === null ? "" : forecastTerms(forecast, at)}
      ${term("Objective (RTO)", duration(policy.objectives.rtoMs), "A restore is to take no longer than this")}
      ${drill === null ? "" : term("Measured by", html`<a href="${drillHref(drill.id)}">the last drill</a>, into the sandbox`)}
      ${drill?.sample === null || drill === null ? "" : term("Records checked", `${describeNumber(drill.sample.checked)} of ${describeNumber(drill.sample.population)}`)}
    </dl>
  </section>`;
}

function alarmsSection({ alarms, status, policy, at }: SourceView, token: string | null): Html {
  const ended = alarms.filter((alarm) => alarm.endedAt !== null);
  const row = (alarm: (typeof alarms)[number]): Html =>
    html`<li>
      ${alarmBadge(alarm.endedAt === null)} <span>${alarm.sentence}</span>
      ${(alarm.context ?? []).length === 0 ? "" : html`<small class="context">${capital((alarm.context ?? []).join("; "))}.</small>`}
      <small
        >rule <code>${alarm.rule}</code> on ${alarm.signal}, since
        ${moment(alarm.since, at)}${alarm.endedAt === null ? "" : html`, ended ${moment(alarm.endedAt, at)}`}</small
      >
      ${alarm.endedAt === null && token !== null ? expectedForm(policy.id, alarm.id, token) : ""}
    </li>`;
  return html`<section id="alarms">
    <h2>Alarms: is anything unusual?</h2>
    ${
      status.alarms.length === 0
        ? html`<p class="empty">
            None active. One comes up when a size, a gap or a duration is far from what this source usually shows, or when a run fails.
          </p>`
        : html`<ul class="alarms">
            ${status.alarms.map(row)}
          </ul>`
    }
    ${
      ended.length === 0
        ? ""
        : html`<details id="alarms-ended">
            <summary>${describeCount(ended.length, "alarm")} that ended</summary>
            <ul class="alarms">
              ${ended.map(row)}
            </ul>
          </details>`
    }
  </section>`;
}

function noDrill({ points, poll, policy }: SourceView): Html {
  if (points.length === 0 && (poll === null || poll.lastOkAt === null))
    return html`<p class="empty">
      Nothing is known yet: the vault has not been looked at. That happens by itself every ${describeDuration(policy.pollMs)}.
    </p>`;
  return points.length === 0
    ? html`<p class="empty">
        Nothing to verify yet: no backup was found. Look at the vault, path and pattern of the source, and at the backup job itself.
      </p>`
    : html`<p class="empty">
        Nothing was verified yet. The first drill starts by itself; <code>restorewatch drill ${policy.id}</code> runs one now.
      </p>`;
}

function drillIntro({ drill, points, at }: SourceView): Html {
  if (drill === null) return html``;
  const point = points.find((candidate) => candidate.id === drill.pointId);
  return html`<p>
    In the <a href="${drillHref(drill.id)}">drill</a> that ended
    ${moment(drill.finishedAt, at)}${point === undefined ? "" : html`, of the backup of ${moment(point.createdAt, at)}`}${
      point !== undefined && points[0]?.id !== point.id ? html`. <strong>The newest backup has not been verified yet.</strong>` : "."
    }
  </p>`;
}
