import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Json, template } from "../../../fixtures/baserow/build.ts";
import { problemsOf, REAL, recogniseBytes, recordsIn, refusal, withJson } from "./opening.ts";

interface Parts {
  readonly template: Json;
  readonly tables: Json[];
  readonly fields: Json[];
  readonly rows: Json[];
  readonly views: Json[];
  readonly page: Json;
  readonly dashboard: Json;
}

/** A whole template in which `change` breaks something. */
function broken(change: (parts: Parts) => void): Json {
  const whole = structuredClone(template()) as Json & { export: Json[] };
  const [database, builder, , dashboard] = whole.export as [Json, Json, Json, Json];
  const tables = database["tables"] as Json[];
  const books = tables[0] as { fields: Json[]; rows: Json[]; views: Json[] };
  change({ template: whole, tables, ...books, page: (builder["pages"] as [Json])[0], dashboard });
  return whole;
}

const first = (items: readonly Json[]): Json => items[0] ?? {};

describe("what the export contradicts itself in is told", () => {
  it.each<[string, (parts: Parts) => void, string]>([
    [
      "an option that is not there",
      ({ rows }) => Object.assign(first(rows), { field_17: 999 }),
      "1 value of Books.Kind names a select option that is not there.",
    ],
    [
      "options that are not there",
      ({ rows }) => Object.assign(first(rows), { field_18: [103, 998, 999] }),
      "2 values of Books.Tags name a select option that is not there.",
    ],
    [
      "a value of another kind",
      ({ rows }) => Object.assign(first(rows), { field_11: ["x"] }),
      "1 value of Books.Title is not what a field of type text holds.",
    ],
    [
      "a link that is no list",
      ({ rows }) => Object.assign(first(rows), { field_19: 1 }),
      "1 value of Books.Author is not what a field of type link_row holds.",
    ],
    ["a row without a place for a field", ({ rows }) => delete first(rows)["field_11"], "1 row of Books has no place for Title."],
    ["a field that no row has", ({ rows }) => rows.forEach((row) => delete row["field_12"]), "3 rows of Books have no place for Pages."],
    [
      "a field dropped, its values left",
      ({ fields }) => fields.splice(1, 1),
      "Rows of Books hold values of 1 field that the table does not have.",
    ],
    [
      "a time that is none",
      ({ rows }) => Object.assign(first(rows), { created_on: "soon" }),
      "1 row of Books has a time that cannot be read.",
    ],
    ["two fields of one id", ({ fields }) => fields.push({ ...first(fields), primary: false }), "Two fields of Books have the id 11."],
    ["two tables of one id", ({ tables }) => tables.push({ ...tables[1] }), "Two tables have the id 2."],
    ["no primary field", ({ fields }) => Object.assign(first(fields), { primary: false }), "Books has no primary field."],
    ["two primary fields", ({ fields }) => Object.assign(fields[1] ?? {}, { primary: true }), "Books has more than one primary field."],
    ["no views", ({ tables }) => delete first(tables)["views"], "Books has no list of views."],
    [
      "a lookup of a lost field",
      ({ fields }) => fields.forEach((field) => field["type"] === "lookup" && Object.assign(field, { target_field_id: 777 })),
      "Books.Author names is computed from a field that is not there.",
    ],
  ])("%s", async (_, change, problem) => {
    await withJson(broken(change), (content) => {
      expect(content.integrity.problems).toEqual([problem]);
      expect(content.integrity.complete).toBe(false);
    });
  });

  it("but not the far side of a link that Baserow fills itself", async () => {
    const value = broken(({ tables }) => ((tables[1] ?? {})["rows"] as Json[]).forEach((row) => delete row["field_22"]));
    expect(await problemsOf(value)).toEqual([]);
  });

  it("an option that is not there stays as its id", async () => {
    const value = broken(({ rows }) => Object.assign(first(rows), { field_17: 999 }));
    await withJson(value, async (content) => expect((await recordsIn(content, "1"))["1"]?.["Kind"]).toBe("999"));
  });

  it("rows with the same id are both handed over", async () => {
    const value = broken(({ rows }) => rows.push({ ...first(rows) }));
    await withJson(value, async (content) => {
      const keys: string[] = [];
      for await (const batch of content.records("1", new AbortController().signal)) keys.push(...batch.map((record) => record.key));
      expect(keys).toEqual(["1", "2", "7", "1"]);
    });
  });
});

