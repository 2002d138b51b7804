import { type Kysely, sql } from "kysely";
import type { Database } from "../schema.ts";

/** Each method is one statement, so that two processes on one database cannot both succeed. Times are given, never read from a clock. */
export interface LeasesRepository {
  /** False while an unexpired lease exists, whoever holds it. */
  take(id: string, holder: string, now: number, until: number): Promise<boolean>;
  /** False unless `holder` holds it and it has not expired. */
  extend(id: string, holder: string, now: number, until: number): Promise<boolean>;
  drop(id: string, holder: string): Promise<void>;
  /** Every lease: for the one agent that has the evidence to itself, at start, when whoever held one is gone. */
  dropAll(): Promise<void>;
}

export function leasesRepository(db: Kysely<Database>): LeasesRepository {
  return {
    async take(id, holder, now, until) {
      const result = await db
        .insertInto("leases")
        .values({ id, holder, until })
        .onConflict((conflict) =>
          conflict
            .column("id")
            .doUpdateSet({ holder, until })
            .where("leases.until", "<=", sql<number>`${now}`),
        )
        .executeTakeFirst();
      return result.numInsertedOrUpdatedRows === 1n;
    },
    async extend(id, holder, now, until) {
      const result = await db
        .updateTable("leases")
        .set({ until })
        .where("id", "=", id)
        .where("holder", "=", holder)
        .where("until", ">", now)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    async drop(id, holder) {
      await db.deleteFrom("leases").where("id", "=", id).where("holder", "=", holder).execute();
    },
    async dropAll() {
      await db.deleteFrom("leases").execute();
    },
  };
}
