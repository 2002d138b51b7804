/** The detector as a whole: what it tells, what it does not, when an alarm ends, and that it is the same every time. */
import { describe, expect, test } from "vitest";
import { backtest, usualDistance } from "../../../../agent/core/statistics/backtest.ts";
import {
  beginSeries,
  type DetectorOptions,
  type Judged,
  type Run,
  type SeriesState,
  step,
} from "../../../../agent/core/statistics/detector.ts";
import { budgetOf } from "../../../../agent/core/statistics/signals.ts";
import { SIGNALS } from "../../../../agent/core/words.ts";
import { seededRandom } from "../../../../agent/kit/random.ts";

const DAY = 86_400_000;
const HOUR = 3_600_000;
const START = Date.UTC(2025, 0, 6);
const DAILY: DetectorOptions = { signal: "bytes", everyMs: DAY, falseAlarmsPerYear: 2 };

function normal(seed: number): () => number {
  const random = seededRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

function series(n: number, change: (at: number) => number = () => 0, { seed = 1, sd = 0.05, everyMs = DAY } = {}): Run[] {
  const noise = normal(seed);
  return Array.from({ length: n }, (_, at) => ({ at: START + at * everyMs, value: Math.round(1e6 * Math.exp(sd * noise() + change(at))) }));
}

function judge(runs: readonly Run[], options = DAILY, state = beginSeries()): Judged[] {
  return runs.map((run) => step(state, run, options).judged);
}
const alarms = (judged: readonly Judged[]) => judged.flatMap((one, at) => (one.alarm === null ? [] : [`${one.alarm} ${at}`]));

describe("what it tells", () => {
  test("a drop to half and a doubling, in the run they come", () => {
    const found = alarms(judge(series(200, (at) => (at === 100 ? Math.log(0.45) : at === 150 ? Math.log(2) : 0))));
    expect(found.filter((one) => !one.startsWith("shift"))).toEqual([expect.stringMatching(/^(?:rule|spike) 100$/u), "spike 150"]);
  });

  test("a new level, within five runs, once, and says since when", () => {
    const runs = series(200, (at) => (at >= 120 ? Math.log(1.3) : 0));
    const judged = judge(runs);
    const shifts = alarms(judged).filter((one) => one.startsWith("shift"));
    expect(shifts).toHaveLength(1);
    expect(Number(shifts[0]?.split(" ")[1])).toBeLessThanOrEqual(125);
    const shift = judged.find((one) => one.alarm === "shift");
    expect(Math.abs((shift?.since ?? 0) - (START + 120 * DAY))).toBeLessThanOrEqual(2 * DAY);
    expect(shift?.sentence).toContain("a new normal since");
    expect(judged.at(-1)?.expected).toBeGreaterThan(1.2e6);
  });

  test("slow growth that is no usual one", () => {
    expect(alarms(judge(series(200, (at) => 0.01 * Math.max(0, at - 100)))).map((one) => one.split(" ")[0])).toContain("drift");
    const always = judge(series(400, (at) => 0.004 * at));
    expect(
      alarms(always.slice(150)).filter((one) => one.startsWith("drift")),
      "what always grew goes on growing",
    ).toEqual([]);
  });

  test("nothing at all, and a failed run, at once and once; neither is learned", () => {
    const runs = series(60);
    const dead = runs.map((run, at) =>
      at === 30 || at === 31 ? { ...run, value: 0 } : at === 45 ? { ...run, failed: true, value: 5 } : run,
    );
    expect(alarms(judge(dead))).toEqual(["rule 30", "rule 45"]);
    expect(judge(dead).at(-1)?.runs).toBe(57);
  });

  test("a collapse at the fourth run, when nothing is learned yet", () => {
    expect(alarms(judge([1e6, 1.01e6, 0.99e6, 1e5, 1e6, 1e6].map((value, day) => ({ at: START + day * DAY, value }))))).toEqual(["rule 3"]);
  });

  test("a backup that is late by more than a quarter of its schedule, from the first on, unless lateness is usual", () => {
    const options = { ...DAILY, signal: "gap" } as const;
    const gaps = (values: readonly number[]): string[] =>
      alarms(
        judge(
          values.map((value, at) => ({ at: START + at * DAY, value: value * 86_400 })),
          options,
        ),
      );
    expect(gaps([1.26])).toEqual(["rule 0"]);
    expect(gaps([1.24, 1, 1, 1.3])).toEqual(["rule 3"]);
    const late = judge(
      [
        { at: START, value: 86_400 },
        { at: START + DAY, value: 172_800 },
      ],
      options,
    )[1];
    expect(late?.sentence).toMatch(/^The backup came after 2 days.*no more than 30 h.*schedule and log\.$/u);
    const noise = normal(5);
    const jittery = Array.from({ length: 200 }, () => 1 + Math.abs(0.3 * noise()));
    expect(
      gaps([...jittery, 1.6])
        .slice(-1)
        .filter((one) => one === "rule 200"),
    ).toEqual([]);
    expect(gaps([...jittery, 3]).at(-1)).toBe("rule 200");
  });

  test("how rare it says a run is follows from the series' own tail, and is no more than was seen of it", () => {
    const sentences = (n: number, sd: number, by: number): string =>
      judge(series(n + 1, (at) => (at === n ? by : 0), { sd })).at(-1)?.sentence ?? "";
    expect(sentences(40, 0.05, Math.log(1.9))).toMatch(/rarer than 1 in 4\d\d runs/u);
    expect(sentences(2000, 0.05, Math.log(1.35))).toMatch(/as rare as 1 in [\d,]+ runs/u);
  });

  test("its sentence holds what was seen, what was expected, the band, how far and how rare, and what to look at", () => {
    const sentence = judge(series(200, (at) => (at === 150 ? Math.log(2) : 0)))[150]?.sentence ?? "";
    for (const part of [
      /^The backup is 2(?:\.\d)? MB|^The backup is 1\.9/u,
      /expected/u,
      /to 1\.\d MB/u,
      /times more/u,
      /1 in \d+/u,
      /2025-06-05/u,
      /look for/u,
    ])
      expect(sentence).toMatch(part);
  });
});

describe("what it does not tell", () => {
  test("weekends, once they are known", () => {
    const weekend = (at: number): number => ([5, 6].includes(at % 7) ? Math.log(0.4) : 0);
    expect(alarms(judge(series(300, weekend)).slice(60)).filter((one) => !one.startsWith("shift"))).toEqual([]);
    const broken = alarms(judge(series(300, (at) => weekend(at) + (at === 250 ? Math.log(0.4) : 0))).slice(60));
    expect(broken.filter((one) => !one.startsWith("shift"))).toEqual([expect.stringMatching(/^(?:rule|spike) 190$/u)]);
  });

  test("hours of the day, also when the clocks are set", () => {
    const byHour = (shift: number) => (at: number) => 0.6 * Math.sin(((at + shift) / 24) * 2 * Math.PI);
    const change = (at: number): number => byHour(at > 24 * 60 ? 1 : 0)(at);
    const judged = judge(series(24 * 90, change, { everyMs: HOUR }), { ...DAILY, everyMs: HOUR });
    expect(alarms(judged.slice(24 * 30)).length).toBeLessThanOrEqual(2);
  });

  test("the end of every month, after it was told twice", () => {
    const last = (at: number): boolean => new Date(START + (at + 1) * DAY).getUTCDate() === 1;
    const months = alarms(judge(series(500, (at) => (last(at) ? Math.log(2) : 0)))).map((one) => Number(one.split(" ")[1]));
    expect(months.filter((at) => at > 150)).toEqual([]);
    expect(months.length).toBeGreaterThan(0);
  });

  test("the full backup of every Sunday between incremental ones, after it was told twice; but one at another time is told", () => {
    const full = (at: number): number => (at % 168 === 146 ? Math.log(12) : 0);
    const judged = judge(series(24 * 90, full, { everyMs: HOUR }), { ...DAILY, everyMs: HOUR });
    expect(alarms(judged).length).toBeLessThanOrEqual(3);
    expect(alarms(judged.slice(24 * 21))).toEqual([]);
    const more = (at: number): number => full(at) + (at === 1500 ? Math.log(12) : 0);
    const off = alarms(judge(series(24 * 90, more, { everyMs: HOUR }), { ...DAILY, everyMs: HOUR }));
    expect(off.filter((one) => one.endsWith(" 1500"))).toHaveLength(1);
  });

  test("a backup that came early, or a quick one less than a slow one", () => {
    const gap = (value: number): Judged[] => {
      const noise = normal(3);
      return judge(
        Array.from({ length: 100 }, (_, at) => ({ at: START + at * DAY, value: at === 80 ? value : 86_400 * (1 + 0.01 * noise()) })),
        { ...DAILY, signal: "gap" },
      );
    };
    expect(alarms(gap(40_000))).toEqual([]);
    expect(alarms(gap(200_000))).toEqual(["rule 80"]);
  });

  test("runs that are missing, in which nothing is made up", () => {
    const runs = series(300).filter((_, at) => at % 10 !== 3 && (at < 100 || at > 120));
    expect(alarms(judge(runs))).toEqual([]);
  });
});

describe("budget", () => {
  test.each([0.5, 2, 8])("%f false alarms a year are not exceeded twofold on quiet series", (falseAlarmsPerYear) => {
    let told = 0;
    for (let seed = 1; seed <= 12; seed += 1)
      told += alarms(judge(series(730, undefined, { seed }), { ...DAILY, falseAlarmsPerYear })).length;
    expect(told / 24).toBeLessThanOrEqual(Math.max(1, 2 * falseAlarmsPerYear));
  });

  test("a source's budget is split over its series", () => {
    const all = SIGNALS.filter((one) => one !== "outcome");
    const shares = all.filter((one) => one !== "gap").map((one) => budgetOf(one, all, 2));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(2, 12);
    expect(Math.min(...shares)).toBeGreaterThan(0);
  });
});

describe("state", () => {
  const runs = series(400, (at) => (at % 90 === 60 ? Math.log(2) : at >= 250 ? Math.log(0.7) : 0));

  test("goes through JSON and goes on, bit for bit", () => {
    const whole = judge(runs);
    let state: SeriesState = beginSeries();
    const stopped = runs.map((run) => {
      state = JSON.parse(JSON.stringify(state)) as SeriesState;
      return step(state, run, DAILY).judged;
    });
    expect(stopped).toEqual(whole);
  });

  test("is below 8 KB, also of an hourly series", () => {
    for (const [everyMs, n] of [
      [DAY, 800],
      [HOUR, 4000],
    ] as const) {
      const state = beginSeries();
      judge(series(n, undefined, { everyMs }), { ...DAILY, everyMs }, state);
      expect(JSON.stringify(state).length).toBeLessThan(8192);
    }
  });

  test("a run that was told before, comes late or is no number changes nothing", () => {
    const state = beginSeries();
    judge(runs.slice(0, 100), DAILY, state);
    const before = JSON.stringify(state);
    for (const run of [runs[99], runs[50], { at: START + 500 * DAY, value: Number.NaN }] as Run[])
      expect(step(state, run, DAILY).judged).toMatchObject({ alarm: null, expected: null, score: 0 });
    expect(JSON.stringify(state)).toBe(before);
  });

  test("an alarm ends when three runs are inside the band again", () => {
    const judged = judge(series(200, (at) => (at === 150 ? Math.log(2) : 0)));
    expect([150, 151, 152, 153].map((at) => judged[at]?.active)).toEqual([["spike"], ["spike"], ["spike"], []]);
  });
});

describe("parts", () => {
  test("each can be left out", () => {
    const runs = series(200, (at) => (at === 150 ? Math.log(2) : at >= 170 ? Math.log(0.6) : 0));
    expect(alarms(judge(runs, { ...DAILY, without: ["spike", "shift", "drift", "rules"] }))).toEqual([]);
    expect(alarms(judge(runs, { ...DAILY, without: ["shift"] })).some((one) => one.startsWith("shift"))).toBe(false);
  });

  test("backtest finds the schedule, and where something new begins", () => {
    const runs = series(200, (at) => (at >= 120 ? Math.log(1.6) : 0));
    expect(usualDistance(runs)).toBe(DAY);
    const result = backtest(runs, { signal: "bytes", everyMs: "auto", falseAlarmsPerYear: 2, changepoints: true });
    expect(result.changepoints).toEqual([120]);
    expect(result.rows).toEqual(judge(runs));
    expect(backtest(runs, { signal: "bytes", everyMs: DAY, falseAlarmsPerYear: 2 }).changepoints).toBeNull();
  });
});