describe("broken views", () => {
  it.each<[string, (view: Json) => void, string]>([
    ["shows", (view) => Object.assign(view, { field_options: [{ field_id: 777 }] }), "1 field it shows"],
    ["filters", (view) => Object.assign(view, { filters: [{ field_id: 777, group: null }, { field_id: 778 }] }), "2 fields it filters by"],
    ["sorts", (view) => Object.assign(view, { sortings: [{ field_id: 777 }] }), "1 field it sorts by"],
    ["groups", (view) => Object.assign(view, { group_bys: [{ field_id: 777 }] }), "1 field it groups by"],
    [
      "colours by one field",
      (view) => Object.assign(view, { decorations: [{ value_provider_conf: { field_id: 777 } }] }),
      "1 field it colours by",
    ],
    [
      "colours by conditions",
      (view) => Object.assign(view, { decorations: [{ value_provider_conf: { colors: [{ filters: [{ field: 777 }] }] } }] }),
      "1 field it colours by",
    ],
    [
      "asks for",
      (view) => Object.assign(view, { field_options: [{ field_id: 11, conditions: [{ field: 777 }] }] }),
      "1 field a condition asks for",
    ],
    ["is laid out", (view) => Object.assign(view, { card_cover_image_field_id: 777 }), "1 field it is laid out by"],
    ["a field of another table", (view) => Object.assign(view, { sortings: [{ field_id: 21 }] }), "1 field it sorts by"],
    ["a filter group", (view) => Object.assign(view, { filter_groups: [] }), "a group of its filters"],
  ])("%s", async (_, change, what) => {
    await withJson(
      broken(({ views }) => change(first(views))),
      (content) => {
        expect(content.views.map((view) => view.broken)).toEqual([`not found: ${what}`, null, null, null]);
      },
    );
  });

  it("a widget without its data source", async () => {
    await withJson(
      broken(({ dashboard }) => (dashboard["data_sources"] = [])),
      (content) => {
        expect(content.views.at(-1)).toMatchObject({ id: "widget/98", broken: "not found: the data source it shows" });
      },
    );
  });
});

describe("broken references of pages", () => {
  const unresolved = (value: unknown): Promise<string[]> =>
    withJson(value, (content) =>
      content.automations.flatMap((one) => one.references.filter((reference) => !reference.resolved).map((reference) => reference.target)),
    );

  it.each<[string, Json, string]>([
    ["table", { table_id: 777 }, "table 777"],
    ["field", { field_id: 777 }, "field 777"],
    ["integration", { integration_id: 777 }, "integration 777"],
    ["page", { navigate_to_page_id: 777 }, "page 777"],
    ["element", { element_id: 777 }, "element 777"],
    ["data source", { data_source_id: 777 }, "data source 777"],
  ])("a %s that is not there", async (_, reference, target) => {
    const value = broken(({ page }) => (page["workflow_actions"] as Json[]).push({ id: 1, type: "x", service: reference }));
    expect(await unresolved(value)).toEqual([target]);
  });

  it("tables are not called missing where no database was exported at all", async () => {
    const { export: all } = template() as { export: Json[] };
    expect(await unresolved(all.slice(1))).toEqual([]);
  });
});

it("a password of an integration in clear is told, and not repeated", async () => {
  const { export: all } = template() as { export: Json[] };
  const mail = { ...all[2], integrations: [{ id: 83, name: "Mail", type: "smtp", password: "correct horse" }] };
  await withJson([all[0], mail], (content) => {
    expect(content.integrity.plainSecrets).toEqual(["Reminders: integrations hold a password or token in clear"]);
    expect(content.credentials).toEqual([{ id: "integration/83", type: "smtp", state: "plain" }]);
    expect(JSON.stringify([content.integrity, content.settings, content.automations])).not.toContain("correct horse");
  });
});

