/** What the contract of connectors needs of two real n8n: one is production, the other the scratch place. */
import type { KnownCell, PlatformHarness, Seed } from "../../contracts/platform.ts";
import { type N8n, startN8n } from "../../servers/n8n.ts";
import { startPostgres } from "../../servers/postgres.ts";
import { createOpener } from "./opener.ts";
import { apiOf, keyWith, LARGE, SECRET, seedShop, type Shop, startSink, UNICODE } from "./shop.ts";

/** What was started is stopped also where a later step fails: a worker that ends leaves servers behind. */
export async function n8nOnThisMachine(): Promise<PlatformHarness> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).toReversed()) await one();
  };
  try {
    return await harnessOn(stops, stop);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

async function harnessOn(stops: (() => Promise<void>)[], stop: () => Promise<void>): Promise<PlatformHarness> {
  const postgres = await startPostgres();
  stops.push(postgres.stop);
  const started = async (database: string): Promise<N8n> => {
    const one = await startN8n(postgres, database);
    stops.push(one.stop);
    return one;
  };
  const [production, scratch] = await Promise.all([started("production"), started("scratch")]);
  const sink = await startSink();
  stops.push(sink.stop);
  const api = apiOf(production);
  const shop = await seedShop(api, sink.url).catch((thrown: unknown) => {
    throw new Error(`the shop was not seeded: ${String(thrown)}\n${production.said().slice(-3000)}`, { cause: thrown });
  });
  const tokens = {
    wrong: "no-key-of-anybody",
    expired: await expiredKey(production),
    narrow: await keyWith(production, "narrow", ["workflow:list", "workflow:read"]),
  };
  const opener = createOpener();
  stops.push(opener.close);
  return {
    seed: seedOf(shop),
    mutate: {
      deleteRecord: async (table, key) => {
        await api("DELETE", `/data-tables/${table}/rows/delete?filter=${filterOf(key)}`);
      },
      editRecord: async (table, key) => {
        const body = { filter: JSON.parse(decodeURIComponent(filterOf(key))) as unknown, data: { spare: "edited" } };
        await api("PATCH", `/data-tables/${table}/rows/update`, body);
      },
      changeSchema: async (table) => {
        const spare = shop.things.columns.find((column) => column.name === "spare");
        await api("PATCH", `/data-tables/${table}/columns/${spare?.id ?? ""}`, { name: "renamed" });
      },
    },
    open: ({ token, ...more } = {}) => opener.open(production.url, token === undefined ? production.key : tokens[token], more),
    openScratch: ({ production: same } = {}) => {
      const place = same === true ? production : scratch;
      return opener.openScratch(place.url, place.key);
    },
    leftovers: async (prefix) => {
      let found = 0;
      for (const place of [production, scratch])
        for (const path of ["/data-tables?limit=250", "/workflows?limit=250", "/credentials?limit=250", "/tags?limit=250"])
          found += (await apiOf(place)<{ data: { name: string }[] }>("GET", path)).data.filter((one) => one.name.startsWith(prefix)).length;
      return found;
    },
    fired: async () => sink.heard(),
    secrets: [production.key, scratch.key, tokens.narrow, tokens.expired, SECRET],
    told: opener.told,
    dispose: stop,
  };
}

function filterOf(key: string): string {
  return encodeURIComponent(JSON.stringify({ type: "and", filters: [{ columnName: "id", condition: "eq", value: Number(key) }] }));
}

/** n8n takes only times to come for a key's end, in seconds: this one is over before anybody uses it. */
async function expiredKey(n8n: N8n): Promise<string> {
  const key = await keyWith(n8n, "expired", ["workflow:list"], Math.floor(Date.now() / 1000) + 1);
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await fetch(`${n8n.url}/api/v1/workflows`, { headers: { "x-n8n-api-key": key } });
    await answer.arrayBuffer();
    if (answer.status === 401) return key;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the key does not expire");
}

function seedOf(shop: Shop): Seed {
  const cell = (name: string, value: KnownCell["value"], key = "1"): KnownCell => ({
    what: name,
    collection: shop.things.id,
    key,
    field: shop.things.columns.find((column) => column.name === name)?.id ?? "",
    value,
  });
  return {
    main: { collection: shop.things.id, keys: Array.from({ length: 30 }, (_, at) => String(at + 1)) },
    empty: shop.empty.id,
    types: [
      cell("title", "first"),
      cell("pages", "-1.25"),
      cell("pages", "9007199254740991", "2"),
      cell("sold", "true"),
      cell("sold", "false", "2"),
      cell("at", "2026-01-02T03:04:05.678Z"),
      cell("at", "2026-11-22T08:00:00.000Z", "2"),
      cell("at", null, "4"),
      cell("spare", null, "2"),
    ],
    links: [],
    unicode: cell("title", UNICODE, "2"),
    large: cell("title", LARGE, "3"),
    file: null,
    automations: [shop.child, shop.parent, shop.listener],
    views: [],
    roles: [],
  };
}
