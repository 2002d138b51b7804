/** Drill calendars over the changes of daylight saving time: every date once, none skipped in the gap, none doubled in the overlap. */
import { describe, expect, test } from "vitest";
import { type CalendarState, planDrills } from "../../../agent/core/plan.ts";
import type { DrillCalendar } from "../../../agent/core/policy.ts";
import type { LedgerRow } from "../../../agent/core/ports.ts";
import { datedCalendars } from "../../../agent/engine/read-state.ts";
import { policy } from "../../doubles/policy.ts";
import { somePoint } from "../../doubles/values.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

describe("daylight saving", () => {
  const planned = (calendar: DrillCalendar, from: string, to: string, step = MINUTE): string[] => {
    const rows: LedgerRow[] = [];
    const one = policy("crm");
    const point = { ...somePoint("crm"), firstSeenAt: 0 };
    // The sample drill of the point is done and far from being repeated.
    const done = (drillId: string, kind: LedgerRow["kind"], finishedAt: number): LedgerRow => ({
      drillId,
      kind,
      sourceId: "crm",
      pointId: point.id,
      attempt: 1,
      finishedAt,
      verdict: "verified",
      layers: { artifact: "verified", content: "verified" },
    });
    for (let now = Date.parse(from) + 30_000; now < Date.parse(to); now += step) {
      const calendars: CalendarState[] = datedCalendars([calendar], now);
      const due = planDrills({
        policies: [one],
        points: new Map([["crm", [point]]]),
        ledger: new Map([["crm", [...rows, done("sample", "sample", now)]]]),
        firstSeen: new Map([["crm", Date.parse(from) - DAY]]),
        calendars,
        now,
      });
      for (const drill of due) rows.push(done(drill.id, drill.kind, now));
    }
    return rows.map((row) => new Date(row.finishedAt).toISOString().slice(0, 16));
  };
  const at = (timezone: string, schedule: string): DrillCalendar => ({ kind: "smoke", schedule, timezone, rotate: "all" });

  test.each<readonly [string, DrillCalendar, string, string, readonly string[]]>([
    ["in the gap, Berlin", at("Europe/Berlin", "30 2 29 * *"), "2026-03-28T12:00Z", "2026-03-30T12:00Z", ["2026-03-29T01:00"]],
    ["in the overlap, Berlin", at("Europe/Berlin", "30 2 25 * *"), "2026-10-24T12:00Z", "2026-10-26T12:00Z", ["2026-10-25T00:30"]],
    ["in the gap, New York", at("America/New_York", "30 2 8 * *"), "2026-03-07T12:00Z", "2026-03-09T12:00Z", ["2026-03-08T07:00"]],
    ["in the overlap, New York", at("America/New_York", "30 1 1 * *"), "2026-10-31T12:00Z", "2026-11-02T12:00Z", ["2026-11-01T05:30"]],
    [
      "in the gap of half an hour, Lord Howe",
      at("Australia/Lord_Howe", "15 2 4 * *"),
      "2026-10-03T03:00Z",
      "2026-10-05T03:00Z",
      ["2026-10-03T15:30"],
    ],
    [
      "in the overlap of half an hour, Lord Howe",
      at("Australia/Lord_Howe", "45 1 5 * *"),
      "2026-04-04T03:00Z",
      "2026-04-06T03:00Z",
      ["2026-04-04T14:45"],
    ],
  ])("a monthly drill %s comes exactly once", (_, calendar, from, to, expected) => {
    expect(planned(calendar, from, to)).toEqual(expected);
  });

  test.each(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])(
    "a daily drill in %s comes on every day of a week that has a change",
    (timezone) => {
      for (const from of ["2026-03-05", "2026-03-26", "2026-04-02", "2026-10-01", "2026-10-22", "2026-10-29"]) {
        const start = `${from}T12:00Z`;
        const end = new Date(Date.parse(start) + 7 * DAY).toISOString();
        for (const schedule of ["30 1 * * *", "15 2 * * *", "45 2 * * *"]) {
          const days = planned(at(timezone, schedule), start, end, 15 * MINUTE).slice(1);
          const local = days.map((day) =>
            new Intl.DateTimeFormat("sv", { timeZone: timezone, dateStyle: "short" }).format(Date.parse(`${day}Z`)),
          );
          expect([schedule, from, new Set(local).size]).toEqual([schedule, from, local.length]);
          expect(local.length).toBeGreaterThanOrEqual(6);
        }
      }
    },
  );
});
