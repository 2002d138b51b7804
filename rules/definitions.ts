/** Alerts and the recorded series they stand on, as data: the YAML is generated from it, and so are the tests. Imports only the names. */
import type { MetricName } from "../agent/telemetry/names.ts";

export type Severity = "critical" | "warning" | "info";

/** A gauge of a source that is carried on while the agent that told it is dead, and let go when that agent lives and no longer tells it. */
export interface Held {
  readonly metric: MetricName;
  readonly record: string;
  readonly by: readonly string[];
}

const BY_SOURCE = ["instance", "source"] as const;
const BY_LAYER = ["instance", "source", "layer"] as const;

export const HELD: readonly Held[] = [
  { metric: "backup_last_success_timestamp_seconds", record: "backup:last_success_timestamp_seconds:held", by: BY_SOURCE },
  { metric: "backup_rpo_objective_seconds", record: "backup:rpo_objective_seconds:held", by: BY_SOURCE },
  { metric: "backup_source_configured_timestamp_seconds", record: "backup:configured_timestamp_seconds:held", by: BY_SOURCE },
  { metric: "backup_expected_interval_seconds", record: "backup:expected_interval_seconds:held", by: BY_SOURCE },
  { metric: "backup_schedule_jitter_seconds", record: "backup:schedule_jitter_seconds:held", by: BY_SOURCE },
  { metric: "backup_consecutive_failures", record: "backup:consecutive_failures:held", by: BY_SOURCE },
  { metric: "backup_anomaly_active", record: "backup:anomaly_active:held", by: ["instance", "source", "signal", "kind"] },
  { metric: "backup_immutable_until_timestamp_seconds", record: "backup:immutable_until_timestamp_seconds:held", by: BY_SOURCE },
  {
    metric: "backup_oldest_recovery_point_timestamp_seconds",
    record: "backup:oldest_recovery_point_timestamp_seconds:held",
    by: BY_SOURCE,
  },
  { metric: "backup_retention_objective_seconds", record: "backup:retention_objective_seconds:held", by: BY_SOURCE },
  { metric: "restore_check_failing", record: "restore:check_failing:held", by: BY_LAYER },
  { metric: "restore_consecutive_failures", record: "restore:consecutive_failures:held", by: BY_LAYER },
  { metric: "restore_last_verified_timestamp_seconds", record: "restore:last_verified_timestamp_seconds:held", by: BY_LAYER },
  { metric: "restore_verification_objective_seconds", record: "restore:verification_objective_seconds:held", by: BY_LAYER },
  { metric: "restore_oldest_unverified_timestamp_seconds", record: "restore:oldest_unverified_timestamp_seconds:held", by: BY_LAYER },
  { metric: "restore_coverage_objective_seconds", record: "restore:coverage_objective_seconds:held", by: BY_LAYER },
  { metric: "restore_compared_items", record: "restore:compared_items:held", by: ["instance", "source", "result"] },
  {
    metric: "restore_drill_due_timestamp_seconds",
    record: "restore:drill_due_timestamp_seconds:held",
    by: ["instance", "source", "drill_kind"],
  },
];

/** Series of a test, as promtool writes them: one value a minute. */
export type TestSeries = Readonly<Record<string, string>>;

export interface AlertDefinition {
  readonly alert: string;
  readonly severity: Severity;
  readonly for?: string;
  readonly expr: string;
  /** Of one source, so it carries who it belongs to. */
  readonly ofSource: boolean;
  readonly summary: string;
  readonly description: string;
  /** Series beside the plain ones under which it fires, and under which it does not; `removable`: it ends when the source is taken out. */
  readonly test: {
    readonly fires: TestSeries;
    readonly quiet: TestSeries;
    readonly survives: boolean;
    readonly alsoQuiet?: { readonly series: TestSeries; readonly at?: string };
  };
}

const SOURCE = 'instance="a",source="crm"';
const at = (metric: MetricName, values: string, more = ""): TestSeries => ({ [`${metric}{${SOURCE}${more}}`]: values });
const layer = ',layer="content"';

