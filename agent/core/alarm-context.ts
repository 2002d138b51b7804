/** What else moved in the run an alarm is about, from the drill of that run and those before it; and who is hit. Pure. */
import { differencesOf } from "./baseline.ts";
import type { SourcePolicy } from "./policy.ts";
import type { DrillRecord, PointFacts } from "./values.ts";
import { describeDuration, describeNumber } from "./words-for-people.ts";
import type { Phase } from "./words.ts";

const MOST_NAMED = 3;
/** Smaller moves of a collection are everyday life. */
const LEAST_MOVE = Math.log(1.1);
/** Below it, a phase is slow by chance. */
const LEAST_EXTRA_MS = 250;
const LEAST_RATIO = 1.25;

/** Business impact, said once when an alarm begins; nothing where a source is as any other. */
export function impactOf({ tier, domain }: Pick<SourcePolicy, "tier" | "domain">): readonly string[] {
  const unnamed = domain === "default" || domain === "";
  if (tier === "standard") return unnamed ? [] : [`it belongs to the domain ${domain}`];
  return [`it is ${tier}${unnamed ? "" : ` in the domain ${domain}`}`];
}

/**
 * @param before drills that verified earlier points, newest first
 * @returns phrases, the most telling first
 */
export function contextOf(drill: DrillRecord, before: readonly DrillRecord[]): readonly string[] {
  const facts = before.find((other) => other.facts !== null)?.facts ?? null;
  const own = drill.facts;
  return [
    ...(own === null || facts === null ? [] : [...movedCollection(own, facts), ...schemaDrift(own, facts)]),
    ...slowPhase(drill, before),
  ];
}

/** The collection whose number of records moved furthest. */
function movedCollection(own: PointFacts, before: PointFacts): readonly string[] {
  const earlier = new Map(before.collections.map((one) => [one.id, one.records]));
  const moves = own.collections.flatMap(({ id, name, records }) => {
    const was = earlier.get(id);
    if (was === undefined || was === records) return [];
    const by = Math.abs(Math.log((records + 1) / (was + 1)));
    return by < LEAST_MOVE ? [] : [{ name, was, records, by, count: Math.abs(records - was) }];
  });
  const [most] = moves.toSorted((a, b) => b.count - a.count || b.by - a.by);
  return most === undefined
    ? []
    : [`of its collections ${most.name} moved most, from ${describeNumber(most.was)} to ${describeNumber(most.records)} records`];
}

function schemaDrift(own: PointFacts, before: PointFacts): readonly string[] {
  const drift = differencesOf(before, own).filter(({ kind }) => /^(?:collection|field|automation)-/u.test(kind));
  if (drift.length === 0) return [];
  const named = drift.slice(0, MOST_NAMED).map(({ collection, what, kind }) => {
    const [thing = "", how = ""] = kind.split("-");
    return `${thing} ${collection === null || collection === what ? what : `${collection}.${what}`} ${how === "type" ? "of another type" : how}`;
  });
  const more = drift.length > MOST_NAMED ? ` and ${describeNumber(drift.length - MOST_NAMED)} more` : "";
  return [`its schema changed too: ${named.join(", ")}${more}`];
}

/** The phase that took most of what the drill took longer than usual. */
function slowPhase(drill: DrillRecord, before: readonly DrillRecord[]): readonly string[] {
  const moves = (Object.entries(drill.phases) as [Phase, number][]).flatMap(([phase, ms]) => {
    const usual = middle(before.flatMap((other) => other.phases[phase] ?? []));
    const slow = usual !== null && ms - usual >= LEAST_EXTRA_MS && ms >= usual * LEAST_RATIO;
    return slow ? [{ phase, ms, usual, extra: ms - usual }] : [];
  });
  const [most] = moves.toSorted((a, b) => b.extra - a.extra);
  return most === undefined
    ? []
    : [
        `of the drill's phases ${most.phase} was slowest against itself, ${describeDuration(most.ms)} where ${describeDuration(most.usual)} are usual`,
      ];
}

function middle(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.length === 0 ? null : (sorted[sorted.length >> 1] ?? null);
}
