/** `POST /api/v1/runs`: the one thing that may be written over HTTP, by whoever holds the token. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { SecretRef } from "../../core/policy.ts";
import { parseRunReport, runReportSchema } from "../../core/run-report.ts";
import { remoteOf } from "../auth.ts";
import type { HttpDeps } from "../deps.ts";
import { Refusal } from "../errors.ts";
import { createBuckets } from "../rate.ts";
import { errorSchema, runAcceptedSchema } from "./schemas.ts";

const BODY_MOST = 64 * 1024;
/** Wrong tokens from one address in a minute. */
const ATTEMPTS = 20;

export function mountRuns(app: OpenAPIHono, deps: HttpDeps): void {
  describeRuns(app);
  const limit = bodyLimit({
    maxSize: BODY_MOST,
    onError: () => {
      throw new Refusal(413, "too-large", "A run report is at most 64 KiB.");
    },
  });
  app.post(
    "/runs",
    bearer(deps.runsToken, () => deps.clock.now()),
    limit,
    async (c) => {
      if (!/^application\/json\b/iu.test(c.req.header("content-type") ?? ""))
        throw new Refusal(415, "not-json", "Send the run report as JSON, with content-type: application/json.");
      const report = parseRunReport(parseJson(await c.req.text()), { sourceId: null, via: "api", now: deps.clock.now() });
      if (!deps.policies().some((policy) => policy.id === report.sourceId))
        throw new Refusal(
          422,
          "unknown-source",
          "The run report names a source that is not configured. See /api/v1/sources for those that are.",
        );
      await deps.submitRun(report);
      return c.json(
        { id: report.id, source: report.sourceId, outcome: report.outcome, finishedAt: new Date(report.finishedAt).toISOString() },
        201,
      );
    },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, "not-json", "The body is not valid JSON.");
  }
}

/** Nothing of the body is read before the token is right. */
function bearer(token: SecretRef | null, now: () => number): MiddlewareHandler {
  const attempts = createBuckets(ATTEMPTS, 60_000, now);
  return async (c, next) => {
    if (token === null)
      throw new Refusal(
        403,
        "runs-not-open",
        "Run reports over HTTP are off. Set http.runs.token in the configuration, for example { env: RESTOREWATCH_RUNS_TOKEN }.",
      );
    const given = /^Bearer +(\S+)$/iu.exec(c.req.header("authorization") ?? "")?.[1];
    const from = remoteOf(c);
    // Who guesses is not told when a guess was right.
    if (!attempts.any(from)) throw new Refusal(429, "too-many-attempts", "Too many wrong tokens came from this address. Wait a minute.");
    if (given === undefined || !sameSecret(given, await token.reveal())) {
      attempts.take(from);
      c.header("www-authenticate", 'Bearer realm="restorewatch"');
      throw new Refusal(401, "unauthorised", "Send the token of http.runs.token as `Authorization: Bearer …`.");
    }
    await next();
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Over digests of one length, so that time tells neither where nor how long they differ. An empty secret opens nothing. */
function sameSecret(given: string, secret: string): boolean {
  return timingSafeEqual(digest(given), digest(secret)) && secret !== "";
}

function refusal(description: string) {
  return { description, content: { "application/json": { schema: errorSchema } } };
}

function describeRuns(app: OpenAPIHono): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "runsToken", { type: "http", scheme: "bearer" });
  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/runs",
    summary: "Report one backup run: how long it took, how it ended, what it wrote. The same report again changes nothing.",
    security: [{ runsToken: [] }],
    request: { body: { required: true, content: { "application/json": { schema: runReportSchema } } } },
    responses: {
      201: { description: "Recorded", content: { "application/json": { schema: runAcceptedSchema } } },
      400: refusal("Not JSON"),
      401: refusal("No token, or not the right one"),
      403: refusal("No token is configured"),
      413: refusal("More than 64 KiB"),
      415: refusal("Not sent as application/json"),
      422: refusal("A field is wrong, or the source is not configured; the message names each"),
    },
  });
}
