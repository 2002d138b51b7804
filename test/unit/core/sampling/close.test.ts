/** Samples closed under their links. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ContentRecord, Value } from "../../../../agent/core/content.ts";
import { closeUnderLinks } from "../../../../agent/core/sampling/close.ts";
import { collection, field } from "../../../doubles/content.ts";

function record(key: string, values: readonly Value[]): ContentRecord {
  return { key, values, createdAt: null, updatedAt: null };
}

describe("a sample closed under its links", () => {
  const link = { collection: "city", many: false, reciprocal: null };
  const person = collection("person", [
    field("home", "link", { link }),
    field("boss", "link", { link: { ...link, collection: "person" } }),
  ]);
  const city = collection("city", [field("name", "text")]);
  const records = new Map([
    [
      "person",
      new Map([
        ["1", record("1", ["a", "2"])],
        ["2", record("2", ["b", "3"])],
        ["3", record("3", [null, null])],
      ]),
    ],
    [
      "city",
      new Map([
        ["a", record("a", ["A"])],
        ["b", record("b", ["B"])],
      ]),
    ],
  ]);

  test("takes what it points to, through others", () => {
    const { keys, cut } = closeUnderLinks([person, city], records, new Map([["person", ["1"]]]), { most: 100 });
    expect([...(keys.get("person") ?? [])]).toEqual(["1", "2", "3"]);
    expect([...(keys.get("city") ?? [])]).toEqual(["a", "b"]);
    expect(cut.size).toBe(0);
  });

  test("is bounded, and lists what is cut", () => {
    const { keys, cut, edges } = closeUnderLinks([person, city], records, new Map([["person", ["1"]]]), { most: 2 });
    expect([...keys.values()].reduce((sum, set) => sum + set.size, 0)).toBe(2);
    expect([...cut]).toEqual(["person/1/boss"]);
    expect(edges).toEqual([{ collection: "person", key: "1", field: "boss", target: { collection: "person", key: "2" }, why: "size" }]);
  });

  test("goes only so far", () => {
    const { keys, edges } = closeUnderLinks([person, city], records, new Map([["person", ["1"]]]), { most: 100, depth: 1 });
    expect([...(keys.get("person") ?? [])]).toEqual(["1", "2"]);
    expect([...(keys.get("city") ?? [])]).toEqual(["a"]);
    expect(edges.map((edge) => `${edge.key}/${edge.field} ${edge.why}`)).toEqual(["2/home depth", "2/boss depth"]);
  });

  test("its own records always come, also where they are more than it may take", () => {
    const { keys } = closeUnderLinks([person, city], records, new Map([["person", ["1", "2", "3"]]]), { most: 1 });
    expect([...(keys.get("person") ?? [])]).toEqual(["1", "2", "3"]);
    expect(keys.get("city")?.size).toBe(0);
  });

  test("what dangles in the backup is cut, not invented", () => {
    const dangling = new Map([
      ["person", new Map([["1", record("1", ["z", null])]])],
      ["city", new Map<string, ContentRecord>()],
    ]);
    const { cut, edges } = closeUnderLinks([person, city], dangling, new Map([["person", ["1"]]]), { most: 9 });
    expect([...cut]).toEqual(["person/1/home"]);
    expect(edges.map((edge) => edge.why)).toEqual(["absent"]);
  });

  test("whatever points to whatever: it is closed but for the edges it lists", () => {
    const graph = fc.record({
      links: fc.array(fc.option(fc.integer({ min: 0, max: 24 }), { nil: null }), { minLength: 1, maxLength: 20 }),
      sample: fc.array(fc.integer({ min: 0, max: 24 }), { maxLength: 4 }),
      most: fc.integer({ min: 0, max: 25 }),
      depth: fc.integer({ min: 0, max: 6 }),
    });
    fc.assert(
      fc.property(graph, ({ links, sample, most, depth }) => {
        const node = collection("node", [field("next", "link", { link: { ...link, collection: "node" } })]);
        const all = new Map(links.map((next, at) => [String(at), record(String(at), [next === null ? null : String(next)])]));
        const own = [...new Set(sample.map(String))].filter((key) => all.has(key));
        const closed = closeUnderLinks([node], new Map([["node", all]]), new Map([["node", sample.map(String)]]), { most, depth });
        const keys = closed.keys.get("node") ?? new Set<string>();
        for (const key of own) expect(keys.has(key)).toBe(true);
        expect(keys.size).toBeLessThanOrEqual(Math.max(most, own.length));
        for (const key of keys) {
          const next = all.get(key)?.values[0];
          if (typeof next === "string") expect(keys.has(next)).toBe(!closed.cut.has(`node/${key}/next`));
        }
      }),
    );
  });
});
