/** Queries that are rightly empty on the quickstart scraped by a lone Prometheus, each with the reason. */

const REASONS: readonly { readonly uid?: string; readonly title?: string; readonly expr?: RegExp; readonly reason: string }[] = [
  { expr: /\b(?:otelcol|traces_service_graph)_/, reason: "no collector runs in this test" },
  {
    expr: /\brestore_(?:coverage_ratio|oldest_unverified_timestamp_seconds|bad_items_upper_ratio|compared_items)\b/,
    reason: "tells of records restored to scratch or compared with a live product; the quickstart has none",
  },
  { expr: /\b(?:backup_product_reachable|restorewatch_uncovered_scopes)\b/, reason: "the quickstart has no live product" },
  {
    expr: /\brestorewatch_(?:platform_requests_total|platform_wait_seconds_total|budget_remaining|scratch_leaks)\b/,
    reason: "the quickstart connects to no platform",
  },
  { expr: /^\(max by \(source\) \(backup_immutable_until_timestamp_seconds\b/, reason: "a folder cannot hold anything immutable" },
];

/** The reason, or null where the query must return data. */
export function rightlyEmpty(uid: string, title: string, expr: string): string | null {
  const found = REASONS.find(
    (one) =>
      (one.uid === undefined || one.uid === uid) &&
      (one.title === undefined || one.title === title) &&
      (one.expr === undefined || one.expr.test(expr)),
  );
  return found?.reason ?? null;
}
