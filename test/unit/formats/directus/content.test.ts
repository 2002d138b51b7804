/** What a real export of Directus 12.4.0 is read as, and what of it is told as missing or in doubt. */
import { describe, expect, test } from "vitest";
import type { Content } from "../../../../agent/core/ports.ts";
import { contextIn, probeOf } from "../../../contracts/format.ts";
import { format, made, problemsOf, type RecordObject, seen, snapshotOf, textOf, within } from "./opening.ts";

const FIRST = {
  title: "article 0",
  pages: "0",
  big: "9007199254740993",
  ratio: "0.1",
  price: "12345678901234567.89123",
  ok: "false",
  meta: '{"a":"ü","b":[1,{"c":null}]}',
  words: '["b","a","b"]',
  ref: "11111111-1111-4111-8111-111111111111",
  pin: null,
  day: "2026-02-28",
  hour: "23:59:58",
  // A dateTime has no zone.
  local: "2026-03-29T02:30:00.000Z",
  moment: "2026-03-29T00:30:00.123Z",
  state: "out",
  author: "0a000000-0000-4000-8000-000000000001",
  parent: "4",
  cover: "0f000000-0000-4000-8000-000000000001",
};

const byKey = (records: readonly RecordObject[], key: string): RecordObject | undefined => records.find((record) => record.key === key);
const fieldOf = (content: Content, collection: string, field: string) =>
  content.collections.find((one) => one.id === collection)?.fields.find((one) => one.id === field);

async function csvFiles(): Promise<Record<string, string>> {
  const names = ["articles", "articles_blocks", "articles_tags", "authors", "countries", "empties", "notes", "quotes", "site", "tags"];
  const csv = await Promise.all(names.map(async (name): Promise<[string, string]> => [`${name}.csv`, await textOf(`csv/${name}.csv`)]));
  return { ...Object.fromEntries(csv), "snapshot.json": await textOf("button/snapshot.json") };
}

describe("the answers of the API", () => {
  test("every field type is one canonical value, with all its digits", () =>
    seen("rest", {}, async ({ content, records }) => {
      expect(content.integrity).toEqual({ complete: true, problems: [], checksums: null, plainSecrets: [] });
      expect(content.formatVersion).toBe("12.4.0");
      const articles = await records("articles");
      expect(articles).toHaveLength(40);
      expect(byKey(articles, "1")?.values).toMatchObject(FIRST);
      expect([byKey(articles, "4")?.values["ok"], byKey(articles, "7")?.values["ok"]]).toEqual(["true", null]);
      const [first] = articles;
      expect(first?.createdAt).toBeLessThanOrEqual(first?.updatedAt ?? 0);
      expect(articles.at(-1)?.updatedAt).toBe(articles.at(-1)?.createdAt);
    }));

  test("links lead along relations, by the key that is theirs; aliases are no fields; the junctions hold many to many and any", () =>
    seen("rest", {}, async ({ content, records }) => {
      const link = (collection: string, field: string): unknown => fieldOf(content, collection, field)?.link?.collection ?? null;
      expect([
        link("articles", "author"),
        link("articles", "parent"),
        link("authors", "country"),
        link("articles_tags", "tags_id"),
      ]).toEqual(["authors", "articles", "countries", "tags"]);
      expect([fieldOf(content, "articles", "tags"), fieldOf(content, "articles", "blocks")]).toEqual([undefined, undefined]);
      expect(fieldOf(content, "articles", "cover")?.type).toBe("file");
      expect(byKey(await records("authors"), "0b000000-0000-4000-8000-000000000002")?.values["country"]).toBe("è 1/2");
      const blocks = await records("articles_blocks");
      expect(blocks.map(({ values }) => [values["item:quotes"], values["item:notes"]])).toEqual([
        ["0a000000-0000-4000-8000-0000000000aa", null],
        [null, "5"],
      ]);
    }));

  test("a singleton is one record, a folder of collections none; counts are those that Directus declares", () =>
    seen("rest", {}, async ({ content, records }) => {
      expect(await records("site")).toEqual([{ key: "1", values: { motto: "one of a kind" }, createdAt: null, updatedAt: null }]);
      const told = content.collections.map((one) => [one.id, one.declaredRecords, one.keyKind]);
      expect(told).toContainEqual(["articles", 40, "platform"]);
      expect(told).toContainEqual(["notes", 123, "platform"]);
      expect(told).toContainEqual(["empties", 0, "platform"]);
      expect(told).toContainEqual(["countries", 2, "natural"]);
      expect(told.map(([id]) => id)).not.toContain("content");
    }));

  test("flows, access, views, settings and files are there with what they refer to", () =>
    seen("rest", {}, async ({ content }) => {
      expect(content.automations.map((one) => one.name).sort()).toEqual(["log it", "tell the sink"]);
      const kinds = content.automations.flatMap((one) => one.references.map((reference) => reference.kind));
      expect(new Set(kinds)).toEqual(new Set(["collection", "sub-flow", "node", "webhook"]));
      expect(content.automations.flatMap((one) => one.references).filter((one) => !one.resolved)).toEqual([]);
      expect(new Set(content.access.map((one) => one.kind))).toEqual(new Set(["role", "permission", "membership"]));
      expect(content.access.filter((one) => one.broken !== null)).toEqual([]);
      expect(content.views).toHaveLength(2);
      expect(content.settings.map((one) => one.id)).toContain("project");
      expect(content.files.map((file) => [file.presence, file.bytes, file.declaredType])).toEqual([
        ["inside", 1100, "text/plain"],
        ["inside", 5, "application/octet-stream"],
      ]);
      const included = Object.entries(content.aspects).filter(([, state]) => state.included);
      expect(included.map(([aspect]) => aspect).sort()).toEqual([
        ...["access", "automations", "files", "links", "records", "settings", "timestamps", "views"],
      ]);
    }));
});

