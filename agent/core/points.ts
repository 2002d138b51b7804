/** From a vault's listing to recovery points. Pure. */
import { pointId } from "./ids.ts";
import { timeInName } from "./naming.ts";
import type { SourcePolicy } from "./policy.ts";
import type { VaultListing } from "./ports.ts";
import type { Observation, RecoveryPoint, RunReport } from "./values.ts";

export interface ListingResult {
  /** Points that are new, changed, or gone since `known`. */
  readonly changed: readonly RecoveryPoint[];
  /** All points of the source after this listing, newest created first, gone ones left out. */
  readonly alive: readonly RecoveryPoint[];
  /** Paths that may still be written: looked at again at the next poll. */
  readonly waiting: readonly string[];
}

/**
 * @param runs every run report known of the source, those of this listing included
 * @param known every point in state that is not gone
 */
export function pointsFromListing(
  policy: SourcePolicy,
  listing: VaultListing,
  runs: readonly RunReport[],
  known: readonly RecoveryPoint[],
  now: number,
): ListingResult {
  const byPath = new Map<string, RunReport>();
  for (const run of [...runs].sort((a, b) => a.finishedAt - b.finishedAt)) if (run.path !== null) byPath.set(run.path, run);
  const knownById = new Map(known.map((point) => [point.id, point]));
  const changed: RecoveryPoint[] = [];
  const alive: RecoveryPoint[] = [];
  const waiting: string[] = [];
  const seen = new Set<string>();
  // Our own clock may be behind: then what was seen before bounds what is seen now.
  const seenUpTo = known.reduce((latest, point) => Math.max(latest, point.firstSeenAt), 0);
  for (const entry of listing.entries) {
    const id = pointId(policy.id, policy.backups.vaultId, entry.path, entry.bytes, entry.modifiedAt);
    const before = knownById.get(id);
    const run = byPath.get(entry.path);
    const reported = run !== undefined && run.bytes === entry.bytes;
    if (before === undefined && !reported && Math.abs(now - entry.modifiedAt) < policy.backups.settleMs) {
      waiting.push(entry.path);
      // What lay there before has been replaced or is being replaced: its point stays until the new one is settled.
      for (const point of known) if (point.path === entry.path && !seen.has(point.id)) keep(point);
      continue;
    }
    const created = creationTime(entry.path, entry.modifiedAt, run);
    // Seen, so it is no younger than that: a name or a clock of next year must not make a source look well for a year.
    const firstSeenAt = before?.firstSeenAt ?? now;
    const youngest = before === undefined ? Math.max(now, seenUpTo) : Math.max(before.firstSeenAt, before.createdAt);
    const point: RecoveryPoint = {
      id,
      sourceId: policy.id,
      vaultId: policy.backups.vaultId,
      path: entry.path,
      kind: entry.kind,
      createdAt: Math.min(created.at, youngest),
      createdFrom: created.from,
      modifiedAt: entry.modifiedAt,
      bytes: entry.bytes,
      immutableUntil: entry.immutableUntil,
      runId: run?.id ?? null,
      firstSeenAt,
      goneAt: null,
    };
    seen.add(id);
    alive.push(point);
    if (before === undefined || !samePoint(before, point)) changed.push(point);
  }
  for (const point of known) {
    if (seen.has(point.id)) continue;
    // A listing that could not look there says nothing about it: "could not look" is never "gone".
    if (listing.problems.some((problem) => problem.includes(point.path))) keep(point);
    else changed.push({ ...point, goneAt: now });
  }
  alive.sort((a, b) => b.createdAt - a.createdAt || b.modifiedAt - a.modifiedAt || (a.id < b.id ? -1 : 1));
  return { changed, alive, waiting };

  function keep(point: RecoveryPoint): void {
    seen.add(point.id);
    alive.push(point);
  }
}

/** The run report's end, else a time in the name, else the modification time; a name with a date only is refined by the modification time of that day. */
function creationTime(
  path: string,
  modifiedAt: number,
  run: RunReport | undefined,
): { readonly at: number; readonly from: RecoveryPoint["createdFrom"] } {
  if (run !== undefined) return { at: run.finishedAt, from: "run-report" };
  const named = timeInName(path);
  if (named === null) return { at: modifiedAt, from: "modified" };
  const dateOnly = named % 86_400_000 === 0;
  if (dateOnly && modifiedAt >= named && modifiedAt < named + 36 * 3_600_000) return { at: modifiedAt, from: "modified" };
  return { at: named, from: "name" };
}

function samePoint(a: RecoveryPoint, b: RecoveryPoint): boolean {
  return (
    a.createdAt === b.createdAt &&
    a.createdFrom === b.createdFrom &&
    a.immutableUntil === b.immutableUntil &&
    a.runId === b.runId &&
    a.goneAt === b.goneAt
  );
}

/** Bytes and gap of points that were not seen before, oldest first. A point whose run failed or was partial enters no baseline. */
export function pointObservations(
  fresh: readonly RecoveryPoint[],
  alive: readonly RecoveryPoint[],
  runs: ReadonlyMap<string, RunReport>,
): Observation[] {
  const order = [...alive].sort((a, b) => a.createdAt - b.createdAt);
  const freshIds = new Set(fresh.map((point) => point.id));
  const observations: Observation[] = [];
  for (const [index, point] of order.entries()) {
    if (!freshIds.has(point.id)) continue;
    const run = point.runId === null ? undefined : runs.get(point.runId);
    if (run !== undefined && (run.outcome === "failure" || run.outcome === "partial")) continue;
    observations.push({ sourceId: point.sourceId, signal: "bytes", at: point.createdAt, value: point.bytes, ref: point.id });
    const before = order[index - 1];
    if (before !== undefined)
      observations.push({
        sourceId: point.sourceId,
        signal: "gap",
        at: point.createdAt,
        value: (point.createdAt - before.createdAt) / 1000,
        ref: point.id,
      });
  }
  return observations;
}

/** Duration, outcome and record count of run reports that were not seen before. */
export function runObservations(fresh: readonly RunReport[]): Observation[] {
  return fresh.flatMap((run) => {
    const base = { sourceId: run.sourceId, at: run.finishedAt, ref: run.id };
    const observations: Observation[] = [];
    if (run.outcome === "success" || run.outcome === "failure")
      observations.push({ ...base, signal: "outcome", value: run.outcome === "success" ? 1 : 0 });
    if (run.outcome === "success" && run.startedAt !== null)
      observations.push({ ...base, signal: "duration", value: Math.max(0, run.finishedAt - run.startedAt) / 1000 });
    const records = run.items?.records;
    if (run.outcome === "success" && records !== undefined) observations.push({ ...base, signal: "records", value: records });
    return observations;
  });
}
