/** Reads what coverage and promises of a source are told from. */
import type { SourceConnection, SourcePolicy } from "../core/policy.ts";
import type { Repositories } from "../core/ports.ts";
import { COVERAGE_PAPER, parseCoverage } from "../core/sampled.ts";
import { SAMPLED_LAYERS } from "../core/sampling/plan-facts.ts";
import type { Promised } from "../core/sampling/planner.ts";
import { isSampled, layerPlan, type LayerStanding, standingOf } from "../core/sampling/standing.ts";
import type { Layer } from "../core/words.ts";

/** How many drills of a source its plans look back on. */
const DRILLS = 60;

/** @returns empty for a source that samples nothing and never did */
export async function readStanding(
  policy: SourcePolicy,
  connection: SourceConnection | null,
  { papers, drills }: Pick<Repositories, "papers" | "drills">,
  now: number,
): Promise<readonly LayerStanding[]> {
  const paper = await papers.get(policy.id, COVERAGE_PAPER);
  if (!isSampled(policy) && paper === null) return [];
  const coverage = parseCoverage(paper);
  return standingOf({ policy, connection, coverage, drills: await drills.list({ sourceId: policy.id, limit: DRILLS }) }, now);
}

/** @returns what the budget of each promised layer can keep; no entry where too little is known to say */
export async function readPromises(
  policy: SourcePolicy,
  connection: SourceConnection | null,
  { drills }: Pick<Repositories, "drills">,
): Promise<ReadonlyMap<Layer, Promised>> {
  if (connection === null || !isSampled(policy)) return new Map();
  const input = { policy, connection, drills: await drills.list({ sourceId: policy.id, limit: DRILLS }) };
  const promised = SAMPLED_LAYERS.filter((layer) => policy.verify.layers.includes(layer));
  return new Map(
    promised.flatMap((layer) => {
      const plan = layerPlan(layer, input);
      return plan === null ? [] : [[layer, plan.promise]];
    }),
  );
}
