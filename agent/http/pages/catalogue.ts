/** `/catalogue`: what there is to protect and what covers it; what is missing comes first. */
import { html } from "hono/html";
import { z } from "zod";
import {
  type Catalogue,
  type CatalogueEntry,
  catalogueHeadline,
  type Coverage,
  type Finding,
  FINDING_KINDS,
  type FindingKind,
  FINDINGS,
  type Severity,
} from "../../core/catalogue.ts";
import { describeCount, describeDuration, describeNumber } from "../../core/words-for-people.ts";
import { ago, type Html, icon, scrollBox, sourceLink, type Tone } from "./html.ts";

/** What cannot be taken of an address falls back to the plain view. */
export const catalogueQuery = z.object({
  q: z.string().trim().max(100).catch(""),
  owner: z.string().max(200).catch(""),
  domain: z.string().max(63).catch(""),
  finding: z.enum(FINDING_KINDS).nullable().catch(null),
  page: z.coerce.number().int().min(1).max(10_000).catch(1),
});
export type CatalogueQuery = z.infer<typeof catalogueQuery>;

export const CATALOGUE_PAGE = 50;
/** Of each kind of finding, unless one kind is asked for. */
const SENTENCES_SHOWN = 5;
const SENTENCES_MOST = 200;
/** Owner to choose where none is named; no team can be called so, since a team's name is never empty. */
const NOBODY = "(nobody)";

export function catalogueBody(made: Catalogue, query: CatalogueQuery, now: number): Html {
  const found = made.entries.filter((entry) => matches(entry, query));
  const pages = Math.max(1, Math.ceil(found.length / CATALOGUE_PAGE));
  const number = Math.min(query.page, pages);
  const shown = found.slice((number - 1) * CATALOGUE_PAGE, number * CATALOGUE_PAGE);
  return html`<h1 class="headline">${catalogueHeadline(made)}.</h1>
    <p class="lead">Everything that is configured to be protected, who answers for it, and which backup covers it.</p>
    ${unseenBox(made)}
    <section id="findings">
      <h2>What is missing</h2>
      ${findingsList(narrowed(made, query), query)}
    </section>
    <section id="sources">
      <h2>Sources</h2>
      ${filterForm(made, query)}
      ${
        shown.length === 0
          ? html`<p class="empty">No source matches. <a href="/catalogue">Show all ${describeNumber(made.entries.length)}</a>.</p>`
          : html`${scrollBox("Sources", entryTable(shown, now))} ${pager(query, number, pages, found.length)}`
      }
    </section>`;
}

/** Of an owner or a domain, what is missing is what is missing of its sources; what nobody claims belongs to none. */
function narrowed(made: Catalogue, query: CatalogueQuery): Catalogue {
  if (query.q === "" && query.owner === "" && query.domain === "") return made;
  const own = new Set(made.entries.filter((entry) => matches(entry, { ...query, finding: null })).map((entry) => entry.sourceId));
  return { ...made, findings: made.findings.filter((finding) => finding.sourceId !== null && own.has(finding.sourceId)) };
}

