/** One poll of one source: its live product is asked now and then; listing, run reports, recovery points, observations, alarms. A failed poll writes no point and moves no "last success". */
import { asAgentError } from "../core/errors.ts";
import type { EvidenceEntry } from "../core/evidence.ts";
import { pointObservations, pointsFromListing, runObservations } from "../core/points.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { Clock, PollStatus, Random, Repositories, Span, Telemetry, Vault, VaultListing } from "../core/ports.ts";
import { parseRunReport } from "../core/run-report.ts";
import type { SourceProducts } from "../core/platform-ports.ts";
import { alarmEntries } from "./alarms.ts";
import { withDeadline } from "./deadline.ts";
import { probeProduct } from "./product-probe.ts";
import { ATTRIBUTES, SPANS } from "../telemetry/names.ts";
import type { RunReport } from "../core/values.ts";

export { withDeadline } from "./deadline.ts";

export interface PollerDeps {
  readonly vault: (id: string) => Vault;
  readonly repositories: Repositories;
  readonly record: (entries: readonly EvidenceEntry[]) => Promise<void>;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** False while the wall clock is not believed. */
  readonly settled: () => boolean;
  readonly random: Random;
  /** Live products of sources that have a connection; without it there are none. */
  readonly products?: (sourceId: string) => SourceProducts | null;
  /** Longest time one poll may take, ms. */
  readonly deadlineMs: number;
}

export interface PollOutcome {
  readonly ok: boolean;
  readonly fresh: number;
  readonly waiting: number;
  readonly trouble: PollStatus["trouble"];
  readonly span: { readonly traceId: string; readonly spanId: string };
  /** Ids of points first seen in this poll. */
  readonly points: readonly string[];
}

const BACKOFF_MOST_MS = 15 * 60_000;

/** @returns what happened; never throws: a poll that could not look is a status, not an exception */
export async function pollSource(policy: SourcePolicy, deps: PollerDeps, signal: AbortSignal): Promise<PollOutcome> {
  const { telemetry, clock } = deps;
  const startedAt = clock.monotonic();
  const attributes = { [ATTRIBUTES.source]: policy.id, [ATTRIBUTES.platform]: policy.platform, [ATTRIBUTES.domain]: policy.domain };
  return telemetry.span(
    SPANS.poll,
    attributes,
    async (span) => {
      const probing = probeProduct(policy, { ...deps, products: deps.products ?? (() => null) }, signal);
      const [outcome] = await Promise.all([pollVault(span), probing]);
      return outcome;
    },
    { root: true },
  );

  async function pollVault(span: Span): Promise<PollOutcome> {
    const before = await deps.repositories.sources.poll(policy.id);
    try {
      const outcome = await look(policy, deps, span, signal);
      await deps.repositories.sources.putPoll({
        sourceId: policy.id,
        lastPollAt: clock.now(),
        lastOkAt: clock.now(),
        failures: 0,
        trouble: null,
        nextPollAt: clock.now() + jittered(policy.pollMs, deps.random),
      });
      finish(span, "success", null);
      return outcome;
    } catch (thrown) {
      const error = asAgentError(thrown);
      const failures = (before?.failures ?? 0) + 1;
      const trouble = { code: error.code, message: error.mend === null ? error.message : `${error.message}; ${error.mend}` };
      const wait = Math.max(policy.pollMs, Math.min(BACKOFF_MOST_MS, policy.pollMs * 2 ** Math.min(failures - 1, 20)));
      if (!signal.aborted) {
        await deps.repositories.sources.putPoll({
          sourceId: policy.id,
          lastPollAt: clock.now(),
          lastOkAt: before?.lastOkAt ?? null,
          failures,
          trouble,
          nextPollAt: clock.now() + jittered(wait, deps.random),
        });
        telemetry.log("warn", "poll failed", { [ATTRIBUTES.source]: policy.id, [ATTRIBUTES.errorType]: error.code, failures });
      }
      finish(span, "failure", error.code);
      return { ok: false, fresh: 0, waiting: 0, trouble, span, points: [] };
    }
  }

  function finish(span: Span, outcome: "success" | "failure", code: string | null): void {
    span.set({ [ATTRIBUTES.outcome]: outcome });
    if (code !== null) span.fail(code);
    telemetry.observe("backup_poll_duration_seconds", { platform: policy.platform, outcome }, (clock.monotonic() - startedAt) / 1000, span);
  }
}

