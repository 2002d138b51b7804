/** What a browser is shown when something cannot be answered. It reads nothing: it must work when nothing else does. */
import { html } from "hono/html";
import type { AssetPaths } from "../assets.ts";
import type { Html } from "./html.ts";

const TITLES: Readonly<Record<number, string>> = {
  400: "This address is not complete",
  404: "Not here",
  421: "Not under this name",
  500: "Something went wrong",
};

export function errorPage(status: number, message: string, assets: Pick<AssetPaths, "style" | "icon">): Html {
  const title = TITLES[status] ?? "This cannot be done";
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title} · Restorewatch</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="stylesheet" href="${assets.style}" />
        <link rel="icon" href="${assets.icon}" type="image/svg+xml" />
      </head>
      <body>
        <header class="top">
          <a class="brand" href="/"><img src="${assets.icon}" alt="" width="22" height="22" />Restorewatch</a>
        </header>
        <main>
          <h1>${title}</h1>
          <p>${message}</p>
          <p><a href="/">Go to the fleet</a>, where every source is, or to <a href="/checks">the checks</a>.</p>
        </main>
      </body>
    </html>`;
}
