/** What platforms.md marks as a trap of Airtable, on the local server: each test shows the trap first, and then that the connector is not caught. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Collection } from "../../../agent/core/content.ts";
import { AgentError } from "../../../agent/core/errors.ts";
import type { Clock } from "../../../agent/core/ports.ts";
import { canonical, COMPUTED } from "../../../agent/platforms/airtable/values.ts";
import { change, insert } from "../../doubles/airtable/records.ts";
import { type FieldState, tableOf } from "../../doubles/airtable/world.ts";
import { restoreSet } from "../../contracts/platform.ts";
import { hurried, type Opener, openerOf } from "./opener.ts";
import { type AirtableShop, FILE, startShop } from "./shop.ts";

const never = new AbortController().signal;
const HOUR = 3_600_000;
let ahead = 0;
const paced = hurried();
/** The tests' and the server's time, which a test may put forward. */
const clock: Clock = {
  now: () => paced.now() + ahead,
  monotonic: () => paced.monotonic() + ahead,
  sleep: (ms, signal) => paced.sleep(ms, signal),
};
let shop: AirtableShop;
let opener: Opener;

beforeAll(async () => {
  shop = await startShop(clock);
  opener = openerOf(shop.server, clock);
});
afterAll(async () => {
  await opener.close();
  await shop.stop();
});

const open = (pageSize?: number) => opener.open(shop.tokens.full, shop.base.id, { clock, ...(pageSize === undefined ? {} : { pageSize }) });

/** As a person with a token and a terminal; never too fast, unless told. */
async function raw(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${shop.server.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${shop.tokens.full}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, text: await answer.text() };
}

/** So that what went before does not count against the five a second. */
function rested(): void {
  ahead += 1001;
}

async function failure(work: () => Promise<unknown>): Promise<AgentError> {
  try {
    await work();
  } catch (thrown) {
    if (thrown instanceof AgentError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was thrown");
}

async function collectionOf(id: string): Promise<Collection> {
  const found = (await open().platform.inventory(never)).collections.find((one) => one.id === id);
  if (found === undefined) throw new Error("no such table");
  return found;
}

async function keysOf(collection: Collection, pageSize?: number): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const page of open(pageSize).platform.listKeys(collection, never)) keys.push(...page.map((one) => one.key));
  return keys.sort();
}

const since = (from: number) => shop.server.requests.slice(from);

describe("limits", () => {
  test("the sixth request in a second shuts the base for thirty seconds: we wait once and lose nothing", async () => {
    const collection = await collectionOf(shop.tables.books.id);
    rested();
    const schema = `/meta/bases/${shop.base.id}/tables`;
    const statuses: number[] = [];
    for (let at = 0; at < 7; at += 1) statuses.push((await raw("GET", schema)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429]);
    const before = shop.server.requests.length;
    expect(await keysOf(collection)).toEqual([...shop.tables.books.keys].sort());
    expect(since(before).filter((one) => one.status === 429)).toHaveLength(1);
  }, 30_000);

  test("another base is not shut with it", async () => {
    rested();
    shop.server.penalise(shop.base.id);
    const other = [...shop.server.world.bases.keys()].find((id) => id !== shop.base.id) ?? "";
    expect((await raw("GET", `/meta/bases/${other}/tables`)).status).toBe(200);
    expect((await raw("GET", `/meta/bases/${shop.base.id}/tables`)).status).toBe(429);
    ahead += 30_001;
  });

  test("the calls of the month are used up: the schema goes on answering, records are refused, nobody waits or tries again", async () => {
    const collection = await collectionOf(shop.tables.books.id);
    rested();
    shop.server.world.quotaSpent = true;
    try {
      expect((await raw("GET", `/meta/bases/${shop.base.id}/tables`)).status).toBe(200);
      const before = shop.server.requests.length;
      const error = await failure(() => keysOf(collection));
      expect(error).toMatchObject({ kind: "rate_limited", code: "quota-exhausted" });
      expect(since(before).filter((one) => one.status === 429)).toHaveLength(1);
      // The probe finds it out before a capture does.
      expect(await failure(() => open().platform.probe(never))).toMatchObject({ code: "quota-exhausted" });
    } finally {
      shop.server.world.quotaSpent = false;
    }
  });
});

