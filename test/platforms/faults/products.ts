/** Products that faults are tried on: one entry each. */
import type { PlatformDefinition } from "../../../agent/core/platform-ports.ts";
import { directus } from "../../../agent/platforms/directus/index.ts";
import { nocodb } from "../../../agent/platforms/nocodb/index.ts";
import { nodeRed } from "../../../agent/platforms/node-red/index.ts";
import { startDirectus } from "../../servers/directus.ts";
import { startNodeRed } from "../../servers/node-red.ts";
import { startPostgres } from "../../servers/postgres.ts";
import { seedDirectus } from "../directus/seed.ts";
import { startShop } from "../nocodb/shop.ts";
import { adminOf, production } from "../node-red/flows.ts";

export interface Started {
  readonly url: string;
  /** What its `platform:` holds besides `url`; `token` and `password` are found under these names. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, string>>;
  stop(): Promise<void>;
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

export const PRODUCTS: readonly FaultyProduct[] = [
  {
    definition: nodeRed,
    renamed: ["flows", "nodes"],
    lists: null,
    start: async () => {
      const server = await startNodeRed();
      await (await adminOf(server)).deploy(production(NOBODY));
      const config = { user: server.user, password: { env: "PASSWORD" }, pageSize: 7 };
      return { url: server.url, config, secrets: { PASSWORD: server.password }, stop: server.stop };
    },
  },
  {
    definition: nocodb,
    renamed: ["list", "rows"],
    lists: "/api/v2/tables/",
    start: async () => {
      const shop = await startShop();
      const config = { base: shop.base, token: { env: "TOKEN" }, pageSize: 7 };
      return { url: shop.noco.url, config, secrets: { TOKEN: shop.noco.token }, stop: shop.stop };
    },
  },
  {
    definition: directus,
    renamed: ["data", "items"],
    lists: "/items/",
    start: async () => {
      const postgres = await startPostgres();
      const server = await startDirectus(postgres, "production");
      await seedDirectus(server.url, server.token, NOBODY);
      const stop = async (): Promise<void> => {
        await server.stop();
        await postgres.stop();
      };
      return { url: server.url, config: { token: { env: "TOKEN" }, pageSize: 7 }, secrets: { TOKEN: server.token }, stop };
    },
  },
];
