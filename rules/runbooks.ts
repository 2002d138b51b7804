/** One page an alert, for whoever was woken by it: what it means, what is at stake, where to look, what to do, whom to tell, when to be silent. */
import { ALL_ALERTS } from "./generate.ts";
import type { AlertDefinition } from "./definitions.ts";

interface Page {
  readonly impact: string;
  /** PromQL that shows it. */
  readonly query: string;
  /** Commands on the agent's machine; SOURCE stands for the label of the alert. */
  readonly commands: readonly string[];
  readonly mend: readonly string[];
  readonly silence: string;
}

const OBSERVE = ["restorewatch report SOURCE", "restorewatch evidence show --source SOURCE --last 20"];

const PAGES: Readonly<Record<string, Page>> = {
  BackupNeverSucceeded: {
    impact: "If the product fails now, everything in this source is gone.",
    query: 'backup_source_configured_timestamp_seconds{source="SOURCE"}',
    commands: ["restorewatch check", "restorewatch discover --all", "restorewatch poll SOURCE"],
    mend: [
      "Compare vault, path and pattern of the source with where the backup job writes.",
      "Run the backup job by hand and look at its log.",
      "Where the product is connected: `restorewatch capture SOURCE` makes a backup now.",
    ],
    silence: "While a source is being set up, until its first backup is due.",
  },
  BackupRpoBreached: {
    impact: "A restore now loses more work than the owner agreed to lose.",
    query: 'time() - backup_last_success_timestamp_seconds{source="SOURCE"}',
    commands: ["restorewatch poll SOURCE", ...OBSERVE],
    mend: [
      "Look at the backup job's schedule and log; run it by hand.",
      "Look whether the vault is full, or its credentials expired.",
      "Where the product is connected: `restorewatch capture SOURCE`.",
    ],
    silence: "During a planned stop of the product in which nothing is written.",
  },
  BackupRpoBurnRateHigh: {
    impact: "The objective of the month will be missed if it goes on like this.",
    query: 'avg_over_time(backup:rpo_breach:bool{source="SOURCE"}[3d])',
    commands: OBSERVE,
    mend: [
      "Look for a pattern: the same hour, the same weekday, after the same job.",
      "Run backups more often, or agree on another objective.",
    ],
    silence:
      "Few backups a day make this coarse: one that is missed may be all of the budget. Silence it for the rest of the window once the cause is known.",
  },
  BackupLate: {
    impact: "None yet; the recovery point objective comes next.",
    query: 'time() - backup_last_success_timestamp_seconds{source="SOURCE"}',
    commands: ["restorewatch poll SOURCE", "restorewatch report SOURCE"],
    mend: [
      "Look whether the backup job runs, waits or was changed.",
      "If it now comes at other times, mend backups.every and backups.jitter.",
    ],
    silence: "During planned maintenance of the backup job.",
  },
  BackupFailing: {
    impact: "The newest good backup grows older with every run.",
    query: 'backup_consecutive_failures{source="SOURCE"}',
    commands: OBSERVE,
    mend: [
      "The run report holds the job's own message; its log holds the rest.",
      "Look for expired credentials, a full disk, a changed address.",
    ],
    silence: "Not at all: mend the job, or take it out of the configuration.",
  },
  BackupVolumeAnomaly: {
    impact: "Data may be missing from the backup, or from production, or be there twice.",
    query: 'backup_anomaly_observed{source="SOURCE"}',
    commands: ["restorewatch report SOURCE", "restorewatch expected SOURCE", "restorewatch drill SOURCE", "restorewatch baseline SOURCE"],
    mend: [
      "The alarm's sentence says what was expected and what else moved; the source page shows which collections changed.",
      'If it was meant: `restorewatch expected SOURCE ALARM --reason "…"` (the command above lists the alarms), and it becomes the new normal.',
    ],
    silence: "For planned loads and migrations use anomalies.suppress, so that it is written down.",
  },
  BackupDurationAnomaly: {
    impact: "Backups may soon run into each other, or into the working day.",
    query: 'backup_duration_seconds{source="SOURCE"}',
    commands: ["restorewatch expected SOURCE", ...OBSERVE],
    mend: [
      "Look at the job's log for the phase that took longer; at rate limits of the product; at the network.",
      'If it is so from now on: `restorewatch expected SOURCE ALARM --reason "…"`.',
    ],
    silence: "For planned loads use anomalies.suppress.",
  },
  BackupGapAnomaly: {
    impact: "The next backup is missing: see BackupRpoBreached for what follows.",
    query: 'backup_anomaly_active{source="SOURCE",signal="gap"}',
    commands: ["restorewatch poll SOURCE", ...OBSERVE],
    mend: ["Look at the backup job's schedule and log."],
    silence: "During planned maintenance of the backup job.",
  },
  BackupImmutabilityLapsing: {
    impact: "Whoever gets hold of the vault's credentials can soon destroy the newest backup.",
    query: 'backup_immutable_until_timestamp_seconds{source="SOURCE"} - time()',
    commands: ["restorewatch poll SOURCE", "restorewatch report SOURCE"],
    mend: ["Look whether newer backups come at all.", "Look at the bucket's object lock and the job's retention setting."],
    silence: "Where the vault is not meant to be immutable, take backups.immutable out of the configuration.",
  },
  BackupRetentionBroken: {
    impact: "Damage that is found late can no longer be undone.",
    query: 'time() - backup_oldest_recovery_point_timestamp_seconds{source="SOURCE"}',
    commands: ["restorewatch report SOURCE"],
    mend: [
      "Look at what cleans the vault up: lifecycle rules, the job's own retention.",
      "`restorewatch capture SOURCE --prune --dry-run` shows what the agent itself would remove of its captures.",
    ],
    silence: "Until the vault has been filled again, once the cause is mended.",
  },
  RestoreVerificationFailed: {
    impact: "The newest backup would not bring back what it should. The source page names the newest one that does.",
    query: 'restore_check_failing{source="SOURCE"}',
    commands: ["restorewatch report SOURCE", "restorewatch drill SOURCE", "restorewatch evidence show --source SOURCE --last 20"],
    mend: [
      "The failing check's page says what it asks and what it cannot see.",
      "Keep the newest verified backup from being deleted.",
      "Make a fresh backup and drill it; if it fails too, the cause lies in production or in how it is backed up.",
    ],
    silence: "Not at all: a backup that does not restore is none.",
  },
  RestoreVerificationStale: {
    impact: "Nobody knows whether it restores.",
    query: 'time() - restore_last_verified_timestamp_seconds{source="SOURCE"}',
    commands: ["restorewatch report SOURCE", "restorewatch drill SOURCE"],
    mend: [
      "Look at the newest drill's reasons; if there is none, at /readyz and restorewatch_jobs.",
      "If drills take too long, give them more time (verify.limits) or run more at once.",
    ],
    silence: "Not at all.",
  },
  RestoreVerificationInconclusive: {
    impact: "Nothing is known to be wrong with the backup, and nothing to be right.",
    query: 'restore_consecutive_failures{source="SOURCE"}',
    commands: ["restorewatch report SOURCE", "restorewatch check"],
    mend: [
      "The reasons name our own trouble: a permission, a key, a limit, an unknown format.",
      "Raise the limit (verify.limits: maxBytes, maxEntries, memory, time), give the permission or the key, and drill again.",
    ],
    silence: "While the product is down for maintenance.",
  },
  RestorePromiseBreaks: {
    impact: "Soon, or already, some records will not be restored or compared within the promised time, however well every drill goes.",
    query: 'restore_coverage_promise_kept{source="SOURCE"}',
    commands: ["restorewatch plan SOURCE", "restorewatch report SOURCE"],
    mend: [
      "`restorewatch plan SOURCE` says how many records a drill would have to read; raise the sample's records or requests a day to that.",
      "`restorewatch plan SOURCE --within 60d` says whether a longer verify.coverWithin would be kept.",
    ],
    silence: "Where a larger budget is already ordered.",
  },
  RestoreCoverageBehind: {
    impact: "Some records were not restored or compared for longer than promised; what is wrong with them would not be seen.",
    query: 'restore_coverage_ratio{source="SOURCE"}',
    commands: ["restorewatch plan SOURCE", "restorewatch report SOURCE"],
    mend: ["`restorewatch plan` says what it takes: more records a drill, more requests a day, or a longer verify.coverWithin."],
    silence: "For the first cycle after a source was connected.",
  },
  RestoreMismatchFound: {
    impact: "The backup lost or damaged records before anybody deleted or changed them.",
    query: 'restore_compared_items{source="SOURCE"}',
    commands: ["restorewatch report SOURCE", "restorewatch drill SOURCE"],
    mend: [
      "The drill's page names collections, keys and fields.",
      "Make a fresh backup and drill it; then look at how the backup is made (paging, permissions, rounding).",
    ],
    silence: "Not at all.",
  },
  RestoreDrillOverdue: {
    impact: "What is told of the source is older than it should be.",
    query: "restorewatch_jobs",
    commands: ["restorewatch report SOURCE"],
    mend: ["Look whether the agent is busy or not ready (/readyz), and at its log.", "Raise agent.drillConcurrency where drills queue."],
    silence: "While the agent is catching up after a stop.",
  },
  RestoreSandboxLeak: {
    impact: "Data of a backup lies in a place nobody watches.",
    query: "restorewatch_scratch_leaks or restorewatch_sandbox_leaks",
    commands: ["restorewatch state info"],
    mend: [
      "The log names the workspace by its tag (restorewatch-…): remove it in the product, automations first.",
      "It is tried again at the next drill of its source and at the next start.",
    ],
    silence: "Not at all.",
  },
  RestorewatchDown: {
    impact: "Nothing is verified, and every other alert stands as it was when the agent was last heard of.",
    query: "time() - max by (instance) (last_over_time(restorewatch_heartbeat_timestamp_seconds[7d]))",
    commands: ["restorewatch check", "restorewatch state info", "restorewatch evidence verify"],
    mend: [
      "Start the agent; it goes on where it was, and nothing that was told is lost.",
      "If it runs: look whether Prometheus reaches it, or the collector does.",
    ],
    silence: "During planned maintenance of its machine.",
  },
  RestorewatchPollFailing: {
    impact: "New backups are not seen; what is told of the old ones stays true.",
    query: "backup_poll_duration_seconds_count",
    commands: ["restorewatch check", "restorewatch poll"],
    mend: ["Look at the vault: is it mounted, reachable, are the credentials good?"],
    silence: "During planned maintenance of the vault.",
  },
  RestorewatchRateLimited: {
    impact: "Drills take longer; the promise of coverage may break.",
    query: "rate(restorewatch_platform_wait_seconds_total[30m])",
    commands: ["restorewatch plan"],
    mend: ["Lower verify.sample, spread sources, or ask for a higher limit."],
    silence: "Where coverage holds all the same.",
  },
  RestorewatchTelemetryDropped: {
    impact: "Traces, logs or metrics of this time are missing. Evidence and /metrics are whole.",
    query: "increase(restorewatch_telemetry_dropped_total[1h])",
    commands: ["restorewatch check"],
    mend: ["Look whether the collector runs and takes what it is sent."],
    silence: "During planned maintenance of the collector.",
  },
  RestorewatchConfigReloadFailed: {
    impact: "What was changed in the configuration is not in force.",
    query: "restorewatch_config_last_reload_success",
    commands: ["restorewatch check"],
    mend: ["`restorewatch check` names line, path and mend of every problem; then send SIGHUP again."],
    silence: "Not at all.",
  },
  RestoreRtoForecastBreached: {
    impact: "When it matters, the source will be back later than its owner was promised.",
    query: 'restore_forecast_seconds{source="SOURCE"} / on (source) group_left () backup_rto_objective_seconds{source="SOURCE"}',
    commands: OBSERVE,
    mend: [
      "The source page names the collection and the step that take the most; a trace of a drill shows which requests.",
      "Give the product more room (rate limits, page sizes), split the source, or agree on another objective.",
    ],
    silence: "Once the owner knows and has agreed to a later mend.",
  },
  RestoreTimeDrifting: {
    impact: "Restores will one day be too slow; the forecast says when it is too slow already.",
    query: 'histogram_quantile(0.5, sum by (le) (rate(restore_drill_duration_seconds_bucket{source="SOURCE"}[7d])))',
    commands: ["restorewatch expected SOURCE", ...OBSERVE],
    mend: [
      "Compare the phases of the newest drill with those of an old one (Drill dashboard, or TraceQL by span.service.peer.name).",
      'If it is so from now on: `restorewatch expected SOURCE ALARM --reason "…"`.',
    ],
    silence: "While a migration runs; use anomalies.suppress, so that it is written down.",
  },
  RestorewatchAnomaliesGrouped: {
    impact: "What changed for many sources at once is seldom theirs: a vault, a network, a job.",
    query: "sum by (signal) (backup_anomaly_active > 0)",
    commands: ["restorewatch report", "restorewatch check"],
    mend: ["Look at what the sources have in common: vault, platform, hour.", "Raise anomalies.toldPerDay where that many are right."],
    silence: "Once the common cause is known.",
  },
  RestorewatchCollectorQueueFilling: {
    impact: "None yet. When the queue is full, traces, metrics or logs are refused, and dashboards have a gap.",
    query: "otelcol_exporter_queue_size / otelcol_exporter_queue_capacity",
    commands: ["restorewatch check"],
    mend: [
      "Look at the backend the exporter sends to: is it up, is its disk full, does it refuse?",
      "The queue lies on the disk (QUEUE_DIR) and is sent when the backend is back.",
    ],
    silence: "During planned maintenance of the backend, as long as the queue has room.",
  },
  RestorewatchCollectorExportFailing: {
    impact: "What was refused for good is lost: spans, points or log lines of this time. Evidence is whole.",
    query: "increase(otelcol_exporter_send_failed_spans_total[1h])",
    commands: ["restorewatch check"],
    mend: [
      "The collector's log has the backend's answer: a limit, a wrong token, a label that is too long.",
      "401 and 403: renew VENDOR_AUTHORIZATION or the backend's token.",
    ],
    silence: "Not at all.",
  },
  RestorewatchCollectorRefusing: {
    impact: "The agent keeps what was refused for a while; then restorewatch_telemetry_dropped_total counts what is gone.",
    query: "increase(otelcol_receiver_refused_spans_total[1h])",
    commands: ["restorewatch check"],
    mend: [
      "Look at RestorewatchCollectorQueueFilling first.",
      "Give the collector more memory (MEMORY_LIMIT_MIB) where its queues are empty.",
    ],
    silence: "Not at all.",
  },
  RestorewatchWatchdog: {
    impact: "None: it fires always. What matters is when it stops.",
    query: 'ALERTS{alertname="RestorewatchWatchdog"}',
    commands: ["restorewatch state info"],
    mend: ["If your dead man's switch says it stopped: look at Prometheus and Alertmanager first."],
    silence: "Never: route it to a dead man's switch.",
  },
};

/** By path. */
export function runbooks(): readonly (readonly [string, string])[] {
  return ALL_ALERTS.map((definition) => [`rules/runbooks/${definition.alert}.md`, pageOf(definition)] as const);
}

function pageOf({ alert, severity, description }: AlertDefinition): string {
  const page = PAGES[alert];
  if (page === undefined) throw new Error(`no runbook for ${alert}`);
  const plain = description
    .replaceAll(/\{\{ \$labels\.(\w+) \}\}/gu, (_, name: string) => name.toUpperCase())
    .replaceAll("{{ $value }}", "N");
  return `# ${alert}

Severity: ${severity}. Generated from rules/runbooks.ts; SOURCE stands for the source the alert names.

## Meaning
${plain}

## Impact
${page.impact}

## Diagnosis
\`\`\`promql
${page.query}
\`\`\`
\`\`\`sh
${page.commands.join("\n")}
\`\`\`

## Mitigation
${page.mend.map((one) => `- ${one}`).join("\n")}

## Escalation
${severity === "critical" ? "Tell the owner of the source (label owner) at once; if the newest verified backup is older than the recovery point objective, tell whoever answers for the data too." : "Tell the owner of the source (label owner) within the working day."}

## When to silence
${page.silence}
`;
}
