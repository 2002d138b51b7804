/** Calls of n8n's public API v1. One client a configuration; the key is revealed anew for every request. */
import type { z } from "zod";
import { AgentError } from "../../core/errors.ts";
import type { HttpTargetClient, Json, PlatformDeps } from "../../core/platform-ports.ts";
import { HttpError } from "../../kit/http/errors.ts";
import type { Secret } from "../../kit/secret.ts";
import { cutShort, unexpected } from "./errors.ts";
import {
  type CredentialEntry,
  credentialsSchema,
  discoverSchema,
  licensed,
  type Listed,
  listedPageSchema,
  projectSchema,
  type Row,
  rowsSchema,
  type Table,
  tableSchema,
  tablesSchema,
  type User,
  usersSchema,
  variableSchema,
  type Workflow,
  workflowSchema,
} from "./schema.ts";

export interface Connection {
  readonly url: string;
  readonly token: Secret;
  readonly allowPlain: boolean;
}

/** More is refused with 400. */
export const MOST_ROWS = 250;

export interface RowQuery {
  readonly filter: Condition;
  readonly limit: number;
  readonly newestFirst?: true;
}

export interface Condition {
  readonly type: "and" | "or";
  readonly filters: readonly { readonly columnName: string; readonly condition: "eq" | "gt" | "gte"; readonly value: number | string }[];
}

interface Page<T> {
  readonly data: readonly T[];
  readonly nextCursor?: string | null | undefined;
}

export type Client = ReturnType<typeof createClient>;

