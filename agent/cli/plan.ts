/** `restorewatch plan`: what verifying within a promise costs, and what the configured budget can promise. */
import type { SourceConnection, SourcePolicy } from "../core/policy.ts";
import type { Budget } from "../core/sampling/budget.ts";
import { gatherFacts, type GatheredFacts, SAMPLED_LAYERS, type SampledLayer } from "../core/sampling/plan-facts.ts";
import { coverWithinOf } from "../core/sampling/standing.ts";
import { type Needed, neededFor, type PlanFacts, type PlanTarget, type Promised, promiseOf } from "../core/sampling/planner.ts";
import { AgentError, asAgentError } from "../core/errors.ts";
import type { DrillRecord } from "../core/values.ts";
import { describeBytes, describeCount, describeDuration, describeNumber, describeTime } from "../core/words-for-people.ts";
import type { Output } from "./output.ts";
import { clean } from "./render.ts";

const DAY = 86_400_000;

export interface PlanOptions {
  readonly output: "text" | "json";
  /** Without a time of its own, what each source promises holds. */
  readonly target: Omit<PlanTarget, "coverWithinMs"> & { readonly coverWithinMs: number | null };
  /** Null: those the source verifies. */
  readonly layer: SampledLayer | null;
  /** What if: instead of what was measured, configured or assumed. */
  readonly facts: Partial<PlanFacts>;
  readonly budget: Partial<Budget>;
}

export interface PlanSource {
  readonly policy: SourcePolicy;
  readonly connection: SourceConnection | null;
  /** Newest first. */
  readonly drills: readonly DrillRecord[];
}

export interface PlanDeps {
  readonly out: Output;
  readonly now: () => number;
  readonly read: (sourceId: string | null) => Promise<readonly PlanSource[]>;
}

interface Planned extends GatheredFacts {
  readonly layer: SampledLayer;
  readonly target: PlanTarget;
  readonly promise: Promised;
  readonly needed: Needed;
}

interface SourcePlan {
  readonly source: string;
  readonly layers: readonly Planned[];
  /** Why there is nothing to plan, or null. */
  readonly note: string | null;
  /** Nobody can say how many items there are. */
  readonly unknown: boolean;
}

/** @returns 0 when every promise is kept, 1 when one is not, 3 when there are no figures yet, 2 for an unknown source */
export async function planCommand(source: string | null, options: PlanOptions, deps: PlanDeps): Promise<number> {
  try {
    const sources = await deps.read(source);
    if (source !== null && sources.length === 0)
      throw new AgentError("usage", "no-such-source", `The configuration has no source "${source}".`);
    const plans = sources.map((one) => planOf(one, options));
    if (options.output === "json") {
      const at = new Date(deps.now()).toISOString();
      deps.out.line(JSON.stringify({ schema: "restorewatch.plan/v1", at, target: options.target, sources: plans }));
    } else for (const line of plans.flatMap((plan) => textOf(plan, deps))) deps.out.line(line);
    const layers = plans.flatMap((plan) => plan.layers);
    if (layers.some(({ promise }) => !promise.keepsCoverage || !promise.keepsBadRate)) return 1;
    return plans.some((plan) => plan.unknown) ? 3 : 0;
  } catch (thrown) {
    return deps.out.failure(asAgentError(thrown), options.output);
  }
}

function planOf({ policy, connection, drills }: PlanSource, options: PlanOptions): SourcePlan {
  const base = { source: policy.id, layers: [], unknown: false };
  const wanted = SAMPLED_LAYERS.filter((layer) =>
    options.layer === null ? policy.verify.layers.includes(layer) : layer === options.layer,
  );
  if (wanted.length === 0)
    return { ...base, note: `${policy.verify.layers.join(" and ")}: everything is read in every drill, nothing is sampled` };
  const layers = wanted.flatMap((layer): Planned[] => {
    const gathered = gatherFacts(layer, policy, connection, drills, options.facts);
    if (gathered === null) return [];
    const budget = { ...gathered.budget, ...options.budget };
    const target = { ...options.target, coverWithinMs: options.target.coverWithinMs ?? coverWithinOf(policy) };
    const promise = promiseOf(gathered.facts, budget, target);
    return [{ ...gathered, budget, layer, target, promise, needed: neededFor(gathered.facts, target) }];
  });
  if (layers.length > 0) return { ...base, layers, note: null };
  return { ...base, note: "no drill has told yet how many items there are; --population says it instead", unknown: true };
}

