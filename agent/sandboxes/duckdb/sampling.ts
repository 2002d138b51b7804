/** Which records a sample keeps. A record is chosen by a keyed hash, so the choice is reproducible with the seed and by nobody else. */
import { hash } from "node:crypto";
import type { SampleRequest } from "../../core/ports.ts";

/** Keyed hashes are whole numbers in [0, 2^52): exact as a double. */
export const HASH_RANGE = 2 ** 52;

/**
 * @param seed hex
 * @returns the first 52 bits of SHA-256 over seed, collection id and key, each on its own line. One-shot hashing with the seed in front:
 *   an HMAC object a record takes thirty times as long.
 */
export function keyedHash(seed: string, collection: string, key: string): number {
  return Number.parseInt(hash("sha256", `${seed}\n${collection}\n${key}`, "hex").slice(0, 13), 16);
}

/** Where a record stands in the order of the keyed hashes; place and ordinal break ties, so that duplicate keys are told apart. */
export interface Rank {
  readonly hash: number;
  /** Place of the collection in the content. */
  readonly collection: number;
  readonly ordinal: number;
}

/** Negative when `a` comes before `b`. */
export function compareRanks(a: Rank, b: Rank): number {
  return a.hash - b.hash || a.collection - b.collection || a.ordinal - b.ordinal;
}

/**
 * @param names id and name of the collection: people name critical records by either
 * @returns whether a key was asked for by name
 */
export function alwaysKept(sample: SampleRequest, names: readonly string[]): (key: string) => boolean {
  const keys = new Set(sample.always.filter((item) => names.includes(item.collection)).map((item) => item.key));
  return (key) => keys.has(key);
}
