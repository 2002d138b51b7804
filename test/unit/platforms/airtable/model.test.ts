import { describe, expect, test } from "vitest";
import { collectionOf, fits, updatesField } from "../../../../agent/platforms/airtable/model.ts";
import { editedSince } from "../../../../agent/platforms/airtable/records.ts";
import { baseSchema, recordsSchema, type Table, tableSchema } from "../../../../agent/platforms/airtable/schema.ts";

const modified = (id: string, name: string, watched: readonly string[]) => ({
  id,
  name,
  type: "lastModifiedTime",
  options: { isValid: true, referencedFieldIds: [...watched], result: { type: "dateTime" } },
});

function table(fields: Table["fields"]): Table {
  return { id: "tbl1", name: "Deals", primaryFieldId: "fld1", fields, views: [] };
}

describe("tables as collections", () => {
  const links = { linkedTableId: "tbl2", inverseLinkFieldId: "fld9", prefersSingleRecordLink: true };
  const whole = table([
    { id: "fld1", name: "Name", type: "singleLineText" },
    { id: "fld2", name: "Stage", type: "singleSelect", options: { choices: [{ name: "won" }, { name: "lost" }, { id: "sel1" }] } },
    { id: "fld3", name: "People", type: "multipleRecordLinks", options: links },
    { id: "fld4", name: "Sum", type: "formula", options: { result: { type: "number", options: { precision: 2 } } } },
  ]);

  test("choices by name, links to several with their other side, computed fields lenient", () => {
    const [, stage, people, sum] = collectionOf(whole).fields;
    expect(stage?.options).toEqual(["lost", "won"]);
    expect(people?.link).toEqual({ collection: "tbl2", many: true, reciprocal: "fld9" });
    expect(sum).toMatchObject({ type: "decimal", computed: true, lenient: true });
    expect(collectionOf(whole)).toMatchObject({ keyKind: "platform", declaredRecords: null });
  });

  test("a table fits while every field is there by id, name and kind; one more changes nothing", () => {
    const collection = collectionOf(whole);
    expect(fits(collection, whole)).toBe(true);
    expect(fits(collection, { ...whole, fields: [...whole.fields, { id: "fld5", name: "New", type: "email" }] })).toBe(true);
    expect(fits(collection, { ...whole, fields: whole.fields.slice(1) })).toBe(false);
    expect(fits(collection, { ...whole, fields: whole.fields.map((field) => ({ ...field, name: `${field.name}!` })) })).toBe(false);
    expect(fits(collection, { ...whole, fields: whole.fields.map((field) => ({ ...field, type: "email" })) })).toBe(false);
    expect(fits(collection, undefined)).toBe(false);
  });
});

describe("the field that tells updates", () => {
  const some = modified("fldSome", "Stage changed", ["fld2"]);
  const all = modified("fldAll", "Changed", []);
  const both = collectionOf(table([some, all]));

  test("is one that watches every field, or the one that is named, by id or name; no other kind", () => {
    expect(updatesField(both, null)?.id).toBe("fldAll");
    expect(updatesField(both, "Stage changed")?.id).toBe("fldSome");
    expect(updatesField(both, "fldSome")?.id).toBe("fldSome");
    expect(updatesField(collectionOf(table([some])), null)).toBeNull();
    expect(updatesField(collectionOf(table([{ id: "fld1", name: "Changed", type: "dateTime" }])), "Changed")).toBeNull();
  });

  test("is what records since are asked by, together with new ones; a second early", () => {
    const since = Date.UTC(2026, 10, 23, 12, 0, 1, 500);
    expect(editedSince(updatesField(both, "Stage changed"), since)).toBe(
      "OR(IS_AFTER({fldSome},DATETIME_PARSE('2026-11-23T12:00:00.499Z')),IS_AFTER(CREATED_TIME(),DATETIME_PARSE('2026-11-23T12:00:00.499Z')))",
    );
    expect(editedSince(null, since)).toContain("IS_AFTER(LAST_MODIFIED_TIME(),");
  });
});

describe("answers", () => {
  test("what is not used may be anything; what is used has to be there", () => {
    const bare = { id: "tbl1", name: "T", primaryFieldId: "fld1", fields: [], dateDependencySettings: 7 };
    expect(tableSchema.parse(bare)).toEqual({ id: "tbl1", name: "T", primaryFieldId: "fld1", fields: [], views: [] });
    expect(tableSchema.safeParse({ ...bare, primaryFieldId: undefined }).success).toBe(false);
    expect(recordsSchema.safeParse({ records: [{ id: "rec1", fields: {} }] }).success).toBe(false);
    expect(recordsSchema.safeParse({ records: [{ id: "rec1", createdTime: "x", fields: {}, commentCount: 3 }] }).success).toBe(true);
    expect(baseSchema.parse({})).toEqual({});
    expect(baseSchema.parse({ groupCollaborators: {} })).toEqual({
      groupCollaborators: { baseCollaborators: [], workspaceCollaborators: [] },
    });
  });
});
