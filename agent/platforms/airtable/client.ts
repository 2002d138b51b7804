/** Calls of Airtable's Web API. One client a configuration; the token is revealed anew for every request. */
import type { z } from "zod";
import type { HttpTarget, Json, PlatformDeps } from "../../core/platform-ports.ts";
import type { Secret } from "../../kit/secret.ts";
import { isQuota } from "./errors.ts";
import {
  basesSchema,
  baseSchema,
  fieldSchema,
  ignoredSchema,
  recordsSchema,
  type Table,
  tableSchema,
  tablesSchema,
  whoamiSchema,
  writtenSchema,
} from "./schema.ts";

export interface Connection {
  readonly url: string;
  /** Where uploads go: another host than the API. */
  readonly contentUrl: string;
  readonly token: Secret;
}

/** Records in one page, and ids in one formula. */
export const MOST_ROWS = 100;
/** Records in one insert, change or deletion; more is 422. */
export const MOST_WRITES = 10;
export const MOST_UPLOAD = 5 * 1024 * 1024;
const MOST_FILE = 1024 * 1024 * 1024;

export interface Listing {
  /** Ids. */
  readonly fields: readonly string[];
  readonly pageSize: number;
  readonly offset?: string | undefined;
  readonly formula?: string | undefined;
}

export type Client = ReturnType<typeof createClient>;

/** @param base whose limits these calls share: Airtable counts for each base apart */
export function createClient(connection: Connection, base: string, deps: Pick<PlatformDeps, "http">) {
  const host = {
    allowPlain: false,
    peer: "airtable",
    headers: async () => ({ authorization: `Bearer ${await connection.token.reveal()}` }),
    // Five a second and base: whoever is faster is shut out for half a minute, and no Retry-After says so. A little less, because a
    // request that dawdled on its way and the sixth after it may arrive within one second.
    limits: { requestsPerSecond: 4.5, burst: 1, concurrency: 4, penaltyMs: 30_000 },
    limitedBy: base,
    budget: null,
    isQuota,
  } satisfies Omit<HttpTarget, "baseUrl">;
  const http = deps.http.open({ ...host, baseUrl: trimmed(connection.url) });
  const content = deps.http.open({ ...host, baseUrl: trimmed(connection.contentUrl) });
  // Attachments lie on a storage that takes signed addresses, and never a token.
  const storage = deps.http.open({
    ...host,
    baseUrl: trimmed(connection.contentUrl),
    headers: () => Promise.resolve({}),
    limits: { requestsPerSecond: null, burst: 4, concurrency: 4, penaltyMs: 30_000 },
  });
  const get = async <T>(
    path: string,
    parameters: Readonly<Record<string, string>>,
    schema: z.ZodType<T>,
    signal: AbortSignal,
    query: Readonly<Record<string, string | readonly string[] | undefined>> = {},
  ): Promise<T> => (await http.json({ method: "GET", path, parameters, query, schema, signal })).body;
  const send = async <T>(
    method: "POST" | "PATCH",
    path: string,
    parameters: Readonly<Record<string, string>>,
    body: Json,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T> => (await http.json({ method, path, parameters, body, schema, signal })).body;
  return {
    whoami: (signal: AbortSignal) => http.json({ method: "GET", path: "/meta/whoami", schema: whoamiSchema, signal }),
    bases: async (signal: AbortSignal) => {
      const all: { readonly id: string; readonly name: string }[] = [];
      for (let offset: string | undefined; ;) {
        const page = await get("/meta/bases", {}, basesSchema, signal, { offset });
        all.push(...page.bases);
        if (page.offset === undefined) return all;
        offset = page.offset;
      }
    },
    people: (base: string, signal: AbortSignal) => get("/meta/bases/{base}", { base }, baseSchema, signal, { include: ["collaborators"] }),
    tables: async (base: string, signal: AbortSignal): Promise<readonly Table[]> =>
      (await get("/meta/bases/{base}/tables", { base }, tablesSchema, signal, { include: ["visibleFieldIds"] })).tables,
    /** Always by POST: no list of fields or keys is too long for it. Nothing is changed, so it may be repeated. */
    rows: async (base: string, table: string, { fields, pageSize, offset, formula }: Listing, signal: AbortSignal) =>
      (
        await http.json({
          method: "POST",
          path: "/{base}/{table}/listRecords",
          parameters: { base, table },
          body: {
            pageSize,
            fields,
            returnFieldsByFieldId: true,
            ...(offset === undefined ? {} : { offset }),
            ...(formula === undefined ? {} : { filterByFormula: formula }),
          },
          repeatable: true,
          schema: recordsSchema,
          signal,
        })
      ).body,
    /** Bytes of an attachment, by the address it was given out with. */
    download: async (url: string, signal: AbortSignal) =>
      (await storage.bytes({ method: "GET", path: url, signal, maxBytes: MOST_FILE })).body,

    // Writing: only a scratch workspace calls what follows.
    createTable: (base: string, body: Json, signal: AbortSignal) =>
      send("POST", "/meta/bases/{base}/tables", { base }, body, tableSchema, signal),
    createField: (base: string, table: string, body: Json, signal: AbortSignal) =>
      send("POST", "/meta/bases/{base}/tables/{table}/fields", { base, table }, body, fieldSchema, signal),
    renameField: (base: string, table: string, field: string, name: string, signal: AbortSignal) =>
      send("PATCH", "/meta/bases/{base}/tables/{table}/fields/{field}", { base, table, field }, { name }, fieldSchema, signal),
    insert: (base: string, table: string, records: readonly Json[], signal: AbortSignal) =>
      send("POST", "/{base}/{table}", { base, table }, { records, typecast: false, returnFieldsByFieldId: true }, writtenSchema, signal),
    change: (base: string, table: string, records: readonly Json[], signal: AbortSignal) =>
      send("PATCH", "/{base}/{table}", { base, table }, { records, typecast: false, returnFieldsByFieldId: true }, writtenSchema, signal),
    remove: async (base: string, table: string, ids: readonly string[], signal: AbortSignal): Promise<void> => {
      const query = { "records[]": ids };
      await http.json({ method: "DELETE", path: "/{base}/{table}", parameters: { base, table }, query, schema: ignoredSchema, signal });
    },
    upload: async (place: { base: string; record: string; field: string }, body: Json, signal: AbortSignal): Promise<void> => {
      const path = "/{base}/{record}/{field}/uploadAttachment";
      await content.json({ method: "POST", path, parameters: place, body, schema: ignoredSchema, signal });
    },
  };
}

function trimmed(url: string): string {
  return url.replace(/\/+$/u, "");
}
