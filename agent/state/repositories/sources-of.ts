import { type RawBuilder, sql } from "kysely";

/**
 * A recursive common table `sources_of(source_id)`: every source of a table that has an index beginning with source_id. It hops from one
 * source to the next in that index, so it costs what there are sources, not what there are rows.
 */
export function sourcesOf(table: "points" | "runs" | "drills"): RawBuilder<unknown> {
  const from = sql.table(table);
  return sql`sources_of(source_id) as (
    select min(source_id) from ${from}
    union all
    select (select min(source_id) from ${from} where source_id > sources_of.source_id) from sources_of where sources_of.source_id is not null)`;
}

/** The same common table, of sources that are known. */
export function theseSources(ids: readonly string[]): RawBuilder<unknown> {
  return sql`sources_of(source_id) as (select value from json_each(${JSON.stringify(ids)}))`;
}
