/** What the tests put into a real Directus through its own API: linked collections with every field type, files, flows, roles. */
import { createHash } from "node:crypto";

export type Call = (method: string, path: string, body?: unknown) => Promise<unknown>;

/** Calls as a person would make them. @throws Error with the product's answer */
export function caller(url: string, token: string | null): Call {
  return async (method, path, body) => {
    const form = body instanceof FormData;
    const answer = await fetch(url + path, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined || form ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 600)}`);
    return text === "" ? null : (JSON.parse(text) as { data: unknown }).data;
  };
}

export const UUID = {
  ada: "0a000000-0000-4000-8000-000000000001",
  bob: "0b000000-0000-4000-8000-000000000002",
  file: "0f000000-0000-4000-8000-000000000001",
  picture: "0f000000-0000-4000-8000-000000000002",
  flow: "0c000000-0000-4000-8000-000000000001",
  subFlow: "0c000000-0000-4000-8000-000000000002",
  send: "0d000000-0000-4000-8000-000000000001",
  call: "0d000000-0000-4000-8000-000000000002",
  editor: "0e000000-0000-4000-8000-000000000001",
  reader: "0e000000-0000-4000-8000-000000000002",
  editing: "0e000000-0000-4000-8000-000000000011",
  reading: "0e000000-0000-4000-8000-000000000012",
  dashboard: "0e000000-0000-4000-8000-000000000021",
} as const;

export const UNICODE = "e\u0301 \u{1F468}\u{200D}\u{1F469} \u05E9\u05DC\u05D5\u05DD";
export const LARGE = "0123456789".repeat(100_000);
export const FILE = new TextEncoder().encode("what is kept, is kept\n".repeat(50));
/** A header of a flow's request: never to be told by the agent. */
export const FLOW_SECRET = "Bearer flow-header-secret-0123456789";
export const ARTICLES = 40;
/** As many as Directus gives out without a limit, and a few more. */
export const NOTES = 123;

const field = (name: string, type: string, schema: object = {}, meta: object = {}) => ({ field: name, type, schema, meta });
const number = (auto = true) => field("id", "integer", { is_primary_key: true, has_auto_increment: auto }, { hidden: true });
const uuid = () => field("id", "uuid", { is_primary_key: true }, { special: ["uuid"] });
const made = (call: Call, collection: string, fields: readonly object[], meta: object = {}) =>
  call("POST", "/collections", { collection, meta, schema: {}, fields });
const alias = (call: Call, collection: string, name: string, special: string) =>
  call("POST", `/fields/${collection}`, { field: name, type: "alias", meta: { special: [special] } });
const related = (
  call: Call,
  collection: string,
  name: string,
  to: string | null,
  meta: object = {},
  schema: object | null = { on_delete: "SET NULL" },
) => call("POST", "/relations", { collection, field: name, related_collection: to, meta, schema });

/** @param sink address every firing of a flow is sent to */
export async function seedDirectus(url: string, token: string, sink: string): Promise<void> {
  const call = caller(url, token);
  await schema(call);
  await access(call);
  await files(url, token);
  await rows(call);
  await related(call, "articles", "editor", "directus_users");
  await automations(call, sink);
  await call("POST", "/presets", {
    bookmark: "Long ones",
    collection: "articles",
    layout: "tabular",
    filter: { _and: [{ pages: { _gt: 20 } }] },
  });
  await call("POST", "/dashboards", { id: UUID.dashboard, name: "Overview" });
  await call("POST", "/panels", {
    dashboard: UUID.dashboard,
    name: "Articles",
    type: "metric",
    position_x: 1,
    position_y: 1,
    width: 10,
    height: 8,
    show_header: true,
    options: { collection: "articles", function: "count", field: "id" },
  });
}

async function schema(call: Call): Promise<void> {
  await call("POST", "/collections", { collection: "content", meta: { note: "a folder, no table" }, schema: null });
  await made(call, "countries", [field("code", "string", { is_primary_key: true, max_length: 8 }), field("name", "string")]);
  await made(call, "authors", [uuid(), field("name", "string", { is_nullable: false }), field("country", "string", { max_length: 8 })]);
  await made(call, "tags", [number(), field("label", "string", { is_unique: true })]);
  await made(call, "notes", [number(), field("text", "text")]);
  await made(call, "quotes", [uuid(), field("text", "text")]);
  await made(call, "empties", [number(), field("name", "string")]);
  await made(call, "site", [number(), field("motto", "string")], { singleton: true });
  await made(
    call,
    "articles",
    [
      number(),
      field("title", "string", { is_nullable: false, max_length: 200 }),
      field("body", "text"),
      field("pages", "integer"),
      field("big", "bigInteger"),
      field("ratio", "float"),
      field("price", "decimal", { numeric_precision: 30, numeric_scale: 10 }),
      field("ok", "boolean"),
      field("meta", "json", {}, { special: ["cast-json"] }),
      field("words", "csv", {}, { special: ["cast-csv"] }),
      field("ref", "uuid"),
      field("pass", "hash", {}, { special: ["hash"] }),
      field("pin", "hash", {}, { special: ["hash", "conceal"] }),
      field("day", "date"),
      field("hour", "time"),
      field("local", "dateTime"),
      field("moment", "timestamp"),
      field(
        "state",
        "string",
        {},
        {
          options: {
            choices: [
              { text: "Draft", value: "draft" },
              { text: "Out", value: "out" },
            ],
          },
        },
      ),
      field("author", "uuid"),
      field("parent", "integer"),
      field("cover", "uuid", {}, { special: ["file"] }),
      field("editor", "uuid"),
      field("spare", "string"),
      field("made_at", "timestamp", {}, { special: ["date-created"] }),
      field("changed_at", "timestamp", {}, { special: ["date-updated"] }),
      field("made_by", "string", { max_length: 36 }, { special: ["user-created"] }),
    ],
    { note: "what people read", group: "content" },
  );
  await made(call, "articles_tags", [number(), field("articles_id", "integer"), field("tags_id", "integer")], { hidden: true });
  await made(call, "articles_blocks", [number(), field("articles_id", "integer"), field("item", "string"), field("collection", "string")], {
    hidden: true,
  });
  await alias(call, "authors", "articles", "o2m");
  await alias(call, "articles", "tags", "m2m");
  await alias(call, "articles", "blocks", "m2a");
  await related(call, "authors", "country", "countries");
  await related(call, "articles", "author", "authors", { one_field: "articles" });
  await related(call, "articles", "parent", "articles", {}, { on_delete: "NO ACTION" });
  await related(call, "articles", "cover", "directus_files");
  await related(call, "articles_tags", "articles_id", "articles", { one_field: "tags", junction_field: "tags_id" });
  await related(call, "articles_tags", "tags_id", "tags", { junction_field: "articles_id" });
  await related(call, "articles_blocks", "articles_id", "articles", { one_field: "blocks", junction_field: "item" });
  await related(
    call,
    "articles_blocks",
    "item",
    null,
    { one_collection_field: "collection", one_allowed_collections: ["quotes", "notes"], junction_field: "articles_id" },
    null,
  );
}

async function access(call: Call): Promise<void> {
  await call("POST", "/roles", { id: UUID.editor, name: "Editors" });
  await call("POST", "/roles", { id: UUID.reader, name: "Readers", parent: UUID.editor });
  await call("POST", "/policies", { id: UUID.editing, name: "Editing", app_access: false });
  await call("POST", "/policies", { id: UUID.reading, name: "Reading", app_access: false });
  await call("POST", "/access", { role: UUID.editor, policy: UUID.editing });
  await call("POST", "/access", { role: UUID.reader, policy: UUID.reading });
  for (const action of ["create", "read", "update"]) await permit(call, UUID.editing, "articles", action);
  await permit(call, UUID.reading, "tags", "read");
}

function permit(call: Call, policy: string, collection: string, action: string): Promise<unknown> {
  return call("POST", "/permissions", { policy, collection, action, permissions: {}, validation: {}, fields: ["*"] });
}

async function files(url: string, token: string): Promise<void> {
  const call = caller(url, token);
  const [folder] = [(await call("POST", "/folders", { name: "papers" })) as { id: string }];
  for (const [id, name, type, bytes] of [
    [UUID.file, "notes é.txt", "text/plain", FILE],
    [UUID.picture, "dot.bin", "application/octet-stream", new Uint8Array([1, 2, 3, 0, 255])],
  ] as const) {
    const form = new FormData();
    form.append("id", id);
    form.append("title", name);
    form.append("folder", folder.id);
    form.append("type", type);
    form.append("file", new Blob([bytes], { type }), name);
    await call("POST", "/files", form);
  }
}

async function rows(call: Call): Promise<void> {
  await call("POST", "/items/countries", [
    { code: "ch", name: "Switzerland" },
    { code: "è 1/2", name: "Elsewhere" },
  ]);
  await call("POST", "/items/authors", [
    { id: UUID.ada, name: "Ada", country: "ch" },
    { id: UUID.bob, name: "Bob", country: "è 1/2" },
  ]);
  await call("POST", "/items/tags", [{ label: "red" }, { label: "blue" }]);
  await call(
    "POST",
    "/items/notes",
    Array.from({ length: NOTES }, (_, at) => ({ text: `note ${at}` })),
  );
  await call("POST", "/items/quotes", [{ id: "0a000000-0000-4000-8000-0000000000aa", text: "so it goes" }]);
  await call("PATCH", "/items/site", { motto: "one of a kind" });
  // Keys with gaps, as years of deleting leave them.
  await call(
    "POST",
    "/items/articles",
    Array.from({ length: ARTICLES }, (_, at) => ({ id: at * 3 + 1, title: `article ${at}`, pages: at })),
  );
  await call("PATCH", "/items/articles/1", {
    body: UNICODE,
    big: "9007199254740993",
    ratio: 0.1,
    price: "12345678901234567.8912300000",
    ok: false,
    meta: { b: [1, { c: null }], a: "ü" },
    words: ["b", "a", "b"],
    ref: "11111111-1111-4111-8111-111111111111",
    pass: "a password",
    pin: "1234",
    day: "2026-02-28",
    hour: "23:59:58",
    local: "2026-03-29T02:30:00",
    moment: "2026-03-29T02:30:00.123+02:00",
    state: "out",
    author: UUID.ada,
    parent: 4,
    cover: UUID.file,
  });
  await call("PATCH", "/items/articles/4", { body: LARGE, author: UUID.bob, parent: 1, ok: true });
  await call("POST", "/items/articles_tags", [
    { articles_id: 1, tags_id: 1 },
    { articles_id: 1, tags_id: 2 },
    { articles_id: 4, tags_id: 2 },
  ]);
  await call("POST", "/items/articles_blocks", [
    { articles_id: 1, collection: "quotes", item: "0a000000-0000-4000-8000-0000000000aa" },
    { articles_id: 1, collection: "notes", item: "5" },
  ]);
}

async function automations(call: Call, sink: string): Promise<void> {
  await call("POST", "/flows", {
    id: UUID.subFlow,
    name: "log it",
    status: "inactive",
    trigger: "operation",
    accountability: "all",
    options: {},
  });
  await call("POST", "/flows", {
    id: UUID.flow,
    name: "tell the sink",
    status: "active",
    trigger: "event",
    accountability: "all",
    options: { type: "action", scope: ["items.create", "items.update"], collections: ["articles", "tags", "notes"] },
  });
  await call("POST", "/operations", {
    id: UUID.send,
    flow: UUID.flow,
    key: "send",
    name: "Send",
    type: "request",
    position_x: 19,
    position_y: 1,
    options: { method: "POST", url: sink, headers: [{ header: "Authorization", value: FLOW_SECRET }], body: '{"from":"directus"}' },
  });
  await call("POST", "/operations", {
    id: UUID.call,
    flow: UUID.flow,
    key: "call",
    name: "Call",
    type: "trigger",
    position_x: 37,
    position_y: 1,
    options: { flow: UUID.subFlow },
  });
  await call("PATCH", `/operations/${UUID.send}`, { resolve: UUID.call });
  await call("PATCH", `/flows/${UUID.flow}`, { operation: UUID.send });
}

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
