/** Small pieces every page is made of. Everything variable goes through `html`, which escapes it. */
import { html } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import type { DrillState, Level, RpoState, SourceStatus } from "../../core/status.ts";
import type { CheckStatus, Layer, Tier, Verdict } from "../../core/words.ts";
import { describeAge, describeBytes, describeCount, describeDuration, describeMoment, describeTime } from "../../core/words-for-people.ts";

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;
export type Tone = "good" | "bad" | "warn" | "wait";
type Shape = "check" | "cross" | "triangle" | "question" | "clock" | "dash" | "delta";

interface Look {
  readonly tone: Tone;
  readonly shape: Shape;
  readonly word: string;
}

const DRILL_LOOKS: Readonly<Record<DrillState, Look>> = {
  verified: { tone: "good", shape: "check", word: "Verified" },
  failed: { tone: "bad", shape: "cross", word: "Failed" },
  inconclusive: { tone: "warn", shape: "question", word: "Could not tell" },
  pending: { tone: "wait", shape: "clock", word: "Not verified yet" },
  none: { tone: "wait", shape: "dash", word: "No backup" },
};

const LEVEL_LOOKS: Readonly<Record<Level, Look>> = {
  failing: { tone: "bad", shape: "cross", word: "Failing" },
  attention: { tone: "warn", shape: "triangle", word: "Needs a look" },
  waiting: { tone: "wait", shape: "clock", word: "Not known yet" },
  fine: { tone: "good", shape: "check", word: "Fine" },
};

const RPO_LOOKS: Readonly<Record<RpoState, Look>> = {
  ok: { tone: "good", shape: "check", word: "In time" },
  late: { tone: "warn", shape: "triangle", word: "Late" },
  breached: { tone: "bad", shape: "cross", word: "Too old" },
  never: { tone: "bad", shape: "cross", word: "None found" },
  unknown: { tone: "wait", shape: "question", word: "Unknown" },
};

const CHECK_LOOKS: Readonly<Record<CheckStatus, Look>> = {
  fail: { tone: "bad", shape: "cross", word: "Failed" },
  error: { tone: "warn", shape: "question", word: "Could not tell" },
  changed: { tone: "warn", shape: "delta", word: "Changed" },
  skip: { tone: "wait", shape: "dash", word: "Not asked" },
  pass: { tone: "good", shape: "check", word: "Passed" },
};

export const LAYER_MEANING: Readonly<Record<Layer, string>> = {
  artifact: "the bytes of the backup are there, whole and readable",
  content: "it loads into a sandbox, and records, links and automations in it are sound",
  scratch: "it was really restored into a scratch workspace of the platform",
  live: "its content was compared with production",
};

export const TIER_WORDS: Readonly<Record<Tier, string>> = { critical: "critical", important: "important", standard: "standard" };

export function icon(shape: Shape, tone: Tone): Html {
  return html`<svg class="icon ${tone}" aria-hidden="true" focusable="false"><use href="#i-${shape}"></use></svg>`;
}

function badge(look: Look, title?: string): Html {
  return title === undefined
    ? html`<span class="badge ${look.tone}">${icon(look.shape, look.tone)}${look.word}</span>`
    : html`<span class="badge ${look.tone}" title="${title}">${icon(look.shape, look.tone)}${look.word}</span>`;
}

export const verdictBadge = (state: DrillState): Html => badge(DRILL_LOOKS[state]);
/** Of a source: that nothing was looked at yet is not that there is no backup. */
export const restoreBadge = ({ verdict, rpo }: Pick<SourceStatus, "verdict" | "rpo">): Html =>
  verdict === "none" && rpo.state === "unknown" ? badge({ ...DRILL_LOOKS.pending, word: "Not looked at yet" }) : verdictBadge(verdict);
/** The shape of a verdict alone, with the word and what it is of on hover. */
export function verdictMark(verdict: Verdict | null, of: string): Html {
  const look = verdict === null ? { ...DRILL_LOOKS.none, word: "not tried" } : DRILL_LOOKS[verdict];
  return html`<span title="${of}: ${look.word}">${icon(look.shape, look.tone)}</span>`;
}
export const levelBadge = (level: Level): Html => badge(LEVEL_LOOKS[level]);
export const rpoBadge = (state: RpoState): Html => badge(RPO_LOOKS[state]);
export const checkBadge = (status: CheckStatus): Html => badge(CHECK_LOOKS[status]);
export const checkWord = (status: CheckStatus): string => CHECK_LOOKS[status].word;
export const levelLook = (level: Level): Look => LEVEL_LOOKS[level];
export const rpoTone = (state: RpoState): Tone => RPO_LOOKS[state].tone;
export const alarmBadge = (active: boolean): Html =>
  badge(active ? { tone: "warn", shape: "triangle", word: "Active" } : { tone: "good", shape: "check", word: "Ended" });
export const yesNoBadge = (yes: boolean, no: string): Html =>
  badge(yes ? { tone: "good", shape: "check", word: "Yes" } : { tone: "warn", shape: "triangle", word: no });

