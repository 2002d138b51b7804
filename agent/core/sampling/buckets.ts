/**
 * Where an item lies: a keyed hash puts it into a bucket that nobody can tell without the seed. A bucket of `bits` bits is the beginning of
 * the hash, so doubling the number of buckets splits each into two, and every item stays within its parent's children.
 */
import { hash } from "node:crypto";
import type { Layer } from "../words.ts";

/** Items that are sampled and told together: one collection, one kind of thing. */
export interface Stratum {
  readonly collection: string;
  readonly kind: string;
}

/** At most 4096 buckets a stratum. */
export const MOST_BITS = 12;
const ITEMS_A_BUCKET = 8;
/** Hex digits of a hash that are kept to tell an item by: 48 bits. */
export const HASH_DIGITS = 12;

export function stratumId(layer: Layer, stratum: Stratum): string {
  return `${layer}/${stratum.kind}/${stratum.collection}`;
}

/** Bits of the number of buckets: a power of two near an eighth of the population, 1 to 4096. */
export function bitsFor(population: number): number {
  return Math.min(MOST_BITS, Math.max(0, Math.round(Math.log2(Math.max(1, population) / ITEMS_A_BUCKET))));
}

/**
 * What stands before an item's key when it is hashed: SHA-256 of this and the key, in UTF-8, is the item's hash. DuckDB's
 * `sha256($1 || k)` is the same.
 * @param seed secret of the source, fixed in length
 */
export function hashPrefix(seed: string, stratum: Stratum): string {
  return `${seed}/${stratum.kind}/${stratum.collection.length}:${stratum.collection}/`;
}

/** @returns the first 48 bits, 12 hex digits */
export function itemHash(prefix: string, key: string): string {
  return hash("sha256", prefix + key, "hex").slice(0, HASH_DIGITS);
}

/** @param high the first 32 bits of an item's hash */
export function bucketOfHigh(high: number, bits: number): number {
  return bits === 0 ? 0 : high >>> (32 - bits);
}

/** @param digits of an item's hash */
export function bucketOfHash(digits: string, bits: number): number {
  return bucketOfHigh(Number.parseInt(digits.slice(0, 8), 16), bits);
}

export function bucketOf(seed: string, stratum: Stratum, key: string, bits: number): number {
  return bucketOfHash(itemHash(hashPrefix(seed, stratum), key), bits);
}

/**
 * The order in which a cycle walks the buckets, the same in every cycle: so the time between two readings of a bucket is never longer than
 * a cycle. It is the order of the leaves of a tree whose branches are swapped by a keyed hash, so that after a split the children stand
 * where their parent stood.
 * @param id the stratum's, so that strata do not walk in step
 * @returns every bucket once
 */
export function cycleOrder(seed: string, id: string, bits: number): readonly number[] {
  const swapped = nodeFlips(`${seed}/order/${id}/`, 2 ** bits);
  const order: number[] = [];
  for (let place = 0; place < 2 ** bits; place += 1) {
    let node = 1;
    for (let depth = bits - 1; depth >= 0; depth -= 1) node = node * 2 + (((place >>> depth) & 1) ^ (swapped(node) ? 1 : 0));
    order.push(node - 2 ** bits);
  }
  return order;
}

function nodeFlips(prefix: string, nodes: number): (node: number) => boolean {
  const blocks: Buffer[] = [];
  for (let block = 0; block * 256 < nodes; block += 1) blocks.push(Buffer.from(hash("sha256", `${prefix}${block}`, "hex"), "hex"));
  return (node) => (((blocks[node >>> 8]?.[(node >>> 3) & 31] ?? 0) >>> (node & 7)) & 1) === 1;
}
