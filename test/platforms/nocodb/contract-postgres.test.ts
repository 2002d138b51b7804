/** The contract of connectors, against a real NocoDB that keeps its tables in PostgreSQL: other shapes of the same values. */
import { startPostgres } from "../../servers/postgres.ts";
import { platformContract } from "../../contracts/platform.ts";
import { nocodbOnThisMachine } from "./harness.ts";

platformContract({
  name: "nocodb on PostgreSQL",
  create: async () => {
    const postgres = await startPostgres();
    await postgres.createDatabase("noco");
    const database = `pg://127.0.0.1:${postgres.port}?u=${postgres.user}&p=${postgres.password}&d=noco`;
    const harness = await nocodbOnThisMachine({ NC_DB: database });
    const { api, base } = harness.shop;
    const { sources } = await api<{ sources: { type: string }[] }>("GET", `/api/v2/meta/bases/${base}`);
    if (sources[0]?.type !== "pg") throw new Error("it is not PostgreSQL that NocoDB keeps its tables in");
    return {
      ...harness,
      dispose: async () => {
        await harness.dispose();
        await postgres.stop();
      },
    };
  },
  skips: [
    { case: "expired-token", reason: "tokens of NocoDB never expire, and one that was revoked goes on working: traps.test.ts shows it" },
  ],
});
