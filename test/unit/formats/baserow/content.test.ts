import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../../../agent/core/ids.ts";
import { MANUAL, PHOTO, storedName, template, workspace } from "../../../fixtures/baserow/build.ts";
import { recordsIn, withJson } from "./opening.ts";

describe("a template", () => {
  it("gives fields with their types in Baserow's words and ours", async () => {
    await withJson(template(), (content) => {
      const fields = content.collections[0]?.fields ?? [];
      expect(fields.map((field) => `${field.platformType} ${field.type}${field.computed ? " computed" : ""}`)).toEqual([
        "text text",
        "number integer",
        "number decimal",
        "boolean boolean",
        "date date",
        "date timestamp",
        "single_select choice",
        "multiple_select choices",
        "link_row links",
        "file files",
        "duration decimal",
        "password text",
        "uuid text",
        "autonumber integer",
        "multiple_collaborators choices",
        "created_on date computed",
        "last_modified timestamp computed",
        "last_modified_by text computed",
        "rating integer",
        "formula decimal computed",
        "lookup json computed",
        "count integer computed",
        "rollup json computed",
        "link_row links",
        "ai text",
        "url text",
      ]);
      const named = (name: string): (typeof fields)[number] | undefined => fields.find((field) => field.name === name);
      expect(named("Author")?.link).toEqual({ collection: "2", many: true, reciprocal: "22" });
      expect(named("Sequel of")?.link).toEqual({ collection: "1", many: true, reciprocal: null });
      expect(named("Kind")?.options).toEqual(["novel", "guide"]);
      expect(named("Shop")?.unique).toBe(true);
      expect(fields.filter((field) => field.unique)).toHaveLength(1);
    });
  });

  it("gives canonical values", async () => {
    await withJson(template(), async (content) => {
      const books = await recordsIn(content, "1");
      expect(Object.keys(books)).toEqual(["1", "2", "7"]);
      expect(books["1"]).toEqual({
        Title: "The long way round",
        Pages: "312",
        Price: "12.5",
        Lent: "true",
        Bought: "2024-03-01",
        Seen: "2025-06-07T08:09:10.120Z",
        Kind: "novel",
        Tags: ["old", "signed"],
        Author: ["1"],
        Scans: [storedName(PHOTO, "jpg")],
        "Reading time": "5025.5",
        "Shelf code": `sha256:${sha256Hex("pbkdf2_sha256$1$salt$hash")}`,
        Reference: "11a6c4d8-0d7e-4d2e-9a3e-2f1f6f0f8a01",
        Number: "1",
        Keepers: ["al@example.com", "bo@example.com"],
        "Made on": "2024-05-02",
        "Changed at": "2024-05-03T06:43:00.883Z",
        "Changed by": "bo@example.com",
        Rating: "4",
        Twice: null,
        "Author names": null,
        Authors: null,
        Longest: null,
        "Sequel of": null,
        Summary: "A walk",
        Shop: "https://example.com/1",
      });
      expect(books["2"]).toMatchObject({
        Pages: "9007199254740993",
        Price: "0",
        Bought: null,
        Tags: null,
        Author: ["1", "2"],
        "Sequel of": ["1"],
      });
      expect(books["7"]).toMatchObject({ Title: null, Price: "-3.1", Author: null, Scans: null, "Changed by": null });
    });
  });

  it("names its files and does not hold them", async () => {
    await withJson(template(), async (content) => {
      expect(content.files).toEqual([
        {
          ...{ id: storedName(PHOTO, "jpg"), name: "shelf.jpg", bytes: null, declaredType: null, presence: "outside" },
          declaredDigest: { algorithm: "sha256", value: sha256Hex(PHOTO) },
        },
        {
          ...{ id: storedName(MANUAL, "pdf"), name: "manual.pdf", bytes: null, declaredType: null, presence: "outside" },
          declaredDigest: { algorithm: "sha256", value: sha256Hex(MANUAL) },
        },
      ]);
      expect(content.aspects.files).toMatchObject({ included: false });
      const bytes = content.fileBytes(storedName(PHOTO, "jpg"), new AbortController().signal);
      await expect(bytes[Symbol.asyncIterator]().next()).rejects.toMatchObject({ kind: "not_found" });
    });
  });

  it("gives views, and widgets of dashboards, whole", async () => {
    await withJson(template(), (content) => {
      expect(content.views).toEqual([
        { id: "201", name: "Books / All", type: "grid", collection: "1", broken: null },
        { id: "202", name: "Books / By kind", type: "kanban", collection: "1", broken: null },
        { id: "203", name: "Books / Add a book", type: "form", collection: "1", broken: null },
        { id: "widget/98", name: "Figures / Books", type: "summary", collection: null, broken: null },
      ]);
    });
  });

  it("gives pages that do something and workflows as automations, with what they refer to", async () => {
    await withJson(template(), (content) => {
      const [page, live, draft] = content.automations;
      expect(content.automations).toHaveLength(3);
      expect(page).toMatchObject({ id: "page/91", name: "Desk / Start", active: false, trigger: "click" });
      expect(page?.references.map((one) => `${one.kind} ${one.target} ${one.resolved}`).sort()).toEqual([
        "collection field 11 true",
        "collection table 1 true",
        "credential integration 81 true",
        "node data source 912 true",
        "node element 911 true",
        "sub-flow page 92 true",
      ]);
      expect(live).toMatchObject({ id: "workflow/95", name: "Reminders / Remind", active: true, trigger: "rows_created_trigger" });
      expect(live?.references.map((one) => `${one.kind} ${one.target}`)).toContain("webhook request 953");
      expect(JSON.stringify(live?.references)).not.toContain("example.com");
      expect(draft).toMatchObject({ id: "workflow/96", active: false, trigger: null, references: [] });
      expect(content.credentials).toEqual([
        { id: "integration/81", type: "local_baserow", state: "not-included" },
        { id: "integration/83", type: "smtp", state: "not-included" },
      ]);
    });
  });

  it("gives settings whose digests change with what they hold", async () => {
    const digests = (value: unknown): Promise<Record<string, string>> =>
      withJson(value, (content) => Object.fromEntries(content.settings.map((one) => [one.id, one.digest])));
    const before = await digests(template());
    expect(Object.keys(before)).toEqual(
      expect.arrayContaining(["template", "application/5", "application/8", "page/91", "page/92", "user-source/82", "formula/40"]),
    );
    const changed = JSON.parse(JSON.stringify(template()).replace("field('Price') * 2", "field('Price') * 3")) as unknown;
    const after = await digests(changed);
    expect(Object.keys(before).filter((id) => before[id] !== after[id])).toEqual(["formula/40"]);
  });

  it("says why what it lacks is not in it", async () => {
    await withJson(template(), (content) => {
      const lacking = Object.entries(content.aspects).filter(([, state]) => !state.included);
      expect(lacking.map(([aspect]) => aspect)).toEqual(["credentials", "files", "access", "templates", "sequences", "audit"]);
    });
  });
});

it("a workspace without any application is whole and empty", async () => {
  await withJson({ ...template([]), export: [] }, (content) => {
    expect(content.collections).toEqual([]);
    expect(content.integrity.complete).toBe(true);
  });
});

it("an application of a kind yet unknown is kept as a setting", async () => {
  await withJson([...workspace(), { id: 99, name: "New", order: 9, type: "whiteboard", boards: [1] }], (content) => {
    expect(content.settings.map((one) => one.id)).toContain("application/99");
    expect(content.integrity.complete).toBe(true);
  });
});