function matches(entry: CatalogueEntry, { q, owner, domain, finding }: CatalogueQuery): boolean {
  if (owner !== "" && (entry.owner?.team ?? NOBODY) !== owner) return false;
  if (domain !== "" && entry.domain !== domain) return false;
  if (finding !== null && !entry.findings.includes(finding)) return false;
  const words = q.toLowerCase().split(/\s+/u).filter(Boolean);
  if (words.length === 0) return true;
  const { backup } = entry;
  const text = [
    ...[entry.sourceId, entry.platform, entry.owner?.team, entry.owner?.contact, entry.domain, entry.tier, entry.classification],
    ...[backup?.vaultId, backup?.path, backup?.format],
  ]
    .join(" ")
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

function unseenBox({ unseen }: Catalogue): Html {
  if (unseen.length === 0) return html``;
  return html`<section class="notice warn" aria-label="Could not be looked at">
    <strong>Not everything could be looked at; what no source claims or covers there is not known:</strong>
    <ul>
      ${unseen.slice(0, SENTENCES_SHOWN).map(({ problem }) => html`<li>${problem}</li>`)}
      ${unseen.length > SENTENCES_SHOWN ? html`<li>and ${describeNumber(unseen.length - SENTENCES_SHOWN)} more</li>` : ""}
    </ul>
  </section>`;
}

const SEVERITY_LOOKS: Readonly<
  Record<Severity, { readonly tone: Tone; readonly shape: "cross" | "triangle" | "dash"; readonly word: string }>
> = {
  high: { tone: "bad", shape: "cross", word: "Grave" },
  medium: { tone: "warn", shape: "triangle", word: "To be settled" },
  low: { tone: "wait", shape: "dash", word: "Worth tidying" },
};

/** For the fleet, which shows sources that have backups: that there are others. */
export function uncoveredNotice(ids: readonly string[]): Html {
  if (ids.length === 0) return html``;
  const named = ids.slice(0, SENTENCES_SHOWN).join(", ");
  return html`<section class="notice warn" aria-label="Without a backup">
    <strong>${describeCount(ids.length, "source")} ${ids.length === 1 ? "is" : "are"} configured without a backup</strong>, and not counted
    below: ${named}${ids.length > SENTENCES_SHOWN ? ", …" : ""}. <a href="/catalogue?finding=no-backup">See the catalogue</a>.
  </section>`;
}

function findingsList({ findings, unseen, seen, asked }: Catalogue, query: CatalogueQuery): Html {
  const kinds = Map.groupBy(findings, (finding) => finding.kind);
  const shown = FINDING_KINDS.filter((kind) => kinds.has(kind) && (query.finding === null || query.finding === kind));
  if (shown.length === 0)
    return html`<p class="empty">
      ${
        query.finding !== null
          ? html`Nothing of this kind is missing now. <a href="/catalogue">Show everything</a>.`
          : query.q !== "" || query.owner !== "" || query.domain !== ""
            ? "Nothing is missing of these sources."
            : unseen.length > 0
              ? "Nothing is missing in what could be looked at."
              : seen.length === 0
                ? "Nothing is missing in the configuration. The vaults have not been looked through yet."
                : html`${icon("check", "good")}Nothing is missing: every source has an owner with a contact, objectives, a backup and a
                  drill schedule, and nothing lies in a vault that no source
                  claims${asked.length === 0 ? "" : `; ${asked.join(", ")} show nothing that no source covers`}.`
      }
    </p>`;
  return html`<ul class="findings">
    ${shown.map((kind) => findingItem(kind, kinds.get(kind) ?? [], query))}
  </ul>`;
}

function findingItem(kind: FindingKind, own: readonly Finding[], query: CatalogueQuery): Html {
  const { severity, title, mend } = FINDINGS[kind];
  const look = SEVERITY_LOOKS[severity];
  const chosen = query.finding === kind;
  const shown = own.slice(0, chosen ? SENTENCES_MOST : SENTENCES_SHOWN);
  const left = own.length - shown.length;
  const all = catalogueHref({ ...query, finding: kind, page: 1 });
  return html`<li class="finding">
    <h3>
      <span title="${look.word}">${icon(look.shape, look.tone)}<span class="visually-hidden">${look.word}: </span></span
      >${chosen ? title : html`<a href="${all}">${title}</a>`} <span class="muted">${describeNumber(own.length)}</span>
    </h3>
    <ul>
      ${shown.map((finding) => html`<li>${finding.sentence}</li>`)}
      ${left > 0 ? html`<li>${chosen ? `and ${describeNumber(left)} more` : html`<a href="${all}">and ${describeNumber(left)} more</a>`}</li>` : ""}
    </ul>
    <p class="muted">Mend: ${mend}.</p>
  </li>`;
}

function filterForm({ entries }: Catalogue, query: CatalogueQuery): Html {
  const owners = distinct(entries.map((entry) => entry.owner?.team ?? NOBODY));
  const domains = distinct(entries.map((entry) => entry.domain));
  const isNarrowed = query.q !== "" || query.owner !== "" || query.domain !== "" || query.finding !== null;
  return html`<form class="filter" method="get" action="/catalogue" role="search">
    <label for="q">Filter</label>
    <input id="q" name="q" type="search" value="${query.q}" placeholder="name, platform, vault, path" maxlength="100" autocomplete="off" />
    ${choice("owner", "Owner", owners, query.owner)} ${choice("domain", "Domain", domains, query.domain)}
    <label for="finding">Missing</label>
    <select id="finding" name="finding">
      <option value="">anything or nothing</option>
      ${FINDING_KINDS.map((kind) => html`<option value="${kind}" ${query.finding === kind ? html`selected` : ""}>${FINDINGS[kind].title}</option>`)}
    </select>
    <button type="submit">Apply</button>
    ${isNarrowed ? html`<a href="/catalogue">Show all ${describeNumber(entries.length)}</a>` : ""}
  </form>`;
}

function choice(name: string, label: string, values: readonly string[], chosen: string): Html {
  return html`<label for="${name}">${label}</label>
    <select id="${name}" name="${name}">
      <option value="">any</option>
      ${values.map((value) => html`<option value="${value}" ${value === chosen ? html`selected` : ""}>${value}</option>`)}
    </select>`;
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)].sort((a, b) => (a < b ? -1 : 1));
}

const COVERAGE_LOOKS: Readonly<
  Record<Coverage, { readonly tone: Tone; readonly shape: "cross" | "question" | "check"; readonly word: string }>
> = {
  none: { tone: "bad", shape: "cross", word: "No backup" },
  empty: { tone: "bad", shape: "cross", word: "None found" },
  unknown: { tone: "wait", shape: "question", word: "Not known" },
  covered: { tone: "good", shape: "check", word: "Covered" },
};

