/** Choices out of random numbers. */
import type { RandomSource } from "../../agent/kit/random.ts";

/** An integer in [0, length); 0 where there is none. */
export function at(random: RandomSource, length: number): number {
  return length <= 0 ? 0 : Math.floor(random.next() * length);
}

/** @param items at least one */
export function pick<T>(random: RandomSource, items: readonly T[]): T {
  const item = items[at(random, items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}
