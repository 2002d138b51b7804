/** Refusals with a status, and how every error is told: JSON for programs, a page for browsers, a stack trace for nobody. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { AgentError } from "../core/errors.ts";
import type { AssetPaths } from "./assets.ts";
import { errorPage } from "./pages/error.ts";

export class Refusal extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: string;

  /** @param message one or two sentences for the person: what is wrong and how to mend it; no secret, nothing the request held */
  constructor(status: ContentfulStatusCode, code: string, message: string) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.code = code;
  }
}

/** Why something that was there may be gone. */
const GONE: Readonly<Record<string, string>> = {
  source: " It may have been renamed or taken out of the configuration; what was recorded of it stays in the evidence.",
  drill: " Old drills leave the pages after agent.retention; the evidence keeps them.",
  page: " The address may be mistyped.",
};

export function notFound(what: string): Refusal {
  return new Refusal(404, "not-found", `There is no such ${what} here.${GONE[what] ?? ""}`);
}

/** The refusal for anything thrown; what was not meant for the person becomes a plain 500. */
export function asRefusal(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown;
  if (thrown instanceof AgentError && (thrown.kind === "usage" || thrown.kind === "config"))
    return new Refusal(422, thrown.code, thrown.mend === null ? thrown.message : `${thrown.message} ${sentence(thrown.mend)}`);
  if (thrown instanceof HTTPException && thrown.status < 500)
    return new Refusal(thrown.status, "bad-request", thrown.message === "" ? "The request is not valid." : thrown.message);
  return new Refusal(500, "internal", "Something went wrong inside of Restorewatch; its log says what.");
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/u, "")}.`;
}

export function sendError(c: Context, refusal: Refusal, assets: AssetPaths): Response | Promise<Response> {
  if (wantsPage(c)) return c.html(errorPage(refusal.status, refusal.message, assets), refusal.status);
  return c.json({ error: { code: refusal.code, message: refusal.message } }, refusal.status);
}

function wantsPage(c: Context): boolean {
  return !c.req.path.startsWith("/api/") && (c.req.header("accept") ?? "").includes("text/html");
}
