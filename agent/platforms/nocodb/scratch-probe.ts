/** The next insert into a restored table. */
import type { Collection } from "../../core/content.ts";
import type { ScratchProbe } from "../../core/platform-ports.ts";
import { type Client, isRefusal } from "./client.ts";
import { ignoredSchema, insertedSchema } from "./schema.ts";

export function createNextInsert(client: Client): ScratchProbe {
  return {
    nextInsert: async (workspace, collection, signal) => {
      const table = (await client.tables(workspace.id, signal)).find((one) => one.title === collection.name);
      if (table === undefined) return "not-possible";
      const before = await client.count(table.id, signal);
      try {
        const [made] = await client.send("POST", "/api/v2/tables/{table}/records", { table: table.id }, [{}], insertedSchema, signal);
        const id = made?.["Id"];
        if (typeof id !== "number" && typeof id !== "string") return "not-possible";
        const grown = (await client.count(table.id, signal)) === before + 1;
        await client.send("DELETE", "/api/v2/tables/{table}/records", { table: table.id }, [{ Id: id }], ignoredSchema, signal);
        return grown ? "ok" : "collides";
      } catch (thrown) {
        if (isRefusal(thrown)) return requiredFields(collection) ? "not-possible" : "collides";
        throw thrown;
      }
    },
    // Webhooks are its only integrations, and trying one would fire it.
    reconnect: async () => new Map(),
    // The community edition shows the history of single records only.
    audit: async () => null,
  };
}

function requiredFields(collection: Collection): boolean {
  return collection.fields.some((field) => field.required);
}
