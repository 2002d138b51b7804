/** What kept a drill apart from everything else, in words. */
import { html } from "hono/html";
import type { Isolation } from "../../core/values.ts";
import { type Html, yesNoBadge } from "./html.ts";

const LINES: readonly (readonly [key: keyof Isolation, name: string, meaning: string])[] = [
  ["process", "Own process", "the backup is read in a process of its own, which may crash or hang without harm"],
  ["permissions", "File permissions", "it can read the backup and write its own folder, nothing else"],
  ["network", "No network", "it can reach nobody"],
  ["memoryLimit", "Memory limit", "it is stopped before it takes the machine's memory"],
  ["databaseLocked", "Sandbox database locked", "the database may touch no file outside of the sandbox"],
];

export function isolationList(isolation: Isolation | null): Html {
  if (isolation === null) return html`<p class="muted">Not known: nothing was started.</p>`;
  return html`<dl class="apart">
    ${LINES.map(
      ([key, name, meaning]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${yesNoBadge(isolation[key], "Not here")}</dd>
          <dd class="meaning muted">${meaning}</dd>
        </div>`,
    )}
  </dl>`;
}
