/** Two sources that read samples, one of which cannot keep its promise, and one that reads everything; with values that differed. */
import type { Differences } from "../../../agent/core/differences.ts";
import type { SourceConnection } from "../../../agent/core/policy.ts";
import { COVERAGE_PAPER } from "../../../agent/core/sampled.ts";
import type { CoverageFacts } from "../../../agent/core/sampling/coverage.ts";
import { readStanding } from "../../../agent/engine/coverage.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";
import { fill, NOW, type World, world } from "./world.ts";

const DAY = 86_400_000;

function sampledPolicy(id: string) {
  return policy(id, { verify: { ...policy().verify, layers: ["artifact", "content", "scratch", "live"], coverWithinMs: 30 * DAY } });
}

function connection(sourceId: string, records: number): SourceConnection {
  const sample = { records, most: 500, fileBytes: 1e6, apiCallsPerDay: null };
  return { sourceId, platform: "nocodb", config: {}, scratch: {}, capture: null, sample };
}

export const DRILL = "drill-hasty-45";
const times = { backupUpdatedAt: null, productionUpdatedAt: NOW - DAY, productionCreatedAt: null } as const;
const DIFFERENCES: Differences = {
  version: 1,
  sourceId: "hasty",
  drillId: DRILL,
  pointId: "hasty-45",
  startedAt: NOW - 9 * 3_600_000,
  comparedAt: NOW - 3_600_000,
  expiresAt: NOW + 6 * DAY,
  items: [
    {
      collection: "People",
      key: "17",
      result: "mismatch",
      because: "edited before the backup began",
      fields: [
        { field: "Mail", backup: null, production: "anna@example.org" },
        { field: "Notes", backup: `…${"x".repeat(40)} called on Monday`, production: `…${"x".repeat(259)}…` },
      ],
      more: 0,
      ...times,
    },
    { collection: "Deals", key: "rec0123456789abcd", result: "changed", because: "deleted since", fields: [], more: 0, ...times },
  ],
  more: 12,
};

export async function sampledWorld(): Promise<World> {
  const state = memoryState();
  const sources = [sampledPolicy("calm"), sampledPolicy("hasty"), policy("whole")];
  for (const one of sources) await fill(state, { policy: one });
  const facts: CoverageFacts[] = ["Deals", "<b>People</b>"].map((collection, at) => ({
    id: `scratch/${collection}`,
    layer: "scratch",
    stratum: { collection, kind: "records" },
    countable: true,
    population: 1000,
    read: [[NOW - DAY, 900 + at * 99]],
    unread: { never: 100 - at * 99 },
    waitingSince: NOW - 35 * DAY,
  }));
  for (const id of ["calm", "hasty"])
    await state.repositories.papers.put(id, COVERAGE_PAPER, JSON.stringify({ facts, bounds: { scratch: 0.0123 } }));
  const drill = await state.repositories.drills.get(DRILL);
  if (drill !== null) await state.repositories.drills.put({ ...drill, compared: { match: 40, changed: 2, mismatch: 1, unverifiable: 3 } });
  return world({
    state,
    sources,
    differences: (id) => Promise.resolve(id === "hasty" ? DIFFERENCES : null),
    standing: (own) => readStanding(own, connection(own.id, own.id === "hasty" ? 20 : 2000), state.repositories, NOW),
  });
}
