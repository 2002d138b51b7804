/** The files a page may load: our style, script and icon, and uPlot out of node_modules, each under a name that changes with its content. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { sha256Hex } from "../core/ids.ts";
import { notFound } from "./errors.ts";

const OWN = new URL("assets/", import.meta.url);
const UPLOT = dirname(createRequire(import.meta.url).resolve("uplot"));

const FILES = {
  style: { name: "app.css", type: "text/css; charset=utf-8", from: new URL("app.css", OWN) },
  script: { name: "app.js", type: "text/javascript; charset=utf-8", from: new URL("app.js", OWN) },
  icon: { name: "icon.svg", type: "image/svg+xml", from: new URL("icon.svg", OWN) },
  plotStyle: { name: "uplot.css", type: "text/css; charset=utf-8", from: join(UPLOT, "uPlot.min.css") },
  plotScript: { name: "uplot.js", type: "text/javascript; charset=utf-8", from: join(UPLOT, "uPlot.iife.min.js") },
} as const;

export type AssetName = keyof typeof FILES;
/** Path of each asset, to be written into pages. */
export type AssetPaths = Readonly<Record<AssetName, string>>;

export interface Assets {
  readonly paths: AssetPaths;
  readonly byFile: ReadonlyMap<string, { readonly type: string; readonly body: Uint8Array<ArrayBuffer> }>;
}

/** Every asset, read once. */
export function readAssets(): Assets {
  const byFile = new Map<string, { readonly type: string; readonly body: Uint8Array<ArrayBuffer> }>();
  const paths = Object.fromEntries(
    Object.entries(FILES).map(([key, file]) => {
      const body = new Uint8Array(readFileSync(file.from));
      const named = `${sha256Hex(body).slice(0, 12)}-${file.name}`;
      byFile.set(named, { type: file.type, body });
      return [key, `/assets/${named}`];
    }),
  ) as Record<AssetName, string>;
  return { paths, byFile };
}

/** Answers each asset under its hashed path; what lies there never changes, so it is kept for good. */
export function mountAssets(app: OpenAPIHono, { byFile }: Assets): void {
  app.get("/assets/:file", (c) => {
    const file = byFile.get(c.req.param("file"));
    if (file === undefined) throw notFound("file");
    return c.body(file.body, 200, { "content-type": file.type, "cache-control": "public, max-age=31536000, immutable" });
  });
}