describe("refused", () => {
  const text = JSON.stringify(template());
  const deep = (depth: number): string => `{"baserow_template_version":1,"export":${"[".repeat(depth)}${"]".repeat(depth)}}`;

  it.each([
    ["an empty file", "", /^damaged json-empty/],
    ["white space", " \n ", /^damaged json-empty/],
    ["NUL bytes", `${text.slice(0, 50)}\0${text.slice(50)}`, /^damaged json-nul-bytes: .*from byte 50 on/],
    [
      "invalid UTF-8",
      Buffer.concat([Buffer.from(text.slice(0, 50)), Buffer.from([0xff]), Buffer.from(text.slice(50))]),
      /^damaged json-not-utf8: .*first at byte 50\./,
    ],
    ["something after the end", `${text}{}`, /^damaged json-trailing/],
    ["a broken comma", text.replace(",", ";"), /^damaged json-broken: .*line 1, column 30\./],
    ["10,000 levels", deep(10_000), /^limit too-deep/],
    ["10,000 levels that never end", '{"a":'.repeat(10_000), /^limit too-deep/],
    ["5 million levels", "[".repeat(5_000_000), /^limit too-deep/],
    ["another JSON", '{"name":"x"}', /^damaged not-baserow/],
    ["a template without applications", '{"baserow_template_version":1}', /^damaged baserow-structure/],
    ["a list of numbers", "[1,2]", /^damaged baserow-structure: Application 1/],
    ["a number", "5", /^damaged not-baserow/],
    ["a database without tables", '[{"id":1,"type":"database"}]', /^damaged baserow-structure: Database 1 has no list of tables/],
    ["a table without rows", '[{"id":1,"type":"database","tables":[{"id":1,"fields":[]}]}]', /Table 1 of database 1 has no list of rows/],
    ["a row without an id", JSON.stringify(broken(({ rows }) => delete rows[1]?.["id"])), /Row 2 of table 1 has no id/],
    [
      "a field without a type",
      JSON.stringify(broken(({ fields }) => delete fields[2]?.["type"])),
      /Field 3 of table 1 has no id or no type/,
    ],
  ])("%s", async (_, bytes, outcome) => {
    expect(await refusal(bytes)).toMatch(outcome);
  });

  it("within the depth that is allowed, nesting is no trouble", async () => {
    expect(await refusal(deep(60))).toMatch(/^damaged baserow-structure/);
  });

  it("a document cut anywhere, with the place where it stops", async () => {
    const at = text.indexOf('"Knots for sailors"');
    expect(await refusal(text.slice(0, at))).toBe(
      `damaged json-truncated: The export is cut off: it ends at character ${at}, inside export[0].tables[0].rows[1], before it closes.`,
    );
    const real = readFileSync(join(REAL, "recipe-book.json"));
    for (let step = 1; step < 60; step += 1) {
      const head = real.subarray(0, Math.floor((real.length * step) / 60));
      expect(await refusal(head)).toMatch(/^damaged json-(truncated|not-utf8)/);
      expect((await recogniseBytes(head)).confidence).toBeGreaterThanOrEqual(0.9);
    }
  });

  it("keys that people wrote are not told", async () => {
    expect(await refusal('{"baserow_template_version":1,"Dear Bo Smith":{"export":[')).not.toContain("Smith");
  });
});

describe("a document is recognised", () => {
  it.each([
    ["its first 40 bytes", JSON.stringify(template()).slice(0, 40), "1"],
    ["a byte order mark before it", `\ufeff${JSON.stringify(template())}`, "1"],
    ["a bare list, cut", '[{"id": 1, "name": "x", "order": 1, "type": "database", "tables": [{"id', null],
    ["an application alone", '{"id":1,"name":"x","order":1,"type":"builder","pages":[', null],
  ])("%s", async (_, bytes, version) => {
    const found = await recogniseBytes(bytes);
    expect(found.confidence).toBeGreaterThanOrEqual(0.5);
    expect(found.formatVersion).toBe(version);
  });

  it.each([
    '{"data":[{"id":1,"name":"x","type":"database","tables":[]}]}',
    '[{"id":"1","type":"tab","label":"x"},{"id":"2","type":"inject","wires":[]}]',
    '{"nodes":[],"connections":{},"name":"an n8n workflow","id":"1","type":"x"}',
    '[{"type":"database"}]',
  ])("not %s", async (bytes) => {
    expect((await recogniseBytes(bytes)).confidence).toBeLessThan(0.5);
  });
});
