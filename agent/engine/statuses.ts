/** How every source stands, for the command line and the API. */
import type { SourcePolicy } from "../core/policy.ts";
import type { Repositories } from "../core/ports.ts";
import type { SourceStatus } from "../core/status.ts";
import { createFleetReader } from "./read-fleet.ts";

/** Worst first. */
export async function readStatuses(policies: readonly SourcePolicy[], repositories: Repositories, now: number): Promise<SourceStatus[]> {
  const read = await createFleetReader(repositories)(policies, now);
  return read.map(({ status }) => status).sort((a, b) => b.worst - a.worst || (a.sourceId < b.sourceId ? -1 : 1));
}