function entryTable(entries: readonly CatalogueEntry[], now: number): Html {
  return html`<table class="fleet catalogue" role="table">
    <thead role="rowgroup">
      <tr role="row">
        <th scope="col" role="columnheader">Source</th>
        <th scope="col" role="columnheader" title="Whether a backup of it is there">Covered</th>
        <th scope="col" role="columnheader">Backups</th>
        <th
          scope="col"
          role="columnheader"
          title="Recovery point objective: how old the newest backup may be; recovery time objective: how long a restore may take"
        >
          RPO / RTO
        </th>
        <th scope="col" role="columnheader">Owner</th>
        <th scope="col" role="columnheader" title="Layers that are verified, and drills by the calendar">Promised</th>
        <th scope="col" role="columnheader">Missing</th>
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${entries.map((entry) => entryRow(entry, now))}
    </tbody>
  </table>`;
}

function entryRow(entry: CatalogueEntry, now: number): Html {
  const { sourceId, owner, backup, objectives, coverage, findings, layers, drills } = entry;
  const look = COVERAGE_LOOKS[coverage];
  const grave = findings.some((kind) => FINDINGS[kind].severity === "high");
  return html`<tr role="row" class="${grave ? "failing" : findings.length > 0 ? "attention" : ""}">
    <th scope="row" role="rowheader">
      ${backup === null ? sourceId : sourceLink(sourceId)}<small
        >${entry.platform} · ${entry.domain} · <span class="tier-${entry.tier}">${entry.tier}</span></small
      >${entry.classification === null ? "" : html`<small>${entry.classification} data</small>`}
    </th>
    <td role="cell" data-label="Covered">
      <span class="badge ${look.tone}">${icon(look.shape, look.tone)}${look.word}</span>${
        entry.newestAt === null ? "" : html`<small>newest ${ago(entry.newestAt, now)}</small>`
      }
    </td>
    <td role="cell" data-label="Backups">${backupCell(backup)}</td>
    <td role="cell" data-label="RPO / RTO"><span>${objective(objectives.rpoMs)} / ${objective(objectives.rtoMs)}</span></td>
    <td role="cell" data-label="Owner">
      ${
        owner === null
          ? html`<span class="warn">nobody</span>`
          : html`<span>${owner.team}</span
              >${owner.contact === null ? html`<small>no contact</small>` : html`<small>${owner.contact}</small>`}`
      }
    </td>
    <td role="cell" data-label="Promised">
      ${layers.length === 0 ? html`<span class="muted">nothing</span>` : html`<span>${layers.join(", ")}</span>`}${
        drills.length === 0 ? "" : html`<small>${drills.join(" and ")} drills</small>`
      }
    </td>
    <td role="cell" data-label="Missing">
      ${
        findings.length === 0
          ? html`<span class="muted">nothing</span>`
          : html`<ul class="missing">
              ${findings.map((kind) => {
                const { severity, title } = FINDINGS[kind];
                return html`<li>${icon(SEVERITY_LOOKS[severity].shape, SEVERITY_LOOKS[severity].tone)}${title}</li>`;
              })}
            </ul>`
      }
    </td>
  </tr>`;
}

function backupCell(backup: CatalogueEntry["backup"]): Html {
  if (backup === null) return html`<span class="muted">none</span>`;
  const place = [backup.path, backup.pattern].filter((part) => part !== "").join("/");
  const every = backup.everyMs === null ? "interval not told" : `every ${describeDuration(backup.everyMs)}`;
  return html`<span><code>${place}</code> in <code>${backup.vaultId}</code></span
    ><small>${backup.format === "auto" ? "format recognised" : backup.format}, ${every}</small>`;
}

function objective(ms: number | null): Html {
  return ms === null ? html`<span class="warn">none</span>` : html`${describeDuration(ms)}`;
}

function pager(query: CatalogueQuery, number: number, pages: number, found: number): Html {
  if (pages === 1) return html``;
  const from = (number - 1) * CATALOGUE_PAGE + 1;
  return html`<nav class="pager" aria-label="Pages">
    ${number > 1 ? html`<a rel="prev" href="${catalogueHref({ ...query, page: number - 1 })}">← Worse</a>` : ""}
    <span
      >${describeNumber(from)}–${describeNumber(Math.min(found, from + CATALOGUE_PAGE - 1))} of ${describeCount(found, "source")}, worst
      first</span
    >
    ${number < pages ? html`<a rel="next" href="${catalogueHref({ ...query, page: number + 1 })}">Better →</a>` : ""}
  </nav>`;
}

function catalogueHref({ q, owner, domain, finding, page }: CatalogueQuery): string {
  const parameters = new URLSearchParams({
    ...(q === "" ? {} : { q }),
    ...(owner === "" ? {} : { owner }),
    ...(domain === "" ? {} : { domain }),
    ...(finding === null ? {} : { finding }),
    ...(page === 1 ? {} : { page: String(page) }),
  });
  return parameters.size === 0 ? "/catalogue" : `/catalogue?${parameters.toString()}`;
}
