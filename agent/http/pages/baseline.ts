/** What the backups of a source are compared with, what waits, and the answer to it: a form, or the command where nobody may write here. */
import { html } from "hono/html";
import { describeDifference, type Difference } from "../../core/baseline.ts";
import { describeCount } from "../../core/words-for-people.ts";
import { type Html, moment } from "./html.ts";

export interface BaselineSection {
  readonly source: string;
  readonly approved: { readonly at: number } | null;
  readonly proposed: { readonly id: string; readonly at: number; readonly collections: number; readonly records: number } | null;
  readonly differences: readonly Difference[];
  /** Of the form, or null where nobody may decide over HTTP. */
  readonly token: string | null;
}

const SHOWN = 50;

export function baselineSection(section: BaselineSection, now: number): Html {
  const { approved, proposed } = section;
  if (approved === null && proposed === null) return html``;
  return html`<section id="baseline">
    <h2>What is it compared with?</h2>
    ${
      approved === null
        ? html`<p>No baseline is approved yet: structure, metadata and access are compared with the backup before only.</p>`
        : html`<p>With the baseline approved ${moment(approved.at, now)}. Whatever is lost against it fails <code>baseline.diff</code>.</p>`
    }
    ${proposed === null ? "" : waiting(section, proposed, now)}
  </section>`;
}

function waiting(
  { source, differences, token, approved }: BaselineSection,
  proposed: NonNullable<BaselineSection["proposed"]>,
  now: number,
): Html {
  const rest = differences.length - SHOWN;
  return html`<div class="notice">
    <h3>A baseline waits for a decision</h3>
    <p>
      Proposed ${moment(proposed.at, now)}: ${describeCount(proposed.collections, "collection")},
      ${describeCount(proposed.records, "record")}. ${approved === null ? "It is the first that was verified." : ""}
    </p>
    ${
      differences.length === 0
        ? ""
        : html`<ul class="differences">
            ${differences.slice(0, SHOWN).map((one) => html`<li class="${one.weight}">${one.weight === "loss" ? "Lost: " : ""}${describeDifference(one)}</li>`)}
            ${rest > 0 ? html`<li>and ${describeCount(rest, "further difference")}</li>` : ""}
          </ul>`
    }
    ${
      token === null
        ? html`<p>Decide on the agent's machine: <code>restorewatch baseline ${source} --approve --reason "…"</code></p>`
        : html`<form method="post" action="/sources/${encodeURIComponent(source)}/decide" class="decide">
            <input type="hidden" name="form" value="${token}" />
            <input type="hidden" name="subject" value="${proposed.id}" />
            <label
              >Why, in one line (kept for ever; no personal data) <input name="reason" required maxlength="500" autocomplete="off"
            /></label>
            <button name="answer" value="approved">Approve</button>
            <button name="answer" value="rejected">Reject</button>
          </form>`
    }
  </div>`;
}

/** By which an alarm is marked as expected: it ends, and what it saw becomes normal. */
export function expectedForm(source: string, alarm: string, token: string): Html {
  return html`<form method="post" action="/sources/${encodeURIComponent(source)}/decide" class="decide">
    <input type="hidden" name="form" value="${token}" />
    <input type="hidden" name="subject" value="alarm:${alarm}" />
    <label>Expected because <input name="reason" required maxlength="500" autocomplete="off" /></label>
    <button name="answer" value="expected">Mark as expected</button>
  </form>`;
}