async function look(policy: SourcePolicy, deps: PollerDeps, span: Span, signal: AbortSignal): Promise<PollOutcome> {
  const { repositories, telemetry, clock } = deps;
  const vault = deps.vault(policy.backups.vaultId);
  const listing = await telemetry.span(
    SPANS.list,
    { [ATTRIBUTES.peerName]: `vault:${vault.id}`, [ATTRIBUTES.peerService]: `vault:${vault.id}` },
    () =>
      withDeadline(deps.clock, deps.deadlineMs, signal, (bounded) =>
        vault.list(policy.backups.path, { pattern: policy.backups.pattern, signal: bounded }),
      ),
    { kind: "client" },
  );
  const now = clock.now();
  const freshRuns = await newReports(policy, listing, deps, now);
  const knownRuns = await repositories.runs.list(policy.id, { limit: 1000 });
  const runs = [...freshRuns, ...knownRuns];
  const known = await repositories.points.list(policy.id);
  const { changed, alive, waiting } = pointsFromListing(policy, listing, runs, known, now);
  const knownIds = new Set(known.map((point) => point.id));
  const fresh = changed.filter((point) => point.goneAt === null && !knownIds.has(point.id));
  const observations = [...pointObservations(fresh, alive, new Map(runs.map((run) => [run.id, run]))), ...runObservations(freshRuns)];
  const entries: EvidenceEntry[] = freshRuns.map((report) => ({ type: "run.reported", at: now, report }));
  if (changed.length > 0) entries.push({ type: "points.seen", at: now, sourceId: policy.id, points: changed });
  if (observations.length > 0) entries.push({ type: "observations", at: now, observations });
  const alarms = await alarmEntries(policy, repositories, { observations, points: alive, runs, polled: true }, now, deps.settled());
  entries.push(...alarms.entries);
  if (entries.length > 0) await deps.record(entries);
  await alarms.keep();
  for (const report of freshRuns) telemetry.count("backup_runs_total", { source: policy.id, outcome: report.outcome });
  for (const problem of listing.problems.slice(0, 5))
    telemetry.log("warn", "part of a vault could not be looked at", { [ATTRIBUTES.source]: policy.id, problem });
  span.set({ [ATTRIBUTES.points]: alive.length, [ATTRIBUTES.bytes]: alive[0]?.bytes });
  return { ok: true, fresh: fresh.length, waiting: waiting.length, trouble: null, span, points: fresh.map((point) => point.id) };
}

/** Sidecars that were not taken in yet. One that cannot be read as a run report is said once in the log and otherwise left alone. */
async function newReports(policy: SourcePolicy, listing: VaultListing, deps: PollerDeps, now: number): Promise<RunReport[]> {
  const reports: RunReport[] = [];
  for (const sidecar of listing.reports) {
    try {
      const directory = sidecar.path.includes("/") ? sidecar.path.slice(0, sidecar.path.lastIndexOf("/") + 1) : "";
      const input: unknown = JSON.parse(sidecar.text);
      const named = sidecar.path.replace(/\.run\.json$/, "");
      const beside = listing.entries.some((entry) => entry.path === named) ? named : null;
      const parsed = parseRunReport(input, { sourceId: policy.id, via: "sidecar", now, artifact: null });
      if (parsed.sourceId !== policy.id) continue;
      const path = parsed.path === null ? beside : `${directory}${parsed.path}`;
      const report = { ...parsed, path };
      if ((await deps.repositories.runs.get(report.id)) === null) reports.push(report);
    } catch (thrown) {
      const error = thrown instanceof SyntaxError ? "run-report-not-json" : asAgentError(thrown).code;
      deps.telemetry.log("warn", "run report beside a backup is not valid", {
        [ATTRIBUTES.source]: policy.id,
        path: sidecar.path,
        [ATTRIBUTES.errorType]: error,
      });
    }
  }
  return reports;
}

function jittered(ms: number, random: Random): number {
  return Math.round(ms * (0.9 + 0.2 * random.next()));
}
