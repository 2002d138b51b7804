/**
 * Draws what a drill reads: first the items that cannot wait for their turn, then the next buckets of the cycle, until a budget is spent.
 * Everything it goes by is in the ledger and the items themselves, so it goes on where the last recorded drill ended, on any agent.
 */
import { cycleOrder } from "./buckets.ts";
import { type Budget, type BudgetName, type Cost, exceeded, NOTHING, share, sum } from "./budget.ts";
import { bucketAt, censusOf, hexOf, type StratumCensus } from "./census.ts";
import { packDigests } from "./digests.ts";
import { type DrawInput, type Drawing, drawingOf } from "./drawing.ts";
import { type Frame, hashAt, itemsOf, keyDigest48 } from "./frame.ts";
import { laneOf, LANES, type Lane } from "./lanes.ts";
import type { Part, TakenBucket, TakenStratum } from "./ledger.ts";

export interface SampledItem {
  readonly key: string;
  readonly hash: string;
  /** Why it was taken; `cycle` where it was drawn at random, also when a lane would have taken it. */
  readonly lane: Lane | "cycle";
}

export interface Sample {
  readonly taken: readonly TakenStratum[];
  readonly census: readonly StratumCensus[];
  /** By stratum id; empty ones are left out. */
  readonly items: ReadonlyMap<string, readonly SampledItem[]>;
  readonly cost: Cost;
  /** The budget that ended it, or null: everything there is was taken. */
  readonly stoppedBy: BudgetName | null;
  /** Strata of which a single item costs more than the whole budget: they never get on. */
  readonly stuck: readonly { readonly id: string; readonly budget: BudgetName }[];
}

const CYCLE = LANES.length + 1;

export function drawSample(input: DrawInput): Sample {
  const drawings = input.frames.map((frame) => drawingOf(input, frame));
  let cost: Cost = NOTHING;
  let stoppedBy: BudgetName | null = null;
  const afford = (more: Cost, limit: Budget): boolean => {
    const broken = exceeded(sum(cost, more), limit);
    if (broken !== null) stoppedBy ??= broken;
    else cost = sum(cost, more);
    return broken === null;
  };
  for (const [place, lane] of LANES.entries()) {
    // What people named comes before everything; the others leave the cycle its part, or it would never end.
    const limit = lane === "critical" ? input.budget : share(input.budget, input.lanes.share);
    for (const { drawing, item } of laneOf(lane, drawings, input)) {
      if (drawing.why[item] !== 0) continue;
      if (!afford(costOf(drawing.frame, [item]), limit)) break;
      drawing.why[item] = place + 1;
    }
  }
  stoppedBy = null;
  const cycles = drawings.map((drawing) => cycleOf(drawing, input));
  const stuck: Sample["stuck"][number][] = [];
  for (let next = furthestBehind(cycles); next !== null; next = furthestBehind(cycles)) {
    const { drawing, queue } = next;
    const bucket = queue[next.at] ?? 0;
    const items = itemsOf(drawing.buckets, bucket);
    const begun = drawing.ledger?.part?.bucket === bucket ? drawing.ledger.part : null;
    const rest = begun === null ? [...items] : [...items].filter((item) => hashAt(drawing.frame, item) > begun.after);
    const untaken = rest.filter((item) => drawing.why[item] === 0);
    if (afford(costOf(drawing.frame, untaken), input.budget)) {
      for (const item of rest) drawing.why[item] = CYCLE;
      if (begun !== null) next.since.set(bucket, { point: Math.min(begun.point, input.point), at: begun.at });
      next.part = null;
      next.at += 1;
      continue;
    }
    next.closed = true;
    if (begun === null && exceeded(costOf(drawing.frame, items), input.budget) === null) continue;
    // More than any drill could read at once: as much of it as this one can, in the order of its hashes.
    let after = begun?.after ?? "";
    for (const item of inHashOrder(drawing.frame, rest)) {
      if (drawing.why[item] === 0 && !afford(costOf(drawing.frame, [item]), input.budget)) break;
      drawing.why[item] = CYCLE;
      after = hashAt(drawing.frame, item);
    }
    const broken = after === "" ? exceeded(costOf(drawing.frame, items.slice(0, 1)), input.budget) : null;
    if (broken !== null) stuck.push({ id: drawing.id, budget: broken });
    if (after !== "") next.part = { bucket, after, point: Math.min(begun?.point ?? input.point, input.point), at: begun?.at ?? input.now };
  }
  return {
    taken: cycles.map((cycle) => takenOf(cycle, input)),
    census: drawings.map(({ frame, bits, buckets, readings }) => censusOf(input.layer, frame, bits, buckets, readings)),
    items: new Map(drawings.map((drawing) => [drawing.id, sampledItems(drawing)] as const).filter(([, items]) => items.length > 0)),
    cost,
    stoppedBy,
    stuck,
  };
}

