/** What needs no Directus: cells, schema as collections, secrets, refusals. */
import { describe, expect, test } from "vitest";
import { AgentError } from "../../../../agent/core/errors.ts";
import { HttpError } from "../../../../agent/kit/http/errors.ts";
import { refusalOf } from "../../../../agent/platforms/directus/errors.ts";
import { anyLinks, collectionsOf, keyIsTheirs, withUnmanaged } from "../../../../agent/products/directus/model.ts";
import { chunks, compareKeys } from "../../../../agent/platforms/directus/records.ts";
import { withoutSecrets } from "../../../../agent/products/directus/redact.ts";
import { Refusals } from "../../../../agent/platforms/directus/refusals.ts";
import * as answers from "../../../../agent/platforms/directus/schema.ts";
import { bears } from "../../../../agent/platforms/directus/scratch.ts";
import { kindly } from "../../../../agent/platforms/directus/specials.ts";
import { toDirectus } from "../../../../agent/platforms/directus/writing.ts";
import { canonical, plainDigits, semanticType, timeOf } from "../../../../agent/products/directus/values.ts";

describe("cells", () => {
  test.each([
    ["PostgreSQL's text and SQLite's number are one decimal", "decimal", ["0.2500", 0.25, "+0.25", "25e-2"], "0.25"],
    ["PostgreSQL's true and the 1 of SQLite and MySQL are one boolean", "boolean", [true, 1, "1"], "true"],
    ["and so are false and 0", "boolean", [false, 0, "0"], "false"],
    [
      "times in any zone are one instant",
      "timestamp",
      ["2026-03-29T02:30:00+02:00", "2026-03-29T00:30:00", "2026-03-29 00:30:00Z"],
      "2026-03-29T00:30:00.000Z",
    ],
    ["a date with a time of day is that date", "date", ["2026-02-28", "2026-02-28T00:00:00"], "2026-02-28"],
    [
      "the order of members means nothing",
      "json",
      [
        { a: 1, b: [2] },
        { b: [2], a: 1 },
      ],
      '{"a":1,"b":[2]}',
    ],
    ["nothing is nothing", "text", [null, undefined, ""], null],
    ["what does not fit is kept as it is", "boolean", ["maybe"], "maybe"],
    ["a time that is none too", "timestamp", ["soon"], "soon"],
  ] as const)("%s", (_what, type, cells, value) => {
    for (const cell of cells) expect(canonical(type, cell)).toBe(value);
  });

  test.each([
    ["007", "7"],
    ["-0.0", "0"],
    ["1e3", "1000"],
    ["1.50e1", "15"],
    ["5e-3", "0.005"],
    ["12345678901234567.8912300000", "12345678901234567.89123"],
    ["9007199254740993", "9007199254740993"],
    ["1e9999", "1e9999"],
    ["NaN", "NaN"],
  ])("%s is %s", (given, plain) => {
    expect(plainDigits(given)).toBe(plain);
  });

  test("a time without a zone is UTC; what is no time has no place on a clock", () => {
    expect(timeOf("2026-03-29T00:30:00")).toBe(Date.UTC(2026, 2, 29, 0, 30));
    expect(timeOf("2026-13-40T00:30:00")).toBeNull();
    expect(timeOf(17)).toBeNull();
  });

  test("what is sent comes back as what was stored", () => {
    const of = (type: Parameters<typeof toDirectus>[0]["type"], platformType: string, value: string | null) =>
      toDirectus({ type, platformType }, value);
    expect(of("boolean", "boolean", "false")).toBe(false);
    expect(of("json", "json", '{"a":[1]}')).toEqual({ a: [1] });
    expect(of("json", "csv", "no json")).toBe("no json");
    expect(of("timestamp", "dateTime", "2026-03-29T02:30:00.000Z")).toBe("2026-03-29T02:30:00");
    expect(of("timestamp", "timestamp", "2026-03-29T02:30:00.123Z")).toBe("2026-03-29T02:30:00.123Z");
    expect(of("decimal", "decimal", "12345678901234567.89123")).toBe("12345678901234567.89123");
    expect(of("text", "string", null)).toBeNull();
  });

  test("types it does not know hold text; shapes on a map are json, as lists in an order of their own are", () => {
    expect([semanticType("geometry.Point"), semanticType("csv"), semanticType("bigInteger"), semanticType("of tomorrow")]).toEqual([
      "json",
      "json",
      "integer",
      "text",
    ]);
  });
});

