/** What the contract of connectors needs of a real NocoDB; also for drills from end to end, which break production as people do. */
import type { KnownCell, PlatformHarness, Seed } from "../../contracts/platform.ts";
import { openerOf } from "./opener.ts";
import { FILE, HEADER_SECRET, nextSecond, type NocoShop, type ShopTable, startShop, UNICODE } from "./shop.ts";

export { openerOf } from "./opener.ts";
export { type NocoShop, startShop } from "./shop.ts";

export async function nocodbOnThisMachine(
  env: Readonly<Record<string, string>> = {},
): Promise<PlatformHarness & { readonly shop: NocoShop }> {
  const shop = await startShop(env);
  const opener = openerOf(shop.noco.url);
  const { things } = shop.tables;
  const secrets = [shop.noco.token, shop.tokens.narrow, shop.tokens.expired, shop.tokens.restricted, HEADER_SECRET, "dltemp/"];
  return {
    shop,
    seed: seedOf(shop),
    mutate: {
      deleteRecord: async (table, key) => {
        await shop.api("DELETE", `/api/v2/tables/${table}/records`, [{ Id: Number(key) }]);
      },
      editRecord: async (table, key) => {
        await nextSecond();
        await shop.api("PATCH", `/api/v2/tables/${table}/records`, [{ Id: Number(key), Spare: "edited" }]);
      },
      changeSchema: async () => {
        await shop.api("PATCH", `/api/v3/meta/bases/${shop.base}/fields/${things.columns["Spare"] ?? ""}`, { title: "Renamed" });
      },
    },
    open: ({ token, pageSize, clock } = {}) => {
      const real = token === undefined ? shop.noco.token : token === "wrong" ? "no-token-of-anybody" : shop.tokens[token];
      return opener.open(real, shop.base, { ...(pageSize === undefined ? {} : { pageSize }), ...(clock === undefined ? {} : { clock }) });
    },
    openScratch: ({ production } = {}) =>
      opener.openScratch(shop.noco.token, { sameInstance: production !== true, restricted: shop.tokens.restricted }),
    leftovers: async (prefix) => {
      const { list } = await shop.api<{ list: { title: string; description: string | null }[] }>("GET", "/api/v2/meta/bases");
      return list.filter((base) => base.description?.includes(prefix) === true || base.title.startsWith(prefix)).length;
    },
    fired: shop.fired,
    secrets,
    told: opener.told,
    dispose: async () => {
      await opener.close();
      await shop.stop();
    },
  };
}

function seedOf(shop: NocoShop): Seed {
  const { things, authors, books } = shop.tables;
  const cell = (title: string, value: KnownCell["value"], key = "1"): KnownCell => ({
    what: title,
    collection: things.id,
    key,
    field: things.columns[title] ?? "",
    value,
  });
  const link = (table: ShopTable, title: string, key: string, value: KnownCell["value"]): KnownCell => ({
    what: title,
    collection: table.id,
    key,
    field: table.columns[title] ?? "",
    value,
  });
  return {
    main: { collection: things.id, keys: Array.from({ length: 30 }, (_, at) => String(at + 1)) },
    empty: shop.tables.empty.id,
    types: [
      cell("SingleLineText", "one"),
      cell("LongText", "two\nlines"),
      cell("Attachment", [shop.fileId]),
      cell("Checkbox", "true"),
      cell("Checkbox", "false", "2"),
      cell("MultiSelect", ["a", "b"]),
      cell("SingleSelect", "b"),
      cell("Date", "2026-01-02"),
      cell("Year", "2024"),
      cell("Time", "13:14:15"),
      cell("PhoneNumber", "+41 31 123"),
      cell("Email", "a@example.com"),
      cell("URL", "https://example.com/x?y=1"),
      cell("Number", "7"),
      cell("Decimal", "1.25"),
      cell("Decimal", "0.1", "2"),
      cell("Currency", "3.5"),
      cell("Percent", "40"),
      cell("Duration", "3661"),
      cell("Rating", "3"),
      cell("DateTime", "2026-11-22T08:00:00.000Z"),
      cell("JSON", '{"a":[1,"x"],"b":1}'),
      cell("Geometry", "1;2"),
      cell("User", [shop.owner]),
      cell("Formula", "thing 1!"),
      cell("QrCode", "thing 1"),
      cell("Barcode", "thing 1"),
      cell("SingleLineText", null, "3"),
    ],
    links: [
      link(authors, "Written", "2", ["4", "5", "6"]),
      link(authors, "Written", "4", null),
      link(books, "Authors", "7", "3"),
      link(authors, "Best", "2", "6"),
      link(books, "Tagged", "4", ["1", "2", "5"]),
      link(shop.tables.tags, "Books", "2", ["4", "7"]),
      link(authors, "Pupils", "2", ["3", "4"]),
      link(authors, "Friends", "2", ["3", "5"]),
    ],
    unicode: cell("SingleLineText", UNICODE, "2"),
    large: cell("LongText", "x".repeat(1_000_000), "3"),
    file: { id: shop.fileId, bytes: FILE },
    automations: [shop.hook],
    views: [shop.view],
    roles: [shop.owner],
  };
}
