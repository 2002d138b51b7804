/** What a restore cost, step by step, as a drill measured it. JSON; part of a drill's record. */

export const RESTORE_STEPS = ["fetch", "read", "sandbox", "provision", "structure", "records", "links", "files"] as const;
/**
 * `fetch` out of the vault · `read` open, decrypt, parse · `sandbox` load into our own database · the others are the product's:
 * `provision` a place, `structure` everything that comes whole with every sample (tables, automations, views, access), and what is sampled.
 */
export type RestoreStep = (typeof RESTORE_STEPS)[number];

/** What every full restore does, and what of it is the product's own. */
export const PRODUCT_STEPS: ReadonlySet<RestoreStep> = new Set(["provision", "structure", "records", "links", "files"]);

export interface StepCost {
  readonly step: RestoreStep;
  /** Id of the collection; null where it is of none. */
  readonly collection: string | null;
  readonly items: number;
  readonly bytes: number;
  /** From its beginning to its end, waits included. */
  readonly ms: number;
  /** 0 where nobody was asked anything. */
  readonly requests: number;
  /** Of `ms`: held back so that no more requests went out than may; those of requests under way together are added up. */
  readonly waitMs: number;
  readonly retries: number;
}

export interface RestoreCost {
  readonly steps: readonly StepCost[];
  /** Requests a second the product takes; null: as many as it answers. */
  readonly perSecond: number | null;
}

/** More steps than a drill's record keeps: the dearest stay, the others are added up by step. */
const MOST_STEPS = 200;

/** @returns at most so many steps that evidence stays small; the sums of all figures stay the same */
export function boundedSteps(steps: readonly StepCost[]): readonly StepCost[] {
  if (steps.length <= MOST_STEPS) return steps;
  const dearest = new Set([...steps].sort((a, b) => b.ms - a.ms).slice(0, MOST_STEPS));
  const others = new Map<RestoreStep, StepCost>();
  for (const one of steps) if (!dearest.has(one)) others.set(one.step, added(others.get(one.step), { ...one, collection: null }));
  return [...steps.filter((one) => dearest.has(one)), ...others.values()];
}

export function added(sum: StepCost | undefined, more: StepCost): StepCost {
  if (sum === undefined) return more;
  return {
    ...sum,
    items: sum.items + more.items,
    bytes: sum.bytes + more.bytes,
    ms: sum.ms + more.ms,
    requests: sum.requests + more.requests,
    waitMs: sum.waitMs + more.waitMs,
    retries: sum.retries + more.retries,
  };
}

/** Time of a step without the waiting for its turn that the rate alone explains: that part is reckoned from the rate itself. */
export function workMs({ ms, requests, waitMs }: StepCost, perSecond: number | null): number {
  if (perSecond === null) return ms;
  return Math.max(ms - Math.min(waitMs, (requests * 1000) / perSecond), 0);
}
