/** Comparison with production and with a scratch workspace. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { comparableFields, compareReadBack, compareWithProduction, type ComparisonTimes, sameValue } from "../../../agent/core/compare.ts";
import type { ContentRecord, Value } from "../../../agent/core/content.ts";
import { collection, field } from "../../doubles/content.ts";

const BEGAN = Date.UTC(2026, 0, 10);
const times: ComparisonTimes = { startedAt: BEGAN, skewMs: 0, toleranceMs: 1000, updatesTold: true };
const people = collection("people", [field("name", "text"), field("tags", "choices"), field("full", "text", { computed: true })]);
const { pairs } = comparableFields(people, people);

function record(key: string, values: readonly Value[], createdAt: number | null = BEGAN - 1e9, updatedAt = createdAt): ContentRecord {
  return { key, values, createdAt, updatedAt };
}

describe("with production", () => {
  const ada = record("1", ["Ada", ["x"], "computed"]);

  test.each([
    ["equal, computed fields aside", ada, record("1", ["Ada", ["x"], "other"]), "match", "equal"],
    ["edited since", ada, record("1", ["Ida", ["x"], null], BEGAN - 1e9, BEGAN + 5), "changed", "edited since"],
    ["edited while it began", ada, record("1", ["Ida", ["x"], null], BEGAN - 1e9, BEGAN - 900), "changed", "edited since"],
    ["differs, untouched since", ada, record("1", ["Ida", ["x"], null]), "mismatch", "edited before the backup began"],
    ["differs, no time", ada, record("1", ["Ida", ["x"], null], null), "unverifiable", "edited, nobody knows when"],
    ["deleted", ada, null, "changed", "deleted since"],
    ["lost by the backup", null, record("9", ["Eve", null, null]), "mismatch", "created before the backup began"],
    ["new", null, record("9", ["Eve", null, null], BEGAN + 1), "changed", "created since"],
    ["new, no time", null, record("9", ["Eve", null, null], null), "unverifiable", "created, nobody knows when"],
    ["not read", ada, undefined, "unverifiable", "could not be read"],
  ] as const)("%s", (_, backup, live, result, because) => {
    expect(compareWithProduction(backup, live, pairs, times)).toMatchObject({ result, because });
  });

  test("the product's clock is taken into account", () => {
    const live = record("9", ["Eve", null, null], BEGAN + 30_000);
    expect(compareWithProduction(null, live, pairs, { ...times, skewMs: 60_000 }).result).toBe("mismatch");
    expect(compareWithProduction(null, live, pairs, { ...times, skewMs: -60_000 }).result).toBe("changed");
  });

  test("an update time that does not tell every change is not believed", () => {
    expect(compareWithProduction(ada, record("1", ["Ida", null, null]), pairs, { ...times, updatesTold: false }).result).toBe(
      "unverifiable",
    );
  });

  test("a field that production dropped is told, and the rest compared", () => {
    const now = collection("people", [field("tags", "choices")]);
    const mapped = comparableFields(people, now);
    expect(mapped.gone.map((one) => one.id)).toEqual(["name"]);
    expect(compareWithProduction(ada, record("1", [["x"]]), mapped.pairs, times).result).toBe("match");
  });
});

test("absent, empty and null are the same, order of canonical lists is not free", () => {
  const nothing = fc.constantFrom<Value>(null, "", []);
  fc.assert(fc.property(nothing, nothing, (a, b) => sameValue(a, b)));
  expect(sameValue(["a"], "a")).toBe(false);
  expect(sameValue(["a", "b"], ["b", "a"])).toBe(false);
  fc.assert(fc.property(fc.array(fc.string({ minLength: 1 })), (list) => sameValue(list, [...list])));
});

describe("with a scratch workspace", () => {
  const ours = { collection: people, records: [record("1", ["Ada", ["x"], null]), record("2", ["Bob", null, null])] };
  const none = { cut: new Set<string>(), unrestorable: new Set<string>() };

  test("all of it back", () => {
    expect(compareReadBack(ours, ours, none)).toEqual({ expected: 2, found: 2, missing: [], extra: [], different: [], fieldsGone: [] });
  });

  test("missing, extra, different, dropped", () => {
    const theirs = {
      collection: collection("people", [field("name", "text")]),
      records: [record("1", ["Ado"]), record("7", ["Eve"])],
    };
    expect(compareReadBack(ours, theirs, none)).toEqual({
      expected: 2,
      found: 2,
      missing: ["2"],
      extra: ["7"],
      different: [{ key: "1", fields: ["name"] }],
      fieldsGone: ["tags"],
    });
  });

  test("what was never put in is not compared", () => {
    const theirs = { collection: people, records: [record("1", ["Ada", null, null]), record("2", ["Bo", null, null])] };
    const options = { cut: new Set(["people/1/tags"]), unrestorable: new Set(["name"]) };
    expect(compareReadBack(ours, theirs, options).different).toEqual([]);
  });

  test("a collection that is not there has lost everything", () => {
    expect(compareReadBack(ours, null, none)).toMatchObject({ found: 0, missing: ["1", "2"], fieldsGone: ["name", "tags"] });
  });
});
