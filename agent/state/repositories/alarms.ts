import type { Kysely } from "kysely";
import type { AlarmsRepository } from "../../core/ports.ts";
import type { Bodies } from "../bodies.ts";
import type { Database } from "../schema.ts";

export function alarmsRepository(db: Kysely<Database>, bodies: Bodies): AlarmsRepository {
  return {
    async put(alarm) {
      const row = { source_id: alarm.sourceId, since: alarm.since, ended_at: alarm.endedAt, body: JSON.stringify(alarm) };
      await db
        .insertInto("alarms")
        .values({ id: alarm.id, ...row })
        .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
        .execute();
    },
    async list({ sourceId, all = false, limit }) {
      let query = db.selectFrom("alarms").select(["id", "body"]);
      if (sourceId !== undefined) query = query.where("source_id", "=", sourceId);
      if (!all) query = query.where("ended_at", "is", null);
      query = query.orderBy("since", "desc").orderBy("id", "desc");
      if (limit !== undefined) query = query.limit(limit);
      return (await query.execute()).map((row) => bodies.alarm(row.body, row.id));
    },
  };
}
