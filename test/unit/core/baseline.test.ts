/** What differs between two points by their facts: renamed is not dropped and added, another order is nothing, losses come first. */
import { describe, expect, test } from "vitest";
import { describeDifference, differencesOf, removed } from "../../../agent/core/baseline.ts";
import type { FieldFacts, PointFacts } from "../../../agent/core/values.ts";
import { facts } from "../../fixtures/checks/build.ts";

const field = (id: string, more: Partial<FieldFacts> = {}): FieldFacts => ({ id, name: id, type: "text", computed: false, ...more });
const withFields = (fields: readonly FieldFacts[], more: { id?: string; name?: string; records?: number } = {}): PointFacts =>
  facts({ collections: [{ id: "c1", name: "Orders", records: 100, fields, ...more }] });
const said = (before: PointFacts, now: PointFacts): string[] =>
  differencesOf(before, now).map((one) => `${one.weight} ${one.kind} ${describeDifference(one)}`);

describe("fields", () => {
  const before = withFields([field("a"), field("b"), field("amount", { type: "decimal" })]);

  test("the same facts differ in nothing, whatever the order of fields and options", () => {
    const options = (digest: string) => withFields([field("a", { options: digest }), field("b")]);
    expect(said(options("d1"), withFields([field("b"), field("a", { options: "d1" })]))).toEqual([]);
    expect(said(options("d1"), options("d2"))).toEqual(["change field-options Orders.a: offers other options"]);
  });

  test("renamed by id, by place and type; dropped and added where neither connects them", () => {
    expect(said(before, withFields([field("a"), field("b", { name: "Buyer" }), field("amount", { type: "decimal" })]))).toEqual([
      "change field-renamed Orders.Buyer: was called b",
    ]);
    expect(said(before, withFields([field("a"), field("buyer"), field("amount", { type: "decimal" })]))).toEqual([
      "change field-renamed Orders.buyer: was called b",
    ]);
    expect(said(before, withFields([field("a"), field("buyer", { type: "json" }), field("amount", { type: "decimal" })]))).toEqual([
      "loss field-lost Orders.b: the field is gone",
      "change field-added Orders.buyer: is new",
    ]);
  });

  test("values that were looked at and differ make of it one dropped and one added", () => {
    const now = withFields([field("a"), field("buyer"), field("amount", { type: "decimal" })]);
    expect(differencesOf(before, now, { alike: () => false }).map(({ kind }) => kind)).toEqual(["field-lost", "field-added"]);
    expect(differencesOf(before, now, { alike: () => true }).map(({ kind }) => kind)).toEqual(["field-renamed"]);
  });

  test("rules that are gone are losses, new ones are not; what an older version did not tell is no difference", () => {
    const strict = withFields([field("a", { required: true, unique: true, link: "x", formula: "f", platformType: "T" })]);
    const loose = withFields([field("a", { required: false, unique: false, link: "y", formula: "g", platformType: "U" })]);
    expect(differencesOf(strict, loose).map(({ kind, weight }) => `${weight} ${kind}`)).toEqual([
      "loss field-rule",
      "loss field-rule",
      "loss field-link",
      "change field-type",
      "change field-formula",
    ]);
    expect(differencesOf(withFields([field("a")]), strict)).toEqual([]);
    expect(said(withFields([field("a", { type: "integer" })]), withFields([field("a")]))).toEqual([
      "loss field-type Orders.a: was integer, is text",
    ]);
  });
});

describe("collections and records", () => {
  test("a collection under another id and name with the same fields was renamed", () => {
    const now = withFields([field("a"), field("b")], { id: "c2", name: "Sales" });
    expect(said(withFields([field("a"), field("b")]), now)).toEqual(["change collection-renamed Sales: was called Orders"]);
    expect(said(withFields([field("a")]), facts({}))).toEqual(["loss collection-lost Orders: the collection is gone, with 100 records"]);
  });

  test.each([
    [100, 1, "records-removed"],
    [100, 5, "records-removed"],
    [100, 6, "records-lost"],
    [10, 3, "records-removed"],
    [10, 4, "records-lost"],
    [3, 3, "records-lost"],
  ])("of %i records %i are gone: %s", (before, count, kind) => {
    expect(removed("Orders", before, count)).toMatchObject({ kind, count, weight: kind === "records-lost" ? "loss" : "change" });
  });
});

describe("metadata", () => {
  const full = facts({
    automations: [{ id: "a", name: "Remind", active: true, digest: "1" }],
    credentials: ["smtp"],
    views: [{ id: "v", name: "All" }],
    access: [{ kind: "role", id: "r", digest: "1" }],
    settings: [{ id: "s", digest: "1" }],
    templates: [{ id: "t", name: "Invoice", digest: "1" }],
  });

  test("whatever is gone is a loss, one by one", () => {
    const gone = facts({ settings: [], templates: [] });
    expect(differencesOf(full, gone).map(({ kind, weight }) => `${weight} ${kind}`)).toEqual([
      "loss automation-lost",
      "loss credential-lost",
      "loss view-lost",
      "loss access-lost",
      "loss setting-lost",
      "loss template-lost",
    ]);
    expect(differencesOf(gone, full).every(({ weight, kind }) => weight === "change" && kind.endsWith("-added"))).toBe(true);
  });

  test("what does something else is told, and a switch apart from a body", () => {
    const other = facts({
      ...full,
      automations: [{ id: "a", name: "Remind", active: false, digest: "2" }],
      access: [{ kind: "role", id: "r", digest: "2" }],
      settings: [{ id: "s", digest: "2" }],
      templates: [{ id: "t", name: "Invoice", digest: "2" }],
    });
    expect(differencesOf(full, other).map(({ kind }) => kind)).toEqual([
      "automation-changed",
      "automation-switched",
      "access-changed",
      "setting-changed",
      "template-changed",
    ]);
  });

  test("points of older versions, which told no settings and templates, lost none", () => {
    expect(differencesOf(facts({}), facts({ settings: [{ id: "s", digest: "1" }], templates: [] }))).toEqual([]);
  });
});
