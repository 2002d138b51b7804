import { type Kysely, type Selectable, sql } from "kysely";
import type { PointsRepository } from "../../core/ports.ts";
import type { RecoveryPoint } from "../../core/values.ts";
import type { Bodies } from "../bodies.ts";
import type { Database, PointsTable } from "../schema.ts";
import { inChunks } from "./chunks.ts";
import { sourcesOf } from "./sources-of.ts";

const KINDS = ["file", "directory"] as const;
const FROM = ["run-report", "name", "modified"] as const;

export function pointsRepository(db: Kysely<Database>, bodies: Bodies): PointsRepository {
  return {
    async put(points) {
      for (const chunk of inChunks(points)) {
        await db
          .insertInto("points")
          .values(chunk.map(toRow))
          .onConflict((conflict) =>
            conflict.column("id").doUpdateSet((eb) => ({
              source_id: eb.ref("excluded.source_id"),
              vault_id: eb.ref("excluded.vault_id"),
              path: eb.ref("excluded.path"),
              kind: eb.ref("excluded.kind"),
              created_at: eb.ref("excluded.created_at"),
              created_from: eb.ref("excluded.created_from"),
              modified_at: eb.ref("excluded.modified_at"),
              bytes: eb.ref("excluded.bytes"),
              immutable_until: eb.ref("excluded.immutable_until"),
              run_id: eb.ref("excluded.run_id"),
              first_seen_at: eb.ref("excluded.first_seen_at"),
              gone_at: eb.ref("excluded.gone_at"),
            })),
          )
          .execute();
      }
    },
    async get(id) {
      const row = await db.selectFrom("points").selectAll().where("id", "=", id).executeTakeFirst();
      return row === undefined ? null : toPoint(row, bodies);
    },
    async list(sourceId, { gone = false, limit } = {}) {
      let query = db.selectFrom("points").selectAll().where("source_id", "=", sourceId);
      if (!gone) query = query.where("gone_at", "is", null);
      query = query.orderBy("created_at", "desc").orderBy("id", "desc");
      if (limit !== undefined) query = query.limit(limit);
      return (await query.execute()).map((row) => toPoint(row, bodies));
    },
    async newest() {
      const { rows } = await sql<Selectable<PointsTable> & { readonly count: number; readonly total: number }>`
        with recursive ${sourcesOf("points")},
        sums as (select source_id, count(*) as count, sum(bytes) as total from points where gone_at is null group by source_id)
        select points.*, sums.count, sums.total from sources_of
        join points on points.id = (
          select id from points as own where own.source_id = sources_of.source_id and own.gone_at is null
          order by own.created_at desc, own.id desc limit 1)
        join sums on sums.source_id = sources_of.source_id`.execute(db);
      return rows.map((row) => ({ newest: toPoint(row, bodies), count: row.count, bytes: row.total }));
    },
  };
}

function toRow(point: RecoveryPoint): PointsTable {
  return {
    id: point.id,
    source_id: point.sourceId,
    vault_id: point.vaultId,
    path: point.path,
    kind: point.kind,
    created_at: point.createdAt,
    created_from: point.createdFrom,
    modified_at: point.modifiedAt,
    bytes: point.bytes,
    immutable_until: point.immutableUntil,
    run_id: point.runId,
    first_seen_at: point.firstSeenAt,
    gone_at: point.goneAt,
  };
}

function toPoint(row: Selectable<PointsTable>, bodies: Bodies): RecoveryPoint {
  return {
    id: row.id,
    sourceId: row.source_id,
    vaultId: row.vault_id,
    path: row.path,
    kind: bodies.word(row.kind, KINDS, `point ${row.id}`),
    createdAt: row.created_at,
    createdFrom: bodies.word(row.created_from, FROM, `point ${row.id}`),
    modifiedAt: row.modified_at,
    bytes: row.bytes,
    immutableUntil: row.immutable_until,
    runId: row.run_id,
    firstSeenAt: row.first_seen_at,
    goneAt: row.gone_at,
  };
}
