/** One cause, one alarm: what a run did to several numbers is told once, by the first of them, with what else moved. */
import { impactOf } from "../core/alarm-context.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { Repositories } from "../core/ports.ts";
import { TRAITS } from "../core/statistics/signals.ts";
import type { Alarm } from "../core/values.ts";

/** Alarms of one day, over the whole fleet, that are told one by one where nothing is configured. */
const TOLD_PER_DAY = 10;
const DAY_MS = 86_400_000;
const READ = 1000;

/**
 * @param alarms of the detector, that begin or end now
 * @param known all of the source's, also those of the hard rules that begin now
 * @returns those to be recorded
 */
export async function onePerCause(
  policy: SourcePolicy,
  alarms: readonly Alarm[],
  known: readonly Alarm[],
  repositories: Repositories,
): Promise<readonly Alarm[]> {
  if (alarms.length === 0) return [];
  const runOf = await causeFinder(policy, repositories);
  const told = new Map(known.map((alarm) => [alarm.id, alarm]));
  const causes = new Map<string, Alarm>();
  for (const alarm of known) if (alarm.kind !== "drift") causes.set(await runOf(alarm.ref), alarm);
  const kept = new Map<string, Alarm>();
  const fresh: string[] = [];
  for (const alarm of alarms) {
    const before = told.get(alarm.id);
    const run = await runOf(alarm.ref);
    const cause = causes.get(run);
    if (before !== undefined) {
      if (before.endedAt === null && alarm.endedAt !== null) kept.set(alarm.id, { ...before, endedAt: alarm.endedAt });
    } else if (cause === undefined || cause.id === alarm.id || alarm.kind === "drift") {
      const impact = impactOf(policy);
      kept.set(alarm.id, impact.length === 0 ? alarm : { ...alarm, context: impact });
      fresh.push(alarm.id);
      if (alarm.kind !== "drift") causes.set(run, kept.get(alarm.id) ?? alarm);
    } else {
      const current = kept.get(cause.id) ?? told.get(cause.id) ?? cause;
      kept.set(cause.id, withContext(current, [movedToo(alarm)]));
      causes.set(run, kept.get(cause.id) ?? cause);
    }
  }
  await groupBeyond(policy, fresh, kept, repositories);
  return [...kept.values()];
}

/** @returns the alarm with phrases it did not have */
export function withContext(alarm: Alarm, phrases: readonly string[]): Alarm {
  const all = [...new Set([...(alarm.context ?? []), ...phrases])];
  return all.length === (alarm.context?.length ?? 0) ? alarm : { ...alarm, context: all };
}

function movedToo({ signal, observed, expected }: Alarm): string {
  const { show } = TRAITS[signal];
  return `its ${signal.replaceAll("_", " ")} moved too (${show(observed)}${expected === null ? "" : `, expected ${show(expected)}`})`;
}

/** A run, the point it wrote and the drills of that point are one: @returns the point's id where there is one */
export async function causeFinder(policy: SourcePolicy, repositories: Repositories): Promise<(ref: string) => Promise<string>> {
  const points = await repositories.points.list(policy.id);
  const ofRun = new Map(points.flatMap((point) => (point.runId === null ? [] : [[point.runId, point.id] as const])));
  const own = new Set(points.map((point) => point.id));
  const found = new Map<string, string>();
  return async (ref) => {
    const point = found.get(ref) ?? ofRun.get(ref) ?? (own.has(ref) ? ref : (await repositories.drills.get(ref))?.pointId) ?? ref;
    found.set(ref, point);
    return point;
  };
}

/**
 * A vault that stalls moves every source at once. Beyond so many a day alarms are counted together instead of one by one; those that the
 * hard rules tell are not held back.
 */
async function groupBeyond(
  policy: SourcePolicy,
  fresh: readonly string[],
  kept: Map<string, Alarm>,
  { alarms }: Repositories,
): Promise<void> {
  if (fresh.length === 0) return;
  const most = policy.anomalies?.toldPerDay ?? TOLD_PER_DAY;
  const newest = Math.max(...fresh.map((id) => kept.get(id)?.since ?? 0));
  const others = (await alarms.list({ all: true, limit: READ })).filter(
    (alarm) => alarm.kind !== "rule" && alarm.grouped !== true && Math.abs(newest - alarm.since) < DAY_MS && !kept.has(alarm.id),
  );
  let told = others.length;
  for (const id of fresh) {
    const alarm = kept.get(id);
    if (alarm === undefined) continue;
    if (told >= most) kept.set(id, { ...alarm, grouped: true });
    else told += 1;
  }
}
