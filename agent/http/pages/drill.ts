/** `/drills/:id`: one restore exercise: its verdict and why, where the time went, every check, and what it ran in. */
import { html } from "hono/html";
import { describePath, describeStep, longestStep, type PathStep } from "../../core/critical-path.ts";
import type { CheckRegistry } from "../../core/definitions.ts";
import type { DrillRecord, RecoveryPoint } from "../../core/values.ts";
import { type DrillKind, ITEM_KINDS, LAYERS, PHASES } from "../../core/words.ts";
import { describeBytes, describeDuration, describeNumber, PHASE_WORDS } from "../../core/words-for-people.ts";
import { comparedSection } from "./differences.ts";
import { copyable, type Html, LAYER_MEANING, leftInVault, moment, sourceLink, term, verdictBadge } from "./html.ts";
import { isolationList } from "./isolation.ts";
import { checkResults } from "./results.ts";
import { spanBar } from "./svg.ts";

const KIND_WORDS: Readonly<Record<DrillKind, string>> = {
  sample: "sample (runs by itself on every new backup)",
  smoke: "smoke (monthly)",
  deep: "deep (quarterly)",
};

/** Time that no phase accounts for is a row of its own from here on. */
const REST_SHOWN_MS = 10;

export function drillBody(drill: DrillRecord, point: RecoveryPoint | null, registry: CheckRegistry, now: number): Html {
  const { artifact } = drill;
  return html`<nav class="crumbs" aria-label="Where you are">
      <a href="/">Fleet</a> <span aria-hidden="true">›</span> ${sourceLink(drill.sourceId)} <span aria-hidden="true">›</span> drill
    </nav>
    <h1>Drill of ${drill.sourceId} ${verdictBadge(drill.verdict)}</h1>
    ${verdictText(drill)}
    <p class="lead">
      A drill restores one backup into a sandbox that is cut off from everything else, asks every check of it, and removes it.
    </p>
    <dl class="identity">
      ${term("Ended", moment(drill.finishedAt, now))} ${term("Took", describeDuration(drill.finishedAt - drill.startedAt))}
      ${term("Backup of", point === null ? html`<span class="muted">no longer known</span>` : moment(point.createdAt, now))}
      ${term("Kind", KIND_WORDS[drill.kind])} ${term("Started by", drill.trigger === "person" ? "a person" : "the plan")}
      ${drill.attempt === 1 ? "" : term("Try", describeNumber(drill.attempt))}
    </dl>
    ${layersSection(drill)}
    <section id="checks">
      <h2>What the checks found</h2>
      ${checkResults(drill.checks, registry)}
    </section>
    ${comparedSection(drill)} ${phasesSection(drill)}
    <div class="cards">
      <section class="card">
        <h2>The backup</h2>
        <dl class="facts">
          ${term("Where", html`<code>${artifact.path}</code>`)}
          ${term("Format", artifact.format === null ? "not recognised" : `${artifact.format}${artifact.formatVersion === null ? "" : ` ${artifact.formatVersion}`}`)}
          ${term("Size", describeBytes(artifact.bytes))} ${artifact.unread === undefined ? "" : leftInVault(artifact.unread)}
          ${term("SHA-256", artifact.sha256 === null ? "could not be read" : html`${copyable(artifact.sha256, "the SHA-256")}`, "What exactly was verified; compare it with sha256sum")}
        </dl>
      </section>
      ${inventoryCard(drill)} ${resourcesCard(drill)}
    </div>
    <section id="isolation">
      <h2>How it was kept apart</h2>
      ${isolationList(drill.isolation)}
    </section>
    <p class="muted">
      Drill <code>${drill.id}</code>. The same for programs: <a href="/api/v1/drills/${encodeURIComponent(drill.id)}">JSON</a>.
    </p>`;
}

function verdictText(drill: DrillRecord): Html {
  if (drill.verdict === "verified") return html`<p class="headline">Everything promised passed: this backup restores.</p>`;
  const [first, ...rest] = drill.reasons;
  return html`<p class="headline">${first ?? "No reason was recorded."}</p>
    ${
      rest.length === 0
        ? ""
        : html`<ul class="reasons">
            ${rest.map((reason) => html`<li>${reason}</li>`)}
          </ul>`
    }
    ${
      drill.verdict === "inconclusive"
        ? html`<p class="notice warn">
            This says nothing about the backup itself: it could not be looked
            at${drill.trouble === null ? "" : html` (<code>${drill.trouble}</code>)`}. It is tried again by itself.
          </p>`
        : ""
    }`;
}

