/** Series as backups make them, seven kinds of them, with what was planted told. Written by whoever wrote the detector: expect less elsewhere. */
import type { Signal } from "../../../agent/core/words.ts";
import { seededRandom } from "../../../agent/kit/random.ts";

export const REGIMES = ["gauss", "heavy tail", "weekday", "trend", "heavy+weekday+trend", "autocorrelated", "noisy incremental"] as const;
export type Regime = (typeof REGIMES)[number];
export const SCHEDULES = { daily: [86_400_000, 500], hourly: [3_600_000, 24 * 120], weekly: [7 * 86_400_000, 260] } as const;
export type Schedule = keyof typeof SCHEDULES;
export const EVENT_KINDS = ["drop", "spike", "shift", "drift"] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export interface Planted {
  readonly kind: EventKind;
  /** Rows. */
  readonly from: number;
  readonly to: number;
}
export interface LabelledSeries {
  readonly rows: readonly { readonly at: number; readonly value: number }[];
  readonly events: readonly Planted[];
  readonly everyMs: number;
  /** What is measured; bytes where nothing is said. */
  readonly signal?: Signal;
  /** Rows that are out of the ordinary, but nobody has to be told: an alarm there counts neither way. */
  readonly ignored?: ReadonlySet<number>;
}

const DAY = 86_400_000;

/** One in ten runs is missing. */
export function makeSeries(regime: Regime, schedule: Schedule, seed: number, withEvents: boolean): LabelledSeries {
  const random = seededRandom(seed);
  const next = (): number => random.next();
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const student = (): number => gauss() / Math.sqrt((gauss() ** 2 + gauss() ** 2 + gauss() ** 2) / 3);
  const [everyMs, n] = SCHEDULES[schedule];
  const sd = regime === "noisy incremental" ? 0.5 : 0.05 + 0.07 * next();
  const heavy = regime.includes("heavy");
  const week = regime.includes("weekday") ? Array.from({ length: 7 }, (_, day) => (day > 4 ? -0.5 - 0.7 * next() : 0.1 * gauss())) : null;
  const hours = schedule === "hourly" && next() < 0.7 ? 0.4 : 0;
  const trend = regime.includes("trend") ? ((next() * 0.004 - 0.0005) * everyMs) / DAY / (schedule === "weekly" ? 3 : 1) : 0;
  const phi = regime === "autocorrelated" ? 0.6 + 0.25 * next() : 0;
  const start = Date.UTC(2024, 0, 1) + Math.floor(next() * 7) * DAY;
  const y: number[] = [];
  let wandering = 0;
  for (let at = 0; at < n; at += 1) {
    const time = new Date(start + at * everyMs);
    wandering = phi * wandering + (heavy ? 0.7 * student() : gauss()) * sd * Math.sqrt(1 - phi * phi);
    y.push(12 + trend * at + wandering + (week?.[time.getUTCDay()] ?? 0) + hours * Math.sin((time.getUTCHours() / 12) * Math.PI));
  }
  const events = withEvents ? plant(y, schedule, next) : [];
  const rows: { at: number; value: number }[] = [];
  const placed = new Map<number, number>();
  for (const [at, level] of y.entries()) {
    if (next() < 0.1 && !events.some((event) => event.from === at)) continue;
    placed.set(at, rows.length);
    rows.push({ at: start + at * everyMs + Math.floor(next() * everyMs * 0.02), value: Math.round(Math.exp(level)) });
  }
  const row = (at: number): number => {
    for (let from = at; from < n; from += 1) if (placed.has(from)) return placed.get(from) ?? 0;
    return rows.length - 1;
  };
  return { rows, everyMs, events: events.map(({ kind, from, to }) => ({ kind, from: row(from), to: row(Math.min(n - 1, to)) })) };
}

function plant(y: number[], schedule: Schedule, next: () => number): Planted[] {
  const kinds: EventKind[] = ["drop", "spike", "shift", "shift", "drop", "spike", "drift"];
  for (let at = kinds.length - 1; at > 0; at -= 1) {
    const other = Math.floor(next() * (at + 1));
    [kinds[at], kinds[other]] = [kinds[other] ?? "drop", kinds[at] ?? "drop"];
  }
  const first = Math.min(80, Math.floor(y.length * 0.2));
  const spacing = Math.floor((y.length - first) / kinds.length);
  const raise = (from: number, by: (steps: number) => number): void => {
    for (let at = from; at < y.length; at += 1) y[at] = (y[at] ?? 0) + by(at - from);
  };
  return kinds.flatMap((kind, place): Planted[] => {
    const at = first + place * spacing + Math.floor(next() * spacing * 0.4);
    if (kind === "drop" || kind === "spike") {
      y[at] = (y[at] ?? 0) + Math.log(kind === "drop" ? 0.5 : 2);
      return [{ kind, from: at, to: at }];
    }
    if (kind === "shift") {
      const by = next() < 0.5 ? Math.log(1.3) : Math.log(0.75);
      raise(at, () => by);
      return [{ kind, from: at, to: at + 10 }];
    }
    if (schedule === "weekly") return [];
    const [length, by] = schedule === "daily" ? [60, 0.01] : [60 * 24, 0.01 / 24];
    if (at + length >= y.length) return [];
    raise(at, (steps) => by * Math.min(length, steps));
    return [{ kind, from: at, to: at + length + 14 }];
  });
}
