/** Products that faults are tried on: one entry each. */
import type { PlatformDefinition } from "../../../agent/core/platform-ports.ts";
import type { Clock } from "../../../agent/core/ports.ts";
import { airtable } from "../../../agent/platforms/airtable/index.ts";
import { directus } from "../../../agent/platforms/directus/index.ts";
import { n8n } from "../../../agent/platforms/n8n/index.ts";
import { nocodb } from "../../../agent/platforms/nocodb/index.ts";
import { nodeRed } from "../../../agent/platforms/node-red/index.ts";
import { startDirectus } from "../../servers/directus.ts";
import { startN8n } from "../../servers/n8n.ts";
import { startNodeRed } from "../../servers/node-red.ts";
import { startPostgres } from "../../servers/postgres.ts";
import { startShop as startAirtableShop } from "../airtable/shop.ts";
import { seedDirectus } from "../directus/seed.ts";
import { apiOf, seedShop } from "../n8n/shop.ts";
import { type Api, columnsOf, makeTable, startShop } from "../nocodb/shop.ts";
import { adminOf, production } from "../node-red/flows.ts";
import { hastyClock } from "./opening.ts";

/** What `platform:` or `scratch:` of a configuration says. */
export interface Place {
  readonly url: string;
  /** What it holds besides `url`; `token` and `password` are found under these names. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** The product's own, where it is a double: it limits by what time it is. */
  readonly clock?: Clock;
}

export interface Started extends Place {
  /** Where its backups are restored to; started when it is asked for, stopped with the product. */
  scratch(): Promise<ScratchPlace>;
  stop(): Promise<void>;
}

export interface ScratchPlace extends Place {
  /** What is restored there in tests of faults, where the product itself is too much to be restored a hundred times. */
  readonly of?: Place;
  /** How many things are there whose names begin so, seen without the connector. */
  leftovers(prefix: string): Promise<number>;
}

export interface FaultyProduct {
  readonly definition: PlatformDefinition;
  /** A member of its answers, and what the next version of the product calls it. */
  readonly renamed: readonly [string, string];
  /** How the addresses of its records begin; null where one answer holds everything, and nothing else tells how much that is. */
  readonly lists: string | null;
  start(): Promise<Started>;
}

/** Nobody listens there. */
const NOBODY = "http://127.0.0.1:1/nobody";

