/** What Directus does that a backup has to know of: each shown on the product itself, then what the connector makes of it. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compareReadBack } from "../../../agent/core/compare.ts";
import type { Collection } from "../../../agent/core/content.ts";
import type { AccessSeen, LoadOutcome, OpenScratch, ReadBack, RestoreSet, Workspace } from "../../../agent/core/platform-ports.ts";
import { restoreSet } from "../../contracts/platform.ts";
import { type DirectusHarness, directusOnThisMachine } from "./harness.ts";
import { caller, FILE, FLOW_SECRET, NOTES, sha256, UUID } from "./seed.ts";

const never = new AbortController().signal;
/** The same in every installation. */
const PUBLIC = "abf8a154-5b1c-4a46-ac9c-7300570f4f17";
const ELSEWHERE = { instance: "elsewhere", scope: "elsewhere" };

let harness: DirectusHarness;
let uploads = "";
let set: RestoreSet;

beforeAll(async () => {
  uploads = await mkdtemp(join(tmpdir(), "rw-directus-uploads-"));
  harness = await directusOnThisMachine({ STORAGE_LOCAL_ROOT: uploads });
  await harness.call("POST", "/permissions", {
    policy: PUBLIC,
    collection: "tags",
    action: "read",
    permissions: {},
    validation: {},
    fields: ["*"],
  });
  set = await restoreSet(harness.open());
});
afterAll(async () => {
  await harness?.dispose();
  await rm(uploads, { recursive: true, force: true });
});

interface Restored {
  readonly scratch: OpenScratch;
  readonly place: Workspace;
  readonly loaded: LoadOutcome;
  readonly back: ReadBack;
}

/** A restore, looked at, and taken away whatever the test found. */
async function restored(tag: string, what: RestoreSet, look: (found: Restored) => Promise<void>): Promise<void> {
  const scratch = harness.openScratch();
  const place = await scratch.workspace.provision(tag, ELSEWHERE, never);
  try {
    const loaded = await scratch.workspace.load(place, what, never);
    await look({ scratch, place, loaded, back: await scratch.workspace.readBack(place, what, loaded, never) });
  } finally {
    await scratch.workspace.dispose(place, never);
  }
  expect(await harness.leftovers(tag)).toBe(0);
}

function collectionOf(id: string): Collection {
  const found = set.collections.find((one) => one.id === id);
  if (found === undefined) throw new Error("no such collection");
  return found;
}

function differences(back: ReadBack, loaded: LoadOutcome, id: string) {
  const theirs = back.collections.find((one) => one.id === id);
  const unrestorable = (loaded.unrestorable ?? []).filter((one) => one.startsWith(`${id}/`)).map((one) => one.slice(id.length + 1));
  return compareReadBack(
    { collection: collectionOf(id), records: set.records.get(id) ?? [] },
    theirs === undefined ? null : { collection: theirs, records: back.records.get(id) ?? [] },
    { cut: new Set(), unrestorable: new Set(unrestorable) },
  );
}

const visible = (seen: AccessSeen, id: string) => {
  const found = seen.collections.find((one) => one.collection === id);
  return found === undefined ? null : { visible: found.visible, shouldSee: found.shouldSee };
};

