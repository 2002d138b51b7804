/** `/`: every source, worst first, with the one sentence that matters about each. */
import { html } from "hono/html";
import { nextStep } from "../../core/next-step.ts";
import { LEVELS, type Level, type SourceStatus } from "../../core/status.ts";
import { describeBytes, describeCount, describeDuration, describeNumber } from "../../core/words-for-people.ts";
import type { Fleet, FleetEntry } from "../reader.ts";
import {
  ago,
  drillHref,
  type Html,
  icon,
  layerLine,
  levelLook,
  prose,
  rpoBadge,
  rpoTone,
  scrollBox,
  sourceLink,
  restoreBadge,
} from "./html.ts";
import { objectiveBar, sparkline } from "./svg.ts";

export interface FleetQuery {
  readonly q: string;
  readonly level: Level | null;
  /** From 1. */
  readonly page: number;
}

export const FLEET_PAGE = 50;

export async function fleetBody(fleet: Fleet, query: FleetQuery): Promise<Html> {
  if (fleet.entries.length === 0) return emptyFleet();
  const found = fleet.entries.filter((entry) => matches(entry, query));
  const pages = Math.max(1, Math.ceil(found.length / FLEET_PAGE));
  const number = Math.min(query.page, pages);
  const shown = found.slice((number - 1) * FLEET_PAGE, number * FLEET_PAGE);
  const sizes = await fleet.sizes(shown.map((entry) => entry.policy.id));
  return html`<h1 class="headline">${fleet.summary.headline}</h1>
    <p class="lead">Would each source restore from its newest backup right now? Worst first; open one for the evidence.</p>
    ${levelTiles(fleet, query)} ${filterForm(fleet, query)}
    ${
      shown.length === 0
        ? html`<p class="empty">No source matches. <a href="/">Show all ${describeNumber(fleet.entries.length)}</a>.</p>`
        : html`${scrollBox("Sources", fleetTable(shown, sizes, fleet.at))} ${pager(query, number, pages, found.length)}`
    }
    ${columnsExplained()}`;
}