/** Stops in the other order than it was started, also where a later step of the start fails. */
async function stoppable<T>(start: (stops: (() => Promise<void>)[]) => Promise<T>): Promise<T & { stop(): Promise<void> }> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).toReversed()) await one();
  };
  try {
    return { ...(await start(stops)), stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

const named = (prefix: string, names: readonly unknown[]): number =>
  names.filter((name) => typeof name === "string" && name.startsWith(prefix)).length;

export const NODE_RED: FaultyProduct = {
  definition: nodeRed,
  renamed: ["flows", "nodes"],
  lists: null,
  start: () =>
    stoppable(async (stops) => {
      const server = await startNodeRed();
      stops.push(server.stop);
      await (await adminOf(server)).deploy(production(NOBODY));
      const config = { user: server.user, password: { env: "PASSWORD" } };
      const secrets = { PASSWORD: server.password };
      const scratch = async (): Promise<ScratchPlace> => {
        const other = await startNodeRed({ secret: "another-secret" });
        stops.push(other.stop);
        const admin = await adminOf(other);
        const leftovers = async (prefix: string) =>
          named(
            prefix,
            (await admin.flows()).flows.map((node) => node["label"]),
          );
        return { url: other.url, config, secrets: { PASSWORD: other.password }, leftovers };
      };
      return { url: server.url, config: { ...config, pageSize: 7 }, secrets, scratch };
    }),
};

export const NOCODB: FaultyProduct = {
  definition: nocodb,
  renamed: ["list", "rows"],
  lists: "/api/v2/tables/",
  start: () =>
    stoppable(async (stops) => {
      const { noco, base, api, stop } = await startShop();
      stops.push(stop);
      const token = { token: { env: "TOKEN" } };
      const secrets = { TOKEN: noco.token };
      const leftovers = async (prefix: string): Promise<number> => {
        const { list } = await api<{ list: { title: string; description?: string | null }[] }>("GET", "/api/v2/meta/bases");
        return named(
          prefix,
          list.map((one) => (one.description ?? "").split(" ").at(-1)),
        );
      };
      const scratch = async (): Promise<ScratchPlace> => {
        const of = { url: noco.url, config: { base: await smallBase(api), ...token }, secrets };
        return { url: noco.url, config: { ...token, sameInstance: true }, secrets, of, leftovers };
      };
      return { url: noco.url, config: { base, ...token, pageSize: 7 }, secrets, scratch };
    }),
};

/** Two tables with a link between them. @returns its id */
async function smallBase(api: Api): Promise<string> {
  const { id: base } = await api<{ id: string }>("POST", "/api/v2/meta/bases", { title: "small" });
  const name = { title: "Name", uidt: "SingleLineText", pv: true };
  const authors = await makeTable(api, base, "Authors", [name]);
  const books = await makeTable(api, base, "Books", [name, { title: "Pages", uidt: "Number" }]);
  const written = { title: "Written", uidt: "Links", type: "hm", parentId: authors.id, childId: books.id };
  await api("POST", `/api/v2/meta/tables/${authors.id}/columns`, written);
  await api("POST", `/api/v2/tables/${authors.id}/records`, [{ Name: "author 1" }, { Name: "author 2" }]);
  await api(
    "POST",
    `/api/v2/tables/${books.id}/records`,
    [1, 2, 3].map((at) => ({ Name: `book ${at}`, Pages: at })),
  );
  const { Written: column = "" } = await columnsOf(api, authors.id);
  await api("POST", `/api/v2/tables/${authors.id}/links/${column}/records/1`, [{ Id: 1 }, { Id: 3 }]);
  return base;
}

export const DIRECTUS: FaultyProduct = {
  definition: directus,
  renamed: ["data", "items"],
  lists: "/items/",
  start: () =>
    stoppable(async (stops) => {
      const postgres = await startPostgres();
      stops.push(postgres.stop);
      const server = await startDirectus(postgres, "production");
      stops.push(server.stop);
      await seedDirectus(server.url, server.token, NOBODY);
      const token = { token: { env: "TOKEN" } };
      const scratch = async (): Promise<ScratchPlace> => {
        const other = await startDirectus(postgres, "scratch");
        stops.push(other.stop);
        const headers = { authorization: `Bearer ${other.token}` };
        const leftovers = async (): Promise<number> => {
          const answer = await fetch(`${other.url}/collections`, { headers });
          const { data } = (await answer.json()) as { data: { collection: string }[] };
          return data.filter((one) => !one.collection.startsWith("directus_")).length;
        };
        return { url: other.url, config: token, secrets: { TOKEN: other.token }, leftovers };
      };
      return { url: server.url, config: { ...token, pageSize: 20 }, secrets: { TOKEN: server.token }, scratch };
    }),
};

export const N8N: FaultyProduct = {
  definition: n8n,
  renamed: ["data", "items"],
  lists: "/api/v1/data-tables/",
  start: () =>
    stoppable(async (stops) => {
      const postgres = await startPostgres();
      stops.push(postgres.stop);
      const server = await startN8n(postgres, "production");
      stops.push(server.stop);
      await seedShop(apiOf(server), NOBODY);
      const token = { token: { env: "TOKEN" } };
      const scratch = async (): Promise<ScratchPlace> => {
        const other = await startN8n(postgres, "scratch");
        stops.push(other.stop);
        const leftovers = async (prefix: string): Promise<number> => {
          const paths = ["/data-tables?limit=250", "/workflows?limit=250"];
          const lists = await Promise.all(paths.map((path) => apiOf(other)<{ data: { name: string }[] }>("GET", path)));
          return named(
            prefix,
            lists.flatMap(({ data }) => data.map((one) => one.name)),
          );
        };
        return { url: other.url, config: token, secrets: { TOKEN: other.key }, leftovers };
      };
      return { url: server.url, config: { ...token, pageSize: 7 }, secrets: { TOKEN: server.key }, scratch };
    }),
};

export const AIRTABLE: FaultyProduct = {
  definition: airtable,
  renamed: ["records", "rows"],
  lists: null,
  start: () =>
    stoppable(async (stops) => {
      // One time for both: what the connector waits for has passed for the server too.
      const clock = hastyClock();
      const { server, base, scratch: other, tokens, stop } = await startAirtableShop(clock);
      stops.push(stop);
      const { contentUrl, url } = server;
      const config = { contentUrl, token: { env: "TOKEN" } };
      const secrets = { TOKEN: tokens.full };
      // Empty tables stay, which nobody can delete through the API.
      const leftovers = () => Promise.resolve(other.tables.reduce((sum, table) => sum + table.rows.length, 0));
      const scratch = () => Promise.resolve({ url, config: { ...config, base: other.id }, secrets, clock, leftovers });
      return { url, config: { ...config, base: base.id, pageSize: 7 }, secrets, clock, scratch };
    }),
};

export const PRODUCTS: readonly FaultyProduct[] = [NODE_RED, NOCODB, DIRECTUS, N8N, AIRTABLE];