describe("reading", () => {
  test("a hundred records is all it gives out when nobody says how many, without a word", async () => {
    expect(await harness.call("GET", "/items/notes")).toHaveLength(100);
    expect(set.records.get("notes")).toHaveLength(NOTES);
    expect(collectionOf("notes").declaredRecords).toBe(NOTES);
  });

  test("so it is with its own collections: all of them are read", async () => {
    const made = (await harness.call(
      "POST",
      "/folders?limit=-1",
      Array.from({ length: 120 }, (_, at) => ({ name: `folder ${at}` })),
    )) as readonly { id: string }[];
    expect(await harness.call("GET", "/folders")).toHaveLength(100);
    const { originals } = await harness.open().platform.inventory(never);
    expect(originals["directus-folders"]).toHaveLength(121);
    await harness.call(
      "DELETE",
      "/folders",
      made.map((one) => one.id),
    );
  });

  test("the snapshot knows neither flows nor permissions nor files: they are read where they are", async () => {
    const snapshot = (await harness.call("GET", "/schema/snapshot")) as Readonly<Record<string, unknown>>;
    expect(Object.keys(snapshot).sort()).toEqual(["collections", "directus", "fields", "relations", "systemFields", "vendor", "version"]);
    for (const id of [UUID.flow, UUID.reader, UUID.reading, UUID.file]) expect(JSON.stringify(snapshot)).not.toContain(id);
    expect(set.automations.map((one) => one.id)).toContain(UUID.flow);
    expect(set.access.map((one) => one.id)).toEqual(
      expect.arrayContaining([UUID.reader, `policy:${UUID.reading}`, `${UUID.reading}/tags/read`]),
    );
    expect(set.files.map((one) => one.id)).toContain(UUID.file);
  });

  test("tables of the system are no collections of people, though fields point at them", () => {
    expect(set.collections.filter((one) => one.id.startsWith("directus_"))).toEqual([]);
    const fields = collectionOf("articles").fields;
    expect(fields.find((field) => field.id === "cover")).toMatchObject({ type: "file", link: null });
    expect(fields.find((field) => field.id === "editor")).toMatchObject({ type: "text", link: null });
  });

  test("aliases are no columns; what they show is read in junctions, for every collection an m2a may point to", () => {
    expect(collectionOf("articles").fields.map((field) => field.id)).not.toEqual(expect.arrayContaining(["tags"]));
    expect(collectionOf("articles").fields.map((field) => field.id)).not.toEqual(expect.arrayContaining(["blocks"]));
    const links = collectionOf("articles_blocks").fields.filter((field) => field.link !== null);
    expect(links.map((field) => [field.id, field.link?.collection])).toEqual([
      ["articles_id", "articles"],
      ["item:quotes", "quotes"],
      ["item:notes", "notes"],
    ]);
  });

  test("decimals come as text with zeros behind, great integers too: one canonical value", async () => {
    const raw = (await harness.call("GET", "/items/articles/1?fields=price,big,ok")) as Readonly<Record<string, unknown>>;
    expect(raw).toMatchObject({ price: "12345678901234567.8912300000", big: "9007199254740993", ok: false });
    const [record] = await harness.open().platform.readItems(collectionOf("articles"), ["1"], never);
    const value = (id: string) => record?.values[collectionOf("articles").fields.findIndex((field) => field.id === id)];
    expect([value("price"), value("big"), value("ok")]).toEqual(["12345678901234567.89123", "9007199254740993", "false"]);
  });

  test("stars are given out for a concealed value: they are never taken for the value", async () => {
    expect(await harness.call("GET", "/items/articles/1?fields=pin")).toEqual({ pin: "**********" });
    expect(JSON.stringify([...set.records.values()])).not.toContain("**********");
    expect(set.aspects.credentials).toMatchObject({ included: false });
  });

  test("it gives out secrets in flows in clear: they are in no original", async () => {
    expect(JSON.stringify(await harness.call("GET", "/operations"))).toContain(FLOW_SECRET);
    expect(JSON.stringify({ ...set, records: [], fileBytes: [] })).not.toContain(FLOW_SECRET);
    expect(JSON.stringify(set.originals["directus-operations"])).toContain("Authorization");
  });

  test("what is gone is answered 403 like what is forbidden: told as a change of the schema, not as a bad token", async () => {
    await expect(harness.call("GET", "/items/never_was")).rejects.toThrow(/403/u);
    const gone = { ...collectionOf("tags"), id: "never_was", name: "never_was" };
    await expect(harness.open().platform.readItems(gone, ["1"], never)).rejects.toMatchObject({
      kind: "transient",
      code: "schema-changed",
    });
  });

  test("a file whose bytes are lost is an error, never an empty file", async () => {
    const form = new FormData();
    form.append("file", new Blob([FILE], { type: "text/plain" }), "lost.txt");
    const { id } = (await harness.call("POST", "/files", form)) as { id: string };
    for (const name of await readdir(uploads)) if (name.startsWith(id)) await rm(join(uploads, name));
    const { platform, capturer } = harness.open();
    const file = (await platform.inventory(never)).files.find((one) => one.id === id);
    expect(file).toMatchObject({ bytes: FILE.length, presence: "inside" });
    const reading = async (): Promise<number> => {
      let bytes = 0;
      if (file !== undefined) for await (const part of capturer?.fileBytes(file, never) ?? []) bytes += part.length;
      return bytes;
    };
    await expect(reading()).rejects.toMatchObject({ name: "AgentError" });
    await harness.call("DELETE", `/files/${id}`);
  });

  test("tables and columns made beside Directus are served and left out of the snapshot: they are captured and restored", async () => {
    await harness.sql("production", "create table strays (id serial primary key, name text); insert into strays (name) values ('here')");
    await harness.sql("production", "alter table quotes add column beside text; update quotes set beside = 'quoted'");
    await harness.call("POST", "/utils/cache/clear?system");
    const raw = JSON.stringify(await harness.call("GET", "/schema/snapshot"));
    expect([raw.includes('"quotes"'), raw.includes('"strays"'), raw.includes('"beside"')]).toEqual([true, false, false]);
    const now = await restoreSet(harness.open());
    expect(now.records.get("quotes")?.map((record) => record.values)).toEqual([["so it goes", "quoted"]]);
    expect(now.records.get("strays")?.map((record) => [record.key, record.values])).toEqual([["1", ["here"]]]);
    try {
      await restored("restorewatch-traps-strays", now, async ({ back, loaded }) => {
        expect(back.records.get("quotes")?.map((record) => record.values)).toEqual([["so it goes", "quoted"]]);
        expect(loaded.claimed.get("strays")).toBe(1);
        expect(back.records.get("strays")?.map((record) => [record.key, record.values])).toEqual([["1", ["here"]]]);
      });
    } finally {
      await harness.sql("production", "drop table strays; alter table quotes drop column beside");
      await harness.call("POST", "/utils/cache/clear?system");
    }
  });
});

