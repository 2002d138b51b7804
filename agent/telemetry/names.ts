/**
 * Every name the agent tells the outside, once. Units are base units; timestamps, never ages; an unknown value is an absent series.
 * This file imports nothing: dashboards, rules and documents are generated from it or checked against it.
 */

export interface MetricDefinition {
  readonly type: "gauge" | "counter" | "histogram";
  /** OTLP unit (UCUM): `s`, `By`, `1`, or `{thing}`. */
  readonly unit: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds, histograms only. */
  readonly buckets?: readonly number[];
  /** For counters: the label sets that exist from the start at 0, by label. */
  readonly known?: Readonly<Record<string, readonly string[]>>;
}

/** What can keep the agent from its own work. */
export const DEGRADED_CAUSES = ["evidence", "state", "sandbox", "inbox", "scheduler"] as const;

const OUTCOMES = ["success", "failure", "partial", "unknown"] as const;
const VERDICTS = ["verified", "failed", "inconclusive"] as const;
const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200] as const;

export const METRICS = {
  backup_source_info: {
    type: "gauge",
    unit: "1",
    help: "A configured source, constant 1; join with it for who and where.",
    labels: ["source", "platform", "vault", "owner", "domain", "tier"],
  },
  backup_source_configured_timestamp_seconds: {
    type: "gauge",
    unit: "s",
    help: "When the source was first seen in the configuration.",
    labels: ["source"],
  },
  backup_rpo_objective_seconds: { type: "gauge", unit: "s", help: "Recovery point objective.", labels: ["source"] },
  backup_rto_objective_seconds: { type: "gauge", unit: "s", help: "Recovery time objective.", labels: ["source"] },
  backup_expected_interval_seconds: { type: "gauge", unit: "s", help: "Expected time between recovery points.", labels: ["source"] },
  backup_schedule_jitter_seconds: {
    type: "gauge",
    unit: "s",
    help: "How much later than expected a backup is still on time.",
    labels: ["source"],
  },
  backup_retention_objective_seconds: {
    type: "gauge",
    unit: "s",
    help: "How far back recovery points are to be kept.",
    labels: ["source"],
  },
  backup_last_success_timestamp_seconds: {
    type: "gauge",
    unit: "s",
    help: "Creation time of the newest recovery point.",
    labels: ["source"],
  },
  backup_last_attempt_timestamp_seconds: {
    type: "gauge",
    unit: "s",
    help: "End of the newest reported backup run, whatever its outcome.",
    labels: ["source"],
  },
  backup_consecutive_failures: {
    type: "gauge",
    unit: "{run}",
    help: "Reported backup runs that failed since the last that did not.",
    labels: ["source"],
  },
  backup_runs_total: {
    type: "counter",
    unit: "{run}",
    help: "Reported backup runs by outcome.",
    labels: ["source", "outcome"],
    known: { outcome: OUTCOMES },
  },
  backup_duration_seconds: { type: "gauge", unit: "s", help: "Duration of the newest reported backup run.", labels: ["source"] },
  backup_size_bytes: { type: "gauge", unit: "By", help: "Size of the newest recovery point.", labels: ["source"] },
  backup_items: {
    type: "gauge",
    unit: "{item}",
    help: "Items in the newest verified recovery point, by kind.",
    labels: ["source", "kind"],
  },
  backup_recovery_points: { type: "gauge", unit: "{point}", help: "Recovery points in the vault now.", labels: ["source"] },
  backup_oldest_recovery_point_timestamp_seconds: {
    type: "gauge",
    unit: "s",
    help: "Creation time of the oldest recovery point.",
    labels: ["source"],
  },
  backup_immutable_until_timestamp_seconds: {
    type: "gauge",
    unit: "s",
    help: "Until when the newest recovery point cannot be altered.",
    labels: ["source"],
  },
  backup_poll_duration_seconds: {
    type: "histogram",
    unit: "s",
    help: "Time to poll one source.",
    labels: ["platform", "outcome"],
    buckets: SECONDS,
  },
  backup_anomaly_active: { type: "gauge", unit: "1", help: "1 while an alarm is active.", labels: ["source", "signal", "kind"] },
  backup_anomaly_score: {
    type: "gauge",
    unit: "1",
    help: "How far the newest observation is from the ordinary; 1 is where an alarm is due.",
    labels: ["source", "signal"],
  },
  backup_anomaly_observed: {
    type: "gauge",
    unit: "1",
    help: "Newest observation, in the unit of its signal.",
    labels: ["source", "signal"],
  },
  backup_anomaly_expected: { type: "gauge", unit: "1", help: "Expected value of the newest observation.", labels: ["source", "signal"] },
  backup_anomaly_lower: { type: "gauge", unit: "1", help: "Lower edge of the band.", labels: ["source", "signal"] },
  backup_anomaly_upper: { type: "gauge", unit: "1", help: "Upper edge of the band.", labels: ["source", "signal"] },
  backup_anomaly_budget: {
    type: "gauge",
    unit: "{alarm}",
    help: "False alarms a year that unusual numbers of the source may cause, as configured.",
    labels: ["source"],
  },
  backup_anomaly_alarms: {
    type: "gauge",
    unit: "{alarm}",
    help: "Alarms of the last 365 days because of unusual numbers; answer is expected where a person said so: those are what the budget is for.",
    labels: ["source", "answer"],
  },
  backup_anomaly_runs: { type: "gauge", unit: "{run}", help: "Observations the band rests on.", labels: ["source", "signal"] },
  restore_drills_total: {
    type: "counter",
    unit: "{drill}",
    help: "Finished drills by verdict.",
    labels: ["source", "drill_kind", "verdict"],
    known: { drill_kind: ["sample", "smoke", "deep"], verdict: VERDICTS },
  },
  restore_drill_duration_seconds: {
    type: "histogram",
    unit: "s",
    help: "Duration of drills.",
    labels: ["source", "drill_kind"],
    buckets: SECONDS,
  },
  restore_phase_duration_seconds: {
    type: "histogram",
    unit: "s",
    help: "Duration of the phases of drills.",
    labels: ["platform", "phase"],
    buckets: SECONDS,
  },
  restore_resource_usage_seconds: { type: "gauge", unit: "s", help: "CPU time of the last drill.", labels: ["source"] },
  restore_peak_memory_bytes: { type: "gauge", unit: "By", help: "Peak resident memory of the last drill.", labels: ["source"] },
  restore_bytes_read: { type: "gauge", unit: "By", help: "Bytes the last drill read from the artifact.", labels: ["source"] },
  restore_disk_bytes: { type: "gauge", unit: "By", help: "Most disk space the last drill used in its sandbox.", labels: ["source"] },
  restore_check_failing: {
    type: "gauge",
    unit: "1",
    help: "1 while the last result of a check is fail.",
    labels: ["source", "check", "layer"],
  },
  restore_checks: { type: "gauge", unit: "{check}", help: "Checks of the last drill by status.", labels: ["source", "status"] },
  restore_last_verified_timestamp_seconds: {
    type: "gauge",
    unit: "s",
    help: "End of the newest drill that verified the layer.",
    labels: ["source", "layer"],
  },
  restore_last_drill_timestamp_seconds: {
    type: "gauge",
    unit: "s",
    help: "End of the newest drill that looked at the layer.",
    labels: ["source", "layer"],
  },
  restore_verification_objective_seconds: {
    type: "gauge",
    unit: "s",
    help: "How often the layer is to be verified.",
    labels: ["source", "layer"],
  },
  restore_consecutive_failures: {
    type: "gauge",
    unit: "{drill}",
    help: "Drills of the layer that did not verify since the last that did.",
    labels: ["source", "layer"],
  },
  restore_coverage_ratio: {
    type: "gauge",
    unit: "1",
    help: "Share of the records that were restored or compared within the promised time; absent for a layer that never ran.",
    labels: ["source", "layer"],
  },
  restore_coverage_objective_seconds: {
    type: "gauge",
    unit: "s",
    help: "How often every record is to be restored or compared.",
    labels: ["source", "layer"],
  },
  restore_coverage_promise_kept: {
    type: "gauge",
    unit: "1",
    help: "1 while the budget reads every record within the promised time, else 0; absent while nobody knows how many there are.",
    labels: ["source", "layer"],
  },
  restore_coverage_promise_breaks_timestamp_seconds: {
    type: "gauge",
    unit: "s",
    help: "When one round will take longer than promised at today's growth; now, where it does already; absent where it holds for a year.",
    labels: ["source", "layer"],
  },
  restore_oldest_unverified_timestamp_seconds: {
    type: "gauge",
    unit: "s",
    help: "When the record was last verified that was verified longest ago; one that never was counts from when it was there.",
    labels: ["source", "layer"],
  },
  restore_bad_items_upper_ratio: {
    type: "gauge",
    unit: "1",
    help: "With this confidence fewer than such a share of the records of the last drill's backup is bad; a single one may still be.",
    labels: ["source", "layer", "confidence"],
  },
  restore_forecast_seconds: {
    type: "gauge",
    unit: "s",
    help: "How long a full restore of the newest recovery point is expected to take, and the upper edge of its 90 % interval; absent while unknown.",
    labels: ["source", "bound"],
  },
  restore_drill_due_timestamp_seconds: {
    type: "gauge",
    unit: "s",
    help: "When the next drill of the kind is due.",
    labels: ["source", "drill_kind"],
  },
  restorewatch_heartbeat_timestamp_seconds: { type: "gauge", unit: "s", help: "Set by every scheduler tick that got through.", labels: [] },
  restorewatch_build_info: { type: "gauge", unit: "1", help: "Version of the agent, constant 1.", labels: ["version", "node"] },
  restorewatch_config_hash_info: { type: "gauge", unit: "1", help: "Digest of the configuration in force, constant 1.", labels: ["hash"] },
  restorewatch_config_last_reload_success: {
    type: "gauge",
    unit: "1",
    help: "1 when the last load of the configuration was accepted, 0 when the old one was kept.",
    labels: [],
  },
  restorewatch_degraded: {
    type: "gauge",
    unit: "1",
    help: "1 while this keeps the agent from its own work (a full disk, no permission, no process); /readyz says it in a sentence.",
    labels: ["cause"],
  },
  restorewatch_jobs: { type: "gauge", unit: "{job}", help: "Polls and drills by state.", labels: ["state"] },
  restorewatch_state_bytes: { type: "gauge", unit: "By", help: "Size of the state on disk.", labels: [] },
  restorewatch_evidence_entries_total: { type: "counter", unit: "{entry}", help: "Entries in the evidence log.", labels: [] },
  restorewatch_evidence_broken: { type: "gauge", unit: "1", help: "1 when the evidence log does not verify.", labels: [] },
  restorewatch_telemetry_dropped_total: {
    type: "counter",
    unit: "{item}",
    help: "Spans, metric batches and log records that could not be delivered.",
    labels: ["signal"],
    known: { signal: ["traces", "metrics", "logs"] },
  },
  restorewatch_platform_requests_total: {
    type: "counter",
    unit: "{request}",
    help: "Requests to platforms, by class of the answer's status; error: there was no answer.",
    labels: ["platform", "status"],
  },
  restorewatch_platform_wait_seconds_total: {
    type: "counter",
    unit: "s",
    help: "Time requests to platforms waited before they were sent.",
    labels: ["platform", "reason"],
  },
  restorewatch_budget_remaining: {
    type: "gauge",
    unit: "{request}",
    help: "Requests left of the day's budget.",
    labels: ["budget"],
  },
  backup_source_finding: {
    type: "gauge",
    unit: "1",
    help: "1 while something is missing of a source in the catalogue: a backup, an owner, an objective, a drill schedule and the like.",
    labels: ["source", "finding"],
  },
  backup_product_version_changed_timestamp_seconds: {
    type: "gauge",
    unit: "s",
    help: "When the live product of a source was first seen with another version than before; absent while it always had the same.",
    labels: ["source"],
  },
  backup_product_reachable: {
    type: "gauge",
    unit: "1",
    help: "1 while the live product of a source answered the last probe, else 0; absent where it has none, or was not asked yet.",
    labels: ["source"],
  },
  restorewatch_anomalies_grouped: {
    type: "gauge",
    unit: "{alarm}",
    help: "Active alarms that are told together in one, because more began on a day than are told one by one.",
    labels: [],
  },
  restorewatch_baselines_waiting: {
    type: "gauge",
    unit: "{baseline}",
    help: "Proposed baselines that nobody has approved or rejected yet.",
    labels: [],
  },
  restorewatch_uncovered_sources: {
    type: "gauge",
    unit: "{source}",
    help: "Sources that no backup covers: none is configured, or the vault holds none.",
    labels: [],
  },
  restorewatch_uncovered_scopes: {
    type: "gauge",
    unit: "{scope}",
    help: "Bases, workspaces and apps on live products that the configured tokens see and no source covers; absent while one of them could not be asked.",
    labels: ["platform"],
  },
  restorewatch_catalogue_sources: {
    type: "gauge",
    unit: "{source}",
    help: "Configured sources by coverage: none configured, empty vault, unknown, covered.",
    labels: ["coverage"],
  },
  restorewatch_unclaimed_artifacts: {
    type: "gauge",
    unit: "{place}",
    help: "Folders and kinds of file in a vault that no source claims; absent while the vault could not be looked through.",
    labels: ["vault"],
  },
  restorewatch_scratch_leaks: {
    type: "gauge",
    unit: "{workspace}",
    help: "Scratch workspaces on platforms that could not be removed; each is tried again at the next drill of its source.",
    labels: [],
  },
  restore_compared_items: {
    type: "gauge",
    unit: "{item}",
    help: "Items of the last drill compared with production, by result.",
    labels: ["source", "result"],
  },
  restorewatch_sandbox_leaks: {
    type: "gauge",
    unit: "{sandbox}",
    help: "Sandboxes of killed drills found and removed at the last start, and any that could not be removed.",
    labels: [],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof METRICS;

/** Span names. */
export const SPANS = {
  poll: "backup.poll",
  drill: "restore.drill",
  check: "restore.check",
  sample: "restore.sample",
  list: "vault.list",
  probe: "platform.probe",
  wait: "platform.wait",
  phase: (phase: string): string => `restore.${phase}`,
} as const;

/** Span attributes and log fields of our own; the rest are OpenTelemetry semantic conventions. */
export const ATTRIBUTES = {
  source: "backup.source",
  platform: "backup.platform",
  domain: "backup.domain",
  pointId: "backup.recovery_point.id",
  points: "backup.recovery_points",
  outcome: "backup.poll.outcome",
  drillId: "restore.drill.id",
  drillKind: "restore.drill.kind",
  drillAttempt: "restore.drill.attempt",
  verdict: "restore.verdict",
  layerVerdict: (layer: string): string => `restore.verdict.${layer}`,
  trouble: "restore.trouble",
  items: "restore.items",
  bytes: "restore.bytes",
  checkId: "restore.check.id",
  checkLayer: "restore.check.layer",
  checkStatus: "restore.check.status",
  checkObserved: "restore.check.observed",
  checkItems: "restore.check.items",
  criticalPath: "restore.critical_path",
  criticalStep: "restore.critical_path.longest",
  isolation: "restore.isolation",
  cpuSeconds: "restore.resource.cpu_seconds",
  peakMemory: "restore.resource.peak_memory_bytes",
  diskBytes: "restore.resource.disk_bytes",
  errorType: "error.type",
  dbSystem: "db.system.name",
  dbOperation: "db.operation.name",
  peerName: "service.peer.name",
  peerService: "peer.service",
  serverAddress: "server.address",
  serverPort: "server.port",
  httpMethod: "http.request.method",
  httpStatus: "http.response.status_code",
  httpResend: "http.request.resend_count",
  urlTemplate: "url.template",
  waitReason: "restore.wait.reason",
} as const;
