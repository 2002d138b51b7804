import { describe, expect, test } from "vitest";
import { pointObservations, pointsFromListing, runObservations } from "../../../agent/core/points.ts";
import type { VaultEntry, VaultListing } from "../../../agent/core/ports.ts";
import { parseRunReport } from "../../../agent/core/run-report.ts";
import type { RunReport } from "../../../agent/core/values.ts";
import { policy } from "../../doubles/policy.ts";

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 23, 12);
const entry = (path: string, modifiedAt: number, bytes = 100): VaultEntry => ({
  path,
  kind: "file",
  bytes,
  modifiedAt,
  immutableUntil: null,
  checksum: null,
});
const listing = (...entries: VaultEntry[]): VaultListing => ({ entries, reports: [], problems: [] });
const run = (more: Partial<RunReport>): RunReport => ({
  id: "r1",
  sourceId: "crm",
  startedAt: null,
  finishedAt: NOW - HOUR,
  outcome: "success",
  bytes: 100,
  items: null,
  path: "crm/a",
  checksum: null,
  message: null,
  receivedAt: NOW,
  via: "cli",
  ...more,
});

describe("recovery points", () => {
  test("the time is the run report's, else the name's, else the modification's", () => {
    const named = "crm/2026-11-22T03-00-00Z.grist";
    const at = (path: string, runs: RunReport[]): unknown => {
      const [point] = pointsFromListing(policy(), listing(entry(path, NOW - 5 * HOUR)), runs, [], NOW).alive;
      return [point?.createdAt, point?.createdFrom];
    };
    expect(at(named, [])).toEqual([Date.UTC(2026, 10, 22, 3), "name"]);
    expect(at(named, [run({ path: named })])).toEqual([NOW - HOUR, "run-report"]);
    expect(at("crm/latest.grist", [])).toEqual([NOW - 5 * HOUR, "modified"]);
  });

  test("a name with only a date is refined by the modification time of that day, and not by one of another day", () => {
    const at = (modifiedAt: number): number | undefined =>
      pointsFromListing(policy(), listing(entry("crm/2026-11-22.grist", modifiedAt)), [], [], NOW).alive[0]?.createdAt;
    expect(at(Date.UTC(2026, 10, 22, 3, 7))).toBe(Date.UTC(2026, 10, 22, 3, 7));
    expect(at(Date.UTC(2026, 10, 20))).toBe(Date.UTC(2026, 10, 22));
  });

  test("the same listing again changes nothing", () => {
    const first = pointsFromListing(policy(), listing(entry("crm/a", NOW - HOUR)), [], [], NOW);
    const second = pointsFromListing(policy(), listing(entry("crm/a", NOW - HOUR)), [], first.alive, NOW + HOUR);
    expect(first.changed).toHaveLength(1);
    expect(second.changed).toEqual([]);
    expect(second.alive).toEqual(first.alive);
  });

  test("an artifact altered in place is a new point, and the old one is gone", () => {
    const before = pointsFromListing(policy(), listing(entry("crm/a", NOW - HOUR)), [], [], NOW);
    const after = pointsFromListing(policy(), listing(entry("crm/a", NOW - 60_000, 90)), [], before.alive, NOW);
    expect(after.changed.map((point) => [point.bytes, point.goneAt])).toEqual([
      [90, null],
      [100, NOW],
    ]);
    expect(after.alive.map((point) => point.bytes)).toEqual([90]);
  });

  test("a file that may still be written waits, and what lay there before stays", () => {
    const before = pointsFromListing(policy(), listing(entry("crm/a", NOW - HOUR)), [], [], NOW);
    const during = pointsFromListing(policy(), listing(entry("crm/a", NOW - 5_000, 40)), [], before.alive, NOW);
    expect(during).toMatchObject({ changed: [], waiting: ["crm/a"] });
    expect(during.alive).toEqual(before.alive);
  });

  test("a run report that names its size says that it is whole, so it does not wait", () => {
    const seen = pointsFromListing(policy(), listing(entry("crm/a", NOW - 1_000, 40)), [run({ bytes: 40 })], [], NOW);
    expect(seen.waiting).toEqual([]);
    expect(pointsFromListing(policy(), listing(entry("crm/a", NOW - 1_000, 39)), [run({ bytes: 40 })], [], NOW).waiting).toEqual(["crm/a"]);
  });

  test("what a listing could not look at is not gone", () => {
    const before = pointsFromListing(policy(), listing(entry("crm/a", NOW - HOUR), entry("crm/b", NOW - HOUR)), [], [], NOW);
    const partly: VaultListing = { entries: [], reports: [], problems: ["crm/a may not be read"] };
    const after = pointsFromListing(policy(), partly, [], before.alive, NOW);
    expect(after.changed.map((point) => point.path)).toEqual(["crm/b"]);
    expect(after.alive.map((point) => point.path)).toEqual(["crm/a"]);
  });
});

