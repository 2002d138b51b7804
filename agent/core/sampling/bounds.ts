/**
 * What a random sample without putting back says of everything it was drawn from. Only items that the cycle drew enter, of one recovery
 * point and one layer: items of lanes are not random, and what was read of older points is coverage, never a bound.
 */
import { describeNumber } from "../words-for-people.ts";
import { binomialAtMost, hypergeometricAtMost } from "./hypergeometric.ts";

/** A stratum's population, how many of it were drawn at random, and how many of those were bad. */
export interface Drawn {
  readonly population: number;
  readonly sampled: number;
  readonly bad: number;
}

export interface Bound {
  readonly confidence: number;
  readonly population: number;
  readonly sampled: number;
  readonly bad: number;
  /** K*: with this confidence there are fewer bad items than so many; population + 1 where nothing is known. */
  readonly fewerThan: number;
  /** fewerThan of population, at most 1; 0 where every item was looked at and none is bad. */
  readonly badRateUpper: number;
}

/** A chance as a fraction, so that a tie is a tie. */
interface Alpha {
  readonly over: bigint;
  readonly under: bigint;
}

const DECIMALS = 12;
/** Up to so many items a near tie is decided in whole numbers; beyond, the chance of one is nothing. */
const EXACT_MOST = 5000;

function alphaOf(confidence: number, strata: number): Alpha {
  if (!(confidence > 0 && confidence < 1)) throw new RangeError(`a confidence lies between 0 and 1, not at ${confidence}`);
  const under = 10n ** BigInt(DECIMALS);
  return { over: under - BigInt(confidence.toFixed(DECIMALS).replace(".", "")), under: under * BigInt(strata) };
}

function toNumber({ over, under }: Alpha): number {
  return Number(over) / Number(under);
}

/**
 * The smallest K for which so few bad ones among the drawn would be too unlikely: P(at most `bad` | K of the population bad) ≤ 1 − confidence.
 * @param strata of how many statements that are to hold together this is one (Bonferroni)
 * @returns `bad` + 1 to population + 1
 * @throws RangeError where the numbers cannot be
 */
