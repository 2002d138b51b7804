/** From state to gauges: the one place that says what each series of a source is. Rebuilt from state at start, so a restart changes no alert. */
import { CLOCK_SLACK_MS, type CalendarState, nextSampleAt } from "../core/plan.ts";
import type { SourcePolicy, UncoveredSource } from "../core/policy.ts";
import type { GaugeSample, LedgerRow, ProbeStatus } from "../core/ports.ts";
import { gapAllowance } from "../core/statistics/rules.ts";
import type { Alarm, DrillRecord, Observation, RecoveryPoint, RunReport } from "../core/values.ts";
import { ALARM_KINDS, CHECK_STATUSES, ITEM_KINDS, type Layer, SIGNALS, type Signal } from "../core/words.ts";
import type { Forecast } from "../core/forecasting/predict.ts";
import { CONFIDENCE, type CoveragePaper } from "../core/sampled.ts";
import { coverageAt } from "../core/sampling/coverage.ts";
import type { Promised } from "../core/sampling/planner.ts";
import { coverWithinOf } from "../core/sampling/standing.ts";
import { type Band, isBanded, type Watched, WATCHED } from "./detections.ts";
import type { MetricName } from "../telemetry/names.ts";

export interface SourceState {
  readonly policy: SourcePolicy;
  readonly firstSeenAt: number;
  /** In the vault, newest created first. */
  readonly points: readonly RecoveryPoint[];
  /** Newest finished first. */
  readonly runs: readonly RunReport[];
  /** Oldest finished first. */
  readonly ledger: readonly LedgerRow[];
  readonly latest: DrillRecord | null;
  /** The newest drill whose facts are known: what the newest verified point holds. */
  readonly latestFacts: DrillRecord | null;
  /** Of its live product; null or left out where it was never asked. */
  readonly probe?: ProbeStatus | null;
  readonly alarms: readonly Alarm[];
  /** Alarms of the detector, active or ended; and the ids of those a person marked as expected. */
  readonly unusual?: readonly Alarm[];
  readonly expected?: ReadonlySet<string>;
  readonly gaps: readonly Observation[];
  readonly coverage?: CoveragePaper;
  /** What the budget of each sampled layer can promise, where enough is known to say. */
  readonly promises?: ReadonlyMap<Layer, Promised>;
  /** What the detector made of the newest of each signal. */
  readonly bands?: ReadonlyMap<Watched, Band>;
  /** How long the full restore of its newest point would take; null until enough is known. */
  readonly forecast?: Forecast | null;
  readonly calendars: readonly (CalendarState & { readonly nextAt: number | null })[];
}

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
const PROMISE_SEEN_DAYS = 365;

function isWatched(signal: Signal): signal is Watched {
  return (WATCHED as readonly Signal[]).includes(signal);
}

