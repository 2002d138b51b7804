/** A real NocoDB with a shop in it: several linked tables, every kind of field, attachments, a live webhook to a local sink, views, members. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type NocoDb, startNocoDb } from "../../servers/nocodb.ts";

export const UNICODE = "e\u0301 \u{1F468}\u{200D}\u{1F469} \u05E9\u05DC\u05D5\u05DD";
export const FILE = new Uint8Array(Array.from({ length: 3000 }, (_, at) => (at * 7) % 256));
export const HEADER_SECRET = "planted-webhook-secret-31415";

export type Api = <T = Record<string, unknown>>(method: string, path: string, body?: unknown, token?: string) => Promise<T>;

export interface ShopTable {
  readonly id: string;
  /** Column ids by title. */
  readonly columns: Readonly<Record<string, string>>;
}

export interface NocoShop {
  readonly noco: NocoDb;
  readonly base: string;
  /** As a person with the administrator's token. */
  readonly api: Api;
  readonly tables: Readonly<Record<"things" | "authors" | "books" | "tags" | "empty", ShopTable>>;
  readonly tokens: { readonly narrow: string; readonly expired: string; readonly restricted: string };
  readonly hook: string;
  readonly view: string;
  readonly owner: string;
  readonly fileId: string;
  /** What webhooks sent since the last call. */
  fired(): Promise<number>;
  stop(): Promise<void>;
}

