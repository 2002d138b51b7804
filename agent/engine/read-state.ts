/** Reads what the planner, the gauges and the terminal need of one source. */
import { Cron } from "croner";
import type { CalendarState } from "../core/plan.ts";
import type { DrillCalendar, SourceConnection, SourcePolicy } from "../core/policy.ts";
import type { LedgerRow, Repositories } from "../core/ports.ts";
import { COVERAGE_PAPER, parseCoverage } from "../core/sampled.ts";
import type { DrillRecord, RecoveryPoint } from "../core/values.ts";
import { readPromises } from "./coverage.ts";
import { bandsOf } from "./detections.ts";
import { readForecast } from "./forecasts.ts";
import type { SourceState } from "./project.ts";

export type DatedCalendar = CalendarState & { readonly nextAt: number | null };

/** Where each calendar stands at `now`: its newest date that has come, and the next one. */
export function datedCalendars(calendars: readonly DrillCalendar[], now: number): DatedCalendar[] {
  return calendars.map((calendar) => {
    const cron = new Cron(calendar.schedule, { timezone: calendar.timezone, paused: true });
    const [last] = cron.previousRuns(1, new Date(now + 1000));
    const next = cron.nextRun(new Date(now));
    return { calendar, lastAt: last === undefined ? null : last.getTime(), nextAt: next === null ? null : next.getTime() };
  });
}

/** More than a detector tells of a source in a year. */
const ALARMS = 1000;

export async function readSource(
  policy: SourcePolicy,
  repositories: Repositories,
  firstSeenAt: number,
  calendars: readonly DatedCalendar[],
  connection: SourceConnection | null = null,
): Promise<SourceState> {
  const points = await repositories.points.list(policy.id);
  const ledger = await repositories.drills.ledger(policy.id);
  const { latest, latestFacts } = await newestDrills(policy, points, ledger, repositories);
  const alarms = await repositories.alarms.list({ sourceId: policy.id, all: true, limit: ALARMS });
  const expected = (await repositories.decisions.list({ sourceId: policy.id })).filter((one) => one.about === "alarm");
  return {
    policy,
    firstSeenAt,
    points,
    runs: await fewOrMany(
      (limit) => repositories.runs.list(policy.id, { limit }),
      [3, 200],
      (found) => found.some((run) => run.outcome === "success" || run.outcome === "partial") && found.some((run) => run.startedAt !== null),
    ),
    ledger,
    latest,
    latestFacts,
    probe: await repositories.sources.probe(policy.id),
    alarms: alarms.filter((alarm) => alarm.endedAt === null),
    unusual: alarms.filter((alarm) => alarm.kind !== "rule"),
    expected: new Set(expected.map((decision) => decision.subject)),
    gaps: await repositories.observations.list(policy.id, "gap", { limit: 200 }),
    coverage: parseCoverage(await repositories.papers.get(policy.id, COVERAGE_PAPER)),
    promises: await readPromises(policy, connection, repositories, ledger.at(-1)?.drillId ?? null),
    bands: await bandsOf(policy, repositories),
    forecast: await readForecast(repositories, policy.id),
    calendars,
  };
}

/** Points whose drills are read in search of one that was judged. */
const POINTS_READ = 5;

/**
 * The drill that says how the source stands is of the newest point that was judged: an older one that is drilled again afterwards and is
 * fine does not clear what fails in the newest.
 */
async function newestDrills(
  policy: SourcePolicy,
  points: readonly RecoveryPoint[],
  ledger: readonly LedgerRow[],
  { drills }: Repositories,
): Promise<Pick<SourceState, "latest" | "latestFacts">> {
  const drilled = new Set(ledger.map((row) => row.pointId));
  let latest: DrillRecord | null = null;
  let latestFacts: DrillRecord | null = null;
  for (const point of points.filter(({ id }) => drilled.has(id)).slice(0, POINTS_READ)) {
    const own = await drills.list({ pointId: point.id, limit: 5 });
    latest ??= own.find(isJudged) ?? null;
    latestFacts ??= own.find((drill) => drill.facts !== null) ?? null;
    if (latest !== null && latestFacts !== null) return { latest, latestFacts };
  }
  // Of points that are gone, and of those our own trouble ended.
  const all = await fewOrMany(
    (limit) => drills.list({ sourceId: policy.id, limit }),
    [1, 20],
    (found) => (latest !== null || found.some(isJudged)) && (latestFacts !== null || found.some((drill) => drill.facts !== null)),
  );
  return { latest: latest ?? newestJudged(all), latestFacts: latestFacts ?? all.find((drill) => drill.facts !== null) ?? null };
}

/** Whole records are dear to read, and nearly always the newest say enough. */
async function fewOrMany<T>(
  list: (limit: number) => Promise<readonly T[]>,
  [few, many]: readonly [few: number, many: number],
  enough: (found: readonly T[]) => boolean,
): Promise<readonly T[]> {
  const found = await list(few);
  return found.length < few || enough(found) ? found : list(many);
}

/** The newest drill whose checks were really asked; one that our own trouble ended does not clear a failing check. */
function newestJudged<T extends Judged>(newestFirst: readonly T[]): T | null {
  return newestFirst.find(isJudged) ?? newestFirst[0] ?? null;
}

interface Judged {
  readonly checks: readonly unknown[];
  readonly trouble: string | null;
}

function isJudged(drill: Judged): boolean {
  return drill.trouble === null && drill.checks.length > 0;
}
