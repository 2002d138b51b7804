/** Reads what the planner, the gauges and the terminal need of one source. */
import { Cron } from "croner";
import type { CalendarState } from "../core/plan.ts";
import type { DrillCalendar, SourcePolicy } from "../core/policy.ts";
import type { Repositories } from "../core/ports.ts";
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

export async function readSource(
  policy: SourcePolicy,
  repositories: Repositories,
  firstSeenAt: number,
  calendars: readonly DatedCalendar[],
): Promise<SourceState> {
  const drills = await repositories.drills.list({ sourceId: policy.id, limit: 20 });
  return {
    policy,
    firstSeenAt,
    points: await repositories.points.list(policy.id),
    runs: await repositories.runs.list(policy.id, { limit: 200 }),
    ledger: await repositories.drills.ledger(policy.id),
    latest: newestJudged(drills),
    latestFacts: drills.find((drill) => drill.facts !== null) ?? null,
    alarms: await repositories.alarms.list({ sourceId: policy.id }),
    gaps: await repositories.observations.list(policy.id, "gap", { limit: 200 }),
    calendars,
  };
}

/** The newest drill whose checks were really asked; one that our own trouble ended does not clear a failing check. */
function newestJudged<T extends { readonly checks: readonly unknown[]; readonly trouble: string | null }>(
  newestFirst: readonly T[],
): T | null {
  return newestFirst.find((drill) => drill.trouble === null && drill.checks.length > 0) ?? newestFirst[0] ?? null;
}
