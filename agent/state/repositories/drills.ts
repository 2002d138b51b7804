import { type Kysely, type Selectable, sql } from "kysely";
import type { DrillsRepository, LedgerRow } from "../../core/ports.ts";
import type { DrillRecord } from "../../core/values.ts";
import { DRILL_KINDS, LAYERS, VERDICTS } from "../../core/words.ts";
import type { Bodies } from "../bodies.ts";
import type { Database, DrillsTable } from "../schema.ts";

type SmallRow = Omit<Selectable<DrillsTable>, "facts" | "body">;

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
    async latest() {
      const { rows } = await sql<{ id: string; body: string }>`
        select drills.id, drills.body
        from (select id, row_number() over (partition by source_id order by finished_at desc, id desc) as place from drills) as ranked
        join drills on drills.id = ranked.id
        where ranked.place = 1
        order by drills.source_id`.execute(db);
      return rows.map((row) => bodies.drill(row.body, row.id));
    },
    async ledger(sourceId) {
      const rows = await db
        .selectFrom("drills")
        .select(["id", "source_id", "point_id", "kind", "attempt", "finished_at", "verdict", "artifact", "content", "scratch", "live"])
        .where("source_id", "=", sourceId)
        .orderBy("finished_at", "asc")
        .orderBy("id", "asc")
        .execute();
      return rows.map((row) => toLedgerRow(row, bodies));
    },
  };
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
