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

/** What alarms are worth: by event the row of its first alarm, if any, and the rows of those that are for nothing. */
export function attribute(
  { rows, events, ignored }: LabelledSeries,
  raw: readonly boolean[],
): { readonly first: readonly (number | null)[]; readonly falseAt: readonly number[] } {
  const counted = raw.map((alarm, at) => alarm && ignored?.has(at) !== true);
  let last = Number.NEGATIVE_INFINITY;
  const alarms = counted.map((alarm, at) => {
    const repeated = at - last <= REPEATS;
    if (alarm) last = at;
    return alarm && !repeated;
  });
  const used = new Set<number>();
  const first = events.map(({ kind, from, to }) => {
    let found: number | null = null;
    for (let at = from; at <= Math.min(rows.length - 1, to + AFTER[kind]); at += 1)
      if (alarms[at] === true) {
        used.add(at);
        found ??= at;
      }
    return found;
  });
  return { first, falseAt: alarms.flatMap((alarm, at) => (alarm && !used.has(at) ? [at] : [])) };
}

export function addTo(score: Score, series: LabelledSeries, raw: readonly boolean[]): void {
  const { rows, events, everyMs } = series;
  const { first, falseAt } = attribute(series, raw);
  for (const [at, { kind, from }] of events.entries()) {
    const own = score.byKind.get(kind) ?? { caught: 0, events: 0 };
    score.byKind.set(kind, own);
    own.events += 1;
    score.events += 1;
    const found = first[at] ?? null;
    if (found === null) continue;
    own.caught += 1;
    score.caught += 1;
    if (kind === "shift") score.shiftDelays.push(found - from);
  }
  score.falseAlarms += falseAt.length;
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
