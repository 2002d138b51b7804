/**
 * A second generator, of other shapes than those the detector was made with: no code and no noise in common with series.ts, events of many
 * sizes at any time, times of jobs by the clock on the wall.
 */
import type { Signal } from "../../../agent/core/words.ts";
import { type Draw, drawFrom } from "./random.ts";
import type { EventKind, LabelledSeries, Planted } from "./series.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
export const OTHER_SCHEDULES = {
  daily: [DAY, 450],
  hourly: [HOUR, 24 * 90],
  weekly: [7 * DAY, 208],
  "5 minutes": [300_000, 288 * 35],
} as const;
export type OtherSchedule = keyof typeof OTHER_SCHEDULES;

interface Pace {
  readonly everyMs: number;
  readonly n: number;
  readonly start: number;
}
interface Shape {
  readonly signal: Signal;
  /** A run's value by its place and time (UTC), before anything is planted. */
  readonly value: (at: number, time: number) => number;
  /** What the job makes of it at last. */
  readonly finish: (value: number) => number;
  /** Of a run by its place; by default one follows the other evenly. */
  readonly time?: (at: number) => number;
}

const bytes = { signal: "bytes", finish: (value: number) => Math.max(0, Math.round(value)) } as const;
const weekend = (time: number): boolean => [0, 6].includes(new Date(time).getUTCDay());

