/** The pages people open. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { html } from "hono/html";
import { z } from "zod";
import { LEVELS } from "../../core/status.ts";
import type { AssetPaths } from "../assets.ts";
import type { HttpDeps } from "../deps.ts";
import { notFound } from "../errors.ts";
import { failingByCheck } from "../failing.ts";
import type { Reader } from "../reader.ts";
import { catalogueBody, catalogueQuery, uncoveredNotice } from "./catalogue.ts";
import { checkBody, checksBody } from "./checks.ts";
import { drillBody } from "./drill.ts";
import { fleetBody } from "./fleet.ts";
import { type PageContent, page } from "./layout.ts";
import { sourceBody } from "./source.ts";
import { POINTS_SHOWN } from "./source-tables.ts";

/** A page takes what it can of its address and falls back to the plain view. */
const fleetQuery = z.object({
  q: z.string().trim().max(100).catch(""),
  level: z.enum(LEVELS).nullable().catch(null),
  page: z.coerce.number().int().min(1).max(10_000).catch(1),
});
const pointsShown = z.coerce.number().int().min(POINTS_SHOWN).max(2000).catch(POINTS_SHOWN);

export function mountPages(app: OpenAPIHono, deps: HttpDeps, reader: Reader, assets: AssetPaths): void {
  const { repositories, clock } = deps;

  app.get("/", async (c) => {
    const fleet = await reader.fleet();
    const query = fleetQuery.parse({ q: c.req.query("q") ?? "", level: c.req.query("level") ?? null, page: c.req.query("page") ?? 1 });
    return send(c, {
      title: "Fleet",
      here: "fleet",
      at: fleet.at,
      body: html`${uncoveredNotice(deps.uncovered())}${await fleetBody(fleet, query)}`,
    });
  });

  app.get("/sources/:id", async (c) => {
    const id = c.req.param("id");
    const view = await reader.source(id);
    if (view === null) {
      // A source without a backup has no page of its own: what there is to say of it is in the catalogue.
      if (deps.uncovered().includes(id)) return c.redirect(`/catalogue?q=${encodeURIComponent(id)}`);
      throw notFound("source");
    }
    const extras = {
      checks: deps.checks,
      isolation: deps.isolation(),
      evidencePath: deps.evidencePath,
      shown: pointsShown.parse(c.req.query("points")),
    };
    return send(c, { title: view.policy.id, here: null, at: view.at, plots: true, body: sourceBody(view, extras) });
  });

  app.get("/catalogue", async (c) => {
    const query = catalogueQuery.parse(c.req.query());
    const body = catalogueBody(await deps.catalogue(), query, clock.now());
    return send(c, { title: "Catalogue", here: "catalogue", at: clock.now(), body });
  });

  app.get("/drills/:id", async (c) => {
    const drill = await repositories.drills.get(c.req.param("id"));
    if (drill === null) throw notFound("drill");
    const point = await repositories.points.get(drill.pointId);
    const at = clock.now();
    return send(c, { title: `Drill of ${drill.sourceId}`, here: null, at, body: drillBody(drill, point, deps.checks, at) });
  });

  app.get("/checks", async (c) => {
    const fleet = await reader.fleet();
    return send(c, { title: "Checks", here: "checks", at: fleet.at, body: checksBody(deps.checks, failingByCheck(fleet)) });
  });

  app.get("/checks/:id", async (c) => {
    const check = deps.checks.find((candidate) => candidate.id === c.req.param("id"));
    if (check === undefined) throw notFound("check");
    const ids = new Set(deps.checks.map((one) => one.id));
    const fleet = await reader.fleet();
    return send(c, {
      title: check.id,
      here: "checks",
      at: fleet.at,
      body: checkBody(check, deps.notesOfCheck(check.id), failingByCheck(fleet).get(check.id) ?? [], fleet, ids),
    });
  });

  function send(c: Context, content: PageContent): Response | Promise<Response> {
    const frame = { assets, version: deps.version, head: deps.evidenceHead(), problems: deps.readiness().problems };
    return c.html(page(frame, content));
  }
}
