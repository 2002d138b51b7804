/** The pages people open. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { html } from "hono/html";
import { z } from "zod";
import { ANSWERS, forReview } from "../../core/decisions.ts";
import { LEVELS } from "../../core/status.ts";
import type { AssetPaths } from "../assets.ts";
import type { Auth } from "../auth.ts";
import type { HttpDeps } from "../deps.ts";
import { notFound, Refusal } from "../errors.ts";
import { failingByCheck } from "../failing.ts";
import type { Reader } from "../reader.ts";
import { allStandings } from "../api/coverage.ts";
import { baselineSection } from "./baseline.ts";
import { catalogueBody, catalogueQuery, uncoveredNotice } from "./catalogue.ts";
import { checkBody, checksBody } from "./checks.ts";
import { coverageBody, coverageSection } from "./coverage.ts";
import { differencesBody } from "./differences.ts";
import { drillBody } from "./drill.ts";
import { fleetBody } from "./fleet.ts";
import type { Html } from "./html.ts";
import { type PageContent, page } from "./layout.ts";
import { sourceBody } from "./source.ts";
import { POINTS_SHOWN } from "./source-tables.ts";

/** A page takes what it can of its address and falls back to the plain view. */
const fleetQuery = z.object({
  q: z.string().trim().max(100).catch(""),
  level: z.enum(LEVELS).nullable().catch(null),
  page: z.coerce.number().int().min(1).max(10_000).catch(1),
});
/** `alarm:ID` marks an alarm, anything else is the id of a baseline. */
const decisionForm = z.object({
  answer: z.enum(ANSWERS),
  reason: z.string().trim().min(1).max(500),
  subject: z
    .string()
    .min(1)
    .max(140)
    .transform((text) => ({ alarm: text.startsWith("alarm:"), id: text.replace(/^alarm:/u, "") })),
});
const pointsShown = z.coerce.number().int().min(POINTS_SHOWN).max(2000).catch(POINTS_SHOWN);

export function mountPages(app: OpenAPIHono, deps: HttpDeps, reader: Reader, assets: AssetPaths, auth: Auth): void {
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
    const token = auth.formToken(c);
    const extras = {
      checks: deps.checks,
      isolation: deps.isolation(),
      evidencePath: deps.evidencePath,
      baseline: await baselineOf(id, token),
      coverage: coverageSection(id, await deps.standing(view.policy), view.at),
      token,
      shown: pointsShown.parse(c.req.query("points")),
    };
    return send(c, { title: view.policy.id, here: null, at: view.at, plots: true, body: sourceBody(view, extras) });
  });

  app.post(
    "/sources/:id/decide",
    async (c, next) => {
      auth.requireOperator(c);
      await next();
    },
    bodyLimit({ maxSize: 16 * 1024 }),
    async (c) => {
      const form = await c.req.parseBody();
      auth.requireForm(c, form["form"]);
      const given = decisionForm.safeParse(form);
      if (!given.success) throw new Refusal(422, "decision-invalid", "Say in one line why, and approve or reject.");
      const { answer, reason, subject } = given.data;
      const sourceId = c.req.param("id");
      const { name } = auth.actor(c);
      await deps.decide({
        about: subject.alarm ? "alarm" : "baseline",
        subject: subject.id,
        sourceId,
        answer,
        reason,
        actor: name,
        via: "page",
      });
      return c.redirect(`/sources/${encodeURIComponent(sourceId)}#baseline`, 303);
    },
  );

  async function baselineOf(source: string, token: string | null): Promise<Html> {
    const of = { sourceId: source, limit: 1 };
    const [[approved], [proposed]] = await Promise.all([
      repositories.baselines.list({ ...of, status: "approved" }),
      repositories.baselines.list({ ...of, status: "proposed" }),
    ]);
    const section = {
      source,
      approved: approved === undefined ? null : { at: approved.decidedAt ?? approved.proposedAt },
      proposed:
        proposed === undefined
          ? null
          : {
              id: proposed.id,
              at: proposed.proposedAt,
              collections: proposed.facts.inventory.collections,
              records: proposed.facts.inventory.records,
            },
      differences: approved === undefined || proposed === undefined ? [] : forReview(approved.facts, proposed.facts),
      token,
    };
    return baselineSection(section, clock.now());
  }

  app.get("/coverage", async (c) => {
    const at = clock.now();
    return send(c, { title: "Coverage", here: "coverage", at, body: coverageBody(await allStandings(deps), at) });
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

  app.get("/drills/:id/differences", async (c) => {
    auth.requireValues(c);
    const drill = await repositories.drills.get(c.req.param("id"));
    if (drill === null) throw notFound("drill");
    const found = await deps.differences(drill.sourceId);
    const at = clock.now();
    const body = differencesBody(drill, found?.drillId === drill.id ? found : null, at);
    return send(c, { title: `Differences of ${drill.sourceId}`, here: null, at, body });
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
