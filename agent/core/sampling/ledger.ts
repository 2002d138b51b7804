/**
 * What was read so far, per stratum and layer: small enough to keep for millions of items, and never claiming one that was not read
 * (verification.md §5). Plain values; `record` is the only thing that changes it, and follows from what evidence keeps, so that state can
 * be made anew.
 */
import type { Layer } from "../words.ts";
import { bucketOfHash, type Stratum, stratumId } from "./buckets.ts";
import { splitDigests } from "./digests.ts";
import type { CoverageMode } from "./frame.ts";

/** Items that came after the bucket was read, and were read by their lane: those created up to `to`, behind the segment before. */
export interface Segment {
  readonly to: number;
  readonly at: number;
}

/** The last reading of a bucket. Times are ms since the epoch. */
export interface BucketEntry {
  /** What had been created by then was in the recovery point that was read. */
  readonly point: number;
  readonly at: number;
  /** How many items that were, and the XOR of their hashes; null since the bucket was split. */
  readonly items: number | null;
  readonly digest: string | null;
  /** Cycle in which it was read. */
  readonly cycle: number;
  readonly fresh: readonly Segment[];
  /** How many items had been created by the end of the last segment when it was read; null since the bucket was split. */
  readonly held: number | null;
  /** Edits up to then were read by their lane; null: only what the reading itself saw. */
  readonly edited: number | null;
  /** Mode `keys`: 6-byte digests of the keys read, base64, sorted; null in other modes. */
  readonly keys: string | null;
}

/** An item read apart from its bucket. */
export interface ItemMark {
  readonly hash: string;
  readonly point: number;
  readonly at: number;
}

/** A bucket too large for one drill, read up to a hash; with what was oldest while it was. */
export interface Part {
  readonly bucket: number;
  readonly after: string;
  readonly point: number;
  readonly at: number;
}

export const OPEN_RESULTS = ["changed", "mismatch", "unverifiable"] as const;
/** An item whose last result was not `match`; `unverifiable`: it could not be read, so it is not covered. */
export interface OpenItem {
  readonly hash: string;
  readonly result: (typeof OPEN_RESULTS)[number];
  readonly at: number;
}

export interface StratumLedger {
  readonly layer: Layer;
  readonly stratum: Stratum;
  /** When this ledger began to know of it. */
  readonly since: number;
  /** When anything of it was last read; null: never. */
  readonly readAt: number | null;
  readonly bits: number;
  /** The running cycle: every bucket whose entry has this number is done. */
  readonly cycle: number;
  /** One of each bucket; null: never read. */
  readonly buckets: readonly (BucketEntry | null)[];
  readonly part: Part | null;
  readonly again: readonly ItemMark[];
  readonly open: readonly OpenItem[];
}

export interface Ledger {
  readonly strata: Readonly<Record<string, StratumLedger>>;
}

export const EMPTY_LEDGER: Ledger = { strata: {} };

/** What a drill set out to read of one stratum. JSON; together with the outcome, all that evidence has to keep. */
export interface TakenStratum {
  readonly layer: Layer;
  readonly stratum: Stratum;
  readonly mode: CoverageMode;
  readonly bits: number;
  /** Cycle a stratum that is not in the ledger yet begins with. */
  readonly cycle: number;
  /** What was created by then was in the recovery point. */
  readonly point: number;
  readonly population: number;
  /** Where the reading of a bucket that is read in parts stands now; null: none is. */
  readonly part: Part | null;
  /** Items drawn by the cycle: the random part, and the only one a bound may count. */
  readonly sampled: number;
  readonly buckets: readonly TakenBucket[];
  /** Buckets that hold older items than were read: what is known of them is void. */
  readonly doubted: readonly number[];
  /** Buckets of which new items were read, creation time up to which all were, and how many items there are up to it. */
  readonly fresh: readonly { readonly bucket: number; readonly to: number; readonly items: number; readonly held: number }[];
  readonly edited: readonly { readonly bucket: number; readonly to: number }[];
  /**
   * Items read apart from their bucket, or whose creation after `point` keeps them from being told with it; when they had been read before
   * (null: never), and that creation time.
   */
  readonly again: readonly { readonly hash: string; readonly before: number | null; readonly created?: number | undefined }[];
}

export interface TakenBucket {
  readonly bucket: number;
  /** All in it, and those created by `point`. */
  readonly present: number;
  readonly items: number;
  readonly digest: string;
  readonly keys: string | null;
  /** Where it was read in parts: of the oldest. */
  readonly since: { readonly point: number; readonly at: number } | null;
}

