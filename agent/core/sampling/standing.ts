/**
 * How far each sampled layer of a source has come, what is behind and why, and whether its budget can keep what is promised: what page, API,
 * terminal and gauges say of coverage. Pure.
 */
import type { SourceConnection, SourcePolicy } from "../policy.ts";
import type { CoveragePaper } from "../sampled.ts";
import type { DrillRecord } from "../values.ts";
import { describeCount, describeDuration, describeNumber } from "../words-for-people.ts";
import { coverageAt, type LayerCoverage } from "./coverage.ts";
import { gatherFacts, type GatheredFacts, SAMPLED_LAYERS, type SampledLayer } from "./plan-facts.ts";
import { type Needed, neededFor, type Promised, promiseOf } from "./planner.ts";

const DAY = 86_400_000;
/** Where a policy of an older version says nothing. */
const COVER_WITHIN_MS = 30 * DAY;
const CONFIDENCE = 0.95;

export interface LayerPlan extends GatheredFacts {
  readonly promise: Promised;
  /** What every drill would have to read so that the promise holds. */
  readonly needed: Needed;
}

export interface LayerStanding {
  readonly layer: SampledLayer;
  /** Asked for by the configuration. */
  readonly promised: boolean;
  /** Every item is to be verified at least this often, ms. */
  readonly withinMs: number;
  /** Null: nothing was ever read by it, so there is no number to tell. */
  readonly coverage: LayerCoverage | null;
  /** With 95 % confidence fewer than such a share is bad; null: nobody can say. */
  readonly badRateUpper: number | null;
  /** Null: nobody knows yet how many items there are, or what may be asked of the product. */
  readonly plan: LayerPlan | null;
  /** Why items are behind, sentences without a full stop, worst first; empty: none is. */
  readonly why: readonly string[];
}

export interface StandingInput {
  readonly policy: SourcePolicy;
  /** Null: the source has no live product. */
  readonly connection: SourceConnection | null;
  readonly coverage: CoveragePaper;
  /** Newest first; as many as plans look back on. */
  readonly drills: readonly DrillRecord[];
}

export function coverWithinOf({ verify }: SourcePolicy): number {
  return verify.coverWithinMs ?? COVER_WITHIN_MS;
}

/** Whether there is anything to read of it: sources that sample nothing have no plans, and need none. */
export function isSampled({ verify }: SourcePolicy): boolean {
  return SAMPLED_LAYERS.some((layer) => verify.layers.includes(layer));
}

/** @returns null where too little is known to say anything */
export function layerPlan(layer: SampledLayer, { policy, connection, drills }: Omit<StandingInput, "coverage">): LayerPlan | null {
  if (connection === null) return null;
  const gathered = gatherFacts(layer, policy, connection, drills, {});
  if (gathered === null) return null;
  const target = { badRate: null, confidence: CONFIDENCE, coverWithinMs: coverWithinOf(policy) };
  return { ...gathered, promise: promiseOf(gathered.facts, gathered.budget, target), needed: neededFor(gathered.facts, target) };
}

/** @returns one entry a layer that is promised or was ever read, in the order of layers */
export function standingOf(input: StandingInput, now: number): readonly LayerStanding[] {
  const { policy, coverage } = input;
  const withinMs = coverWithinOf(policy);
  const told = coverageAt(coverage.facts, now, withinMs);
  return SAMPLED_LAYERS.flatMap((layer): LayerStanding[] => {
    const promised = policy.verify.layers.includes(layer);
    const own = told.find((one) => one.layer === layer) ?? null;
    if (!promised && own === null) return [];
    const plan = promised ? layerPlan(layer, input) : null;
    const base = { layer, promised, withinMs, coverage: own, badRateUpper: coverage.bounds[layer] ?? null, plan };
    return [{ ...base, why: reasons(base, input) }];
  });
}

function reasons(standing: Omit<LayerStanding, "why">, { connection, drills }: StandingInput): readonly string[] {
  const { layer, coverage, plan, promised } = standing;
  const why: string[] = [];
  if (!promised) why.push("the layer is not asked for any more, so nothing is read again");
  else if (connection === null) why.push("the source has no connection to a live product");
  if (coverage === null) {
    if (promised && connection !== null) why.push(neverRan(layer, drills));
    return why;
  }
  const within = describeDuration(standing.withinMs);
  const { behind } = coverage;
  const someBehind = Object.values(behind).some((items) => items > 0);
  if (someBehind && plan !== null && !plan.promise.keepsCoverage) why.push(tooSmall(plan, within));
  const [newest] = drills;
  if (promised && someBehind && newest !== undefined && wasCut(newest, layer))
    why.push(`the last drill was cut short (${cutBy(newest)}): what it drew counts as unread and is drawn again`);
  const said = (count: number | undefined, text: string): void => {
    if (count !== undefined && count > 0) why.push(`${describeCount(count, "item")} ${text}`);
  };
  said(behind.unreadable, "could not be read or judged");
  said(behind.never, "were never read: their turn in the cycle has not come");
  said(behind.late, `were last read longer than ${within} ago`);
  said(behind.new, "came after their part was read");
  said(behind.untimed, "do not tell when they were made, so nobody knows whether they came after");
  said(behind.doubted, "do not count: older items turned up beside them, so creation times are not to be believed there");
  const uncounted = coverage.strata.filter((one) => !one.countable).map((one) => one.stratum.collection);
  if (uncounted.length > 0)
    why.push(`in ${uncounted.slice(0, 3).join(", ")} items cannot be told apart over time, so the layer has no ratio`);
  return why;
}

function neverRan(layer: SampledLayer, drills: readonly DrillRecord[]): string {
  const [newest] = drills;
  if (newest === undefined) return "it never ran: no drill has ended yet";
  if (wasCut(newest, layer)) return `it never ran to its end: the last drill was cut short (${cutBy(newest)})`;
  if (newest.layers.content === "failed" || newest.layers.artifact === "failed")
    return "it never ran: what the last drill found in the backup itself stopped it";
  return newest.layers[layer] === undefined
    ? "it never ran: it was asked for after the last drill"
    : "it ran, but drew nothing that counts";
}

/** What was cut short has recorded nothing as read. */
function wasCut(drill: DrillRecord, layer: SampledLayer): boolean {
  const read = (drill.sampled ?? []).some((one) => one.layer === layer);
  return !read && drill.trouble !== null;
}

function cutBy(drill: DrillRecord): string {
  return drill.trouble ?? "unknown";
}

function tooSmall({ promise, needed, budget }: LayerPlan, within: string): string {
  const takes =
    promise.cycleDays === null
      ? "reading everything takes for ever"
      : `reading everything takes ${describeDuration(promise.cycleDays * DAY)}`;
  const may = budget.items === null ? "" : `, ${describeNumber(budget.items)} are allowed`;
  const limit = promise.limitedBy === null ? "" : ` of ${promise.limitedBy}`;
  return `the budget${limit} is too small: ${takes}, longer than the ${within} promised; ${describeCount(needed.random + needed.lanes, "item")} a drill would do${may}`;
}