describe("restoring", () => {
  test("mirror, its default, proposes to delete what the snapshot does not name; ours deletes nothing", async () => {
    await harness.callScratch("POST", "/collections", {
      collection: "bystander",
      meta: {},
      schema: {},
      fields: [{ field: "id", type: "integer", meta: {}, schema: { is_primary_key: true, has_auto_increment: true } }],
    });
    await harness.callScratch("POST", "/items/bystander", {});
    const snapshot = await harness.call("GET", "/schema/snapshot");
    const { diff } = (await harness.callScratch("POST", "/schema/diff?force=true", snapshot)) as {
      diff: { collections: readonly { collection: string; diff: readonly { kind: string }[] }[] };
    };
    expect(diff.collections.find((one) => one.collection === "bystander")?.diff[0]?.kind).toBe("D");
    await restored("restorewatch-traps-mirror", set, async () => {
      expect(await harness.callScratch("GET", "/items/bystander")).toHaveLength(1);
    });
    expect(await harness.callScratch("GET", "/items/bystander")).toHaveLength(1);
    await harness.callScratch("DELETE", "/collections/bystander");
  });

  test("flows stay silent while records go in; the same flow switched on would have been heard", async () => {
    await harness.fired();
    await harness.call("POST", "/items/tags", { label: "heard" });
    expect(await harness.fired(), "production calls the sink").toBe(1);
    const now = await restoreSet(harness.open());
    await restored("restorewatch-traps-flows", now, async ({ back, loaded }) => {
      expect(loaded.claimed.get("tags")).toBe(3);
      expect(back.running).toEqual([]);
      expect(await harness.fired(), "the restore calls nobody").toBe(0);
      await harness.callScratch("PATCH", `/flows/${UUID.flow}`, { status: "active" });
      await harness.callScratch("POST", "/items/tags", { label: "heard in scratch" });
      expect(await harness.fired(), "it could have").toBe(1);
    });
    await harness.call("DELETE", "/items/tags/3");
  });

  test("schema, groups, foreign keys, junctions, operations and files come back as they were", async () => {
    await restored("restorewatch-traps-whole", set, async ({ back, loaded }) => {
      for (const { id } of set.collections)
        expect(differences(back, loaded, id), id).toMatchObject({ missing: [], extra: [], different: [], fieldsGone: [] });
      const digests = (what: readonly { readonly id: string; readonly bodyDigest: string | null }[]) =>
        what.map((one) => `${one.id} ${one.bodyDigest ?? ""}`).sort();
      expect(digests(back.automations)).toEqual(digests(set.automations));
      expect(back.fileDigests.get(UUID.file)).toBe(sha256(FILE));
      const relations = async (call: DirectusHarness["call"]) =>
        (
          (await call("GET", "/relations")) as readonly {
            collection: string;
            field: string;
            related_collection: string | null;
            schema: unknown;
          }[]
        )
          .filter((one) => !one.collection.startsWith("directus_"))
          .map((one) => [one.collection, one.field, one.related_collection, one.schema !== null].join(" "))
          .sort();
      expect(await relations(harness.callScratch)).toEqual(await relations(harness.call));
      const articles = (await harness.callScratch("GET", "/collections/articles")) as { meta: { group: string } };
      expect(articles.meta.group, "made after what lies in it").toBe("content");
    });
  });

  test("links swapped between records are found though every count is equal", async () => {
    await restored("restorewatch-traps-swapped", set, async ({ scratch, place, loaded }) => {
      await harness.callScratch("PATCH", "/items/articles_tags/1", { tags_id: 2 });
      await harness.callScratch("PATCH", "/items/articles_tags/2", { tags_id: 1 });
      const back = await scratch.workspace.readBack(place, set, loaded, never);
      const found = differences(back, loaded, "articles_tags");
      expect(found.found).toBe(found.expected);
      expect(found.different).toEqual([
        { key: "1", fields: ["tags_id"] },
        { key: "2", fields: ["tags_id"] },
      ]);
    });
  });

  test("the next number goes on behind explicit ids; a sequence left behind is found", async () => {
    await restored("restorewatch-traps-sequence", set, async ({ scratch, place }) => {
      for (const id of ["notes", "articles", "articles_tags"])
        expect(await scratch.probe?.nextInsert(place, collectionOf(id), never), id).toBe("ok");
      expect(((await harness.callScratch("GET", "/items/notes?limit=-1")) as unknown[]).length, "nothing of it stays").toBe(NOTES);
      await harness.sql("scratch", `select setval(pg_get_serial_sequence('notes', 'id'), 1, false)`);
      await expect(harness.callScratch("POST", "/items/notes", { text: "collides" })).rejects.toThrow(/RECORD_NOT_UNIQUE/u);
      expect(await scratch.probe?.nextInsert(place, collectionOf("notes"), never)).toBe("collides");
    });
  });

  test("the audit trail holds this restore, and would be missed", async () => {
    await restored("restorewatch-traps-audit", set, async ({ scratch, place }) => {
      const seen = await scratch.probe?.audit(place, never);
      expect(seen?.mentionsLoad).toBe(true);
      expect(seen?.entries).toBeGreaterThan(100);
      await harness.sql("scratch", "delete from directus_activity");
      expect(await scratch.probe?.audit(place, never)).toEqual({ entries: 0, mentionsLoad: false });
    });
  });
});