function textOf(plan: SourcePlan, deps: PlanDeps): string[] {
  const { style } = deps.out;
  const name = style.bold(clean(plan.source));
  if (plan.note !== null) return [`${name}: ${clean(plan.note)}`];
  return plan.layers.flatMap((one) => [
    `${name}, layer ${one.layer}: ${describeCount(one.facts.population, "item")}, ${describeCount(one.facts.drillsPerDay, "drill")} a day`,
    `  Budget of a drill: ${budgetText(one.budget)}`,
    ...promiseLines(one, deps).map((line) => `  ${line}`),
    `  ${neededLine(one)}`,
    ...(one.assumed.length === 0 ? [] : [style.dim(`  Assumed: ${one.assumed.join("; ")}`)]),
  ]);
}

function promiseLines({ promise, facts }: Planned, deps: PlanDeps): string[] {
  const { style } = deps.out;
  const kept = promise.keepsCoverage && promise.keepsBadRate;
  const cycle =
    promise.cycleDays === null ? "not everything is ever read" : `everything is read once in ${describeDuration(promise.cycleDays * DAY)}`;
  const sure = `${describeNumber(promise.confidence * 100)} % confidence`;
  const rate =
    promise.random >= facts.population
      ? "a drill looks at every item"
      : promise.badRate >= 1
        ? "a drill cannot bound how many are bad"
        : `a drill without a find says with ${sure} that fewer than ${percentUp(promise.badRate)} of items are bad; a single lost record may still be there`;
  const breaks =
    promise.breaksInDays !== null && promise.breaksInDays > 0 && promise.breaksInDays < 3650
      ? [`At today's growth this holds until ${describeTime(deps.now() + promise.breaksInDays * DAY)}`]
      : [];
  return [
    `${kept ? style.good("✓ kept") : style.bad("✗ not kept")}: ${cycle}; ${rate}`,
    `It costs a month: ${effortText(promise.perMonth, promise.moneyPerMonth)}`,
    ...breaks,
    ...promise.warnings.map((warning) => style.warn(`! ${warning}`)),
  ];
}

function neededLine({ needed, target }: Planned): string {
  const rate =
    target.badRate === null ? "" : `, and fewer than ${percentUp(target.badRate)} bad at ${describeNumber(target.confidence * 100)} %`;
  const items = `${describeCount(needed.random, "item")} at random and ${describeNumber(needed.lanes)} of lanes a drill`;
  const month = effortText(needed.perMonth, needed.moneyPerMonth);
  const all = needed.random >= needed.population ? ", which is everything" : "";
  return `To read everything within ${describeDuration(target.coverWithinMs)}${rate}: ${items}${all}; a month: ${month}`;
}

function effortText(cost: Needed["perMonth"], money: number): string {
  const parts = [
    describeCount(Math.ceil(cost.items), "item"),
    describeBytes(cost.bytes),
    describeCount(Math.ceil(cost.calls), "API call"),
    describeDuration(cost.seconds * 1000),
  ];
  return `${parts.join(", ")}${money > 0 ? `, ${money.toFixed(2)} in money` : ""}`;
}

function budgetText(budget: Budget): string {
  const parts = [
    budget.items === null ? null : describeCount(budget.items, "item"),
    budget.bytes === null ? null : describeBytes(budget.bytes),
    budget.calls === null ? null : describeCount(Math.floor(budget.calls), "API call"),
    budget.seconds === null ? null : describeDuration(budget.seconds * 1000),
  ].filter((part) => part !== null);
  return parts.length === 0 ? "no limit" : parts.join(", ");
}

/** Never less than it is. */
function percentUp(rate: number): string {
  return `${Number((Math.ceil(Number((rate * 1e4).toPrecision(10))) / 100).toPrecision(4))} %`;
}
