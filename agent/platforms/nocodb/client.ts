/** Calls of NocoDB's API v2. One client a configuration; the token is revealed anew for every request. */
import type { z } from "zod";
import { AgentError } from "../../core/errors.ts";
import type { HttpTargetClient, Json, PlatformDeps } from "../../core/platform-ports.ts";
import { HttpError } from "../../kit/http/errors.ts";
import type { Secret } from "../../kit/secret.ts";
import {
  type Base,
  basesSchema,
  baseSchema,
  countSchema,
  type Filter,
  filtersSchema,
  type Hook,
  hooksSchema,
  infoSchema,
  linkedSchema,
  type Page,
  pageSchema,
  type Sort,
  sortsSchema,
  type Table,
  tableSchema,
  tablesSchema,
  usersSchema,
  versionSchema,
  visibilitySchema,
} from "./schema.ts";

export interface Connection {
  readonly url: string;
  readonly token: Secret;
  readonly allowPlain: boolean;
}

/** More is cut to this without a word. */
export const MOST_ROWS = 1000;
/** Records in one insert; more is 422. */
export const MOST_INSERTS = 100;

export interface RowQuery {
  /** Ids of columns. */
  readonly fields: readonly string[];
  readonly where?: string | undefined;
  readonly sort: string;
  readonly limit: number;
  readonly offset?: number;
}

export type Client = ReturnType<typeof createClient>;

export function createClient(connection: Connection, deps: Pick<PlatformDeps, "http">) {
  const hosted = new URL(connection.url).hostname.endsWith("nocodb.com");
  const http: HttpTargetClient = deps.http.open({
    baseUrl: connection.url.replace(/\/+$/u, ""),
    allowPlain: connection.allowPlain,
    peer: "nocodb",
    headers: async () => ({ "xc-token": await connection.token.reveal() }),
    // The community edition limits nothing; the hosted one takes five requests a second.
    limits: { requestsPerSecond: hosted ? 5 : null, burst: 5, concurrency: 4, penaltyMs: 30_000 },
    budget: null,
  });
  const get = async <T>(
    path: string,
    parameters: Readonly<Record<string, string>>,
    schema: z.ZodType<T>,
    signal: AbortSignal,
    query: Readonly<Record<string, string | number | boolean | undefined>> = {},
  ): Promise<T> => (await http.json({ method: "GET", path, parameters, query, schema, signal })).body;
  return {
    http,
    get,
    version: (signal: AbortSignal) => http.json({ method: "GET", path: "/api/v1/version", schema: versionSchema, signal }),
    info: (signal: AbortSignal) => get("/api/v2/meta/nocodb/info", {}, infoSchema, signal),
    bases: async (signal: AbortSignal): Promise<readonly Base[]> => (await get("/api/v2/meta/bases", {}, basesSchema, signal)).list,
    base: (base: string, signal: AbortSignal): Promise<Base> => get("/api/v2/meta/bases/{base}", { base }, baseSchema, signal),
    tables: async (base: string, signal: AbortSignal) =>
      (await get("/api/v2/meta/bases/{base}/tables", { base }, tablesSchema, signal)).list.filter((table) => !table.mm),
    table: (table: string, signal: AbortSignal): Promise<Table> => get("/api/v2/meta/tables/{table}", { table }, tableSchema, signal),
    filters: async (view: string, signal: AbortSignal): Promise<readonly Filter[]> =>
      (await get("/api/v2/meta/views/{view}/filters", { view }, filtersSchema, signal, { includeAllFilters: true })).list,
    sorts: async (view: string, signal: AbortSignal): Promise<readonly Sort[]> =>
      (await get("/api/v2/meta/views/{view}/sorts", { view }, sortsSchema, signal)).list,
    hooks: async (table: string, signal: AbortSignal): Promise<readonly Hook[]> =>
      (await get("/api/v2/meta/tables/{table}/hooks", { table }, hooksSchema, signal)).list,
    hookFilters: async (hook: string, signal: AbortSignal): Promise<readonly Filter[]> =>
      (await get("/api/v2/meta/hooks/{hook}/filters", { hook }, filtersSchema, signal)).list,
    users: async (base: string, signal: AbortSignal) =>
      (await get("/api/v2/meta/bases/{base}/users", { base }, usersSchema, signal, { limit: 1000 })).users.list.filter(
        (user) => user.roles !== null,
      ),
    visibility: (base: string, signal: AbortSignal) =>
      get("/api/v2/meta/bases/{base}/visibility-rules", { base }, visibilitySchema, signal),
    count: async (table: string, signal: AbortSignal): Promise<number> =>
      (await get("/api/v2/tables/{table}/records/count", { table }, countSchema, signal)).count,
    rows: (table: string, query: RowQuery, signal: AbortSignal): Promise<Page> =>
      wholePage(() =>
        get("/api/v2/tables/{table}/records", { table }, pageSchema, signal, {
          fields: query.fields.join(","),
          where: query.where,
          sort: query.sort,
          limit: query.limit,
          offset: query.offset,
        }),
      ),
    linked: (table: string, column: string, row: string, field: string, offset: number, signal: AbortSignal) =>
      get("/api/v2/tables/{table}/links/{column}/records/{row}", { table, column, row }, linkedSchema, signal, {
        fields: field,
        sort: field,
        limit: MOST_ROWS,
        offset: offset === 0 ? undefined : offset,
      }),
    /** Writing: only a scratch workspace calls it. */
    send: async <T>(
      method: "POST" | "PATCH" | "DELETE",
      path: string,
      parameters: Readonly<Record<string, string>>,
      body: Json | FormData | undefined,
      schema: z.ZodType<T>,
      signal: AbortSignal,
      query: Readonly<Record<string, string>> = {},
    ): Promise<T> => (await http.json({ method, path, parameters, query, body, schema, signal })).body,
  };
}

/** Rows and their number are two queries to the product: somebody may write between them, but hardly three times in a row. */
const LOOKS = 3;

/** @throws AgentError `transient`, code `answer-cut-short`, where a last page has fewer rows than the product says there are */
async function wholePage(read: () => Promise<Page>): Promise<Page> {
  for (let look = 0; look < LOOKS; look += 1) {
    const page = await read();
    const { isLastPage, isFirstPage, totalRows } = page.pageInfo;
    if (!(isLastPage && isFirstPage && page.list.length < totalRows)) return page;
  }
  throw new AgentError("transient", "answer-cut-short", "nocodb: A page has fewer rows than the product says there are.");
}

/** Whether it refused what was asked, rather than being out of reach or the token being wrong. */
export function isRefusal(thrown: unknown): boolean {
  if (!(thrown instanceof AgentError)) return false;
  const { cause } = thrown;
  return cause instanceof HttpError && (cause.kind === "status" || cause.kind === "missing" || isOwn500(cause));
}

/** NocoDB answers 500 also to values it does not take, and says so in JSON; what stands in front of it uses other words. */
export function isOwn500(cause: unknown): boolean {
  return cause instanceof HttpError && cause.status === 500 && /^\s*\{.*"(?:message|msg|error)"\s*:\s*"/su.test(cause.body);
}
