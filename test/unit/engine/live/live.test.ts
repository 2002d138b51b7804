/** A sample beside production that went on living: what each change is called, and the verdict. */
import { describe, expect, test } from "vitest";
import type { ContentRecord } from "../../../../agent/core/content.ts";
import { AgentError } from "../../../../agent/core/errors.ts";
import type { OpenPlatform, RestoreSet } from "../../../../agent/core/platform-ports.ts";
import { judge } from "../../../../agent/core/verdict.ts";
import { liveDrill, type LiveOutcome } from "../../../../agent/engine/live/live.ts";
import { systemClock } from "../../../../agent/kit/clock.ts";
import { collection, field, record } from "../../../doubles/content.ts";
import { memoryPlatform, type MemoryBase } from "../../../doubles/platform.ts";
import { memoryTelemetry } from "../../../doubles/telemetry.ts";
import { restoreSet } from "../../../contracts/platform.ts";

const never = new AbortController().signal;
const clock = systemClock();
const BEGAN = Date.now() - 3_600_000;
const OLD = BEGAN - 86_400_000;
const ORDER = { startedAt: BEGAN, digestKey: "00".repeat(32), mostKeys: 1000 };

function production(): MemoryBase {
  const people = Array.from({ length: 20 }, (_, index): ContentRecord =>
    record(String(index + 1), [`person ${index}`, String(index)], { createdAt: OLD, updatedAt: OLD }),
  );
  return {
    collections: [collection("people", [field("name"), field("age", "integer")], { keyKind: "natural" })],
    records: new Map([["people", people]]),
    automations: [],
    files: new Map(),
    instance: "memory-1",
    scope: "base-1",
  };
}

async function backupOf(base: MemoryBase): Promise<RestoreSet> {
  const set = await restoreSet(memoryPlatform(base).open(clock));
  const copy = structuredClone({ collections: set.collections, records: set.records });
  return { ...set, ...copy, keys: new Map([["people", new Set((copy.records.get("people") ?? []).map((one) => one.key))]]) };
}

function edit(base: MemoryBase, change: (records: ContentRecord[]) => ContentRecord[]): void {
  base.records.set("people", change([...(base.records.get("people") ?? [])]));
}

async function compare(
  base: MemoryBase,
  set: RestoreSet,
  change: (open: OpenPlatform) => OpenPlatform = (open) => open,
): Promise<LiveOutcome> {
  return liveDrill(ORDER, set, change(memoryPlatform(base).open(clock)), { telemetry: memoryTelemetry(clock), clock }, never);
}

const verdictOf = (outcome: LiveOutcome): string => judge(["live"], outcome.checks, outcome.trouble).verdict;

test("nothing happened: everything matches", async () => {
  const base = production();
  const outcome = await compare(base, await backupOf(base));
  expect(outcome.compared).toEqual({ match: 20, changed: 0, mismatch: 0, unverifiable: 0 });
  expect(verdictOf(outcome)).toBe("verified");
});

test("people worked: changed, and still verified", async () => {
  const base = production();
  const set = await backupOf(base);
  edit(base, (records) => [
    ...records
      .filter((one) => one.key !== "3")
      .map((one) => (one.key === "5" ? { ...one, values: ["new", "5"], updatedAt: Date.now() } : one)),
    record("99", ["late", "1"], { createdAt: Date.now(), updatedAt: Date.now() }),
  ]);
  const outcome = await compare(base, set);
  expect(outcome.compared).toEqual({ match: 18, changed: 3, mismatch: 0, unverifiable: 0 });
  expect(verdictOf(outcome)).toBe("verified");
});

describe("the backup lost something", () => {
  test("a record, a value", async () => {
    const base = production();
    const set = await backupOf(base);
    const people = [...(set.records.get("people") ?? [])];
    const short = people.filter((one) => one.key !== "7").map((one) => (one.key === "8" ? { ...one, values: ["person 7", null] } : one));
    const outcome = await compare(base, {
      ...set,
      records: new Map([["people", short]]),
      keys: new Map([["people", new Set(short.map((one) => one.key))]]),
    });
    expect(outcome.compared).toEqual({ match: 18, changed: 0, mismatch: 2, unverifiable: 0 });
    expect(verdictOf(outcome)).toBe("failed");
    const check = outcome.checks.find((one) => one.id === "live.mismatch");
    expect(check?.observed).toBe(
      "The backup is without 1 record that production had before it began, and with other values in 1 record that nobody changed since.",
    );
    expect(check?.examples).toMatchObject([
      { field: "age", note: "edited before the backup began" },
      { note: "created before the backup began" },
    ]);
    // What goes on from here; values are for the agent's machine alone.
    const { differences, ...told } = outcome;
    expect(JSON.stringify(told)).not.toMatch(/person|"item":"7"/u);
    expect(differences).toMatchObject({
      more: 0,
      items: [
        {
          collection: "people",
          key: "8",
          result: "mismatch",
          because: "edited before the backup began",
          productionUpdatedAt: OLD,
          fields: [{ field: "age", backup: null, production: "7" }],
        },
        { key: "7", because: "created before the backup began", fields: [], productionCreatedAt: OLD },
      ],
    });
  });
});