function layersSection({ layers }: DrillRecord): Html {
  return html`<section>
    <h2>How deep was it looked at?</h2>
    <ul class="layer-list">
      ${LAYERS.map((layer) => {
        const verdict = layers[layer];
        return verdict === undefined
          ? ""
          : html`<li>${verdictBadge(verdict)} <strong>${layer}</strong> <span class="muted">${LAYER_MEANING[layer]}</span></li>`;
      })}
    </ul>
  </section>`;
}

/** Phases one after the other, as they ran. */
function phasesSection({ phases, startedAt, finishedAt, traceId, criticalPath = [] }: DrillRecord): Html {
  const known = PHASES.flatMap((phase) => {
    const ms = phases[phase];
    return ms === undefined ? [] : [{ phase, ms }];
  });
  const whole = Math.max(
    finishedAt - startedAt,
    known.reduce((sum, { ms }) => sum + ms, 0),
    1,
  );
  const rest = finishedAt - startedAt - known.reduce((sum, { ms }) => sum + ms, 0);
  let from = 0;
  const rows = known.map(({ phase, ms }) => {
    const row = { phase, ms, from: from / whole, to: (from + ms) / whole };
    from += ms;
    return row;
  });
  return html`<section id="phases">
    <h2>Where the time went</h2>
    ${
      rows.length === 0
        ? html`<p class="empty">No phase finished.</p>`
        : html`<table class="phases">
            <thead>
              <tr>
                <th scope="col">Phase</th>
                <th scope="col"><span class="visually-hidden">From start to end</span></th>
                <th scope="col" class="number">Took</th>
              </tr>
            </thead>
            <tbody>
              ${rows.map(
                (row) =>
                  html`<tr>
                    <th scope="row">${row.phase}<small>${PHASE_WORDS[row.phase]}</small></th>
                    <td>${spanBar(row.from, row.to)}</td>
                    <td class="number">${describeDuration(row.ms)}</td>
                  </tr>`,
              )}
              ${
                rest < REST_SHOWN_MS
                  ? ""
                  : html`<tr>
                      <th scope="row">else<small>start a process of its own, hand the backup over, write the evidence</small></th>
                      <td><span class="muted">before, between and after</span></td>
                      <td class="number">${describeDuration(rest)}</td>
                    </tr>`
              }
            </tbody>
          </table>`
    }
    ${waitedFor(criticalPath)}
    ${
      traceId === null
        ? html`<p class="muted">No trace was recorded.</p>`
        : html`<p>
            Trace ${copyable(traceId, "the trace id")} <span class="muted">holds every step; look it up in your tracing backend.</span>
          </p>`
    }
  </section>`;
}

function waitedFor(steps: readonly PathStep[]): Html {
  const longest = longestStep(steps);
  if (longest === null) return html``;
  return html`<p>
    Most of it went to <strong>${describeStep(longest)}</strong>. <span class="muted">Step by step: ${describePath(steps)}.</span>
  </p>`;
}

function inventoryCard({ facts, sample }: DrillRecord): Html {
  if (facts === null) return html``;
  return html`<section class="card">
    <h2>What the backup holds</h2>
    <dl class="facts">
      ${ITEM_KINDS.map((kind) => term(kind, describeNumber(facts.inventory[kind])))}
      ${sample === null ? "" : term("records checked", `${describeNumber(sample.checked)} of ${describeNumber(sample.population)}${sample.strategy === "all" ? " (all)" : " (random sample)"}`)}
    </dl>
  </section>`;
}

/** CPU, memory, bytes and disk of one drill, of the process it ran in. */
export function resourcesCard({ resources }: Pick<DrillRecord, "resources">): Html {
  if (resources === null) return html``;
  return html`<section class="card">
    <h2>What did the drill cost this machine?</h2>
    <dl class="facts">
      ${term("CPU time", describeDuration(resources.cpuMs), "Over all its threads, so it may exceed the time it took")}
      ${term("Memory at most", describeBytes(resources.peakRssBytes))} ${term("Read of the backup", describeBytes(resources.readBytes))}
      ${term("Disk at most", describeBytes(resources.diskBytes))}
    </dl>
  </section>`;
}
