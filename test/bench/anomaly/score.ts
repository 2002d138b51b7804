/** How good alarms are: by event, and how often for nothing. */
import type { EventKind, LabelledSeries } from "./series.ts";

export interface Score {
  caught: number;
  events: number;
  falseAlarms: number;
  years: number;
  readonly byKind: Map<EventKind, { caught: number; events: number }>;
  /** Runs from the beginning of a shift to the first alarm. */
  readonly shiftDelays: number[];
}

/** An alarm up to so many runs after a shift began, a spike or a drift ended, is of it. */
const AFTER: Readonly<Record<EventKind, number>> = { drop: 2, spike: 2, shift: 14, drift: 0 };
/** Alarms of rules that have no end of their own are one while they go on, as our own are. */
const REPEATS = 7;
const YEAR = 365.25 * 86_400_000;

export function emptyScore(): Score {
  return { caught: 0, events: 0, falseAlarms: 0, years: 0, byKind: new Map(), shiftDelays: [] };
}

export function addTo(score: Score, { rows, events, everyMs, ignored }: LabelledSeries, raw: readonly boolean[]): void {
  const alarms = raw.map((alarm, at) => alarm && !raw.slice(Math.max(0, at - REPEATS), at).includes(true));
  const used = new Set<number>();
  for (const { kind, from, to } of events) {
    const own = score.byKind.get(kind) ?? { caught: 0, events: 0 };
    score.byKind.set(kind, own);
    own.events += 1;
    score.events += 1;
    let first: number | null = null;
    for (let at = from; at <= Math.min(rows.length - 1, to + AFTER[kind]); at += 1)
      if (alarms[at] === true) {
        used.add(at);
        first ??= at;
      }
    if (first === null) continue;
    own.caught += 1;
    score.caught += 1;
    if (kind === "shift") score.shiftDelays.push(first - from);
  }
  score.falseAlarms += alarms.filter((alarm, at) => alarm && !used.has(at) && ignored?.has(at) !== true).length;
  score.years += ((rows.at(-1)?.at ?? 0) - (rows[0]?.at ?? 0) + everyMs) / YEAR;
}

/** Takes what another counted into `score`. */
export function merge(score: Score, other: Score): void {
  score.caught += other.caught;
  score.events += other.events;
  score.falseAlarms += other.falseAlarms;
  score.years += other.years;
  score.shiftDelays.push(...other.shiftDelays);
  for (const [kind, { caught, events }] of other.byKind) {
    const own = score.byKind.get(kind) ?? { caught: 0, events: 0 };
    score.byKind.set(kind, { caught: own.caught + caught, events: own.events + events });
  }
}

/** Of the events that were told of and the alarms for nothing, the share of the former. */
export function precision({ caught, falseAlarms }: Score): number {
  return caught / (caught + falseAlarms);
}

export function recall({ caught, events }: Score): number {
  return caught / events;
}

export function f1({ caught, events, falseAlarms }: Score): number {
  return caught === 0 ? 0 : (2 * caught) / (caught + falseAlarms + events);
}

/** 95 % interval of a rate by its count (Poisson, by Wilson and Hilferty's cube root). */
export function rateInterval(count: number, years: number): readonly [number, number] {
  const bound = (n: number, z: number): number => (n <= 0 ? 0 : n * (1 - 1 / (9 * n) + z / (3 * Math.sqrt(n))) ** 3);
  return [bound(count, -1.96) / years, bound(count + 1, 1.96) / years];
}
