/** Items that are read before their turn, and in which order. */
import { bucketAt } from "./census.ts";
import type { Drawing, DrawInput } from "./drawing.ts";
import { hashAt, itemsOf } from "./frame.ts";

/**
 * In order: named by people; last result not `match`, of which there are few, so that the many behind them cannot starve them; came since
 * their bucket was read; edited since; about to be deleted.
 */
export const LANES = ["critical", "not-match", "new", "changed", "ending"] as const;
export type Lane = (typeof LANES)[number];

interface Candidate {
  readonly drawing: Drawing;
  readonly item: number;
}

interface Timed extends Candidate {
  readonly time: number;
  readonly bucket: number;
}

export function laneOf(lane: Lane, drawings: readonly Drawing[], input: DrawInput): readonly Candidate[] {
  switch (lane) {
    case "critical":
      return drawings.flatMap((drawing) => byKey(drawing, input.lanes.critical.get(drawing.id)));
    case "not-match":
      return drawings.flatMap((drawing) => byHash(drawing, new Set(drawing.ledger?.open.map((one) => one.hash))));
    case "new":
      return inOrder(drawings.flatMap((drawing) => newItems(drawing, input.point)));
    case "changed":
      return inOrder(drawings.flatMap((drawing) => changedItems(drawing, input)));
    case "ending":
      return inOrder(drawings.flatMap((drawing) => endingItems(drawing, input)));
  }
}

function byKey(drawing: Drawing, keys: ReadonlySet<string> | undefined): Candidate[] {
  if (keys === undefined || keys.size === 0) return [];
  return [...drawing.frame.keys.entries()].filter(([, key]) => keys.has(key)).map(([item]) => ({ drawing, item }));
}

function byHash(drawing: Drawing, hashes: ReadonlySet<string>): Candidate[] {
  if (hashes.size === 0) return [];
  return [...drawing.frame.keys.keys()].filter((item) => hashes.has(hashAt(drawing.frame, item))).map((item) => ({ drawing, item }));
}

function newItems(drawing: Drawing, point: number): Timed[] {
  const { frame, ledger, readings } = drawing;
  if (ledger === null || frame.mode === "none") return [];
  return eachOfKnown(drawing, (item) => {
    if (readings.reasons.get(item) !== "new") return null;
    if (frame.mode === "keys") return 0;
    const created = frame.created[item] ?? Number.NaN;
    return created <= point ? created : null;
  });
}

function changedItems(drawing: Drawing, { point, lanes }: DrawInput): Timed[] {
  const { frame, ledger, readings } = drawing;
  if (ledger === null || lanes.updatesTold?.has(drawing.id) === false) return [];
  const marks = new Map(ledger.again.map((mark) => [mark.hash, mark]));
  return eachOfKnown(drawing, (item, bucket) => {
    const entry = ledger.buckets[bucket] ?? null;
    const updated = frame.updated[item] ?? Number.NaN;
    if (entry === null || !(updated > Math.max(entry.point, entry.edited ?? 0)) || updated > point) return null;
    // New ones have a lane of their own.
    if (frame.mode !== "none" && Number.isNaN(readings.at[item] ?? Number.NaN)) return null;
    const mark = marks.size === 0 ? undefined : marks.get(hashAt(frame, item));
    return mark !== undefined && mark.point >= updated ? null : updated;
  });
}

function endingItems(drawing: Drawing, { now, lanes }: DrawInput): Timed[] {
  const { frame, readings } = drawing;
  const found: Timed[] = [];
  for (const [item, expires] of frame.expires.entries()) {
    if (!(expires > now && expires <= now + lanes.endingWithinMs)) continue;
    const at = readings.at[item] ?? Number.NaN;
    if (Number.isNaN(at) || at < expires - lanes.endingWithinMs)
      found.push({ drawing, item, time: expires, bucket: bucketAt(frame, item, drawing.bits) });
  }
  return found;
}

/** Items of buckets that were read before; `time` null: not this one. */
function eachOfKnown(drawing: Drawing, time: (item: number, bucket: number) => number | null): Timed[] {
  const found: Timed[] = [];
  for (const [bucket, entry] of (drawing.ledger?.buckets ?? []).entries()) {
    if (entry === null) continue;
    for (const item of itemsOf(drawing.buckets, bucket)) {
      const at = time(item, bucket);
      if (at !== null) found.push({ drawing, item, time: at, bucket });
    }
  }
  return found;
}

/** Longest waiting first; of one moment (an import), bucket by bucket, so that some are done rather than all begun. */
function inOrder(candidates: Timed[]): Timed[] {
  return candidates.sort(
    (a, b) => a.time - b.time || (a.drawing.id < b.drawing.id ? -1 : a.drawing.id > b.drawing.id ? 1 : a.bucket - b.bucket),
  );
}
