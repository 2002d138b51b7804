import type { Kysely } from "kysely";
import type { TalliesRepository, Tally } from "../../core/ports.ts";
import type { Bodies } from "../bodies.ts";
import type { Database } from "../schema.ts";

export function talliesRepository(db: Kysely<Database>, bodies: Bodies): TalliesRepository {
  return {
    async add(tallies) {
      for (const tally of tallies) {
        const labels = labelText(tally.labels);
        const before = await db
          .selectFrom("tallies")
          .select(["count", "sum", "buckets"])
          .where("metric", "=", tally.metric)
          .where("labels", "=", labels)
          .executeTakeFirst();
        const known = before === undefined ? null : { ...before, buckets: bodies.buckets(before.buckets, tally.metric) };
        const row = added(known, tally);
        await db
          .insertInto("tallies")
          .values({ metric: tally.metric, labels, ...row })
          .onConflict((conflict) => conflict.columns(["metric", "labels"]).doUpdateSet(row))
          .execute();
      }
    },
    async all() {
      const rows = await db.selectFrom("tallies").selectAll().orderBy("metric").orderBy("labels").execute();
      return rows.map((row) => ({
        metric: row.metric,
        labels: bodies.labels(row.labels, row.metric),
        count: row.count,
        sum: row.sum,
        buckets: bodies.buckets(row.buckets, row.metric),
      }));
    },
  };
}

/** Other bounds than before (a new version has another histogram) begin at zero: cumulative counts of two kinds cannot be added. */
function added(
  before: { readonly count: number; readonly sum: number; readonly buckets: readonly number[] } | null,
  tally: Tally,
): { count: number; sum: number; buckets: string } {
  if (before === null || before.buckets.length !== tally.buckets.length)
    return { count: tally.count, sum: tally.sum, buckets: JSON.stringify(tally.buckets) };
  const buckets = tally.buckets.map((count, index) => count + (before.buckets[index] ?? 0));
  return { count: before.count + tally.count, sum: before.sum + tally.sum, buckets: JSON.stringify(buckets) };
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))));
}
