/** Where each check fails now: the fleet, read by check. Pure. */
import { failingChecks } from "../core/status.ts";
import type { CheckResult } from "../core/values.ts";
import type { Fleet } from "./reader.ts";

export interface FailingSource {
  readonly sourceId: string;
  readonly drillId: string;
  readonly finishedAt: number;
  readonly result: CheckResult;
}

/** Check id → the sources whose newest drill it failed in, worst source first. */
export function failingByCheck(fleet: Fleet): ReadonlyMap<string, readonly FailingSource[]> {
  const failing = fleet.entries.flatMap(({ status }): FailingSource[] => {
    const drill = status.drill ?? status.previous;
    if (drill === null) return [];
    return failingChecks(drill).map((result) => ({ sourceId: status.sourceId, drillId: drill.id, finishedAt: drill.finishedAt, result }));
  });
  return Map.groupBy(failing, (entry) => entry.result.id);
}
