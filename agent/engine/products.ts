/** The layers that need a live product: what a drill does after its child has looked at the bytes. */
import type { Differences } from "../core/differences.ts";
import { asAgentError } from "../core/errors.ts";
import type { SourceProducts } from "../core/platform-ports.ts";
import type { StepCost } from "../core/forecasting/costs.ts";
import { parsePending, PENDING_PAPER } from "../core/pending.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { Clock, Repositories, Telemetry } from "../core/ports.ts";
import type { DrillRecord, RecoveryPoint } from "../core/values.ts";
import { ledgerOf, type SampledLayer, sampledLayer, type SampledResult } from "../core/sampled.ts";
import type { Layer, Phase } from "../core/words.ts";
import type { RestoreRequest, SamplingRequest } from "../drill/protocol.ts";
import type { ChildOutcome } from "./drill-child/index.ts";
import { liveDrill } from "./live/live.ts";
import { readSampled } from "./sampled.ts";
import { readRestoreSet } from "./scratch/read-set.ts";
import { scratchDrill, scratchPrefix } from "./scratch/scratch.ts";

export interface Looked {
  readonly outcome: ChildOutcome;
  readonly compared: NonNullable<DrillRecord["compared"]> | null;
  /** Scratch workspaces that could not be removed. */
  readonly leaks: number;
  readonly sampled: readonly SampledLayer[];
  /** What the restore into the product cost; absent where there was none, or it did not end. */
  readonly cost?: { readonly steps: readonly StepCost[]; readonly perSecond: number | null };
}

/** Production's keys listed for one collection in one drill. */
const MOST_KEYS = 100_000;

/** What the child is asked to lay ready, or undefined where no promised layer needs it. */
export function restoreRequest(
  policy: SourcePolicy,
  products: SourceProducts | null,
  seed: string,
  sampling: SamplingRequest | null,
): RestoreRequest | undefined {
  if (products === null || !needsProduct(policy)) return undefined;
  const { records, most, fileBytes } = products.connection.sample;
  return { drawn: records, most, maxFileBytes: fileBytes, seed, ...(sampling === null ? {} : { sampling }) };
}

function needsProduct(policy: SourcePolicy): boolean {
  return policy.verify.layers.includes("scratch") || policy.verify.layers.includes("live");
}

/** Never throws; what goes wrong is the outcome's trouble, and what the child found stays. */
export async function lookAtProducts(
  order: {
    readonly policy: SourcePolicy;
    readonly point: RecoveryPoint;
    readonly drillId: string;
    readonly digestKey: string;
    readonly workDir: string;
    readonly startedAt: number;
    /** What the child drew by; null where it drew without a ledger. */
    readonly sampling: SamplingRequest | null;
  },
  products: SourceProducts | null,
  outcome: ChildOutcome,
  deps: {
    readonly telemetry: Telemetry;
    readonly clock: Clock;
    /** Without it nothing is remembered of what a comparison could not tell. */
    readonly repositories?: Pick<Repositories, "papers">;
    /** Without it nobody can look at the values that differed. */
    readonly keepDifferences?: (differences: Differences) => Promise<void>;
  },
  signal: AbortSignal,
): Promise<Looked> {
  const papers = deps.repositories?.papers;
  const nothing: Looked = { outcome, compared: null, leaks: 0, sampled: [] };
  const { policy } = order;
  if (products === null || outcome.restoreSet === null || !needsProduct(policy)) return nothing;
  let looked = nothing;
  try {
    const set = await readRestoreSet(order.workDir);
    const drawn = order.sampling === null ? null : await readSampled(order.workDir);
    const read = (layer: Layer, results: readonly SampledResult[] | null, trouble: unknown): readonly SampledLayer[] =>
      // What was cut short has not read what was drawn: it is drawn again.
      drawn === null || order.sampling === null || results === null || trouble !== null
        ? []
        : [sampledLayer(layer, drawn, results, ledgerOf(order.sampling.ledger), order.sampling.seed, order.sampling.now)];
    if (policy.verify.layers.includes("live")) {
      const live = await liveDrill(
        {
          startedAt: order.startedAt,
          digestKey: order.digestKey,
          mostKeys: MOST_KEYS,
          pending: parsePending((await papers?.get(policy.id, PENDING_PAPER)) ?? null),
        },
        set,
        products.open,
        deps,
        signal,
      );
      const comparedAt = deps.clock.now();
      const keepMs = policy.verify.keepDifferencesMs ?? 0;
      if (live.compared !== null)
        await deps.keepDifferences?.({
          version: 1,
          sourceId: policy.id,
          drillId: order.drillId,
          pointId: order.point.id,
          startedAt: order.startedAt,
          comparedAt,
          expiresAt: comparedAt + keepMs,
          ...live.differences,
        });
      if (live.pending !== null) await papers?.put(policy.id, PENDING_PAPER, JSON.stringify(live.pending));
      looked = {
        ...looked,
        compared: live.compared,
        outcome: merged(looked.outcome, live.checks, { compare: live.ms }, live.trouble),
        sampled: read("live", live.compared === null ? null : live.results, live.trouble),
      };
    }
    if (policy.verify.layers.includes("scratch") && products.scratch !== null) {
      const { identity } = await products.open.platform.probe(signal);
      // What killed runs left behind goes first, so that this one finds an empty place: a source is drilled once at a time.
      await products.scratch.workspace.sweep(scratchPrefix(policy.id), new Set(), signal);
      const own = { sourceId: policy.id, drillId: order.drillId, digestKey: order.digestKey };
      const scratch = await scratchDrill(own, set, products.scratch, identity, deps, signal);
      looked = {
        ...looked,
        leaks: scratch.leaks,
        outcome: merged(looked.outcome, scratch.checks, scratch.phases, scratch.trouble),
        sampled: [...looked.sampled, ...read("scratch", scratch.results, scratch.trouble)],
        ...(scratch.costs === null ? {} : { cost: { steps: scratch.costs, perSecond: products.scratch.use?.().perSecond ?? null } }),
      };
    }
  } catch (thrown) {
    const error = asAgentError(thrown);
    const message = error.mend === null ? error.message : `${error.message}; ${error.mend}`;
    looked = { ...looked, outcome: merged(looked.outcome, [], {}, { code: error.code, message }) };
  }
  return looked;
}

function merged(
  outcome: ChildOutcome,
  checks: ChildOutcome["checks"],
  phases: Readonly<Partial<Record<Phase, number>>>,
  trouble: ChildOutcome["trouble"],
): ChildOutcome {
  const sum: Partial<Record<Phase, number>> = { ...outcome.phases };
  for (const [name, ms] of Object.entries(phases) as [Phase, number][]) sum[name] = (sum[name] ?? 0) + ms;
  return { ...outcome, checks: [...outcome.checks, ...checks], phases: sum, trouble: outcome.trouble ?? trouble };
}
