/**
 * How far out a statistic has to be to be as rare as a budget allows, learned from itself: above a threshold u it is taken to fall off like
 * exp(-(x² - u²) / 2σ²), with σ² as large as what lies above asks for, shrunk towards what it would be for a normal one, so that a few runs
 * do not decide. (Exceedances over a threshold: Pickands 1975; here with the tail of a normal whose width is free.)
 */

export interface Tail {
  /** Runs that count, and those of them above the threshold. */
  runs: number;
  above: number;
  /** Sum of (x² - threshold²) / 2 over those. */
  excess: number;
}

export interface TailPrior {
  /** From here on the tail is modelled. */
  readonly threshold: number;
  /** What a normal statistic would show: share above, and mean of (x² - threshold²) / 2 there. */
  readonly share: number;
  readonly excess: number;
  /** Runs the prior counts for. */
  readonly weight: number;
  /** Runs after which what was seen counts for a third (1/e). */
  readonly memory: number;
}

/** No single value says more than this about a tail: events are no part of it. */
const MOST_EXCESS = 30;

export function emptyTail(): Tail {
  return { runs: 0, above: 0, excess: 0 };
}

export function addToTail(tail: Tail, x: number, { threshold, memory }: TailPrior): void {
  const keep = 1 - 1 / memory;
  tail.runs = tail.runs * keep + 1;
  tail.above *= keep;
  tail.excess *= keep;
  if (x <= threshold) return;
  tail.above += 1;
  tail.excess += Math.min(MOST_EXCESS, (x * x - threshold * threshold) / 2);
}

/** @param rate wanted share of runs above; @returns the value that so many exceed */
export function tailQuantile(tail: Tail, rate: number, prior: TailPrior): number {
  const runs = tail.runs + prior.weight;
  const above = tail.above + prior.weight * prior.share;
  const mean = (tail.excess + prior.weight * prior.share * prior.excess) / above;
  const share = above / runs;
  return share <= rate ? prior.threshold : Math.sqrt(prior.threshold ** 2 + 2 * mean * Math.log(share / rate));
}
