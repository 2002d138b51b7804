/** What a drill is told of relations to other sources, from what their drills kept. */
import type { SourcePolicy } from "../core/policy.ts";
import type { Repositories } from "../core/ports.ts";
import type { KeySet, RelationExpectation, RelationPolicy, RelationsExpectation } from "../core/relations.ts";

interface Told {
  readonly keys: KeySet;
  readonly startedAt: number;
}

/** Drills of one source that are looked through, newest first. */
const MOST_DRILLS = 30;

/** @param startedAt when the backup that is drilled began, ms since the epoch */
export async function relationsExpectation(
  policy: Pick<SourcePolicy, "id" | "relations">,
  pointId: string,
  startedAt: number,
  repositories: Pick<Repositories, "drills" | "points" | "runs">,
  key: string,
): Promise<{ readonly relations?: RelationsExpectation }> {
  const declared = policy.relations ?? [];
  if (declared.length === 0) return {};
  const relations: RelationExpectation[] = [];
  for (const relation of declared) {
    if (relation.to.source === policy.id) relations.push({ relation, side: "to", startedAt, other: null, earlier: null });
    if (relation.from.source !== policy.id) continue;
    const other = nearest(await told(relation, "to", null, repositories), startedAt + relation.toleranceMs);
    const earlier = (await told(relation, "from", pointId, repositories)).filter((one) => one.startedAt <= startedAt);
    // The newest that was there before the other side's backup began says most of what ought to be in it.
    const before = earlier.filter((one) => other !== null && one.startedAt + relation.toleranceMs <= other.startedAt);
    relations.push({ relation, side: "from", startedAt, other, earlier: newest(before) });
  }
  return { relations: { key, relations } };
}

/** The newest that is not younger than `until`; where there is none, the oldest of those that are. */
function nearest(all: readonly Told[], until: number): Told | null {
  const before = newest(all.filter((one) => one.startedAt <= until));
  return before ?? all.toSorted((a, b) => a.startedAt - b.startedAt)[0] ?? null;
}

function newest(all: readonly Told[]): Told | null {
  return all.toSorted((a, b) => b.startedAt - a.startedAt)[0] ?? null;
}

async function told(
  relation: RelationPolicy,
  side: "from" | "to",
  except: string | null,
  { drills, points, runs }: Pick<Repositories, "drills" | "points" | "runs">,
): Promise<readonly Told[]> {
  const rows = (await drills.ledger(relation[side].source)).toReversed().slice(0, MOST_DRILLS);
  const seen = new Set<string | null>([except]);
  const found: Told[] = [];
  for (const row of rows) {
    if (seen.has(row.pointId)) continue;
    const keys = (await drills.get(row.drillId))?.facts?.keys?.find((one) => one.relation === relation.name && one.side === side);
    const point = await points.get(row.pointId);
    if (keys === undefined || point === null) continue;
    seen.add(row.pointId);
    const run = point.runId === null ? null : await runs.get(point.runId);
    found.push({ keys, startedAt: run?.startedAt ?? point.createdAt });
  }
  return found;
}
