/** Everything a stratum has in one recovery point: what a sample is drawn from. In columns, since it may be a million items. */
import { bucketOfHigh, hashPrefix, type Stratum } from "./buckets.ts";
import { hash } from "node:crypto";

/** Times are ms since the epoch; null or absent where nobody knows. */
export interface FrameItem {
  readonly key: string;
  readonly createdAt: number | null;
  /** Null also where the product does not tell every change. */
  readonly updatedAt: number | null;
  /** When it is to be deleted. */
  readonly expiresAt?: number | null;
  readonly bytes?: number;
}

/**
 * How a stratum's coverage is told. `times`: what was created before the point that was read, was read. `keys`: a digest of every key read
 * is kept, 6 bytes an item. `none`: nothing can be told of items, so no coverage is exported.
 */
export const COVERAGE_MODES = ["times", "keys", "none"] as const;
export type CoverageMode = (typeof COVERAGE_MODES)[number];

/** What reading one item costs, on the average. */
export interface ItemCost {
  readonly bytes: number;
  readonly calls: number;
  readonly seconds: number;
}

export interface Frame {
  readonly stratum: Stratum;
  readonly mode: CoverageMode;
  readonly cost: ItemCost;
  readonly keys: readonly string[];
  /** First and second 32 bits of each item's hash. */
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  /** NaN where nobody knows. */
  readonly created: Float64Array;
  readonly updated: Float64Array;
  readonly expires: Float64Array;
  readonly bytes: Float64Array;
}

export const FREE: ItemCost = { bytes: 0, calls: 0, seconds: 0 };

/** @param seed secret of the source */
export function frameOf(
  seed: string,
  stratum: Stratum,
  items: Iterable<FrameItem>,
  options: { readonly mode: CoverageMode; readonly cost?: ItemCost },
): Frame {
  const cost = options.cost ?? FREE;
  const prefix = hashPrefix(seed, stratum);
  const list = Array.isArray(items) ? (items as readonly FrameItem[]) : [...items];
  const columns = {
    high: new Uint32Array(list.length),
    low: new Uint32Array(list.length),
    created: new Float64Array(list.length),
    updated: new Float64Array(list.length),
    expires: new Float64Array(list.length),
    bytes: new Float64Array(list.length),
  };
  for (const [at, item] of list.entries()) {
    const digest = hash("sha256", prefix + item.key, "hex");
    columns.high[at] = Number.parseInt(digest.slice(0, 8), 16);
    columns.low[at] = Number.parseInt(digest.slice(8, 16), 16);
    columns.created[at] = item.createdAt ?? Number.NaN;
    columns.updated[at] = item.updatedAt ?? Number.NaN;
    columns.expires[at] = item.expiresAt ?? Number.NaN;
    columns.bytes[at] = item.bytes ?? cost.bytes;
  }
  return { stratum, mode: options.mode, cost, keys: list.map((item) => item.key), ...columns };
}

/** The mode that fits: times where they are trusted and every item has one, else digests of keys up to so many, else none. */
export function modeFor(items: readonly FrameItem[], trusted: boolean, mostKeys = 2_000_000): CoverageMode {
  if (trusted && items.every((item) => item.createdAt !== null)) return "times";
  return items.length <= mostKeys ? "keys" : "none";
}

/** @returns 12 hex digits */
export function hashAt(frame: Frame, item: number): string {
  return hex(frame.high[item] ?? 0) + hex(frame.low[item] ?? 0).slice(0, 4);
}

/** Items of a frame by bucket. */
export interface Buckets {
  /** Places of the frame's items, those of a bucket side by side. */
  readonly items: Uint32Array;
  /** Where each bucket's items begin; one more than there are buckets. */
  readonly starts: Uint32Array;
}

export function inBuckets(frame: Frame, bits: number): Buckets {
  const starts = new Uint32Array(2 ** bits + 1);
  for (const high of frame.high) starts[bucketOfHigh(high, bits) + 1] = (starts[bucketOfHigh(high, bits) + 1] ?? 0) + 1;
  for (let at = 1; at < starts.length; at += 1) starts[at] = (starts[at] ?? 0) + (starts[at - 1] ?? 0);
  const next = starts.slice();
  const items = new Uint32Array(frame.high.length);
  for (let item = 0; item < items.length; item += 1) {
    const bucket = bucketOfHigh(frame.high[item] ?? 0, bits);
    const place = next[bucket] ?? 0;
    items[place] = item;
    next[bucket] = place + 1;
  }
  return { items, starts };
}

export function itemsOf(buckets: Buckets, bucket: number): Uint32Array {
  return buckets.items.subarray(buckets.starts[bucket] ?? 0, buckets.starts[bucket + 1] ?? 0);
}

/** 48 bits of a hash as a number: the digest kept of a key in mode `keys`. */
export function keyDigest48(frame: Frame, item: number): number {
  return (frame.high[item] ?? 0) * 65536 + ((frame.low[item] ?? 0) >>> 16);
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
