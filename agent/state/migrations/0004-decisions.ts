/** What people decide, baselines, and small papers of a source that follow from the evidence. */
import type { Kysely } from "kysely";

export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable("baselines")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("source_id", "text", (column) => column.notNull())
    .addColumn("status", "text", (column) => column.notNull())
    .addColumn("proposed_at", "bigint", (column) => column.notNull())
    .addColumn("body", "text", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("baselines_by_source").on("baselines").columns(["source_id", "status", "proposed_at"]).execute();
  await db.schema
    .createTable("decisions")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("source_id", "text", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("body", "text", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("decisions_by_source").on("decisions").columns(["source_id", "at"]).execute();
  await db.schema
    .createTable("papers")
    .addColumn("source_id", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("body", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("papers_key", ["source_id", "name"])
    .execute();
  await db.schema
    .createTable("actors")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("name", "text", (column) => column.notNull())
    .execute();
}
