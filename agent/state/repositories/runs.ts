import { type Kysely, sql } from "kysely";
import type { RunsRepository } from "../../core/ports.ts";
import type { Bodies } from "../bodies.ts";
import type { Database } from "../schema.ts";
import { sourcesOf } from "./sources-of.ts";

export function runsRepository(db: Kysely<Database>, bodies: Bodies): RunsRepository {
  return {
    async put(report) {
      const row = { source_id: report.sourceId, finished_at: report.finishedAt, body: JSON.stringify(report) };
      await db
        .insertInto("runs")
        .values({ id: report.id, ...row })
        .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
        .execute();
    },
    async get(id) {
      const row = await db.selectFrom("runs").select(["id", "body"]).where("id", "=", id).executeTakeFirst();
      return row === undefined ? null : bodies.run(row.body, row.id);
    },
    async list(sourceId, { limit } = {}) {
      let query = db.selectFrom("runs").select(["id", "body"]).where("source_id", "=", sourceId);
      query = query.orderBy("finished_at", "desc").orderBy("id", "desc");
      if (limit !== undefined) query = query.limit(limit);
      return (await query.execute()).map((row) => bodies.run(row.body, row.id));
    },
    async newest() {
      const { rows } = await sql<{ readonly id: string; readonly body: string }>`
        with recursive ${sourcesOf("runs")}
        select runs.id, runs.body from sources_of
        join runs on runs.id = (
          select id from runs as own where own.source_id = sources_of.source_id order by own.finished_at desc, own.id desc limit 1)`.execute(
        db,
      );
      return rows.map((row) => bodies.run(row.body, row.id));
    },
  };
}