function matches({ policy, status }: FleetEntry, { q, level }: FleetQuery): boolean {
  if (level !== null && status.level !== level) return false;
  const words = q.toLowerCase().split(/\s+/u).filter(Boolean);
  if (words.length === 0) return true;
  const text = [policy.id, policy.platform, status.owner ?? "", policy.domain, policy.tier, status.verdict, status.headline]
    .join(" ")
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

function levelTiles({ summary }: Fleet, query: FleetQuery): Html {
  return html`<ul class="tiles">
    ${LEVELS.map((level) => {
      const look = levelLook(level);
      const chosen = query.level === level;
      return html`<li>
        <a
          class="tile ${look.tone}"
          href="${fleetHref({ ...query, page: 1, level: chosen ? null : level })}"
          ${chosen ? html`aria-current="true"` : ""}
          >${icon(look.shape, look.tone)}<strong>${describeNumber(summary.levels[level])}</strong> <span>${look.word}</span></a
        >
      </li>`;
    })}
  </ul>`;
}

function filterForm({ entries }: Fleet, query: FleetQuery): Html {
  return html`<form class="filter" method="get" action="/" role="search">
    <label for="q">Filter</label>
    <input
      id="q"
      name="q"
      type="search"
      value="${query.q}"
      placeholder="name, owner, domain, platform, reason"
      maxlength="100"
      autocomplete="off"
    />
    ${query.level === null ? "" : html`<input type="hidden" name="level" value="${query.level}" />`}
    <button type="submit">Apply</button>
    ${query.q === "" && query.level === null ? "" : html`<a href="/">Show all ${describeNumber(entries.length)}</a>`}
  </form>`;
}

function fleetTable(entries: readonly FleetEntry[], sizes: ReadonlyMap<string, readonly number[]>, now: number): Html {
  return html`<table class="fleet" role="table">
    <thead role="rowgroup">
      <tr role="row">
        <th scope="col" role="columnheader">Source</th>
        <th scope="col" role="columnheader" title="Of the newest drill of the newest backup">Would it restore?</th>
        <th scope="col" role="columnheader" title="Age of the newest backup against the recovery point objective (RPO)">Newest backup</th>
        <th scope="col" role="columnheader" title="How deep it was verified, and when">Verified, by layer</th>
        <th scope="col" role="columnheader" title="Alarms that are active now">Alarms</th>
        <th scope="col" role="columnheader" title="Size of the newest backups, oldest left">Sizes</th>
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${entries.map((entry) => fleetRow(entry, sizes.get(entry.policy.id) ?? [], now))}
    </tbody>
  </table>`;
}

function fleetRow({ policy, status }: FleetEntry, sizes: readonly number[], now: number): Html {
  const step = nextStep(status, policy);
  return html`<tr role="row" class="${status.level}">
    <th scope="row" role="rowheader">
      ${levelMark(status.level)}${sourceLink(policy.id)}<small
        >${policy.platform} · <span class="tier-${policy.tier}">${policy.tier}</span></small
      ><small>domain ${policy.domain}</small
      ><small>${status.owner === null ? html`<span class="warn">no owner</span>` : `owner ${status.owner}`}</small>
    </th>
    <td role="cell" data-label="Would it restore?">
      ${status.drill === null ? restoreBadge(status) : html`<a class="plain" href="${drillHref(status.drill.id)}">${restoreBadge(status)}</a>`}
      <p class="reason">${status.headline}</p>
      ${step === null ? "" : html`<p class="next"><strong>Next:</strong> ${prose(step)}</p>`}
    </td>
    <td role="cell" data-label="Newest backup">${newestCell(status, now)}</td>
    <td role="cell" data-label="Verified, by layer">
      <ul class="layers">
        ${status.layers.map((one) => layerLine(one.layer, one.verdict, one.verifiedAt, one.stale, now))}
      </ul>
    </td>
    <td role="cell" data-label="Alarms">
      ${
        status.alarms.length === 0
          ? html`<span class="muted">none</span>`
          : html`<a href="/sources/${encodeURIComponent(policy.id)}#alarms"
              >${icon("triangle", "warn")}${describeNumber(status.alarms.length)}<span class="visually-hidden"> active</span></a
            >`
      }
    </td>
    <td role="cell" data-label="Sizes">${sizesCell(sizes)}</td>
  </tr>`;
}

/** The colour at the edge of the row again, as a shape and a word. */
function levelMark(level: Level): Html {
  const look = levelLook(level);
  return html`<span title="${look.word}">${icon(look.shape, look.tone)}<span class="visually-hidden">${look.word}: </span></span>`;
}

function newestCell({ rpo }: SourceStatus, now: number): Html {
  const objective = rpo.objectiveMs === null ? "no objective" : `objective ${describeDuration(rpo.objectiveMs)}`;
  const age = rpo.newestAt === null ? html`<span class="muted">no backup known</span>` : ago(rpo.newestAt, now);
  const ratio = rpo.ageMs === null || rpo.objectiveMs === null ? null : rpo.ageMs / rpo.objectiveMs;
  return html`<div class="newest">
    ${rpo.state === "ok" ? age : html`${rpoBadge(rpo.state)} ${age}`}${objectiveBar(ratio, rpoTone(rpo.state))}<small>${objective}</small>
  </div>`;
}

function sizesCell(sizes: readonly number[]): Html {
  const newest = sizes.at(-1);
  if (newest === undefined) return html`<span class="muted">none</span>`;
  const label = `Sizes of the newest ${sizes.length} backups: from ${describeBytes(Math.min(...sizes))} to ${describeBytes(Math.max(...sizes))}, newest ${describeBytes(newest)}`;
  return html`${sparkline(sizes, label)}<small>${describeBytes(newest)}</small>`;
}

function pager(query: FleetQuery, number: number, pages: number, found: number): Html {
  if (pages === 1) return html``;
  const from = (number - 1) * FLEET_PAGE + 1;
  return html`<nav class="pager" aria-label="Pages">
    ${number > 1 ? html`<a rel="prev" href="${fleetHref({ ...query, page: number - 1 })}">← Worse</a>` : ""}
    <span
      >${describeNumber(from)}–${describeNumber(Math.min(found, from + FLEET_PAGE - 1))} of ${describeCount(found, "source")}, worst
      first</span
    >
    ${number < pages ? html`<a rel="next" href="${fleetHref({ ...query, page: number + 1 })}">Better →</a>` : ""}
  </nav>`;
}

export function fleetHref({ q, level, page }: FleetQuery): string {
  const parameters = new URLSearchParams({
    ...(q === "" ? {} : { q }),
    ...(level === null ? {} : { level }),
    ...(page === 1 ? {} : { page: String(page) }),
  });
  return parameters.size === 0 ? "/" : `/?${parameters.toString()}`;
}

function columnsExplained(): Html {
  return html`<details class="what">
    <summary>What do the columns mean?</summary>
    <dl class="terms">
      <div>
        <dt>Would it restore?</dt>
        <dd>
          The newest backup is loaded into an isolated sandbox and questioned (a drill). “Verified”: everything promised passed. “Failed”: a
          restore would lose or break something. “Could not tell”: our own trouble, not a finding about the backup.
        </dd>
      </div>
      <div>
        <dt>Next</dt>
        <dd>What a person does about it. Where it is missing, nothing is to be done, or it is being done already.</dd>
      </div>
      <div>
        <dt>Newest backup</dt>
        <dd>
          How old it is. The bar fills up to its age; the upright line is the objective (RPO): how much work you accept to lose. Left of the
          line is in time.
        </dd>
      </div>
      <div>
        <dt>Verified, by layer</dt>
        <dd>
          How deep the newest backup was looked at, and when that last succeeded. Artifact: the bytes are whole. Content: it loads, and the
          records and links in it are sound. “Overdue”: longer ago than the objective.
        </dd>
      </div>
      <div>
        <dt>Alarms</dt>
        <dd>Sizes, durations, gaps or failures far from what this source usually shows.</dd>
      </div>
      <div>
        <dt>Sizes</dt>
        <dd>Bytes of the newest ${SPARK_WORD} backups from 0 up, oldest left, newest at the dot.</dd>
      </div>
    </dl>
  </details>`;
}

const SPARK_WORD = "30";

function emptyFleet(): Html {
  return html`<h1 class="headline">No source is configured yet.</h1>
    <p class="lead">A source is one thing to protect: a base, workspace or app whose backups lie in some folder.</p>
    <section class="card">
      <h2>Add the first one</h2>
      <ol>
        <li>Write a commented starter: <code>restorewatch init</code></li>
        <li>
          Name the folder your backups lie in, and a source in it:
          <pre>
vaults:
  nightly: { type: dir, path: /srv/backups }
sources:
  - id: crm
    platform: { type: grist }
    objectives: { rpo: 24h }
    backups: { vault: nightly, path: crm, every: 24h }</pre>
        </li>
        <li>See whether it can be reached: <code>restorewatch check</code></li>
        <li>Let the agent read it again: send it SIGHUP, or restart it. The source appears here by itself.</li>
      </ol>
    </section>`;
}
