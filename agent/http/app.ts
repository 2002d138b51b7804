/** Pages, API, metrics and health of one agent as one Hono app. It reads state; it writes reported runs and decisions of operators. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { mountApi, refuseInvalid } from "./api/routes.ts";
import { mountCatalogueApi } from "./api/catalogue.ts";
import { mountCoverage } from "./api/coverage.ts";
import { mountDecisions } from "./api/decisions.ts";
import { mountRuns } from "./api/runs.ts";
import { mountAssets, readAssets } from "./assets.ts";
import type { HttpDeps } from "./deps.ts";
import { createAuth } from "./auth.ts";
import { asRefusal, notFound, sendError } from "./errors.ts";
import { hostGuard, securityHeaders } from "./guard.ts";
import { mountPages } from "./pages/routes.ts";
import { createReader } from "./reader.ts";

export type { HttpDeps, Readiness } from "./deps.ts";

export function buildHttp(deps: HttpDeps): OpenAPIHono {
  const app = new OpenAPIHono();
  const reader = createReader(deps);
  const assets = readAssets();
  app.onError((error, c) => {
    const refusal = asRefusal(error);
    if (refusal.status >= 500) deps.onError?.(error);
    return sendError(c, refusal, assets.paths);
  });
  app.notFound((c) => sendError(c, notFound("page"), assets.paths));
  app.use(securityHeaders());
  app.use(hostGuard(deps.host));
  const auth = createAuth({ auth: deps.auth, host: deps.host, now: deps.clock.now, randomHex: deps.randomHex });
  app.use(auth.reading);

  app.get("/metrics", async (c) => {
    const { contentType, body } = await deps.metricsText();
    return c.body(body, 200, { "content-type": contentType });
  });
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", (c) => {
    const { ready, problems } = deps.readiness();
    return c.json({ ready, problems: [...problems] }, ready ? 200 : 503);
  });

  const api = new OpenAPIHono({ defaultHook: refuseInvalid });
  mountApi(api, deps, reader);
  mountCatalogueApi(api, deps);
  mountCoverage(api, deps);
  mountRuns(api, deps);
  mountDecisions(api, deps, auth);
  app.route("/api/v1", api);
  app.doc31("/api/v1/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "Restorewatch",
      version: deps.version,
      description:
        "Would our backups restore right now? Read-only, except for reports of backup runs and decisions of operators. Times are ISO 8601 in UTC, durations in seconds unless a name says otherwise.",
    },
  });

  mountAssets(app, assets);
  mountPages(app, deps, reader, assets.paths, auth);
  return app;
}
