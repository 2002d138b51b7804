import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CalendarState, type DueDrill, type PlanInput, planDrills, retryDelay } from "../../../agent/core/plan.ts";
import type { SourcePolicy } from "../../../agent/core/policy.ts";
import type { LedgerRow } from "../../../agent/core/ports.ts";
import type { RecoveryPoint } from "../../../agent/core/values.ts";
import type { Verdict } from "../../../agent/core/words.ts";
import { policy } from "../../doubles/policy.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 10, 23, 12);

function point(sourceId: string, createdAt: number, firstSeenAt = createdAt): RecoveryPoint {
  return {
    id: `${sourceId}@${createdAt}`,
    sourceId,
    vaultId: "nightly",
    path: `${sourceId}/${createdAt}`,
    kind: "file",
    createdAt,
    createdFrom: "name",
    modifiedAt: createdAt,
    bytes: 10,
    immutableUntil: null,
    runId: null,
    firstSeenAt,
    goneAt: null,
  };
}

function row(due: Pick<DueDrill, "id" | "kind" | "sourceId" | "pointId" | "attempt">, finishedAt: number, verdict: Verdict): LedgerRow {
  return {
    drillId: due.id,
    kind: due.kind,
    sourceId: due.sourceId,
    pointId: due.pointId,
    attempt: due.attempt,
    finishedAt,
    verdict,
    layers: { artifact: verdict, content: verdict },
  };
}

function input(
  policies: readonly SourcePolicy[],
  points: readonly RecoveryPoint[],
  ledger: readonly LedgerRow[] = [],
  more: Partial<PlanInput> = {},
): PlanInput {
  const bySource = <T extends { readonly sourceId: string }>(items: readonly T[]): Map<string, T[]> =>
    Map.groupBy(items, (item) => item.sourceId);
  return {
    policies,
    points: bySource(points),
    ledger: bySource(ledger),
    firstSeen: new Map(policies.map((one) => [one.id, 0])),
    calendars: [],
    now: NOW,
    ...more,
  };
}

describe("sample drills", () => {
  const crm = policy("crm");
  const newest = point("crm", NOW - HOUR);

  test("the newest point is due as soon as it was seen, older ones are not", () => {
    const due = planDrills(input([crm], [newest, point("crm", NOW - DAY)]));
    expect(due.map(({ pointId, reason, attempt }) => ({ pointId, reason, attempt }))).toEqual([
      { pointId: newest.id, reason: "new-point", attempt: 1 },
    ]);
  });

  test.each(["verified", "failed"] as const)("a point that was %s is left alone until it is to be repeated", (verdict) => {
    const [first] = planDrills(input([crm], [newest]));
    if (first === undefined) throw new Error("nothing was due");
    const done = row(first, NOW, verdict);
    expect(planDrills(input([crm], [newest], [done], { now: NOW + 7 * DAY - 1 }))).toEqual([]);
    const [again] = planDrills(input([crm], [newest], [done], { now: NOW + 7 * DAY }));
    expect(again).toMatchObject({ pointId: newest.id, reason: "repeat", attempt: 1 });
    expect(again?.id).not.toBe(first.id);
  });

  test("our own trouble is tried again, later each time, under a new id", () => {
    let ledger: LedgerRow[] = [];
    const ids = new Set<string>();
    let now = NOW;
    for (let n = 1; n <= 12; n += 1) {
      const [due] = planDrills(input([crm], [newest], ledger, { now }));
      expect(due).toMatchObject({ attempt: n });
      if (due === undefined) return;
      ids.add(due.id);
      ledger = [...ledger, row(due, now, "inconclusive")];
      expect(planDrills(input([crm], [newest], ledger, { now: now + retryDelay(n) - 1 }))).toEqual([]);
      now += retryDelay(n);
    }
    expect(ids.size).toBe(12);
    expect(retryDelay(30)).toBe(6 * HOUR);
  });

  test("older points are drilled once each, newest first, when history asks for them", () => {
    const source = policy("crm", { verify: { ...crm.verify, history: 2 } });
    const points = [newest, point("crm", NOW - DAY), point("crm", NOW - 2 * DAY), point("crm", NOW - 3 * DAY)];
    const ledger: LedgerRow[] = [];
    const order: string[] = [];
    for (let n = 0; n < 6; n += 1) {
      const [due] = planDrills(input([source], points, ledger));
      if (due === undefined) break;
      order.push(due.pointId);
      ledger.push(row(due, NOW, "verified"));
    }
    expect(order).toEqual(points.slice(0, 3).map((one) => one.id));
  });

  test("a layer promised since is looked at", () => {
    const done: LedgerRow = {
      ...row({ id: "x", kind: "sample", sourceId: "crm", pointId: newest.id, attempt: 1 }, NOW, "verified"),
      layers: { artifact: "verified" },
    };
    expect(planDrills(input([crm], [newest], [done]))).toMatchObject([{ reason: "layers-changed" }]);
  });

  test("a finish time in the future, from a clock that was ahead, does not put off the repeat", () => {
    const done = row({ id: "x", kind: "sample", sourceId: "crm", pointId: newest.id, attempt: 1 }, NOW + 400 * DAY, "verified");
    expect(planDrills(input([crm], [newest], [done], { now: NOW + 401 * DAY }))).toEqual([]);
    expect(planDrills(input([policy("crm", { verify: { ...crm.verify, repeatMs: 0 } })], [newest], [done]))).toHaveLength(1);
  });
});