describe("other ways to write the same", () => {
  test("the export button's JSON", () =>
    seen("button", {}, async ({ content, records }) => {
      expect(content.integrity.problems).toEqual([]);
      expect(byKey(await records("articles"), "1")?.values).toMatchObject(FIRST);
      expect(content.aspects.automations).toMatchObject({ included: false, reason: expect.stringContaining("no flows") });
      expect(content.aspects.access).toMatchObject({
        included: false,
        reason: expect.stringContaining("no roles, policies and permissions"),
      });
    }));

  test("CSV of a download, which takes objects apart: put together again, and told", async () => {
    await seen(null, await csvFiles(), async ({ content, records }) => {
      expect(content.integrity.complete).toBe(true);
      expect(content.integrity.problems).toEqual([
        expect.stringMatching(/^Objects in articles\.meta were put together from a CSV export/u),
        expect.stringMatching(/^"empties\.csv" is empty, of 0 bytes/u),
      ]);
      expect(byKey(await records("articles"), "1")?.values).toMatchObject(FIRST);
      expect(byKey(await records("articles"), "4")?.values).toMatchObject({ meta: null, ok: "true", body: "long ago" });
    });
  });

  test("CSV of the export button, which leaves objects out: told as nobody's to know", async () => {
    const { "articles.csv": _download, ...others } = await csvFiles();
    const files = { ...others, "export-articles-20261123-133727.csv": await textOf("csv/button-articles.csv") };
    await seen(null, files, async ({ content, records }) => {
      expect(content.integrity.problems).toContainEqual(
        "Directus leaves objects out of a CSV export: what was in articles.meta cannot be told from nothing.",
      );
      expect(byKey(await records("articles"), "1")?.values).toMatchObject({ ...FIRST, meta: null });
    });
  });

  test("an extract of directus-template-cli, zipped", async () => {
    await within(async (directory) => {
      const content = await format.open(await probeOf(made("template.zip")), contextIn(directory));
      expect(content.collections.map((one) => one.id)).toContain("articles_blocks");
      expect(content.files.map((file) => file.presence)).toEqual(["inside", "inside"]);
      expect(content.automations).toHaveLength(2);
      expect(content.integrity).toMatchObject({ complete: true, problems: [], checksums: { mismatched: [] } });
      await content.close();
    });
  });

  test("the lists of a template without a snapshot, ndjson, YAML items, and items with what they lead to", async () => {
    const schema = JSON.parse(
      snapshotOf(
        { posts: { id: ["integer"], title: ["string"], author: ["uuid"], cover: ["uuid"] }, people: { id: ["uuid"], name: ["string"] } },
        [
          { collection: "posts", field: "author", related_collection: "people", meta: null },
          { collection: "posts", field: "cover", related_collection: "directus_files", meta: null },
        ],
      ),
    ) as Record<string, unknown>;
    const files = {
      "src/collections.json": JSON.stringify(schema["collections"]),
      "src/fields.json": JSON.stringify(schema["fields"]),
      "src/relations.json": JSON.stringify(schema["relations"]),
      "src/content/posts.ndjson":
        '{"id":9007199254740993,"title":"a","author":{"id":"p1","name":"Ada"},"cover":{"id":"f1"}}\n\n{"id":2,"title":"","author":null,"cover":null}',
      "src/content/people.yaml": "- id: p1\n  name: Ada\n- id: p2\n  name: 'null'\n",
    };
    await seen(null, files, async ({ content, records }) => {
      expect(content.integrity.problems).toEqual([]);
      expect(await records("posts")).toMatchObject([
        { key: "9007199254740993", values: { title: "a", author: "p1", cover: "f1" } },
        { key: "2", values: { title: null, author: null, cover: null } },
      ]);
      expect((await records("people")).map((one) => one.values["name"])).toEqual(["Ada", "null"]);
    });
  });

  test("SQLite's and MySQL's ones and zeros, numbers for decimals, digits beyond a double", async () => {
    const snapshot = snapshotOf({ t: { id: ["integer"], ok: ["boolean"], price: ["decimal"], big: ["bigInteger"], doc: ["json"] } });
    const items =
      '[{"id":1,"ok":1,"price":0.10,"big":9223372036854775807,"doc":{"n":12345678901234567890}},{"id":2,"ok":0,"price":"0.1000","big":"1","doc":[]}]';
    await seen(null, { "schema.json": snapshot, "items/t.json": items }, async ({ records }) => {
      expect((await records("t")).map((one) => one.values)).toEqual([
        { ok: "true", price: "0.1", big: "9223372036854775807", doc: '{"n":12345678901234567890}' },
        { ok: "false", price: "0.1", big: "1", doc: "[]" },
      ]);
    });
  });
});

