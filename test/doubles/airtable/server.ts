/**
 * Airtable on this machine, as far as its documentation and other people's clients tell: two listeners on 127.0.0.1, one for the API, one
 * for files and uploads, which in truth lie on other hosts too. Time is the clock it is given.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { bare, forbidden, Refusal, typed } from "./errors.ts";
import { admit, charge, PENALTY_MS } from "./limits.ts";
import * as meta from "./meta.ts";
import * as records from "./records.ts";
import {
  type BaseState,
  createWorld,
  type ServerClock,
  signatureOf,
  tableOf,
  type TableState,
  type TokenState,
  type World,
} from "./world.ts";

export interface AirtableServer {
  /** Base address of the API, with `/v0`. */
  readonly url: string;
  readonly contentUrl: string;
  readonly world: World;
  /** Method and path of every request, in order, with its status. */
  readonly requests: readonly { readonly line: string; readonly status: number }[];
  /** Everything to this base is refused for the next thirty seconds. */
  penalise(base: string): void;
  /** What of the requests is answered by other means: `null` leaves it to the server. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | null;
  stop(): Promise<void>;
}

interface Asked {
  readonly method: string;
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly token: TokenState;
}

const LONGEST_ADDRESS = 16_000;

export async function startAirtable(clock: ServerClock): Promise<AirtableServer> {
  const world = createWorld(clock);
  const requests: { line: string; status: number }[] = [];
  const handle =
    (answer: (request: IncomingMessage, body: Buffer) => { status: number; type: string; body: string | Uint8Array }) =>
    (request: IncomingMessage, response: ServerResponse): void => {
      if (server.intercept?.(request, response) === true) return;
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const { status, type, body } = answered(() => answer(request, Buffer.concat(parts)));
        requests.push({ line: `${request.method ?? ""} ${(request.url ?? "").split("?")[0] ?? ""}`, status });
        const bytes = Buffer.from(body);
        // Its own time, not the machine's.
        response.writeHead(status, { "content-type": type, date: new Date(clock.now()).toUTCString(), "content-length": bytes.length });
        response.end(bytes);
      });
    };
  const api = createServer(handle((request, body) => json(200, route(world, askedOf(world, request, body)))));
  const content = createServer(handle((request, body) => contentAnswer(world, request, body)));
  const [apiOrigin, contentOrigin] = [await listen(api), await listen(content)];
  world.filesOrigin = contentOrigin;
  const server: AirtableServer = {
    url: `${apiOrigin}/v0`,
    contentUrl: `${contentOrigin}/v0`,
    world,
    requests,
    intercept: null,
    penalise: (id) => {
      const base = world.bases.get(id);
      if (base !== undefined) base.penaltyUntil = clock.monotonic() + PENALTY_MS;
    },
    stop: async () => {
      await Promise.all([api, content].map((one) => closed(one)));
    },
  };
  return server;
}

function answered<T>(work: () => T): T | ReturnType<typeof json> {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof Refusal) return json(thrown.status, thrown.body);
    return json(500, { error: { type: "SERVER_ERROR", message: String(thrown) } });
  }
}

function json(status: number, body: unknown): { status: number; type: string; body: string } {
  return { status, type: "application/json; charset=utf-8", body: JSON.stringify(body) };
}

function askedOf(world: World, request: IncomingMessage, body: Buffer): Asked {
  if ((request.url ?? "").length > LONGEST_ADDRESS) throw typed(414, "URI_TOO_LONG", "The address is too long; use listRecords");
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const token = world.tokens.get((request.headers.authorization ?? "").replace("Bearer ", ""));
  if (token === undefined || token.expired) throw typed(401, "AUTHENTICATION_REQUIRED", "Authentication required");
  const [version, ...parts] = url.pathname
    .split("/")
    .filter((part) => part !== "")
    .map(decodeURIComponent);
  if (version !== "v0") throw bare(404, "NOT_FOUND");
  return { method: request.method ?? "", parts, query: url.searchParams, body: parsed(body), token };
}

function parsed(body: Buffer): unknown {
  if (body.length === 0) return null;
  try {
    return JSON.parse(body.toString("utf8")) as unknown;
  } catch {
    throw typed(422, "INVALID_REQUEST_BODY", "Could not parse request body");
  }
}

function route(world: World, asked: Asked): unknown {
  const { method, parts, query, token } = asked;
  if (parts[0] !== "meta") return recordRoute(world, asked);
  const at = `${method} ${parts
    .slice(1)
    .map((part) => (/^(?:app|tbl|fld)/u.test(part) ? part.slice(0, 3) : part))
    .join("/")}`;
  if (at === "GET whoami") return meta.whoami(token);
  if (at === "GET bases") return need(token, "schema.bases:read", () => meta.bases(world, token, query.get("offset")));
  const base = baseOf(world, token, parts[2] ?? "");
  admit(world, base);
  const [, , , , table = "", , field = ""] = parts;
  switch (at) {
    case "GET bases/app":
      return need(token, "schema.bases:read", () => meta.base(base));
    case "GET bases/app/tables":
      return need(token, "schema.bases:read", () => meta.tables(base, query.getAll("include").includes("visibleFieldIds")));
    case "POST bases/app/tables":
      return need(token, "schema.bases:write", () => meta.createTable(world, base, asked.body));
    case "POST bases/app/tables/tbl/fields":
      return need(token, "schema.bases:write", () => meta.createField(world, base, table, asked.body));
    case "PATCH bases/app/tables/tbl/fields/fld":
      return need(token, "schema.bases:write", () => meta.renameField(base, table, field, asked.body));
    case "DELETE bases/app":
      // Enterprise only; and tables and fields by nobody.
      throw forbidden();
    default:
      throw bare(404, "NOT_FOUND");
  }
}

function recordRoute(world: World, asked: Asked): unknown {
  const { method, parts, query, token, body } = asked;
  const base = baseOf(world, token, parts[0] ?? "");
  admit(world, base);
  charge(world);
  const table = tableOf(base, parts[1] ?? "");
  if (method === "GET" && parts.length === 2)
    return need(token, "data.records:read", () =>
      records.list(world, table, {
        ...Object.fromEntries([...query].filter(([name]) => !name.includes("["))),
        fields: query.getAll("fields[]"),
        sort: sortOf(query),
      }),
    );
  if (method === "POST" && parts[2] === "listRecords" && parts.length === 3)
    return need(token, "data.records:read", () => records.list(world, table, (body ?? {}) as records.Listing));
  if (parts.length === 3) return oneRecord(world, base, table, asked);
  if (parts.length !== 2) throw bare(404, "NOT_FOUND");
  if (method === "POST") return insertRoute(world, base, table, asked);
  if (method === "PUT") return need(token, "data.records:write", () => records.replace(world, base, table, body));
  if (method === "PATCH") return need(token, "data.records:write", () => records.change(world, base, table, body));
  if (method === "DELETE") return need(token, "data.records:write", () => records.destroy(base, table, query.getAll("records[]")));
  throw bare(404, "NOT_FOUND");
}

/** A list of records, or the fields of one. */
function insertRoute(world: World, base: BaseState, table: TableState, { token, body }: Asked): unknown {
  const single = body as { readonly records?: unknown; readonly fields?: object } | null;
  return need(token, "data.records:write", () => {
    if (single?.records !== undefined || single?.fields === undefined) return records.insert(world, base, table, body);
    return (records.insert(world, base, table, { records: [single] }) as { readonly records: readonly unknown[] }).records[0];
  });
}

