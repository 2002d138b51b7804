/** What is counted beside the plain score: ignored rows, merged counts, young and rough series, files, sources with all signals. */
import { describe, expect, test } from "vitest";
import { parseLabelled, writeLabelled } from "../../../bench/anomaly/folder.ts";
import { cellsOf } from "../../../bench/anomaly/judges.ts";
import { makeOther } from "../../../bench/anomaly/other.ts";
import { AGES, coldStart, plantAt, roughen } from "../../../bench/anomaly/rough.ts";
import { addTo, attribute, emptyScore, f1, merge, precision, recall } from "../../../bench/anomaly/score.ts";
import { beside, bestPeer, figuresOf, type Total } from "../../../bench/anomaly/sections.ts";
import { type LabelledSeries, makeSeries } from "../../../bench/anomaly/series.ts";
import { makeSource, measureSources } from "../../../bench/anomaly/sources.ts";

const DAY = 86_400_000;
const flat = (n: number, more: Partial<LabelledSeries> = {}): LabelledSeries => ({
  rows: Array.from({ length: n }, (_, at) => ({ at: at * DAY, value: 1000 })),
  everyMs: DAY,
  events: [],
  ...more,
});
const alarms = (n: number, ...at: number[]): boolean[] => Array.from({ length: n }, (_, row) => at.includes(row));

describe("scores", () => {
  test("what goes on is one alarm; it is again one after a week of silence", () => {
    expect(attribute(flat(60), alarms(60, 5, 6, 13, 20, 28, 40)).falseAt).toEqual([5, 28, 40]);
  });

  test("alarms on ignored rows count neither way, nor do they hide the next one", () => {
    const series = flat(60, { ignored: new Set([10]), events: [{ kind: "spike", from: 12, to: 12 }] });
    expect(attribute(series, alarms(60, 10, 12))).toEqual({ first: [12], falseAt: [] });
  });

  test("merged counts are the counts of both, and years are those between the first run and the last", () => {
    const [one, two, both] = [emptyScore(), emptyScore(), emptyScore()];
    const series = flat(1461, { events: [{ kind: "shift", from: 100, to: 110 }] });
    addTo(one, series, alarms(1461, 103, 500));
    addTo(two, series, alarms(1461));
    merge(both, one);
    merge(both, two);
    expect(both).toEqual({ ...both, caught: 1, events: 2, falseAlarms: 1, years: 8, shiftDelays: [3] });
    expect([precision(both), recall(both), f1(both)]).toEqual([0.5, 0.5, 0.5]);
    expect(figuresOf(both)).toMatchObject({ rate: 1 / 8, delay: 3, recallOf: { drop: Number.NaN, shift: 0.5 } });
  });

  test("the best peer is never ourselves; beside it stands our recall at no more false alarms than it gives", () => {
    const total = (name: string, f: number, rate: number, share: number): Total => {
      const figures = { ...figuresOf(emptyScore()), f1: f, rate, recall: share };
      return { name, events: figures, clean: figures, worst: rate };
    };
    expect(bestPeer([total("Restorewatch", 0.9, 1, 1), total("a", 0.3, 1, 1), total("b", 0.4, 1, 1)])?.name).toBe("b");
    const points = [0.5, 1, 2].map((rate) => ({ budget: rate, ...total("", 0, rate, rate / 4), bySchedule: new Map() }));
    expect(beside(points, total("a", 0, 1.5, 0))).toBe(0.25);
    expect(Number.isFinite(beside(points, total("a", 0, 0.1, 0)))).toBe(false);
  });
});

describe("young series", () => {
  test("one event at its place, and little after it", () => {
    const spike = plantAt(flat(100), "spike", 30, true);
    expect(spike.rows.length).toBe(56);
    expect(spike.rows.flatMap(({ value }, at) => (value === 1000 ? [] : [[at, value]]))).toEqual([[30, 2000]]);
    const shift = plantAt(flat(100), "shift", 30, false);
    expect(shift.rows.slice(29, 32).map((row) => row.value)).toEqual([1000, 750, 750]);
    expect(shift.rows.at(-1)?.value).toBe(750);
  });

  test("false alarms by age add up to those of the first two hundred runs, and whoever always alarms misses nothing", () => {
    const cells = [{ regime: "flat", schedule: "daily", events: [], clean: [flat(300), flat(300)] }];
    const never = coldStart(cells, ({ rows }) => alarms(rows.length), 1);
    expect(never.map(({ from, to }) => [from, to])).toEqual(AGES.slice(1).map((to, at) => [AGES[at], to]));
    expect(never.every(({ falseAlarmsPerSeries, recallOf }) => falseAlarmsPerSeries === 0 && (recallOf.get("drop") ?? 0) !== 1)).toBe(true);
    const every20 = coldStart(cells, ({ rows }) => rows.map((_, at) => at % 20 === 5), 1);
    expect(every20.map((one) => one.falseAlarmsPerSeries)).toEqual([1, 0, 2, 7]);
    const seeing = coldStart(cells, ({ rows }) => rows.map(({ value }) => value !== 1000), 1);
    expect(seeing.slice(1).every(({ recallOf }) => [...recallOf.values()].every((share) => share === 1))).toBe(true);
  });
});

