/** State in maps, with transactions undone by snapshot; and a State that fails where a test wants it to. */
import type { Baseline, Decision } from "../../agent/core/decisions.ts";
import type { LedgerRow, Repositories, State, Tally } from "../../agent/core/ports.ts";
import type { Alarm, DrillRecord, Observation, RecoveryPoint, RunReport } from "../../agent/core/values.ts";
import { LAYERS } from "../../agent/core/words.ts";

type Poll = Parameters<Repositories["sources"]["putPoll"]>[0];
type Probe = Parameters<Repositories["sources"]["putProbe"]>[0];

interface Tables {
  points: Map<string, RecoveryPoint>;
  runs: Map<string, RunReport>;
  observations: Map<string, Observation>;
  drills: Map<string, DrillRecord>;
  alarms: Map<string, Alarm>;
  seen: Map<string, number>;
  polls: Map<string, Poll>;
  probes: Map<string, Probe>;
  baselines: Map<string, Baseline>;
  decisions: Map<string, Decision>;
  papers: Map<string, string>;
  actors: Map<string, string>;
  tallies: Map<string, Tally>;
  meta: Map<string, string>;
}

/** What a database does: values come back equal, never identical. */
function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function ascending<T>(...keys: ((item: T) => number | string)[]): (a: T, b: T) => number {
  return (a, b) => {
    for (const key of keys) if (key(a) !== key(b)) return key(a) < key(b) ? -1 : 1;
    return 0;
  };
}

function newestFirst<T>(items: Iterable<T>, ...keys: ((item: T) => number | string)[]): T[] {
  return [...items].sort(ascending(...keys)).toReversed();
}

function emptyTables(): Tables {
  return {
    points: new Map(),
    runs: new Map(),
    observations: new Map(),
    drills: new Map(),
    alarms: new Map(),
    seen: new Map(),
    polls: new Map(),
    probes: new Map(),
    baselines: new Map(),
    decisions: new Map(),
    papers: new Map(),
    actors: new Map(),
    tallies: new Map(),
    meta: new Map(),
  };
}

export function memoryState(): State {
  const tables = emptyTables();
  let queue: Promise<unknown> = Promise.resolve();
  const repositories = repositoriesOn(tables);
  const serially = <T>(work: () => Promise<T>): Promise<T> => {
    const result = queue.then(work);
    queue = result.catch(() => undefined);
    return result;
  };
  return {
    // Outside of a transaction one waits for those under way, as on a database with one connection.
    repositories: mapMethods(repositories, (call) => serially(call)),
    transaction: (work) =>
      serially(async () => {
        const before = Object.entries(tables).map(([name, table]) => [name, new Map<string, unknown>(table)] as const);
        try {
          return await work(repositories);
        } catch (thrown) {
          for (const [name, table] of before) {
            const current = tables[name as keyof Tables] as Map<string, unknown>;
            current.clear();
            for (const [key, value] of table) current.set(key, value);
          }
          throw thrown;
        }
      }),
    prune: (before) => serially(async () => prune(tables, before)),
    size: async () => Object.values(tables).reduce((sum, table) => sum + JSON.stringify([...table]).length, 0),
    close: async () => undefined,
  };
}