/** One record by its id in the path; its body has no list, and neither has the answer. */
function oneRecord(world: World, base: BaseState, table: TableState, { method, parts, token, body }: Asked): unknown {
  const id = parts[2] ?? "";
  if (method === "GET") return need(token, "data.records:read", () => records.get(world, table, id));
  const one = (answer: unknown): unknown => (answer as { readonly records: readonly unknown[] }).records[0];
  return need(token, "data.records:write", () => {
    if (method === "PATCH") return one(records.change(world, base, table, { records: [{ ...(body as object | null), id }] }));
    if (method === "PUT") return one(records.replace(world, base, table, { records: [{ ...(body as object | null), id }] }));
    if (method === "DELETE") return one(records.destroy(base, table, [id]));
    throw bare(404, "NOT_FOUND");
  });
}

/** `sort[0][field]`, `sort[0][direction]`, in order. */
function sortOf(query: URLSearchParams): readonly { readonly field: string | null; readonly direction: string | null }[] {
  const sorts: { field: string | null; direction: string | null }[] = [];
  for (let at = 0; query.has(`sort[${at}][field]`); at += 1)
    sorts.push({ field: query.get(`sort[${at}][field]`), direction: query.get(`sort[${at}][direction]`) });
  return sorts;
}

function contentAnswer(world: World, request: IncomingMessage, body: Buffer): { status: number; type: string; body: string | Uint8Array } {
  const [, kind = "", id = "", until = "", signature = ""] = (request.url ?? "").split("/");
  if (kind === "dl") {
    // A storage that gets somebody's token refuses it; a test looks for that.
    if (request.headers.authorization !== undefined) throw bare(400, "TOKEN_SENT_TO_STORAGE");
    const file = world.files.get(id);
    if (file === undefined || signature !== signatureOf(id, Number(until))) throw bare(403, "INVALID_SIGNATURE");
    if (world.clock.now() > Number(until)) throw bare(410, "EXPIRED");
    return { status: 200, type: file.type, body: file.bytes };
  }
  const asked = askedOf(world, request, body);
  const [base = "", record = "", field = "", what] = asked.parts;
  if (asked.method !== "POST" || what !== "uploadAttachment") throw bare(404, "NOT_FOUND");
  const found = baseOf(world, asked.token, base);
  admit(world, found);
  charge(world);
  return json(
    200,
    need(asked.token, "data.records:write", () => records.upload(world, found, record, field, asked.body)),
  );
}

function baseOf(world: World, token: TokenState, id: string): BaseState {
  const base = world.bases.get(id);
  if (base === undefined || !token.bases.has(id)) throw forbidden();
  return base;
}

function need<T>(token: TokenState, scope: string, work: () => T): T {
  if (!token.scopes.has(scope)) throw forbidden();
  return work();
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