const column = (collection: string, field: string, type: string, schema: object | null = {}, meta: object | null = {}) => ({
  collection,
  field,
  type,
  schema,
  meta,
});
const table = (collection: string, meta: object | null = {}) => ({ collection, schema: {}, meta });

const SNAPSHOT = answers.snapshotSchema.parse({
  version: 1,
  directus: "12.4.0",
  collections: [table("posts"), { collection: "folder", schema: null, meta: {} }, table("keyless"), table("blocks"), table("tags")],
  fields: [
    column("posts", "id", "integer", { is_primary_key: true, has_auto_increment: true }),
    column("posts", "title", "string", { max_length: 20, is_nullable: false }),
    column("posts", "state", "string", {}, { options: { choices: [{ text: "A", value: "a" }] } }),
    column("posts", "any", "string", {}, { options: { choices: [{ value: "a" }], allowOther: true } }),
    column("posts", "tag", "integer"),
    column("posts", "cover", "uuid"),
    column("posts", "owner", "uuid"),
    column("posts", "made", "timestamp", {}, { special: ["date-created", "cast-timestamp"] }),
    column("posts", "blocks", "alias", null, { special: ["o2m"] }),
    column("keyless", "name", "string"),
    column("blocks", "id", "uuid", { is_primary_key: true }),
    column("blocks", "item", "string"),
    column("blocks", "collection", "string"),
    column("tags", "code", "string", { is_primary_key: true }),
  ],
  relations: [
    { collection: "posts", field: "tag", related_collection: "tags" },
    { collection: "posts", field: "cover", related_collection: "directus_files" },
    { collection: "posts", field: "owner", related_collection: "directus_users" },
    {
      collection: "blocks",
      field: "item",
      related_collection: null,
      meta: { one_collection_field: "collection", one_allowed_collections: ["posts", "tags", "gone"] },
    },
  ],
});

describe("the schema", () => {
  const found = new Map(collectionsOf(SNAPSHOT, null).map((one) => [one.collection.id, one.collection]));

  test("tables with one key, in the order of their names; folders and tables without a key are none", () => {
    expect([...found.keys()]).toEqual(["blocks", "posts", "tags"]);
    expect(collectionsOf(SNAPSHOT, new Set(["tags", "never"])).map((one) => one.collection.id)).toEqual(["tags"]);
  });

  test("the key is no field, an alias no column; links, files and choices are told apart", () => {
    expect(found.get("posts")?.fields.map((field) => [field.id, field.type, field.link?.collection ?? null])).toEqual([
      ["title", "text", null],
      ["state", "choice", null],
      ["any", "text", null],
      ["tag", "link", "tags"],
      ["cover", "file", null],
      ["owner", "text", null],
      ["made", "timestamp", null],
    ]);
    expect(found.get("posts")?.fields[0]).toMatchObject({ required: true, maxLength: 20 });
  });

  test("a link to any of several is one link for each there is", () => {
    expect(found.get("blocks")?.fields.map((field) => field.id)).toEqual(["item", "item:posts", "item:tags", "collection"]);
    expect(anyLinks("blocks", SNAPSHOT.relations).get("item:tags")).toEqual({ field: "item", names: "collection", target: "tags" });
  });

  test("keys of people are not printed as those of the product are", () => {
    expect([found.get("posts")?.keyKind, found.get("blocks")?.keyKind, found.get("tags")?.keyKind]).toEqual([
      "platform",
      "platform",
      "natural",
    ]);
    const key = SNAPSHOT.fields.find((field) => field.collection === "tags");
    expect(key !== undefined && keyIsTheirs(key)).toBe(false);
  });

  test("a table beside Directus is added with its fields and relations; tables of the system and folders are not", () => {
    const there = z_collections([
      table("stray", null),
      table("directus_users"),
      { collection: "other folder", schema: null, meta: {} },
      table("posts"),
    ]);
    const fields = [answers.fieldSchema.parse(column("stray", "id", "integer", { is_primary_key: true }, null))];
    const relations = [answers.relationSchema.parse({ collection: "stray", field: "post", related_collection: "posts" })];
    const all = withUnmanaged(SNAPSHOT, there, fields, relations);
    expect(collectionsOf(all, null).map((one) => one.collection.id)).toEqual(["blocks", "posts", "stray", "tags"]);
    expect(all.relations).toHaveLength(SNAPSHOT.relations.length + 1);
    expect(withUnmanaged(SNAPSHOT, there.slice(1), fields, relations)).toEqual(SNAPSHOT);
  });

  test("kinds that would write by themselves are taken off, kinds that say how a value is written are left", () => {
    const made = SNAPSHOT.fields.find((field) => field.field === "made");
    expect(made === undefined ? null : kindly(made)).toEqual(["cast-timestamp"]);
    expect(kindly(answers.fieldSchema.parse(column("posts", "pass", "hash", {}, { special: ["hash", "conceal"] })))).toBeNull();
  });

  test("numbers in their order, beyond 2^53 too; texts by code point", () => {
    const key = (type: string) => ({ key: answers.fieldSchema.parse(column("a", "id", type)) });
    expect(compareKeys("9", "10", key("integer"))).toBe(-1);
    expect(compareKeys("9007199254740993", "9007199254740992", key("bigInteger"))).toBe(1);
    expect(compareKeys("9", "10", key("string"))).toBe(1);
    expect(chunks([1, 2, 3], 2)).toEqual([[1, 2], [3]]);
  });

  test("SQLite's flags are numbers", () => {
    expect(answers.columnSchema.parse({ is_nullable: 1, is_unique: 0 })).toMatchObject({
      is_nullable: true,
      is_unique: false,
      is_primary_key: false,
    });
    expect(answers.rowsSchema.parse(null)).toEqual([]);
    expect(answers.rowsSchema.parse({ id: 1 })).toEqual([{ id: 1 }]);
  });
});

