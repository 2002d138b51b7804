/**
 * How one source stands right now, read from what state holds: the one reading that pages, tables and reports share. Pure.
 * What could not be looked at is `unknown` or `pending` here, never fine.
 */
import type { SourcePolicy } from "./policy.ts";
import type { PollStatus, ProbeStatus } from "./ports.ts";
import { type ProductStatus, productStatus } from "./product-status.ts";
import { headlineOf } from "./status-headline.ts";
import type { Alarm, CheckResult, DrillRecord, RecoveryPoint, RunReport } from "./values.ts";
import { describeNumber } from "./words-for-people.ts";
import { LAYERS, type Layer, type PlatformName, type Tier, type Verdict } from "./words.ts";

/** What is read of a finished drill; a DrillRecord is one, and so is a ledger row without reasons and checks. */
export type StatusDrill = Pick<DrillRecord, "id" | "pointId" | "verdict" | "layers" | "finishedAt"> &
  Partial<Pick<DrillRecord, "reasons" | "checks">>;

export interface StatusInput {
  readonly policy: SourcePolicy;
  /** Points that are in the vault, newest created first. */
  readonly points: readonly RecoveryPoint[];
  /** How many points there are and how large they are together, where `points` does not hold all of them. */
  readonly kept?: { readonly points: number; readonly bytes: number };
  /** Newest finished first. */
  readonly drills: readonly StatusDrill[];
  /** Newest finished first. */
  readonly runs: readonly RunReport[];
  /** Alarms of this source; ended ones are left out here. */
  readonly alarms: readonly Alarm[];
  readonly poll: PollStatus | null;
  /** How its live product was last found; without it nothing is known of one. */
  readonly probe?: ProbeStatus | null;
  /** When the source came into the configuration, or null where that is not known. */
  readonly firstSeenAt: number | null;
  readonly now: number;
}

export const RPO_STATES = ["ok", "late", "breached", "never", "unknown"] as const;
/**
 * `ok` within objective and schedule · `late` the schedule is missed, the objective not yet · `breached` older than the objective ·
 * `never` looked, and there is no backup · `unknown` nothing was looked at since it mattered, or no objective says what is enough
 */
export type RpoState = (typeof RPO_STATES)[number];

export interface RpoStatus {
  readonly state: RpoState;
  readonly newestAt: number | null;
  readonly ageMs: number | null;
  readonly objectiveMs: number | null;
}

export const DRILL_STATES = ["verified", "failed", "inconclusive", "pending", "none"] as const;
/** The verdict of the newest drill of the newest point; `pending` before it had one; `none` while there is no point. */
export type DrillState = (typeof DRILL_STATES)[number];

export interface LayerStatus {
  readonly layer: Layer;
  readonly verdict: Verdict | "pending";
  /** End of the newest drill of any point that verified this layer, or null. */
  readonly verifiedAt: number | null;
  /** Longer ago than the objective; a layer never verified counts from when the source was first configured. */
  readonly stale: boolean;
  /** Asked for by the configuration. */
  readonly promised: boolean;
}

export interface StatusTrouble {
  readonly code: string;
  readonly message: string;
  readonly failures: number;
  /** The last poll that worked, or when the source was first configured, or null. */
  readonly since: number | null;
}

export const LEVELS = ["failing", "attention", "waiting", "fine"] as const;
/** `failing` a restore would fail or lose more than allowed · `attention` a person should look · `waiting` not known yet · `fine`. */
export type Level = (typeof LEVELS)[number];

export interface SourceStatus {
  readonly sourceId: string;
  readonly platform: PlatformName;
  readonly owner: string | null;
  readonly domain: string;
  readonly tier: Tier;
  readonly rpo: RpoStatus;
  readonly verdict: DrillState;
  /** The drill the verdict is from. */
  readonly drill: StatusDrill | null;
  /** While the newest point is pending: the newest drill of an earlier one. */
  readonly previous: StatusDrill | null;
  readonly layers: readonly LayerStatus[];
  /** Newest end of a drill that verified every promised layer of a point, or null. */
  readonly verifiedAt: number | null;
  readonly stale: boolean;
  /** Newest first. */
  readonly alarms: readonly Alarm[];
  /** Set while polling fails. */
  readonly trouble: StatusTrouble | null;
  /** Its live product; null where it has none, or it was not asked yet. */
  readonly product: ProductStatus | null;
  /** Reported runs that failed since the last that did not. */
  readonly failedRuns: number;
  readonly counts: { readonly points: number; readonly bytes: number; readonly failingChecks: number; readonly alarms: number };
  readonly level: Level;
  /** Higher is worse; ties go to the more important tier. */
  readonly worst: number;
  /** One plain sentence: what matters most. */
  readonly headline: string;
}

