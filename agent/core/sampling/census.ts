/**
 * What of a recovery point was read, and when, bucket by bucket: the ledger held against the items that are there. It goes from the process
 * that sees the items to the one that hears how the drill went; what evidence and state keep is the coverage made of it.
 */
import type { Layer } from "../words.ts";
import { bucketOfHash, bucketOfHigh, type Stratum, stratumId } from "./buckets.ts";
import { unpackDigests } from "./digests.ts";
import { type Buckets, type CoverageMode, type Frame, hashAt, inBuckets, itemsOf, keyDigest48 } from "./frame.ts";
import { type BucketEntry, countedBuckets, type Ledger, type Outcome, type StratumLedger, type TakenStratum } from "./ledger.ts";

/**
 * Why an item does not count as read: its bucket was never read; it came after; it could not be read; nobody knows when it was made; its
 * bucket holds more old items than were read, so their creation times are not to be believed.
 */
export const UNREAD_REASONS = ["never", "new", "unreadable", "untimed", "doubted"] as const;
export type UnreadReason = (typeof UNREAD_REASONS)[number];

export interface BucketCensus {
  readonly present: number;
  /** When they were last read, and how many of them. */
  readonly read: readonly (readonly [at: number, items: number])[];
  readonly unread: Readonly<Partial<Record<UnreadReason, number>>>;
  /** No unread item has been there longer; null: nobody knows, or there is none. */
  readonly oldest: number | null;
}

export interface StratumCensus {
  readonly id: string;
  readonly layer: Layer;
  readonly stratum: Stratum;
  readonly mode: CoverageMode;
  readonly bits: number;
  readonly population: number;
  readonly buckets: readonly BucketCensus[];
}

/** When each item was last read, NaN: never; and why it does not count where it does not. */
export interface Readings {
  readonly at: Float64Array;
  readonly reasons: ReadonlyMap<number, UnreadReason>;
}

/**
 * @param ledger split as far as the buckets are
 * @param doubts of those buckets, of which nothing is believed
 */
export function readingsOf(frame: Frame, buckets: Buckets, ledger: StratumLedger | null, doubts: ReadonlySet<number>): Readings {
  const at = new Float64Array(frame.keys.length).fill(Number.NaN);
  const reasons = new Map<number, UnreadReason>();
  const marks = new Map(ledger?.again.map((mark) => [mark.hash, mark]));
  const unreadable = new Set(ledger?.open.filter((one) => one.result === "unverifiable").map((one) => one.hash));
  const asked = marks.size > 0 || unreadable.size > 0;
  for (let bucket = 0; bucket + 1 < buckets.starts.length; bucket += 1) {
    const items = itemsOf(buckets, bucket);
    const entry = ledger?.buckets[bucket] ?? null;
    const doubted = doubts.has(bucket);
    const keys = frame.mode === "keys" && entry?.keys != null ? unpackDigests(entry.keys) : null;
    for (const item of items) {
      const hash = asked ? hashAt(frame, item) : "";
      const created = frame.created[item] ?? Number.NaN;
      if (asked && unreadable.has(hash)) {
        reasons.set(item, "unreadable");
        continue;
      }
      const whole = entry === null || doubted ? Number.NaN : wholeReading(frame, item, entry, keys);
      const mark = asked ? marks.get(hash) : undefined;
      const apart = mark !== undefined && (frame.mode === "keys" || created <= mark.point) ? mark.at : Number.NaN;
      const last = Number.isNaN(whole) ? apart : Number.isNaN(apart) ? whole : Math.max(whole, apart);
      at[item] = last;
      if (!Number.isNaN(last)) continue;
      if (frame.mode === "times" && Number.isNaN(created)) reasons.set(item, "untimed");
      else reasons.set(item, entry === null ? "never" : doubted ? "doubted" : "new");
    }
  }
  return { at, reasons };
}

function wholeReading(frame: Frame, item: number, entry: BucketEntry, keys: ReadonlySet<number> | null): number {
  if (frame.mode === "none") return Number.NaN;
  if (frame.mode === "keys") return keys?.has(keyDigest48(frame, item)) === true ? entry.at : Number.NaN;
  const created = frame.created[item] ?? Number.NaN;
  if (created <= entry.point) return entry.at;
  for (const segment of entry.fresh) if (created <= segment.to) return segment.at;
  return Number.NaN;
}

/**
 * Buckets that hold more items made before they were read than were read, or as many and others: items came with an older creation time, so
 * it tells nothing there. Asked before a split, which forgets how many there were.
 */
export function doubtsOf(frame: Frame, ledger: StratumLedger): readonly number[] {
  if (frame.mode !== "times") return [];
  const buckets = inBuckets(frame, ledger.bits);
  return ledger.buckets.flatMap((entry, bucket) => (entry === null || holds(frame, itemsOf(buckets, bucket), entry) ? [] : [bucket]));
}

/** Of what had been created there can only be less now; where as much is there, it is the same. */
function holds(frame: Frame, items: Uint32Array, entry: BucketEntry): boolean {
  const last = entry.fresh.at(-1)?.to ?? entry.point;
  let [count, held, high, low] = [0, 0, 0, 0];
  for (const item of items) {
    const created = frame.created[item] ?? Number.NaN;
    if (created <= last) held += 1;
    if (!(created <= entry.point)) continue;
    count += 1;
    high ^= frame.high[item] ?? 0;
    low ^= frame.low[item] ?? 0;
  }
  if (entry.held !== null && held > entry.held) return false;
  if (entry.items === null || count < entry.items) return true;
  return count === entry.items && entry.digest === hexOf(high, low);
}