export const ALERTS: readonly AlertDefinition[] = [
  {
    alert: "BackupNeverSucceeded",
    severity: "critical",
    expr: "(time() - backup:configured_timestamp_seconds:held > on (instance, source) backup:rpo_objective_seconds:held)\n  unless on (instance, source) backup:last_success_timestamp_seconds:held",
    ofSource: true,
    summary: "{{ $labels.source }} has never been backed up",
    description:
      "No backup of {{ $labels.source }} was ever seen, and its recovery point objective has passed since it was configured. Look at the vault and path of its configuration, then at the backup job.",
    test: {
      fires: at("backup_rpo_objective_seconds", "1800x240"),
      quiet: { ...at("backup_rpo_objective_seconds", "1800x240"), ...at("backup_last_success_timestamp_seconds", "0+60x240") },
      survives: true,
    },
  },
  {
    alert: "BackupRpoBreached",
    severity: "critical",
    expr: "time() - backup:last_success_timestamp_seconds:held > on (instance, source) backup:rpo_objective_seconds:held",
    ofSource: true,
    summary: "The newest backup of {{ $labels.source }} is older than its objective",
    description:
      "A restore of {{ $labels.source }} now would lose more than its recovery point objective allows. Look at the backup job's schedule and log.",
    test: {
      fires: { ...at("backup_rpo_objective_seconds", "1800x240"), ...at("backup_last_success_timestamp_seconds", "0x240") },
      quiet: { ...at("backup_rpo_objective_seconds", "1800x240"), ...at("backup_last_success_timestamp_seconds", "0+60x240") },
      survives: true,
    },
  },
  {
    alert: "BackupLate",
    severity: "warning",
    expr: "time() - backup:last_success_timestamp_seconds:held > on (instance, source) (backup:expected_interval_seconds:held + on (instance, source) backup:schedule_jitter_seconds:held)",
    ofSource: true,
    summary: "A backup of {{ $labels.source }} is late",
    description:
      "The next backup of {{ $labels.source }} should have come by now, jitter included. Look at the backup job's schedule and log before the objective is broken.",
    test: {
      fires: {
        ...at("backup_expected_interval_seconds", "1200x240"),
        ...at("backup_schedule_jitter_seconds", "600x240"),
        ...at("backup_last_success_timestamp_seconds", "0x240"),
      },
      quiet: {
        ...at("backup_expected_interval_seconds", "1200x240"),
        ...at("backup_schedule_jitter_seconds", "600x240"),
        ...at("backup_last_success_timestamp_seconds", "0+60x240"),
      },
      survives: true,
    },
  },
  {
    alert: "BackupFailing",
    severity: "warning",
    expr: "backup:consecutive_failures:held >= 3",
    ofSource: true,
    summary: "Backups of {{ $labels.source }} fail one after the other",
    description: "The last {{ $value }} reported backup runs of {{ $labels.source }} failed. Look at the backup job's own log.",
    test: { fires: at("backup_consecutive_failures", "3x240"), quiet: at("backup_consecutive_failures", "2x240"), survives: true },
  },
  ...(["bytes", "duration", "gap"] as const).map((signal): AlertDefinition => {
    const signals = signal === "bytes" ? "bytes|records" : signal;
    const [name, what] = {
      bytes: ["Volume", "size or number of records"],
      duration: ["Duration", "duration"],
      gap: ["Gap", "time since the backup before"],
    }[signal] as [string, string];
    return {
      alert: `Backup${name}Anomaly`,
      severity: "warning",
      expr: `max by (instance, source) (backup:anomaly_active:held{signal=~"${signals}"}) > 0`,
      ofSource: true,
      summary: `The ${what} of {{ $labels.source }}'s backup is out of the ordinary`,
      description: `The ${what} of the newest backup of {{ $labels.source }} is far from what it usually is. Its page says what was expected and what else moved; mark it as expected there if it was.`,
      test: {
        fires: at("backup_anomaly_active", "1x240", `,signal="${signal}",kind="spike"`),
        quiet: {
          ...at("backup_anomaly_active", "0x240", `,signal="${signal}",kind="spike"`),
          ...at("backup_anomaly_active", "1x240", ',signal="outcome",kind="rule"'),
        },
        survives: true,
      },
    };
  }),
  {
    alert: "BackupImmutabilityLapsing",
    severity: "warning",
    expr: "backup:immutable_until_timestamp_seconds:held - time() < 86400",
    ofSource: true,
    summary: "The newest backup of {{ $labels.source }} will soon be unprotected",
    description:
      "In less than a day the newest backup of {{ $labels.source }} can be altered or deleted. Look whether newer backups come, and at the vault's retention.",
    test: {
      fires: at("backup_immutable_until_timestamp_seconds", "90000x240"),
      quiet: at("backup_immutable_until_timestamp_seconds", "999999x240"),
      survives: true,
    },
  },
  {
    alert: "BackupRetentionBroken",
    severity: "warning",
    expr: "(time() - backup:oldest_recovery_point_timestamp_seconds:held < on (instance, source) backup:retention_objective_seconds:held)\n  and on (instance, source) (time() - backup:configured_timestamp_seconds:held > on (instance, source) backup:retention_objective_seconds:held)",
    ofSource: true,
    summary: "Backups of {{ $labels.source }} do not reach back as far as promised",
    description:
      "The oldest backup of {{ $labels.source }} is younger than its retention, though it was watched for longer. Look at what cleans the vault up.",
    test: {
      fires: {
        ...at("backup_retention_objective_seconds", "5400x240"),
        ...at("backup_oldest_recovery_point_timestamp_seconds", "0+60x240"),
      },
      quiet: { ...at("backup_retention_objective_seconds", "5400x240"), ...at("backup_oldest_recovery_point_timestamp_seconds", "0x240") },
      survives: true,
    },
  },
  {
    alert: "RestoreVerificationFailed",
    severity: "critical",
    expr: "max by (instance, source, layer) (restore:check_failing:held)",
    ofSource: true,
    summary: "A backup of {{ $labels.source }} does not restore ({{ $labels.layer }})",
    description:
      "A check of the layer {{ $labels.layer }} fails for the newest drill of {{ $labels.source }}. Its page names the check, what was seen and what was expected, and links the trace.",
    test: {
      fires: at("restore_check_failing", "1x240", ',check="links.resolve",layer="content"'),
      quiet: at("restore_consecutive_failures", "0x240", layer),
      survives: true,
    },
  },
  {
    alert: "RestoreVerificationStale",
    severity: "warning",
    expr: "(time() - (restore:last_verified_timestamp_seconds:held\n    or on (instance, source, layer) (0 * restore:verification_objective_seconds:held + on (instance, source) group_left () backup:configured_timestamp_seconds:held)))\n  > on (instance, source, layer) restore:verification_objective_seconds:held",
    ofSource: true,
    summary: "{{ $labels.source }} has not been verified for too long ({{ $labels.layer }})",
    description:
      "No drill of {{ $labels.source }} verified the layer {{ $labels.layer }} within its objective. Look at the newest drill's reasons, and whether drills run at all.",
    test: {
      fires: {
        ...at("restore_verification_objective_seconds", "1800x240", layer),
        ...at("restore_last_verified_timestamp_seconds", "0x240", layer),
      },
      quiet: {
        ...at("restore_verification_objective_seconds", "1800x240", layer),
        ...at("restore_last_verified_timestamp_seconds", "0+60x240", layer),
      },
      survives: true,
    },
  },
  {
    alert: "RestoreVerificationInconclusive",
    severity: "warning",
    expr: "(restore:consecutive_failures:held >= 3) unless on (instance, source, layer) restore:check_failing:held",
    ofSource: true,
    summary: "Drills of {{ $labels.source }} cannot tell ({{ $labels.layer }})",
    description:
      "The last {{ $value }} drills of {{ $labels.source }} ended without a verdict for the layer {{ $labels.layer }}. That says nothing about the backup: look at the newest drill's reasons.",
    test: {
      fires: at("restore_consecutive_failures", "3x240", layer),
      quiet: {
        ...at("restore_consecutive_failures", "3x240", layer),
        ...at("restore_check_failing", "1x240", ',check="links.resolve",layer="content"'),
      },
      survives: true,
      alsoQuiet: { series: at("restore_consecutive_failures", "2x240", layer) },
    },
  },
  {
    alert: "RestoreCoverageBehind",
    severity: "warning",
    expr: "time() - restore:oldest_unverified_timestamp_seconds:held > on (instance, source, layer) restore:coverage_objective_seconds:held",
    ofSource: true,
    summary: "Some records of {{ $labels.source }} have not been verified within the promised time ({{ $labels.layer }})",
    description:
      "The sample of the layer {{ $labels.layer }} does not get through {{ $labels.source }} in time. `restorewatch plan` says what it would take.",
    test: {
      fires: {
        ...at("restore_coverage_objective_seconds", "1800x240", layer),
        ...at("restore_oldest_unverified_timestamp_seconds", "0x240", layer),
      },
      quiet: {
        ...at("restore_coverage_objective_seconds", "1800x240", layer),
        ...at("restore_oldest_unverified_timestamp_seconds", "0+60x240", layer),
      },
      survives: true,
    },
  },
  {
    alert: "RestoreMismatchFound",
    severity: "critical",
    expr: 'restore:compared_items:held{result="mismatch"} > 0',
    ofSource: true,
    summary: "The backup of {{ $labels.source }} does not hold what production held",
    description:
      "{{ $value }} records of {{ $labels.source }} are not in its newest backup as production had them before it began. Look at the drill's page for which.",
    test: {
      fires: at("restore_compared_items", "2x240", ',result="mismatch"'),
      quiet: at("restore_compared_items", "2x240", ',result="changed"'),
      survives: true,
      alsoQuiet: { series: at("restore_compared_items", "0x240", ',result="mismatch"') },
    },
  },
  {
    alert: "RestoreDrillOverdue",
    severity: "warning",
    expr: "time() - restore:drill_due_timestamp_seconds:held > 3600",
    ofSource: true,
    summary: "A {{ $labels.drill_kind }} drill of {{ $labels.source }} is overdue",
    description: "It has been due for more than an hour. Look whether the agent is busy (restorewatch_jobs), and what its log says.",
    test: {
      fires: at("restore_drill_due_timestamp_seconds", "0x240", ',drill_kind="sample"'),
      quiet: at("restore_drill_due_timestamp_seconds", "0+60x240", ',drill_kind="sample"'),
      survives: true,
    },
  },
  {
    alert: "RestoreSandboxLeak",
    severity: "warning",
    expr: "max by (instance) (restorewatch_sandbox_leaks > 0 or restorewatch_scratch_leaks > 0)",
    ofSource: false,
    summary: "A sandbox or scratch workspace was left behind",
    description:
      "{{ $value }} could not be removed: data of a backup lies where it should not. Look at the agent's log for which, and remove it by hand.",
    test: {
      fires: { 'restorewatch_scratch_leaks{instance="a"}': "1x240" },
      quiet: { 'restorewatch_scratch_leaks{instance="a"}': "0x240" },
      survives: false,
      alsoQuiet: { series: { 'restorewatch_sandbox_leaks{instance="a"}': "0x240" } },
    },
  },
  {
    alert: "RestorewatchDown",
    severity: "critical",
    for: "5m",
    expr: "(time() - restorewatch:agent:last_heartbeat_timestamp_seconds > 600)\n  or absent_over_time(restorewatch_heartbeat_timestamp_seconds[7d])",
    ofSource: false,
    summary: "Restorewatch does not run",
    description:
      "The agent {{ $labels.instance }} has not been heard of for more than ten minutes: nothing is verified meanwhile, and other alerts stand as they were.",
    test: { fires: {}, quiet: {}, survives: true },
  },
  {
    alert: "RestorewatchPollFailing",
    severity: "warning",
    expr: 'sum by (instance, platform) (increase(backup_poll_duration_seconds_count{outcome="failure"}[30m])) > 0\n  unless on (instance, platform) sum by (instance, platform) (increase(backup_poll_duration_seconds_count{outcome="success"}[30m])) > 0',
    ofSource: false,
    summary: "No vault of {{ $labels.platform }} sources can be looked at",
    description:
      "Every poll of {{ $labels.platform }} sources of the last half hour failed: what is told of their backups is old. Look at /readyz and the agent's log.",
    test: {
      fires: { 'backup_poll_duration_seconds_count{instance="a",platform="grist",outcome="failure"}': "0+1x240" },
      quiet: {
        'backup_poll_duration_seconds_count{instance="a",platform="grist",outcome="failure"}': "0+1x240",
        'backup_poll_duration_seconds_count{instance="a",platform="grist",outcome="success"}': "0+1x240",
      },
      survives: false,
      alsoQuiet: { series: { 'backup_poll_duration_seconds_count{instance="a",platform="grist",outcome="failure"}': "5x240" } },
    },
  },
  {
    alert: "RestorewatchRateLimited",
    severity: "info",
    expr: 'sum by (instance, platform) (rate(restorewatch_platform_wait_seconds_total{reason=~"rate_limit|budget"}[30m])) > 0.5',
    ofSource: false,
    summary: "{{ $labels.platform }} limits what can be verified",
    description: "More than half of the time the agent waits for {{ $labels.platform }}. `restorewatch plan` says what the limits allow.",
    test: {
      fires: { 'restorewatch_platform_wait_seconds_total{instance="a",platform="airtable",reason="rate_limit"}': "0+40x240" },
      quiet: { 'restorewatch_platform_wait_seconds_total{instance="a",platform="airtable",reason="rate_limit"}': "0+20x240" },
      survives: false,
    },
  },
  {
    alert: "RestorewatchTelemetryDropped",
    severity: "warning",
    expr: "sum by (instance, signal) (increase(restorewatch_telemetry_dropped_total[30m])) > 0",
    ofSource: false,
    summary: "The agent cannot deliver its {{ $labels.signal }}",
    description: "{{ $labels.signal }} were lost on the way to the collector. Look whether it runs, and at telemetry.otlp.",
    test: {
      fires: { 'restorewatch_telemetry_dropped_total{instance="a",signal="traces"}': "0+1x240" },
      quiet: { 'restorewatch_telemetry_dropped_total{instance="a",signal="traces"}': "7x240" },
      survives: false,
    },
  },
  {
    alert: "RestorewatchConfigReloadFailed",
    severity: "warning",
    expr: "restorewatch_config_last_reload_success == 0",
    ofSource: false,
    summary: "The agent runs on an older configuration",
    description:
      "The last load of the configuration was refused, and the one before stays in force. `restorewatch check` says what is wrong with it.",
    test: {
      fires: { 'restorewatch_config_last_reload_success{instance="a"}': "0x240" },
      quiet: { 'restorewatch_config_last_reload_success{instance="a"}': "1x240" },
      survives: false,
    },
  },
  {
    alert: "RestorewatchWatchdog",
    severity: "info",
    expr: "vector(1)",
    ofSource: false,
    summary: "Alerting works",
    description: "Always fires. Route it to a dead man's switch that tells you when it stops.",
    test: { fires: {}, quiet: {}, survives: true },
  },
];

/** Of the contract, and not told yet: the metrics they need do not exist. */
export const WAITING: Readonly<Record<string, string>> = {
  RestoreRtoForecastBreached: "restore_forecast_seconds is not told yet",
  RestoreTimeDrifting: "restore seconds are no signal of the detector yet",
};
