/** Queries that are rightly empty where agents are scraped by a lone Prometheus, each with the reason. */

const REASONS: readonly { readonly uid?: string; readonly title?: string; readonly expr?: RegExp; readonly reason: string }[] = [
  { expr: /\b(?:otelcol|traces_service_graph)_/, reason: "no collector runs in this test" },
  { expr: /^\(max by \(source\) \(backup_immutable_until_timestamp_seconds\b/, reason: "a folder cannot hold anything immutable" },
  { title: "Platforms that changed", reason: "the products here keep their version" },
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

/** The same for what runbooks ask. */
const OF_RUNBOOKS: Readonly<Record<string, string>> = {
  BackupImmutabilityLapsing: "a folder cannot hold anything immutable",
  RestorewatchCollectorQueueFilling: "no collector runs in this test",
  RestorewatchCollectorExportFailing: "no collector runs in this test",
  RestorewatchCollectorRefusing: "no collector runs in this test",
  RestorewatchWatchdog: "this Prometheus evaluates no alerts",
};

export function emptyOfRunbook(alert: string): string | null {
  return OF_RUNBOOKS[alert] ?? null;
}
