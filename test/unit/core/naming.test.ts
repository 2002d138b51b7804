import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { timeInName } from "../../../agent/core/naming.ts";

const NIGHT = Date.UTC(2026, 10, 22, 3, 0, 0);
const DAY = Date.UTC(2026, 10, 22);

describe("timeInName", () => {
  it.each<[string, number | null]>([
    ["crm-2026-11-22T03-00-00Z.grist", NIGHT],
    ["20261122T030000Z.tar.zst", NIGHT],
    ["backup_2026-11-22_03-00-00.json", NIGHT],
    ["20261122-030000", NIGHT],
    ["flows.20261122030000.json", NIGHT],
    ["flows-2026-11-22T03:00:00.250Z.json", NIGHT + 250],
    ["flows-2026-11-22T05:00:00+02:00.json", NIGHT],
    ["flows-2026-11-21T22:00:00-0500.json", NIGHT],
    ["2026_11_22_03_00_00.csv", NIGHT],
    ["2026-11-22 03.00.00.zip", NIGHT],
    ["flows-2026-11-22T03-00.json", NIGHT],
    ["flows-202611220300.json", NIGHT],
    ["2026-11-22", DAY],
    ["backup20261122.json", DAY],
    ["crm.2026.11.22.sql.gz", DAY],
    [`crm-${NIGHT / 1000}.json`, NIGHT],
    [`crm-${NIGHT}.json`, NIGHT],
    ["2026-11-01-dump-2026-11-22T03-00-00Z-v20250101.json", NIGHT],
    ["2026-11-01_to_2026-11-22.csv", DAY],
    ["2026-11-22/crm.grist", DAY],
    ["2020-01-01/crm-2026-11-22.grist", DAY],
    ["2026-11-22-1.json", DAY],
    ["2026-11-22-9912.json", DAY],
    ["crm-2026-02-30.json", null],
    ["crm-2026-02-30T03-00-00Z.json", null],
    ["crm-2026-13-01.json", null],
    ["crm-2026-11-22T25-00-00Z.json", null],
    ["crm-2026-11-22T03-60-00Z.json", null],
    ["crm.grist", null],
    ["", null],
    ["flows-01.json", null],
    ["v12.4.0.tar", null],
    ["2026-11_22.json", null],
    ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.bin", null],
  ])("%s", (path, expected) => {
    expect(timeInName(path)).toBe(expected);
  });

  it("reads back every second it is given, whatever stands around it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(2099, 0, 1) / 1000 }), fc.constantFrom("crm-", "a/b_", ""), (second, prefix) => {
        const iso = new Date(second * 1000).toISOString().slice(0, 19);
        expect(timeInName(`${prefix}${iso.replaceAll(":", "-")}Z.json`)).toBe(second * 1000);
        expect(timeInName(`${prefix}${iso.replaceAll(/[-:]/g, "")}Z.json`)).toBe(second * 1000);
      }),
    );
  });

  it("never throws, and never names a moment that is not one", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9TZ:_.+-]{0,40}$/), (name) => {
        const at = timeInName(name);
        expect(at === null || Number.isFinite(at)).toBe(true);
      }),
    );
  });
});
