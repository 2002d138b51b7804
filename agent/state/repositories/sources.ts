import { type Kysely, sql } from "kysely";
import type { PollStatus, SourcesRepository } from "../../core/ports.ts";
import type { Bodies } from "../bodies.ts";
import type { Database, PollsTable } from "../schema.ts";

export function sourcesRepository(db: Kysely<Database>, bodies: Bodies): SourcesRepository {
  return {
    async seen(sourceId, at) {
      await db
        .insertInto("sources")
        .values({ id: sourceId, first_seen_at: at })
        .onConflict((conflict) =>
          conflict
            .column("id")
            .doUpdateSet({ first_seen_at: at })
            .where("sources.first_seen_at", ">", sql<number>`excluded.first_seen_at`),
        )
        .execute();
    },
    async firstSeen() {
      const rows = await db.selectFrom("sources").selectAll().orderBy("id").execute();
      return new Map(rows.map((row) => [row.id, row.first_seen_at]));
    },
    async poll(sourceId) {
      const row = await db.selectFrom("polls").selectAll().where("source_id", "=", sourceId).executeTakeFirst();
      return row === undefined ? null : toPoll(row, bodies);
    },
    async polls() {
      const rows = await db.selectFrom("polls").selectAll().execute();
      return new Map(rows.map((row) => [row.source_id, toPoll(row, bodies)]));
    },
    async putPoll(status) {
      const row = {
        last_poll_at: status.lastPollAt,
        last_ok_at: status.lastOkAt,
        failures: status.failures,
        trouble: status.trouble === null ? null : JSON.stringify(status.trouble),
        next_poll_at: status.nextPollAt,
      };
      await db
        .insertInto("polls")
        .values({ source_id: status.sourceId, ...row })
        .onConflict((conflict) => conflict.column("source_id").doUpdateSet(row))
        .execute();
    },
    async probe(sourceId) {
      const row = await db.selectFrom("probes").selectAll().where("source_id", "=", sourceId).executeTakeFirst();
      return row === undefined ? null : bodies.probe(row.body, sourceId);
    },
    async probes() {
      const rows = await db.selectFrom("probes").selectAll().execute();
      return new Map(rows.map((row) => [row.source_id, bodies.probe(row.body, row.source_id)]));
    },
    async putProbe(status) {
      const body = JSON.stringify(status);
      await db
        .insertInto("probes")
        .values({ source_id: status.sourceId, body })
        .onConflict((conflict) => conflict.column("source_id").doUpdateSet({ body }))
        .execute();
    },
    async dropProbe(sourceId) {
      await db.deleteFrom("probes").where("source_id", "=", sourceId).execute();
    },
  };
}

function toPoll(row: PollsTable, bodies: Bodies): PollStatus {
  return {
    sourceId: row.source_id,
    lastPollAt: row.last_poll_at,
    lastOkAt: row.last_ok_at,
    failures: row.failures,
    trouble: row.trouble === null ? null : bodies.trouble(row.trouble, row.source_id),
    nextPollAt: row.next_poll_at,
  };
}
