import { describe, expect, test } from "vitest";
import { alarmChanges, gapAllowance, hardRuleAlarms, volumeAlarms } from "../../../agent/core/statistics/rules.ts";
import type { Observation, RecoveryPoint, RunReport } from "../../../agent/core/values.ts";
import type { RunOutcome, Signal } from "../../../agent/core/words.ts";
import { policy } from "../../doubles/policy.ts";

const DAY = 86_400_000;
const T0 = Date.UTC(2026, 0, 1, 2);
const series = (values: readonly number[], signal: Signal = "bytes"): Observation[] =>
  values.map((value, index) => ({ sourceId: "crm", signal, at: T0 + index * DAY, value, ref: `p${index}` }));
const newestAt = (createdAt: number): RecoveryPoint => ({
  id: "p",
  sourceId: "crm",
  vaultId: "v",
  path: "p",
  kind: "file",
  createdAt,
  createdFrom: "name",
  modifiedAt: createdAt,
  bytes: 1,
  immutableUntil: null,
  runId: null,
  firstSeenAt: createdAt,
  goneAt: null,
});
const run = (index: number, outcome: RunOutcome): RunReport => ({
  id: `r${index}`,
  sourceId: "crm",
  startedAt: null,
  finishedAt: T0 + index * DAY,
  outcome,
  bytes: null,
  items: null,
  path: null,
  checksum: null,
  message: null,
  receivedAt: 0,
  via: "cli",
});

describe("volume", () => {
  test.each([
    ["steady", [100, 110, 95, 102, 99], []],
    ["ordinary growth", [100, 130, 170, 220, 290, 380], []],
    ["half is still inside", [100, 100, 100, 50], []],
    ["collapse at the third run", [100, 100, 40], ["volume.collapse"]],
    ["collapse later", [100, 120, 110, 105, 20], ["volume.collapse"]],
    ["explosion", [100, 100, 100, 501], ["volume.explosion"]],
    ["empty from the very first run", [0], ["volume.empty"]],
  ])("%s", (_, values, rules) => {
    expect(volumeAlarms("crm", "bytes", series(values)).map((alarm) => alarm.rule)).toEqual(rules);
  });

  test("it stays active until three runs are back inside the band it began with", () => {
    const states = [
      [100, 100, 100, 10],
      [100, 100, 100, 10, 100],
      [100, 100, 100, 10, 100, 100],
      [100, 100, 100, 10, 100, 100, 100],
    ].map((values) => volumeAlarms("crm", "bytes", series(values))[0]?.endedAt);
    expect(states).toEqual([null, null, null, T0 + 6 * DAY]);
  });

  test("a run that falls out again starts the count anew", () => {
    expect(volumeAlarms("crm", "bytes", series([100, 100, 100, 10, 100, 100, 10, 100, 100]))[0]?.endedAt).toBeNull();
  });

  test("a level that stays is accepted after 14 runs and judged by itself from then on", () => {
    const values = [100, 100, 100, ...Array.from({ length: 16 }, () => 10), 2];
    const alarms = volumeAlarms("crm", "bytes", series(values));
    expect(alarms.map((alarm) => [alarm.since, alarm.endedAt])).toEqual([
      [T0 + 3 * DAY, T0 + 16 * DAY],
      [T0 + 19 * DAY, null],
    ]);
  });

  test("the sentence says how much, how much was expected, since when and where to look", () => {
    const [alarm] = volumeAlarms("crm", "bytes", series([464_000, 463_000, 465_000, 4_000]));
    expect(alarm?.sentence).toContain("4 kB");
    expect(alarm?.sentence).toContain("464 kB");
    expect(alarm?.sentence).toContain("116 times less");
    expect(alarm?.sentence).toContain("look at");
  });

  test("ids do not depend on how often one looks", () => {
    const once = volumeAlarms("crm", "bytes", series([100, 100, 100, 10]));
    const later = volumeAlarms("crm", "bytes", series([100, 100, 100, 10, 11]));
    expect(later[0]?.id).toBe(once[0]?.id);
  });
});

describe("gap", () => {
  const crm = policy("crm");
  test("a backup is late after its schedule and the larger of jitter and a quarter", () => {
    expect(gapAllowance(crm, [])).toBe((24 + 6) * 3600);
    expect(gapAllowance(policy("crm", { backups: { ...crm.backups, jitterMs: 0 } }), [])).toBe(30 * 3600);
    expect(gapAllowance(policy("crm", { backups: { ...crm.backups, everyMs: null } }), [])).toBeNull();
  });
  test("its own habit of being late widens the allowance", () => {
    const late = Array.from({ length: 40 }, (_, index) => ({
      ...series([0])[0],
      sourceId: "crm",
      signal: "gap" as const,
      at: index,
      value: (24 + 10) * 3600,
      ref: "p",
    }));
    expect(gapAllowance(crm, late)).toBe((24 + 10) * 3600);
  });
  test("it fires just after the allowance, and is gone with the next point", () => {
    const at = (now: number): number => hardRuleAlarms({ policy: crm, observations: {}, newest: newestAt(T0), runs: [], now }).length;
    expect([at(T0 + 30 * 3_600_000), at(T0 + 30 * 3_600_000 + 1)]).toEqual([0, 1]);
  });
  test("a source that was never backed up has no gap: BackupNeverSucceeded speaks for it", () => {
    expect(hardRuleAlarms({ policy: crm, observations: {}, newest: null, runs: [], now: T0 + 90 * DAY })).toEqual([]);
  });
});

