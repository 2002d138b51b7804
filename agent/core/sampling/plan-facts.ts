/** Figures a plan starts from: what drills have measured, what the configuration says, and plainly assumed where neither does. */
import type { SourceConnection, SourcePolicy } from "../policy.ts";
import type { DrillRecord } from "../values.ts";
import type { Layer, Phase } from "../words.ts";
import { type Budget, NO_LIMIT } from "./budget.ts";
import type { PlanFacts } from "./planner.ts";

const DAY = 86_400_000;

/** Layers that read a sample; the others read everything in every drill. */
export const SAMPLED_LAYERS = ["scratch", "live"] as const satisfies readonly Layer[];
export type SampledLayer = (typeof SAMPLED_LAYERS)[number];

export interface GatheredFacts {
  readonly facts: PlanFacts;
  readonly budget: Budget;
  /** What nobody measured or configured, as sentences. */
  readonly assumed: readonly string[];
}

/** Requests an item where nothing is known: written by tens and read back, or read by a few dozen. */
const CALLS: Readonly<Record<SampledLayer, number>> = { scratch: 0.2, live: 0.05 };
/** A usual rate limit is a few requests a second. */
const SECONDS_A_CALL = 0.3;
const CALLS_A_DRILL = 10;
const EDITED_A_DAY = 0.01;

const PHASES: Readonly<Record<SampledLayer, readonly Phase[]>> = { scratch: ["load", "readback"], live: ["compare"] };

/**
 * @param drills of the source, newest first
 * @param known overrides everything
 * @returns null where no drill has told yet how many items there are, and nobody says it either
 */
export function gatherFacts(
  layer: SampledLayer,
  policy: SourcePolicy,
  connection: SourceConnection | null,
  drills: readonly DrillRecord[],
  known: Partial<PlanFacts>,
): GatheredFacts | null {
  const assumed: string[] = [];
  const told = drills.filter((drill) => drill.facts !== null && drill.layers.content === "verified");
  const newest = told[0];
  const population = known.population ?? newest?.facts?.inventory.records;
  if (population === undefined) return null;
  const measured = measuredSeconds(layer, drills);
  const secondsPerItem = known.secondsPerItem ?? measured;
  const callsPerItem = known.callsPerItem ?? CALLS[layer];
  if (known.callsPerItem === undefined) assumed.push(`${callsPerItem} API calls an item`);
  if (secondsPerItem === null) assumed.push(`${SECONDS_A_CALL} s a call`);
  const growth = known.growthPerDay ?? growthOf(told);
  if (growth === null) assumed.push("no growth: there are no two days of drills to tell it from");
  const changedPerDay = known.changedPerDay ?? population * EDITED_A_DAY;
  if (known.changedPerDay === undefined) assumed.push("1 % of items edited a day");
  if (known.bytesPerItem === undefined && newest === undefined) assumed.push("no bytes: no drill has measured any");
  if (known.pricePerCall === undefined && known.pricePerGb === undefined) assumed.push("calls and bytes cost nothing");
  const drillsPerDay = known.drillsPerDay ?? DAY / (policy.backups.everyMs ?? policy.verify.repeatMs);
  const facts: PlanFacts = {
    population,
    drillsPerDay,
    growthPerDay: growth ?? 0,
    newPerDay: known.newPerDay ?? Math.max(0, growth ?? 0),
    changedPerDay,
    critical: known.critical ?? policy.verify.critical.length,
    bytesPerItem: known.bytesPerItem ?? bytesPerItem(newest),
    callsPerItem,
    secondsPerItem: secondsPerItem ?? callsPerItem * SECONDS_A_CALL,
    callsPerDrill: known.callsPerDrill ?? CALLS_A_DRILL,
    secondsPerDrill: known.secondsPerDrill ?? 0,
    pricePerCall: known.pricePerCall ?? 0,
    pricePerGb: known.pricePerGb ?? 0,
    laneShare: known.laneShare ?? 0.5,
  };
  return { facts, budget: budgetOf(policy, connection, drillsPerDay), assumed };
}

function budgetOf(policy: SourcePolicy, connection: SourceConnection | null, drillsPerDay: number): Budget {
  if (connection === null) return NO_LIMIT;
  const { records, apiCallsPerDay } = connection.sample;
  // The layers of a source share what it may ask of its product.
  const layers = Math.max(1, SAMPLED_LAYERS.filter((layer) => policy.verify.layers.includes(layer)).length);
  return { items: records, bytes: null, seconds: null, calls: apiCallsPerDay === null ? null : apiCallsPerDay / drillsPerDay / layers };
}

/** Of the drills that ran the layer, the median: one slow day is no rule. */
function measuredSeconds(layer: SampledLayer, drills: readonly DrillRecord[]): number | null {
  const rates = drills
    .flatMap((drill) => {
      const items =
        layer === "live"
          ? Object.values(drill.compared ?? {}).reduce((all, count) => all + count, 0)
          : (drill.checks.find((check) => check.id === "restore.loads" && check.status === "pass")?.count ?? 0);
      const ms = PHASES[layer].reduce((all, phase) => all + (drill.phases[phase] ?? 0), 0);
      return items > 0 && ms > 0 ? [ms / 1000 / items] : [];
    })
    .sort((a, b) => a - b);
  return rates[Math.floor(rates.length / 2)] ?? null;
}

function bytesPerItem(drill: DrillRecord | undefined): number {
  const records = drill?.facts?.inventory.records ?? 0;
  return drill === undefined || records === 0 ? 0 : drill.artifact.bytes / records;
}

/** Items a day between the first and the last drill that counted them, where days lie between. */
function growthOf(told: readonly DrillRecord[]): number | null {
  const [newest, oldest] = [told[0], told.at(-1)];
  if (newest?.facts == null || oldest?.facts == null) return null;
  const days = (newest.finishedAt - oldest.finishedAt) / DAY;
  return days < 2 ? null : (newest.facts.inventory.records - oldest.facts.inventory.records) / days;
}
