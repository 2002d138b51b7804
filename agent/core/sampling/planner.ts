/**
 * What a promise costs, and what a budget can promise. Both count the same things: a drill reads its lanes first and gives the rest to the
 * cycle, whole buckets at a time.
 */
import { describeCount, describeDuration, describeNumber } from "../words-for-people.ts";
import { boundOf, zeroFailureSize } from "./bounds.ts";
import { bitsFor } from "./buckets.ts";
import { type Budget, type BudgetName, BUDGETS, type Cost } from "./budget.ts";

const DAY = 86_400_000;
/** Days of a mean month. */
const MONTH_DAYS = 365.2425 / 12;

/** One layer of one source, as it is or is assumed to be. */
export interface PlanFacts {
  readonly population: number;
  readonly drillsPerDay: number;
  /** Net change of the population a day. */
  readonly growthPerDay: number;
  /** Items made, and edited, a day: what the lanes read besides. */
  readonly newPerDay: number;
  readonly changedPerDay: number;
  readonly critical: number;
  readonly bytesPerItem: number;
  readonly callsPerItem: number;
  readonly secondsPerItem: number;
  /** What a drill costs before its first item. */
  readonly callsPerDrill: number;
  readonly secondsPerDrill: number;
  /** In any one currency. */
  readonly pricePerCall: number;
  readonly pricePerGb: number;
  /** Of a budget, for all lanes but the critical. */
  readonly laneShare: number;
}

export interface PlanTarget {
  /** With this confidence a drill that finds nothing bad says that fewer than this share is; null: not asked for. */
  readonly badRate: number | null;
  readonly confidence: number;
  /** Every item is verified at least this often, ms. */
  readonly coverWithinMs: number;
}

export interface Effort {
  readonly perDrill: Cost;
  readonly perDay: Cost;
  /** Per month of 30.4 days. */
  readonly perMonth: Cost;
  readonly moneyPerMonth: number;
}

export interface Needed extends Effort {
  /** What there will be when the cycle ends, at today's growth. */
  readonly population: number;
  /** Items drawn at random in a drill, and items of lanes besides. */
  readonly random: number;
  readonly lanes: number;
  /** What asks for the most: the cycle that has to end in time, or the sample that has to be large enough. */
  readonly because: "coverage" | "bad-rate";
}

/** @returns what every drill has to read so that the target holds, growth until the end of a cycle included */
export function neededFor(facts: PlanFacts, target: PlanTarget): Needed {
  const days = target.coverWithinMs / DAY;
  const population = Math.max(facts.population, Math.ceil(facts.population + facts.growthPerDay * days));
  const drills = Math.max(1, Math.floor(days * facts.drillsPerDay));
  // The bucket that does not fit any more is left for the next drill.
  const cycle = drills === 1 ? population : Math.min(population, Math.ceil(population / drills) + bucketItems(population));
  const sample = target.badRate === null ? 0 : zeroFailureSize(population, target.badRate, target.confidence);
  const random = Math.max(cycle, sample === 0 ? 0 : Math.min(population, sample + bucketItems(population)));
  const touched = lanesPerDrill(facts);
  // Lanes are held to their share, so a budget with many of them has to be larger.
  const shared = facts.laneShare > 0 ? Math.min(touched, (random * facts.laneShare) / Math.max(0.01, 1 - facts.laneShare)) : 0;
  const lanes = Math.ceil(Math.min(shared + facts.critical, Math.max(0, population - random)));
  return { ...effortOf(facts, random + lanes), population, random, lanes, because: random > cycle ? "bad-rate" : "coverage" };
}

export interface Promised extends Effort {
  readonly random: number;
  readonly lanes: number;
  /** Days until every item was read once; null: never. */
  readonly cycleDays: number | null;
  /** What a drill that finds nothing bad may say; 1: nothing. */
  readonly badRate: number;
  readonly confidence: number;
  readonly limitedBy: BudgetName | null;
  readonly keepsCoverage: boolean;
  readonly keepsBadRate: boolean;
  /** Days until the cycle takes longer than it may, at today's growth: 0 where it does already, null: not at this growth. */
  readonly breaksInDays: number | null;
  /** New and edited items beyond what the lanes may read: they wait for the cycle. */
  readonly waitingPerDay: number;
  /** Sentences, worst first. */
  readonly warnings: readonly string[];
}