describe("calendars", () => {
  const smoke = (lastAt: number | null, rotate: "all" | "domain" = "all"): CalendarState[] => [
    { calendar: { kind: "smoke", schedule: "0 6 1 * *", timezone: "UTC", rotate }, lastAt },
  ];
  const conclusive = (source: string, kind: "sample" | "smoke", at: number): LedgerRow =>
    row({ id: `${source}-${at}`, kind, sourceId: source, pointId: `${source}@${NOW - HOUR}`, attempt: 1 }, at, "verified");

  test("missed dates are caught up once", () => {
    const crm = policy("crm");
    const ledger = [conclusive("crm", "sample", NOW - 30 * 60_000)];
    const due = planDrills(input([crm], [point("crm", NOW - HOUR)], ledger, { calendars: smoke(NOW - 100 * DAY) }));
    expect(due).toMatchObject([{ kind: "smoke", reason: "calendar", dueAt: NOW - 100 * DAY }]);
    expect(
      planDrills(
        input([crm], [point("crm", NOW - HOUR)], [...ledger, conclusive("crm", "smoke", NOW)], { calendars: smoke(NOW - 100 * DAY) }),
      ),
    ).toEqual([]);
  });

  test("a source configured after the date has missed nothing", () => {
    const crm = policy("crm");
    const given = input([crm], [point("crm", NOW - HOUR)], [conclusive("crm", "sample", NOW - 1)], {
      calendars: smoke(NOW - DAY),
      firstSeen: new Map([["crm", NOW - HOUR]]),
    });
    expect(planDrills(given)).toEqual([]);
  });

  test("domains rotate: the one longest untested goes first, one never tested before all", () => {
    const policies = [policy("a", { domain: "sales" }), policy("b", { domain: "finance" }), policy("c", { domain: "hr" })];
    const points = policies.map((one) => point(one.id, NOW - HOUR));
    const samples = policies.map((one) => conclusive(one.id, "sample", NOW - 1));
    const tested = [...samples, conclusive("a", "smoke", NOW - 40 * DAY), conclusive("b", "smoke", NOW - 70 * DAY)];
    expect(planDrills(input(policies, points, tested, { calendars: smoke(NOW - DAY, "domain") })).map((due) => due.sourceId)).toEqual([
      "c",
    ]);
    const all = [...tested, conclusive("c", "smoke", NOW - 20 * DAY)];
    expect(planDrills(input(policies, points, all, { calendars: smoke(NOW - DAY, "domain") })).map((due) => due.sourceId)).toEqual(["b"]);
  });
});

describe("properties", () => {
  const history = fc.array(
    fc.record({
      wait: fc.integer({ min: 1, max: 2 * DAY }),
      event: fc.constantFrom("point", "verified", "failed", "inconclusive", "restart"),
      source: fc.integer({ min: 0, max: 2 }),
    }),
    { maxLength: 80 },
  );

  test("whatever happens, each newest point ends up judged, no drill id is ever used twice, and the plan depends on state alone", () => {
    fc.assert(
      fc.property(history, (events) => {
        const policies = ["a", "b", "c"].map((id) => policy(id, { verify: { ...policy().verify, history: 2 } }));
        const points: RecoveryPoint[] = [];
        const ledger: LedgerRow[] = [];
        const used = new Set<string>();
        let now = NOW;
        const plan = (): DueDrill[] =>
          planDrills(
            input(
              policies,
              points.toSorted((x, y) => y.createdAt - x.createdAt),
              ledger,
              { now },
            ),
          );
        const finish = (due: DueDrill, verdict: Verdict): void => {
          expect(used.has(due.id)).toBe(false);
          used.add(due.id);
          ledger.push(row(due, now, verdict));
        };
        for (const { wait, event, source } of events) {
          now += wait;
          const id = ["a", "b", "c"][source] ?? "a";
          if (event === "point") points.push(point(id, now));
          else if (event !== "restart") {
            const due = plan()[0];
            if (due !== undefined) finish(due, event);
          }
          expect(plan()).toEqual(plan());
          const perSource = Map.groupBy(plan(), (due) => due.sourceId);
          for (const dues of perSource.values()) expect(dues.length).toBe(1);
        }
        now += RETRY_SPAN;
        for (let guard = 0; guard < 200; guard += 1) {
          const due = plan()[0];
          if (due === undefined) break;
          finish(due, "verified");
        }
        expect(plan()).toEqual([]);
        for (const id of ["a", "b", "c"]) {
          const newest = points.filter((one) => one.sourceId === id).at(-1);
          if (newest !== undefined) expect(ledger.some((done) => done.pointId === newest.id && done.verdict !== "inconclusive")).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});

const RETRY_SPAN = 7 * HOUR;
