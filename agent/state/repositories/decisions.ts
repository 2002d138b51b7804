/** Baselines, decisions, who decided, and papers. */
import { type Kysely, sql } from "kysely";
import type { ActorsRepository, BaselinesRepository, DecisionsRepository, PapersRepository } from "../../core/ports.ts";
import type { Bodies } from "../bodies.ts";
import type { Database } from "../schema.ts";

export function baselinesRepository(db: Kysely<Database>, bodies: Bodies): BaselinesRepository {
  return {
    async put(baseline) {
      const row = {
        source_id: baseline.sourceId,
        status: baseline.status,
        proposed_at: baseline.proposedAt,
        body: JSON.stringify(baseline),
      };
      await db
        .insertInto("baselines")
        .values({ id: baseline.id, ...row })
        .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
        .execute();
    },
    async get(id) {
      const row = await db.selectFrom("baselines").select("body").where("id", "=", id).executeTakeFirst();
      return row === undefined ? null : bodies.baseline(row.body, id);
    },
    async list({ sourceId, status, limit }) {
      let query = db.selectFrom("baselines").select(["id", "body"]);
      if (sourceId !== undefined) query = query.where("source_id", "=", sourceId);
      if (status !== undefined) query = query.where("status", "=", status);
      query = query.orderBy("proposed_at", "desc").orderBy("id", "desc");
      if (limit !== undefined) query = query.limit(limit);
      return (await query.execute()).map((row) => bodies.baseline(row.body, row.id));
    },
  };
}

export function decisionsRepository(db: Kysely<Database>, bodies: Bodies): DecisionsRepository {
  return {
    async put(decision) {
      const row = { source_id: decision.sourceId, at: decision.at, body: JSON.stringify(decision) };
      await db
        .insertInto("decisions")
        .values({ id: decision.id, ...row })
        .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
        .execute();
    },
    async list({ sourceId, limit }) {
      let query = db.selectFrom("decisions").select(["id", "body"]);
      if (sourceId !== undefined) query = query.where("source_id", "=", sourceId);
      query = query.orderBy("at", "desc").orderBy("id", "desc");
      if (limit !== undefined) query = query.limit(limit);
      return (await query.execute()).map((row) => bodies.decision(row.body, row.id));
    },
  };
}

export function papersRepository(db: Kysely<Database>): PapersRepository {
  return {
    async get(sourceId, name) {
      const row = await db
        .selectFrom("papers")
        .select("body")
        .where("source_id", "=", sourceId)
        .where("name", "=", name)
        .executeTakeFirst();
      return row?.body ?? null;
    },
    async put(sourceId, name, body) {
      await db
        .insertInto("papers")
        .values({ source_id: sourceId, name, body })
        .onConflict((conflict) => conflict.columns(["source_id", "name"]).doUpdateSet({ body }))
        .execute();
    },
  };
}

export function actorsRepository(db: Kysely<Database>): ActorsRepository {
  return {
    async put(id, name) {
      await db
        .insertInto("actors")
        .values({ id, name })
        .onConflict((conflict) => conflict.column("id").doUpdateSet({ name }))
        .execute();
    },
    async names() {
      return new Map((await db.selectFrom("actors").selectAll().execute()).map((row) => [row.id, row.name]));
    },
    async forget(id) {
      // Erased is what no page of the file holds any more either.
      await sql`pragma secure_delete = on`.execute(db);
      await db.deleteFrom("actors").where("id", "=", id).execute();
      await sql`pragma wal_checkpoint(truncate)`.execute(db);
    },
  };
}
