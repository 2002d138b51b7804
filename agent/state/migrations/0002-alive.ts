/** What is in the vault, what is active and what was last verified are found without reading the rest, however long the history. */
import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<never>): Promise<void> {
  await sql`create index points_alive on points (source_id, created_at, id, bytes) where gone_at is null`.execute(db);
  await sql`create index alarms_active on alarms (since, id) where ended_at is null`.execute(db);
  for (const layer of ["artifact", "content", "scratch", "live"])
    await sql`create index ${sql.ref(`drills_verified_${layer}`)} on drills (source_id, finished_at, id)
      where ${sql.ref(layer)} = 'verified'`.execute(db);
}
