/**
 * Which drills are due. Pure, and run again every tick from state: there is no list of work to corrupt, and a restart loses nothing.
 */
import { idOf } from "./ids.ts";
import type { DrillCalendar, SourcePolicy } from "./policy.ts";
import type { LedgerRow } from "./ports.ts";
import type { RecoveryPoint } from "./values.ts";
import type { DrillKind } from "./words.ts";

export interface DueDrill {
  /** Deterministic: the same state gives the same id on every agent. */
  readonly id: string;
  readonly kind: DrillKind;
  readonly sourceId: string;
  readonly pointId: string;
  /** 1 for the first try. */
  readonly attempt: number;
  readonly dueAt: number;
  readonly reason: "new-point" | "retry" | "repeat" | "history" | "calendar" | "layers-changed";
  /** Lower runs first. */
  readonly priority: number;
}

/** One calendar as of now: when it last came round and who it picked. */
export interface CalendarState {
  readonly calendar: DrillCalendar;
  /** The newest date of the schedule that is not after now, or null. */
  readonly lastAt: number | null;
}

export interface PlanInput {
  readonly policies: readonly SourcePolicy[];
  /** Points that are in the vault, by source, newest created first. */
  readonly points: ReadonlyMap<string, readonly RecoveryPoint[]>;
  /** Finished drills by source, oldest first. */
  readonly ledger: ReadonlyMap<string, readonly LedgerRow[]>;
  readonly firstSeen: ReadonlyMap<string, number>;
  readonly calendars: readonly CalendarState[];
  readonly now: number;
  /** When trouble of our own was last over: tries that ended before need not wait any longer. */
  readonly recoveredAt?: number | null;
}

/** A drill that ended further ahead than this was dated by a clock that was wrong; up to here it counts as now. */
export const CLOCK_SLACK_MS = 48 * 3_600_000;
const RETRY_FIRST_MS = 5 * 60_000;
const RETRY_MOST_MS = 6 * 3_600_000;

/** How long after the n-th inconclusive try (n from 1) the next one is due. */
export function retryDelay(n: number): number {
  return Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** (n - 1));
}

/** Due drills, most urgent first; at most one a source and kind of reason, so that a source never overlaps itself. */
export function planDrills(input: PlanInput): DueDrill[] {
  const due: DueDrill[] = [];
  for (const policy of input.policies) {
    const points = input.points.get(policy.id) ?? [];
    const ledger = input.ledger.get(policy.id) ?? [];
    const sample = dueSample(policy, points, ledger, input.now, input.recoveredAt ?? null);
    if (sample !== null) due.push(sample);
  }
  for (const state of input.calendars) due.push(...dueCalendar(state, input));
  return due.sort((a, b) => a.priority - b.priority || a.dueAt - b.dueAt || (a.id < b.id ? -1 : 1));
}

function dueSample(
  policy: SourcePolicy,
  points: readonly RecoveryPoint[],
  ledger: readonly LedgerRow[],
  now: number,
  recoveredAt: number | null,
): DueDrill | null {
  const newest = points[0];
  if (newest === undefined) return null;
  const first = duePoint(policy, newest, ledger, now, { priority: 1, repeat: true, recoveredAt });
  if (first !== null) return first.dueAt <= now ? first : null;
  for (const point of points.slice(1, 1 + policy.verify.history)) {
    const older = duePoint(policy, point, ledger, now, { priority: 3, repeat: false, recoveredAt });
    if (older !== null && older.dueAt <= now) return { ...older, reason: older.reason === "new-point" ? "history" : older.reason };
  }
  return null;
}

/** The drill a point wants next, which may lie in the future while it waits for a retry; null when it wants none. */
function duePoint(
  policy: SourcePolicy,
  point: RecoveryPoint,
  ledger: readonly LedgerRow[],
  now: number,
  how: { readonly priority: number; readonly repeat: boolean; readonly recoveredAt: number | null },
): DueDrill | null {
  const { priority, repeat } = how;
  const all = ledger.filter((row) => row.pointId === point.id && row.kind === "sample");
  const rows = all.filter((row) => row.finishedAt <= now + CLOCK_SLACK_MS);
  const taken = new Set(all.map((row) => row.drillId));
  const conclusive = rows.filter((row) => row.verdict !== "inconclusive");
  const last = conclusive.at(-1);
  const since = last === undefined ? rows : rows.slice(rows.indexOf(last) + 1);
  const make = (reason: DueDrill["reason"], dueAt: number): DueDrill => ({
    id: freeId(taken, (n) => idOf("drill", policy.id, "sample", point.id, conclusive.length, since.length + n)),
    kind: "sample",
    sourceId: policy.id,
    pointId: point.id,
    attempt: since.length + 1,
    dueAt,
    reason,
    priority: reason === "retry" ? priority + 1 : priority,
  });
  const failedTries = since.length;
  const lastTry = since.at(-1);
  if (last !== undefined) {
    const covered = policy.verify.layers.every((layer) => last.layers[layer] !== undefined);
    const repeatAt = Math.min(last.finishedAt, now) + policy.verify.repeatMs;
    const wanted = !covered || (repeat && repeatAt <= now);
    if (!wanted) return null;
    if (lastTry === undefined) return make(covered ? "repeat" : "layers-changed", covered ? repeatAt : now);
  }
  if (lastTry !== undefined) return make("retry", retryAt(lastTry, failedTries, now, how.recoveredAt));
  return make("new-point", Math.min(point.firstSeenAt, now));
}