/** How reading what was taken went. Only what was not well is named: everything else was read and equal. */
export interface Outcome {
  readonly at: number;
  readonly open: readonly { readonly id: string; readonly hash: string; readonly result: OpenItem["result"] }[];
}

/** More open items than that are not kept; a bucket with unread items that cannot be kept does not count as read. */
export const OPEN_MOST = 4096;
/** Of a bucket; more are told as fewer, read earlier. */
export const SEGMENTS_MOST = 64;

/** A share of the population, and never so few that it matters. */
export function marksMost(population: number): number {
  return Math.max(4096, Math.floor(population / 4));
}

/** Not to be called for a drill that did not get as far as reading: what was not recorded is drawn again. */
export function record(ledger: Ledger, taken: readonly TakenStratum[], outcome: Outcome): Ledger {
  const strata: Record<string, StratumLedger> = { ...ledger.strata };
  for (const one of taken) {
    const id = stratumId(one.layer, one.stratum);
    const before = strata[id] ?? begin(one, outcome.at);
    strata[id] = recordStratum(split(before, one.bits), one, {
      at: outcome.at,
      open: outcome.open.filter((item) => item.id === id),
    });
  }
  return { strata };
}

/** Strata that are not there any more are forgotten. */
export function keepStrata(ledger: Ledger, ids: ReadonlySet<string>): Ledger {
  return { strata: Object.fromEntries(Object.entries(ledger.strata).filter(([id]) => ids.has(id))) };
}

function begin(taken: TakenStratum, at: number): StratumLedger {
  const { layer, stratum, bits, cycle } = taken;
  return {
    layer,
    stratum,
    since: at,
    readAt: null,
    bits,
    cycle,
    buckets: Array.from({ length: 2 ** bits }, () => null),
    part: null,
    again: [],
    open: [],
  };
}

/** Twice as many buckets until there are `bits`: children inherit what is known of their parent, but how many items of it are whose. */
export function split(ledger: StratumLedger, bits: number): StratumLedger {
  if (bits <= ledger.bits) return ledger;
  const buckets = ledger.buckets.flatMap((entry, bucket): (BucketEntry | null)[] => {
    if (entry === null) return [null, null];
    const keys = entry.keys === null ? [null, null] : splitDigests(entry.keys, bucket, ledger.bits);
    const child = { ...entry, items: null, digest: null, held: null };
    return keys.map((own) => ({ ...child, keys: own }));
  });
  return split({ ...ledger, bits: ledger.bits + 1, buckets, part: null }, bits);
}

/** Which of what was taken counts as read: buckets too full of unread items to be kept in mind do not. */
export function countedBuckets(ledger: StratumLedger | null, taken: TakenStratum, unread: readonly string[]): ReadonlySet<number> {
  const counted = new Set(taken.buckets.map((one) => one.bucket));
  for (const one of taken.fresh) counted.add(one.bucket);
  let kept = unread.length + (ledger?.open.filter((one) => one.result === "unverifiable").length ?? 0);
  if (kept <= OPEN_MOST) return counted;
  const each = new Map<number, number>();
  for (const hash of unread) each.set(bucketOfHash(hash, taken.bits), (each.get(bucketOfHash(hash, taken.bits)) ?? 0) + 1);
  for (const [bucket, count] of [...each].sort((a, b) => b[1] - a[1] || a[0] - b[0])) {
    if (kept <= OPEN_MOST) break;
    counted.delete(bucket);
    kept -= count;
  }
  return counted;
}

