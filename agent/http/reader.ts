/** Reads state into what pages and API show. One reading of the fleet is shared by everybody who asks at about the same time. */
import { FORECAST_PAPER, type Forecast, forecastOf } from "../core/forecasting/predict.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { LedgerRow, PollStatus, Repositories } from "../core/ports.ts";
import { byWorst, type FleetSummary, fleetSummary, type SourceStatus, sourceStatus, type StatusDrill } from "../core/status.ts";
import { backtest } from "../core/statistics/backtest.ts";
import { budgetOf } from "../core/statistics/signals.ts";
import type { Alarm, DrillRecord, Observation, RecoveryPoint, RunReport } from "../core/values.ts";
import { type Signal, SIGNALS } from "../core/words.ts";
import type { HttpDeps } from "./deps.ts";

export interface FleetEntry {
  readonly policy: SourcePolicy;
  readonly status: SourceStatus;
}

export interface Fleet {
  readonly at: number;
  /** Worst first. */
  readonly entries: readonly FleetEntry[];
  readonly summary: FleetSummary;
  /** Bytes of the newest points of these sources, oldest first, by source id. */
  sizes(ids: readonly string[]): Promise<ReadonlyMap<string, readonly number[]>>;
}

export interface SourceView {
  readonly at: number;
  readonly policy: SourcePolicy;
  readonly status: SourceStatus;
  /** In the vault, newest first. */
  readonly points: readonly RecoveryPoint[];
  /** Newest finished first. */
  readonly ledger: readonly LedgerRow[];
  /** The drill the verdict is from, whole. */
  readonly drill: DrillRecord | null;
  /** Ended ones too, newest first. */
  readonly alarms: readonly Alarm[];
  readonly runs: readonly RunReport[];
  readonly poll: PollStatus | null;
  /** Null until there were enough drills. */
  readonly forecast: Forecast | null;
  /** Oldest first, each with the band it was expected in, as far as one was known before it. */
  readonly history: Readonly<Record<ShownSignal, readonly Expected[]>>;
}

export const SHOWN_SIGNALS = ["bytes", "records", "duration", "restore_seconds"] as const satisfies readonly Signal[];
export type ShownSignal = (typeof SHOWN_SIGNALS)[number];

export interface Expected extends Observation {
  readonly band: { readonly expected: number; readonly lower: number; readonly upper: number } | null;
}

export interface Reader {
  fleet(): Promise<Fleet>;
  /** Null for a source that is not configured. */
  source(id: string): Promise<SourceView | null>;
}

const SPARK_POINTS = 30;
const RUNS_READ = 20;
const HISTORY = 400;
/** Observations the bands are made from: what came before those that are shown counts too. */
const LEARNED = 1200;
/** Bands of fewer runs are as wide as the page. */
const LEAST_RUNS = 8;
const WATCHED = SIGNALS.filter((signal) => signal !== "outcome");
const ALARMS_SHOWN = 50;
/** A reading of the fleet is kept for this many times what it cost, so that watching costs at most a twentieth of one core. */
const KEEP_FACTOR = 20;
const KEEP_LEAST_MS = 1000;
const KEEP_MOST_MS = 15_000;
/** A reading that is dear to make is still handed out while the next one is made, up to this age. */
const DEAR_MS = 100;
const STALE_MOST_MS = 30_000;

export function createReader({
  repositories,
  policies,
  clock,
  readFleet,
}: Pick<HttpDeps, "repositories" | "policies" | "clock" | "readFleet">): Reader {
  let kept: { readonly fleet: Fleet; readonly madeAt: number; readonly cost: number; readonly policies: readonly SourcePolicy[] } | null =
    null;
  let making: Promise<Fleet> | null = null;

  return { fleet, source: (id) => readSource(repositories, policies(), id, clock.now()) };

  async function fleet(): Promise<Fleet> {
    if (kept !== null && kept.policies === policies()) {
      const age = clock.monotonic() - kept.madeAt;
      if (age < Math.min(KEEP_MOST_MS, Math.max(KEEP_LEAST_MS, kept.cost * KEEP_FACTOR))) return kept.fleet;
      if (kept.cost > DEAR_MS && age < STALE_MOST_MS) {
        // After this answer is out. Should it fail, whoever asks once the old reading is too old makes it again and sees why.
        setImmediate(() => {
          make().catch(() => null);
        });
        return kept.fleet;
      }
    }
    return make();
  }

  function make(): Promise<Fleet> {
    making ??= read().finally(() => {
      making = null;
    });
    return making;
  }

  async function read(): Promise<Fleet> {
    const started = clock.monotonic();
    const current = policies();
    const now = clock.now();
    const entries = [...(await readFleet(current, now))].sort((a, b) => byWorst(a.status, b.status));
    const made = { at: now, entries, summary: fleetSummary(entries.map((entry) => entry.status)), sizes: sizesOf(repositories) };
    kept = { fleet: made, madeAt: clock.monotonic(), cost: clock.monotonic() - started, policies: current };
    return made;
  }
}