/** `since` tries ended without a verdict, the last of them `lastTry`. */
function retryAt(lastTry: LedgerRow, since: number, now: number, recoveredAt: number | null): number {
  const ended = Math.min(lastTry.finishedAt, now);
  return recoveredAt !== null && ended <= recoveredAt ? recoveredAt : ended + retryDelay(since);
}

/** Retention, and a clock that was wrong, take rows out of the count that ids are made of: an id that is taken is never given again. */
function freeId(taken: ReadonlySet<string>, make: (n: number) => string): string {
  for (let n = 0; ; n += 1) {
    const id = make(n);
    if (!taken.has(id)) return id;
  }
}

function dueCalendar(state: CalendarState, input: PlanInput): DueDrill[] {
  const { calendar, lastAt } = state;
  if (lastAt === null) return [];
  const chosen = calendarSources(calendar, lastAt, input);
  return chosen.flatMap((policy): DueDrill[] => {
    const point = input.points.get(policy.id)?.[0];
    const configured = input.firstSeen.get(policy.id) ?? input.now;
    // A source that came into the configuration after the date has missed nothing.
    if (point === undefined || configured > lastAt) return [];
    const all = (input.ledger.get(policy.id) ?? []).filter((row) => row.kind === calendar.kind);
    const rows = all.filter((row) => row.finishedAt >= lastAt && row.finishedAt <= input.now + CLOCK_SLACK_MS);
    if (rows.some((row) => row.verdict !== "inconclusive")) return [];
    const lastTry = rows.at(-1);
    const dueAt = lastTry === undefined ? lastAt : retryAt(lastTry, rows.length, input.now, input.recoveredAt ?? null);
    const taken = new Set(all.map((row) => row.drillId));
    if (dueAt > input.now) return [];
    return [
      {
        id: freeId(taken, (n) => idOf("drill", policy.id, calendar.kind, lastAt, rows.length + n)),
        kind: calendar.kind,
        sourceId: policy.id,
        pointId: point.id,
        attempt: rows.length + 1,
        dueAt,
        reason: "calendar",
        priority: 2,
      },
    ];
  });
}

/** `all`, or only the domain whose last drill of this kind before the date is longest ago (never counts as longest). */
function calendarSources(calendar: DrillCalendar, at: number, input: PlanInput): readonly SourcePolicy[] {
  if (calendar.rotate === "all") return input.policies;
  const lastByDomain = new Map<string, number>();
  for (const policy of input.policies) {
    const rows = (input.ledger.get(policy.id) ?? []).filter(
      (row) => row.kind === calendar.kind && row.finishedAt < at && row.verdict !== "inconclusive",
    );
    const last = rows.reduce((latest, row) => Math.max(latest, row.finishedAt), 0);
    lastByDomain.set(policy.domain, Math.max(lastByDomain.get(policy.domain) ?? 0, last));
  }
  const [domain] = [...lastByDomain].sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1))[0] ?? [];
  return input.policies.filter((policy) => policy.domain === domain);
}

/** When the next sample drill of the newest point is due, for the metric and the page; null when there is no point. */
export function nextSampleAt(
  policy: SourcePolicy,
  points: readonly RecoveryPoint[],
  ledger: readonly LedgerRow[],
  now: number,
): number | null {
  const newest = points[0];
  if (newest === undefined) return null;
  const wanted = duePoint(policy, newest, ledger, now, { priority: 1, repeat: true, recoveredAt: null });
  if (wanted !== null) return wanted.dueAt;
  const last = ledger
    .filter((row) => row.pointId === newest.id && row.kind === "sample" && row.verdict !== "inconclusive")
    .filter((row) => row.finishedAt <= now + CLOCK_SLACK_MS)
    .at(-1);
  return last === undefined ? null : Math.min(last.finishedAt, now) + policy.verify.repeatMs;
}
