/** What is known of the live product of a source: part of its page. */
import { html } from "hono/html";
import type { ProductStatus } from "../../core/product-status.ts";
import { describeCount, describeDuration } from "../../core/words-for-people.ts";
import { ago, type Html, moment, term } from "./html.ts";

/** A clock further off than this makes ages and "changed since" doubtful. */
const SKEW_SHOWN_MS = 5000;
const DRIFT_SHOWN_MS = 30 * 86_400_000;

export function productNotice(product: ProductStatus | null): Html {
  if (product === null || product.problems.length === 0) return html``;
  const head = product.reachable ? "The live product does not allow everything" : "The live product could not be asked";
  return html`<section class="notice warn" aria-label="Live product">
    <strong>${head}</strong>
    ${product.problems.map(({ sentence, mend }) => html`<p>${sentence}.${mend === null ? "" : html` Mend: ${mend}.`}</p>`)}
    <p>It says nothing about the backups themselves; captures, restores and comparisons with production need it.</p>
  </section>`;
}

/** That the platform itself changed is no difference of what people keep on it, and is told apart from the baseline. */
export function driftNotice(product: ProductStatus | null, at: number): Html {
  if (product === null || product.drift.length === 0) return html``;
  // A product whose answers are not understood stays told; another version is known after a while.
  const long = product.changed !== null && at - product.changed.at > DRIFT_SHOWN_MS;
  if (long && product.trouble === null) return html``;
  return html`<section class="notice" id="drift" aria-label="The platform itself changed">
    <strong>The platform itself changed</strong>
    ${product.drift.map((sentence) => html`<p>${sentence}${product.changed === null ? "" : html`, noticed ${moment(product.changed.at, at)}`}.</p>`)}
    <p>
      Content may look different for that reason alone: differences below are of fields, records and settings. Read its release notes, and
      look at the next drills of the layers that restore into it.
    </p>
  </section>`;
}

/** Terms for the list of what a source is. */
export function productTerms(product: ProductStatus | null, at: number): Html {
  if (product === null) return html``;
  const { platform, found, changed, reachedAt } = product;
  const version = found?.version ?? null;
  const drift = changed === null ? "" : html`, <strong>was ${changed.from} until ${moment(changed.at, at)}</strong>`;
  const skew = found?.clockSkewMs ?? null;
  const native = found?.nativeBackups ?? null;
  return html`${term("Live product", html`${platform} ${version ?? "of a version it does not tell"}${drift}`)}
  ${term("Answered", reachedAt === null ? "not yet" : ago(reachedAt, at), "When the live product last told how it is")}
  ${
    skew === null || Math.abs(skew) < SKEW_SHOWN_MS
      ? ""
      : term("Its clock", html`<strong class="warn">${describeDuration(Math.abs(skew))} ${skew > 0 ? "ahead of" : "behind"} ours</strong>`)
  }
  ${
    native === null
      ? ""
      : term(
          "Its own backups",
          native.newestAt === null
            ? "none"
            : html`${describeCount(native.count, "backup")}, newest
              ${ago(native.newestAt, at)}${native.complete === false ? ", not complete" : ""}`,
        )
  }`;
}