/** What `headlineOf` reads: everything but the sentence itself. */
export type StatusFacts = Omit<SourceStatus, "headline" | "level" | "worst">;

export function sourceStatus(input: StatusInput): SourceStatus {
  const { policy, points, drills, now } = input;
  const newest = points[0] ?? null;
  const drill = newest === null ? null : (drills.find((candidate) => candidate.pointId === newest.id) ?? null);
  const layers = layerStatus(input, drill);
  const alarms = input.alarms.filter((alarm) => alarm.endedAt === null).sort((a, b) => b.since - a.since);
  const promised = layers.filter((layer) => layer.promised);
  const facts: StatusFacts = {
    sourceId: policy.id,
    platform: policy.platform,
    owner: policy.owner?.team ?? null,
    domain: policy.domain,
    tier: policy.tier,
    rpo: rpoStatus(input),
    verdict: newest === null ? "none" : (drill?.verdict ?? "pending"),
    drill,
    previous: drill === null ? (drills[0] ?? null) : null,
    layers,
    verifiedAt:
      drills.find((candidate) => policy.verify.layers.every((layer) => candidate.layers[layer] === "verified"))?.finishedAt ?? null,
    stale: promised.some((layer) => layer.stale),
    alarms,
    trouble: pollTrouble(input),
    product: input.probe === undefined || input.probe === null ? null : productStatus(input.probe),
    failedRuns: failedRuns(input.runs),
    counts: {
      points: input.kept?.points ?? points.length,
      bytes: input.kept?.bytes ?? points.reduce((sum, point) => sum + point.bytes, 0),
      failingChecks: failingChecks(drill).length,
      alarms: alarms.length,
    },
  };
  const rank = rankOf(facts);
  return { ...facts, level: levelOf(rank), worst: rank * 10 + TIER_WEIGHT[policy.tier], headline: headlineOf(facts, policy, points, now) };
}

/** The checks that failed in a drill, in its order. */
export function failingChecks(drill: StatusDrill | null): readonly CheckResult[] {
  return (drill?.checks ?? []).filter((check) => check.status === "fail");
}

function rpoStatus({ policy, points, poll, now }: StatusInput): RpoStatus {
  const newestAt = points[0]?.createdAt ?? null;
  const objectiveMs = policy.objectives.rpoMs;
  const lookedAt = poll?.lastOkAt ?? null;
  if (newestAt === null) return { state: lookedAt === null ? "unknown" : "never", newestAt, ageMs: null, objectiveMs };
  const ageMs = Math.max(0, now - newestAt);
  const state = (): RpoState => {
    if (objectiveMs !== null && ageMs > objectiveMs) {
      // Where nobody could look since the objective ran out, a newer backup may well be there.
      const looked = lookedAt !== null && (lookedAt > newestAt + objectiveMs || now - lookedAt <= 2 * policy.pollMs);
      return looked ? "breached" : "unknown";
    }
    const { everyMs, jitterMs } = policy.backups;
    if (everyMs !== null && ageMs > everyMs + Math.max(jitterMs, everyMs / 4)) return "late";
    return objectiveMs === null && everyMs === null ? "unknown" : "ok";
  };
  return { state: state(), newestAt, ageMs, objectiveMs };
}

function layerStatus({ policy, drills, firstSeenAt, now }: StatusInput, drill: StatusDrill | null): LayerStatus[] {
  const shown = LAYERS.filter((layer) => policy.verify.layers.includes(layer) || drill?.layers[layer] !== undefined);
  return shown.map((layer) => {
    const verifiedAt = drills.find((candidate) => candidate.layers[layer] === "verified")?.finishedAt ?? null;
    const since = verifiedAt ?? firstSeenAt;
    return {
      layer,
      verdict: drill?.layers[layer] ?? "pending",
      verifiedAt,
      stale: since !== null && now - since > policy.objectives.verifyMs,
      promised: policy.verify.layers.includes(layer),
    };
  });
}

function pollTrouble({ poll, firstSeenAt }: StatusInput): StatusTrouble | null {
  if (poll === null || poll.trouble === null || poll.failures === 0) return null;
  return { ...poll.trouble, failures: poll.failures, since: poll.lastOkAt ?? firstSeenAt };
}

