/** From a finished drill to evidence, observations, alarms and telemetry. */
import { describePath, describeStep, longestStep, type PathStep } from "../core/critical-path.ts";
import type { EvidenceEntry } from "../core/evidence.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { Attributes, Span } from "../core/ports.ts";
import type { DrillRecord } from "../core/values.ts";
import { ATTRIBUTES } from "../telemetry/names.ts";
import { alarmEntries } from "./alarms.ts";
import { baselineEntries } from "./baselines.ts";
import { drillObservations } from "./drill-observations.ts";
import type { DrillerDeps } from "./driller.ts";

export function tellSpan(span: Span, drill: DrillRecord): void {
  span.set({
    [ATTRIBUTES.verdict]: drill.verdict,
    ...Object.fromEntries(Object.entries(drill.layers).map(([layer, verdict]) => [ATTRIBUTES.layerVerdict(layer), verdict])),
    [ATTRIBUTES.items]: drill.sample?.checked,
    [ATTRIBUTES.bytes]: drill.artifact.bytes,
    [ATTRIBUTES.trouble]: drill.trouble ?? undefined,
    [ATTRIBUTES.cpuSeconds]: drill.resources === null ? undefined : drill.resources.cpuMs / 1000,
    [ATTRIBUTES.peakMemory]: drill.resources?.peakRssBytes,
    [ATTRIBUTES.diskBytes]: drill.resources?.diskBytes,
    ...pathAttributes(drill.criticalPath ?? []),
  });
  if (drill.verdict === "failed") span.fail("verification-failed", drill.reasons[0]);
  if (drill.verdict === "inconclusive") span.fail(drill.trouble ?? "inconclusive", drill.reasons[0]);
}

function pathAttributes(steps: readonly PathStep[]): Attributes {
  const longest = longestStep(steps);
  if (longest === null) return {};
  return { [ATTRIBUTES.criticalPath]: describePath(steps), [ATTRIBUTES.criticalStep]: describeStep(longest) };
}

/** Evidence first, then what is told. */
export async function recordDrill(drill: DrillRecord, policy: SourcePolicy, deps: DrillerDeps, span: Span): Promise<void> {
  const { repositories, telemetry, clock } = deps;
  const now = clock.now();
  const point = await repositories.points.get(drill.pointId);
  const earlier = await repositories.drills.list({ pointId: drill.pointId, limit: 50 });
  // What its run reported is an observation already.
  const run = point === null || point.runId === null ? null : await repositories.runs.get(point.runId);
  const observations = drillObservations(drill, point, {
    records: run?.items?.records !== undefined || earlier.some((other) => other.facts !== null),
    contents: earlier.some((other) => other.layers.content === "verified"),
  });
  const entries: EvidenceEntry[] = [{ type: "drill.finished", at: now, drill }];
  if (observations.length > 0) entries.push({ type: "observations", at: now, observations });
  entries.push(...(await baselineEntries(policy, drill, repositories, now)));
  const alive = await repositories.points.list(policy.id);
  const runs = await repositories.runs.list(policy.id, { limit: 1000 });
  const fresh = { observations, points: alive, runs, drill };
  const alarms = await alarmEntries(policy, repositories, fresh, now, deps.settled());
  entries.push(...alarms.entries);
  await deps.record(entries);
  await alarms.keep();
  // The same numbers the recorder has added to the tallies, now with the trace as exemplar.
  telemetry.count("restore_drills_total", { source: drill.sourceId, drill_kind: drill.kind, verdict: drill.verdict });
  telemetry.observe(
    "restore_drill_duration_seconds",
    { source: drill.sourceId, drill_kind: drill.kind },
    (drill.finishedAt - drill.startedAt) / 1000,
    span,
  );
  for (const [phase, ms] of Object.entries(drill.phases))
    telemetry.observe("restore_phase_duration_seconds", { platform: policy.platform, phase }, ms / 1000, span);
  telemetry.log(drill.verdict === "verified" ? "info" : "warn", "drill finished", {
    [ATTRIBUTES.source]: drill.sourceId,
    [ATTRIBUTES.drillId]: drill.id,
    [ATTRIBUTES.verdict]: drill.verdict,
    reason: drill.reasons[0],
  });
}