/** A layer in one line: shape, name, when it was last verified. */
export function layerLine(layer: Layer, verdict: Verdict | "pending", verifiedAt: number | null, stale: boolean, now: number): Html {
  const look = DRILL_LOOKS[verdict];
  // What an older backup proved is no word for this one, so a failed layer does not say when one last succeeded.
  const when =
    verdict === "verified" && verifiedAt !== null
      ? html`<span class="muted">${ago(verifiedAt, now)}</span>`
      : html`<span class="${verdict === "failed" ? "bad" : "muted"}">${LAYER_WORDS[verdict]}</span>`;
  return html`<li title="${layer}: ${LAYER_MEANING[layer]}">
    ${icon(look.shape, look.tone)}${layer}
    ${when}${stale ? html` <strong class="warn" title="Last verified longer ago than the objective, or never">overdue</strong>` : ""}
  </li>`;
}

/** Said wherever a verdict is, so that nobody takes it for more than was looked at. */
export function leftInVault({ files, bytes }: { readonly files: number; readonly bytes: number }): Html {
  return term(
    "Not read",
    html`<strong class="warn">${describeCount(files, "attachment")}, ${describeBytes(bytes)}</strong>, left in the vault`,
    "verify.sample.fetchBytes: other attachments are fetched each time",
  );
}

const LAYER_WORDS: Readonly<Record<Verdict | "pending", string>> = {
  verified: "verified",
  failed: "failed",
  inconclusive: "could not tell",
  pending: "not verified yet",
};

/** Text in which what stands between backticks is something to type. */
export function prose(text: string): Html {
  return html`${text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

/** Text in which the ids of checks lead to their pages. */
export function withCheckLinks(text: string, ids: ReadonlySet<string>): Html {
  const parts = text.split(/([a-z]+(?:\.[a-z]+(?:-[a-z]+)*)+)/u);
  return html`${parts.map((part) => (ids.has(part) ? html`<a href="${checkHref(part)}">${part}</a>` : part))}`;
}

/** A long id or digest; with a script there is a button beside it that copies it. */
export function copyable(value: string, what: string): Html {
  return html`<span class="copyable" data-copy="${value}" data-copy-what="${what}"><code class="hash">${value}</code></span>`;
}

/** `4 min ago`, `in 3 h`; the whole time in UTC on hover and for machines. */
export function ago(at: number, now: number): Html {
  const text = at <= now ? `${describeAge(now - at)} ago` : `in ${describeAge(at - now)}`;
  return html`<time datetime="${isoTime(at)}" title="${describeTime(at)}">${text}</time>`;
}

/** `1 Mar 02:00 UTC (9 h ago)`. */
export function moment(at: number, now: number): Html {
  const text = at <= now ? `${describeAge(now - at)} ago` : `in ${describeAge(at - now)}`;
  return html`<time datetime="${isoTime(at)}" title="${describeTime(at)}">${describeMoment(at, now)}</time>
    <span class="muted">(${text})</span>`;
}

function isoTime(at: number): string {
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : "";
}

export function duration(ms: number | null): string {
  return ms === null ? "none set" : describeDuration(ms);
}

/** A term and what it says, for `<dl>`. */
export function term(name: string, value: unknown, explained?: string): Html {
  return explained === undefined
    ? html`<div>
        <dt>${name}</dt>
        <dd>${value}</dd>
      </div>`
    : html`<div title="${explained}">
        <dt>${name}</dt>
        <dd>${value}</dd>
      </div>`;
}

export function sourceLink(id: string): Html {
  return html`<a href="/sources/${encodeURIComponent(id)}">${id}</a>`;
}

export function drillHref(id: string): string {
  return `/drills/${encodeURIComponent(id)}`;
}

export function checkHref(id: string): string {
  return `/checks/${encodeURIComponent(id)}`;
}

/** A table in a box that scrolls sideways on its own; keyboard users can reach and scroll it. */
export function scrollBox(label: string, content: Html): Html {
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">${content}</div>`;
}

/** What the shapes of `icon` look like; once a page. */
export function sprite(): Html {
  return html`<svg class="sprite" aria-hidden="true" focusable="false">
    <symbol id="i-check" viewBox="0 0 16 16">
      <circle cx="8" cy="8" r="7" class="fill"></circle>
      <path d="M4.6 8.3l2.3 2.3 4.5-4.9" class="mark"></path>
    </symbol>
    <symbol id="i-cross" viewBox="0 0 16 16">
      <path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" class="fill"></path>
      <path d="M5.4 5.4l5.2 5.2m0-5.2l-5.2 5.2" class="mark"></path>
    </symbol>
    <symbol id="i-triangle" viewBox="0 0 16 16">
      <path d="M8 1.2L15.4 14.4H.6z" class="fill"></path>
      <path d="M8 6v4m0 1.6v1" class="mark"></path>
    </symbol>
    <symbol id="i-question" viewBox="0 0 16 16">
      <path d="M8 .6L15.4 8 8 15.4.6 8z" class="fill"></path>
      <path d="M6.2 6.6c0-2.4 3.6-2.3 3.6-.2 0 1.4-1.8 1.4-1.8 2.9m0 1.5v1" class="mark"></path>
    </symbol>
    <symbol id="i-clock" viewBox="0 0 16 16">
      <circle cx="8" cy="8" r="6.4" class="line"></circle>
      <path d="M8 4.4V8l2.4 1.8" class="line"></path>
    </symbol>
    <symbol id="i-dash" viewBox="0 0 16 16">
      <circle cx="8" cy="8" r="6.4" class="line"></circle>
      <path d="M5 8h6" class="line"></path>
    </symbol>
    <symbol id="i-delta" viewBox="0 0 16 16"><path d="M8 2.4L14 13.4H2z" class="line"></path></symbol>
  </svg>`;
}