describe("what one installation has and another has not", () => {
  test("a foreign key that leads to another column than the key is a column", async () => {
    const tables = {
      posts: { id: ["integer"], code: ["string"], author: ["integer"] },
      people: { id: ["integer"], code: ["string"] },
    } as const;
    const relation = (field: string, column: string) => ({
      collection: "posts",
      field,
      related_collection: "people",
      meta: null,
      schema: { foreign_key_table: "people", foreign_key_column: column },
    });
    const files = {
      "snapshot.json": snapshotOf(tables, [relation("code", "code"), relation("author", "id")]),
      "posts.json": '[{"id":1,"code":"x","author":7}]',
      "people.json": '[{"id":7,"code":"x"}]',
    };
    await seen(null, files, async ({ content, records }) => {
      expect([fieldOf(content, "posts", "code")?.type, fieldOf(content, "posts", "author")?.type]).toEqual(["text", "link"]);
      expect((await records("posts"))[0]?.values).toEqual({ code: "x", author: "7" });
    });
  });

  test("shapes on a map, translations, an order of one's own, a uuid from before", async () => {
    const tables = {
      places: { id: ["uuid"], where: ["geometry.Point"], sort: ["integer"], tags: ["csv"] },
      places_translations: { id: ["integer"], places_id: ["uuid"], languages_code: ["string"], name: ["string"] },
      languages: { code: ["string"], name: ["string"] },
    } as const;
    const relations = [
      { collection: "places_translations", field: "places_id", related_collection: "places", meta: null },
      { collection: "places_translations", field: "languages_code", related_collection: "languages", meta: null },
    ];
    const id = "0A000000-0000-4000-8000-000000000001";
    const files = {
      "snapshot.json": snapshotOf(tables, relations),
      "items/places.json": `[{"id":"${id}","where":{"type":"Point","coordinates":[8.5417,47.3769]},"sort":1,"tags":"b,a"}]`,
      "items/places_translations.csv": `id,places_id,languages_code,name\n1,${id},de-CH,"Zürich, ""See"""`,
      "items/languages.jsonl": '{"code":"de-CH","name":"Deutsch"}\n',
    };
    await seen(null, files, async ({ records }) => {
      expect((await records("places"))[0]).toMatchObject({
        key: id,
        values: { where: '{"coordinates":[8.5417,47.3769],"type":"Point"}', sort: "1", tags: '"b,a"' },
      });
      expect((await records("places_translations"))[0]?.values).toEqual({ places_id: id, languages_code: "de-CH", name: 'Zürich, "See"' });
      expect((await records("languages"))[0]?.key).toBe("de-CH");
    });
  });

  test("collections that are called as documents of Directus are", async () => {
    const snapshot = snapshotOf({ settings: { id: ["integer"], color: ["string"] }, roles: { id: ["integer"], part: ["string"] } });
    const inFolder = {
      "snapshot.json": snapshot,
      "items/settings.json": '[{"id":1,"color":"red"}]',
      "items/roles.json": '[{"id":1,"part":"Hamlet"}]',
      "roles.json": '[{"id":"r","name":"Readers"}]',
    };
    await seen(null, inFolder, async ({ content, records }) => {
      expect((await records("roles"))[0]?.values).toEqual({ part: "Hamlet" });
      expect(content.access).toMatchObject([{ kind: "role", id: "r", broken: null }]);
    });
    const beside = {
      "snapshot.json": snapshot,
      "settings.json": '[{"id":1,"color":"red"}]',
      "roles.json": "[]",
      "directus_roles.json": '[{"id":"r","name":"R"}]',
    };
    await seen(null, beside, async ({ content, records }) => {
      expect((await records("settings"))[0]?.values).toEqual({ color: "red" });
      expect(content.access).toMatchObject([{ kind: "role", id: "r" }]);
    });
  });

  test("before Directus 11: permissions of roles, webhooks", async () => {
    const files = {
      "directus_permissions.json":
        '[{"role":"0e000000-0000-4000-8000-000000000001","collection":"articles","action":"read"},{"role":null,"collection":"gone","action":"read"}]',
      "directus_webhooks.json":
        '[{"id":1,"name":"Tell","status":"active","url":"https://user:hush@example.com","collections":"articles,gone"}]',
    };
    await seen("rest", files, async ({ content }) => {
      const told = content.access.filter((one) => one.id.endsWith("/read")).map((one) => [one.id, one.broken]);
      expect(told).toEqual([
        ["0e000000-0000-4000-8000-000000000001/articles/read", null],
        ["public/gone/read", "there is no collection gone"],
      ]);
      const webhook = content.automations.find((one) => one.id === "webhook:1");
      expect(webhook?.references.map((one) => [one.target, one.resolved])).toEqual([
        ["articles", true],
        ["gone", false],
      ]);
      expect(content.integrity.plainSecrets).toEqual(["1 entry of webhooks holds a token, a key or a header in clear."]);
    });
  });
});