describe("reading", () => {
  test("a page has 100 records at most: more is refused, by Airtable and by the configuration", async () => {
    rested();
    expect((await raw("GET", `/${shop.base.id}/${shop.tables.books.id}?pageSize=101`)).status).toBe(422);
    expect(() => open(101)).toThrow(/100/u);
  });

  test("a listing that expired is an error that is tried again, never a short reading", async () => {
    const collection = await collectionOf(shop.tables.books.id);
    let read = 0;
    const error = await failure(async () => {
      for await (const page of open(7).platform.listKeys(collection, never)) {
        read += page.length;
        ahead += 6 * 60_000;
      }
    });
    expect(read).toBe(7);
    expect(error).toMatchObject({ kind: "transient", code: "listing-expired" });
  });

  test("records since are those of the field that dates them, however else they were edited; a new one is among them", async () => {
    const { things } = shop.tables;
    const table = tableOf(shop.base, things.id);
    const watching = { isValid: true, referencedFieldIds: [things.fields["integer"] ?? ""], result: { type: "dateTime" } };
    const edited = new Map<string, number>();
    const watched: FieldState = {
      id: shop.server.world.id("fld"),
      name: "Integer edited",
      type: "lastModifiedTime",
      description: undefined,
      options: watching,
      compute: (row) => (edited.has(row.id) ? new Date(edited.get(row.id) ?? 0).toISOString() : undefined),
    };
    table.fields.push(watched);
    const [first = "", second = ""] = things.keys;
    const rows = [...table.rows];
    try {
      ahead += HOUR;
      const from = clock.now();
      ahead += 60_000;
      change(shop.server.world, shop.base, table, { records: [{ id: first, fields: { Spare: "edited, and not watched" } }] });
      edited.set(second, clock.now());
      insert(shop.server.world, shop.base, table, { records: [{ fields: { Name: "new, and never edited" } }] });
      const fresh = table.rows.at(-1)?.id ?? "";
      const keysSince = async (updatedField?: string): Promise<readonly string[]> => {
        const opened = opener.open(shop.tokens.full, shop.base.id, { clock, ...(updatedField === undefined ? {} : { updatedField }) });
        const collection = await collectionOf(things.id);
        const keys: string[] = [];
        for await (const { records } of opened.capturer?.records(collection, { after: null, since: from, signal: never }) ?? []) {
          for (const record of records) if (record.key !== fresh) expect(record.updatedAt).toBeGreaterThanOrEqual(from);
          keys.push(...records.map((record) => record.key));
        }
        return keys.sort();
      };
      expect(await keysSince("Integer edited")).toEqual([second, fresh].sort());
      expect(await keysSince(watched.id)).toEqual([second, fresh].sort());
      expect(await keysSince()).toEqual([first, fresh].sort());
    } finally {
      table.fields.pop();
      table.rows = rows;
    }
  });

  test("what nobody knows is 403 and not 404: a base that is not there is a matter of the token, never an empty one", async () => {
    rested();
    expect((await raw("GET", "/meta/bases/appNobodyKnowsIt0/tables")).status).toBe(403);
    const error = await failure(() => opener.open(shop.tokens.full, "appNobodyKnowsIt0").platform.inventory(never));
    expect(error.kind).toBe("auth");
    expect(await failure(() => opener.open(shop.tokens.full, "appNobodyKnowsIt0").platform.probe(never))).toMatchObject({ kind: "auth" });
  });

  test("who works on a base is told to some only: without it the rest is read, and what is missing is said", async () => {
    shop.server.intercept = (request, response) => {
      if (request.url?.includes("include=collaborators") !== true) return false;
      response.writeHead(403, { "content-type": "application/json" });
      response.end('{"error":{"type":"INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND","message":"no"}}');
      return true;
    };
    try {
      const { aspects, access, collections } = await open().platform.inventory(never);
      expect(aspects.access).toMatchObject({ included: false });
      expect([access.length, collections.length]).toEqual([0, 4]);
    } finally {
      shop.server.intercept = null;
    }
  });

  test("empty cells and boxes that are not ticked are left out: absent is false for a box, and null for everything else", async () => {
    rested();
    const { things } = shop.tables;
    const [, second = ""] = things.keys;
    const { text } = await raw("GET", `/${shop.base.id}/${things.id}?pageSize=2&returnFieldsByFieldId=true`);
    const row = (JSON.parse(text) as { records: { id: string; fields: object }[] }).records.find((one) => one.id === second);
    expect(Object.keys(row?.fields ?? {})).not.toContain(things.fields["checkbox"]);
    const collection = await collectionOf(things.id);
    const [record] = await open().platform.readItems(collection, [second], never);
    const valueOf = (name: string) => record?.values[collection.fields.findIndex((field) => field.name === name)];
    expect([valueOf("checkbox"), valueOf("email")]).toEqual(["false", null]);
  });

  test("computed cells that are broken come as objects: they are kept as they are, and are no numbers", () => {
    expect(canonical("decimal", { specialValue: "NaN" })).toBe('{"specialValue":"NaN"}');
    expect(canonical("text", { error: "#ERROR!" })).toBe('{"error":"#ERROR!"}');
  });

  test("addresses of attachments die after two hours: they are asked for again", async () => {
    const { platform, capturer } = open();
    const file = (await platform.inventory(never)).files.find((one) => one.id === shop.fileId);
    const { things } = shop.tables;
    rested();
    const { text } = await raw("GET", `/${shop.base.id}/${things.id}?returnFieldsByFieldId=true`);
    const address = /"url":"(http[^"]*\/dl\/[^"]*)"/u.exec(text)?.[1] ?? "";
    expect((await fetch(address)).status).toBe(200);
    ahead += 2 * HOUR + 60_000;
    expect((await fetch(address)).status).toBe(410);
    const parts: Uint8Array[] = [];
    if (file === undefined || capturer === null) throw new Error("the seeded file is not in the inventory");
    for await (const part of capturer.fileBytes(file, never)) parts.push(part);
    expect(Buffer.concat(parts).equals(Buffer.from(FILE))).toBe(true);
  });
});

