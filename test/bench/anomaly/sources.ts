/**
 * Sources with all of their signals, which move together as a backup's do, through the engine's own detection: budgets split over the
 * signals, alarms of one run told as one. Nothing is planted: every alarm is for nothing.
 */
import type { Observation } from "../../../agent/core/values.ts";
import type { AlarmKind, Signal } from "../../../agent/core/words.ts";
import { detect } from "../../../agent/engine/detections.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";
import { drawFrom } from "./random.ts";
import { rateInterval } from "./score.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const YEAR = 365.25 * DAY;
export const SOURCE_SCHEDULES = { daily: [DAY, 500, 24], hourly: [HOUR, 24 * 120, 8], weekly: [7 * DAY, 260, 24] } as const;
export type SourceSchedule = keyof typeof SOURCE_SCHEDULES;

/** What a source that is well tells of itself, in the order of time. */
export function makeSource(schedule: SourceSchedule, seed: number): readonly Observation[] {
  const draw = drawFrom(seed);
  const [everyMs, n] = SOURCE_SCHEDULES[schedule];
  const start = Date.UTC(2024, 0, 1) + Math.floor(draw.between(0, 30)) * DAY;
  const heavy = draw.chance(0.4);
  const noise = (sd: number): number => sd * (heavy ? 0.6 * draw.student(3) : draw.gauss());
  // At most a fifth in 56 runs: a source that grows faster has a drift to be told of.
  const pace = everyMs / DAY;
  const [growth, restless] = [draw.between(0, 0.0006) * Math.min(pace, 1.5), draw.between(0.0005, 0.005) * Math.min(pace, 1.5)];
  const [week, phi] = [draw.chance(0.5) ? draw.between(0.1, 0.5) : 0, draw.chance(0.3) ? draw.between(0.3, 0.8) : 0];
  const [perRecord, filesPerRecord, speed, drillEvery] = [
    draw.between(300, 30_000),
    draw.between(0, 0.4),
    draw.between(2e6, 5e7),
    schedule === "hourly" ? 24 : schedule === "weekly" ? 1 : draw.chance(0.5) ? 1 : 7,
  ];
  let [level, host, before] = [Math.log(draw.between(2000, 300_000)), 0, start - everyMs];
  const all: Observation[] = [];
  for (let run = 0; run < n; run += 1) {
    const at = Math.round(start + run * everyMs + everyMs * 0.01 * draw.exponential());
    const free = [0, 6].includes(new Date(at).getUTCDay());
    // What is in the product, how busy the machine is: what several signals have in common.
    level += growth + (draw.chance(0.5) ? restless * draw.exponential() : 0) - (draw.chance(0.2) ? restless * draw.exponential() : 0);
    host = phi * host + Math.sqrt(1 - phi * phi) * noise(0.12);
    if (draw.chance(0.05)) continue;
    const records = Math.round(Math.exp(level));
    const bytes = Math.round(records * perRecord * Math.exp(noise(0.01) + (free ? -week * 0.1 : 0)));
    const told: Partial<Record<Signal, number>> = {
      bytes,
      records,
      bytes_per_record: bytes / records,
      duration: (5 + bytes / speed) * Math.exp(host + (free ? -week : 0)),
      gap: (at - before) / 1000,
      links: Math.round(records * 1.7 * Math.exp(noise(0.002))),
      files: Math.round(records * filesPerRecord),
    };
    before = at;
    if (run % drillEvery === 0) {
      const seconds = (2 + (3 * bytes) / speed) * Math.exp(0.4 * host + noise(0.1));
      Object.assign(told, {
        restore_seconds: seconds,
        restore_seconds_per_gb: (seconds / bytes) * 1e9,
        changed_share: Math.min(1, 0.02 * draw.gamma(2) * (free ? 1 - week : 1)),
        wait_seconds: draw.chance(0.3) ? 5 * draw.exponential() : 0,
      });
    }
    const ref = `p${run}`;
    for (const [signal, value] of Object.entries(told))
      // A source without files tells nothing of them.
      if (signal !== "files" || value > 0) all.push({ sourceId: "crm", signal: signal as Signal, at, value, ref });
  }
  return all;
}

export interface SourceFigures {
  readonly schedule: SourceSchedule;
  readonly budget: number;
  readonly sources: number;
  readonly years: number;
  /** Told: one a cause. */
  readonly alarms: number;
  readonly rate: number;
  readonly interval: readonly [number, number];
  /** A source-year, if every signal told its own. */
  readonly ungrouped: number;
  readonly bySignal: ReadonlyMap<Signal, number>;
  readonly byKind: ReadonlyMap<AlarmKind, number>;
}

export async function measureSources(
  schedule: SourceSchedule,
  budgets: readonly number[],
  seed: number,
): Promise<readonly SourceFigures[]> {
  const [everyMs, n, count] = SOURCE_SCHEDULES[schedule];
  const years = (count * n * everyMs) / YEAR;
  const sources = Array.from({ length: count }, (_, at) => makeSource(schedule, seed * 1_000_003 + 900_000 + at));
  const figures: SourceFigures[] = [];
  for (const budget of budgets) {
    const bySignal = new Map<Signal, number>();
    const byKind = new Map<AlarmKind, number>();
    let [alarms, moved] = [0, 0];
    const plain = policy("crm");
    const own = {
      ...plain,
      backups: { ...plain.backups, everyMs },
      anomalies: { falseAlarmsPerYear: budget, toldPerDay: Number.MAX_SAFE_INTEGER, suppress: [] },
    };
    for (const observations of sources) {
      // eslint-disable-next-line no-await-in-loop -- one after the other: nothing here waits for anything but the processor
      const told = (await detect(own, memoryState().repositories, observations, [])).alarms;
      alarms += told.length;
      for (const { signal, kind, context } of told) {
        byKind.set(kind, (byKind.get(kind) ?? 0) + 1);
        bySignal.set(signal, (bySignal.get(signal) ?? 0) + 1);
        moved += context?.filter((phrase) => phrase.includes(" moved too (")).length ?? 0;
      }
    }
    figures.push({
      schedule,
      budget,
      sources: count,
      years,
      alarms,
      rate: alarms / years,
      interval: rateInterval(alarms, years),
      ungrouped: (alarms + moved) / years,
      bySignal,
      byKind,
    });
  }
  return figures;
}
