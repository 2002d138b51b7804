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
  {
    metric: "restore_coverage_promise_breaks_timestamp_seconds",
    record: "restore:coverage_promise_breaks_timestamp_seconds:held",
    by: BY_LAYER,
  },
  { metric: "restore_forecast_seconds", record: "restore:forecast_seconds:held", by: ["instance", "source", "bound"] },
  { metric: "backup_rto_objective_seconds", record: "backup:rto_objective_seconds:held", by: BY_SOURCE },
  { metric: "restore_compared_items", record: "restore:compared_items:held", by: ["instance", "source", "result"] },
  {
    metric: "restore_drill_due_timestamp_seconds",
    record: "restore:drill_due_timestamp_seconds:held",
    by: ["instance", "source", "drill_kind"],
  },
];

/** Series of a test, as promtool writes them: one value a minute. */
export type TestSeries = Readonly<Record<string, string>>;

export interface TestAt {
  readonly series: TestSeries;
  readonly at?: number;
}

export interface AlertDefinition {
  readonly alert: string;
  readonly severity: Severity;
  readonly for?: string;
  readonly expr: string;
  /** Of one source, so it carries who it belongs to. */
  readonly ofSource: boolean;
  readonly summary: string;
  readonly description: string;
  /** Series beside the plain ones under which it fires, and under which it does not. */
  readonly test: {
    readonly fires: TestSeries;
    readonly quiet: TestSeries;
    /** Minute at which it has ended, where all is well from minute 120 on; absent: 240. */
    readonly endsAt?: number;
    /** More ways in which it comes to that; seen after two hours unless `at`, minutes, says otherwise. */
    readonly alsoFires?: readonly TestAt[];
    readonly alsoQuiet?: readonly TestAt[];
    /** Metrics of `fires` without which it fires all the same. */
    readonly without?: readonly MetricName[];
  };
}

const SOURCE = 'instance="a",source="crm"';
const at = (metric: MetricName, values: string, more = ""): TestSeries => ({ [`${metric}{${SOURCE}${more}}`]: values });
const layer = ',layer="content"';
const justConfigured = at("backup_source_configured_timestamp_seconds", "_x110 6600x130");

export const SOURCE_ALERTS: readonly AlertDefinition[] = [
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
      alsoQuiet: [{ series: { ...at("backup_rpo_objective_seconds", "1800x240"), ...justConfigured } }],
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
    },
  },
  {
    alert: "BackupFailing",
    severity: "warning",
    expr: "backup:consecutive_failures:held >= 3",
    ofSource: true,
    summary: "Backups of {{ $labels.source }} fail one after the other",
    description: "The last {{ $value }} reported backup runs of {{ $labels.source }} failed. Look at the backup job's own log.",
    test: { fires: at("backup_consecutive_failures", "3x240"), quiet: at("backup_consecutive_failures", "2x240") },
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
      alsoQuiet: [
        {
          series: {
            ...at("backup_retention_objective_seconds", "5400x240"),
            ...at("backup_oldest_recovery_point_timestamp_seconds", "0+60x240"),
            ...justConfigured,
          },
        },
      ],
    },
  },
  {
    alert: "RestoreVerificationFailed",
    severity: "critical",
    // A gauge that is no longer sent is seen for five more minutes: that the layer was verified since is known at once.
    expr: "max by (instance, source, layer) (restore:check_failing:held)\n  unless on (instance, source, layer) restore:consecutive_failures:held == 0",
    ofSource: true,
    summary: "A backup of {{ $labels.source }} does not restore ({{ $labels.layer }})",
    description:
      "A check of the layer {{ $labels.layer }} fails for the newest drill of {{ $labels.source }}. Its page names the check, what was seen and what was expected, and links the trace.",
    test: {
      fires: at("restore_check_failing", "1x240", ',check="links.resolve",layer="content"'),
      quiet: at("restore_consecutive_failures", "0x240", layer),
      alsoFires: [
        {
          series: {
            ...at("restore_check_failing", "1x240", ',check="links.resolve",layer="content"'),
            ...at("restore_consecutive_failures", "1x240", layer),
          },
        },
      ],
      alsoQuiet: [
        {
          series: {
            ...at("restore_check_failing", "1x240", ',check="links.resolve",layer="content"'),
            ...at("restore_consecutive_failures", "0x240", layer),
          },
        },
      ],
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
      // Never verified: counted from when it was configured.
      alsoFires: [{ series: at("restore_verification_objective_seconds", "1800x240", layer) }],
      without: ["restore_last_verified_timestamp_seconds"],
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
      alsoQuiet: [{ series: at("restore_consecutive_failures", "2x240", layer) }],
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
    },
  },
  {
    alert: "RestorePromiseBreaks",
    severity: "warning",
    expr: "restore:coverage_promise_breaks_timestamp_seconds:held - time() < 30 * 86400",
    ofSource: true,
    summary: "The budget of {{ $labels.source }} does not keep the promised coverage much longer ({{ $labels.layer }})",
    description:
      "At today's growth one round of the layer {{ $labels.layer }} takes longer than promised within 30 days, or does so already. `restorewatch plan {{ $labels.source }}` says what it would take.",
    test: {
      fires: at("restore_coverage_promise_breaks_timestamp_seconds", "2500000x240", layer),
      quiet: at("restore_coverage_promise_breaks_timestamp_seconds", "9000000x240", layer),
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
      alsoQuiet: [{ series: at("restore_compared_items", "0x240", ',result="mismatch"') }],
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
      alsoFires: [{ series: { 'restorewatch_sandbox_leaks{instance="a"}': "1x240" } }],
      alsoQuiet: [{ series: { 'restorewatch_sandbox_leaks{instance="a"}': "0x240" } }],
    },
  },
  {
    alert: "RestoreRtoForecastBreached",
    severity: "warning",
    expr: 'max by (instance, source) (restore:forecast_seconds:held{bound="expected"}) > on (instance, source) backup:rto_objective_seconds:held',
    ofSource: true,
    summary: "A full restore of {{ $labels.source }} would take longer than its objective",
    description:
      "By what drills cost, a full restore of {{ $labels.source }} now takes {{ $value | humanizeDuration }}: more than its recovery time objective. Its page says which collection and which step take the most.",
    test: {
      fires: { ...at("restore_forecast_seconds", "7200x240", ',bound="expected"'), ...at("backup_rto_objective_seconds", "3600x240") },
      quiet: {
        ...at("restore_forecast_seconds", "3000x240", ',bound="expected"'),
        ...at("restore_forecast_seconds", "7200x240", ',bound="upper"'),
        ...at("backup_rto_objective_seconds", "3600x240"),
      },
    },
  },
  {
    alert: "RestoreTimeDrifting",
    severity: "warning",
    expr: 'max by (instance, source) (backup:anomaly_active:held{signal=~"restore_seconds|restore_seconds_per_gb",kind=~"drift|shift"}) > 0',
    ofSource: true,
    summary: "Restores of {{ $labels.source }} take longer than they used to",
    description:
      "Drills of {{ $labels.source }} have become slower, for a while or step by step. Its page says since when and which phase; compare with its recovery time objective.",
    test: {
      fires: at("backup_anomaly_active", "1x240", ',signal="restore_seconds",kind="drift"'),
      quiet: {
        ...at("backup_anomaly_active", "0x240", ',signal="restore_seconds",kind="drift"'),
        ...at("backup_anomaly_active", "1x240", ',signal="restore_seconds",kind="spike"'),
        ...at("backup_anomaly_active", "1x240", ',signal="records",kind="shift"'),
      },
    },
  },
];