export function createClient(connection: Connection, deps: Pick<PlatformDeps, "http">) {
  const http: HttpTargetClient = deps.http.open({
    baseUrl: connection.url.replace(/\/+$/u, ""),
    allowPlain: connection.allowPlain,
    peer: "n8n",
    headers: async () => ({ "x-n8n-api-key": await connection.token.reveal() }),
    // The public API limits nothing; four at a time leave room for the people who work there.
    limits: { requestsPerSecond: null, burst: 4, concurrency: 4, penaltyMs: 30_000 },
    budget: null,
  });
  const get = async <T>(
    path: string,
    parameters: Readonly<Record<string, string>>,
    schema: z.ZodType<T>,
    signal: AbortSignal,
    query: Readonly<Record<string, string | number | boolean | undefined>> = {},
  ): Promise<T> => (await http.json({ method: "GET", path: `/api/v1${path}`, parameters, query, schema, signal })).body;
  const all = async <T extends { readonly id: string }>(
    path: string,
    schema: z.ZodType<Page<T>>,
    signal: AbortSignal,
    query: Readonly<Record<string, string | number | boolean>> = {},
  ): Promise<readonly T[]> => {
    const found = new Map<string, T>();
    for (let cursor: string | undefined; ;) {
      const page: Page<T> = await get(path, {}, schema, signal, { ...query, limit: MOST_ROWS, cursor });
      for (const one of page.data) found.set(one.id, one);
      const next = page.nextCursor ?? undefined;
      if (next === undefined) return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
      if (next === cursor) throw unexpected("the same page again");
      cursor = next;
    }
  };
  /** @returns null where the licence lacks it */
  const ifLicensed = async <T extends { readonly id: string }>(
    path: string,
    item: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<readonly T[] | null> => {
    const query = { limit: MOST_ROWS };
    const schema = licensed(item);
    const answer = await http.json({ method: "GET", path: `/api/v1${path}`, query, schema, accept: [403], signal });
    if ("data" in answer.body) return all(path, schema as z.ZodType<Page<T>>, signal);
    if (/licen[sc]e/iu.test(answer.body.message)) return null;
    throw new AgentError("auth", "token-refused", `n8n: The API key may not read ${path}.`, {
      mend: "grant it the scopes the readme names",
    });
  };
  return {
    http,
    /** The sign-in page is the only place where the version is told. */
    front: async (signal: AbortSignal): Promise<{ readonly version: string | null; readonly date: string }> => {
      const answer = await http.bytes({ method: "GET", path: "/", signal, maxBytes: 4 * 1024 * 1024, accept: [404] });
      const parts: Uint8Array[] = [];
      for await (const part of answer.body) parts.push(part);
      return { version: versionIn(Buffer.concat(parts).toString("utf8")), date: answer.headers["date"] ?? "" };
    },
    scopes: async (signal: AbortSignal): Promise<readonly string[]> => (await get("/discover", {}, discoverSchema, signal)).data.scopes,
    users: (signal: AbortSignal): Promise<readonly User[]> => all("/users", usersSchema, signal, { includeRole: true }),
    projects: (signal: AbortSignal) => ifLicensed("/projects", projectSchema, signal),
    variables: (signal: AbortSignal) => ifLicensed("/variables", variableSchema, signal),
    workflows: (signal: AbortSignal): Promise<readonly Listed[]> =>
      all("/workflows", listedPageSchema, signal, { excludePinnedData: true }),
    workflow: (workflow: string, signal: AbortSignal): Promise<Workflow> =>
      get("/workflows/{workflow}", { workflow }, workflowSchema, signal, { excludePinnedData: true }),
    credentials: (signal: AbortSignal): Promise<readonly CredentialEntry[]> => all("/credentials", credentialsSchema, signal),
    tables: (signal: AbortSignal): Promise<readonly Table[]> => all("/data-tables", tablesSchema, signal),
    table: (table: string, signal: AbortSignal): Promise<Table> => get("/data-tables/{table}", { table }, tableSchema, signal),
    /** @throws AgentError `transient` code `answer-cut-short` where more rows follow than a page has place for, and it is not full */
    rows: async (table: string, query: RowQuery, signal: AbortSignal): Promise<readonly Row[]> => {
      const { data, nextCursor } = await get("/data-tables/{table}/rows", { table }, rowsSchema, signal, {
        filter: JSON.stringify(query.filter),
        sortBy: query.newestFirst === true ? "id:desc" : "id:asc",
        limit: query.limit,
      });
      if (nextCursor !== null && data.length < query.limit) throw cutShort();
      return data;
    },
    /** Writing: only a scratch workspace calls it. */
    send: async <T>(
      method: "POST" | "PUT" | "DELETE",
      path: string,
      parameters: Readonly<Record<string, string>>,
      body: Json | undefined,
      schema: z.ZodType<T>,
      signal: AbortSignal,
      query: Readonly<Record<string, string>> = {},
    ): Promise<T> => (await http.json({ method, path: `/api/v1${path}`, parameters, query, body, schema, signal })).body,
  };
}

/** @returns the release named in the page's settings, for example 2.41.1 */
export function versionIn(html: string): string | null {
  const settings = /name="n8n:config:sentry" content="([A-Za-z0-9+/=]+)"/u.exec(html)?.[1];
  const told = settings === undefined ? "" : Buffer.from(settings, "base64").toString("utf8");
  return /"release":"n8n@([^"]{1,40})"/u.exec(told)?.[1] ?? null;
}

/** Whether it refused what was asked, rather than being out of reach or the token being wrong. */
export function isRefusal(thrown: unknown): boolean {
  if (!(thrown instanceof AgentError)) return false;
  const { cause } = thrown;
  return cause instanceof HttpError && (cause.kind === "status" || cause.kind === "missing" || isOwn500(cause));
}

/** n8n answers 500 also to values it does not take, and says so in JSON; what stands in front of it uses other words. */
export function isOwn500(cause: unknown): boolean {
  return cause instanceof HttpError && cause.status === 500 && /^\s*\{.*"(?:message|msg|error)"\s*:\s*"/su.test(cause.body);
}

/** Whether it refused because of the state the thing is in. */
export function isConflict(thrown: unknown): boolean {
  return thrown instanceof AgentError && thrown.cause instanceof HttpError && thrown.cause.status === 409;
}

/** What is not there any more is null. */
export async function ifThere<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof AgentError && thrown.kind === "not_found") return null;
    throw thrown;
  }
}
