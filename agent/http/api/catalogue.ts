/** `/api/v1/catalogue`: what there is to protect, which backup covers it, what is missing. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { type Catalogue, type CatalogueEntry, catalogueHeadline, COVERAGES, type Finding, FINDING_KINDS } from "../../core/catalogue.ts";
import type { HttpDeps } from "../deps.ts";
import { byPlace, paginate, type Place } from "../paging.ts";
import { catalogueEntrySchema, catalogueSummarySchema, errorSchema, findingSchema, pageOf, pagingQuery } from "./schemas.ts";

const json = <T extends z.ZodType>(schema: T, description: string) => ({ description, content: { "application/json": { schema } } });
const invalid = json(errorSchema, "The request is not valid");

const entriesRoute = createRoute({
  method: "get",
  path: "/catalogue",
  summary:
    "Every configured source with owner, objectives, the backup that covers it and what is missing, by id; a summary of all beside it",
  request: {
    query: pagingQuery.extend({
      owner: z.string().max(200).optional().openapi({ description: "Team" }),
      domain: z.string().max(63).optional(),
      coverage: z.enum(COVERAGES).optional(),
      finding: z.enum(FINDING_KINDS).optional(),
    }),
  },
  responses: {
    200: json(pageOf(catalogueEntrySchema, "CataloguePage").extend({ summary: catalogueSummarySchema }), "One page of sources"),
    400: invalid,
  },
});

const findingsRoute = createRoute({
  method: "get",
  path: "/catalogue/findings",
  summary:
    "Everything that is missing, gravest kind first: of sources, in vaults what no source claims, on live products what no source covers",
  request: { query: pagingQuery.extend({ finding: z.enum(FINDING_KINDS).optional(), source: z.string().max(128).optional() }) },
  responses: {
    200: json(pageOf(findingSchema, "CatalogueFindingPage").extend({ summary: catalogueSummarySchema }), "One page of findings"),
    400: invalid,
  },
});

export function mountCatalogueApi(app: OpenAPIHono, deps: Pick<HttpDeps, "catalogue">): void {
  app.openapi(entriesRoute, async (c) => {
    const { owner, domain, coverage, finding, limit, cursor } = c.req.valid("query");
    const made = await deps.catalogue();
    const chosen = made.entries.filter(
      (entry) =>
        (owner === undefined || entry.owner?.team === owner) &&
        (domain === undefined || entry.domain === domain) &&
        (coverage === undefined || entry.coverage === coverage) &&
        (finding === undefined || entry.findings.includes(finding)),
    );
    const place = (entry: CatalogueEntry): Place => ({ at: 0, id: entry.sourceId });
    const { items, nextCursor } = paginate(byPlace(chosen, place), place, { limit, cursor });
    return c.json({ summary: presentSummary(made), items: items.map(presentEntry), nextCursor }, 200);
  });

  app.openapi(findingsRoute, async (c) => {
    const { finding, source, limit, cursor } = c.req.valid("query");
    const made = await deps.catalogue();
    const chosen = made.findings.filter(
      (one) => (finding === undefined || one.kind === finding) && (source === undefined || one.sourceId === source),
    );
    const place = (one: Finding): Place => ({
      at: -FINDING_KINDS.indexOf(one.kind),
      id: JSON.stringify([one.sourceId, one.vaultId, one.path, one.sentence]),
    });
    const { items, nextCursor } = paginate(byPlace(chosen, place), place, { limit, cursor });
    return c.json({ summary: presentSummary(made), items: items.map(presentFinding), nextCursor }, 200);
  });
}

function presentSummary(made: Catalogue): z.infer<typeof catalogueSummarySchema> {
  const unseen = made.unseen.map(({ vaultId, sourceId, problem }) => ({ vault: vaultId, source: sourceId, problem }));
  return { headline: `${catalogueHeadline(made)}.`, coverage: { ...made.counts.coverage }, findings: { ...made.counts.findings }, unseen };
}

function presentEntry(entry: CatalogueEntry): z.infer<typeof catalogueEntrySchema> {
  const { sourceId, objectives, backup, newestAt, layers, drills, findings, ...rest } = entry;
  const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);
  return {
    id: sourceId,
    ...rest,
    objectives: { rpoSeconds: seconds(objectives.rpoMs), rtoSeconds: seconds(objectives.rtoMs) },
    backup:
      backup === null
        ? null
        : {
            vault: backup.vaultId,
            path: backup.path,
            pattern: backup.pattern,
            format: backup.format,
            everySeconds: seconds(backup.everyMs),
          },
    newestAt: newestAt === null ? null : new Date(Math.min(Math.max(newestAt, -8.64e15), 8.64e15)).toISOString(),
    layers: [...layers],
    drills: [...drills],
    findings: [...findings],
  };
}

function presentFinding({ sourceId, vaultId, product, ...finding }: Finding): z.infer<typeof findingSchema> {
  return { source: sourceId, vault: vaultId, ...finding, product: product === null ? null : { ...product, seenBy: [...product.seenBy] } };
}
