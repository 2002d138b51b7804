/** Cells of NocoDB as canonical values, by engine; conditions; what is dropped from webhooks. */
import { describe, expect, test } from "vitest";
import type { Field, Value } from "../../../../agent/core/content.ts";
import { withoutSecrets } from "../../../../agent/platforms/nocodb/documents.ts";
import { linkStore, reciprocalOf, visibleColumns } from "../../../../agent/platforms/nocodb/model.ts";
import { tableSchema } from "../../../../agent/platforms/nocodb/schema.ts";
import { titleOf, tagOf } from "../../../../agent/platforms/nocodb/tag.ts";
import { uploadedId } from "../../../../agent/platforms/nocodb/scratch-records.ts";
import { attachmentsOf, canonical, fileIdOf, semanticType, timeOf, toNocoDb } from "../../../../agent/platforms/nocodb/values.ts";
import { all, compared, oneOf } from "../../../../agent/platforms/nocodb/where.ts";
import { field } from "../../../doubles/content.ts";

const read = (uidt: string, cell: unknown): Value => canonical(semanticType(uidt), uidt, cell);

describe("canonical values", () => {
  test.each<[string, unknown, Value]>([
    ["Checkbox", 1, "true"],
    ["Checkbox", 0, "false"],
    ["Checkbox", true, "true"],
    ["Checkbox", false, "false"],
    ["Checkbox", null, null],
    ["Number", 7, "7"],
    ["Number", 1.5, "1.5"],
    ["Number", "9007199254740993", "9007199254740993"],
    ["Decimal", "1.250", "1.25"],
    ["Decimal", 1e21, "1000000000000000000000"],
    ["Decimal", 1.5e-7, "0.00000015"],
    ["Decimal", "-0.0", "0"],
    ["Decimal", "-12.30", "-12.3"],
    ["Decimal", "a dozen", "a dozen"],
    ["DateTime", "2026-11-22 08:00:00+00:00", "2026-11-22T08:00:00.000Z"],
    ["DateTime", "2026-11-22T08:00:00.123Z", "2026-11-22T08:00:00.123Z"],
    ["DateTime", "2026-11-22 10:00:00+02:00", "2026-11-22T08:00:00.000Z"],
    ["DateTime", "2026-11-22 08:00:00", "2026-11-22T08:00:00.000Z"],
    ["DateTime", "someday", "someday"],
    ["Date", "2026-11-22", "2026-11-22"],
    ["Date", "2026-11-22T00:00:00.000Z", "2026-11-22"],
    ["JSON", '{"b":1,"a":[1,2]}', '{"a":[1,2],"b":1}'],
    ["JSON", { b: 1, a: [1, 2] }, '{"a":[1,2],"b":1}'],
    ["JSON", "no json", "no json"],
    ["JSON", "[9007199254740993]", "[9007199254740993]"],
    ["MultiSelect", "y,x,y", ["x", "y"]],
    ["MultiSelect", ["y", "x"], ["x", "y"]],
    ["MultiSelect", "", null],
    ["User", [{ id: "us2" }, { id: "us1" }], ["us1", "us2"]],
    ["SingleLineText", "", null],
    ["SomethingNew", { b: 1, a: 2 }, '{"a":2,"b":1}'],
    ["Lookup", ["k", 1], '["k",1]'],
  ])("%s %j", (uidt, cell, value) => {
    expect(read(uidt, cell)).toEqual(value);
  });

  test("attachments by their own id, as a list or as text; very old ones by their path", () => {
    const list = [
      { id: "att2", title: "b" },
      { path: "download/x/a.txt", title: "a" },
    ];
    expect(read("Attachment", list)).toEqual(["att2", "download/x/a.txt"]);
    expect(read("Attachment", JSON.stringify(list))).toEqual(["att2", "download/x/a.txt"]);
    expect(attachmentsOf("damaged [")).toEqual([]);
    expect(attachmentsOf(list).map(fileIdOf)).toEqual(["att2", "download/x/a.txt"]);
  });

  test("a time that is none is null", () => {
    expect([timeOf(null), timeOf("x"), timeOf("2026-01-01 00:00:00+00:00")]).toEqual([null, null, Date.UTC(2026, 0, 1)]);
  });
});

describe("values that are sent", () => {
  const of = (platformType: string): Field => ({ ...field("x", semanticType(platformType)), platformType });
  const members = new Set(["us1"]);

  test("digits a double cannot hold go as text, others as numbers", () => {
    expect(toNocoDb(of("Number"), "9007199254740993", members)).toBe("9007199254740993");
    expect(toNocoDb(of("Number"), "7", members)).toBe(7);
    expect(toNocoDb(of("Decimal"), "0.1", members)).toBe(0.1);
    expect(toNocoDb(of("Decimal"), "0.1000000000000000055", members)).toBe("0.1000000000000000055");
  });

  test("empty is null, so that no default takes its place", () => {
    expect(toNocoDb(of("Checkbox"), null, members)).toBeNull();
    expect(toNocoDb(of("MultiSelect"), [], members)).toBeNull();
  });

  test("truth, lists, and people who are members only", () => {
    expect(toNocoDb(of("Checkbox"), "false", members)).toBe(false);
    expect(toNocoDb(of("MultiSelect"), ["a", "b"], members)).toBe("a,b");
    expect(toNocoDb(of("User"), ["us1", "us2"], members)).toBe("us1");
    expect(toNocoDb(of("User"), ["us2"], members)).toBeNull();
  });
});

