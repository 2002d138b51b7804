/** Reads how every source stands: a fixed number of queries, whatever the number of sources and the length of their history. */
import type { SourcePolicy } from "../core/policy.ts";
import type { LedgerRow, PointsOfSource, Repositories } from "../core/ports.ts";
import { type SourceStatus, sourceStatus, type StatusDrill } from "../core/status.ts";
import type { DrillRecord, RecoveryPoint, RunReport } from "../core/values.ts";
import { type Layer, LAYERS } from "../core/words.ts";

export interface SourceReading {
  readonly policy: SourcePolicy;
  readonly status: SourceStatus;
}

/** In the order of the policies. */
export type ReadFleet = (policies: readonly SourcePolicy[], now: number) => Promise<readonly SourceReading[]>;

const RUNS_READ = 20;
const YIELD_EVERY = 50;

/** @returns a function that remembers, from one reading to the next, why drills failed: that never changes and is dear to read */
export function createFleetReader(repositories: Repositories): ReadFleet {
  const reasons = new Map<string, StatusDrill>();

  return async (policies, now) => {
    const [points, runs, alarms, polls, probes, firstSeen, drills] = await Promise.all([
      repositories.points.newest(),
      repositories.runs.newest(),
      repositories.alarms.list({}),
      repositories.sources.polls(),
      repositories.sources.probes(),
      repositories.sources.firstSeen(),
      newestDrills(repositories, policies),
    ]);
    const pointsOf = new Map(points.map((own) => [own.newest.sourceId, own]));
    const runOf = new Map(runs.map((run) => [run.sourceId, run]));
    const alarmsOf = Map.groupBy(alarms, (alarm) => alarm.sourceId);
    const ofPoints = await drillsOfPoints(repositories, policies, pointsOf, drills);
    const readings: SourceReading[] = [];
    const needed = new Set<string>();
    for (const [index, policy] of policies.entries()) {
      // An embedded database answers at once and would keep everything else waiting.
      if (index % YIELD_EVERY === YIELD_EVERY - 1) await new Promise((resolve) => setImmediate(resolve));
      const own = pointsOf.get(policy.id) ?? null;
      const rows = inOrder([...(drills.get(policy.id) ?? []), ...(ofPoints.get(own?.newest.id ?? "") ?? [])]);
      const shown = shownDrill(rows, own);
      const known = shown === null || shown.verdict === "verified" ? null : await explained(shown);
      if (known !== null) needed.add(known.id);
      const status = sourceStatus({
        policy,
        points: own === null ? [] : [own.newest, ...(await olderPoint(own, known))],
        kept: { points: own?.count ?? 0, bytes: own?.bytes ?? 0 },
        drills: rows.map((row) => (row.drillId === known?.id ? known : { ...row, id: row.drillId })),
        runs: await runsThatMatter(runOf.get(policy.id) ?? null),
        alarms: alarmsOf.get(policy.id) ?? [],
        poll: polls.get(policy.id) ?? null,
        probe: probes.get(policy.id) ?? null,
        firstSeenAt: firstSeen.get(policy.id) ?? null,
        now,
      });
      readings.push({ policy, status });
    }
    for (const id of reasons.keys()) if (!needed.has(id)) reasons.delete(id);
    return readings;
  };

  /** With reasons and checks, which only the whole record has. */
  async function explained(row: LedgerRow): Promise<StatusDrill | null> {
    const known = reasons.get(row.drillId);
    if (known !== undefined) return known;
    const record = await repositories.drills.get(row.drillId);
    if (record === null) return null;
    const drill = withReasons(record);
    reasons.set(drill.id, drill);
    return drill;
  }

  /** The point of an earlier drill that failed: its headline says of when that backup is. */
  async function olderPoint(own: PointsOfSource, drill: StatusDrill | null): Promise<readonly RecoveryPoint[]> {
    if (drill === null || drill.pointId === own.newest.id) return [];
    const point = await repositories.points.get(drill.pointId);
    return point === null || point.goneAt !== null ? [] : [point];
  }

  /** Those since the last that went well; the newest alone says that there are none. */
  async function runsThatMatter(newest: RunReport | null): Promise<readonly RunReport[]> {
    if (newest === null || newest.outcome === "success") return newest === null ? [] : [newest];
    return repositories.runs.list(newest.sourceId, { limit: RUNS_READ });
  }
}

/** By source: the newest, and the newest that verified each layer and all that are promised together. */
async function newestDrills(repositories: Repositories, policies: readonly SourcePolicy[]): Promise<Map<string, LedgerRow[]>> {
  const newest = await repositories.drills.newest();
  const newestOf = new Map(newest.map((row) => [row.sourceId, row]));
  // The newest drill verifies all of it for most sources; only the others are asked about again.
  const missing = new Map<string, { readonly layers: readonly Layer[]; readonly sourceIds: string[] }>();
  for (const { id, verify } of policies) {
    const row = newestOf.get(id);
    if (row === undefined) continue;
    const shown = LAYERS.filter((layer) => verify.layers.includes(layer) || row.layers[layer] !== undefined);
    for (const layers of [...shown.map((layer) => [layer]), verify.layers]) {
      if (layers.every((layer) => row.layers[layer] === "verified")) continue;
      const group = missing.get(layers.join()) ?? { layers, sourceIds: [] };
      missing.set(layers.join(), group);
      group.sourceIds.push(id);
    }
  }
  const verified = await Promise.all(
    [...missing.values()].map(({ layers, sourceIds }) => repositories.drills.newest({ verified: layers, sourceIds })),
  );
  return Map.groupBy([...newest, ...verified.flat()], (row) => row.sourceId);
}

/** The newest drill of each newest point that is not of the newest drill of its source, by point. */
async function drillsOfPoints(
  repositories: Repositories,
  policies: readonly SourcePolicy[],
  points: ReadonlyMap<string, PointsOfSource>,
  drills: ReadonlyMap<string, readonly LedgerRow[]>,
): Promise<Map<string, LedgerRow[]>> {
  const pointIds = policies.flatMap(({ id }) => {
    const point = points.get(id)?.newest.id;
    const newest = inOrder(drills.get(id) ?? [])[0];
    return point === undefined || newest === undefined || newest.pointId === point ? [] : [point];
  });
  return Map.groupBy(pointIds.length === 0 ? [] : await repositories.drills.newest({ pointIds }), (row) => row.pointId);
}

/** Newest finished first, each once. */
function inOrder(rows: readonly LedgerRow[]): LedgerRow[] {
  const byId = new Map(rows.map((row) => [row.drillId, row]));
  return [...byId.values()].sort((a, b) => b.finishedAt - a.finishedAt || (a.drillId < b.drillId ? 1 : -1));
}

/** The drill whose reasons are shown: the newest of the newest point, or the newest there is. */
function shownDrill(rows: readonly LedgerRow[], own: PointsOfSource | null): LedgerRow | null {
  return rows.find((row) => row.pointId === own?.newest.id) ?? rows[0] ?? null;
}

function withReasons({ id, pointId, verdict, layers, finishedAt, reasons, checks }: DrillRecord): StatusDrill {
  return { id, pointId, verdict, layers, finishedAt, reasons, checks: checks.filter((check) => check.status === "fail") };
}
