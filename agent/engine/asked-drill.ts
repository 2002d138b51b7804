/** The drill a person asks for: the one that is planned for the newest recovery point anyway, or else one of its own. */
import { idOf } from "../core/ids.ts";
import { type DueDrill, planDrills } from "../core/plan.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { AgentDeps } from "./agent-parts.ts";

/** @returns null where the source has no recovery point yet */
export async function askedDrill(
  policy: SourcePolicy,
  repositories: AgentDeps["state"]["repositories"],
  now: number,
): Promise<DueDrill | null> {
  const points = await repositories.points.list(policy.id);
  const point = points[0];
  if (point === undefined) return null;
  const ledger = await repositories.drills.ledger(policy.id);
  const planned = planDrills({
    policies: [policy],
    points: new Map([[policy.id, points]]),
    ledger: new Map([[policy.id, ledger]]),
    firstSeen: new Map(),
    calendars: [],
    now,
  })[0];
  if (planned?.pointId === point.id) return planned;
  return {
    id: idOf("drill", policy.id, "person", point.id, now),
    kind: "sample",
    sourceId: policy.id,
    pointId: point.id,
    attempt: 1,
    dueAt: now,
    reason: "repeat",
    priority: 0,
  };
}
