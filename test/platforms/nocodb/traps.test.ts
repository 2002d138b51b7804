/** What NocoDB does that a backup has to know of: each shown on the product itself, then what the connector makes of it. */
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compareReadBack } from "../../../agent/core/compare.ts";
import type { Collection, ContentRecord } from "../../../agent/core/content.ts";
import { AgentError } from "../../../agent/core/errors.ts";
import type { LoadOutcome, ReadBack, RestoreSet } from "../../../agent/core/platform-ports.ts";
import { loadsResult, readBackResult } from "../../../agent/engine/scratch/judge.ts";
import { askedOne } from "../../../agent/platforms/nocodb/links.ts";
import { attachmentsOf } from "../../../agent/platforms/nocodb/values.ts";
import { restoreSet } from "../../contracts/platform.ts";
import { type Opener, openerOf } from "./opener.ts";
import {
  apiOf,
  columnsOf,
  HEADER_SECRET,
  makeTable,
  makeUser,
  nextSecond,
  type NocoShop,
  revokeToken,
  type ShopTable,
  startShop,
} from "./shop.ts";

const never = new AbortController().signal;
const LINKED = 1105;

interface Rows {
  readonly list: readonly Readonly<Record<string, unknown>>[];
  readonly pageInfo: { readonly pageSize: number; readonly isLastPage: boolean };
}

let shop: NocoShop;
let opener: Opener;
/** A base with one table of more records than a page, and one that links to all of them. */
let big: { base: string; many: ShopTable; hub: ShopTable };

beforeAll(async () => {
  shop = await startShop();
  opener = openerOf(shop.noco.url);
  const { api } = shop;
  const { id: base } = await api<{ id: string }>("POST", "/api/v2/meta/bases", { title: "big" });
  const many = await makeTable(api, base, "Many", [
    { title: "Name", uidt: "SingleLineText", pv: true },
    { title: "At", uidt: "DateTime" },
  ]);
  const hub = await makeTable(api, base, "Hub", [{ title: "Name", uidt: "SingleLineText", pv: true }]);
  for (let at = 0; at < LINKED; at += 100)
    await api(
      "POST",
      `/api/v2/tables/${many.id}/records`,
      Array.from({ length: Math.min(100, LINKED - at) }, (_, more) => ({ Name: `row ${at + more}` })),
    );
  await api("POST", `/api/v2/tables/${hub.id}/records`, [{ Name: "a" }, { Name: "b" }]);
  await api("POST", `/api/v2/meta/tables/${hub.id}/columns`, {
    title: "All",
    uidt: "Links",
    type: "mm",
    parentId: hub.id,
    childId: many.id,
  });
  const columns = await columnsOf(api, hub.id);
  for (let at = 0; at < LINKED; at += 100)
    await api(
      "POST",
      `/api/v2/tables/${hub.id}/links/${columns["All"] ?? ""}/records/1`,
      Array.from({ length: Math.min(100, LINKED - at) }, (_, more) => ({ Id: at + more + 1 })),
    );
  big = { base, many, hub: { id: hub.id, columns } };
});

afterAll(async () => {
  await opener.close();
  await shop.stop();
});

const rowsOf = (table: string, query: string): Promise<Rows> => shop.api("GET", `/api/v2/tables/${table}/records?${query}`);

async function collectionOf(base: string, id: string): Promise<Collection> {
  const found = (await opener.open(shop.noco.token, base).platform.inventory(never)).collections.find((one) => one.id === id);
  if (found === undefined) throw new Error("no such collection");
  return found;
}

/** A whole round trip; the base is gone afterwards. */
async function restored(
  set: RestoreSet,
  tag: string,
): Promise<{ loaded: LoadOutcome; back: ReadBack; left: readonly string[]; base: string }> {
  const { workspace } = opener.openScratch(shop.noco.token);
  const place = await workspace.provision(tag, { instance: "elsewhere", scope: "p0" }, never);
  const loaded = await workspace.load(place, set, never);
  const back = await workspace.readBack(place, set, loaded, never);
  const { left } = await workspace.dispose(place, never);
  return { loaded, back, left, base: place.id };
}

