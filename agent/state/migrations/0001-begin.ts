import type { Kysely } from "kysely";

export async function up(db: Kysely<never>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable("points")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("source_id", "text", (column) => column.notNull())
    .addColumn("vault_id", "text", (column) => column.notNull())
    .addColumn("path", "text", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("created_from", "text", (column) => column.notNull())
    .addColumn("modified_at", "double precision", (column) => column.notNull())
    .addColumn("bytes", "bigint", (column) => column.notNull())
    .addColumn("immutable_until", "bigint")
    .addColumn("run_id", "text")
    .addColumn("first_seen_at", "bigint", (column) => column.notNull())
    .addColumn("gone_at", "bigint")
    .execute();
  await schema.createIndex("points_by_source").on("points").columns(["source_id", "created_at", "id"]).execute();
  await schema
    .createTable("runs")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("source_id", "text", (column) => column.notNull())
    .addColumn("finished_at", "bigint", (column) => column.notNull())
    .addColumn("body", "text", (column) => column.notNull())
    .execute();
  await schema.createIndex("runs_by_source").on("runs").columns(["source_id", "finished_at", "id"]).execute();
  await schema
    .createTable("observations")
    .addColumn("source_id", "text", (column) => column.notNull())
    .addColumn("signal", "text", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("value", "double precision", (column) => column.notNull())
    .addColumn("ref", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("observations_key", ["source_id", "signal", "ref"])
    .execute();
  await schema.createIndex("observations_by_time").on("observations").columns(["source_id", "signal", "at", "ref"]).execute();
  await schema
    .createTable("drills")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("source_id", "text", (column) => column.notNull())
    .addColumn("point_id", "text", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("attempt", "integer", (column) => column.notNull())
    .addColumn("finished_at", "bigint", (column) => column.notNull())
    .addColumn("verdict", "text", (column) => column.notNull())
    .addColumn("artifact", "text")
    .addColumn("content", "text")
    .addColumn("scratch", "text")
    .addColumn("live", "text")
    .addColumn("facts", "integer", (column) => column.notNull())
    .addColumn("body", "text", (column) => column.notNull())
    .execute();
  await schema.createIndex("drills_by_source").on("drills").columns(["source_id", "finished_at", "id"]).execute();
  await schema.createIndex("drills_by_point").on("drills").columns(["point_id", "finished_at", "id"]).execute();
  await schema.createIndex("drills_by_time").on("drills").columns(["finished_at", "id"]).execute();
  await schema
    .createTable("alarms")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("source_id", "text", (column) => column.notNull())
    .addColumn("since", "bigint", (column) => column.notNull())
    .addColumn("ended_at", "bigint")
    .addColumn("body", "text", (column) => column.notNull())
    .execute();
  await schema.createIndex("alarms_by_source").on("alarms").columns(["source_id", "since", "id"]).execute();
  await schema
    .createTable("sources")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("first_seen_at", "bigint", (column) => column.notNull())
    .execute();
  await schema
    .createTable("polls")
    .addColumn("source_id", "text", (column) => column.primaryKey())
    .addColumn("last_poll_at", "bigint")
    .addColumn("last_ok_at", "bigint")
    .addColumn("failures", "integer", (column) => column.notNull())
    .addColumn("trouble", "text")
    .addColumn("next_poll_at", "bigint", (column) => column.notNull())
    .execute();
  await schema
    .createTable("tallies")
    .addColumn("metric", "text", (column) => column.notNull())
    .addColumn("labels", "text", (column) => column.notNull())
    .addColumn("count", "double precision", (column) => column.notNull())
    .addColumn("sum", "double precision", (column) => column.notNull())
    .addColumn("buckets", "text", (column) => column.notNull().defaultTo("[]"))
    .addPrimaryKeyConstraint("tallies_key", ["metric", "labels"])
    .execute();
  await schema
    .createTable("meta")
    .addColumn("key", "text", (column) => column.primaryKey())
    .addColumn("value", "text", (column) => column.notNull())
    .execute();
  await schema
    .createTable("leases")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("holder", "text", (column) => column.notNull())
    .addColumn("until", "bigint", (column) => column.notNull())
    .execute();
}