export const SHAPES: Readonly<Record<string, (draw: Draw, pace: Pace) => Shape>> = {
  "lognormal, wandering": (draw, { everyMs }) => {
    const [sd, stride, base] = [draw.between(0.03, 0.15), draw.between(0.002, 0.008) * Math.sqrt(everyMs / DAY), draw.between(1e6, 1e10)];
    let level = 0;
    return {
      ...bytes,
      value: () => {
        level += stride * draw.gauss();
        return base * Math.exp(level + sd * draw.gauss());
      },
    };
  },
  gamma: (draw) => {
    const [shape, base] = [draw.between(15, 200), draw.between(1e5, 1e9)];
    return { ...bytes, value: () => base * draw.gamma(shape) };
  },
  "Student t3": (draw) => {
    const [width, base] = [draw.between(0.02, 0.06), draw.between(1e6, 1e9)];
    return { ...bytes, value: () => base * Math.max(0.1, 1 + width * draw.student(3)) };
  },
  "month end": (draw, { everyMs }) => {
    const [sd, peak, base] = [draw.between(0.03, 0.08), draw.between(1.6, 3), draw.between(1e7, 1e9)];
    return {
      ...bytes,
      value: (_, time) => {
        const last = new Date(time + Math.max(DAY, everyMs)).getUTCMonth() !== new Date(time).getUTCMonth();
        return base * (last ? peak * Math.exp(0.05 * draw.gauss()) : 1) * Math.exp(sd * draw.gauss());
      },
    };
  },
  "growth that saturates": (draw, { n }) => {
    const [sd, base, middle, width] = [draw.between(0.02, 0.08), draw.between(1e7, 1e10), draw.between(0.1, 0.5), draw.between(0.1, 0.25)];
    return { ...bytes, value: (at) => (base * Math.exp(sd * draw.gauss())) / (1 + 5 * Math.exp(-(at / n - middle) / width)) };
  },
  "full and incremental": (draw, { everyMs }) => {
    const [ratio, sd, base] = [draw.between(5, 30), draw.between(0.08, 0.2), draw.between(1e7, 1e9)];
    // Weekly jobs are full on the month's first Sunday, daily and hourly ones on Sunday (at 2), those of minutes at 2 every night.
    const full = (time: number): boolean => {
      const date = new Date(time);
      if (everyMs > DAY) return date.getUTCDate() <= 7;
      if (everyMs < HOUR) return date.getUTCHours() === 2 && date.getUTCMinutes() < 5;
      return date.getUTCDay() === 0 && (everyMs === DAY || date.getUTCHours() === 2);
    };
    return { ...bytes, value: (_, time) => base * (full(time) ? ratio * Math.exp(0.03 * draw.gauss()) : Math.exp(sd * draw.gauss())) };
  },
  "dead runs": (draw) => {
    const [sd, base] = [draw.between(0.03, 0.1), draw.between(1e6, 1e9)];
    return { ...bytes, value: (_, time) => base * (weekend(time) ? 0.8 : 1) * Math.exp(sd * draw.gauss()) };
  },
  "whole seconds": (draw) => {
    const [base, shape] = [draw.between(3, 25), draw.between(20, 120)];
    return { signal: "duration", value: () => base * draw.gamma(shape), finish: (value) => Math.max(1, Math.round(value)) };
  },
  counter: (draw, { everyMs }) => {
    let count = draw.between(2000, 200_000);
    const [hold, most] = [draw.between(2, 9), draw.between(0.0005, 0.004) * Math.min(2, everyMs / DAY)];
    return {
      signal: "records",
      value: () => {
        if (draw.chance(1 / hold)) count *= 1 + most * draw.between(-0.2, 1);
        return count;
      },
      finish: (value) => Math.round(value),
    };
  },
  "a byte more or less": (draw) => {
    const base = Math.round(draw.between(1e5, 1e8));
    return { ...bytes, value: () => base, finish: (value) => Math.round(value) + Math.floor(draw.between(-1, 2)) };
  },
  "schedule that changes": (draw, { everyMs, n, start }) => {
    const [sd, base, times] = [draw.between(0.03, 0.1), draw.between(1e6, 1e9), draw.chance(0.5) ? 2 : 0.5];
    const from = Math.floor(n * draw.between(0.3, 0.7));
    return {
      ...bytes,
      value: (_, time) => base * (weekend(time) ? 0.7 : 1) * Math.exp(sd * draw.gauss()),
      time: (at) => start + everyMs * (Math.min(at, from) + times * Math.max(0, at - from)),
    };
  },
  "weekdays on the wall clock": (draw, { everyMs, start }) => {
    const [sd, base, free] = [draw.between(0.03, 0.1), draw.between(1e6, 1e9), draw.between(0.2, 0.6)];
    const zone = draw.chance(0.5) ? 1 : -5;
    return {
      ...bytes,
      value: (_, time) => {
        const local = new Date(time + (zone + summer(time, zone)) * HOUR);
        const work = everyMs < DAY && local.getUTCHours() > 7 && local.getUTCHours() < 19 ? 1.5 : 1;
        return base * ([0, 6].includes(local.getUTCDay()) ? free : work) * Math.exp(sd * draw.gauss());
      },
      // A daily job at 23:30 of the wall: another hour of UTC in summer, and in America another day.
      time: (at) => {
        const even = start + at * everyMs;
        return everyMs < DAY ? even : even + (23.5 - zone - summer(even, zone)) * HOUR;
      },
    };
  },
};

/** 1 in summer: from March's last Sunday to October's in Europe, from March's second to November's first in America. */
export function summer(time: number, zone: number): 0 | 1 {
  const year = new Date(time).getUTCFullYear();
  const sunday = (month: number, day: number): number => {
    const first = new Date(Date.UTC(year, month, day));
    return first.getTime() + ((7 - first.getUTCDay()) % 7) * DAY;
  };
  const [begin, end] =
    zone >= 0 ? [sunday(2, 25) + HOUR, sunday(9, 25) + HOUR] : [sunday(2, 8) + (2 - zone) * HOUR, sunday(10, 1) + (1 - zone) * HOUR];
  return time >= begin && time < end ? 1 : 0;
}

