/** The frame of every page: title, skip link, navigation, footer, and the files it may load. */
import { html } from "hono/html";
import type { EvidenceHead } from "../../core/evidence.ts";
import { describeCount, describeTime } from "../../core/words-for-people.ts";
import type { AssetPaths } from "../assets.ts";
import { type Html, sprite } from "./html.ts";

export interface Frame {
  readonly assets: AssetPaths;
  readonly version: string;
  readonly head: EvidenceHead | null;
  /** Sentences from readiness: what keeps the agent itself from working well. */
  readonly problems: readonly string[];
}

export interface PageContent {
  readonly title: string;
  readonly here: "fleet" | "catalogue" | "coverage" | "checks" | null;
  readonly at: number;
  readonly body: Html;
  /** Loads the plot library. */
  readonly plots?: boolean;
}

export function page(frame: Frame, content: PageContent): Html {
  const { assets } = frame;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${content.title} · Restorewatch</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href="${assets.icon}" type="image/svg+xml" />
        ${content.plots === true ? html`<link rel="stylesheet" href="${assets.plotStyle}" />` : ""}
        <link rel="stylesheet" href="${assets.style}" />
        ${content.plots === true ? html`<script src="${assets.plotScript}" defer></script>` : ""}
        <script src="${assets.script}" defer></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        ${sprite()}
        <header class="top">
          <a class="brand" href="/"><img src="${assets.icon}" alt="" width="22" height="22" />Restorewatch</a>
          <nav aria-label="Main">
            ${navLink("/", "Fleet", content.here === "fleet")} ${navLink("/catalogue", "Catalogue", content.here === "catalogue")}
            ${navLink("/coverage", "Coverage", content.here === "coverage")} ${navLink("/checks", "Checks", content.here === "checks")}
            <a href="/api/v1/openapi.json">API</a>
          </nav>
          <p class="refresh" data-refresh hidden></p>
        </header>
        <main id="main" tabindex="-1">${troubleBox(frame.problems)} ${content.body}</main>
        <footer>
          <p>As of <time datetime="${new Date(content.at).toISOString()}">${describeTime(content.at)}</time>. All times are UTC.</p>
          <p>Restorewatch ${frame.version}. ${evidenceLine(frame.head)}</p>
        </footer>
      </body>
    </html>`;
}

function navLink(href: string, name: string, here: boolean): Html {
  return here ? html`<a href="${href}" aria-current="page">${name}</a>` : html`<a href="${href}">${name}</a>`;
}

function troubleBox(problems: readonly string[]): Html {
  if (problems.length === 0) return html``;
  return html`<section class="notice warn" aria-label="The agent itself">
    <strong>The agent itself has trouble:</strong>
    <ul>
      ${problems.map((problem) => html`<li>${problem}</li>`)}
    </ul>
  </section>`;
}

function evidenceLine(head: EvidenceHead | null): Html {
  if (head === null) return html``;
  return html`<span
    title="Every verdict is in an append-only log in which each entry carries the hash of the one before. Keep this head to prove later that nothing was changed."
    >Evidence: ${describeCount(head.seq, "entry", "entries")}, head <code>${head.hash.slice(0, 16)}…</code></span
  >`;
}
