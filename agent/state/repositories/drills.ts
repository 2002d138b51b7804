import { type Kysely, type Selectable, sql } from "kysely";
import type { DrillsRepository, LedgerRow } from "../../core/ports.ts";
import type { DrillRecord } from "../../core/values.ts";
import { DRILL_KINDS, type Layer, LAYERS, VERDICTS } from "../../core/words.ts";
import type { Bodies } from "../bodies.ts";
import type { Database, DrillsTable } from "../schema.ts";
import { inChunks } from "./chunks.ts";
import { sourcesOf, theseSources } from "./sources-of.ts";

type SmallRow = Omit<Selectable<DrillsTable>, "facts" | "body">;

const SMALL = [
  "id",
  "source_id",
  "point_id",
  "kind",
  "attempt",
  "finished_at",
  "verdict",
  "artifact",
  "content",
  "scratch",
  "live",
] as const satisfies (keyof SmallRow)[];

export function drillsRepository(db: Kysely<Database>, bodies: Bodies): DrillsRepository {
  return {
    async put(drill) {
      const { id, ...rest } = toRow(drill);
      await db
        .insertInto("drills")
        .values({ id, ...rest })
        .onConflict((conflict) => conflict.column("id").doUpdateSet(rest))
        .execute();
    },
    async get(id) {
      const row = await db.selectFrom("drills").select(["id", "body"]).where("id", "=", id).executeTakeFirst();
      return row === undefined ? null : bodies.drill(row.body, row.id);
    },
    async list({ sourceId, pointId, limit }) {
      let query = db.selectFrom("drills").select(["id", "body"]);
      if (sourceId !== undefined) query = query.where("source_id", "=", sourceId);
      if (pointId !== undefined) query = query.where("point_id", "=", pointId);
      query = query.orderBy("finished_at", "desc").orderBy("id", "desc");
      if (limit !== undefined) query = query.limit(limit);
      return (await query.execute()).map((row) => bodies.drill(row.body, row.id));
    },
    async newest({ verified = [], sourceIds, pointIds } = {}) {
      if (pointIds !== undefined) return newestOfPoints(db, bodies, verified, pointIds);
      const { rows } = await sql<SmallRow>`
        with recursive ${sourceIds === undefined ? sourcesOf("drills") : theseSources(sourceIds)}
        select ${sql.join(SMALL.map((column) => sql.ref(`drills.${column}`)))} from sources_of
        join drills on drills.id = (
          select id from drills as own where own.source_id = sources_of.source_id
          ${sql.join(
            verified.map((layer) => sql`and ${sql.ref(`own.${layer}`)} = 'verified'`),
            sql` `,
          )}
          order by own.finished_at desc, own.id desc limit 1)`.execute(db);
      return rows.map((row) => toLedgerRow(row, bodies));
    },
    async ledger(sourceId) {
      const rows = await db
        .selectFrom("drills")
        .select(SMALL)
        .where("source_id", "=", sourceId)
        .orderBy("finished_at", "asc")
        .orderBy("id", "asc")
        .execute();
      return rows.map((row) => toLedgerRow(row, bodies));
    },
  };
}

/** A point has few drills: all are read, and the first of each is the newest. */
async function newestOfPoints(
  db: Kysely<Database>,
  bodies: Bodies,
  verified: readonly Layer[],
  pointIds: readonly string[],
): Promise<LedgerRow[]> {
  const newest = new Map<string, LedgerRow>();
  for (const chunk of inChunks(pointIds)) {
    let query = db.selectFrom("drills").select(SMALL).where("point_id", "in", chunk);
    for (const layer of verified) query = query.where(layer, "=", "verified");
    for (const row of await query.orderBy("point_id").orderBy("finished_at", "desc").orderBy("id", "desc").execute())
      if (!newest.has(row.point_id)) newest.set(row.point_id, toLedgerRow(row, bodies));
  }
  return [...newest.values()];
}

function toRow(drill: DrillRecord): DrillsTable {
  return {
    id: drill.id,
    source_id: drill.sourceId,
    point_id: drill.pointId,
    kind: drill.kind,
    attempt: drill.attempt,
    finished_at: drill.finishedAt,
    verdict: drill.verdict,
    artifact: drill.layers.artifact ?? null,
    content: drill.layers.content ?? null,
    scratch: drill.layers.scratch ?? null,
    live: drill.layers.live ?? null,
    facts: drill.facts === null ? 0 : 1,
    body: JSON.stringify(drill),
  };
}

function toLedgerRow(row: SmallRow, bodies: Bodies): LedgerRow {
  const where = `drill ${row.id}`;
  const layers = LAYERS.flatMap((layer) => {
    const verdict = row[layer];
    return verdict === null ? [] : [[layer, bodies.word(verdict, VERDICTS, where)] as const];
  });
  return {
    drillId: row.id,
    kind: bodies.word(row.kind, DRILL_KINDS, where),
    sourceId: row.source_id,
    pointId: row.point_id,
    attempt: row.attempt,
    finishedAt: row.finished_at,
    verdict: bodies.word(row.verdict, VERDICTS, where),
    layers: Object.fromEntries(layers),
  };
}