export function apiOf(url: string, token: string): Api {
  return async <T>(method: string, path: string, body?: unknown, other?: string): Promise<T> => {
    const form = body instanceof FormData;
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { "xc-token": other ?? token, ...(body === undefined || form ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text.slice(0, 300)}`);
    return (text === "" ? null : JSON.parse(text)) as T;
  };
}

interface RawTable {
  readonly id: string;
  readonly columns: readonly { readonly id: string; readonly title: string }[];
  readonly views: readonly { readonly id: string }[];
}

export async function makeTable(api: Api, base: string, title: string, columns: readonly Record<string, unknown>[]): Promise<ShopTable> {
  const named = columns.map((column, at) => ({ column_name: `c${at}`, ...column }));
  const made = await api<RawTable>("POST", `/api/v2/meta/bases/${base}/tables`, {
    title,
    table_name: title.toLowerCase(),
    columns: [{ column_name: "id", title: "Id", uidt: "ID" }, ...named],
  });
  return { id: made.id, columns: await columnsOf(api, made.id) };
}

export async function columnsOf(api: Api, table: string): Promise<Readonly<Record<string, string>>> {
  const read = await api<RawTable>("GET", `/api/v2/meta/tables/${table}`);
  return Object.fromEntries(read.columns.map((column) => [column.title, column.id]));
}

/** Until the product's clock shows another second: its times are no finer. */
export async function nextSecond(): Promise<void> {
  const now = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 1020 - (now % 1000)));
}

const NAME = { title: "Name", uidt: "SingleLineText", pv: true };
const CHOICES = { colOptions: { options: [{ title: "b", color: "#ff0000" }, { title: "a" }] } };
const KINDS = [
  "SingleLineText", "LongText", "Attachment", "Checkbox", "MultiSelect", "SingleSelect", "Date", "Year", "Time", "PhoneNumber", "Email",
  "URL", "Number", "Decimal", "Currency", "Percent", "Duration", "Rating", "DateTime", "JSON", "Geometry", "User",
] as const; // prettier-ignore

/** @param env more for NocoDB, above that local webhooks are let out and long text is taken */
export async function startShop(env: Readonly<Record<string, string>> = {}): Promise<NocoShop> {
  let sent = 0;
  const sink = createServer((request, response) => {
    sent += 1;
    request.resume();
    response.end("{}");
  });
  await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
  const sinkUrl = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/hook`;
  const noco = await startNocoDb({ NC_ALLOW_LOCAL_HOOKS: "true", NC_MAX_TEXT_LENGTH: "2000000", ...env });
  const stop = async (): Promise<void> => {
    await noco.stop();
    sink.closeAllConnections();
    await new Promise((resolve) => sink.close(resolve));
  };
  const fired = async (): Promise<number> => {
    // A webhook goes out after the answer to whoever set it off.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const since = sent;
    sent = 0;
    return since;
  };
  try {
    return { ...(await furnish(noco, sinkUrl)), fired, stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

async function furnish(noco: NocoDb, sinkUrl: string): Promise<Omit<NocoShop, "fired" | "stop">> {
  const api = apiOf(noco.url, noco.token);
  const { id: base } = await api<{ id: string }>("POST", "/api/v2/meta/bases", { title: "shop" });
  const { id: owner } = await api<{ id: string }>("GET", "/api/v1/auth/user/me");

  const kinds = KINDS.map((uidt) => ({ title: uidt, uidt, ...(uidt.endsWith("Select") ? CHOICES : {}) }));
  let things = await makeTable(api, base, "Things", [NAME, ...kinds, { title: "Spare", uidt: "SingleLineText" }]);
  const name = things.columns["Name"] ?? "";
  const column = (table: string, body: Record<string, unknown>) => api("POST", `/api/v2/meta/tables/${table}/columns`, body);
  await column(things.id, { title: "Formula", uidt: "Formula", formula_raw: '{Name} & "!"', formula: '{Name} & "!"' });
  for (const uidt of ["CreatedTime", "LastModifiedTime", "CreatedBy", "LastModifiedBy"]) await column(things.id, { title: uidt, uidt });
  await column(things.id, { title: "QrCode", uidt: "QrCode", fk_qr_value_column_id: name });
  await column(things.id, { title: "Barcode", uidt: "Barcode", fk_barcode_value_column_id: name, barcode_format: "CODE128" });
  things = { id: things.id, columns: await columnsOf(api, things.id) };

  const form = new FormData();
  form.append("file", new File([FILE], "pläne 1.bin", { type: "application/octet-stream" }));
  const uploaded = await api<Record<string, unknown>[]>("POST", "/api/v2/storage/upload", form);
  const rows = Array.from({ length: 29 }, (_, at) => ({ Name: `thing ${at + 1}`, Number: at }));
  const [first = { Name: "", Number: 0 }, second = first, third = first, ...rest] = rows;
  await api("POST", `/api/v2/tables/${things.id}/records`, [
    {
      ...first,
      SingleLineText: "one",
      LongText: "two\nlines",
      Attachment: uploaded,
      Checkbox: true,
      MultiSelect: "b,a",
      SingleSelect: "b",
      Date: "2026-01-02",
      Year: 2024,
      Time: "13:14:15",
      PhoneNumber: "+41 31 123",
      Email: "a@example.com",
      URL: "https://example.com/x?y=1",
      Number: 7,
      Decimal: 1.25,
      Currency: 3.5,
      Percent: 40,
      Duration: 3661,
      Rating: 3,
      DateTime: "2026-11-22T10:00:00+02:00",
      JSON: { b: 1, a: [1, "x"] },
      Geometry: "1;2",
      User: owner,
    },
    { ...second, SingleLineText: UNICODE, Checkbox: false, Decimal: 0.1, Number: -5 },
    { ...third, LongText: "x".repeat(1_000_000) },
  ]);
  await api("POST", `/api/v2/tables/${things.id}/records`, rest);

  const linked = await makeLinked(api, base);
  const empty = await makeTable(api, base, "Empty", [NAME]);
  const view = await makeViews(api, things, linked.books);
  await nextSecond();
  await api("POST", `/api/v2/tables/${things.id}/records`, [{ Name: "thing 30" }]);
  const { id: hook } = await api<{ id: string }>("POST", `/api/v2/meta/tables/${things.id}/hooks`, {
    title: "notify",
    version: "v3",
    event: "after",
    operation: ["insert", "update", "delete"],
    active: true,
    condition: false,
    notification: {
      type: "URL",
      payload: {
        method: "POST",
        path: sinkUrl,
        body: "{{ json event }}",
        headers: [{ name: "Authorization", value: `Bearer ${HEADER_SECRET}`, enabled: true }],
        parameters: [],
        auth: "",
      },
    },
  });
  const [thing] = (await api<{ list: { Attachment: { id: string }[] }[] }>("GET", `/api/v2/tables/${things.id}/records?limit=1&sort=Id`))
    .list;

  const narrow = await makeUser(noco, "reader@example.com");
  await api("POST", `/api/v2/meta/bases/${base}/users`, { email: "reader@example.com", roles: "viewer" });
  const restricted = await makeUser(noco, "restricted@example.com");
  const expired = await makeToken(noco, noco.email, noco.password);
  await revokeToken(noco, expired.id);
  return {
    noco,
    base,
    api,
    tables: { things, ...linked, empty },
    tokens: { narrow: narrow.token, expired: expired.token, restricted: restricted.token },
    hook,
    view,
    owner,
    fileId: thing?.Attachment[0]?.id ?? "",
  };
}

async function makeLinked(api: Api, base: string): Promise<Record<"authors" | "books" | "tags", ShopTable>> {
  const [authors, books, tags] = [
    await makeTable(api, base, "Authors", [NAME]),
    await makeTable(api, base, "Books", [NAME, { title: "Pages", uidt: "Number" }]),
    await makeTable(api, base, "Tags", [NAME]),
  ];
  const link = (title: string, type: string, parentId: string, childId: string, uidt = "Links") =>
    api("POST", `/api/v2/meta/tables/${parentId}/columns`, { title, uidt, type, parentId, childId });
  await link("Written", "hm", authors.id, books.id);
  await link("Tagged", "mm", books.id, tags.id);
  await link("Best", "oo", authors.id, books.id, "LinkToAnotherRecord");
  await link("Pupils", "hm", authors.id, authors.id);
  await link("Friends", "mm", authors.id, authors.id);
  const written = (await columnsOf(api, authors.id))["Written"] ?? "";
  const pages = books.columns["Pages"] ?? "";
  const add = (body: Record<string, unknown>) => api("POST", `/api/v2/meta/tables/${authors.id}/columns`, body);
  await add({ title: "AllPages", uidt: "Rollup", fk_relation_column_id: written, fk_rollup_column_id: pages, rollup_function: "sum" });
  await add({ title: "PagesOfEach", uidt: "Lookup", fk_relation_column_id: written, fk_lookup_column_id: pages });
  const columns = await columnsOf(api, authors.id);
  const rows = (prefix: string, count: number, more: (at: number) => object = () => ({})) =>
    Array.from({ length: count }, (_, at) => ({ Name: `${prefix} ${at + 1}`, ...more(at) }));
  await api("POST", `/api/v2/tables/${authors.id}/records`, rows("author", 6));
  await api(
    "POST",
    `/api/v2/tables/${books.id}/records`,
    rows("book", 20, (at) => ({ Pages: at * 10 })),
  );
  await api("POST", `/api/v2/tables/${tags.id}/records`, rows("tag", 5));
  // A gap, so that keys of a restore are not those of production.
  await api("DELETE", `/api/v2/tables/${authors.id}/records`, [{ Id: 1 }]);
  await api("DELETE", `/api/v2/tables/${books.id}/records`, [{ Id: 2 }, { Id: 3 }]);
  const ids = (...list: number[]) => list.map((Id) => ({ Id }));
  const set = (table: string, title: string, row: number, targets: object, all: Readonly<Record<string, string>>) =>
    api("POST", `/api/v2/tables/${table}/links/${all[title] ?? ""}/records/${row}`, targets);
  await set(authors.id, "Written", 2, ids(4, 5, 6), columns);
  await set(authors.id, "Written", 3, ids(7, 20), columns);
  await set(authors.id, "Best", 2, ids(6), columns);
  await set(authors.id, "Pupils", 2, ids(3, 4), columns);
  await set(authors.id, "Friends", 2, ids(3, 5), columns);
  const bookColumns = await columnsOf(api, books.id);
  await set(books.id, "Tagged", 4, ids(1, 2, 5), bookColumns);
  await set(books.id, "Tagged", 7, ids(2), bookColumns);
  return {
    authors: { id: authors.id, columns },
    books: { id: books.id, columns: bookColumns },
    tags: { id: tags.id, columns: await columnsOf(api, tags.id) },
  };
}

async function makeViews(api: Api, things: ShopTable, books: ShopTable): Promise<string> {
  const of = (title: string): string => things.columns[title] ?? "";
  const { id } = await api<{ id: string }>("POST", `/api/v2/meta/tables/${things.id}/grids`, { title: "Chosen" });
  await api("POST", `/api/v2/meta/views/${id}/filters`, {
    fk_column_id: of("Name"),
    comparison_op: "like",
    value: "thing",
    logical_op: "and",
  });
  const group = await api<{ id: string }>("POST", `/api/v2/meta/views/${id}/filters`, { is_group: true, logical_op: "or" });
  const inGroup = { fk_parent_id: group.id, fk_column_id: of("Number"), comparison_op: "gt", value: "3", logical_op: "and" };
  await api("POST", `/api/v2/meta/views/${id}/filters`, inGroup);
  await api("POST", `/api/v2/meta/views/${id}/sorts`, { fk_column_id: of("Number"), direction: "desc" });
  await api("POST", `/api/v2/meta/tables/${things.id}/kanbans`, { title: "Board", fk_grp_col_id: of("SingleSelect") });
  await api("POST", `/api/v2/meta/tables/${things.id}/galleries`, { title: "Pictures" });
  await api("POST", `/api/v2/meta/tables/${books.id}/forms`, { title: "New book" });
  return id;
}

export async function makeUser(noco: NocoDb, email: string): Promise<{ readonly id: string; readonly token: string }> {
  await apiOf(noco.url, "")("POST", "/api/v1/auth/user/signup", { email, password: "Passw0rd!2" });
  return makeToken(noco, email, "Passw0rd!2");
}

async function sessionOf(noco: NocoDb, email: string, password: string) {
  const call = async (method: string, path: string, headers: Record<string, string>, body: unknown): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${noco.url}${path}`, {
      method,
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text.slice(0, 300)}`);
    const parsed: unknown = text === "" ? null : JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
  };
  const session = await call("POST", "/api/v1/auth/user/signin", {}, { email, password });
  // Tokens are made and revoked by people who are logged in, not by tokens.
  return (method: string, path: string, body: unknown) => call(method, path, { "xc-auth": String(session["token"]) }, body);
}

async function makeToken(noco: NocoDb, email: string, password: string): Promise<{ readonly id: string; readonly token: string }> {
  const call = await sessionOf(noco, email, password);
  const made = await call("POST", "/api/v1/tokens", { description: "test" });
  return { id: String(made["id"]), token: String(made["token"]) };
}

export async function revokeToken(noco: NocoDb, id: string): Promise<void> {
  await (
    await sessionOf(noco, noco.email, noco.password)
  )("DELETE", `/api/v1/tokens/${id}`, {});
}