describe("failure", () => {
  const rule = (runs: readonly RunReport[]): (number | undefined)[] =>
    hardRuleAlarms({ policy: policy("crm"), observations: {}, newest: newestAt(T0 + 9 * DAY), runs, now: T0 + 9 * DAY }).map(
      (alarm) => alarm.observed,
    );
  test("counts failures since the last success; partial and unknown say nothing", () => {
    expect(rule([run(3, "failure"), run(2, "partial"), run(1, "failure"), run(0, "success")])).toEqual([2]);
    expect(rule([run(3, "success"), run(2, "failure")])).toEqual([]);
    expect(rule([])).toEqual([]);
  });
});

describe("what the job says and what is there", () => {
  const said = (finishedAt: number, records: number | null): RunReport => ({
    ...run(1, "success"),
    id: "r1",
    startedAt: finishedAt - 60_000,
    finishedAt,
    items: records === null ? null : { records },
  });
  const told = (runs: readonly RunReport[], points: readonly RecoveryPoint[], at: number, counted = new Map<string, number>()): string[] =>
    hardRuleAlarms({ policy: policy("crm"), observations: {}, newest: points[0] ?? null, runs, seen: { points, at }, counted, now: at })
      .filter((alarm) => alarm.rule !== "gap.late")
      .map((alarm) => `${alarm.rule} ${alarm.observed} of ${alarm.expected}`);
  const HOUR = 3_600_000;

  test("a success without anything new in the vault is told once there was time to see it", () => {
    const old = newestAt(T0 - 5 * HOUR);
    const late = T0 + HOUR + 31_000;
    expect(told([said(T0, null)], [old], T0 + HOUR)).toEqual([]);
    expect(told([said(T0, null)], [old], late)).toEqual(["run.nothing-new 0 of 1"]);
    expect(told([said(T0, null)], [], late)).toEqual(["run.nothing-new 0 of 1"]);
    expect(told([said(T0, null)], [newestAt(T0), old], late)).toEqual([]);
    expect(told([run(1, "partial")], [old], late)).toEqual([]);
    const unseen = hardRuleAlarms({ policy: policy("crm"), observations: {}, newest: old, runs: [said(T0, null)], now: late });
    expect(unseen.filter((alarm) => alarm.rule === "run.nothing-new")).toEqual([]);
  });

  test("an importer that counts other records than are there is told with both numbers; what nobody counted is not", () => {
    const point = { ...newestAt(T0), runId: "r1" };
    const at = T0 + HOUR;
    expect(told([said(T0, 1000)], [point], at, new Map([["p", 940]]))).toEqual(["records.disagree 940 of 1000"]);
    expect(told([said(T0, 1000)], [point], at, new Map([["p", 1000]]))).toEqual([]);
    expect(told([said(T0, 1000)], [point], at)).toEqual([]);
    expect(told([said(T0, null)], [point], at, new Map([["p", 940]]))).toEqual([]);
  });

  test("what else moved stays with an alarm that ends", () => {
    const [began] = volumeAlarms("crm", "bytes", series([100, 100, 100, 10]));
    const ended = volumeAlarms("crm", "bytes", series([100, 100, 100, 10, 100, 100, 100]));
    const active = began === undefined ? [] : [{ ...began, context: ["it is critical"] }];
    expect(alarmChanges(active, ended, new Set(active.map(({ id }) => id)), 5)).toMatchObject([{ context: ["it is critical"] }]);
  });
});

describe("what is to be recorded", () => {
  const alarm = (values: readonly number[]) => volumeAlarms("crm", "bytes", series(values));
  test("a new alarm once, its end once, and nothing in between", () => {
    const began = alarm([100, 100, 100, 10]);
    expect(alarmChanges([], began, new Set(), 5)).toEqual(began);
    expect(alarmChanges(began, began, new Set(began.map((one) => one.id)), 5)).toEqual([]);
    const ended = alarm([100, 100, 100, 10, 100, 100, 100]);
    expect(alarmChanges(began, ended, new Set(began.map((one) => one.id)), 5)).toEqual(ended);
    expect(alarmChanges([], ended, new Set(began.map((one) => one.id)), 5)).toEqual([]);
  });
  test("an alarm that no rule holds up any more ends now", () => {
    const began = alarm([100, 100, 100, 10]);
    const since = began[0]?.since ?? 0;
    expect(alarmChanges(began, [], new Set(), since + 77)).toMatchObject([{ endedAt: since + 77 }]);
    // By a clock that went back it would have ended before it began.
    expect(alarmChanges(began, [], new Set(), 77)).toMatchObject([{ endedAt: since }]);
  });
});
