/** Calls of Directus' REST API. One client a configuration; the token is revealed anew for every request. */
import { z } from "zod";
import type { HttpTargetClient, Json, PlatformDeps } from "../../core/platform-ports.ts";
import type { Secret } from "../../kit/secret.ts";
import * as answers from "./schema.ts";

export interface Connection {
  readonly url: string;
  /** Null: nobody's, to see what an outsider sees. */
  readonly token: Pick<Secret, "reveal"> | null;
  readonly allowPlain: boolean;
}

type Query = Readonly<Record<string, Json>>;

export type Client = ReturnType<typeof createClient>;

export function createClient(connection: Connection, deps: Pick<PlatformDeps, "http">) {
  const { token } = connection;
  const http: HttpTargetClient = deps.http.open({
    baseUrl: connection.url.replace(/\/+$/u, ""),
    allowPlain: connection.allowPlain,
    peer: "directus",
    headers: async () => (token === null ? {} : { authorization: `Bearer ${await token.reveal()}` }),
    // Its limiter is off unless switched on; a 429 tells how long to wait.
    limits: { requestsPerSecond: null, burst: 1, concurrency: 4, penaltyMs: 5000 },
    budget: null,
  });

  const get = async <T>(
    path: string,
    schema: z.ZodType<T>,
    signal: AbortSignal,
    query: Readonly<Record<string, string | number>> = {},
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<T> => (await http.json({ method: "GET", path, query, parameters, schema: answers.dataOf(schema), signal })).body.data;

  /** Everything of one of Directus' own collections: without a limit it gives out a hundred and says nothing. */
  const all = <T>(path: string, schema: z.ZodType<T>, signal: AbortSignal, query: Readonly<Record<string, string>> = {}): Promise<T[]> =>
    everyPage((limit, offset) => get(path, z.array(schema), signal, { sort: "id", ...query, limit, offset }));

  const post = async <T>(
    path: string,
    body: Json | FormData,
    schema: z.ZodType<T>,
    signal: AbortSignal,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<T> => (await http.json({ method: "POST", path, parameters, body, schema: answers.dataOf(schema), signal })).body.data;

  const patch = (path: string, body: Json, signal: AbortSignal, parameters: Readonly<Record<string, string>> = {}): Promise<unknown> =>
    http.json({ method: "PATCH", path, parameters, body, schema: answers.ignoredSchema, signal, repeatable: true });

  return {
    http,
    get,
    all,
    post,
    patch,
    info: (signal: AbortSignal) => http.json({ method: "GET", path: "/server/info", schema: answers.dataOf(answers.infoSchema), signal }),
    settings: (signal: AbortSignal) => get("/settings", answers.settingsSchema, signal),
    snapshot: (signal: AbortSignal) => get("/schema/snapshot", answers.snapshotSchema, signal),
    fields: (collection: string, signal: AbortSignal) =>
      get("/fields/{collection}", z.array(answers.fieldSchema), signal, {}, { collection }),
    admin: async (signal: AbortSignal) => (await get("/policies/me/globals", answers.globalsSchema, signal)).admin_access,
    /** Rows of a collection; SEARCH takes a query of any length. */
    rows: async (collection: string, query: Query, signal: AbortSignal): Promise<readonly answers.Row[]> => {
      const request = { path: "/items/{collection}", parameters: { collection }, body: { query }, signal };
      return (await http.json({ method: "SEARCH", ...request, schema: answers.dataOf(answers.rowsSchema) })).body.data;
    },
    single: (collection: string, signal: AbortSignal): Promise<readonly answers.Row[]> =>
      get("/items/{collection}", answers.rowsSchema, signal, {}, { collection }),
    count: async (collection: string, signal: AbortSignal): Promise<number> => {
      const query = { "aggregate[count]": "*" };
      return (await get("/items/{collection}", answers.countSchema, signal, query, { collection }))[0]?.count ?? 0;
    },
    asset: (id: string, signal: AbortSignal) =>
      http.bytes({ method: "GET", path: "/assets/{id}", parameters: { id }, signal, maxBytes: 4 * 1024 * 1024 * 1024 }),
    /** Removing what is not there any more is fine: Directus says 403 for it. */
    remove: async (path: string, parameters: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> => {
      const request = { method: "DELETE" as const, path, parameters, schema: answers.ignoredSchema, signal };
      await http.json({ ...request, accept: [403, 404], repeatable: true });
    },
  };
}

const PAGE = 1000;

/** Pages by offset until one is empty: an installation may give out fewer than were asked for (QUERY_LIMIT_MAX). */
async function everyPage<T>(page: (limit: number, offset: number) => Promise<T[]>): Promise<T[]> {
  const found: T[] = [];
  for (;;) {
    const rows = await page(PAGE, found.length);
    found.push(...rows);
    if (rows.length === 0) return found;
  }
}
