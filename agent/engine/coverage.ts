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

interface KnownPromises {
  readonly policy: SourcePolicy;
  readonly connection: SourceConnection;
  readonly newest: string | null;
  readonly promises: ReadonlyMap<Layer, Promised>;
}

/** Whole records of drills are dear to read, and gauges are put right at every poll: nothing changes until another drill has ended. */
const known = new WeakMap<Repositories["drills"], Map<string, KnownPromises>>();

/**
 * @param newest id of the drill that ended last, or null
 * @returns what the budget of each promised layer can keep; no entry where too little is known to say
 */
export async function readPromises(
  policy: SourcePolicy,
  connection: SourceConnection | null,
  { drills }: Pick<Repositories, "drills">,
  newest: string | null,
): Promise<ReadonlyMap<Layer, Promised>> {
  if (connection === null || !isSampled(policy)) return new Map();
  const ofState = known.get(drills) ?? new Map<string, KnownPromises>();
  known.set(drills, ofState);
  const before = ofState.get(policy.id);
  if (before !== undefined && before.policy === policy && before.connection === connection && before.newest === newest)
    return before.promises;
  const input = { policy, connection, drills: await drills.list({ sourceId: policy.id, limit: DRILLS }) };
  const promised = SAMPLED_LAYERS.filter((layer) => policy.verify.layers.includes(layer));
  const promises = new Map(
    promised.flatMap((layer): [Layer, Promised][] => {
      const plan = layerPlan(layer, input);
      return plan === null ? [] : [[layer, plan.promise]];
    }),
  );
  ofState.set(policy.id, { policy, connection, newest, promises });
  return promises;
}
