/**
 * How far out a statistic has to be to be as rare as a budget allows, learned from itself: the share of runs beyond each of a few levels
 * is counted and shrunk towards a prior, and in between and beyond the survival function is a power law (Hill 1975), which is a straight
 * line where both are logarithms. Counts, not sizes, so that no single event widens the band for long.
 */

export interface Tail {
  /** Runs that count, and those beyond each level; fading. */
  runs: number;
  beyond: number[];
}

export interface TailPrior {
  /** Rising. */
  readonly levels: readonly number[];
  /** Shares beyond them before anything is known. */
  readonly shares: readonly number[];
  /** Runs the prior counts for. */
  readonly weight: number;
  /** Runs after which what was seen counts for a third (1/e). */
  readonly memory: number;
}

/** Share of runs beyond the first level that events alone may well make. */
const LIGHT = 0.025;
/** So many of those far out are taken for events and not for noise. */
const FORGIVEN = 2;
/** Beyond the last level a tail is taken to fall off at least that fast: Student's t with four degrees of freedom does. */
const LEAST_EXPONENT = 4;
/** And one that was seen to be light, by so much faster; after so many runs it was seen. */
const LIGHTER = 4;
const LIGHT_SEEN = 500;

export function emptyTail({ levels }: Pick<TailPrior, "levels">): Tail {
  return { runs: 0, beyond: levels.map(() => 0) };
}

/** 0 for noise like the normal's, 1 where so many runs lie beyond the first level that no events can be the reason. */
export function heaviness(tail: Tail, runs = tail.runs): number {
  return runs < 30 ? 0 : Math.min(1, Math.max(0, ((tail.beyond[0] ?? 0) / runs - LIGHT) / LIGHT));
}

/** @param weight 1; less for what may be an event rather than noise */
export function addToTail(tail: Tail, x: number, weight: number, { levels, memory }: TailPrior): void {
  const keep = 1 - 1 / memory;
  tail.runs = tail.runs * keep + 1;
  for (let at = 0; at < levels.length; at += 1) tail.beyond[at] = (tail.beyond[at] ?? 0) * keep + (x > (levels[at] ?? 0) ? weight : 0);
}

/** @param rate wanted share of runs beyond; @returns the value that so many exceed, at least the first level */
export function tailQuantile(tail: Tail, rate: number, { levels, shares, weight }: TailPrior): number {
  const runs = tail.runs + weight;
  const forgiven = FORGIVEN * (1 - heaviness(tail, runs));
  const share = (at: number): number =>
    (Math.max(0, (tail.beyond[at] ?? 0) - (at === 0 ? 0 : forgiven)) + weight * (shares[at] ?? 0)) / runs;
  const last = levels.length - 1;
  if (share(0) <= rate) return levels[0] ?? 0;
  for (let at = 1; at <= last; at += 1) {
    if (share(at) > rate) continue;
    return between(levels[at - 1] ?? 0, levels[at] ?? 0, share(at - 1), share(at), rate);
  }
  const slope = Math.log(share(last - 1) / share(last)) / Math.log((levels[last] ?? 1) / (levels[last - 1] ?? 1));
  const least = LEAST_EXPONENT + LIGHTER * (1 - heaviness(tail, runs)) * Math.min(1, tail.runs / LIGHT_SEEN);
  return (levels[last] ?? 0) * (share(last) / rate) ** (1 / Math.max(least, slope));
}

/** Nothing is said of what is rarer than this. */
const RAREST = 1e-9;

/**
 * How rare it is to lie so far out: the inverse of `tailQuantile`, which falls as the rate grows.
 * @returns share of runs, 1e-9 to 1; 1 where it lies below the first level, of which nothing is known
 */
export function tailRate(tail: Tail, x: number, prior: TailPrior): number {
  if (x <= (prior.levels[0] ?? 0)) return 1;
  let [low, high] = [Math.log(RAREST), 0];
  if (tailQuantile(tail, RAREST, prior) <= x) return RAREST;
  for (let halving = 0; halving < 40; halving += 1) {
    const middle = (low + high) / 2;
    if (tailQuantile(tail, Math.exp(middle), prior) > x) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}

function between(low: number, high: number, shareLow: number, shareHigh: number, rate: number): number {
  if (shareLow <= shareHigh) return high;
  const way = Math.log(shareLow / rate) / Math.log(shareLow / shareHigh);
  return low * (high / low) ** way;
}
