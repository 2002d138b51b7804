/** The detector in the engine: alarms begin and end once, the state goes on or is made anew with the same result, and a person's word counts. */
import { beforeEach, describe, expect, test } from "vitest";
import type { SourcePolicy } from "../../../agent/core/policy.ts";
import type { Alarm, Observation } from "../../../agent/core/values.ts";
import { bandsOf, detect, paperName } from "../../../agent/engine/detections.ts";
import { seededRandom } from "../../../agent/kit/random.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";

const DAY = 86_400_000;
const START = Date.UTC(2025, 0, 6);
const crm = policy("crm");
let state = memoryState();
beforeEach(() => {
  state = memoryState();
});

function series(n: number, change: (at: number) => number = () => 1, signal: Observation["signal"] = "bytes"): Observation[] {
  const random = seededRandom(signal.length);
  return Array.from({ length: n }, (_, at) => ({
    sourceId: "crm",
    signal,
    at: START + at * DAY,
    value: Math.round(
      1e6 * change(at) * Math.exp(0.04 * Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())),
    ),
    ref: `p${at}`,
  }));
}

/** As the engine does it: look, record, keep. `lost`: killed before it kept what it knew. */
async function take(
  fresh: readonly Observation[],
  { of = crm, lost = false }: { of?: SourcePolicy; lost?: boolean } = {},
): Promise<readonly Alarm[]> {
  const known = await state.repositories.alarms.list({ sourceId: "crm", all: true, limit: 1000 });
  const { alarms, papers } = await detect(of, state.repositories, fresh, known);
  await state.repositories.observations.put(fresh);
  for (const alarm of alarms) await state.repositories.alarms.put(alarm);
  if (!lost) for (const { signal, body } of papers) await state.repositories.papers.put("crm", paperName(signal), body);
  return alarms;
}
const all = async (): Promise<string[]> =>
  (await state.repositories.alarms.list({ sourceId: "crm", all: true }))
    .map(
      (alarm) =>
        `${alarm.signal} ${alarm.rule} ${(alarm.since - START) / DAY} ${alarm.endedAt === null ? "" : (alarm.endedAt - START) / DAY}`,
    )
    .toSorted();
const doubled = (at: number): number => (at === 80 ? 2 : 1);

describe("alarms", () => {
  test("begin with the run that is out of the ordinary and end when three are inside again", async () => {
    const runs = series(100, doubled);
    for (const run of runs) await take([run]);
    expect(await all()).toEqual(["bytes spike.up 80 83"]);
    const [alarm] = await state.repositories.alarms.list({ sourceId: "crm", all: true });
    expect(alarm?.sentence).toContain("times more");
  });

  test("are the same when a night's work comes at once, one by one, or again after a kill", async () => {
    const runs = series(100, (at) => doubled(at) * (at >= 90 ? 0.6 : 1));
    const results: string[][] = [];
    for (const way of ["one by one", "at once", "killed now and then"]) {
      state = memoryState();
      if (way === "at once") await take(runs);
      else for (const [at, run] of runs.entries()) await take([run], { lost: way === "killed now and then" && at % 7 === 0 });
      results.push(await all());
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    expect(results[0]?.length).toBeGreaterThan(1);
  });

  test("of several numbers in one run are one, which names the others", async () => {
    const [bytes, records] = [series(100, doubled), series(100, doubled, "records")];
    await take([...bytes.slice(0, 80), ...records.slice(0, 80)]);
    await take([...bytes.slice(80), ...records.slice(80)]);
    expect((await all()).map((one) => one.split(" ")[0])).toEqual(["bytes"]);
    expect((await state.repositories.alarms.list({ sourceId: "crm", all: true }))[0]?.context?.at(-1)).toMatch(
      /^its records moved too \([^)]+ records, expected [^)]+ records\)$/u,
    );
  });

  test("that began in a planned change are not told", async () => {
    const suppress = [{ from: START + 79 * DAY, to: START + 81 * DAY, reason: "migration" }];
    await take(series(100, doubled), { of: { ...crm, anomalies: { falseAlarmsPerYear: 2, suppress } } });
    expect(await all()).toEqual([]);
  });

  test("marked as expected end, and the level they saw is the new one", async () => {
    const runs = series(140, (at) => (at >= 80 ? 1.5 : 1));
    for (const run of runs.slice(0, 82)) await take([run]);
    const [alarm] = await state.repositories.alarms.list({ sourceId: "crm" });
    await state.repositories.decisions.put({
      id: "d1",
      about: "alarm",
      subject: alarm?.id ?? "",
      sourceId: "crm",
      answer: "expected",
      at: (runs[81]?.at ?? 0) + 1000,
      actor: "~a",
      reason: "a big import",
      via: "cli",
    });
    for (const run of runs.slice(82)) await take([run]);
    const [first] = await all();
    expect(first).toMatch(/^bytes spike\.up 80 8[12]/u);
    expect((await all()).filter((one) => one.includes("shift"))).toEqual([]);
    expect((await bandsOf(crm, state.repositories)).get("bytes")?.expected).toBeGreaterThan(1.3e6);
  });
});

describe("state", () => {
  test("the band is there after a restart, and made anew with other settings", async () => {
    await take(series(60));
    const band = (await bandsOf(crm, state.repositories)).get("bytes");
    expect(band).toMatchObject({ runs: 60 });
    expect(band?.lower ?? 0).toBeLessThan(band?.expected ?? 0);
    const other = { ...crm, anomalies: { falseAlarmsPerYear: 8, suppress: [] } };
    expect((await bandsOf(other, state.repositories)).size).toBe(0);
    await take([], { of: other });
    expect((await bandsOf(other, state.repositories)).get("bytes")?.runs).toBe(60);
  });

  test("late observations, the same again and none change nothing", async () => {
    const runs = series(60);
    await take(runs);
    const before = await state.repositories.papers.get("crm", paperName("bytes"));
    for (const fresh of [[], [runs[10]], [runs[59]]] as Observation[][]) await take(fresh);
    expect(JSON.parse((await state.repositories.papers.get("crm", paperName("bytes"))) ?? "{}")).toEqual(JSON.parse(before ?? "{}"));
  });
});
