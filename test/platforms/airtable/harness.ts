/** What the contract of connectors needs of the local Airtable. */
import { change, destroy } from "../../doubles/airtable/records.ts";
import { tableOf } from "../../doubles/airtable/world.ts";
import type { KnownCell, PlatformHarness, Seed } from "../../contracts/platform.ts";
import { hurried, openerOf } from "./opener.ts";
import { type AirtableShop, FILE, LONGEST, PERSON, type ShopTable, startShop, UNICODE } from "./shop.ts";

export async function airtableOnThisMachine(): Promise<PlatformHarness & { readonly shop: AirtableShop }> {
  const clock = hurried();
  const shop = await startShop(clock);
  const { base, server, tables, tokens } = shop;
  const opener = openerOf(server, clock);
  return {
    shop,
    seed: seedOf(shop),
    mutate: {
      deleteRecord: async (table, key) => {
        await Promise.resolve(destroy(base, tableOf(base, table), [key]));
      },
      editRecord: async (table, key) => {
        await Promise.resolve(change(server.world, base, tableOf(base, table), { records: [{ id: key, fields: { Spare: "edited" } }] }));
      },
      changeSchema: async (table) => {
        const spare = tableOf(base, table).fields.find((field) => field.id === tables.things.fields["Spare"]);
        if (spare !== undefined) spare.name = "Renamed";
        await Promise.resolve();
      },
    },
    open: ({ token, pageSize, clock } = {}) => {
      const real = token === undefined ? tokens.full : token === "wrong" ? "patOf.nobody" : tokens[token];
      return opener.open(real, base.id, { ...(pageSize === undefined ? {} : { pageSize }), ...(clock === undefined ? {} : { clock }) });
    },
    openScratch: ({ production } = {}) => opener.openScratch(tokens.full, production === true ? base.id : shop.scratch.id),
    // Empty tables stay, which nobody can delete through the API: rows are what must be gone.
    leftovers: async (prefix) => {
      const rows = shop.scratch.tables.flatMap((table) => {
        const marks = table.rows.filter((row) =>
          [...row.cells.values()].some((cell) => typeof cell === "string" && cell.startsWith(prefix)),
        );
        return table.name.startsWith(`restorewatch ${prefix.slice(0, prefix.lastIndexOf("-") + 1)}`) ? table.rows : marks;
      });
      return Promise.resolve(rows.length);
    },
    fired: () => Promise.resolve(0),
    secrets: [...Object.values(tokens), "patOf.nobody", "/dl/att"],
    told: opener.told,
    dispose: async () => {
      await opener.close();
      await shop.stop();
    },
  };
}

function seedOf({ tables, view, fileId }: AirtableShop): Seed {
  const { things, authors, books } = tables;
  const cellOf =
    (table: ShopTable) =>
    (field: string, value: KnownCell["value"], at = 0): KnownCell => ({
      what: field,
      collection: table.id,
      key: table.keys[at] ?? "",
      field: table.fields[field] ?? "",
      value,
    });
  const [cell, author, book] = [cellOf(things), cellOf(authors), cellOf(books)];
  const keys = (table: ShopTable, ...at: readonly number[]): readonly string[] => at.map((one) => table.keys[one] ?? "").sort();
  return {
    main: { collection: things.id, keys: [...things.keys].sort() },
    empty: tables.empty.id,
    types: [
      cell("Name", "thing 1"),
      cell("multilineText", "two\nlines"),
      cell("richText", "**bold**"),
      cell("email", "a@example.com"),
      cell("url", "https://example.com/x?y=1"),
      cell("phoneNumber", "+41 31 123"),
      cell("integer", "7"),
      cell("number", "1.25"),
      cell("number", "0.1", 1),
      cell("currency", "3.5"),
      cell("percent", "0.123"),
      cell("duration", "3661"),
      cell("rating", "3"),
      cell("checkbox", "true"),
      cell("checkbox", "false", 1),
      cell("date", "2026-01-02"),
      cell("dateTime", "2026-11-22T08:00:00.000Z"),
      cell("singleSelect", "b"),
      cell("multipleSelects", ["a", "b"]),
      cell("singleCollaborator", PERSON),
      cell("multipleCollaborators", [PERSON]),
      cell("barcode", '{"text":"4006381333931","type":"ean13"}'),
      cell("multipleAttachments", [fileId]),
      cell("formula", "thing 1!"),
      cell("autoNumber", "1"),
      cell("createdBy", PERSON),
      cell("lastModifiedBy", PERSON),
      cell("button", '{"label":"Open","url":"https://example.com/open"}'),
      cell("aiText", '{"isStale":false,"state":"generated","value":"a sum"}'),
      cell("email", null, 2),
    ],
    links: [
      book("Authors", keys(authors, 0, 3)),
      book("Authors", null, 4),
      author("Books", keys(books, 0, 8, 11, 22)),
      author("Friends", keys(authors, 1, 2)),
      author("Books", null, 11),
    ],
    unicode: cell("Name", UNICODE, 1),
    large: cell("multilineText", LONGEST, 2),
    file: { id: fileId, bytes: FILE },
    automations: [],
    views: [view],
    roles: [PERSON],
  };
}
