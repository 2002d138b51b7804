import type { Kysely } from "kysely";
import type { TalliesRepository, Tally } from "../../core/ports.ts";
import type { Bodies } from "../bodies.ts";
import type { Database } from "../schema.ts";

export function talliesRepository(db: Kysely<Database>, bodies: Bodies): TalliesRepository {
  return {
    async add(tallies) {
      const groups = Map.groupBy(tallies, (tally) => JSON.stringify([tally.metric, labelText(tally.labels)]));
      for (const [first, ...rest] of groups.values()) {
        if (first === undefined) continue;
        const { metric } = first;
        const labels = labelText(first.labels);
        const before = await db
          .selectFrom("tallies")
          .select(["count", "sum", "buckets"])
          .where("metric", "=", metric)
          .where("labels", "=", labels)
          .executeTakeFirst();
        const known = before === undefined ? null : { ...before, buckets: bodies.buckets(before.buckets, metric) };
        // One after the other, as they happened: a sum of fractions depends on its order, and a rebuilt state must have the same.
        const { count, sum, buckets } = rest.reduce(added, added(known, first));
        const row = { count, sum, buckets: JSON.stringify(buckets) };
        await db
          .insertInto("tallies")
          .values({ metric, labels, ...row })
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

type Amount = Pick<Tally, "count" | "sum" | "buckets">;

/** Other bounds than before (a new version has another histogram) begin at zero: cumulative counts of two kinds cannot be added. */
function added(before: Amount | null, tally: Amount): Amount {
  if (before === null || before.buckets.length !== tally.buckets.length) return tally;
  return {
    count: before.count + tally.count,
    sum: before.sum + tally.sum,
    buckets: tally.buckets.map((count, index) => count + (before.buckets[index] ?? 0)),
  };
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))));
}
