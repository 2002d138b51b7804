/** Rough histories and young ones: how alarms fare on series nobody cleaned, and how soon after a series began. */
import { type Judge, JUDGES, type Cell } from "./judges.ts";
import { drawFrom } from "./random.ts";
import { addTo, attribute, emptyScore, merge } from "./score.ts";
import { type Figures, figuresOf } from "./sections.ts";
import type { EventKind, LabelledSeries } from "./series.ts";

const CONTAMINATED = 0.05;
const DEAD = 0.01;

/** One run in twenty is off by a factor of 1.5 to 3, one in a hundred is empty; alarms there count neither way. */
export function roughen(series: LabelledSeries, seed: number): LabelledSeries {
  const draw = drawFrom(seed);
  const planted = (at: number): boolean =>
    series.events.some(({ kind, from, to }) => at >= from && at <= (kind === "drift" || kind === "shift" ? from : to));
  const ignored = new Set(series.ignored);
  const rows = series.rows.map(({ at, value }, row) => {
    const [dice, factor, up] = [draw.next(), draw.between(1.5, 3), draw.chance(0.5)];
    if (planted(row) || dice >= CONTAMINATED + DEAD) return { at, value };
    ignored.add(row);
    return { at, value: dice < DEAD ? 0 : Math.round(up ? value * factor : value / factor) };
  });
  return { ...series, rows, ignored };
}

export interface RoughFigures {
  readonly name: string;
  readonly plain: Figures;
  readonly rough: Figures;
}

/** @param seed of the outliers; judges in their own order */
export function compareRough(cells: readonly Cell[], seed: number): readonly RoughFigures[] {
  const pairs = cells.flatMap(({ events }, c) => events.map((one, at) => [one, roughen(one, seed * 7919 + c * 1000 + at)] as const));
  return [...JUDGES].map(([name, judge]) => {
    const [plain, rough] = [emptyScore(), emptyScore()];
    for (const [before, after] of pairs) {
      addTo(plain, before, judge(before));
      addTo(rough, after, judge(after));
    }
    return { name, plain: figuresOf(plain), rough: figuresOf(rough) };
  });
}

/** Runs from which on a series is of the next age. */
export const AGES = [0, 8, 20, 60, 200] as const;
const COLD_KINDS = ["drop", "spike", "shift"] as const satisfies readonly EventKind[];
const AFTERWARDS = 26;

export interface AgeFigures {
  readonly from: number;
  readonly to: number;
  /** On clean series. */
  readonly falseAlarmsPerSeries: number;
  /** By schedule, false alarms a series-year. */
  readonly rates: ReadonlyMap<string, number>;
  /** Of one event planted at that age into each clean series; NaN before the eighth run, where only rules speak. */
  readonly recallOf: ReadonlyMap<EventKind, number>;
}

/** Plants one event into a clean series and cuts it off soon after. */
export function plantAt(series: LabelledSeries, kind: (typeof COLD_KINDS)[number], at: number, up: boolean): LabelledSeries {
  const factor = kind === "drop" ? 0.5 : kind === "spike" ? 2 : up ? 1.3 : 0.75;
  const rows = series.rows
    .slice(0, at + AFTERWARDS)
    .map((row, place) => (place < at || (kind !== "shift" && place > at) ? row : { ...row, value: Math.round(row.value * factor) }));
  return { ...series, rows, events: [{ kind, from: at, to: kind === "shift" ? at + 10 : at }] };
}

/** False alarms and recall by the age of a series. */
export function coldStart(cells: readonly Cell[], judge: Judge, seed: number): readonly AgeFigures[] {
  const draw = drawFrom(seed);
  return AGES.slice(1).map((to, place): AgeFigures => {
    const from = AGES[place] ?? 0;
    const found = new Map<string, { alarms: number; years: number }>();
    const events = emptyScore();
    let [alarms, count] = [0, 0];
    for (const { schedule, clean } of cells)
      for (const one of clean) {
        const young = { ...one, rows: one.rows.slice(0, to), events: one.events.filter((event) => event.from < to) };
        const own = found.get(schedule) ?? { alarms: 0, years: 0 };
        found.set(schedule, own);
        const now = attribute(young, judge(young)).falseAt.filter((at) => at >= from).length;
        own.alarms += now;
        own.years += ((young.rows.at(-1)?.at ?? 0) - (young.rows[from]?.at ?? 0) + one.everyMs) / (365.25 * 86_400_000);
        alarms += now;
        count += 1;
        if (from === 0) continue;
        for (const kind of COLD_KINDS) {
          const at = Math.floor(draw.between(from, to));
          // Another event beside it would be taken for it.
          if (at + AFTERWARDS > one.rows.length || one.events.some((event) => Math.abs(event.from - at) < AFTERWARDS)) continue;
          const planted = plantAt(one, kind, at, draw.chance(0.5));
          const score = emptyScore();
          addTo(score, planted, judge(planted));
          merge(events, score);
        }
      }
    const share = (kind: EventKind): number => (events.byKind.get(kind)?.caught ?? 0) / (events.byKind.get(kind)?.events ?? 0);
    return {
      from,
      to,
      falseAlarmsPerSeries: alarms / count,
      rates: new Map([...found].map(([schedule, own]) => [schedule, own.alarms / own.years])),
      recallOf: new Map(COLD_KINDS.map((kind) => [kind, share(kind)])),
    };
  });
}
