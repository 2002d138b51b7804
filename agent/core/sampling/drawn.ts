/** From what a drill took and how it went to the numbers a bound is made of. */
import type { Drawn } from "./bounds.ts";
import { bucketOfHash, stratumId } from "./buckets.ts";
import type { Outcome, TakenStratum } from "./ledger.ts";

/**
 * Only what the cycle drew, of this one drill: items of lanes are not random. An item that could not be read may be bad, so it counts as if
 * it were; one that people changed since is no fault of the backup.
 * @returns by stratum id
 */
export function drawnOf(taken: readonly TakenStratum[], outcome: Outcome): ReadonlyMap<string, Drawn> {
  return new Map(
    taken.map((one): [string, Drawn] => {
      const id = stratumId(one.layer, one.stratum);
      const buckets = new Set([...one.buckets.map((bucket) => bucket.bucket), ...(one.part === null ? [] : [one.part.bucket])]);
      const bad = outcome.open.filter(
        (item) => item.id === id && item.result !== "changed" && buckets.has(bucketOfHash(item.hash, one.bits)),
      ).length;
      return [id, { population: one.population, sampled: one.sampled, bad }];
    }),
  );
}