/** @param budget of one drill */
export function promiseOf(facts: PlanFacts, budget: Budget, target: PlanTarget): Promised {
  const { population, drillsPerDay } = facts;
  const { items, limitedBy } = affordable(facts, budget);
  const touched = lanesPerDrill(facts);
  const critical = Math.min(facts.critical, items);
  const ofLanes = critical + Math.min(touched, Math.max(0, items * facts.laneShare - critical));
  const left = Math.floor(items - ofLanes);
  // Whoever reads everything reads what is in the lanes, too.
  const everything = items >= population;
  const random = everything ? population : Math.max(0, Math.min(population, left));
  const lanes = everything ? 0 : ofLanes;
  const drawn = everything ? population : wholeBuckets(random, population);
  const cycleDays = population === 0 ? 0 : drawn > 0 ? Math.max(population / drawn, 1) / drillsPerDay : null;
  const days = target.coverWithinMs / DAY;
  const badRate = boundOf({ population, sampled: Math.floor(drawn), bad: 0 }, target.confidence).badRateUpper;
  const keepsCoverage = cycleDays !== null && cycleDays <= days;
  const most = Math.max(drawn, wholeBuckets(left, population)) * drillsPerDay * days;
  const grows = facts.growthPerDay > 0 && Number.isFinite(most);
  const base = {
    ...effortOf(facts, random + lanes),
    random,
    lanes: Math.ceil(lanes),
    cycleDays,
    badRate,
    confidence: target.confidence,
    limitedBy,
    keepsCoverage,
    keepsBadRate: target.badRate === null || badRate <= target.badRate,
    breaksInDays: !keepsCoverage ? 0 : grows ? Math.max(0, most - population) / facts.growthPerDay : null,
    waitingPerDay: everything ? 0 : Math.max(0, touched - Math.max(0, lanes - critical)) * drillsPerDay,
  };
  return { ...base, warnings: warningsOf(base, facts, target, items) };
}

/** A promise that breaks within this is told now. */
const SOON_DAYS = 90;

function warningsOf(promised: Omit<Promised, "warnings">, facts: PlanFacts, target: PlanTarget, items: number): readonly string[] {
  const within = describeDuration(target.coverWithinMs);
  const said: string[] = [];
  if (promised.cycleDays === null)
    said.push(`Nothing is ever covered: a drill may read ${describeCount(Math.floor(items), "item")}, and none is left for the cycle.`);
  else if (!promised.keepsCoverage)
    said.push(`Reading everything once takes ${describeDuration(promised.cycleDays * DAY)}, longer than the ${within} promised.`);
  else if (promised.breaksInDays !== null && promised.breaksInDays < SOON_DAYS)
    said.push(
      `At ${describeNumber(facts.growthPerDay)} more items a day, reading everything once takes longer than ${within} in ${describeDuration(promised.breaksInDays * DAY)}.`,
    );
  if (!promised.keepsBadRate && target.badRate !== null)
    said.push(
      promised.badRate >= 1
        ? "A drill draws too few items at random to say how many are bad."
        : `A drill can say that fewer than ${share(promised.badRate)} of items are bad, not ${share(target.badRate)}.`,
    );
  if (promised.waitingPerDay >= 1)
    said.push(
      `${describeCount(Math.round(promised.waitingPerDay), "new or edited item")} a day are not read early: they wait for their turn.`,
    );
  return said;
}

function share(rate: number): string {
  return `${Number((Math.ceil(Number((rate * 1e4).toPrecision(10))) / 100).toPrecision(4))} %`;
}

/** On the average half a bucket does not fit any more; a bucket larger than a whole drill is read in parts. */
function wholeBuckets(items: number, population: number): number {
  const bucket = bucketItems(population);
  return items >= bucket ? items - bucket / 2 : Math.max(0, items);
}

/** A generous bucket: hashes do not fill all alike. */
function bucketItems(population: number): number {
  const mean = population / 2 ** bitsFor(population);
  return Math.ceil(mean + 2 * Math.sqrt(mean));
}

function lanesPerDrill(facts: PlanFacts): number {
  return facts.drillsPerDay > 0 ? (facts.newPerDay + facts.changedPerDay) / facts.drillsPerDay : 0;
}

function affordable(facts: PlanFacts, budget: Budget): { readonly items: number; readonly limitedBy: Promised["limitedBy"] } {
  const price: Cost = { items: 1, bytes: facts.bytesPerItem, calls: facts.callsPerItem, seconds: facts.secondsPerItem };
  const before: Cost = { items: 0, bytes: 0, calls: facts.callsPerDrill, seconds: facts.secondsPerDrill };
  let items = Number.POSITIVE_INFINITY;
  let limitedBy: Promised["limitedBy"] = null;
  for (const name of BUDGETS) {
    const limit = budget[name];
    if (limit === null) continue;
    const left = Math.max(0, limit - before[name]);
    const most = price[name] > 0 ? Math.floor(left / price[name] + 1e-9) : limit < before[name] ? 0 : items;
    if (most < items) [items, limitedBy] = [most, name];
  }
  return { items, limitedBy };
}

function effortOf(facts: PlanFacts, items: number): Effort {
  const perDrill: Cost = {
    items: Math.ceil(items),
    bytes: items * facts.bytesPerItem,
    calls: Math.ceil(items * facts.callsPerItem + facts.callsPerDrill - 1e-9),
    seconds: items * facts.secondsPerItem + facts.secondsPerDrill,
  };
  const perDay = times(perDrill, facts.drillsPerDay);
  const perMonth = times(perDay, MONTH_DAYS);
  return { perDrill, perDay, perMonth, moneyPerMonth: perMonth.calls * facts.pricePerCall + (perMonth.bytes / 1e9) * facts.pricePerGb };
}

function times(cost: Cost, factor: number): Cost {
  return { items: cost.items * factor, bytes: cost.bytes * factor, calls: cost.calls * factor, seconds: cost.seconds * factor };
}
