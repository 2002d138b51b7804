/** Airtable's own client against the local Airtable: what the client takes for Airtable is faithful enough to test against. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { airtableClient, type ClientOptions, type ClientRecord, type ClientTable } from "../../servers/airtable-client.ts";
import { tableOf } from "../../doubles/airtable/world.ts";
import { type AirtableShop, startShop } from "./shop.ts";

let shop: AirtableShop;
let Airtable: Awaited<ReturnType<typeof airtableClient>>;
/** A quarter of a second passes whenever the server looks: nobody is too fast unless a test says so. */
let at = 0;
let pace = 250;
const clock = { now: () => Date.UTC(2026, 10, 23) + at, monotonic: () => (at += pace) };

beforeAll(async () => {
  Airtable = await airtableClient();
  shop = await startShop(clock);
});
afterAll(() => shop.stop());
beforeEach(() => {
  pace = 250;
  at += 60_000;
});

function tableAs(name: string, more: Partial<ClientOptions> = {}, base = shop.base.id): ClientTable {
  const endpointUrl = shop.server.url.replace(/\/v0$/u, "");
  return new Airtable({ apiKey: shop.tokens.full, endpointUrl, noRetryIfRateLimited: true, ...more }).base(base)(name);
}

const errorOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "nothing was thrown",
    (thrown: unknown) => {
      const { error, message, statusCode } = thrown as { error: string; message: string; statusCode: number };
      return { error, message, statusCode };
    },
  );
const names = (records: readonly ClientRecord[], field: string): unknown[] => records.map((record) => record.fields[field]);
const since = (from: number) =>
  shop.server.requests.slice(from).map((one) => `${one.line.replace(/^(\w+) .*\/(\w+)$/u, "$1 $2")} ${one.status}`);

describe("reading", () => {
  test("turns page after page to the last record, at a page size that does not divide", async () => {
    const pages: number[] = [];
    const seen: string[] = [];
    await tableAs("Things")
      .select({ pageSize: 7 })
      .eachPage((records, next) => {
        pages.push(records.length);
        seen.push(...records.map((record) => record.id));
        next();
      });
    expect(pages).toEqual([7, 7, 7, 7, 2]);
    expect(seen).toEqual(shop.tables.things.keys);
    expect((await tableAs(shop.tables.things.id).select().all()).length).toBe(30);
  });

  test("selects by formula, fields, order, view and number", async () => {
    const things = tableAs("Things");
    const high = await things.select({ filterByFormula: "AND({integer}>=20,{integer}<23)", fields: ["Name", "integer"] }).all();
    expect(high.map((record) => record.fields)).toEqual([20, 21, 22].map((n) => ({ Name: `thing ${n + 4}`, integer: n })));
    const order = { sort: [{ field: "integer", direction: "desc" }], maxRecords: 3, view: "Grid view" };
    expect(names(await things.select(order).firstPage(), "integer")).toEqual([26, 25, 24]);
    const nobody = await things.select({ filterByFormula: "{Name}='nobody'" }).all();
    expect(nobody).toEqual([]);
    const byId = await things.select({ maxRecords: 1, fields: ["Name"], returnFieldsByFieldId: true }).all();
    expect(byId[0]?.fields).toEqual({ [shop.tables.things.fields["Name"] ?? ""]: "thing 1" });
  });

  test("a formula too long for an address goes by POST, and finds the same", async () => {
    const keys = shop.tables.things.keys;
    const long = `OR(${Array.from({ length: 700 }, (_, n) => `RECORD_ID()='${keys[n % 5] ?? ""}'`).join(",")})`;
    const from = shop.server.requests.length;
    expect((await tableAs("Things").select({ filterByFormula: long }).all()).map((record) => record.id)).toEqual(keys.slice(0, 5));
    expect(since(from)).toEqual(["POST listRecords 200"]);
  });

  test("one record, with links, attachments and computed cells as the client hands them on", async () => {
    const [first = ""] = shop.tables.things.keys;
    const record = await tableAs("Things").find(first);
    expect(record.id).toBe(first);
    expect(record.fields).toMatchObject({ Name: "thing 1", checkbox: true, number: 1.25, formula: "thing 1!", autoNumber: 1 });
    expect(record.fields["multipleAttachments"]).toMatchObject([{ filename: "pläne 1.bin", size: 3000, type: "application/octet-stream" }]);
    const [book = ""] = shop.tables.books.keys;
    expect((await tableAs("Books").find(book)).fields["Authors"]).toEqual([shop.tables.authors.keys[0], shop.tables.authors.keys[3]]);
  });
});