describe("what cannot be told", () => {
  test("a product that tells no times", async () => {
    const base = production();
    edit(base, (records) => records.map((one) => ({ ...one, createdAt: null, updatedAt: null })));
    const set = await backupOf(base);
    edit(base, (records) => records.map((one) => ({ ...one, values: ["x", "y"] })));
    const outcome = await compare(base, set);
    expect(outcome.compared).toMatchObject({ unverifiable: 20, mismatch: 0 });
    expect(verdictOf(outcome)).toBe("inconclusive");
  });

  test("a product that cannot be reached", async () => {
    const base = production();
    const set = await backupOf(base);
    const outcome = await compare(base, set, (open) => ({
      ...open,
      platform: {
        ...open.platform,
        probe: () => Promise.reject(new AgentError("transient", "not-reachable", "memory: The connection failed.")),
      },
    }));
    expect(outcome).toMatchObject({ compared: null, trouble: { code: "not-reachable" } });
    expect(verdictOf(outcome)).toBe("inconclusive");
  });

  test("a field and a collection that production dropped are told, the rest is compared", async () => {
    const base = production();
    const set = await backupOf(base);
    base.collections = [collection("people", [field("name")], { keyKind: "natural" })];
    edit(base, (records) => records.map((one) => ({ ...one, values: one.values.slice(0, 1) })));
    const outcome = await compare(base, { ...set, collections: [...set.collections, collection("gone", [field("x")])] });
    expect(outcome.compared?.match).toBe(20);
    expect(outcome.checks[0]?.observed).toContain("people has no age any more in production; gone is not in production any more");
  });
});

describe("a product that tells no times, looked at again at the next backup", () => {
  const FAR = Date.now() + 3_600_000;
  const timeless = (base: MemoryBase): void =>
    edit(base, (records) => records.map((one) => ({ ...one, createdAt: null, updatedAt: null })));
  const rename = (base: MemoryBase, key: string, name: string): void =>
    edit(base, (records) => records.map((one) => (one.key === key ? { ...one, values: [name, one.values[1] ?? null] } : one)));
  const again = (base: MemoryBase, set: RestoreSet, before: LiveOutcome, startedAt: number): Promise<LiveOutcome> =>
    liveDrill(
      { ...ORDER, startedAt, pending: before.pending ?? { items: [] } },
      set,
      memoryPlatform(base).open(clock),
      { telemetry: memoryTelemetry(clock), clock },
      never,
    );

  async function edited(): Promise<{ readonly base: MemoryBase; readonly first: RestoreSet; readonly before: LiveOutcome }> {
    const base = production();
    timeless(base);
    const first = await backupOf(base);
    rename(base, "5", "anna");
    const before = await compare(base, first);
    expect(before.compared).toEqual({ match: 19, changed: 0, mismatch: 0, unverifiable: 1 });
    return { base, first, before };
  }

  test("the same backup again says no more than before", async () => {
    const { base, first, before } = await edited();
    const outcome = await again(base, first, before, BEGAN);
    expect(outcome.compared).toEqual({ match: 19, changed: 0, mismatch: 0, unverifiable: 1 });
  });

  test("the next backup holds it: nothing was wrong, and nothing waits any more", async () => {
    const { base, before } = await edited();
    const outcome = await again(base, await backupOf(base), before, FAR);
    expect(outcome.compared).toEqual({ match: 20, changed: 0, mismatch: 0, unverifiable: 0 });
    expect(outcome.pending).toEqual({ items: [] });
  });

  test("the next backup does not hold it either, though production had it before: the backup is wrong", async () => {
    const { base, first, before } = await edited();
    const outcome = await again(base, first, before, FAR);
    expect(outcome.compared).toEqual({ match: 19, changed: 0, mismatch: 1, unverifiable: 0 });
    expect(verdictOf(outcome)).toBe("failed");
    const check = outcome.checks.find((one) => one.id === "live.mismatch");
    expect(check?.observed).toBe("The backup is with other values in 1 record that nobody changed since.");
    expect(check?.examples).toMatchObject([{ field: "name", note: "still different at the next backup" }]);
    // Drilled once more it is as wrong as before.
    const third = await again(base, first, outcome, FAR);
    expect(third.compared?.mismatch).toBe(1);
  });

  test("edited once more meanwhile: again nobody knows", async () => {
    const { base, first, before } = await edited();
    rename(base, "5", "bert");
    const outcome = await again(base, first, before, FAR);
    expect(outcome.compared).toEqual({ match: 19, changed: 0, mismatch: 0, unverifiable: 1 });
  });

  test("a record only production has, at two backups: the second lost it", async () => {
    const base = production();
    timeless(base);
    const first = await backupOf(base);
    edit(base, (records) => [...records, record("21", ["carla", "9"], { createdAt: null, updatedAt: null })]);
    const before = await compare(base, first);
    expect(before.compared).toMatchObject({ unverifiable: 1, mismatch: 0 });
    const outcome = await again(base, first, before, FAR);
    expect(outcome.compared).toMatchObject({ unverifiable: 0, mismatch: 1 });
    expect(outcome.checks.find((one) => one.id === "live.mismatch")?.observed).toBe(
      "The backup is without 1 record that production had before it began.",
    );
  });

  test("what is not in the next sample goes on waiting; of values only keyed digests are kept", async () => {
    const { base, first, before } = await edited();
    const people = first.records.get("people") ?? [];
    const others = { ...first, records: new Map([["people", people.filter((one) => one.key !== "5")]]) };
    const outcome = await again(base, others, before, FAR);
    expect(outcome.pending).toEqual(before.pending);
    expect(before.pending?.items).toHaveLength(1);
    expect(JSON.stringify(before.pending)).not.toMatch(/anna|person/u);
  });
});