function recordStratum(before: StratumLedger, taken: TakenStratum, outcome: Outcome): StratumLedger {
  const { at } = outcome;
  const { bits } = before;
  // Another agent may have split it since this was drawn: what was taken then are all children of it.
  const children = 2 ** (bits - taken.bits);
  const buckets = [...before.buckets];
  let { cycle } = before;
  const unread = outcome.open.filter((one) => one.result === "unverifiable").map((one) => one.hash);
  const counted = countedBuckets(before, taken, unread);
  const readWhole = new Set<number>();
  for (const bucket of taken.doubted) buckets.fill(null, bucket * children, (bucket + 1) * children);
  for (const one of taken.buckets) {
    if (!counted.has(one.bucket)) continue;
    for (let bucket = one.bucket * children; bucket < (one.bucket + 1) * children; bucket += 1) {
      const old = buckets[bucket] ?? null;
      // An older point tells nothing of what came after it.
      if (old !== null && old.point > (one.since?.point ?? taken.point)) continue;
      buckets[bucket] = entryOf(one, taken, at, cycle, bucket, bits);
      // In parts, items keep their own marks.
      if (one.since === null) readWhole.add(bucket);
    }
    if (buckets.every((entry) => entry !== null && entry.cycle >= cycle)) cycle += 1;
  }
  for (const one of taken.fresh)
    if (counted.has(one.bucket))
      onEach(one.bucket, children, buckets, (entry) => withFresh(entry, one.to, at, children === 1 ? one.held : null));
  for (const one of taken.edited)
    onEach(one.bucket, children, buckets, (entry) => ({ ...entry, edited: Math.max(entry.edited ?? entry.point, one.to) }));
  const unreadSet = new Set(unread);
  const marks = new Map(before.again.filter((mark) => !readWhole.has(bucketOfHash(mark.hash, bits))).map((mark) => [mark.hash, mark]));
  for (const { hash, created } of taken.again) {
    if (unreadSet.has(hash) || (created === undefined && readWhole.has(bucketOfHash(hash, bits)))) continue;
    // Behind all others: the oldest are the first to be dropped.
    marks.delete(hash);
    marks.set(hash, { hash, point: Math.max(taken.point, created ?? taken.point), at });
  }
  const looked = new Set(taken.again.map((one) => one.hash));
  const openBefore = before.open.filter((item) => !looked.has(item.hash) && !readWhole.has(bucketOfHash(item.hash, bits)));
  const nothing = taken.buckets.length + taken.fresh.length + taken.again.length === 0;
  return {
    ...before,
    readAt: nothing ? before.readAt : at,
    cycle,
    buckets,
    part: children === 1 ? taken.part : null,
    again: [...marks.values()].slice(-marksMost(taken.population)),
    open: boundedOpen(openBefore, outcome, (hash) => counted.has(bucketOfHash(hash, taken.bits)) || looked.has(hash)),
  };
}

/** Unread items first: forgetting one would claim it. */
function boundedOpen(before: readonly OpenItem[], outcome: Outcome, counts: (hash: string) => boolean): readonly OpenItem[] {
  const now = outcome.open.filter((one) => counts(one.hash)).map(({ hash, result }): OpenItem => ({ hash, result, at: outcome.at }));
  const all = [...new Map([...before, ...now].map((item) => [item.hash, item])).values()];
  const unread = all.filter((item) => item.result === "unverifiable");
  const others = all.filter((item) => item.result !== "unverifiable");
  return [...unread, ...others.slice(Math.max(0, others.length + unread.length - OPEN_MOST))];
}

function entryOf(one: TakenBucket, taken: TakenStratum, at: number, cycle: number, bucket: number, bits: number): BucketEntry {
  const whole = bits === taken.bits;
  const keys = one.keys === null || whole ? one.keys : ownDigests(one.keys, one.bucket, taken.bits, bucket, bits);
  return {
    point: one.since?.point ?? taken.point,
    at: one.since?.at ?? at,
    items: whole ? one.items : null,
    digest: whole ? one.digest : null,
    cycle,
    fresh: [],
    held: null,
    edited: null,
    keys,
  };
}

function ownDigests(keys: string, parent: number, parentBits: number, bucket: number, bits: number): string {
  let own = keys;
  let at = parent;
  for (let depth = parentBits; depth < bits; depth += 1) {
    const right = (bucket >>> (bits - depth - 1)) & 1;
    own = splitDigests(own, at, depth)[right] ?? "";
    at = at * 2 + right;
  }
  return own;
}

function onEach(parent: number, children: number, buckets: (BucketEntry | null)[], change: (entry: BucketEntry) => BucketEntry): void {
  for (let bucket = parent * children; bucket < (parent + 1) * children; bucket += 1) {
    const entry = buckets[bucket] ?? null;
    if (entry !== null) buckets[bucket] = change(entry);
  }
}

function withFresh(entry: BucketEntry, to: number, at: number, held: number | null): BucketEntry {
  const last = entry.fresh.at(-1)?.to ?? entry.point;
  if (to <= last) return entry;
  const fresh = [...entry.fresh, { to, at }];
  const [first, second, ...rest] = fresh;
  if (fresh.length <= SEGMENTS_MOST || first === undefined || second === undefined) return { ...entry, fresh, held };
  // Two are told as one, read when the earlier was.
  return { ...entry, held, fresh: [{ to: second.to, at: Math.min(first.at, second.at) }, ...rest] };
}
