import type { Kysely } from "kysely";
import type { ObservationsRepository } from "../../core/ports.ts";
import { SIGNALS } from "../../core/words.ts";
import type { Bodies } from "../bodies.ts";
import type { Database } from "../schema.ts";
import { inChunks } from "./chunks.ts";

export function observationsRepository(db: Kysely<Database>, bodies: Bodies): ObservationsRepository {
  return {
    async put(observations) {
      for (const chunk of inChunks(observations)) {
        await db
          .insertInto("observations")
          .values(chunk.map(({ sourceId, signal, at, value, ref }) => ({ source_id: sourceId, signal, at, value, ref })))
          .onConflict((conflict) =>
            conflict
              .columns(["source_id", "signal", "ref"])
              .doUpdateSet((eb) => ({ at: eb.ref("excluded.at"), value: eb.ref("excluded.value") })),
          )
          .execute();
      }
    },
    async list(sourceId, signal, { limit } = {}) {
      let query = db.selectFrom("observations").selectAll().where("source_id", "=", sourceId).where("signal", "=", signal);
      query = query.orderBy("at", "desc").orderBy("ref", "desc");
      if (limit !== undefined) query = query.limit(limit);
      const rows = await query.execute();
      return rows.toReversed().map((row) => ({
        sourceId: row.source_id,
        signal: bodies.word(row.signal, SIGNALS, `an observation of ${row.source_id}`),
        at: row.at,
        value: row.value,
        ref: row.ref,
      }));
    },
  };
}
