/** Retention: what goes, and what stays whatever its age. */
import { type Kysely, sql } from "kysely";
import { LAYERS } from "../core/words.ts";
import type { Database } from "./schema.ts";

/**
 * Removes drills, runs and observations older than `before`, alarms that ended and points that went before it, and expired leases.
 * Of every source stay: the newest drill, the newest that looked at each layer, the newest that verified each layer, the newest with facts,
 * and the newest run; and every point a kept drill is about, and every run a kept point came from.
 * @returns how many rows went
 */
export async function pruneRows(db: Kysely<Database>, before: number): Promise<number> {
  const removed = [
    await sql`
      delete from drills where finished_at < ${before} and id not in (
        ${newestWhere(sql`true`)}
        union ${newestWhere(sql`facts = 1`)}
        ${sql.join(
          LAYERS.flatMap((layer) => [
            sql`union ${newestWhere(sql`${sql.ref(layer)} is not null`)}`,
            sql`union ${newestWhere(sql`${sql.ref(layer)} = 'verified'`)}`,
          ]),
          sql` `,
        )}
      )`.execute(db),
    await sql`
      delete from points where gone_at < ${before} and not exists (select 1 from drills where drills.point_id = points.id)`.execute(db),
    await sql`
      delete from runs where finished_at < ${before}
        and not exists (select 1 from points where points.source_id = runs.source_id and points.run_id = runs.id)
        and exists (select 1 from runs as newer where newer.source_id = runs.source_id
          and (newer.finished_at, newer.id) > (runs.finished_at, runs.id))`.execute(db),
    await sql`delete from observations where at < ${before}`.execute(db),
    await sql`delete from alarms where ended_at < ${before}`.execute(db),
    await sql`delete from leases where until < ${before}`.execute(db),
  ];
  return removed.reduce((sum, { numAffectedRows }) => sum + Number(numAffectedRows ?? 0n), 0);
}

function newestWhere(condition: ReturnType<typeof sql>): ReturnType<typeof sql> {
  return sql`select id from (
    select id, row_number() over (partition by source_id order by finished_at desc, id desc) as place from drills where ${condition}
  ) as ranked where place = 1`;
}
