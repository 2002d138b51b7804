/**
 * How much of a growing repository has been read at all after so many days, when every tool may read the same share of it a day. Pure: the
 * peers' own rules for what a day's check reads, and Restorewatch's own sampler.
 */
import type { RandomSource } from "../../../agent/kit/random.ts";
import { NO_LIMIT } from "../../../agent/core/sampling/budget.ts";
import { drawSample } from "../../../agent/core/sampling/draw.ts";
import { NO_LANES } from "../../../agent/core/sampling/drawing.ts";
import { frameOf } from "../../../agent/core/sampling/frame.ts";
import { EMPTY_LEDGER, type Ledger, record } from "../../../agent/core/sampling/ledger.ts";

const DAY = 86_400_000;
const STRATUM = { collection: "backups", kind: "records" } as const;

export interface Unit {
  readonly key: string;
  readonly bytes: number;
  /** Of the name restic gives a pack: random. */
  readonly firstByte: number;
  readonly day: number;
}

/** @returns keys of what is read on this day, `budget` bytes at most */
export type Reader = (units: readonly Unit[], day: number, budget: number) => readonly string[];

export interface Covered {
  readonly day: number;
  /** Share of the bytes that are there which have ever been read. */
  readonly ratio: number;
  /** Days since the unit was last read, or came, that waits longest. */
  readonly oldest: number;
  /** Bytes read a day on the average, as a share of all. */
  readonly read: number;
}

export interface Life {
  readonly sizes: readonly number[];
  /** New units a day, as a share of what is there. */
  readonly growth: number;
  /** Bytes that may be read a day, as a share of what is there. */
  readonly share: number;
  readonly days: readonly number[];
}

export function simulate(life: Life, reader: Reader, random: RandomSource): readonly Covered[] {
  let born = 0;
  const make = (day: number): Unit => {
    born += 1;
    const bytes = life.sizes[Math.floor(random.next() * life.sizes.length)] ?? 1;
    return { key: `u${born}`, bytes, firstByte: Math.floor(random.next() * 256), day };
  };
  const units = life.sizes.map((bytes) => ({ ...make(0), bytes }));
  const readAt = new Map<string, number>();
  const found: Covered[] = [];
  let [read, possible] = [0, 0];
  for (let day = 1; day <= Math.max(...life.days); day += 1) {
    const fresh = Math.floor(units.length * life.growth + random.next());
    for (let n = 0; n < fresh; n += 1) units.push(make(day));
    const all = units.reduce((sum, unit) => sum + unit.bytes, 0);
    const sizes = new Map(units.map((unit) => [unit.key, unit.bytes]));
    for (const key of reader(units, day, all * life.share)) {
      readAt.set(key, day);
      read += sizes.get(key) ?? 0;
    }
    possible += all;
    if (!life.days.includes(day)) continue;
    const covered = units.reduce((sum, unit) => sum + (readAt.has(unit.key) ? unit.bytes : 0), 0);
    const oldest = units.reduce((most, unit) => Math.max(most, day - (readAt.get(unit.key) ?? unit.day)), 0);
    found.push({ day, ratio: covered / all, oldest, read: read / possible });
  }
  return found;
}

/** `restic check --read-data-subset=n/t`, another n every day: packs by the first byte of their names, 256 parts at most. */
export function resticParts(share: number): Reader {
  const parts = Math.min(256, Math.max(1, Math.round(1 / share)));
  return (units, day) => units.filter((unit) => unit.firstByte % parts === day % parts).map((unit) => unit.key);
}

/** `restic check --read-data-subset=x%`: so many packs, drawn anew every day. */
export function resticPercent(share: number, random: RandomSource): Reader {
  return (units) => {
    const count = Math.max(1, Math.floor(units.length * share));
    const left = [...units];
    return Array.from({ length: count }, () => left.splice(Math.floor(random.next() * left.length), 1)[0]?.key ?? "");
  };
}

/** `borg check --verify-data` reads everything or nothing: once the bytes of a whole check have been saved up. */
export function borgWhole(): Reader {
  let saved = 0;
  return (units, _, budget) => {
    saved += budget;
    const all = units.reduce((sum, unit) => sum + unit.bytes, 0);
    if (saved < all) return [];
    saved -= all;
    return units.map((unit) => unit.key);
  };
}

/** Restorewatch's cycle over whole artifacts, with a budget of bytes and nothing in the lanes. */
export function restorewatch(seed: string, fresh: boolean): Reader {
  let ledger: Ledger = EMPTY_LEDGER;
  return (units, day, bytes) => {
    const now = day * DAY;
    const items = units.map((unit) => ({
      key: unit.key,
      createdAt: unit.day * DAY - 1,
      updatedAt: fresh ? unit.day * DAY - 1 : null,
      bytes: unit.bytes,
    }));
    const frame = frameOf(seed, STRATUM, items, { mode: "times" });
    const sample = drawSample({
      ...{ seed, layer: "scratch", ledger, frames: [frame], point: now, now },
      ...{ budget: { ...NO_LIMIT, bytes }, lanes: fresh ? NO_LANES : { ...NO_LANES, share: 0 } },
    });
    ledger = record(ledger, sample.taken, { at: now, open: [] });
    return [...sample.items.values()].flat().map((item) => item.key);
  };
}