describe("what is not there", () => {
  test("a snapshot alone is a structure without records, and says so", async () => {
    for (const alone of [
      { "snapshot.yaml": await textOf("rest/snapshot.yaml") },
      { "x/schema.json": await textOf("button/snapshot.json") },
    ])
      await seen(null, alone, async ({ content, records }) => {
        expect(content.collections).toHaveLength(10);
        expect(content.integrity.complete).toBe(true);
        for (const aspect of ["records", "links", "timestamps"] as const)
          expect(content.aspects[aspect]).toMatchObject({
            included: false,
            reason: expect.stringContaining("only the structure was exported"),
          });
        expect(await records("articles")).toEqual([]);
      });
  });

  test("a collection of the snapshot without its items is not whole", async () => {
    expect(await problemsOf("rest", { "items/tags.json": null })).toMatchObject({
      complete: false,
      problems: ["There are no items of tags, a collection of the snapshot."],
    });
  });

  test("an extract that says it is one of parts may lack collections", async () => {
    const files = { "items/tags.json": null, "template-meta.json": '{"version":2,"partial":true,"components":{"content":true}}' };
    expect(await problemsOf("rest", files)).toMatchObject({ complete: true, problems: [expect.stringContaining("no items of tags")] });
  });

  test("a column that no item has, or only some have, is not whole", async () => {
    const notes = (fields: (id: number) => object): Record<string, string> => ({
      "items/notes.json": JSON.stringify(Array.from({ length: 5 }, (_, at) => ({ id: at + 1, ...fields(at) }))),
    });
    expect(
      (
        await problemsOf(
          "rest",
          notes(() => ({})),
        )
      ).problems,
    ).toEqual(["The items of notes have no text: exported without, or by somebody who may not see it."]);
    expect(
      await problemsOf(
        "rest",
        notes((at) => (at === 2 ? {} : { text: "x" })),
      ),
    ).toMatchObject({
      complete: false,
      problems: ["Some items of notes have no place for text."],
    });
  });

  test("exactly a hundred items are a doubt where nothing says how many there were, and none where something does", async () => {
    const rows = JSON.stringify(Array.from({ length: 100 }, (_, at) => ({ id: at + 1, text: "x" })));
    const doubt =
      "Of notes there are exactly 100 items, where Directus stops unless it is asked for more (limit=-1); nothing says how many it had.";
    expect(await problemsOf("rest", { "items/notes.json": rows })).toMatchObject({ complete: true, problems: [doubt] });
    expect(await problemsOf("rest", { "items/notes.json": `{"data":${rows}}` })).toMatchObject({ complete: true, problems: [doubt] });
    for (const told of [`{"data":${rows},"meta":{"total_count":123}}`, `{"meta":{"filter_count":123},"data":${rows}}`])
      await seen("rest", { "items/notes.json": told }, async ({ content }) => {
        expect(content.integrity.problems).toEqual([]);
        expect(content.collections.find((one) => one.id === "notes")?.declaredRecords).toBe(123);
      });
  });

  test("bytes of files: outside where none were exported, missing where one is", async () => {
    await seen("rest", { files: null }, async ({ content }) => {
      expect(content.files.map((file) => file.presence)).toEqual(["outside", "outside"]);
      expect(content.aspects.files).toMatchObject({ included: false, reason: expect.stringContaining("Directus' storage") });
    });
    await seen("rest", { "files/0f000000-0000-4000-8000-000000000002": null }, async ({ content }) => {
      expect(content.files.map((file) => file.presence)).toEqual(["inside", "missing"]);
    });
  });

  test("flows without operations, operations inside of flows, roles that are named and not there", async () => {
    expect(await problemsOf("rest", { "directus_operations.json": null })).toMatchObject({
      complete: false,
      problems: ["There are flows, and no operations: nothing says what the flows do."],
    });
    const flows = (JSON.parse(await textOf("rest/directus_flows.json")) as { data: { id: string }[] }).data;
    const operations = (JSON.parse(await textOf("rest/directus_operations.json")) as { data: { flow: string }[] }).data;
    const inside = JSON.stringify(flows.map((flow) => ({ ...flow, operations: operations.filter((one) => one.flow === flow.id) })));
    const whole = await seen("rest", {}, ({ content }) => Promise.resolve(content.automations));
    await seen("rest", { "directus_operations.json": null, "directus_flows.json": inside }, async ({ content }) => {
      expect(content.automations).toEqual(whole);
    });
    await seen("rest", { "directus_roles.json": "[]" }, async ({ content }) => {
      expect(content.access.some((one) => one.broken === "its role is missing")).toBe(true);
    });
    await seen("rest", { "directus_roles.json": null, "directus_policies.json": null }, async ({ content }) => {
      expect(content.access.filter((one) => one.broken !== null)).toEqual([]);
    });
  });

  test("tables and columns beside Directus are read as what they look like, and told", async () => {
    const files = {
      "items/stray.json": '[{"id":7,"n":1.5,"t":"x","b":true,"j":{"a":1}},{"id":8,"n":2,"t":null,"b":false,"j":[]}]',
      "items/tags.json": '[{"id":1,"label":"red","weight":3},{"id":2,"label":"blue","weight":4}]',
    };
    await seen("rest", files, async ({ content, records }) => {
      expect(content.integrity).toMatchObject({
        complete: true,
        problems: [
          "The snapshot does not name stray: read as what the items look like, without links.",
          "The snapshot does not name tags.weight: read as what the values look like.",
        ],
      });
      expect(await records("stray")).toMatchObject([
        { key: "7", values: { n: "1.5", t: "x", b: "true", j: '{"a":1}' } },
        { key: "8", values: { n: "2", t: null, b: "false", j: "[]" } },
      ]);
      expect(fieldOf(content, "tags", "weight")?.type).toBe("integer");
    });
  });

  test("secrets in clear are told by how many, never what; the stars of Directus are none", async () => {
    const operations = (await textOf("rest/directus_operations.json")).replace(
      '"headers":[]',
      '"headers":[{"header":"Authorization","value":"Bearer not-to-be-told"}]',
    );
    const { plainSecrets } = await problemsOf("rest", { "directus_operations.json": operations });
    expect(plainSecrets).toEqual(["1 entry of operations holds a token, a key or a header in clear."]);
    expect(await problemsOf("button", {})).toMatchObject({ plainSecrets: null });
  });
});
