import { expect, test } from "vitest";
import { createFleetReader } from "../../../agent/engine/read-fleet.ts";
import { LIMIT_DEFAULT, byPlace, paginate, type Place } from "../../../agent/http/paging.ts";
import { createReader } from "../../../agent/http/reader.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";
import { someRun } from "../../doubles/values.ts";
import { drillOf, fill, fiveSources, NOW, result } from "./world.ts";

function watched(costMs = 0): {
  reader: ReturnType<typeof createReader>;
  clock: ReturnType<typeof fakeClock>;
  reads: () => number;
  state: ReturnType<typeof memoryState>;
  ids: string[];
} {
  const state = memoryState();
  const clock = fakeClock(NOW);
  const ids = ["crm"];
  let policies = ids.map((id) => policy(id));
  let reads = 0;
  const read = createFleetReader(state.repositories);
  const reader = createReader({
    repositories: state.repositories,
    readFleet: async (...given) => {
      reads += 1;
      if (costMs > 0) await clock.advance(costMs);
      return read(...given);
    },
    policies: () => {
      if (policies.length !== ids.length) policies = ids.map((id) => policy(id));
      return policies;
    },
    clock,
  });
  return { reader, clock, reads: () => reads, state, ids };
}

test("everybody who asks within a second shares one reading, and then sees what is new", async () => {
  const { reader, clock, reads, state } = watched();
  const [a, b] = await Promise.all([reader.fleet(), reader.fleet()]);
  expect(a).toBe(b);
  await clock.advance(900);
  expect(await reader.fleet()).toBe(a);
  expect(reads()).toBe(1);
  await fill(state, { policy: policy("crm"), nights: 2, drilled: 1 });
  await clock.advance(200);
  expect((await reader.fleet()).entries[0]?.status.verdict).toBe("verified");
  expect(reads()).toBe(2);
});

test("a changed configuration is seen at once", async () => {
  const { reader, ids } = watched();
  await reader.fleet();
  ids.push("hr");
  expect((await reader.fleet()).summary.sources).toBe(2);
});

test("a reading that is dear is kept longer, handed out while the next is made, and never when it is too old", async () => {
  const { reader, clock, reads } = watched(500);
  const first = await reader.fleet();
  await clock.advance(9000);
  expect(await reader.fleet()).toBe(first);
  expect(reads()).toBe(1);
  await clock.advance(2000);
  expect(await reader.fleet()).toBe(first);
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(reads()).toBe(2);
  expect(await reader.fleet()).not.toBe(first);
  await clock.advance(60_000);
  const later = await reader.fleet();
  expect(later.at).toBeGreaterThan(first.at + 60_000);
});

test("a reading that failed is not kept", async () => {
  const state = memoryState();
  let broken = true;
  const alarms = {
    ...state.repositories.alarms,
    list: (...given: Parameters<typeof state.repositories.alarms.list>) =>
      broken ? Promise.reject(new Error("locked")) : state.repositories.alarms.list(...given),
  };
  const repositories = { ...state.repositories, alarms };
  const reader = createReader({ repositories, readFleet: createFleetReader(repositories), policies: () => [], clock: fakeClock(NOW) });
  await expect(reader.fleet()).rejects.toThrow("locked");
  broken = false;
  expect((await reader.fleet()).summary.sources).toBe(0);
});

test("the verdict is of the newest point even when an older one was drilled later", async () => {
  const { reader, clock, state } = watched();
  await fill(state, { policy: policy("crm"), nights: 3, drilled: 1, lastChecks: [result("records.count", "fail", "9 of 10 records")] });
  const [, older] = await state.repositories.points.list("crm");
  if (older === undefined) throw new Error("no point");
  await state.repositories.drills.put(
    drillOf({ ...older, firstSeenAt: NOW - 1000 }, [result("records.count", "pass", "10 records")], { id: "history" }),
  );
  await clock.advance(2000);
  const [entry] = (await reader.fleet()).entries;
  expect(entry?.status).toMatchObject({ verdict: "failed", level: "failing" });
  expect(entry?.status.headline).toMatch(/^9 of 10 records: records\.count failed/u);
  expect((await reader.source("crm"))?.status).toMatchObject({ verdict: "failed", headline: entry?.status.headline });
  expect(await reader.source("nobody")).toBeNull();
});

test("a fleet is read in as many queries as it has ways to be unwell, not as it has sources", async () => {
  const queries = async (sources: number): Promise<number> => {
    const state = memoryState();
    const policies = Array.from({ length: sources }, (_, index) => policy(`s${index}`));
    for (const one of policies) await fill(state, { policy: one, nights: 2, drilled: 1 });
    let count = 0;
    const counted = <T extends object>(repository: T): T =>
      new Proxy(repository, { get: (target, name) => ((count += 1), Reflect.get(target, name) as unknown) });
    const { points, runs, drills, alarms, sources: polls } = state.repositories;
    const read = createFleetReader({
      ...state.repositories,
      points: counted(points),
      runs: counted(runs),
      drills: counted(drills),
      alarms: counted(alarms),
      sources: counted(polls),
    });
    const readings = await read(policies, NOW);
    expect(readings.every(({ status }) => status.verdict === "verified")).toBe(true);
    return count;
  };
  expect(await queries(40)).toBe(await queries(2));
});

test("a fleet read by few queries says of every source what reading it whole says", async () => {
  const state = memoryState();
  const policies = await fiveSources(state);
  const pending = policy("pending");
  await fill(state, { policy: pending, nights: 4, drilled: 3, lastChecks: [result("records.count", "fail", "9 of 10 records")] });
  const [newest] = await state.repositories.points.list("pending");
  if (newest === undefined) throw new Error("no point");
  await state.repositories.points.put([{ ...newest, id: "newer", createdAt: newest.createdAt + 3_600_000 }]);
  const failing = policy("runs");
  await fill(state, { policy: failing, nights: 4, drilled: 2 });
  for (const [index, outcome] of (["failure", "unknown", "failure"] as const).entries())
    await state.repositories.runs.put(someRun(`bad-${index}`, { sourceId: "runs", finishedAt: NOW + index, outcome }));
  const all = [...policies, pending, failing, policy("empty")];
  const reader = createReader({
    repositories: state.repositories,
    readFleet: createFleetReader(state.repositories),
    policies: () => all,
    clock: fakeClock(NOW),
  });
  for (const { status } of (await reader.fleet()).entries) {
    const whole = (await reader.source(status.sourceId))?.status;
    const { drill, previous, ...rest } = status;
    expect(rest).toEqual({ ...whole, drill: undefined, previous: undefined });
    expect([drill?.id, previous?.id]).toEqual([whole?.drill?.id, whole?.previous?.id]);
  }
});

function place(item: Place): Place {
  return item;
}

test("pages go through a list once, in order, while rows are added at its head", () => {
  const rows: Place[] = Array.from({ length: 25 }, (_, index) => ({ at: Math.floor(index / 3), id: `r${index}` }));
  const seen: string[] = [];
  let cursor: string | undefined;
  let list = byPlace(rows, place);
  const wanted = list.map((row) => row.id);
  do {
    const page = paginate(list, place, { limit: 4, cursor });
    seen.push(...page.items.map((row) => row.id));
    cursor = page.nextCursor ?? undefined;
    list = byPlace([...list, { at: 1000 + seen.length, id: "newer" }], place);
  } while (cursor !== undefined);
  expect(seen).toEqual(wanted);
  expect(paginate([], place, { limit: LIMIT_DEFAULT, cursor: undefined })).toEqual({ items: [], nextCursor: null });
});
