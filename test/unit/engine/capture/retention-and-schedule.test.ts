/** Which captures may go, and when the next one is due. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CapturePolicy } from "../../../../agent/core/policy.ts";
import type { VaultEntry } from "../../../../agent/core/ports.ts";
import { expiredCaptures } from "../../../../agent/engine/capture/retention.ts";
import { captureDue, formatAttempt, parseAttempt } from "../../../../agent/engine/capture/schedule.ts";

const NOW = Date.UTC(2026, 5, 15, 12);
const DAY = 86_400_000;
const MINUTE = 60_000;

function entry(at: number, more: Partial<VaultEntry> = {}): VaultEntry {
  const path = `captures/crm/${new Date(at).toISOString().replace(/[:.]/gu, "-")}.bag.zip`;
  return { path, kind: "file", bytes: 5, modifiedAt: at, immutableUntil: null, checksum: null, ...more };
}

describe("retention", () => {
  test("takes what is older than promised, and says when it was made", () => {
    const entries = [entry(NOW - DAY), entry(NOW - 40 * DAY), entry(NOW - 36 * DAY), entry(NOW - 30 * DAY)];
    expect(expiredCaptures(entries, 35 * DAY, NOW).map((one) => one.createdAt)).toEqual([NOW - 36 * DAY, NOW - 40 * DAY]);
  });

  test("never the newest, never what is protected, never without a promise, never what is not ours", () => {
    expect(expiredCaptures([entry(NOW - 400 * DAY)], DAY, NOW)).toEqual([]);
    expect(expiredCaptures([entry(NOW), entry(NOW - 40 * DAY, { immutableUntil: NOW + 1 })], DAY, NOW)).toEqual([]);
    expect(expiredCaptures([entry(NOW), entry(NOW - 40 * DAY)], null, NOW)).toEqual([]);
    const others = ["captures/crm/by-hand.bag.zip", "captures/crm/2020-01-01.bag.zip", "captures/crm/2020-01-01T00-00-00-000Z.bag.zip.old"];
    expect(expiredCaptures([entry(NOW), ...others.map((path) => entry(NOW - 400 * DAY, { path }))], DAY, NOW)).toEqual([]);
  });

  test("whatever there is, one stays", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 1 }), fc.integer({ min: 1, max: 500 }), (ages, keep) => {
        const entries = ages.map((age) => entry(NOW - age * DAY));
        const gone = new Set(expiredCaptures(entries, keep * DAY, NOW).map((one) => one.createdAt));
        return !gone.has(Math.max(...entries.map((one) => one.modifiedAt)));
      }),
    );
  });
});

describe("the schedule", () => {
  const policy: CapturePolicy = {
    schedule: "0 3 * * *",
    timezone: "UTC",
    recipients: [],
    keepMs: null,
    immutableMs: null,
    fullMs: 0,
    resumeMs: DAY,
  };
  const three = Date.UTC(2026, 5, 15, 3);

  test.each([
    ["a source that was configured after today's date waits for tomorrow", null, three + MINUTE, false],
    ["a source from yesterday that never was captured is due", null, three - DAY, true],
    ["today's was made", { at: three + 10, failures: 0 }, 0, false],
    ["yesterday's was made", { at: three - DAY + 10, failures: 0 }, 0, true],
    ["missed for a month: due once", { at: three - 30 * DAY, failures: 0 }, 0, true],
  ] as const)("%s", (_, last, since, due) => {
    expect(captureDue(policy, last, since, NOW)).toBe(due);
  });

  test("what failed is tried again after 5, 10, 20 minutes, never rarer than every four hours", () => {
    const after = (failures: number, ms: number): boolean => captureDue(policy, { at: NOW - ms, failures }, 0, NOW);
    expect([after(1, 4 * MINUTE), after(1, 5 * MINUTE)]).toEqual([false, true]);
    expect([after(3, 19 * MINUTE), after(3, 20 * MINUTE)]).toEqual([false, true]);
    expect([after(50, 239 * MINUTE), after(50, 240 * MINUTE)]).toEqual([false, true]);
  });

  test("summer time neither doubles nor skips a night", () => {
    const berlin: CapturePolicy = { ...policy, schedule: "30 2 * * *", timezone: "Europe/Berlin" };
    // Clocks go from 2:00 to 3:00 on 29 March 2026, and back on 25 October.
    for (const [from, nights] of [
      [Date.UTC(2026, 2, 28, 12), 3],
      [Date.UTC(2026, 9, 24, 12), 3],
    ] as const) {
      let last = { at: from, failures: 0 };
      let made = 0;
      for (let now = from; now < from + nights * DAY; now += 10 * MINUTE)
        if (captureDue(berlin, last, 0, now)) {
          made += 1;
          last = { at: now, failures: 0 };
        }
      expect(made).toBe(nights);
    }
  });

  test("an attempt survives being written down, nonsense is none", () => {
    expect(parseAttempt(formatAttempt({ at: NOW, failures: 2 }))).toEqual({ at: NOW, failures: 2 });
    for (const stored of [null, "", "x", "1", "1 x"]) expect(parseAttempt(stored)).toBeNull();
  });
});
