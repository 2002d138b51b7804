/** The next row of a restored data table, and the credentials restored workflows would use. */
import type { ScratchProbe } from "../../core/platform-ports.ts";
import { type Client, ifThere, isRefusal } from "./client.ts";
import { titleOf } from "./names.ts";
import { ignoredSchema, insertedSchema, testedSchema } from "./schema.ts";
import { rewritten } from "../../products/n8n/workflows.ts";

/** What it says of a type that has no test of its own. */
const NO_TEST = /no testing function/iu;

export function createScratchProbe(client: Client): ScratchProbe {
  return {
    nextInsert: async (workspace, collection, signal) => {
      const prefix = `${titleOf(workspace.tag)} `;
      const table = (await client.tables(signal)).find(
        (one) => one.name.startsWith(prefix) && one.name.slice(prefix.length).replace(/^\d+ /u, "") === collection.name,
      );
      if (table === undefined) return "not-possible";
      const body = { data: [{}], returnType: "id" };
      try {
        const [made] = await client.send("POST", "/data-tables/{table}/rows", { table: table.id }, body, insertedSchema, signal);
        if (made === undefined) return "not-possible";
        const filter = { type: "and", filters: [{ columnName: "id", condition: "eq", value: Number(made.id) }] };
        const query = { filter: JSON.stringify(filter) };
        await client.send("DELETE", "/data-tables/{table}/rows/delete", { table: table.id }, undefined, ignoredSchema, signal, query);
        return "ok";
      } catch (thrown) {
        if (isRefusal(thrown)) return "collides";
        throw thrown;
      }
    },
    reconnect: async (workspace, signal) => {
      const prefix = `${titleOf(workspace.tag)} `;
      const used = new Set<string>();
      for (const { id, name } of await client.workflows(signal)) {
        const workflow = name.startsWith(prefix) ? await ifThere(() => client.workflow(id, signal)) : null;
        if (workflow !== null)
          rewritten(workflow, (kind, one) => {
            if (kind === "credential") used.add(one);
            return one;
          });
      }
      const there = (await client.credentials(signal)).filter((one) => used.has(one.id));
      const results = new Map<string, boolean | null>();
      for (const { id } of there) {
        const told = await client.send("POST", "/credentials/{id}/test", { id }, undefined, testedSchema, signal);
        results.set(id, told.status === "OK" ? true : NO_TEST.test(told.message ?? "") ? null : false);
      }
      return results;
    },
    audit: async () => null,
  };
}