function differences(set: RestoreSet, back: ReadBack, id: string) {
  const ours = set.collections.find((one) => one.id === id);
  const theirs = back.collections.find((one) => one.id === id);
  if (ours === undefined || theirs === undefined) throw new Error("the collection is not there");
  return compareReadBack(
    { collection: ours, records: set.records.get(id) ?? [] },
    { collection: theirs, records: back.records.get(id) ?? [] },
    { cut: new Set(), unrestorable: new Set() },
  );
}

describe("reading", () => {
  test("a page is 25 records when nobody says how many, and never more than 1,000, without a word", async () => {
    expect((await rowsOf(big.many.id, "")).list).toHaveLength(25);
    const asked = await rowsOf(big.many.id, "limit=5000");
    expect(asked.list).toHaveLength(1000);
    expect(asked.pageInfo).toMatchObject({ pageSize: 1000, isLastPage: false });
    const collection = await collectionOf(big.base, big.many.id);
    expect(collection.declaredRecords).toBe(LINKED);
    const before = opener.requests();
    const keys: string[] = [];
    for await (const page of opener.open(shop.noco.token, big.base).platform.listKeys(collection, never))
      keys.push(...page.map((one) => one.key));
    expect(new Set(keys).size).toBe(LINKED);
    expect(opener.requests() - before, "the table, and two pages").toBe(3);
  });

  test("an offset behind the end is an error; a key behind the end is an empty page", async () => {
    await expect(rowsOf(big.many.id, "offset=5000&limit=10")).rejects.toThrow(/422.*ERR_INVALID_OFFSET_VALUE/u);
    const { capturer } = opener.open(shop.noco.token, big.base);
    const pages: unknown[] = [];
    const options = { after: "999999", since: null, signal: never };
    for await (const page of capturer?.records(await collectionOf(big.base, big.many.id), options) ?? []) pages.push(page);
    expect(pages).toEqual([]);
  });

  test("a deletion while it is read moves nobody over the edge of a page", async () => {
    const collection = await collectionOf(big.base, big.many.id);
    const { capturer } = opener.open(shop.noco.token, big.base, { pageSize: 500 });
    const keys: string[] = [];
    for await (const page of capturer?.records(collection, { after: null, since: null, signal: never }) ?? []) {
      keys.push(...page.records.map((record) => record.key));
      if (keys.length === 500) await shop.api("DELETE", `/api/v2/tables/${big.many.id}/records`, [{ Id: 1 }, { Id: 2 }]);
    }
    expect(keys).toHaveLength(LINKED);
    const two = await shop.api<{ Id: number }[]>("POST", `/api/v2/tables/${big.many.id}/records`, [{ Name: "x" }, { Name: "y" }]);
    expect(two.map((one) => one.Id)).toEqual([LINKED + 1, LINKED + 2]);
  });

  test("a Links cell is only a count; the links themselves are read, more than a page of them", async () => {
    const [row] = (await rowsOf(big.hub.id, "where=(Id,eq,1)")).list;
    expect(row?.["All"]).toBe(LINKED - 2);
    const collection = await collectionOf(big.base, big.hub.id);
    const at = collection.fields.findIndex((field) => field.name === "All");
    const [record] = await opener.open(shop.noco.token, big.base).platform.readItems(collection, ["1", "2"], never);
    const links = record?.values[at];
    expect(links).toHaveLength(LINKED - 2);
    expect(links).toContain("3");
    const many = await collectionOf(big.base, big.many.id);
    const back = many.fields.findIndex((field) => field.link?.collection === big.hub.id);
    const [one] = await opener.open(shop.noco.token, big.base).platform.readItems(many, ["1100"], never);
    expect(one?.values[back]).toEqual(["1"]);
  });

  test("what the product lists record by record is what the tables of links hold", async () => {
    const collection = await collectionOf(big.base, big.hub.id);
    const field = collection.fields.find((one) => one.name === "All");
    const client = opener.client(shop.noco.token);
    const key = (await client.table(big.many.id, never)).columns.find((column) => column.pk);
    if (key === undefined) throw new Error("no key");
    const listed = await askedOne(client, big.hub.id, field?.id ?? "", "1", key, never);
    const [record] = await opener.open(shop.noco.token, big.base).platform.readItems(collection, ["1"], never);
    expect(listed.map(String).sort()).toEqual(record?.values[collection.fields.findIndex((one) => one.id === field?.id)]);
    const { authors, books } = shop.tables;
    const bookKey = (await client.table(books.id, never)).columns.find((column) => column.pk) ?? key;
    expect(await askedOne(client, authors.id, authors.columns["Best"] ?? "", "2", bookKey, never)).toEqual([6]);
    expect(await askedOne(client, authors.id, authors.columns["Best"] ?? "", "3", bookKey, never)).toEqual([]);
    expect(await askedOne(client, authors.id, authors.columns["Best"] ?? "", "777", bookKey, never), "deleted meanwhile").toEqual([]);
  });

  test("reading a page with its links costs a few requests, not one a record", async () => {
    const collection = await collectionOf(big.base, big.many.id);
    const before = opener.requests();
    let records = 0;
    const { capturer } = opener.open(shop.noco.token, big.base);
    for await (const page of capturer?.records(collection, { after: null, since: null, signal: never }) ?? [])
      records += page.records.length;
    expect(records).toBe(LINKED);
    expect(opener.requests() - before).toBeLessThan(12);
  });

  test("UpdatedAt says nothing of a link that was set from the other side: such tables are not captured incrementally", async () => {
    const { authors, books } = shop.tables;
    await nextSecond();
    const stamp = async (): Promise<unknown> => (await rowsOf(books.id, "where=(Id,eq,10)")).list[0]?.["UpdatedAt"];
    const before = await stamp();
    await shop.api("POST", `/api/v2/tables/${authors.id}/links/${authors.columns["Written"] ?? ""}/records/6`, [{ Id: 9 }, { Id: 10 }]);
    expect(await stamp()).toBe(before);
    const { capturer } = opener.open(shop.noco.token, shop.base);
    expect(capturer?.incremental(await collectionOf(shop.base, books.id))).toBe(false);
    expect(capturer?.incremental(await collectionOf(shop.base, shop.tables.things.id))).toBe(true);
  });

  test("an attachment can be fetched by anybody who knows its path, and its signed address is never told", async () => {
    const [row] = (await rowsOf(shop.tables.things.id, "where=(Id,eq,1)")).list;
    const [attachment] = attachmentsOf(row?.["Attachment"]);
    expect(attachment?.signedPath).toMatch(/^dltemp\//u);
    expect((await fetch(`${shop.noco.url}/${attachment?.path ?? ""}`)).status).toBe(200);
    expect((await fetch(`${shop.noco.url}/dltemp/x/1/${attachment?.path ?? ""}`)).status).not.toBe(200);
  });
});

describe("writing", () => {
  test("an Id that is sent is ignored: a restore maps every key and every link", async () => {
    const [made] = await shop.api<{ Id: number }[]>("POST", `/api/v2/tables/${shop.tables.empty.id}/records`, [{ Id: 9001, Name: "here" }]);
    expect(made?.Id).toBe(1);
    await shop.api("DELETE", `/api/v2/tables/${shop.tables.empty.id}/records`, [{ Id: 1 }]);
    const set = await restoreSet(opener.open(shop.noco.token, shop.base));
    const { loaded, back } = await restored(set, "restorewatch-traps-ids");
    const { authors, books } = shop.tables;
    expect(loaded.keys.get(authors.id)?.get("2"), "the gap of production is closed").toBe("1");
    expect(loaded.refused).toEqual([]);
    for (const collection of set.collections)
      expect(differences(set, back, collection.id), collection.name).toMatchObject({
        missing: [],
        extra: [],
        different: [],
        fieldsGone: [],
      });
    const at = set.collections.find((one) => one.id === books.id)?.fields.findIndex((field) => field.name === "Authors") ?? -1;
    expect(back.records.get(books.id)?.find((record) => record.key === "7")?.values[at]).toBe("3");
  });

  test("a restore brings back views with filters and sorts, computed columns, webhooks, stored fields in their order", async () => {
    const set = await restoreSet(opener.open(shop.noco.token, shop.base));
    const { workspace } = opener.openScratch(shop.noco.token);
    const place = await workspace.provision("restorewatch-traps-whole", { instance: "elsewhere", scope: "p0" }, never);
    const back = await workspace.readBack(place, set, await workspace.load(place, set, never), never);
    const inside = await opener.open(shop.noco.token, place.id).platform.inventory(never);
    await workspace.dispose(place, never);
    const names = (views: ReadBack["views"]) => views.map((view) => `${view.id} ${view.type} ${view.name} ${view.broken ?? ""}`).sort();
    expect(names(back.views)).toEqual(names(set.views));
    expect(back.automations).toEqual(set.automations.map((one) => ({ ...one, active: false, references: expect.anything() as unknown })));
    for (const collection of set.collections) {
      const theirs = back.collections.find((one) => one.id === collection.id);
      expect(theirs?.fields).toHaveLength(collection.fields.length);
      for (const { name, platformType, options, computed, link } of collection.fields)
        expect(theirs?.fields.find((field) => field.name === name)).toMatchObject({ platformType, options, computed, link });
    }
    const stored = (collections: readonly Collection[]) =>
      collections.map(({ id, fields }) => [id, fields.filter((field) => !field.computed && field.link === null).map((field) => field.id)]);
    expect(stored(back.collections)).toEqual(stored(set.collections));
    const details = (one: Pick<RestoreSet, "originals">) =>
      (
        one.originals["nocodb"] as unknown as {
          tables: { title: string; views: { title: string; filters: object[]; sorts: object[] }[] }[];
        }
      ).tables.flatMap((table) => table.views.map((view) => `${table.title} ${view.title} ${view.filters.length} ${view.sorts.length}`));
    expect(details(set)).toContain("Things Chosen 3 1");
    expect(details(inside)).toEqual(details(set));
  });

  test("9007199254740993 is stored as …992 with status 200: what is read back tells", async () => {
    const { things } = shop.tables;
    const [made] = await shop.api<{ Id: number }[]>("POST", `/api/v2/tables/${things.id}/records`, [
      { Name: "big", Number: "9007199254740993" },
    ]);
    const row = await shop.api<{ Number: number }>("GET", `/api/v2/tables/${things.id}/records/${made?.Id ?? 0}`);
    expect(row.Number).toBe(9007199254740992);
    await shop.api("DELETE", `/api/v2/tables/${things.id}/records`, [{ Id: made?.Id }]);
    const set = await restoreSet(opener.open(shop.noco.token, shop.base));
    const collection = set.collections.find((one) => one.id === things.id);
    const at = collection?.fields.findIndex((field) => field.name === "Number") ?? -1;
    const exact = (record: ContentRecord): ContentRecord => ({ ...record, values: record.values.with(at, "9007199254740993") });
    const records = new Map(set.records).set(
      things.id,
      (set.records.get(things.id) ?? []).map((record) => (record.key === "5" ? exact(record) : record)),
    );
    const { back } = await restored({ ...set, records }, "restorewatch-traps-digits");
    expect(differences({ ...set, records }, back, things.id).different).toEqual([{ key: "5", fields: [collection?.fields[at]?.id] }]);
  });

  test("a Number column takes 1.5: it is kept as it is, and the field is told to be lenient", async () => {
    const { things } = shop.tables;
    const [made] = await shop.api<{ Id: number }[]>("POST", `/api/v2/tables/${things.id}/records`, [{ Name: "half", Number: 1.5 }]);
    const collection = await collectionOf(shop.base, things.id);
    const at = collection.fields.findIndex((field) => field.name === "Number");
    const [record] = await opener.open(shop.noco.token, shop.base).platform.readItems(collection, [String(made?.Id)], never);
    expect(record?.values[at]).toBe("1.5");
    expect(collection.fields[at]).toMatchObject({ type: "integer", lenient: true });
    await shop.api("DELETE", `/api/v2/tables/${things.id}/records`, [{ Id: made?.Id }]);
  });

  test("a time with an offset comes back in UTC and in another shape: one canonical value", async () => {
    await shop.api("PATCH", `/api/v2/tables/${big.many.id}/records`, [{ Id: 3, At: "2026-11-22T10:00:00+02:00" }]);
    const [row] = (await rowsOf(big.many.id, "where=(Id,eq,3)")).list;
    expect(row?.["At"]).toBe("2026-11-22 08:00:00+00:00");
    const collection = await collectionOf(big.base, big.many.id);
    const [record] = await opener.open(shop.noco.token, big.base).platform.readItems(collection, ["3"], never);
    expect(record?.values[collection.fields.findIndex((field) => field.name === "At")]).toBe("2026-11-22T08:00:00.000Z");
  });

  test("one value it refuses refuses the whole batch: the others are put in all the same, and it is told", async () => {
    const set = await restoreSet(opener.open(shop.noco.token, shop.base));
    const { things } = shop.tables;
    const at = set.collections.find((one) => one.id === things.id)?.fields.findIndex((field) => field.name === "SingleSelect") ?? -1;
    const bad = (record: ContentRecord): ContentRecord => ({ ...record, values: record.values.with(at, "no such option") });
    const records = new Map(set.records).set(
      things.id,
      (set.records.get(things.id) ?? []).map((record) => (record.key === "4" ? bad(record) : record)),
    );
    const { loaded, back } = await restored({ ...set, records }, "restorewatch-traps-batch");
    expect(loaded.refused).toEqual([{ aspect: "records", reason: expect.stringContaining("refuses a record") as unknown, count: 1 }]);
    expect(differences({ ...set, records }, back, things.id)).toMatchObject({ missing: ["4"], extra: [], different: [] });
  });
});

describe("people", () => {
  test("who is no member where it is restored is not a failure of the backup: the field is told and not compared", async () => {
    const set = await restoreSet(opener.open(shop.noco.token, shop.base));
    const { things } = shop.tables;
    const field = set.collections.find((one) => one.id === things.id)?.fields.find(({ name }) => name === "User");
    const at = set.collections.find((one) => one.id === things.id)?.fields.findIndex(({ name }) => name === "User") ?? -1;
    const moved = (set.records.get(things.id) ?? []).map((record) =>
      record.key === "4" ? { ...record, values: record.values.with(at, ["us_gone_long_ago"]) } : record,
    );
    const gone = { ...set, records: new Map(set.records).set(things.id, moved) };
    const { loaded, back } = await restored(gone, "restorewatch-traps-people");
    expect(loaded.refused).toEqual([{ aspect: "access", reason: expect.stringContaining("not members") as unknown, count: 1 }]);
    expect(loaded.unrestorable).toEqual([`${things.id}/${field?.id ?? ""}`]);
    expect(loadsResult(gone, loaded)).toMatchObject({ status: "pass", observed: expect.stringContaining("not members") as unknown });
    expect(readBackResult(gone, loaded, back, "key")).toMatchObject({ status: "pass" });
  });
});

describe("webhooks", () => {
  test("the webhook of production fires, so that silence means something", async () => {
    await shop.fired();
    await shop.api("PATCH", `/api/v2/tables/${shop.tables.things.id}/records`, [{ Id: 6, Spare: "touched" }]);
    expect(await shop.fired()).toBe(1);
  });

  test("webhooks of version 2 are refused", async () => {
    const body = { title: "old", event: "after", operation: "insert", active: false, notification: { type: "URL", payload: {} } };
    await expect(shop.api("POST", `/api/v2/meta/tables/${shop.tables.empty.id}/hooks`, body)).rejects.toThrow(/deprecated/u);
  });

  test("NocoDB's own duplicate copies them active: a scratch copy made that way would fire", async () => {
    const made = await shop.api<{ base_id: string }>("POST", `/api/v2/meta/duplicate/${shop.base}`, { options: {} });
    const copied = async () =>
      (await shop.api<{ list: { id: string; title: string }[] }>("GET", `/api/v2/meta/bases/${made.base_id}/tables`)).list;
    const hooks = async (): Promise<readonly { readonly active: unknown }[]> => {
      const things = (await copied().catch(() => [])).find((table) => table.title === "Things");
      return things === undefined
        ? []
        : (await shop.api<{ list: { active: unknown }[] }>("GET", `/api/v2/meta/tables/${things.id}/hooks`)).list;
    };
    await expect.poll(hooks, { timeout: 60_000, interval: 500 }).toHaveLength(1);
    expect((await hooks()).map((hook) => Boolean(hook.active))).toEqual([true]);
    await expect
      .poll(async () => (await shop.api<{ status: string | null }>("GET", `/api/v2/meta/bases/${made.base_id}`)).status, {
        timeout: 60_000,
      })
      .not.toBe("job");
    const things = (await copied()).find((table) => table.title === "Things");
    await shop.fired();
    await shop.api("POST", `/api/v2/tables/${things?.id ?? ""}/records`, [{ Name: "in the copy" }]);
    expect(await shop.fired()).toBe(1);
    await shop.api("DELETE", `/api/v2/meta/bases/${made.base_id}`);
  });

  test("it gives out secrets in webhooks in clear: they are in no original and in nothing that is restored", async () => {
    const raw = await shop.api("GET", `/api/v2/meta/tables/${shop.tables.things.id}/hooks`);
    expect(JSON.stringify(raw)).toContain(HEADER_SECRET);
    const set = await restoreSet(opener.open(shop.noco.token, shop.base));
    expect(JSON.stringify({ ...set, records: [], fileBytes: [] })).not.toContain(HEADER_SECRET);
    expect(JSON.stringify(set.originals)).toContain("Authorization");
  });
});

describe("bases", () => {
  const tablesOf = (prefix: string): readonly string[] => {
    const database = new DatabaseSync(shop.noco.database, { readOnly: true, timeout: 10_000 });
    try {
      const found = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE ? || '%'").all(prefix);
      return found.map((row) => String(row["name"]));
    } finally {
      database.close();
    }
  };
  const marked = (base: string): unknown => {
    const database = new DatabaseSync(shop.noco.database, { readOnly: true, timeout: 10_000 });
    try {
      return database.prepare("SELECT deleted FROM nc_bases_v2 WHERE id = ?").get(base)?.["deleted"];
    } finally {
      database.close();
    }
  };

  test("a deleted base keeps its row and every table with its records", async () => {
    const made = await shop.api<{ id: string; prefix: string }>("POST", "/api/v2/meta/bases", { title: "short-lived" });
    const table = await makeTable(shop.api, made.id, "Kept", [{ title: "Name", uidt: "SingleLineText", pv: true }]);
    await shop.api("POST", `/api/v2/tables/${table.id}/records`, [{ Name: "still here" }]);
    await shop.api("DELETE", `/api/v2/meta/bases/${made.id}`);
    await expect(shop.api("GET", `/api/v2/meta/bases/${made.id}`)).rejects.toThrow(/404/u);
    expect(marked(made.id)).toBe(1);
    expect(tablesOf(made.prefix)).toHaveLength(1);
  });

  test("ours is taken away with its tables, junctions too; what stays is said", async () => {
    const { workspace } = opener.openScratch(shop.noco.token);
    const set = await restoreSet(opener.open(shop.noco.token, shop.base));
    const place = await workspace.provision("restorewatch-traps-gone", { instance: "elsewhere", scope: "p0" }, never);
    await workspace.load(place, set, never);
    const { prefix } = await shop.api<{ prefix: string }>("GET", `/api/v2/meta/bases/${place.id}`);
    expect(tablesOf(prefix).length, "five tables and two junctions").toBe(7);
    const { left } = await workspace.dispose(place, never);
    expect(tablesOf(prefix)).toEqual([]);
    expect(marked(place.id)).toBe(1);
    expect(left).toEqual([
      `The base ${place.id} stays in NocoDB's own database, marked as deleted.`,
      "Attachments that were uploaded stay in NocoDB's storage, below restorewatch/.",
    ]);
    expect(await workspace.dispose(place, never)).toEqual({ left: [] });
  });

  test("a title is at most 50 characters: a longer tag is found again all the same", async () => {
    const { workspace } = opener.openScratch(shop.noco.token);
    const tag = `restorewatch-long-${"x".repeat(60)}`;
    const place = await workspace.provision(tag, { instance: "elsewhere", scope: "p0" }, never);
    expect(await workspace.sweep("restorewatch-long-", new Set([tag]), never)).toEqual({ found: 0, removed: 0 });
    expect(await workspace.sweep(tag, new Set(), never)).toEqual({ found: 1, removed: 1 });
    await expect(shop.api("GET", `/api/v2/meta/bases/${place.id}`)).rejects.toThrow(/404/u);
  });

  test("a workspace that is named gets the base", async () => {
    const { identity } = await opener.open(shop.noco.token, shop.base).platform.probe(never);
    const { workspace } = opener.openScratch(shop.noco.token, { workspace: identity.instance ?? "" });
    const place = await workspace.provision("restorewatch-traps-workspace", { instance: "elsewhere", scope: "p0" }, never);
    expect((await shop.api("GET", `/api/v2/meta/bases/${place.id}`))["fk_workspace_id"]).toBe(identity.instance);
    await workspace.dispose(place, never);
  });

  test("a base of people is never ours, whatever its name", async () => {
    const { workspace } = opener.openScratch(shop.noco.token);
    const { id } = await shop.api<{ id: string }>("POST", "/api/v2/meta/bases", { title: "restorewatch-traps-theirs" });
    expect(await workspace.sweep("restorewatch-traps-theirs", new Set(), never)).toEqual({ found: 0, removed: 0 });
    const theirs = { id, tag: "restorewatch-traps-theirs", createdAt: 0 };
    await expect(workspace.dispose(theirs, never)).rejects.toMatchObject({ code: "not-our-workspace" });
    await expect(
      workspace.load({ ...theirs, id: shop.base }, await restoreSet(opener.open(shop.noco.token, shop.base)), never),
    ).rejects.toMatchObject({
      code: "not-our-workspace",
    });
    await shop.api("DELETE", `/api/v2/meta/bases/${id}`);
  });

  test("on the installation of the source, or where it cannot be told, a scratch base needs to be allowed", async () => {
    const { workspace } = opener.openScratch(shop.noco.token, { sameInstance: false });
    const { identity } = await opener.open(shop.noco.token, shop.base).platform.probe(never);
    expect(identity).toEqual({ instance: expect.stringMatching(/^w/u) as unknown, scope: shop.base });
    for (const production of [identity, { instance: null, scope: shop.base }])
      await expect(workspace.provision("restorewatch-traps-prod", production, never)).rejects.toMatchObject({
        code: "scratch-is-production",
      });
    const place = await workspace.provision("restorewatch-traps-prod", { instance: "elsewhere", scope: shop.base }, never);
    await workspace.dispose(place, never);
  });
});

describe("tokens", () => {
  test("a revoked token goes on working until NocoDB is started again", async () => {
    const made = await makeUser(shop.noco, "leaver@example.com");
    await shop.api("POST", `/api/v2/meta/bases/${shop.base}/users`, { email: "leaver@example.com", roles: "viewer" });
    await revokeToken(shop.noco, made.id);
    const left = apiOf(shop.noco.url, made.token);
    await expect(left("GET", `/api/v2/tables/${shop.tables.tags.id}/records/count`)).resolves.toEqual({ count: 5 });
  });

  test("who is taken out of the base is refused at once: never a short reading", async () => {
    const made = await makeUser(shop.noco, "goer@example.com");
    await shop.api("POST", `/api/v2/meta/bases/${big.base}/users`, { email: "goer@example.com", roles: "creator" });
    const { capturer } = opener.open(made.token, big.base, { pageSize: 100 });
    const collection = await collectionOf(big.base, big.many.id);
    const { users } = await shop.api<{ users: { list: { id: string; email: string }[] } }>("GET", `/api/v2/meta/bases/${big.base}/users`);
    const goer = users.list.find((user) => user.email === "goer@example.com");
    let read = 0;
    const reading = async (): Promise<void> => {
      for await (const page of capturer?.records(collection, { after: null, since: null, signal: never }) ?? []) {
        read += page.records.length;
        if (read === 100) await shop.api("DELETE", `/api/v2/meta/bases/${big.base}/users/${goer?.id ?? ""}`);
      }
    };
    const thrown = await reading().catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(AgentError);
    expect(thrown).toMatchObject({ kind: "auth" });
    expect(read).toBe(100);
  });

  test("a mere viewer reads records but neither webhooks nor who is hidden what: the probe says so", async () => {
    const { permissions } = await opener.open(shop.tokens.narrow, shop.base).platform.probe(never);
    expect(permissions.filter((one) => one.granted === false).map((one) => one.name)).toContain("read webhooks");
    expect(permissions.find((one) => one.name === "read records")).toMatchObject({ granted: true });
  });
});