describe("access", () => {
  test("what is public in the backup is seen by anybody, and nothing else; it goes with the workspace", async () => {
    const before = await harness.callScratch("GET", `/permissions?limit=-1&filter[policy][_eq]=${PUBLIC}`);
    await restored("restorewatch-traps-public", set, async ({ scratch, place, loaded }) => {
      expect(loaded.refused.filter((one) => one.aspect === "access").map((one) => one.reason)).toEqual([
        "Users are people and are not made anew.",
      ]);
      const seen = await scratch.access?.asOutsider(place, set, never);
      if (seen === undefined) throw new Error("no access probe");
      expect(visible(seen, "tags")).toEqual({ visible: 2, shouldSee: true });
      expect(seen.collections.filter((one) => one.visible > 0 || one.shouldSee !== false).map((one) => one.collection)).toEqual(["tags"]);
      // The product says the same to anybody who asks.
      const nobody = caller(harness.scratch.url, null);
      expect(await nobody("GET", "/items/tags")).toHaveLength(2);
      await expect(nobody("GET", "/items/notes")).rejects.toThrow(/403/u);
    });
    expect(await harness.callScratch("GET", `/permissions?limit=-1&filter[policy][_eq]=${PUBLIC}`)).toEqual(before);
  });

  test("a restricted role sees what its policies say, and nothing else; a rule that is lost is seen", async () => {
    await restored("restorewatch-traps-role", set, async ({ scratch, place }) => {
      const look = async (): Promise<AccessSeen> => {
        const seen = await scratch.access?.asRestricted(place, set, never);
        if (seen === undefined) throw new Error("no access probe");
        return seen;
      };
      const seen = await look();
      expect(seen.session).toBe(true);
      expect(visible(seen, "articles")).toEqual({ visible: 40, shouldSee: true });
      expect(visible(seen, "notes")).toEqual({ visible: 0, shouldSee: false });
      for (const one of seen.collections) expect(one.visible > 0, one.collection).toBe(one.shouldSee);
      const [rule] = (await harness.callScratch(
        "GET",
        `/permissions?filter[policy][_eq]=${UUID.editing}&filter[action][_eq]=read`,
      )) as readonly { id: number }[];
      await harness.callScratch("DELETE", `/permissions/${rule?.id ?? ""}`);
      expect(visible(await look(), "articles")).toEqual({ visible: 0, shouldSee: true });
      const users = (await harness.callScratch("GET", "/users?limit=-1")) as readonly unknown[];
      expect(users, "only the administrator is left").toHaveLength(1);
    });
  });
});

