/** A shop in the local Airtable: linked tables, every kind of field, attachments, people, tokens of several kinds. */
import { systemClock } from "../../../agent/kit/clock.ts";
import { createField, createTable } from "../../doubles/airtable/meta.ts";
import { change, insert, upload } from "../../doubles/airtable/records.ts";
import { type AirtableServer, startAirtable } from "../../doubles/airtable/server.ts";
import {
  type BaseState,
  EVERY_SCOPE,
  type FieldState,
  type Row,
  type ServerClock,
  tableOf,
  type TableState,
} from "../../doubles/airtable/world.ts";

export const UNICODE = "e\u0301 \u{1F468}\u{200D}\u{1F469} \u05E9\u05DC\u05D5\u05DD";
export const FILE = new Uint8Array(Array.from({ length: 3000 }, (_, at) => (at * 7) % 256));
export const LONGEST = "x".repeat(100_000);
export const PERSON = "usrOwnerOfShop0001";

export interface ShopTable {
  readonly id: string;
  /** Field ids by name. */
  readonly fields: Readonly<Record<string, string>>;
  /** Keys in the order they were put in. */
  readonly keys: readonly string[];
}

export interface AirtableShop {
  readonly server: AirtableServer;
  readonly base: BaseState;
  /** Empty, and for scratch restores alone. */
  readonly scratch: BaseState;
  readonly tables: Readonly<Record<"things" | "authors" | "books" | "empty", ShopTable>>;
  readonly tokens: Readonly<Record<"full" | "narrow" | "expired", string>>;
  readonly view: string;
  readonly fileId: string;
  stop(): Promise<void>;
}

const CHOICES = { choices: [{ name: "b" }, { name: "a" }] };
const UTC = { timeZone: "utc", dateFormat: { name: "iso" }, timeFormat: { name: "24hour" } };
const KINDS = [
  { name: "Name", type: "singleLineText" },
  { name: "multilineText", type: "multilineText" },
  { name: "richText", type: "richText" },
  { name: "email", type: "email" },
  { name: "url", type: "url" },
  { name: "phoneNumber", type: "phoneNumber" },
  { name: "integer", type: "number", options: { precision: 0 } },
  { name: "number", type: "number", options: { precision: 2 } },
  { name: "currency", type: "currency", options: { precision: 2, symbol: "$" } },
  { name: "percent", type: "percent", options: { precision: 3 } },
  { name: "duration", type: "duration", options: { durationFormat: "h:mm:ss" } },
  { name: "rating", type: "rating", options: { icon: "star", max: 5, color: "yellowBright" } },
  { name: "checkbox", type: "checkbox", options: { icon: "check", color: "greenBright" } },
  { name: "date", type: "date", options: { dateFormat: { name: "iso" } } },
  { name: "dateTime", type: "dateTime", options: UTC },
  { name: "singleSelect", type: "singleSelect", options: CHOICES },
  { name: "multipleSelects", type: "multipleSelects", options: CHOICES },
  { name: "singleCollaborator", type: "singleCollaborator" },
  { name: "multipleCollaborators", type: "multipleCollaborators" },
  { name: "barcode", type: "barcode" },
  { name: "multipleAttachments", type: "multipleAttachments" },
  { name: "Spare", type: "singleLineText" },
];

/** What only a person at a screen can add. */
function addComputed(shop: Pick<AirtableShop, "server">, table: TableState): void {
  const name = table.fields[0]?.id ?? "";
  const made = (type: string, options: FieldState["options"], compute: (row: Row) => unknown): void => {
    table.fields.push({ id: shop.server.world.id("fld"), name: type, type, description: undefined, options, compute });
  };
  const text = { type: "singleLineText" };
  made(
    "formula",
    { isValid: true, formula: `{${name}}&"!"`, referencedFieldIds: [name], result: text },
    (row) => `${String(row.cells.get(name))}!`,
  );
  made("autoNumber", undefined, (row) => row.number);
  made("createdTime", { result: { type: "dateTime", options: UTC } }, (row) => new Date(row.createdAt).toISOString());
  made("lastModifiedTime", { isValid: true, referencedFieldIds: [], result: { type: "dateTime", options: UTC } }, (row) =>
    new Date(row.modifiedAt).toISOString(),
  );
  made("createdBy", undefined, () => ({ id: PERSON, email: "owner@example.com", name: "Somebody" }));
  made("lastModifiedBy", undefined, () => ({ id: PERSON, email: "owner@example.com", name: "Somebody" }));
  made("button", undefined, () => ({ label: "Open", url: "https://example.com/open" }));
  made("aiText", { prompt: ["Sum up"], referencedFieldIds: [name] }, () => ({ state: "generated", isStale: false, value: "a sum" }));
}

