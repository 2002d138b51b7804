/** What a whole bag is read into. */
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { longSpec, PHOTO, PHOTO_SHA256, writeLibrary } from "../../../fixtures/bag/library.ts";
import { writeBag } from "../../../fixtures/bag/write.ts";
import { openBag, places, rowsOf, thrownBy, withBag } from "./read.ts";

const place = places();

describe("a whole bag", () => {
  it("gives tables with fields, keys and links as declared", async () => {
    await withBag(await writeLibrary(place()), place("work"), (content) => {
      expect(content.createdAt).toBe(Date.parse("2026-01-02T03:04:05Z"));
      const [authors, books] = content.collections;
      expect(authors).toMatchObject({ id: "authors", name: "Authors", keyKind: "platform", declaredRecords: 3, nextKey: "4" });
      expect(authors?.fields[0]).toMatchObject({
        id: "name",
        name: "Name",
        platformType: "SingleLineText",
        required: true,
        maxLength: 100,
      });
      expect(authors?.fields[2]?.link).toEqual({ collection: "books", many: true, reciprocal: "author" });
      expect(books?.fields.map((field) => [field.id, field.type, field.computed])).toEqual([
        ["title", "text", false],
        ["price", "decimal", false],
        ["isbn", "integer", false],
        ["lent", "boolean", false],
        ["seen", "timestamp", false],
        ["kind", "choice", false],
        ["tags", "choices", false],
        ["author", "link", false],
        ["cover", "files", false],
        ["meta", "json", false],
        ["label", "text", true],
      ]);
      expect(books?.fields[2]?.unique).toBe(true);
      expect(books?.fields[5]?.options).toEqual(["novel", "essay"]);
    });
  });

  it("gives records with exact numbers, times and lists; empty is null", async () => {
    await withBag(await writeLibrary(place()), place("work"), async (content) => {
      const [first, second] = await rowsOf(content, "books");
      expect(first?.values.slice(0, 5)).toEqual([
        "On shelves",
        "12345678901234567.89",
        "9007199254740993",
        "true",
        "2026-01-02T03:04:05.678Z",
      ]);
      expect(first?.values.slice(6, 9)).toEqual([["new", "❤️ loved", "🔥 hot"], "1", ["f1"]]);
      expect(second?.values).toEqual([null, "-0.50", "2", "false", null, "essay", null, "1", null, null, null]);
      const authors = await rowsOf(content, "authors");
      expect(authors.map((row) => [row.key, row.createdAt, row.updatedAt])).toEqual([
        ["1", Date.parse("2026-01-01T00:00:00Z"), Date.parse("2026-01-01T10:00:00.250Z")],
        ["2", Date.parse("2026-01-01T00:00:01Z"), null],
        ["3", null, null],
      ]);
      expect(await rowsOf(content, "empty")).toEqual([]);
    });
  });

  it("gives metadata, and says what in it leads nowhere", async () => {
    await withBag(await writeLibrary(place()), place("work"), (content) => {
      expect(content.automations.map((one) => [one.id, one.active, one.references.map((reference) => reference.resolved)])).toEqual([
        ["a1", true, [true, true]],
        ["a2", false, [false]],
      ]);
      expect(content.credentials).toEqual([{ id: "c1", type: "smtp", state: "not-included" }]);
      expect(content.views.map((view) => [view.id, view.broken])).toEqual([
        ["v1", null],
        ["v2", "not found: 1 field it shows"],
      ]);
      expect(content.access).toMatchObject([{ kind: "role", id: "editor", broken: null }]);
      expect(content.settings[0]?.digest).toMatch(/^[0-9a-f]{64}$/u);
      expect(content.aspects.automations).toEqual({ included: true });
      expect(content.aspects.audit.included).toBe(false);
      expect(content.aspects.timestamps.included).toBe(true);
    });
  });

  it("gives attachments by their digest, and tells those outside from those missing", async () => {
    await withBag(await writeLibrary(place()), place("work"), async (content) => {
      expect(content.files.map((file) => [file.id, file.presence])).toEqual([
        ["f1", "inside"],
        ["f2", "missing"],
        ["f3", "outside"],
      ]);
      expect(content.files[0]?.declaredDigest).toEqual({ algorithm: "sha256", value: PHOTO_SHA256 });
      const chunks: Uint8Array[] = [];
      for await (const chunk of content.fileBytes("f1", new AbortController().signal)) chunks.push(chunk);
      expect(Buffer.concat(chunks)).toEqual(PHOTO);
      const lost = content.fileBytes("f2", new AbortController().signal)[Symbol.asyncIterator]().next();
      await expect(lost).rejects.toMatchObject({ kind: "not_found" });
    });
  });

  it("says of what it does not hold why, in the capture's own words where it gives them", async () => {
    const path = place();
    const aspects = { views: "the token may not read views", audit: true };
    await writeBag(path, { tables: [], package: { restorewatch: { layout: "1", aspects } } });
    await withBag(path, place("work"), (content) => {
      expect(content.aspects.views).toEqual({ included: false, reason: "the token may not read views" });
      expect(content.aspects.audit).toEqual({ included: true });
      expect(content.aspects.files).toEqual({ included: false, reason: "The capture holds no files.json." });
      expect(content.aspects.sequences.included).toBe(false);
    });
  });

  it("is one of another tool: only what Frictionless knows, foreign keys and types included", async () => {
    const path = place();
    const resources = [
      {
        name: "a",
        path: "tables/a/part-00000.ndjson",
        schema: {
          fields: [
            { name: "n", type: "integer" },
            { name: "when", type: "datetime" },
          ],
        },
      },
      {
        name: "b",
        path: ["tables/b/part-00000.ndjson"],
        schema: {
          fields: [
            { name: "code", type: "string" },
            { name: "a", type: "string" },
            { name: "k", type: "string", constraints: { enum: ["x"] } },
          ],
          primaryKey: ["code"],
          foreignKeys: [{ fields: ["a"], reference: { resource: "a", fields: ["_key"] } }],
        },
      },
    ];
    const rows = { a: [{ _key: "1", n: "7", when: null }], b: [{ code: "B-1", a: "1", k: "x" }] };
    await writeBag(path, {
      compress: false,
      tables: [
        { id: "a", fields: [], rows: rows.a },
        { id: "b", fields: [], rows: rows.b },
      ],
      package: { resources, restorewatch: undefined },
    });
    await withBag(path, place("work"), async (content) => {
      expect(content.integrity.problems).toEqual([]);
      expect(content.formatVersion).toBeNull();
      const [a, b] = content.collections;
      expect(a?.fields.map((field) => field.type)).toEqual(["integer", "timestamp"]);
      expect(b).toMatchObject({ keyKind: "natural", declaredRecords: null });
      expect(b?.fields.map((field) => [field.type, field.unique])).toEqual([
        ["text", true],
        ["link", false],
        ["choice", false],
      ]);
      expect(b?.fields[1]?.link).toEqual({ collection: "a", many: false, reciprocal: null });
      expect(await rowsOf(content, "b")).toMatchObject([{ key: "B-1", values: ["B-1", "1", "x"] }]);
    });
  });

  it.runIf(existsSync("/proc/self/fd"))("streams that were begun and left lying hold no file open after close", async () => {
    const path = place();
    await writeBag(path, longSpec(30_000));
    const held = (): number =>
      readdirSync("/proc/self/fd").filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).startsWith(path);
        } catch {
          return false;
        }
      }).length;
    const content = await openBag(path, place("work"));
    const stream = content.records("people", new AbortController().signal)[Symbol.asyncIterator]();
    await stream.next();
    await content.close();
    expect(held()).toBe(0);
    expect(await thrownBy(content.records("people", new AbortController().signal)[Symbol.asyncIterator]().next())).toMatchObject({
      code: "content-closed",
    });
  });

  it("keeps what is written otherwise than the format says: numbers by their digits, text for a list, JSON for a text", async () => {
    const path = place();
    const lines = [
      '{"_key":7,"t":12345678901234567.890,"l":"one"}',
      '{"_key":"8","t":{"b":1e3,"a":[true,null]},"l":["z",1,"z",null,""]}',
      '  {"_key":"9","t":true,"l":[]}  ',
      "",
      '{"t":"no key","constructor":"x"}',
    ];
    await writeBag(path, {
      compress: false,
      tables: [
        {
          id: "t",
          fields: [
            { id: "t", type: "text" },
            { id: "l", type: "choices" },
            { id: "constructor", type: "text" },
            { id: "__proto__", type: "text" },
          ],
          rows: [],
          lines,
        },
      ],
    });
    await withBag(path, place("work"), async (content) => {
      expect(content.bulk("t")).toBeNull();
      expect((await rowsOf(content, "t")).map((row) => [row.key, ...row.values])).toEqual([
        ["7", "12345678901234567.890", ["one"], null, null],
        ["8", '{"a":[true,null],"b":1e3}', ["1", "z"], null, null],
        ["9", "true", null, null, null],
        ["", "no key", null, "x", null],
      ]);
    });
  });
});