function repositoriesOn(tables: Tables): Repositories {
  return {
    points: {
      async put(points) {
        for (const point of points) tables.points.set(point.id, copy(point));
      },
      get: async (id) => copy(tables.points.get(id) ?? null),
      async list(sourceId, { gone = false, limit } = {}) {
        const own = [...tables.points.values()].filter((point) => point.sourceId === sourceId && (gone || point.goneAt === null));
        return copy(
          newestFirst(
            own,
            (point) => point.createdAt,
            (point) => point.id,
          ).slice(0, limit),
        );
      },
      async newest() {
        const alive = newestFirst(
          [...tables.points.values()].filter((point) => point.goneAt === null),
          (point) => point.createdAt,
          (point) => point.id,
        );
        return [...Map.groupBy(alive, (point) => point.sourceId).values()].flatMap((own) => {
          const [newest] = own;
          return newest === undefined
            ? []
            : [{ newest: copy(newest), count: own.length, bytes: own.reduce((sum, point) => sum + point.bytes, 0) }];
        });
      },
    },
    runs: {
      async put(report) {
        tables.runs.set(report.id, copy(report));
      },
      get: async (id) => copy(tables.runs.get(id) ?? null),
      async list(sourceId, { limit } = {}) {
        const own = [...tables.runs.values()].filter((run) => run.sourceId === sourceId);
        return copy(
          newestFirst(
            own,
            (run) => run.finishedAt,
            (run) => run.id,
          ).slice(0, limit),
        );
      },
      async newest() {
        const runs = newestFirst(
          tables.runs.values(),
          (run) => run.finishedAt,
          (run) => run.id,
        );
        return copy(firstOfEach(runs, (run) => run.sourceId));
      },
    },
    observations: {
      async put(observations) {
        for (const one of observations) tables.observations.set(JSON.stringify([one.sourceId, one.signal, one.ref]), copy(one));
      },
      async list(sourceId, signal, { limit } = {}) {
        const own = [...tables.observations.values()].filter((one) => one.sourceId === sourceId && one.signal === signal);
        return copy(
          newestFirst(
            own,
            (one) => one.at,
            (one) => one.ref,
          )
            .slice(0, limit)
            .toReversed(),
        );
      },
    },
    drills: {
      async put(drill) {
        tables.drills.set(drill.id, copy(drill));
      },
      get: async (id) => copy(tables.drills.get(id) ?? null),
      async list({ sourceId, pointId, limit }) {
        const own = newestDrills(tables).filter(
          (drill) => (sourceId === undefined || drill.sourceId === sourceId) && (pointId === undefined || drill.pointId === pointId),
        );
        return copy(own.slice(0, limit));
      },
      async newest({ verified = [], sourceIds, pointIds } = {}) {
        const drills = newestDrills(tables).filter(
          (drill) =>
            verified.every((layer) => drill.layers[layer] === "verified") &&
            (sourceIds === undefined || sourceIds.includes(drill.sourceId)) &&
            (pointIds === undefined || pointIds.includes(drill.pointId)),
        );
        return copy(firstOfEach(drills, (drill) => (pointIds === undefined ? drill.sourceId : drill.pointId)).map(ledgerRow));
      },
      async ledger(sourceId) {
        const own = newestDrills(tables).filter((drill) => drill.sourceId === sourceId);
        return copy(own.toReversed().map(ledgerRow));
      },
    },
    alarms: {
      async put(alarm) {
        tables.alarms.set(alarm.id, copy(alarm));
      },
      async list({ sourceId, all = false, limit }) {
        const own = [...tables.alarms.values()].filter(
          (alarm) => (sourceId === undefined || alarm.sourceId === sourceId) && (all || alarm.endedAt === null),
        );
        return copy(
          newestFirst(
            own,
            (alarm) => alarm.since,
            (alarm) => alarm.id,
          ).slice(0, limit),
        );
      },
    },
    sources: {
      async seen(sourceId, at) {
        tables.seen.set(sourceId, Math.min(at, tables.seen.get(sourceId) ?? Infinity));
      },
      firstSeen: async () => new Map([...tables.seen].sort(ascending(([id]) => id))),
      poll: async (sourceId) => copy(tables.polls.get(sourceId) ?? null),
      polls: async () => new Map([...tables.polls].map(([id, poll]) => [id, copy(poll)])),
      async putPoll(status) {
        tables.polls.set(status.sourceId, copy(status));
      },
      probe: async (sourceId) => copy(tables.probes.get(sourceId) ?? null),
      probes: async () => new Map([...tables.probes].map(([id, probe]) => [id, copy(probe)])),
      async putProbe(status) {
        tables.probes.set(status.sourceId, copy(status));
      },
      async dropProbe(sourceId) {
        tables.probes.delete(sourceId);
      },
    },
    tallies: {
      async add(tallies) {
        for (const tally of tallies) {
          const labels = Object.fromEntries(Object.entries(tally.labels).sort(ascending(([name]) => name)));
          const key = JSON.stringify([tally.metric, labels]);
          const before = tables.tallies.get(key);
          const same = before !== undefined && before.buckets.length === tally.buckets.length;
          tables.tallies.set(key, {
            metric: tally.metric,
            labels,
            count: tally.count + (same ? before.count : 0),
            sum: tally.sum + (same ? before.sum : 0),
            buckets: tally.buckets.map((count, index) => count + (same ? (before.buckets[index] ?? 0) : 0)),
          });
        }
      },
      all: async () => copy(newestFirst(tables.tallies.entries(), ([key]) => key).map(([, tally]) => tally)).toReversed(),
    },
    baselines: {
      async put(baseline) {
        tables.baselines.set(baseline.id, copy(baseline));
      },
      get: async (id) => copy(tables.baselines.get(id) ?? null),
      async list({ sourceId, status, limit }) {
        const own = [...tables.baselines.values()].filter(
          (one) => (sourceId === undefined || one.sourceId === sourceId) && (status === undefined || one.status === status),
        );
        return copy(
          newestFirst(
            own,
            (one) => one.proposedAt,
            (one) => one.id,
          ).slice(0, limit),
        );
      },
    },
    decisions: {
      async put(decision) {
        tables.decisions.set(decision.id, copy(decision));
      },
      async list({ sourceId, limit }) {
        const own = [...tables.decisions.values()].filter((one) => sourceId === undefined || one.sourceId === sourceId);
        return copy(
          newestFirst(
            own,
            (one) => one.at,
            (one) => one.id,
          ).slice(0, limit),
        );
      },
    },
    papers: {
      get: async (sourceId, name) => tables.papers.get(JSON.stringify([sourceId, name])) ?? null,
      async put(sourceId, name, body) {
        tables.papers.set(JSON.stringify([sourceId, name]), body);
      },
    },
    actors: {
      async put(id, name) {
        tables.actors.set(id, name);
      },
      names: async () => new Map(tables.actors),
      async forget(id) {
        tables.actors.delete(id);
      },
    },
    meta: {
      get: async (key) => tables.meta.get(key) ?? null,
      async set(key, value) {
        tables.meta.set(key, value);
      },
    },
  };
}