function costOf(frame: Frame, items: Iterable<number>): Cost {
  let count = 0;
  let bytes = 0;
  for (const item of items) {
    count += 1;
    bytes += frame.bytes[item] ?? 0;
  }
  return { items: count, bytes, calls: count * frame.cost.calls, seconds: count * frame.cost.seconds };
}

interface Walk {
  readonly drawing: Drawing;
  /** Buckets not done in this cycle, then those that are, for the next. */
  readonly queue: readonly number[];
  readonly cycle: number;
  readonly done: number;
  at: number;
  closed: boolean;
  part: Part | null;
  /** Buckets of which earlier drills read the beginning, and what is oldest of that. */
  readonly since: Map<number, { readonly point: number; readonly at: number }>;
}

function inHashOrder(frame: Frame, items: readonly number[]): readonly number[] {
  return items.toSorted((a, b) => (frame.high[a] ?? 0) - (frame.high[b] ?? 0) || (frame.low[a] ?? 0) - (frame.low[b] ?? 0));
}

function cycleOf(drawing: Drawing, { seed, ledger, layer }: DrawInput): Walk {
  const { id, bits } = drawing;
  const order = cycleOrder(seed, id, bits);
  // A stratum that comes later joins the others where they are.
  const others = Object.values(ledger.strata).filter((one) => one.layer === layer);
  const cycle = drawing.ledger?.cycle ?? others.reduce((most, one) => Math.max(most, one.cycle), 0);
  const doubts = new Set(drawing.doubts);
  const isDone = (bucket: number): boolean => !doubts.has(bucket) && (drawing.ledger?.buckets[bucket]?.cycle ?? -1) >= cycle;
  const open = order.filter((bucket) => !isDone(bucket));
  return {
    drawing,
    queue: [...open, ...order.filter(isDone)],
    cycle,
    done: order.length - open.length,
    at: 0,
    closed: false,
    part: drawing.ledger?.part ?? null,
    since: new Map(),
  };
}

/** All strata get on at the same pace, each measured by its own cycle, so that all are done in the same time. */
function furthestBehind(walks: readonly Walk[]): Walk | null {
  let least: Walk | null = null;
  let position = Number.POSITIVE_INFINITY;
  for (const walk of walks) {
    if (walk.closed || walk.at >= walk.queue.length) continue;
    const own = walk.cycle + (walk.done + walk.at) / walk.queue.length;
    if (own >= position) continue;
    least = walk;
    position = own;
  }
  return least;
}

function takenOf({ drawing, queue, at, cycle, part, since }: Walk, { layer, point, lanes }: DrawInput): TakenStratum {
  const { frame, bits, buckets } = drawing;
  const taken = queue
    .slice(0, at)
    .map((bucket) => takenBucket(drawing, bucket, itemsOf(buckets, bucket), point, since.get(bucket) ?? null));
  const whole = new Set(queue.slice(0, at).filter((bucket) => !since.has(bucket)));
  const { fresh, edited, within } = watermarks(drawing, point, new Set(queue.slice(0, at)), lanes.updatesTold?.has(drawing.id) ?? true);
  const again: TakenStratum["again"][number][] = [];
  for (const [item, why] of drawing.why.entries()) {
    const created = frame.mode === "times" ? (frame.created[item] ?? Number.NaN) : point;
    // What nobody knows the time of is read, and cannot be counted.
    if (why === 0 || within.has(item) || Number.isNaN(created)) continue;
    const late = created > point;
    if (!late && whole.has(bucketAt(frame, item, bits))) continue;
    const before = drawing.readings.at[item] ?? Number.NaN;
    again.push({ hash: hashAt(frame, item), before: Number.isNaN(before) ? null : before, ...(late ? { created } : {}) });
  }
  return {
    layer,
    stratum: frame.stratum,
    mode: frame.mode,
    bits,
    cycle,
    point,
    population: frame.keys.length,
    part,
    sampled: drawing.why.reduce((all, why) => all + (why === CYCLE ? 1 : 0), 0),
    buckets: taken,
    doubted: drawing.doubts,
    fresh,
    edited,
    again,
  };
}