describe("observations", () => {
  const three = pointsFromListing(
    policy(),
    listing(entry("crm/a", NOW - 3 * HOUR, 10), entry("crm/b", NOW - 2 * HOUR, 20), entry("crm/c", NOW - HOUR, 30)),
    [],
    [],
    NOW,
  );

  test("bytes and gap, oldest first, of fresh points only", () => {
    const fresh = three.alive.filter((point) => point.path !== "crm/a");
    expect(pointObservations(fresh, three.alive, new Map()).map(({ signal, value }) => [signal, value])).toEqual([
      ["bytes", 20],
      ["gap", 3600],
      ["bytes", 30],
      ["gap", 3600],
    ]);
  });

  test.each(["failure", "partial"] as const)("a point whose run was a %s enters no baseline", (outcome) => {
    const bad = run({ path: "crm/c", outcome, bytes: 30, finishedAt: NOW - HOUR });
    const seen = pointsFromListing(policy(), listing(entry("crm/c", NOW - HOUR, 30)), [bad], [], NOW);
    expect(pointObservations(seen.alive, seen.alive, new Map([[bad.id, bad]]))).toEqual([]);
  });

  test("a run gives outcome and, when it succeeded, duration; unknown gives neither", () => {
    const signals = (more: Partial<RunReport>): unknown[] => runObservations([run(more)]).map(({ signal, value }) => [signal, value]);
    expect(signals({ startedAt: NOW - HOUR - 90_000 })).toEqual([
      ["outcome", 1],
      ["duration", 90],
    ]);
    expect(signals({ startedAt: NOW - 2 * HOUR, outcome: "failure" })).toEqual([["outcome", 0]]);
    expect(signals({ outcome: "unknown" })).toEqual([]);
    expect(signals({ items: { records: 40 } })).toEqual([
      ["outcome", 1],
      ["records", 40],
    ]);
  });
});

describe("run reports", () => {
  const defaults = { sourceId: "crm", via: "api" as const, now: NOW };
  test.each<[string, unknown, string]>([
    ["no finish", { outcome: "success" }, "finished"],
    ["a made-up outcome", { finished: "2026-11-23T02:00:00Z", outcome: "great" }, "outcome"],
    ["a field we do not know", { finished: "2026-11-23T02:00:00Z", outcome: "success", sizes: 3 }, "sizes"],
    ["negative bytes", { finished: "2026-11-23T02:00:00Z", outcome: "success", bytes: -1 }, "bytes"],
    ["a time without a zone", { finished: "2026-11-23T02:00:00", outcome: "success" }, "finished"],
    [
      "finished before it started",
      { started: "2026-11-23T03:00:00Z", finished: "2026-11-23T02:00:00Z", outcome: "success" },
      "before it started",
    ],
    ["from the future", { finished: "2026-11-24T02:00:00Z", outcome: "success" }, "future"],
    ["not an object", "success", "report"],
  ])("%s is refused in words that name it", (_, input, word) => {
    expect(() => parseRunReport(input, defaults)).toThrow(word);
  });

  test("the same report told twice has the same id, whatever the form of its times", () => {
    const iso = parseRunReport({ finished: "2026-11-23T02:00:00Z", outcome: "success" }, defaults);
    const epoch = parseRunReport({ finished: Date.UTC(2026, 10, 23, 2) / 1000, outcome: "success" }, { ...defaults, now: NOW + 5 });
    expect(epoch.id).toBe(iso.id);
  });
});