test("rough histories: one in twenty is off, one in a hundred empty, all of them ignored, none of them planted", () => {
  const series = makeSeries("gauss", "daily", 4, true);
  const rough = roughen({ ...series, rows: Array.from({ length: 20_000 }, (_, at) => ({ at: at * DAY, value: 1000 })) }, 3);
  const changed = rough.rows.flatMap(({ value }, at) => (value === 1000 ? [] : [at]));
  expect(new Set(changed)).toEqual(rough.ignored);
  expect(Math.abs(changed.length / 20_000 - 0.06)).toBeLessThan(0.01);
  const empty = rough.rows.filter(({ value }) => value === 0).length;
  expect(Math.abs(empty / 20_000 - 0.01)).toBeLessThan(0.004);
  expect(series.events.filter(({ from }) => rough.ignored?.has(from) === true)).toEqual([]);
  expect(rough.rows.every(({ value }) => value === 0 || (value >= 333 && value <= 3000))).toBe(true);
});

describe("files", () => {
  test.each(["daily", "5 minutes"] as const)("what was written is read again: %s", (schedule) => {
    const series = makeOther("counter", schedule, 9, true);
    const again = parseLabelled(writeLabelled(series), "counter--records.csv");
    expect(again.rows).toEqual(series.rows);
    expect(again.signal).toBe("records");
    expect(again.events.map(({ kind, from }) => [kind, from])).toEqual(series.events.map(({ kind, from }) => [kind, from]));
    for (const [at, { kind, to }] of again.events.entries())
      if (kind !== "drop" && kind !== "spike") expect(to).toBe(series.events[at]?.to);
    expect(Math.abs(again.everyMs / series.everyMs - 1)).toBeLessThan(0.02);
  });

  test("labels keep to their rows where others are late, twice there or no number; a lone label is as long as its kind usually is", () => {
    const text = [
      "label,timestamp,value",
      ",2024-01-01,100",
      "shift,2024-01-03,150",
      ",2024-01-02,101",
      "spike,2024-01-02,999",
      ",2024-01-04,n/a",
      ...Array.from({ length: 20 }, (_, at) => `${at === 15 ? "ignore" : ""},2024-02-${String(at + 1).padStart(2, "0")},150`),
    ].join("\n");
    const { rows, events, ignored, signal } = parseLabelled(text, "mine.csv");
    expect(rows.slice(0, 3).map((row) => row.value)).toEqual([100, 101, 150]);
    expect(events).toEqual([{ kind: "shift", from: 2, to: 12 }]);
    expect([...(ignored ?? [])]).toEqual([18]);
    expect(signal).toBeUndefined();
  });
});

test("both generators fill every cell, at least two hundred series in all", () => {
  for (const [generator, each] of [
    ["own", 12],
    ["other", 6],
  ] as const) {
    const cells = cellsOf(generator, each, 1);
    const count = cells.reduce((sum, { events, clean }) => sum + events.length + clean.length, 0);
    expect([generator, cells.length]).toEqual([generator, generator === "own" ? 21 : 48]);
    expect(count).toBeGreaterThanOrEqual(200);
    expect(cells.every(({ events }) => events.some((one) => one.events.length > 0))).toBe(true);
  }
});

describe("sources with all signals", () => {
  test("their numbers belong together, and repeat for a seed", () => {
    const all = makeSource("daily", 1);
    expect(makeSource("daily", 1)).toEqual(all);
    const of = new Map<string, Map<string, number>>();
    for (const { ref, signal, value } of all) of.set(ref, (of.get(ref) ?? new Map<string, number>()).set(signal, value));
    let drills = 0;
    for (const run of of.values()) {
      const get = (signal: string): number => run.get(signal) ?? Number.NaN;
      expect(get("bytes_per_record")).toBeCloseTo(get("bytes") / get("records"), 6);
      if (!run.has("restore_seconds")) continue;
      drills += 1;
      expect(get("restore_seconds_per_gb")).toBeCloseTo((get("restore_seconds") / get("bytes")) * 1e9, 3);
    }
    expect(drills).toBeGreaterThan(50);
  });

  test("alarms of one run are told as one, and a larger budget never counts other years", async () => {
    const [few, many] = await measureSources("weekly", [0.5, 16], 1);
    expect(few?.years).toBeCloseTo((24 * 260 * 7) / 365.25, 6);
    expect(many?.alarms).toBeGreaterThan(few?.alarms ?? Number.POSITIVE_INFINITY);
    for (const one of [few, many]) {
      expect(one?.ungrouped).toBeGreaterThanOrEqual(one?.rate ?? Number.POSITIVE_INFINITY);
      expect([...(one?.byKind.values() ?? [])].reduce((sum, count) => sum + count, 0)).toBe(one?.alarms);
      expect([...(one?.bySignal.values() ?? [])].reduce((sum, count) => sum + count, 0)).toBe(one?.alarms);
    }
  });
});