function failedRuns(runs: readonly RunReport[]): number {
  const concluded = runs.filter((run) => run.outcome === "success" || run.outcome === "failure");
  const success = concluded.findIndex((run) => run.outcome === "success");
  return success === -1 ? concluded.length : success;
}

const TIER_WEIGHT: Readonly<Record<Tier, number>> = { critical: 2, important: 1, standard: 0 };

/** What a source is judged by, worst first; the first that holds is its rank. */
const RANKS: readonly (readonly [rank: number, holds: (facts: StatusFacts) => boolean])[] = [
  [95, (facts) => facts.verdict === "failed" && (facts.rpo.state === "breached" || facts.rpo.state === "never")],
  [90, (facts) => facts.verdict === "failed"],
  [85, (facts) => facts.rpo.state === "breached" || facts.rpo.state === "never"],
  [80, (facts) => facts.verdict === "pending" && facts.previous?.verdict === "failed"],
  [60, (facts) => facts.rpo.state === "unknown" && facts.trouble !== null],
  [55, (facts) => facts.alarms.length > 0],
  [50, (facts) => facts.verdict === "inconclusive"],
  [45, (facts) => facts.trouble !== null || facts.failedRuns > 0],
  [42, (facts) => (facts.product?.problems.length ?? 0) > 0],
  [40, (facts) => facts.stale],
  [35, (facts) => facts.rpo.state === "late"],
  [20, (facts) => facts.verdict === "none" || facts.verdict === "pending" || notLookedSince(facts)],
  [10, (facts) => facts.rpo.state === "unknown"],
];

/** The newest point known is older than the objective, and nobody has looked since it ran out. */
export function notLookedSince({ rpo }: Pick<StatusFacts, "rpo">): boolean {
  return rpo.state === "unknown" && rpo.ageMs !== null && rpo.objectiveMs !== null;
}

function rankOf(facts: StatusFacts): number {
  return RANKS.find(([, holds]) => holds(facts))?.[0] ?? 0;
}

function levelOf(rank: number): Level {
  if (rank >= 80) return "failing";
  if (rank >= 30) return "attention";
  return rank >= 20 ? "waiting" : "fine";
}

/** Worst first; the same rank by name, so that rows do not jump about. */
export function byWorst(a: SourceStatus, b: SourceStatus): number {
  return b.worst - a.worst || (a.sourceId < b.sourceId ? -1 : 1);
}

export interface FleetSummary {
  readonly sources: number;
  readonly levels: Readonly<Record<Level, number>>;
  readonly verdicts: Readonly<Record<DrillState, number>>;
  readonly rpo: Readonly<Record<RpoState, number>>;
  readonly alarms: number;
  /** One sentence: how many could be restored, and what stands against the rest. */
  readonly headline: string;
}

export function fleetSummary(statuses: readonly SourceStatus[]): FleetSummary {
  const levels = tally(LEVELS, statuses, (status) => status.level);
  const verdicts = tally(DRILL_STATES, statuses, (status) => status.verdict);
  const rpo = tally(RPO_STATES, statuses, (status) => status.rpo.state);
  return {
    sources: statuses.length,
    levels,
    verdicts,
    rpo,
    alarms: statuses.reduce((sum, status) => sum + status.alarms.length, 0),
    headline: fleetHeadline(statuses.length, levels),
  };
}

function fleetHeadline(sources: number, levels: Readonly<Record<Level, number>>): string {
  if (sources === 0) return "No source is configured yet.";
  if (levels.fine === sources) return sources === 1 ? "The source would restore." : `All ${describeNumber(sources)} sources would restore.`;
  const parts = [
    levels.failing === 0 ? null : `${describeNumber(levels.failing)} would not restore as promised`,
    levels.attention === 0 ? null : `${describeNumber(levels.attention)} ${levels.attention === 1 ? "needs" : "need"} a look`,
    levels.waiting === 0 ? null : `${describeNumber(levels.waiting)} not known yet`,
    levels.fine === 0 ? null : `${describeNumber(levels.fine)} fine`,
  ].filter((part) => part !== null);
  return `Of ${describeNumber(sources)} ${sources === 1 ? "source" : "sources"}: ${parts.join(", ")}.`;
}

function tally<K extends string>(
  keys: readonly K[],
  statuses: readonly SourceStatus[],
  of: (status: SourceStatus) => K,
): Record<K, number> {
  const counts = Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
  for (const status of statuses) counts[of(status)] += 1;
  return counts;
}