function firstOfEach<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  const first = new Map<string, T>();
  for (const item of items) if (!first.has(keyOf(item))) first.set(keyOf(item), item);
  return [...first.values()];
}

function ledgerRow({ id, kind, sourceId, pointId, attempt, finishedAt, verdict, layers }: DrillRecord): LedgerRow {
  return { drillId: id, kind, sourceId, pointId, attempt, finishedAt, verdict, layers };
}

function newestDrills(tables: Tables): DrillRecord[] {
  return newestFirst(
    tables.drills.values(),
    (drill) => drill.finishedAt,
    (drill) => drill.id,
  );
}

function removeFrom<T>(table: Map<string, T>, goes: (item: T) => boolean): number {
  const keys = [...table].filter(([, item]) => goes(item)).map(([key]) => key);
  for (const key of keys) table.delete(key);
  return keys.length;
}

function prune(tables: Tables, before: number): number {
  const kept = new Set<string>();
  const conditions: ((drill: DrillRecord) => boolean)[] = [
    () => true,
    (drill) => drill.facts !== null,
    ...LAYERS.map((layer) => (drill: DrillRecord) => drill.layers[layer] !== undefined),
    ...LAYERS.map((layer) => (drill: DrillRecord) => drill.layers[layer] === "verified"),
  ];
  const drills = newestDrills(tables);
  for (const condition of conditions) {
    const first = new Map<string, string>();
    for (const drill of drills) if (condition(drill) && !first.has(drill.sourceId)) first.set(drill.sourceId, drill.id);
    for (const id of first.values()) kept.add(id);
  }
  let removed = removeFrom(tables.drills, (drill) => drill.finishedAt < before && !kept.has(drill.id));
  const drilled = new Set([...tables.drills.values()].map((drill) => drill.pointId));
  removed += removeFrom(tables.points, (point) => point.goneAt !== null && point.goneAt < before && !drilled.has(point.id));
  const cameFrom = new Set([...tables.points.values()].map((point) => point.runId));
  const newestRun = new Map<string, string>();
  for (const run of newestFirst(
    tables.runs.values(),
    (one) => one.finishedAt,
    (one) => one.id,
  ))
    if (!newestRun.has(run.sourceId)) newestRun.set(run.sourceId, run.id);
  removed += removeFrom(tables.runs, (run) => run.finishedAt < before && !cameFrom.has(run.id) && newestRun.get(run.sourceId) !== run.id);
  removed += removeFrom(tables.observations, (one) => one.at < before);
  removed += removeFrom(tables.alarms, (alarm) => alarm.endedAt !== null && alarm.endedAt < before);
  return removed;
}

type AnyMethod = (...given: unknown[]) => Promise<unknown>;

/** Wraps every method of every repository. */
function mapMethods(
  repositories: Repositories,
  around: (call: () => Promise<unknown>, repository: string, method: string) => Promise<unknown>,
): Repositories {
  return Object.fromEntries(
    Object.entries(repositories).map(([repository, methods]) => [
      repository,
      Object.fromEntries(
        Object.entries(methods as Record<string, AnyMethod>).map(([method, call]) => [
          method,
          (...given: unknown[]) => around(() => call(...given), repository, method),
        ]),
      ),
    ]),
  ) as unknown as Repositories;
}

export interface StateFault {
  /** `transaction`, `prune`, `size`, `close`, or a repository's method such as `points.put`, inside and outside of transactions. */
  readonly method: string;
  /** Which call fails, from 1. */
  readonly call: number;
  readonly error: Error;
}

/** @returns a State that does what `real` does, except for its faults; `assertAllFaultsUsed` throws when one never came up */
export function faultyState(real: State, faults: readonly StateFault[]): State & { assertAllFaultsUsed(): void } {
  const calls = new Map<string, number>();
  const unused = new Set(faults);
  const attempt = async <T>(method: string, work: () => Promise<T>): Promise<T> => {
    const call = (calls.get(method) ?? 0) + 1;
    calls.set(method, call);
    const fault = faults.find((one) => one.method === method && one.call === call);
    if (fault === undefined) return work();
    unused.delete(fault);
    throw fault.error;
  };
  const wrapped = (repositories: Repositories): Repositories =>
    mapMethods(repositories, (call, repository, method) => attempt(`${repository}.${method}`, call));
  return {
    repositories: wrapped(real.repositories),
    transaction: (work) => attempt("transaction", () => real.transaction((inner) => work(wrapped(inner)))),
    prune: (before) => attempt("prune", () => real.prune(before)),
    size: () => attempt("size", () => real.size()),
    close: () => attempt("close", () => real.close()),
    assertAllFaultsUsed() {
      const left = [...unused].map((fault) => `${fault.method} call ${fault.call}`);
      if (left.length > 0) throw new Error(`Faults that never came up: ${left.join(", ")}`);
    },
  };
}