function z_collections(given: readonly object[]): readonly answers.DirectusCollection[] {
  return given.map((one) => answers.collectionSchema.parse(one));
}

describe("secrets", () => {
  test("values under names of secrets are dropped, their names stay", () => {
    const given = {
      url: "https://user:hunter@example.com/path",
      headers: [
        { header: "Authorization", value: "Bearer one" },
        { header: "X-Api-Key", value: "two" },
        { header: "Accept", value: "text/html" },
      ],
      nested: { api_key: "three", smtp_password: "four", client_secret: "five", accessToken: "six" },
      raw_headers: "Cookie: seven",
      key: "id",
      require_token: true,
    };
    const kept = JSON.stringify(withoutSecrets(given));
    for (const secret of ["hunter", "one", "two", "three", "four", "five", "six", "seven"]) expect(kept, secret).not.toContain(secret);
    expect(withoutSecrets(given)).toMatchObject({ key: "id", require_token: true, url: "https://example.com/path" });
    expect(kept).toContain('"value":"text/html"');
    expect(kept).toContain('"api_key":null');
  });
});

describe("refusals", () => {
  const refused = (status: number | null, body: string) =>
    new AgentError("unsupported", "refused", "directus: It refused.", {
      cause: new HttpError("status", "refused", { ...(status === null ? {} : { status }), body }),
    });

  test("what it refused is counted by what and why; anything else goes on", async () => {
    const refusals = new Refusals();
    const limit = '{"errors":[{"message":"x","extensions":{"code":"LIMIT_EXCEEDED","field":"name"}}]}';
    for (let at = 0; at < 2; at += 1)
      expect(await refusals.told("records", "a record", () => Promise.reject(refused(403, limit)))).toBeNull();
    expect(await refusals.told("records", "a record", () => Promise.resolve(7))).toBe(7);
    expect(refusals.list()).toEqual([{ aspect: "records", reason: "Directus refused a record: LIMIT_EXCEEDED.", count: 2 }]);
    await expect(refusals.told("records", "a record", () => Promise.reject(new Error("ours")))).rejects.toThrow("ours");
  });

  test("a token that is refused, a wait and a broken line are no refusals; a body that was cut still tells its code", () => {
    for (const status of [401, 429, 302, 502, 503, null]) expect(refusalOf(refused(status, '{"code":"X_Y_Z"}'))).toBeNull();
    expect(refusalOf(refused(500, "<html>")), "a server that broke refuses nothing").toBeNull();
    expect(refusalOf(refused(400, '{"errors":[{"extensions":{"code":"RECORD_NOT_UNIQUE","field":"label"'))).toEqual({
      status: 400,
      code: "RECORD_NOT_UNIQUE",
      field: "label",
    });
    expect(refusalOf(refused(500, '{"errors":[{"extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}'))).toMatchObject({ status: 500 });
    expect(refusalOf(refused(404, "<html>"))).toEqual({ status: 404, code: "HTTP_404", field: null });
    expect(refusalOf(new Error("other"))).toBeNull();
  });
});

test("a tag is whole: one that only begins alike is another workspace's", () => {
  const tag = "restorewatch-shop-1";
  expect([bears(tag, tag), bears(`${tag} what stood there`, tag), bears(`${tag}2`, tag), bears(null, tag)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
