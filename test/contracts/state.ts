/** The contract every State keeps. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Baseline, Decision } from "../../agent/core/decisions.ts";
import type { ProbeStatus, State } from "../../agent/core/ports.ts";
import { someAlarm, someDrill, someObservation, somePoint, someRun } from "../doubles/values.ts";

export interface StateSuite {
  readonly name: string;
  create(): Promise<{ readonly state: State; readonly dispose: () => Promise<void> }>;
}

const T = Date.UTC(2026, 0, 15, 12, 0, 0);
const DAY = 86_400_000;
const facts = {
  format: "grist",
  formatVersion: "44",
  inventory: { collections: 1, records: 12, links: 0, automations: 0, credentials: 0, files: 0, views: 0, roles: 0 },
  collections: [],
  automations: [],
  credentials: [],
  views: [],
  access: [],
};

const ids = (items: readonly { readonly id: string }[]): string[] => items.map((item) => item.id);

export function stateContract(suite: StateSuite): void {
  describe(`state contract: ${suite.name}`, () => {
    let state: State;
    let dispose: () => Promise<void>;
    beforeEach(async () => {
      ({ state, dispose } = await suite.create());
    });
    afterEach(() => dispose());
    describe("points", () => {
      it("come back as they were put, fractions of a millisecond and nulls included", async () => {
        const { points } = state.repositories;
        const point = somePoint("p1", { runId: "r1", immutableUntil: T + DAY, bytes: 2 ** 52, path: "crm/Müller 💾.grist" });
        await points.put([point, somePoint("p2")]);
        expect(await points.get("p1")).toEqual(point);
        expect(await points.get("p2")).toEqual(somePoint("p2"));
        expect(await points.get("nobody")).toBeNull();
      });

      it("are replaced when put again, and putting none does nothing", async () => {
        const { points } = state.repositories;
        await points.put([somePoint("p1")]);
        await points.put([]);
        const changed = somePoint("p1", { goneAt: T + DAY, createdAt: T - DAY, createdFrom: "run-report", runId: "r9" });
        await points.put([changed]);
        expect(await points.get("p1")).toEqual(changed);
        expect(await points.list("crm", { gone: true })).toHaveLength(1);
      });

      it("are listed newest created first, by source, gone ones only when asked for, up to the limit", async () => {
        const { points } = state.repositories;
        await points.put([
          somePoint("old", { createdAt: T - 2 * DAY }),
          somePoint("b", { createdAt: T }),
          somePoint("a", { createdAt: T }),
          somePoint("gone", { createdAt: T - DAY, goneAt: T }),
          somePoint("other", { sourceId: "hr" }),
        ]);
        expect(ids(await points.list("crm"))).toEqual(["b", "a", "old"]);
        expect(ids(await points.list("crm", { gone: true }))).toEqual(["b", "a", "gone", "old"]);
        expect(ids(await points.list("crm", { limit: 2 }))).toEqual(["b", "a"]);
        expect(await points.list("nobody")).toEqual([]);
      });

      it("know the newest of every source, how many there are and how large they are, gone ones left out", async () => {
        const { points } = state.repositories;
        expect(await points.newest()).toEqual([]);
        await points.put([
          somePoint("old", { createdAt: T - 2 * DAY, bytes: 7 }),
          somePoint("b", { createdAt: T, bytes: 5 }),
          somePoint("a", { createdAt: T, bytes: 11 }),
          somePoint("gone", { createdAt: T + DAY, goneAt: T + 2 * DAY, bytes: 1000 }),
          somePoint("other", { sourceId: "hr", bytes: 3 }),
          somePoint("all-gone", { sourceId: "it", goneAt: T }),
        ]);
        const found = [...(await points.newest())].sort((one, two) => (one.newest.sourceId < two.newest.sourceId ? -1 : 1));
        expect(found).toEqual([
          { newest: somePoint("b", { createdAt: T, bytes: 5 }), count: 3, bytes: 23 },
          { newest: somePoint("other", { sourceId: "hr", bytes: 3 }), count: 1, bytes: 3 },
        ]);
      });

      it("take thousands at once", async () => {
        const many = Array.from({ length: 2500 }, (_, n) => somePoint(`p${n}`, { createdAt: T + n }));
        await state.repositories.points.put(many);
        expect(await state.repositories.points.list("crm")).toHaveLength(2500);
      });
    });

    describe("runs", () => {
      it("come back as they were put, and are replaced when put again", async () => {
        const { runs } = state.repositories;
        const run = someRun("r1", { checksum: { algorithm: "sha256", value: "cd".repeat(32) }, message: "done, 'quoted'", items: null });
        await runs.put(run);
        expect(await runs.get("r1")).toEqual(run);
        const again = someRun("r1", { outcome: "failure", startedAt: null, bytes: null, path: null });
        await runs.put(again);
        expect(await runs.get("r1")).toEqual(again);
        expect(await runs.get("nobody")).toBeNull();
      });

      it("are listed newest finished first", async () => {
        const { runs } = state.repositories;
        for (const [id, at] of [
          ["r2", 2],
          ["r3", 3],
          ["r1", 1],
        ] as const)
          await runs.put(someRun(id, { finishedAt: T + at }));
        expect(ids(await runs.newest())).toEqual(["r3"]);
        await runs.put(someRun("other", { sourceId: "hr" }));
        expect(ids(await runs.newest()).sort()).toEqual(["other", "r3"]);
        expect(ids(await runs.list("crm"))).toEqual(["r3", "r2", "r1"]);
        expect(ids(await runs.list("crm", { limit: 1 }))).toEqual(["r3"]);
      });
    });

    describe("observations", () => {
      it("are listed oldest first, the last ones within the limit, and one reference is one observation", async () => {
        const { observations } = state.repositories;
        await observations.put([
          someObservation("b", { at: T + 2 }),
          someObservation("a", { at: T + 1, value: 0.5 }),
          someObservation("c", { at: T + 3 }),
        ]);
        await observations.put([someObservation("b", { at: T + 2, value: 7 }), someObservation("b", { signal: "records" })]);
        expect(await observations.list("crm", "bytes")).toEqual([
          someObservation("a", { at: T + 1, value: 0.5 }),
          someObservation("b", { at: T + 2, value: 7 }),
          someObservation("c", { at: T + 3 }),
        ]);
        expect((await observations.list("crm", "bytes", { limit: 2 })).map((one) => one.ref)).toEqual(["b", "c"]);
        expect(await observations.list("crm", "records")).toHaveLength(1);
        expect(await observations.list("hr", "bytes")).toEqual([]);
      });
    });

    describe("drills", () => {
      it("come back as they were put, and are replaced when put again", async () => {
        const { drills } = state.repositories;
        const drill = someDrill("d1", {
          facts,
          layers: { artifact: "verified" },
          resources: null,
          isolation: null,
          traceId: null,
          sample: null,
        });
        await drills.put(drill);
        expect(await drills.get("d1")).toEqual(drill);
        await drills.put(someDrill("d1", { verdict: "failed", reasons: ["links.dangling: 3 links point nowhere"] }));
        expect((await drills.get("d1"))?.verdict).toBe("failed");
        expect(await drills.list({})).toHaveLength(1);
        expect(await drills.get("nobody")).toBeNull();
      });

      it("are listed newest finished first, by source and point", async () => {
        const { drills } = state.repositories;
        await drills.put(someDrill("d2", { finishedAt: T + 2, pointId: "p2" }));
        await drills.put(someDrill("d1", { finishedAt: T + 1 }));
        await drills.put(someDrill("d3", { finishedAt: T + 3, sourceId: "hr", pointId: "q1" }));
        expect(ids(await drills.list({}))).toEqual(["d3", "d2", "d1"]);
        expect(ids(await drills.list({ limit: 2 }))).toEqual(["d3", "d2"]);
        expect(ids(await drills.list({ sourceId: "crm" }))).toEqual(["d2", "d1"]);
        expect(ids(await drills.list({ pointId: "p2" }))).toEqual(["d2"]);
        expect(await drills.list({ sourceId: "hr", pointId: "p2" })).toEqual([]);
      });

      it("know the newest of every source, the newest that verified, and the newest of every point", async () => {
        const { drills } = state.repositories;
        const found = async (filter?: Parameters<typeof drills.newest>[0]): Promise<string[]> =>
          (await drills.newest(filter)).map((row) => row.drillId).sort();
        expect(await drills.newest()).toEqual([]);
        await drills.put(someDrill("d2", { finishedAt: T + 2, pointId: "p2", layers: { artifact: "verified", content: "failed" } }));
        await drills.put(someDrill("d1", { finishedAt: T + 1 }));
        await drills.put(someDrill("d0", { finishedAt: T + 2, pointId: "p0", layers: {} }));
        await drills.put(someDrill("h1", { finishedAt: T, sourceId: "hr", pointId: "h", layers: { artifact: "verified" } }));
        await drills.put(someDrill("a1", { finishedAt: T + 9, sourceId: "a", pointId: "a", layers: { artifact: "inconclusive" } }));
        expect(await found()).toEqual(["a1", "d2", "h1"]);
        expect(await found({ verified: ["artifact"] })).toEqual(["d2", "h1"]);
        expect(await found({ verified: ["artifact", "content"] })).toEqual(["d1"]);
        expect(await found({ sourceIds: ["hr", "crm", "nobody"] })).toEqual(["d2", "h1"]);
        expect(await found({ sourceIds: ["crm", "a"], verified: ["content"] })).toEqual(["d1"]);
        expect(await found({ sourceIds: [] })).toEqual([]);
        expect(await found({ pointIds: ["p1", "p0", "nobody"] })).toEqual(["d0", "d1"]);
        expect(await found({ pointIds: ["p2", "h"], verified: ["content"] })).toEqual([]);
        expect(await found({ pointIds: [] })).toEqual([]);
        expect(await drills.newest({ verified: ["content"] })).toEqual([(await drills.ledger("crm"))[0]]);
      });

      it("have a ledger of small rows, oldest first", async () => {
        const { drills } = state.repositories;
        await drills.put(
          someDrill("d2", {
            finishedAt: T + 2,
            kind: "smoke",
            attempt: 3,
            verdict: "inconclusive",
            layers: { artifact: "verified", content: "inconclusive" },
          }),
        );
        await drills.put(someDrill("d1", { finishedAt: T + 1 }));
        expect(await drills.ledger("crm")).toEqual([
          {
            drillId: "d1",
            kind: "sample",
            sourceId: "crm",
            pointId: "p1",
            attempt: 1,
            finishedAt: T + 1,
            verdict: "verified",
            layers: { artifact: "verified", content: "verified" },
          },
          {
            drillId: "d2",
            kind: "smoke",
            sourceId: "crm",
            pointId: "p1",
            attempt: 3,
            finishedAt: T + 2,
            verdict: "inconclusive",
            layers: { artifact: "verified", content: "inconclusive" },
          },
        ]);
      });
    });

    describe("baselines, decisions, papers and actors", () => {
      const baseline = (id: string, more: Partial<Baseline> = {}): Baseline => ({
        id,
        sourceId: "crm",
        pointId: `p-${id}`,
        drillId: `d-${id}`,
        proposedAt: T,
        status: "proposed",
        decidedAt: null,
        facts,
        ...more,
      });

      it("baselines come back as they were put, newest proposed first, by source and status", async () => {
        const { baselines } = state.repositories;
        await baselines.put(baseline("b1"));
        await baselines.put(baseline("b2", { proposedAt: T + 1 }));
        await baselines.put(baseline("b3", { sourceId: "hr" }));
        await baselines.put(baseline("b1", { status: "approved", decidedAt: T + 5 }));
        expect(await baselines.get("b1")).toEqual(baseline("b1", { status: "approved", decidedAt: T + 5 }));
        expect(await baselines.get("nobody")).toBeNull();
        expect(ids(await baselines.list({ sourceId: "crm" }))).toEqual(["b2", "b1"]);
        expect(ids(await baselines.list({ status: "proposed" }))).toEqual(["b2", "b3"]);
        expect(ids(await baselines.list({ sourceId: "crm", status: "approved", limit: 1 }))).toEqual(["b1"]);
      });

      it("decisions come back newest first, and the same one twice is one", async () => {
        const { decisions } = state.repositories;
        const decision = (id: string, at: number): Decision => ({
          id,
          about: "baseline",
          subject: "b1",
          sourceId: "crm",
          answer: "approved",
          at,
          actor: "~a1",
          reason: "as agreed",
          via: "cli",
        });
        await decisions.put(decision("x", T));
        await decisions.put(decision("y", T + 1));
        await decisions.put(decision("x", T));
        expect(await decisions.list({ sourceId: "crm" })).toEqual([decision("y", T + 1), decision("x", T)]);
        expect(await decisions.list({ sourceId: "hr" })).toEqual([]);
        expect(await decisions.list({ limit: 1 })).toHaveLength(1);
      });

      it("papers are replaced, each under its source and name", async () => {
        const { papers } = state.repositories;
        await papers.put("crm", "ledger", "1");
        await papers.put("crm", "ledger", "2");
        await papers.put("hr", "ledger", "3");
        expect(await papers.get("crm", "ledger")).toBe("2");
        expect(await papers.get("hr", "ledger")).toBe("3");
        expect(await papers.get("crm", "series")).toBeNull();
      });

      it("an actor can be forgotten", async () => {
        const { actors } = state.repositories;
        await actors.put("~a", "Ada");
        await actors.put("~b", "Ben");
        await actors.forget("~a");
        expect([...(await actors.names())]).toEqual([["~b", "Ben"]]);
      });
    });

    describe("alarms", () => {
      it("are listed newest since first, ended ones only when asked for", async () => {
        const { alarms } = state.repositories;
        await alarms.put(someAlarm("a1", { since: T + 1 }));
        await alarms.put(someAlarm("a2", { since: T + 2 }));
        await alarms.put(someAlarm("a3", { since: T + 3, sourceId: "hr" }));
        await alarms.put(someAlarm("a1", { since: T + 1, endedAt: T + 9, lower: null, upper: null, expected: null }));
        expect(ids(await alarms.list({}))).toEqual(["a3", "a2"]);
        expect(ids(await alarms.list({ sourceId: "crm" }))).toEqual(["a2"]);
        expect(ids(await alarms.list({ sourceId: "crm", all: true }))).toEqual(["a2", "a1"]);
        expect(await alarms.list({ all: true, limit: 1 })).toEqual([someAlarm("a3", { since: T + 3, sourceId: "hr" })]);
      });
    });

    describe("sources", () => {
      it("keep the earliest time they were seen", async () => {
        const { sources } = state.repositories;
        await sources.seen("crm", T);
        await sources.seen("crm", T + 5);
        await sources.seen("hr", T + 2);
        await sources.seen("hr", T + 1);
        expect([...(await sources.firstSeen())]).toEqual([
          ["crm", T],
          ["hr", T + 1],
        ]);
      });

      it("keep how the last poll went", async () => {
        const { sources } = state.repositories;
        expect(await sources.poll("crm")).toBeNull();
        const failed = {
          sourceId: "crm",
          lastPollAt: T,
          lastOkAt: null,
          failures: 2,
          trouble: { code: "no-permission", message: "not allowed" },
          nextPollAt: T + 60_000,
        };
        await sources.putPoll(failed);
        expect(await sources.poll("crm")).toEqual(failed);
        expect(await sources.polls()).toEqual(new Map([["crm", failed]]));
        await sources.putPoll({ ...failed, failures: 0, trouble: null, lastOkAt: T });
        expect(await sources.poll("crm")).toEqual({ ...failed, failures: 0, trouble: null, lastOkAt: T });
      });

      it("keep what the live product said of itself, until there is none any more", async () => {
        const { sources } = state.repositories;
        expect(await sources.probe("crm")).toBeNull();
        const probe: ProbeStatus = {
          sourceId: "crm",
          platform: "nocodb",
          probedAt: T,
          reachedAt: T,
          found: {
            version: "0.301.3",
            permissions: [{ name: "read webhooks", neededFor: "capture", granted: null }],
            clockSkewMs: -12,
            nativeBackups: { count: 1, newestAt: T - 1, complete: true },
          },
          changed: { from: "0.300.0", at: T },
          trouble: null,
        };
        await sources.putProbe(probe);
        await sources.putProbe({ ...probe, sourceId: "hr", found: null });
        expect(await sources.probe("crm")).toEqual(probe);
        const trouble = { code: "token-refused", message: "It refused us.", mend: null };
        const failed: ProbeStatus = { ...probe, probedAt: T + 1, trouble };
        await sources.putProbe(failed);
        expect(await sources.probes()).toEqual(
          new Map([
            ["crm", failed],
            ["hr", { ...probe, sourceId: "hr", found: null }],
          ]),
        );
        await sources.dropProbe("hr");
        await sources.dropProbe("hr");
        expect([...(await sources.probes()).keys()]).toEqual(["crm"]);
      });
    });

    describe("tallies", () => {
      it("add up by metric and labels, whatever the order of the labels", async () => {
        const { tallies } = state.repositories;
        await tallies.add([{ metric: "m_total", labels: { source: "crm", outcome: "success" }, count: 1, sum: 1, buckets: [] }]);
        await tallies.add([
          { metric: "m_total", labels: { outcome: "success", source: "crm" }, count: 2, sum: 2, buckets: [] },
          { metric: "m_total", labels: { outcome: "failure", source: "crm" }, count: 1, sum: 1, buckets: [] },
          { metric: "h_seconds", labels: { source: "crm" }, count: 1, sum: 0.3, buckets: [0, 1, 1] },
        ]);
        await tallies.add([{ metric: "h_seconds", labels: { source: "crm" }, count: 1, sum: 0.25, buckets: [1, 1, 1] }]);
        expect(await tallies.all()).toEqual([
          { metric: "h_seconds", labels: { source: "crm" }, count: 2, sum: 0.55, buckets: [1, 2, 2] },
          { metric: "m_total", labels: { outcome: "failure", source: "crm" }, count: 1, sum: 1, buckets: [] },
          { metric: "m_total", labels: { outcome: "success", source: "crm" }, count: 3, sum: 3, buckets: [] },
        ]);
      });

      it("add up fractions to the last digit alike, together or one by one", async () => {
        const { tallies } = state.repositories;
        const parts = Array.from({ length: 30 }, (_, n) => ({
          metric: "a_seconds",
          labels: {},
          count: 1,
          sum: 0.1 * (n + 1) ** 3,
          buckets: [],
        }));
        for (const part of parts) await tallies.add([part]);
        await tallies.add(parts.map((part) => ({ ...part, metric: "b_seconds" })));
        const [one, together] = await tallies.all();
        expect(together?.sum).toBe(one?.sum);
      });

      it("begin anew when the bounds of a histogram changed", async () => {
        const { tallies } = state.repositories;
        await tallies.add([{ metric: "h_seconds", labels: {}, count: 5, sum: 5, buckets: [1, 5] }]);
        await tallies.add([{ metric: "h_seconds", labels: {}, count: 1, sum: 0.5, buckets: [0, 1, 1] }]);
        expect(await tallies.all()).toEqual([{ metric: "h_seconds", labels: {}, count: 1, sum: 0.5, buckets: [0, 1, 1] }]);
      });
    });

    it("keeps words under keys", async () => {
      const { meta } = state.repositories;
      expect(await meta.get("k")).toBeNull();
      await meta.set("k", "one");
      await meta.set("k", "two");
      expect(await meta.get("k")).toBe("two");
    });

    describe("a transaction", () => {
      it("returns what its work returns and sees its own writes", async () => {
        const seen = await state.transaction(async (inner) => {
          await inner.meta.set("k", "inside");
          return inner.meta.get("k");
        });
        expect(seen).toBe("inside");
        expect(await state.repositories.meta.get("k")).toBe("inside");
      });

      it("leaves nothing behind when its work throws", async () => {
        const { points, meta, tallies } = state.repositories;
        await points.put([somePoint("before")]);
        await meta.set("k", "before");
        await tallies.add([{ metric: "m_total", labels: {}, count: 1, sum: 1, buckets: [] }]);
        const work = state.transaction(async (inner) => {
          await inner.points.put([somePoint("p1"), somePoint("before", { bytes: 1 })]);
          await inner.runs.put(someRun("r1"));
          await inner.observations.put([someObservation("p1")]);
          await inner.drills.put(someDrill("d1"));
          await inner.alarms.put(someAlarm("a1"));
          await inner.sources.seen("crm", T);
          await inner.tallies.add([{ metric: "m_total", labels: {}, count: 1, sum: 1, buckets: [] }]);
          await inner.meta.set("k", "inside");
          throw new RangeError("no");
        });
        await expect(work).rejects.toThrow(RangeError);
        expect(await points.list("crm", { gone: true })).toEqual([somePoint("before")]);
        expect(await state.repositories.runs.list("crm")).toEqual([]);
        expect(await state.repositories.observations.list("crm", "bytes")).toEqual([]);
        expect(await state.repositories.drills.list({})).toEqual([]);
        expect(await state.repositories.alarms.list({ all: true })).toEqual([]);
        expect((await state.repositories.sources.firstSeen()).size).toBe(0);
        expect((await tallies.all())[0]?.count).toBe(1);
        expect(await meta.get("k")).toBe("before");
      });

      it("is done whole before the next begins, and before anything outside of it is written", async () => {
        const order: string[] = [];
        const step = async (name: string): Promise<void> =>
          state.transaction(async (inner) => {
            const before = Number((await inner.meta.get("n")) ?? "0");
            await new Promise((resolve) => setImmediate(resolve));
            order.push(name);
            await inner.meta.set("n", String(before + 1));
          });
        const outside = async (): Promise<void> => state.repositories.meta.set("outside", "yes");
        await Promise.all([step("a"), outside(), step("b"), step("c")]);
        expect(order).toEqual(["a", "b", "c"]);
        expect(await state.repositories.meta.get("n")).toBe("3");
        expect(await state.repositories.meta.get("outside")).toBe("yes");
      });
    });

    describe("prune", () => {
      it("removes what is older than the retention, and says how much", async () => {
        const { points, runs, observations, drills, alarms } = state.repositories;
        await points.put([
          somePoint("gone", { goneAt: T - 1 }),
          somePoint("just", { goneAt: T }),
          somePoint("there", { createdAt: T - 999 * DAY }),
        ]);
        await runs.put(someRun("r1", { finishedAt: T - 1 }));
        await runs.put(someRun("r2", { finishedAt: T }));
        await observations.put([someObservation("p1", { at: T - 1 }), someObservation("p2", { at: T })]);
        await drills.put(someDrill("d1", { finishedAt: T - 1, pointId: "x" }));
        await drills.put(someDrill("d2", { finishedAt: T, pointId: "x" }));
        await alarms.put(someAlarm("a1", { since: T - DAY, endedAt: T - 1 }));
        await alarms.put(someAlarm("a2", { since: T - DAY }));
        expect(await state.prune(T)).toBe(5);
        expect(ids(await points.list("crm", { gone: true })).sort()).toEqual(["just", "there"]);
        expect(ids(await runs.list("crm"))).toEqual(["r2"]);
        expect((await observations.list("crm", "bytes")).map((one) => one.ref)).toEqual(["p2"]);
        expect(ids(await drills.list({}))).toEqual(["d2"]);
        expect(ids(await alarms.list({ all: true }))).toEqual(["a2"]);
        expect(await state.prune(T)).toBe(0);
      });

      it("keeps for each source and layer the newest drill and the newest that verified, whatever their age", async () => {
        const { drills } = state.repositories;
        const put = (id: string, at: number, more: Parameters<typeof someDrill>[1]): Promise<void> =>
          drills.put(someDrill(id, { finishedAt: T - 100 * DAY + at, verdict: "failed", ...more }));
        await put("live-verified", 1, { layers: { artifact: "verified", live: "verified" } });
        await put("live-newest", 2, { layers: { live: "failed" } });
        await put("content-verified-older", 3, { layers: { content: "verified" } });
        await put("content-verified", 4, { layers: { content: "verified" }, facts });
        await put("content-newest", 5, { layers: { content: "failed" } });
        await put("artifact-verified", 6, { layers: { artifact: "verified" } });
        await put("nothing-special", 7, { layers: { artifact: "failed" } });
        await put("newest", 8, { layers: { artifact: "failed" } });
        await put("only-of-hr", 0, { sourceId: "hr", layers: { artifact: "inconclusive" } });
        expect(await state.prune(T)).toBe(2);
        expect(ids(await drills.list({})).sort()).toEqual(
          ["artifact-verified", "content-newest", "content-verified", "live-newest", "live-verified", "newest", "only-of-hr"].sort(),
        );
      });

      it("keeps the point of a kept drill, the run of a kept point, and the newest run of a source", async () => {
        const { points, runs, drills } = state.repositories;
        const old = T - 100 * DAY;
        await points.put([
          somePoint("drilled", { goneAt: old, runId: "of-drilled" }),
          somePoint("idle", { goneAt: old, runId: "of-idle" }),
        ]);
        await drills.put(someDrill("d1", { finishedAt: old, pointId: "drilled" }));
        for (const [n, id] of ["of-drilled", "of-idle", "newest"].entries()) await runs.put(someRun(id, { finishedAt: old + n }));
        expect(await state.prune(T)).toBe(2);
        expect(ids(await points.list("crm", { gone: true }))).toEqual(["drilled"]);
        expect(ids(await runs.list("crm"))).toEqual(["newest", "of-drilled"]);
      });
    });

    it("says how large it is, and can be closed twice", async () => {
      await state.repositories.points.put([somePoint("p1")]);
      expect(await state.size()).toBeGreaterThan(0);
      await state.close();
      await state.close();
    });
  });
}