describe("writing", () => {
  test("makes, changes, replaces and deletes, one and ten at a time", async () => {
    const empty = tableAs("Empty");
    const ten = await empty.create(Array.from({ length: 10 }, (_, n) => ({ fields: { Name: `new ${n}` } })));
    expect(names(ten, "Name")).toEqual(Array.from({ length: 10 }, (_, n) => `new ${n}`));
    const one = await empty.create({ Name: "alone" });
    expect(one.fields).toEqual({ Name: "alone" });
    const changed = await empty.update(ten.map((record, n) => ({ id: record.id, fields: { Name: `changed ${n}` } })));
    expect(names(changed, "Name")[9]).toBe("changed 9");
    expect((await empty.update(one.id, { Name: "changed alone" })).fields).toEqual({ Name: "changed alone" });
    expect((await empty.replace(one.id, {})).fields).toEqual({});
    expect(names(await empty.select().all(), "Name")).toEqual([...Array.from({ length: 10 }, (_, n) => `changed ${n}`), undefined]);
    expect((await empty.destroy(ten.map((record) => record.id))).map((record) => record.id)).toEqual(ten.map((record) => record.id));
    expect((await empty.destroy(one.id)).id).toBe(one.id);
    expect(await empty.select().all()).toEqual([]);
    expect(tableOf(shop.base, "Empty").rows).toEqual([]);
  });

  test("eleven are refused, and a list with one wrong value makes none of them", async () => {
    const empty = tableAs("Empty");
    const eleven = Array.from({ length: 11 }, () => ({ fields: {} }));
    expect(await errorOf(empty.create(eleven))).toMatchObject({ error: "INVALID_RECORDS", statusCode: 422 });
    expect(await errorOf(empty.create([{ fields: { Name: "right" } }, { fields: { Name: 7 } }]))).toMatchObject({
      error: "INVALID_VALUE_FOR_COLUMN",
    });
    expect(await empty.select().all()).toEqual([]);
  });
});

describe("refusals, as the client reads them", () => {
  test("fields, views, formulas and offsets that are not there", async () => {
    const things = tableAs("Things");
    const select = (options: object): Promise<unknown> => errorOf(things.select({ ...options }).firstPage());
    expect(await select({ fields: ["Nothing"] })).toEqual({
      error: "UNKNOWN_FIELD_NAME",
      message: 'Unknown field name: "Nothing"',
      statusCode: 422,
    });
    expect(await select({ view: "Nothing" })).toMatchObject({ error: "VIEW_NAME_NOT_FOUND", statusCode: 422 });
    expect(await select({ filterByFormula: "{Nothing}=1" })).toMatchObject({ error: "INVALID_FILTER_BY_FORMULA", statusCode: 422 });
    expect(await select({ filterByFormula: "AND(" })).toMatchObject({ error: "INVALID_FILTER_BY_FORMULA", statusCode: 422 });
    expect(await errorOf(tableAs("Empty").update("recNobodyKnowsMe0", { Name: "x" }))).toMatchObject({ statusCode: 403 });
    expect(await errorOf(tableAs("Nothing").select().firstPage())).toMatchObject({ error: "NOT_AUTHORIZED", statusCode: 403 });
  });

  test("a wrong and an expired token are 401, one without the scope and a base of somebody else 403", async () => {
    for (const apiKey of ["patNobody.planted", shop.tokens.expired])
      expect(await errorOf(tableAs("Things", { apiKey }).select().firstPage())).toMatchObject({
        error: "AUTHENTICATION_REQUIRED",
        statusCode: 401,
      });
    const forbidden = { error: "NOT_AUTHORIZED", statusCode: 403 };
    expect(await errorOf(tableAs("Things", { apiKey: shop.tokens.narrow }).select().firstPage())).toMatchObject(forbidden);
    expect(await errorOf(tableAs("Things", {}, "appNobodyKnowsIt0").select().firstPage())).toMatchObject(forbidden);
  });

  test("the sixth in a second is 429; the client that retries gets through once the penalty is over, and loses nothing", async () => {
    pace = 0;
    const things = tableAs("Things");
    const statuses: unknown[] = [];
    for (let n = 0; n < 6; n += 1) statuses.push(await errorOf(things.select({ maxRecords: 1 }).firstPage()));
    expect(statuses.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => "nothing was thrown"));
    expect(statuses[5]).toMatchObject({ error: "TOO_MANY_REQUESTS", statusCode: 429 });
    at += 29_000;
    expect(await errorOf(things.select({ maxRecords: 1 }).firstPage())).toMatchObject({ statusCode: 429 });
    // It draws how long it waits; here it waits no time at all, and the penalty ends while it tries.
    const random = Math.random;
    Math.random = () => 0;
    pace = 300;
    const from = shop.server.requests.length;
    try {
      const all = await tableAs("Things", { noRetryIfRateLimited: false }).select({ pageSize: 20 }).all();
      expect(all.map((record) => record.id)).toEqual(shop.tables.things.keys);
    } finally {
      Math.random = random;
    }
    const statusesSince = shop.server.requests.slice(from).map((one) => one.status);
    expect(statusesSince.at(0)).toBe(429);
    expect(statusesSince.filter((status) => status === 200)).toHaveLength(2);
  });
});