describe("writing", () => {
  test("eleven records in one request are refused", async () => {
    rested();
    const records = Array.from({ length: 11 }, () => ({ fields: {} }));
    expect((await raw("POST", `/${shop.base.id}/${shop.tables.empty.id}`, { records })).status).toBe(422);
  });

  test("no field that Airtable computes can be made through the API: a restore says so for each kind the backup holds", async () => {
    for (const type of COMPUTED) {
      rested();
      const { status, text } = await raw("POST", `/meta/bases/${shop.base.id}/tables/${shop.tables.empty.id}/fields`, { name: type, type });
      expect([status, text.includes("UNSUPPORTED_FIELD_TYPE_FOR_CREATE")], type).toEqual([422, true]);
    }
    const set = await restoreSet(open());
    const { workspace } = opener.openScratch(shop.tokens.full, shop.scratch.id);
    const { identity } = await open().platform.probe(never);
    const place = await workspace.provision("restorewatch-traps-computed", identity, never);
    try {
      const { refused } = await workspace.load(place, set, never);
      const kinds = new Set(
        set.collections.flatMap((one) => one.fields.filter((field) => field.computed).map((field) => field.platformType)),
      );
      expect(kinds.size).toBeGreaterThan(5);
      for (const kind of kinds)
        expect(
          refused.some(({ reason }) => reason.includes(kind)),
          kind,
        ).toBe(true);
    } finally {
      const { left } = await workspace.dispose(place, never);
      expect(left.join(" "), "tables cannot be deleted, and that is said").toMatch(/table/u);
    }
    expect(shop.scratch.tables.flatMap((table) => table.rows)).toEqual([]);
  }, 60_000);

  test("neither base, table nor field can be deleted by a plain token", async () => {
    rested();
    const base = `/meta/bases/${shop.base.id}`;
    const table = `${base}/tables/${shop.tables.empty.id}`;
    const field = `${table}/fields/${shop.tables.empty.fields["Name"] ?? ""}`;
    for (const path of [base, table, field]) expect((await raw("DELETE", path)).status).toBeGreaterThanOrEqual(403);
    expect(shop.base.tables.some((one) => one.id === shop.tables.empty.id)).toBe(true);
  });
});