export function makeOther(name: string, schedule: OtherSchedule, seed: number, withEvents: boolean): LabelledSeries {
  const draw = drawFrom(seed);
  const [everyMs, n] = OTHER_SCHEDULES[schedule];
  const start = Date.UTC(2023, 0, 1) + Math.floor(draw.between(0, 400)) * DAY;
  const shape = SHAPES[name]?.(draw, { everyMs, n, start });
  if (shape === undefined) throw new Error(`There is no shape ${name}.`);
  const times = Array.from({ length: n }, (_, at) => shape.time?.(at) ?? start + at * everyMs);
  const plain = times.map((time, at) => shape.value(at, time));
  const { factors, events } = withEvents ? plant(draw, n, everyMs) : { factors: [], events: [] };
  const dead = name === "dead runs" ? deadRuns(draw, n, events) : [];
  const rows: { at: number; value: number }[] = [];
  const placed: number[] = [];
  for (const [at, time] of times.entries()) {
    const kept = [...events, ...dead].some((event) => event.from === at) || !draw.chance(0.1);
    placed.push(rows.length);
    if (!kept) continue;
    const zero = dead.some((event) => at >= event.from && at <= event.to);
    // Most jobs begin a little late, a few far later.
    const late = everyMs * 0.01 * draw.exponential() * (draw.chance(0.03) ? 10 : 1);
    rows.push({
      at: Math.round(time + Math.min(late, everyMs * 0.4)),
      value: zero ? 0 : shape.finish((plain[at] ?? 0) * (factors[at] ?? 1)),
    });
  }
  const row = (at: number): number => Math.min(placed[at] ?? rows.length - 1, rows.length - 1);
  const planted = [...events, ...dead].map(({ kind, from, to }) => ({ kind, from: row(from), to: row(to) }));
  return { rows, everyMs, signal: shape.signal, events: planted.toSorted((a, b) => a.from - b.from) };
}

/** Three outages in the middle, of one to four runs without a byte: there is something the matter with each. */
function deadRuns(draw: Draw, n: number, events: readonly Planted[]): Planted[] {
  return Array.from({ length: 3 }, () => {
    const from = Math.floor(draw.between(0.1, 0.95) * n);
    return { kind: "drop" as const, from, to: from + Math.floor(draw.between(0, 4)) };
  }).filter(({ from, to }, at, all) => [...events, ...all.slice(0, at)].every((one) => to + 20 < one.from || from > one.to + 20));
}

/** Four to seven events anywhere after a tenth of the series; drift only where it fits. */
function plant(draw: Draw, n: number, everyMs: number): { readonly factors: readonly number[]; readonly events: Planted[] } {
  const logs = Array.from({ length: n }, () => 0);
  const events: Planted[] = [];
  const raise = (from: number, by: (steps: number) => number): void => {
    for (let at = from; at < n; at += 1) logs[at] = (logs[at] ?? 0) + by(at - from);
  };
  const wanted = 4 + Math.floor(draw.between(0, 4));
  const drifts = everyMs <= DAY && n * everyMs > 80 * DAY && draw.chance(0.5);
  for (let tries = 0; tries < 60 && events.length < wanted; tries += 1) {
    const kind: EventKind =
      drifts && events.length === 0 ? "drift" : ((["drop", "spike", "shift"] as const)[Math.floor(draw.between(0, 3))] ?? "drop");
    const length = kind === "drift" ? Math.round((60 * DAY) / everyMs) : 0;
    const after = kind === "shift" ? 10 : kind === "drift" ? 14 : 0;
    const from = Math.floor(draw.between(Math.max(25, n * 0.1), n * 0.97));
    const to = from + length + after;
    if (to >= n || events.some((one) => from < one.to + 25 && to + 25 > one.from)) continue;
    events.push({ kind, from, to });
    if (kind === "drop" || kind === "spike")
      logs[from] = (logs[from] ?? 0) + Math.log(kind === "drop" ? draw.between(0.3, 0.55) : draw.between(1.8, 3));
    else if (kind === "shift") {
      const by = Math.log(draw.chance(0.5) ? draw.between(1.25, 1.6) : draw.between(0.6, 0.8));
      raise(from, () => by);
    } else {
      const by = (draw.chance(0.7) ? 1 : -1) * draw.between(0.008, 0.014);
      raise(from, (steps) => by * (Math.min(length, steps) * (everyMs / DAY)));
    }
  }
  return { factors: logs.map((one) => Math.exp(one)), events };
}