test("conditions: numbers bare, other keys quoted, which the whole says once", () => {
  expect(all(oneOf("c1", [1, "2"]))).toBe("(c1,in,1,2)");
  expect(all(compared("c1", "gte", 1), compared("c1", "lte", 9))).toBe("(c1,gte,1)~and(c1,lte,9)");
  expect(all(oneOf("c1", ["a,b", 'q"']), compared("c2", "gt", 3))).toBe('@(c1,in,"a,b","q\\"")~and(c2,gt,3)');
});

test("secrets of webhooks: their places stay, what they hold does not", () => {
  const kept = withoutSecrets({
    type: "URL",
    payload: {
      path: "https://user:pass@hooks.example.com/x?token=abc&page=2",
      auth: "Basic abc",
      body: "{{ json event }}",
      headers: [
        { name: "Authorization", value: "Bearer abc", enabled: true },
        { name: "X-Page", value: "2", enabled: true },
      ],
      api_key: "abc",
    },
  });
  expect(JSON.stringify(kept)).not.toMatch(/abc|pass/u);
  expect(kept).toMatchObject({
    payload: {
      path: "https://hooks.example.com/x?token=&page=2",
      body: "{{ json event }}",
      headers: [{ name: "Authorization" }, { value: "2" }],
    },
  });
});

test("a scratch base is ours by its description, under a title that fits", () => {
  const long = `restorewatch-${"x".repeat(80)}`;
  expect(titleOf(long)).toHaveLength(50);
  expect(titleOf(long)).not.toBe(titleOf(`${long}y`));
  expect(tagOf({ title: titleOf(long), description: `restorewatch scratch: ${long}` })).toBe(long);
  expect(tagOf({ title: "renamed", description: `restorewatch scratch: ${long}` })).toBeNull();
  expect(tagOf({ title: "restorewatch-x", description: null })).toBeNull();
});

test("an uploaded attachment says which one of the backup it is", () => {
  const path = `download/restorewatch/${Buffer.from("attü/1").toString("base64url")}/name_1.bin`;
  expect(uploadedId(path)).toBe("attü/1");
  expect(uploadedId("download/noco/x/name.bin")).toBeNull();
  expect(uploadedId(null)).toBeNull();
});

describe("how links are kept", () => {
  const id = (column: string) => ({ id: column, title: column, uidt: "ID", pk: 1 });
  const link = (column: string, more: object) => ({ id: column, title: column, uidt: "Links", colOptions: { type: "hm", ...more } });
  const table = (name: string, columns: readonly object[]) => tableSchema.parse({ id: name, title: name, columns });
  const toB = { fk_related_model_id: "b" };
  const toA = { fk_related_model_id: "a" };
  const a = table("a", [
    id("a.id"),
    link("a.many", { ...toB, fk_child_column_id: "b.fk", fk_parent_column_id: "a.id" }),
    link("a.mm", {
      ...toB,
      type: "mm",
      fk_mm_model_id: "j",
      fk_child_column_id: "a.id",
      fk_parent_column_id: "b.id",
      fk_mm_child_column_id: "j.a",
      fk_mm_parent_column_id: "j.b",
    }),
    link("a.odd", { ...toB, fk_child_column_id: "b.code", fk_parent_column_id: "a.code" }),
    { id: "a.made", title: "CreatedAt", uidt: "CreatedTime", system: 1 },
  ]);
  const b = table("b", [
    id("b.id"),
    { id: "b.fk", title: "a_id", uidt: "ForeignKey" },
    link("b.one", { ...toA, type: "bt", fk_child_column_id: "b.fk", fk_parent_column_id: "a.id" }),
    link("b.mm", {
      ...toA,
      type: "mm",
      fk_mm_model_id: "j",
      fk_child_column_id: "b.id",
      fk_parent_column_id: "a.id",
      fk_mm_child_column_id: "j.b",
      fk_mm_parent_column_id: "j.a",
    }),
  ]);
  const tables = new Map([a, b].map((one) => [one.id, one]));
  const column = (of: typeof a, name: string) => {
    const found = of.columns.find((one) => one.id === name);
    if (found === undefined) throw new Error(name);
    return found;
  };

  test("in this table, in the other, in one between, or only the product knows", () => {
    expect(linkStore(column(b, "b.one"), b, tables)).toEqual({ kind: "own", column: "b.fk" });
    expect(linkStore(column(a, "a.many"), a, tables)).toEqual({ kind: "other", table: "b", column: "b.fk" });
    expect(linkStore(column(a, "a.mm"), a, tables)).toEqual({ kind: "junction", table: "j", here: "j.a", there: "j.b" });
    expect(linkStore(column(a, "a.odd"), a, tables)).toEqual({ kind: "asked" });
  });

  test("both sides know each other", () => {
    expect(reciprocalOf(column(a, "a.many"), a, tables)?.id).toBe("b.one");
    expect(reciprocalOf(column(b, "b.one"), b, tables)?.id).toBe("a.many");
    expect(reciprocalOf(column(a, "a.mm"), a, tables)?.id).toBe("b.mm");
    expect(reciprocalOf(column(a, "a.odd"), a, tables)).toBeNull();
  });

  test("keys, pointers and what the product keeps for itself are no fields", () => {
    expect(visibleColumns(b).map((one) => one.id)).toEqual(["b.mm", "b.one"]);
    expect(visibleColumns(a).map((one) => one.id)).not.toContain("a.made");
  });
});
