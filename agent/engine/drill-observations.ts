/** What a drill tells the anomaly engine of its recovery point and of itself. Pure. */
import type { DrillRecord, Observation, RecoveryPoint } from "../core/values.ts";

const GB = 1e9;
/** Below it, seconds a gigabyte say nothing about bytes. */
const LEAST_BYTES = 1_000_000;
/** A share of fewer items jumps by itself. */
const LEAST_COMPARED = 20;

/**
 * @param counted whether the point's numbers were told before: each point is one observation, however often it is drilled
 * @returns observations of the point at its time, and, of a drill that verified everything, of the drill at the time it ended
 */
export function drillObservations(
  drill: DrillRecord,
  point: RecoveryPoint | null,
  counted: { readonly records: boolean; readonly contents: boolean },
): readonly Observation[] {
  const observations: Observation[] = [];
  const inventory = drill.facts?.inventory;
  if (point !== null && inventory !== undefined) {
    const of = { sourceId: drill.sourceId, at: point.createdAt, ref: point.id };
    if (!counted.records) observations.push({ ...of, signal: "records", value: inventory.records });
    // A backup that did not restore is no measure for the next.
    if (!counted.contents && drill.layers.content === "verified") {
      if (inventory.records > 0 && point.bytes > 0)
        observations.push({ ...of, signal: "bytes_per_record", value: point.bytes / inventory.records });
      if (inventory.links > 0) observations.push({ ...of, signal: "links", value: inventory.links });
      if (inventory.files > 0) observations.push({ ...of, signal: "files", value: inventory.files });
    }
  }
  // Drills of the calendar go deeper, and take as long as they take.
  if (drill.kind !== "sample" || drill.verdict !== "verified") return observations;
  const of = { sourceId: drill.sourceId, at: drill.finishedAt, ref: drill.id };
  const seconds = Object.values(drill.phases).reduce((sum, ms) => sum + ms, 0) / 1000;
  const { bytes } = drill.artifact;
  if (seconds > 0) {
    observations.push({ ...of, signal: "restore_seconds", value: seconds });
    if (bytes >= LEAST_BYTES) observations.push({ ...of, signal: "restore_seconds_per_gb", value: (seconds * GB) / bytes });
  }
  const asked = (drill.restoreCost?.steps ?? []).filter((one) => one.requests > 0);
  // Waits of requests under way together are added up: none was longer than its step.
  if (asked.length > 0)
    observations.push({ ...of, signal: "wait_seconds", value: asked.reduce((sum, one) => sum + Math.min(one.waitMs, one.ms), 0) / 1000 });
  const { compared } = drill;
  if (compared !== undefined) {
    const told = compared.match + compared.changed + compared.mismatch;
    if (told >= LEAST_COMPARED) observations.push({ ...of, signal: "changed_share", value: compared.changed / told });
  }
  return observations;
}
