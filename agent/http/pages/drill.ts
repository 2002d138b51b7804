/** `/drills/:id`: one restore exercise: its verdict and why, where the time went, every check, and what it ran in. */
import { html } from "hono/html";
import type { CheckRegistry } from "../../core/definitions.ts";
import type { DrillRecord, RecoveryPoint } from "../../core/values.ts";
import { type DrillKind, ITEM_KINDS, LAYERS, type Phase, PHASES } from "../../core/words.ts";
import { describeBytes, describeDuration, describeNumber } from "../../core/words-for-people.ts";
import { type Html, LAYER_MEANING, moment, sourceLink, term, verdictBadge } from "./html.ts";
import { isolationList } from "./isolation.ts";
import { checkResults } from "./results.ts";
import { spanBar } from "./svg.ts";

const KIND_WORDS: Readonly<Record<DrillKind, string>> = {
  sample: "sample (runs by itself on every new backup)",
  smoke: "smoke (monthly)",
  deep: "deep (quarterly)",
};

const PHASE_MEANING: Readonly<Record<Phase, string>> = {
  open: "fetch the backup out of its vault",
  decrypt: "decrypt it",
  parse: "read its own structure",
  provision: "make an empty sandbox",
  load: "load every record into it",
  checks: "ask every check",
  readback: "read back what was restored",
  compare: "compare it with production",
  dispose: "remove the sandbox",
};

export function drillBody(drill: DrillRecord, point: RecoveryPoint | null, registry: CheckRegistry, now: number): Html {
  const { artifact } = drill;
  return html`<nav class="crumbs" aria-label="Where you are">
      <a href="/">Fleet</a> <span aria-hidden="true">›</span> ${sourceLink(drill.sourceId)} <span aria-hidden="true">›</span> drill
    </nav>
    <h1>Drill of ${drill.sourceId} ${verdictBadge(drill.verdict)}</h1>
    ${verdictText(drill)}
    <dl class="identity">
      ${term("Ended", moment(drill.finishedAt, now))} ${term("Took", describeDuration(drill.finishedAt - drill.startedAt))}
      ${term("Backup of", point === null ? html`<span class="muted">no longer known</span>` : moment(point.createdAt, now))}
      ${term("Kind", KIND_WORDS[drill.kind])} ${term("Started by", drill.trigger === "person" ? "a person" : "the plan")}
      ${drill.attempt === 1 ? "" : term("Try", describeNumber(drill.attempt))}
    </dl>
    ${layersSection(drill)}
    <section id="checks">
      <h2>Checks</h2>
      ${checkResults(drill.checks, registry)}
    </section>
    ${phasesSection(drill)}
    <div class="cards">
      <section class="card">
        <h2>The backup</h2>
        <dl class="facts">
          ${term("Where", html`<code>${artifact.path}</code>`)}
          ${term("Format", artifact.format === null ? "not recognised" : `${artifact.format}${artifact.formatVersion === null ? "" : ` ${artifact.formatVersion}`}`)}
          ${term("Size", describeBytes(artifact.bytes))}
          ${term("SHA-256", artifact.sha256 === null ? "could not be read" : html`<code class="hash">${artifact.sha256}</code>`, "What exactly was verified; compare it with sha256sum")}
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
    <h2>Layers</h2>
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
function phasesSection({ phases, startedAt, finishedAt, traceId }: DrillRecord): Html {
  const known = PHASES.flatMap((phase) => {
    const ms = phases[phase];
    return ms === undefined ? [] : [{ phase, ms }];
  });
  const whole = Math.max(
    finishedAt - startedAt,
    known.reduce((sum, { ms }) => sum + ms, 0),
    1,
  );
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
                    <th scope="row">${row.phase}<small>${PHASE_MEANING[row.phase]}</small></th>
                    <td>${spanBar(row.from, row.to)}</td>
                    <td class="number">${describeDuration(row.ms)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>`
    }
    ${
      traceId === null
        ? html`<p class="muted">No trace was recorded.</p>`
        : html`<p>Trace <code>${traceId}</code> <span class="muted">holds every step; look it up in your tracing backend.</span></p>`
    }
  </section>`;
}

function inventoryCard({ facts, sample }: DrillRecord): Html {
  if (facts === null) return html``;
  return html`<section class="card">
    <h2>What the backup holds</h2>
    <dl class="facts">
      ${ITEM_KINDS.map((kind) => term(kind, describeNumber(facts.inventory[kind])))}
      ${sample === null ? "" : term("Checked", `${describeNumber(sample.checked)} of ${describeNumber(sample.population)}${sample.strategy === "all" ? " (all)" : " (random sample)"}`)}
    </dl>
  </section>`;
}

function resourcesCard({ resources }: DrillRecord): Html {
  if (resources === null) return html``;
  return html`<section class="card">
    <h2>What it cost</h2>
    <dl class="facts">
      ${term("CPU time", describeDuration(resources.cpuMs))} ${term("Memory at most", describeBytes(resources.peakRssBytes))}
      ${term("Bytes read", describeBytes(resources.readBytes))} ${term("Disk used", describeBytes(resources.diskBytes))}
    </dl>
  </section>`;
}