describe("the licence", () => {
  test("permissions with rules of their own are refused by Core: told, and nothing wider is put in their place", async () => {
    const rule = {
      policy: UUID.reading,
      collection: "notes",
      action: "read",
      permissions: { id: { _lt: 5 } },
      validation: {},
      fields: ["*"],
    };
    await expect(harness.call("POST", "/permissions", rule)).rejects.toThrow(/40\d/u);
    const rules = set.originals["directus-permissions"] as readonly never[];
    const ruled = { ...set, originals: { ...set.originals, "directus-permissions": [...rules, { ...rule, presets: null }] } };
    await restored("restorewatch-traps-rules", ruled, async ({ loaded }) => {
      expect(loaded.refused.some((one) => one.aspect === "access" && one.reason.startsWith("Directus refused a permission: "))).toBe(true);
      const found = await harness.callScratch("GET", `/permissions?filter[policy][_eq]=${UUID.reading}&filter[collection][_eq]=notes`);
      expect(found).toEqual([]);
    });
  });

  test("more collections than Core takes: those that fit go in, the rest is told by number", async () => {
    const { entitlements, usage } = (await harness.callScratch("GET", "/license")) as {
      entitlements: { collections: { limit: number } };
      usage: { collections: number };
    };
    const room = 4;
    const names = Array.from({ length: entitlements.collections.limit - usage.collections - room }, (_, at) => `filler_${at}`);
    for (const collection of names)
      await harness.callScratch("POST", "/collections", {
        collection,
        meta: {},
        schema: {},
        fields: [{ field: "id", type: "integer", meta: {}, schema: { is_primary_key: true } }],
      });
    try {
      await restored("restorewatch-traps-licence", set, async ({ loaded, back }) => {
        expect(loaded.refused.find((one) => one.reason.startsWith("LIMIT_EXCEEDED"))).toMatchObject({
          aspect: "records",
          count: set.collections.length - room,
        });
        expect(back.collections).toHaveLength(room);
      });
    } finally {
      for (const collection of names) await harness.callScratch("DELETE", `/collections/${collection}`);
    }
  });
});