/** Read when they are shown, and kept as long as the reading they belong to. */
function sizesOf(repositories: Repositories): Fleet["sizes"] {
  const known = new Map<string, readonly number[]>();
  return async (ids) => {
    for (const id of ids)
      if (!known.has(id))
        known.set(id, (await repositories.points.list(id, { limit: SPARK_POINTS })).map((point) => point.bytes).toReversed());
    return new Map(ids.map((id) => [id, known.get(id) ?? []]));
  };
}

function newestFirst(ledger: readonly LedgerRow[]): LedgerRow[] {
  return [...ledger].sort((a, b) => b.finishedAt - a.finishedAt);
}

/** The drill whose reasons are shown: the newest of the newest point, or the newest there is. */
function wantedDrill(ledger: readonly LedgerRow[], newest: RecoveryPoint | null): LedgerRow | null {
  return ledger.find((row) => row.pointId === newest?.id) ?? ledger[0] ?? null;
}

function statusDrills(ledger: readonly LedgerRow[], record: DrillRecord | null): StatusDrill[] {
  return ledger.map((row) => (row.drillId === record?.id ? record : { ...row, id: row.drillId }));
}

async function readSource(
  repositories: Repositories,
  policies: readonly SourcePolicy[],
  id: string,
  now: number,
): Promise<SourceView | null> {
  const policy = policies.find((candidate) => candidate.id === id);
  if (policy === undefined) return null;
  const observed = async (signal: ShownSignal): Promise<readonly Expected[]> =>
    withBands(policy, signal, await repositories.observations.list(id, signal, { limit: LEARNED }));
  const [points, rows, alarms, runs, poll, probe, firstSeen, paper, bytes, records, duration, restore_seconds] = await Promise.all([
    repositories.points.list(id),
    repositories.drills.ledger(id),
    repositories.alarms.list({ sourceId: id, all: true, limit: ALARMS_SHOWN }),
    repositories.runs.list(id, { limit: RUNS_READ }),
    repositories.sources.poll(id),
    repositories.sources.probe(id),
    repositories.sources.firstSeen(),
    repositories.papers.get(id, FORECAST_PAPER),
    observed("bytes"),
    observed("records"),
    observed("duration"),
    observed("restore_seconds"),
  ]);
  const ledger = newestFirst(rows);
  const wanted = wantedDrill(ledger, points[0] ?? null);
  const record = wanted === null ? null : await repositories.drills.get(wanted.drillId);
  const drills = statusDrills(ledger, record);
  const status = sourceStatus({ policy, points, drills, runs, alarms, poll, probe, firstSeenAt: firstSeen.get(id) ?? null, now });
  return {
    at: now,
    policy,
    status,
    points,
    ledger,
    drill: record,
    alarms,
    runs,
    poll,
    forecast: forecastOf(paper),
    history: { bytes, records, duration, restore_seconds },
  };
}

/** What a person marked as expected is not known here: a level that was accepted shows as expected some runs later. */
function withBands(policy: SourcePolicy, signal: ShownSignal, observations: readonly Observation[]): readonly Expected[] {
  const { rows } = backtest(observations, {
    signal,
    everyMs: policy.backups.everyMs ?? "auto",
    falseAlarmsPerYear: budgetOf(signal, WATCHED, policy.anomalies?.falseAlarmsPerYear ?? 2),
    without: ["rules"],
  });
  return observations
    .map((one, at) => {
      const { expected = null, lower = null, upper = null, runs = 0 } = rows[at] ?? {};
      const known = expected !== null && lower !== null && upper !== null && runs >= LEAST_RUNS;
      return { ...one, band: known ? { expected, lower: Math.max(0, lower), upper } : null };
    })
    .slice(-HISTORY);
}