export function hexOf(high: number, low: number): string {
  return [high, low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}

export function censusOf(layer: Layer, frame: Frame, bits: number, buckets: Buckets, readings: Readings): StratumCensus {
  const counted: BucketCensus[] = [];
  for (let bucket = 0; bucket < 2 ** bits; bucket += 1) {
    const items = itemsOf(buckets, bucket);
    const read = new Map<number, number>();
    const unread: Partial<Record<UnreadReason, number>> = {};
    let oldest = Number.POSITIVE_INFINITY;
    for (const item of items) {
      const at = readings.at[item] ?? Number.NaN;
      if (!Number.isNaN(at)) {
        read.set(at, (read.get(at) ?? 0) + 1);
        continue;
      }
      const reason = readings.reasons.get(item) ?? "never";
      unread[reason] = (unread[reason] ?? 0) + 1;
      oldest = Math.min(oldest, oldestOf(reason, frame.created[item] ?? Number.NaN));
    }
    counted.push({ present: items.length, read: [...read], unread, oldest: known(oldest) });
  }
  const id = stratumId(layer, frame.stratum);
  return { id, layer, stratum: frame.stratum, mode: frame.mode, bits, population: frame.keys.length, buckets: counted };
}

/** Since when it may have gone unread, ms; -Infinity where nobody knows. */
function oldestOf(reason: UnreadReason, created: number): number {
  return Number.isNaN(created) || reason === "unreadable" ? Number.NEGATIVE_INFINITY : created;
}

function known(time: number): number | null {
  return Number.isFinite(time) ? time : null;
}

/** The census once what was taken has been read: what `censusOf` would say of the same items with the ledger `record` gives. */
export function censusAfter(
  census: readonly StratumCensus[],
  before: Ledger,
  taken: readonly TakenStratum[],
  outcome: Outcome,
): readonly StratumCensus[] {
  return census.map((one) => {
    const own = taken.find((candidate) => stratumId(candidate.layer, candidate.stratum) === one.id);
    if (own === undefined || one.mode === "none") return one;
    const open = outcome.open.filter((item) => item.id === one.id && item.result === "unverifiable").map((item) => item.hash);
    return stratumAfter(one, before.strata[one.id] ?? null, own, open, outcome.at);
  });
}

function stratumAfter(
  census: StratumCensus,
  ledger: StratumLedger | null,
  taken: TakenStratum,
  unreadable: readonly string[],
  at: number,
): StratumCensus {
  const buckets = [...census.buckets];
  const counted = countedBuckets(ledger, taken, unreadable);
  const failed = new Map<number, number>();
  const apart = new Set(taken.again.map((one) => one.hash));
  for (const hash of unreadable) {
    const bucket = bucketOfHash(hash, census.bits);
    if (!apart.has(hash)) failed.set(bucket, (failed.get(bucket) ?? 0) + 1);
  }
  const whole = new Set<number>();
  for (const one of taken.buckets) {
    const was = buckets[one.bucket];
    const known = taken.doubted.includes(one.bucket)
      ? null
      : (ledger?.buckets[one.bucket >>> Math.max(0, taken.bits - ledger.bits)] ?? null);
    if (was === undefined || one.since !== null || !counted.has(one.bucket) || (known !== null && known.point > taken.point)) continue;
    whole.add(one.bucket);
    const lost = failed.get(one.bucket) ?? 0;
    const untimed = census.mode === "times" ? (was.unread.untimed ?? 0) : 0;
    const late = one.present - one.items - untimed;
    buckets[one.bucket] = {
      present: one.present,
      read: one.items > lost ? [[at, one.items - lost]] : [],
      unread: compact({ unreadable: lost, untimed, new: late }),
      oldest: lost + untimed === 0 && late > 0 ? taken.point : null,
    };
  }
  for (const one of taken.fresh) {
    const was = buckets[one.bucket];
    if (was === undefined || whole.has(one.bucket) || !counted.has(one.bucket)) continue;
    const lost = failed.get(one.bucket) ?? 0;
    buckets[one.bucket] = moved(moved(was, null, at, one.items - lost), null, null, lost);
  }
  const gone = new Set(unreadable);
  for (const one of taken.again) {
    const bucket = bucketOfHash(one.hash, census.bits);
    const was = buckets[bucket];
    if (was === undefined) continue;
    buckets[bucket] = moved(was, whole.has(bucket) ? null : one.before, gone.has(one.hash) ? null : at, 1);
  }
  return { ...census, buckets };
}

/** So many items go from those read at one time (null: unread) to those read at another (null: they could not be read). */
function moved(census: BucketCensus, from: number | null, to: number | null, items: number): BucketCensus {
  if (items === 0) return census;
  const read = new Map(census.read);
  const unread = { ...census.unread };
  if (from !== null) read.set(from, (read.get(from) ?? 0) - items);
  else {
    let left = items;
    for (const reason of ["unreadable", "new", "doubted", "never", "untimed"] as const) {
      const some = Math.min(left, unread[reason] ?? 0);
      unread[reason] = (unread[reason] ?? 0) - some;
      left -= some;
    }
  }
  if (to === null) unread.unreadable = (unread.unreadable ?? 0) + items;
  else read.set(to, (read.get(to) ?? 0) + items);
  const none = Object.values(unread).every((count) => count === 0);
  return {
    present: census.present,
    read: [...read].filter(([, count]) => count > 0),
    unread: compact(unread),
    oldest: none || to === null ? null : census.oldest,
  };
}

function compact(counts: Readonly<Partial<Record<UnreadReason, number>>>): Partial<Record<UnreadReason, number>> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

/** Which bucket an item of a frame is in. */
export function bucketAt(frame: Frame, item: number, bits: number): number {
  return bucketOfHigh(frame.high[item] ?? 0, bits);
}
