/** Differences for people: the gravest first, bounded, and two long texts never look the same. */
import { expect, test } from "vitest";
import type { Comparison } from "../../../agent/core/compare.ts";
import { differentItems, excerpts, type Sides } from "../../../agent/core/differences.ts";
import { collection, field, record } from "../../doubles/content.ts";

const people = collection("people", [field("name"), field("note")]);

function sides(key: string, comparison: Comparison, backup: string | null, production: string | null): Sides {
  const [name] = people.fields;
  const pairs = name === undefined ? [] : [{ field: name, ours: 0, theirs: 0 }];
  return { collection: people, key, comparison, backup: record(key, [backup, "x"]), production: record(key, [production, "y"]), pairs };
}

const mismatch: Comparison = { result: "mismatch", because: "edited before the backup began", fields: ["name"] };
const changed: Comparison = { result: "changed", because: "edited since", fields: ["name"] };
const match: Comparison = { result: "match", because: "equal", fields: [] };

test("what is equal is left out, what is wrong comes before what people changed", () => {
  const { items, more } = differentItems([sides("1", match, "a", "a"), sides("2", changed, "a", "b"), sides("3", mismatch, "a", null)]);
  expect(more).toBe(0);
  expect(items.map((one) => [one.key, one.result, one.fields])).toEqual([
    ["3", "mismatch", [{ field: "name", backup: "a", production: null }]],
    ["2", "changed", [{ field: "name", backup: "a", production: "b" }]],
  ]);
});

test("however many and however long: a bounded document that says how many it leaves out, mismatches kept", () => {
  const many = Array.from({ length: 5000 }, (_, at) =>
    sides(String(at), at === 4999 ? mismatch : changed, "a".repeat(1e4), "b".repeat(1e4)),
  );
  const found = differentItems(many);
  expect(found.items).toHaveLength(100);
  expect(found.items[0]?.result).toBe("mismatch");
  expect(found.more).toBe(4900);
  expect(JSON.stringify(found).length).toBeLessThan(200_000);
});

test.each([
  ["a", "b", ["a", "b"]],
  [null, "b", [null, "b"]],
  [`${"x".repeat(1000)}END`, `${"x".repeat(1000)}end`, [`…${"x".repeat(40)}END`, `…${"x".repeat(40)}end`]],
  ["y".repeat(301), null, [`${"y".repeat(300)}…`, null]],
])("excerpts around where they part", (a, b, expected) => {
  expect(excerpts(a, b)).toEqual(expected);
});

test("half a character is never shown", () => {
  const [one] = excerpts(`${"x".repeat(299)}😀tail`, null);
  expect(one?.isWellFormed()).toBe(true);
});