export function fewerThan({ population, sampled, bad }: Drawn, confidence: number, strata = 1): number {
  if (![population, sampled, bad].every(Number.isSafeInteger) || bad < 0 || bad > sampled || sampled > population)
    throw new RangeError(`${bad} bad of ${sampled} drawn of ${population} cannot be`);
  const alpha = alphaOf(confidence, strata);
  let [low, high] = [bad + 1, population - sampled + bad + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (unlikely(bad, population, middle, sampled, alpha)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function unlikely(x: number, population: number, bad: number, drawn: number, alpha: Alpha): boolean {
  const limit = toNumber(alpha);
  const chance = hypergeometricAtMost(x, population, bad, drawn);
  if (Math.abs(chance - limit) > 1e-9 * limit || population > EXACT_MOST) return chance <= limit;
  let ways = 0n;
  for (let at = Math.max(0, drawn - (population - bad)); at <= Math.min(x, bad); at += 1)
    ways += choose(bad, at) * choose(population - bad, drawn - at);
  return ways * alpha.under <= choose(population, drawn) * alpha.over;
}

function choose(n: number, k: number): bigint {
  if (k < 0 || k > n) return 0n;
  let ways = 1n;
  for (let at = 1; at <= Math.min(k, n - k); at += 1) ways = (ways * BigInt(n - at + 1)) / BigInt(at);
  return ways;
}

export function boundOf(drawn: Drawn, confidence: number, strata = 1): Bound {
  const fewer = fewerThan(drawn, confidence, strata);
  const { population, sampled, bad } = drawn;
  const known = sampled === population;
  const badRateUpper = population === 0 ? 0 : known ? bad / population : Math.min(1, fewer / population);
  return { confidence, population, sampled, bad, fewerThan: fewer, badRateUpper };
}

/**
 * Each stratum by itself, and all together: what is stated of them holds at once with the confidence, so each gets its part of the doubt.
 * Strata that were read whole need none.
 */
export function boundsOf(
  strata: ReadonlyMap<string, Drawn>,
  confidence: number,
): { readonly strata: ReadonlyMap<string, Bound>; readonly overall: Bound } {
  const each = new Map([...strata].map(([id, drawn]) => [id, boundOf(drawn, confidence)]));
  const open = Math.max(1, [...strata.values()].filter((one) => one.sampled < one.population).length);
  let [population, sampled, bad, most] = [0, 0, 0, 0];
  for (const drawn of strata.values()) {
    population += drawn.population;
    sampled += drawn.sampled;
    bad += drawn.bad;
    most += fewerThan(drawn, confidence, open) - 1;
  }
  const known = sampled === population;
  const badRateUpper = population === 0 ? 0 : known ? bad / population : Math.min(1, (most + 1) / population);
  return { strata: each, overall: { confidence, population, sampled, bad, fewerThan: most + 1, badRateUpper } };
}

/** The limit for a population without end (Clopper and Pearson, 1934): the rate at which at most `bad` of `sampled` has chance 1 − confidence. */
export function clopperPearsonUpper(bad: number, sampled: number, confidence: number): number {
  if (bad >= sampled) return 1;
  const limit = 1 - confidence;
  if (bad === 0) return -Math.expm1(Math.log(limit) / sampled);
  let [low, high] = [bad / sampled, 1];
  // Halving a double's range ends when nothing lies between.
  for (let middle = (low + high) / 2; middle > low && middle < high; middle = (low + high) / 2) {
    if (binomialAtMost(bad, sampled, middle) > limit) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * How many have to be drawn, none of them bad, to say that fewer than this share of the population is bad.
 * @param population null: without end
 * @returns at most the population
 */
export function zeroFailureSize(population: number | null, rate: number, confidence: number): number {
  if (!(rate > 0 && rate <= 1)) throw new RangeError(`a rate lies between 0 and 1, not at ${rate}`);
  if (population === null) return Math.ceil(Math.log(1 - confidence) / Math.log1p(-rate) - 1e-9);
  // A rounding error of the product is no item more.
  const bad = Math.max(1, Math.ceil(population * rate - 1e-9));
  const alpha = alphaOf(confidence, 1);
  let [low, high] = [0, population];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (unlikely(0, population, bad, middle, alpha)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** For people: never more than is known, so shares are rounded up. */
export function describeBound(bound: Bound): string {
  const { population, sampled, bad, confidence } = bound;
  if (population === 0) return "there are no items";
  if (sampled === population)
    return bad === 0
      ? "every item was looked at and none is bad"
      : `every item was looked at: ${describeNumber(bad)} of ${describeNumber(population)} ${bad === 1 ? "is" : "are"} bad`;
  const found = bad === 0 ? "" : `${describeNumber(bad)} of ${describeNumber(sampled)} drawn at random ${bad === 1 ? "is" : "are"} bad; `;
  if (bound.fewerThan > population) return `${found}too few were drawn to say how many items are bad`;
  const sure = `with ${percent(confidence, Math.floor)} confidence`;
  if (bound.fewerThan === 1) return `${sure} no item is bad; ${describeNumber(population - sampled)} were not looked at`;
  return `${found}${sure} fewer than ${percent(bound.badRateUpper, Math.ceil)} of items are bad; a single lost record may still be there`;
}

/** Two digits that matter, more for what is near to all. */
function percent(share: number, round: (value: number) => number): string {
  const value = share * 100;
  const digits = Math.max(0, 1 - Math.floor(Math.log10(Math.max(value, 1e-9))));
  const scale = 10 ** (value > 90 && value < 100 ? Math.max(digits, 2) : digits);
  const rounded = round(Number((value * scale).toPrecision(12))) / scale;
  return `${Number(rounded.toPrecision(6))} %`;
}