/** Every gauge of one source. A value that is not known has no sample. */
export function sourceSamples(state: SourceState, now: number): GaugeSample[] {
  const { policy } = state;
  const samples: GaugeSample[] = [];
  const add = (metric: MetricName, value: number | null | undefined, labels: Readonly<Record<string, string>> = {}): void => {
    if (value !== null && value !== undefined && Number.isFinite(value))
      samples.push({ metric, labels: { source: policy.id, ...labels }, value });
  };
  const at = (metric: MetricName, ms: number | null | undefined, labels: Readonly<Record<string, string>> = {}): void =>
    add(metric, ms === null || ms === undefined ? null : ms / 1000, labels);
  /** Never ahead of now: a time in the future would look well until it comes. */
  const ended = (metric: MetricName, row: LedgerRow | undefined, labels: Readonly<Record<string, string>>): void =>
    at(metric, row === undefined ? null : Math.min(row.finishedAt, now), labels);

  samples.push(...identitySamples(policy, state.firstSeenAt, policy.backups.vaultId));
  at("backup_expected_interval_seconds", policy.backups.everyMs);
  at("backup_schedule_jitter_seconds", policy.backups.everyMs === null ? null : policy.backups.jitterMs);
  at("backup_retention_objective_seconds", policy.backups.retentionMs);

  if (state.probe !== undefined && state.probe !== null) {
    add("backup_product_reachable", state.probe.trouble === null ? 1 : 0);
    at("backup_product_version_changed_timestamp_seconds", state.probe.changed?.at);
  }

  const newest = state.points[0];
  at("backup_last_success_timestamp_seconds", newest?.createdAt);
  add("backup_size_bytes", newest?.bytes);
  add("backup_recovery_points", state.points.length);
  at("backup_oldest_recovery_point_timestamp_seconds", state.points.at(-1)?.createdAt);
  at("backup_immutable_until_timestamp_seconds", newest?.immutableUntil);

  const run = state.runs[0];
  at("backup_last_attempt_timestamp_seconds", run?.finishedAt);
  if (run !== undefined)
    add(
      "backup_consecutive_failures",
      consecutive(
        state.runs,
        (other) => other.outcome === "failure",
        (other) => other.outcome === "success" || other.outcome === "partial",
      ),
    );
  const timed = state.runs.find((other) => other.startedAt !== null);
  at("backup_duration_seconds", timed === undefined || timed.startedAt === null ? null : Math.max(0, timed.finishedAt - timed.startedAt));

  for (const kind of ITEM_KINDS) add("backup_items", state.latestFacts?.facts?.inventory[kind], { kind });
  const created = new Map(state.points.map((point) => [point.id, point.createdAt]));
  for (const layer of policy.verify.layers) {
    at("restore_verification_objective_seconds", policy.objectives.verifyMs, { layer });
    const rows = state.ledger.filter((row) => row.layers[layer] !== undefined && row.finishedAt <= now + CLOCK_SLACK_MS).toReversed();
    ended("restore_last_drill_timestamp_seconds", rows[0], { layer });
    ended(
      "restore_last_verified_timestamp_seconds",
      rows.find((row) => row.layers[layer] === "verified"),
      { layer },
    );
    if (rows.length > 0)
      add(
        "restore_consecutive_failures",
        consecutive(
          rows.toSorted((a, b) => (created.get(b.pointId) ?? 0) - (created.get(a.pointId) ?? 0)),
          (row) => row.layers[layer] !== "verified",
          (row) => row.layers[layer] === "verified",
        ),
        { layer },
      );
  }
  const within = coverWithinOf(policy);
  for (const { layer, ratio, oldestAt } of coverageAt(state.coverage?.facts ?? [], now, within)) {
    at("restore_coverage_objective_seconds", within, { layer });
    add("restore_coverage_ratio", ratio, { layer });
    at("restore_oldest_unverified_timestamp_seconds", oldestAt, { layer });
    add("restore_bad_items_upper_ratio", state.coverage?.bounds[layer], { layer, confidence: String(CONFIDENCE) });
  }
  for (const [layer, promise] of state.promises ?? []) {
    add("restore_coverage_promise_kept", promise.keepsCoverage ? 1 : 0, { layer });
    // At today's growth; further off nothing grows the same way.
    if (promise.breaksInDays !== null && promise.breaksInDays < PROMISE_SEEN_DAYS)
      at("restore_coverage_promise_breaks_timestamp_seconds", now + promise.breaksInDays * DAY_MS, { layer });
  }
  const { latest } = state;
  if (latest !== null) {
    for (const status of CHECK_STATUSES) add("restore_checks", latest.checks.filter((check) => check.status === status).length, { status });
    for (const check of latest.checks)
      if (check.status === "fail") add("restore_check_failing", 1, { check: check.id, layer: check.layer });
    for (const [result, items] of Object.entries(latest.compared ?? {})) add("restore_compared_items", items, { result });
    add("restore_resource_usage_seconds", latest.resources === null ? null : latest.resources.cpuMs / 1000);
    add("restore_peak_memory_bytes", latest.resources?.peakRssBytes);
    add("restore_bytes_read", latest.resources?.readBytes);
    add("restore_disk_bytes", latest.resources?.diskBytes);
  }
  // What only our own database took says too little of how long the product takes.
  if (state.forecast?.basis === "product") {
    at("restore_forecast_seconds", state.forecast.expectedMs, { bound: "expected" });
    at("restore_forecast_seconds", state.forecast.upperMs, { bound: "upper" });
  }
  at("restore_drill_due_timestamp_seconds", nextSampleAt(policy, state.points, state.ledger, now), { drill_kind: "sample" });
  for (const { calendar, nextAt } of state.calendars) at("restore_drill_due_timestamp_seconds", nextAt, { drill_kind: calendar.kind });

  for (const signal of SIGNALS) {
    // What is counted together with others is no alarm of its own.
    const own = state.alarms.filter((alarm) => alarm.signal === signal && alarm.grouped !== true);
    const band = isWatched(signal) ? state.bands?.get(signal) : undefined;
    if (!isBanded(signal) && signal !== "outcome") {
      for (const kind of new Set(own.map((alarm) => alarm.kind))) add("backup_anomaly_active", 1, { signal, kind });
      if (own.length > 0) add("backup_anomaly_score", band?.score, { signal });
      continue;
    }
    for (const kind of ALARM_KINDS)
      if (kind === "rule" || signal !== "outcome")
        add("backup_anomaly_active", own.some((alarm) => alarm.kind === kind) ? 1 : 0, { signal, kind });
    const worst = own[0] ?? (band === undefined ? undefined : { ...band, observed: band.value });
    if (band !== undefined) add("backup_anomaly_score", band.score, { signal });
    if (worst === undefined) continue;
    add("backup_anomaly_observed", worst.observed, { signal });
    add("backup_anomaly_expected", worst.expected, { signal });
    add("backup_anomaly_lower", worst.lower, { signal });
    if (signal !== "gap" || own.length > 0) add("backup_anomaly_upper", worst.upper, { signal });
    add("backup_anomaly_runs", worst.runs, { signal });
  }
  add("backup_anomaly_budget", policy.anomalies?.falseAlarmsPerYear);
  if (state.unusual !== undefined) {
    const year = state.unusual.filter((alarm) => alarm.since > now - YEAR_MS && alarm.since <= now);
    const ordinary = year.filter((alarm) => state.expected?.has(alarm.id) === true).length;
    add("backup_anomaly_alarms", ordinary, { answer: "expected" });
    add("backup_anomaly_alarms", year.length - ordinary, { answer: "none" });
  }
  const gapActive = state.alarms.some((alarm) => alarm.signal === "gap");
  if (!gapActive) add("backup_anomaly_upper", gapAllowance(policy, state.gaps), { signal: "gap" });
  return samples;
}

/**
 * What is said of a source with or without a backup.
 * @param vault `none` where no backup is configured
 */
export function identitySamples(source: UncoveredSource, firstSeenAt: number, vault = "none"): GaugeSample[] {
  const { rpoMs, rtoMs } = source.objectives;
  const own = { source: source.id };
  const seconds = (metric: MetricName, ms: number | null): GaugeSample[] =>
    ms === null ? [] : [{ metric, labels: own, value: ms / 1000 }];
  const who = { platform: source.platform, vault, owner: source.owner?.team ?? "none", domain: source.domain, tier: source.tier };
  return [
    { metric: "backup_source_info" satisfies MetricName, labels: { ...own, ...who }, value: 1 },
    ...seconds("backup_source_configured_timestamp_seconds", firstSeenAt),
    ...seconds("backup_rpo_objective_seconds", rpoMs),
    ...seconds("backup_rto_objective_seconds", rtoMs),
  ];
}

/** How many from the newest on are `bad` before one is `good`; others count neither way. */
function consecutive<T>(newestFirst: readonly T[], bad: (item: T) => boolean, good: (item: T) => boolean): number {
  let count = 0;
  for (const item of newestFirst) {
    if (good(item)) return count;
    if (bad(item)) count += 1;
  }
  return count;
}
