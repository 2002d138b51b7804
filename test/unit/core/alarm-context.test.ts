import { describe, expect, test } from "vitest";
import { contextOf, impactOf } from "../../../agent/core/alarm-context.ts";
import type { DrillRecord, PointFacts } from "../../../agent/core/values.ts";
import { someDrill } from "../../doubles/values.ts";

const field = (id: string) => ({ id, name: id, type: "text" as const, computed: false });
const NOTHING = { collections: 0, records: 0, links: 0, automations: 0, credentials: 0, files: 0, views: 0, roles: 0 };
const facts = (collections: Readonly<Record<string, readonly [number, readonly string[]]>>): PointFacts => ({
  format: "bag",
  formatVersion: null,
  inventory: NOTHING,
  collections: Object.entries(collections).map(([id, [records, fields]]) => ({ id, name: id, records, fields: fields.map(field) })),
  automations: [],
  credentials: [],
  views: [],
  access: [],
});
const usual = facts({ Orders: [1000, ["name", "price"]], People: [500, ["name"]] });
const drill = (more: Partial<DrillRecord>): DrillRecord => someDrill("d9", { pointId: "p9", facts: usual, ...more });
const before = Array.from({ length: 5 }, (_, at) => drill({ id: `d${at}`, pointId: `p${at}`, phases: { open: 40, load: 1200 + at } }));

describe("what else moved", () => {
  test("nothing where nothing did", () => expect(contextOf(drill({}), before)).toEqual([]));

  test("the collection that moved most, by its records", () => {
    const now = facts({ Orders: [400, ["name", "price"]], People: [490, ["name"]] });
    expect(contextOf(drill({ facts: now }), before)).toEqual(["of its collections Orders moved most, from 1,000 to 400 records"]);
    const little = facts({ Orders: [1050, ["name", "price"]], People: [505, ["name"]] });
    expect(contextOf(drill({ facts: little }), before)).toEqual([]);
  });

  test("fields and collections that came and went, by name", () => {
    const now = facts({ Orders: [1000, ["name"]], People: [500, ["name"]], Notes: [0, ["text"]] });
    expect(contextOf(drill({ facts: now }), before)).toEqual(["its schema changed too: field Orders.price lost, collection Notes added"]);
  });

  test("the phase that was slowest against itself, not the one that is always long", () => {
    const slow = drill({ phases: { open: 900, load: 1300 } });
    expect(contextOf(slow, before)).toEqual(["of the drill's phases open was slowest against itself, 900 ms where 40 ms are usual"]);
    expect(contextOf(slow, [])).toEqual([]);
  });
});

test("who is hit, by tier and domain", () => {
  expect(impactOf({ tier: "critical", domain: "sales" })).toEqual(["it is critical in the domain sales"]);
  expect(impactOf({ tier: "standard", domain: "sales" })).toEqual(["it belongs to the domain sales"]);
  expect(impactOf({ tier: "standard", domain: "default" })).toEqual([]);
});