function takenBucket(drawing: Drawing, bucket: number, items: Uint32Array, point: number, since: TakenBucket["since"]): TakenBucket {
  const { frame, readings, why } = drawing;
  const before = since?.point ?? point;
  const told = frame.mode === "times" ? items.filter((item) => (frame.created[item] ?? Number.NaN) <= before) : items;
  let high = 0;
  let low = 0;
  for (const item of told) {
    high ^= frame.high[item] ?? 0;
    low ^= frame.low[item] ?? 0;
  }
  // What came behind the part that was read already was not read.
  const read = since === null ? items : items.filter((item) => why[item] !== 0 || (readings.at[item] ?? Number.NaN) >= since.at);
  const keys = frame.mode === "keys" ? packDigests([...read].map((item) => keyDigest48(frame, item))) : null;
  return { bucket, present: items.length, items: told.length, digest: hexOf(high, low), keys, since };
}

/**
 * How far new and edited items of each bucket are read, where any was: up to the point, or to just before the first that was not.
 * @returns also the items that the creation time of a bucket tells by itself
 */
function watermarks(
  drawing: Drawing,
  point: number,
  whole: ReadonlySet<number>,
  updatesTold: boolean,
): Pick<TakenStratum, "fresh" | "edited"> & { readonly within: ReadonlySet<number> } {
  const { frame, ledger, bits } = drawing;
  const within = new Set<number>();
  const doubts = new Set(drawing.doubts);
  const open = new Set(ledger?.open.map((one) => one.hash));
  const fresh: { bucket: number; to: number; items: number; held: number }[] = [];
  const edited: { bucket: number; to: number }[] = [];
  const touched = new Set<number>();
  for (const [item, why] of drawing.why.entries())
    if (why !== 0 && !whole.has(bucketAt(frame, item, bits))) touched.add(bucketAt(frame, item, bits));
  for (const bucket of touched) {
    const entry = ledger?.buckets[bucket] ?? null;
    if (entry === null || entry.point > point || doubts.has(bucket)) continue;
    const items = itemsOf(drawing.buckets, bucket);
    if (frame.mode === "times") {
      const last = entry.fresh.at(-1)?.to ?? entry.point;
      const to = readUpTo(items, frame.created, drawing.why, last, point);
      const told = [...items].filter((item) => {
        const created = frame.created[item] ?? Number.NaN;
        // An open one is told by itself: that it was looked at again is what closes it.
        return created > last && created <= to && drawing.readings.reasons.get(item) === "new" && !open.has(hashAt(frame, item));
      });
      if (told.length > 0) {
        const held = items.filter((item) => (frame.created[item] ?? Number.NaN) <= to).length;
        fresh.push({ bucket, to, items: told.length, held });
        for (const item of told) within.add(item);
      }
    }
    const since = Math.max(entry.edited ?? entry.point, entry.point);
    const to = updatesTold ? readUpTo(items, frame.updated, drawing.why, since, point) : since;
    if (to > since && [...items].some((item) => drawing.why[item] !== 0 && (frame.updated[item] ?? 0) > since)) edited.push({ bucket, to });
  }
  return { fresh, edited, within };
}

function readUpTo(items: Uint32Array, times: Float64Array, why: Uint8Array, after: number, point: number): number {
  let to = point;
  for (const item of items) {
    const time = times[item] ?? Number.NaN;
    if (why[item] === 0 && time > after && time <= to) to = Math.ceil(time) - 1;
  }
  return to;
}

function sampledItems({ frame, why }: Drawing): readonly SampledItem[] {
  const items: SampledItem[] = [];
  for (const [item, reason] of why.entries()) {
    const key = frame.keys[item];
    if (reason === 0 || key === undefined) continue;
    items.push({ key, hash: hashAt(frame, item), lane: LANES[reason - 1] ?? "cycle" });
  }
  return items;
}
