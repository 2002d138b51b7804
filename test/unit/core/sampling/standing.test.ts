/** What is said of a sampled layer: never a number for one that never ran, and why what is behind is behind. */
import { expect, test } from "vitest";
import type { SourceConnection } from "../../../../agent/core/policy.ts";
import type { CoverageFacts } from "../../../../agent/core/sampling/coverage.ts";
import { isSampled, type StandingInput, standingOf } from "../../../../agent/core/sampling/standing.ts";
import type { DrillRecord, PointFacts } from "../../../../agent/core/values.ts";
import { policy } from "../../../doubles/policy.ts";
import { someDrill } from "../../../doubles/values.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 23);
const own = policy("crm", { verify: { ...policy().verify, layers: ["artifact", "content", "scratch"], coverWithinMs: 30 * DAY } });

function connection(records: number): SourceConnection {
  return {
    sourceId: "crm",
    platform: "nocodb",
    config: {},
    scratch: {},
    capture: null,
    sample: { records, most: 500, fileBytes: 1e6, apiCallsPerDay: null },
  };
}

function facts(collection: string, more: Partial<CoverageFacts> = {}): CoverageFacts {
  return {
    id: `scratch/${collection}`,
    layer: "scratch",
    stratum: { collection, kind: "records" },
    countable: true,
    population: 100,
    read: [[NOW - DAY, 100]],
    unread: {},
    waitingSince: null,
    ...more,
  };
}

function drill(records: number, more: Partial<DrillRecord> = {}): DrillRecord {
  const inventory = { collections: 1, records, links: 0, automations: 0, credentials: 0, files: 0, views: 0, roles: 0 };
  const held: PointFacts = {
    format: "nocodb",
    formatVersion: null,
    inventory,
    collections: [],
    automations: [],
    credentials: [],
    views: [],
    access: [],
  };
  return someDrill("d1", { finishedAt: NOW - DAY, facts: held, layers: { artifact: "verified", content: "verified" }, ...more });
}

function standing(input: Partial<StandingInput>) {
  return standingOf({ policy: own, connection: connection(400), coverage: { facts: [], bounds: {} }, drills: [], ...input }, NOW);
}

test("a source that samples nothing has no standing at all", () => {
  expect(isSampled(policy())).toBe(false);
  expect(standing({ policy: policy() })).toEqual([]);
});

test("a layer that never ran has no number, and says why it has not run", () => {
  expect(standing({})).toMatchObject([{ layer: "scratch", coverage: null, plan: null, why: ["it never ran: no drill has ended yet"] }]);
  const cut = standing({ drills: [drill(5000, { trouble: "rate-limited", verdict: "inconclusive" })] });
  expect(cut).toMatchObject([{ coverage: null, why: ["it never ran to its end: the last drill was cut short (rate-limited)"] }]);
  expect(standing({ drills: [drill(5000)] })[0]?.why).toEqual(["it never ran: it was asked for after the last drill"]);
  const broken = drill(5000, { layers: { artifact: "verified", content: "failed" }, verdict: "failed" });
  expect(standing({ drills: [broken] })[0]?.why).toEqual(["it never ran: what the last drill found in the backup itself stopped it"]);
  expect(standing({ connection: null })[0]?.why).toEqual(["the source has no connection to a live product"]);
});

test("everything read in time: nothing is behind, nothing is explained", () => {
  const [one] = standing({ coverage: { facts: [facts("Deals")], bounds: { scratch: 0.03 } }, drills: [drill(100)] });
  expect(one).toMatchObject({ badRateUpper: 0.03, why: [], coverage: { ratio: 1, oldestAt: NOW - DAY, population: 100, covered: 100 } });
  expect(one?.plan?.promise.keepsCoverage).toBe(true);
});

test("a budget that is too small comes first, with what would do", () => {
  const behind = facts("Deals", { population: 50_000, read: [[NOW - DAY, 400]], unread: { never: 49_600 }, waitingSince: NOW - 40 * DAY });
  const [one] = standing({ connection: connection(400), coverage: { facts: [behind], bounds: {} }, drills: [drill(50_000)] });
  expect(one?.coverage).toMatchObject({ ratio: 0.008, oldestAt: NOW - 40 * DAY, behind: { never: 49_600 } });
  expect(one?.plan?.promise.keepsCoverage).toBe(false);
  expect(one?.why[0]).toMatch(
    /^the budget of items is too small: reading everything takes \d+ days, longer than the 30 days promised; [\d,]+ items a drill would do, 400 are allowed$/u,
  );
  expect(one?.why[1]).toBe("49,600 items were never read: their turn in the cycle has not come");
  // What would do, does.
  const needed = one?.plan?.needed;
  const enough = standing({
    connection: connection(Math.ceil((needed?.random ?? 0) + (needed?.lanes ?? 0))),
    coverage: { facts: [behind], bounds: {} },
    drills: [drill(50_000)],
  });
  expect(enough[0]?.plan?.promise.keepsCoverage).toBe(true);
});

test("a drill cut short, unreadable, late and new items are told apart", () => {
  const some = facts("Deals", {
    read: [
      [NOW - 31 * DAY, 60],
      [NOW - DAY, 30],
    ],
    unread: { unreadable: 4, new: 6 },
    waitingSince: NOW - 2 * DAY,
  });
  const [one] = standing({ coverage: { facts: [some], bounds: {} }, drills: [drill(100, { trouble: "out-of-time" })] });
  expect(one?.coverage).toMatchObject({ ratio: 0.3, behind: { late: 60, unreadable: 4, new: 6 } });
  expect(one?.why).toEqual([
    "the last drill was cut short (out-of-time): what it drew counts as unread and is drawn again",
    "4 items could not be read or judged",
    "60 items were last read longer than 30 days ago",
    "6 items came after their part was read",
  ]);
});

test("where items cannot be told apart there is no ratio, of that stratum and of its layer", () => {
  const [one] = standing({
    coverage: { facts: [facts("Deals"), facts("Log", { countable: false, read: [] })], bounds: {} },
    drills: [drill(200)],
  });
  expect(one?.coverage?.ratio).toBeNull();
  expect(one?.coverage?.strata.find((each) => each.stratum.collection === "Deals")?.ratio).toBe(1);
  expect(one?.why).toEqual(["in Log items cannot be told apart over time, so the layer has no ratio"]);
});

test("a layer that is not promised any more is told with what it once read", () => {
  const [one] = standing({ policy: policy("crm"), coverage: { facts: [facts("Deals")], bounds: {} } });
  expect(one).toMatchObject({ promised: false, plan: null, why: ["the layer is not asked for any more, so nothing is read again"] });
});