export async function startShop(clock: ServerClock = systemClock()): Promise<AirtableShop> {
  const server = await startAirtable(clock);
  const { world } = server;
  const baseOf = (name: string): BaseState => {
    const members = [{ userId: PERSON, email: "owner@example.com", permissionLevel: "owner" }];
    const base: BaseState = { id: world.id("app"), name, tables: [], members, recent: [], penaltyUntil: 0 };
    world.bases.set(base.id, base);
    return base;
  };
  const others = ["one", "two"].map(baseOf);
  const base = baseOf("shop");
  const scratch = baseOf("scratch");
  const bases = new Set([...others, base, scratch].map((one) => one.id));
  const tokens = { full: "patFull.planted-secret-1", narrow: "patNarrow.planted-secret-2", expired: "patExpired.planted-secret-3" };
  world.tokens.set(tokens.full, { scopes: new Set(EVERY_SCOPE), bases, expired: false });
  world.tokens.set(tokens.narrow, { scopes: new Set(["schema.bases:read"]), bases, expired: false });
  world.tokens.set(tokens.expired, { scopes: new Set(EVERY_SCOPE), bases, expired: true });

  const table = (name: string, fields: readonly object[]): TableState => {
    createTable(world, base, { name, fields });
    return tableOf(base, name);
  };
  const fill = (into: TableState, rows: readonly Readonly<Record<string, unknown>>[]): void => {
    for (let at = 0; at < rows.length; at += 10)
      insert(world, base, into, { records: rows.slice(at, at + 10).map((fields) => ({ fields })) });
  };
  const things = table("Things", KINDS);
  const person = { id: PERSON };
  const full = {
    Name: "thing 1", multilineText: "two\nlines", richText: "**bold**", email: "a@example.com", url: "https://example.com/x?y=1",
    phoneNumber: "+41 31 123", integer: 7, number: 1.25, currency: 3.5, percent: 0.123, duration: 3661, rating: 3, checkbox: true,
    date: "2026-01-02", dateTime: "2026-11-22T10:00:00+02:00", singleSelect: "b", multipleSelects: ["b", "a"],
    singleCollaborator: person, multipleCollaborators: [person], barcode: { text: "4006381333931", type: "ean13" },
  }; // prettier-ignore
  fill(things, [
    full,
    { Name: UNICODE, checkbox: false, number: 0.1 },
    { Name: "thing 3", multilineText: LONGEST },
    ...Array.from({ length: 27 }, (_, at) => ({ Name: `thing ${at + 4}`, integer: at })),
  ]);
  addComputed({ server }, things);
  const attachments = things.fields.find((field) => field.type === "multipleAttachments")?.id ?? "";
  const file = { contentType: "application/octet-stream", filename: "pläne 1.bin", file: Buffer.from(FILE).toString("base64") };
  upload(world, base, things.rows[0]?.id ?? "", attachments, file);

  const authors = table("Authors", [{ name: "Name", type: "singleLineText" }]);
  const books = table("Books", [{ name: "Title", type: "singleLineText" }]);
  createField(world, base, books.id, { name: "Authors", type: "multipleRecordLinks", options: { linkedTableId: authors.id } });
  createField(world, base, authors.id, { name: "Friends", type: "multipleRecordLinks", options: { linkedTableId: authors.id } });
  fill(
    authors,
    Array.from({ length: 12 }, (_, at) => ({ Name: `author ${at + 1}` })),
  );
  const author = (at: number): string => authors.rows[at]?.id ?? "";
  fill(
    books,
    Array.from({ length: 25 }, (_, at) => ({
      Title: `book ${at + 1}`,
      Authors: at % 5 === 4 ? [] : [author(at % 11), author((at + 3) % 11)],
    })),
  );
  change(world, base, authors, { records: [{ id: author(0), fields: { Friends: [author(1), author(2)] } }] });
  const empty = table("Empty", [{ name: "Name", type: "singleLineText" }]);
  // All of it is older than whatever a test does next.
  const earlier = (row: Row, ms: number): Row => ({ ...row, createdAt: row.createdAt - ms - 60_000, modifiedAt: row.modifiedAt - ms });
  for (const one of base.tables) one.rows = one.rows.map((row, at) => earlier(row, (at + 2) * 60_000));

  const shopTable = (one: TableState): ShopTable => ({
    id: one.id,
    fields: Object.fromEntries(one.fields.map((field) => [field.name, field.id])),
    keys: one.rows.map((row) => row.id),
  });
  return {
    server,
    base,
    scratch,
    tables: { things: shopTable(things), authors: shopTable(authors), books: shopTable(books), empty: shopTable(empty) },
    tokens,
    view: things.views[0]?.id ?? "",
    fileId: [...world.files.keys()][0] ?? "",
    stop: () => server.stop(),
  };
}
