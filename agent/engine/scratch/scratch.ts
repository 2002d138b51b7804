/**
 * The layer `scratch`: a sample of a backup is restored by the product itself, into a workspace made for this drill, read back, compared,
 * probed, and thrown away. Whatever goes wrong with the product or with us is trouble; only what was restored and is not right is a failure.
 */
import { AgentError, asAgentError } from "../../core/errors.ts";
import { idOf } from "../../core/ids.ts";
import type { LoadOutcome, OpenScratch, PlatformProbe, ReadBack, RestoreSet, Workspace } from "../../core/platform-ports.ts";
import type { Clock, Telemetry } from "../../core/ports.ts";
import type { SampledResult } from "../../core/sampled.ts";
import type { CheckResult } from "../../core/values.ts";
import type { Phase } from "../../core/words.ts";
import type { StepCost } from "../../core/forecasting/costs.ts";
import { ATTRIBUTES, SPANS } from "../../telemetry/names.ts";
import { costedStep, loadCosts } from "./load-costs.ts";
import {
  accessResult,
  automationResults,
  countsResult,
  loadsResult,
  readBackResult,
  readBackResults,
  reconnectResult,
  recordsIn,
  result,
  type Result,
} from "./judge.ts";

export interface ScratchOrder {
  readonly sourceId: string;
  readonly drillId: string;
  /** Hex key of the digests natural keys are shown as. */
  readonly digestKey: string;
}

export interface ScratchOutcome {
  readonly checks: readonly CheckResult[];
  readonly phases: Readonly<Partial<Record<Phase, number>>>;
  readonly trouble: { readonly code: string; readonly message: string } | null;
  /** Workspaces that could not be removed. */
  readonly leaks: number;
  /** Of every item that did not come back the same; null where it was not seen. */
  readonly results: readonly SampledResult[] | null;
  /** What the restore itself cost, without looking at it; null where it did not end. */
  readonly costs: readonly StepCost[] | null;
}

/** How long disposing may take after everything else was aborted, ms. */
const DISPOSE_MS = 120_000;

/** By it a workspace of a killed run is known as ours. */
export function scratchTag(sourceId: string, drillId: string): string {
  return `${scratchPrefix(sourceId)}${drillId}`;
}

/** No other source's tag begins so: the digest tells `crm` from `crm-test`. */
export function scratchPrefix(sourceId: string): string {
  return `restorewatch-${sourceId}-${idOf("scratch", sourceId).slice(0, 6)}-`;
}

/** Never throws. */
export async function scratchDrill(
  order: ScratchOrder,
  set: RestoreSet,
  scratch: OpenScratch,
  production: PlatformProbe["identity"],
  deps: { readonly telemetry: Telemetry; readonly clock: Clock },
  signal: AbortSignal,
): Promise<ScratchOutcome> {
  const { telemetry, clock } = deps;
  const checks: CheckResult[] = [];
  const phases: Partial<Record<Phase, number>> = {};
  let trouble: ScratchOutcome["trouble"] = null;
  let workspace: Workspace | null = null;
  let results: readonly SampledResult[] | null = null;
  let costs: readonly StepCost[] | null = null;
  let leaks = 0;

  const phase = async <T>(name: Phase, items: number, work: () => Promise<T>): Promise<T> => {
    const from = clock.monotonic();
    try {
      return await telemetry.span(SPANS.phase(name), { [ATTRIBUTES.items]: items }, work);
    } finally {
      phases[name] = (phases[name] ?? 0) + (clock.monotonic() - from);
    }
  };
  const ask = async (id: string, work: () => Promise<readonly Result[]>): Promise<void> => {
    const from = clock.monotonic();
    const answers = await work().catch((thrown: unknown) => {
      if (signal.aborted) throw thrown;
      return [result(id, "error", `It could not be asked: ${asAgentError(thrown).message}`)];
    });
    const durationMs = clock.monotonic() - from;
    for (const answer of answers) {
      checks.push({ ...answer, durationMs });
      tellCheck(telemetry, answer);
    }
  };

  try {
    const { value: place, cost: provisioned } = await phase("provision", 0, () =>
      costedStep("provision", clock, scratch.use, () =>
        scratch.workspace.provision(scratchTag(order.sourceId, order.drillId), production, signal),
      ),
    );
    workspace = place;
    const { loaded, steps } = await phase("load", recordsIn(set), async () => {
      const measured = loadCosts(set, clock, scratch.use);
      return { loaded: await scratch.workspace.load(place, set, signal, measured.turn), steps: measured.end() };
    });
    costs = [provisioned, ...steps];
    await ask("restore.loads", async () => [loadsResult(set, loaded)]);
    const back = await phase("readback", recordsIn(set), () => scratch.workspace.readBack(place, set, loaded, signal));
    await phase("compare", recordsIn(set), () => compare(set, loaded, back, order.digestKey, ask));
    results = readBackResults(set, loaded, back);
    await phase("checks", 0, () => probeWorkspace(scratch, place, set, ask, signal));
  } catch (thrown) {
    trouble = troubleOf(thrown);
    // What was refused was not made; but an answer that was lost may have said that it was.
    if (workspace === null && asAgentError(thrown).kind !== "config") checks.push(...(await lookForLost(scratch, order)));
  }
  if (workspace !== null) {
    const gone = workspace;
    try {
      // Also after an abort: a workspace is never left because nobody waits any more.
      const { left } = await phase("dispose", 0, () => scratch.workspace.dispose(gone, AbortSignal.timeout(DISPOSE_MS)));
      const said =
        left.length === 0 ? "The scratch workspace is gone." : `The scratch workspace is gone; the product keeps: ${left.join("; ")}`;
      await ask("restore.rollback", async () => [result("restore.rollback", "pass", said, { count: 1 })]).catch(() => undefined);
    } catch (thrown) {
      leaks = 1;
      const error = asAgentError(thrown);
      checks.push({
        ...result("restore.rollback", "error", `The scratch workspace could not be removed: ${error.message}`),
        durationMs: 0,
      });
      trouble ??= {
        code: "scratch-leak",
        message: `The scratch workspace ${gone.tag} could not be removed; it is tried again at the next drill.`,
      };
    }
  }
  return { checks, phases, trouble, leaks, results, costs };
}

/** A workspace that was made without our being told: it is removed, or it is said that one may be there. */
async function lookForLost({ workspace }: OpenScratch, { sourceId, drillId }: ScratchOrder): Promise<readonly CheckResult[]> {
  try {
    await workspace.sweep(scratchTag(sourceId, drillId), new Set(), AbortSignal.timeout(DISPOSE_MS));
    return [];
  } catch (thrown) {
    const said = `Whether a scratch workspace was left behind could not be seen, the next drill looks again: ${asAgentError(thrown).message}`;
    return [{ ...result("restore.rollback", "error", said), durationMs: 0 }];
  }
}

async function compare(
  set: RestoreSet,
  loaded: LoadOutcome,
  back: ReadBack,
  digestKey: string,
  ask: (id: string, work: () => Promise<readonly Result[]>) => Promise<void>,
): Promise<void> {
  await ask("restore.counts", async () => [countsResult(set, loaded, back)]);
  await ask("restore.readback", async () => [readBackResult(set, loaded, back, digestKey)]);
  await ask("automations.inactive-in-sandbox", async () => automationResults(set, loaded, back));
}

async function probeWorkspace(
  scratch: OpenScratch,
  place: Workspace,
  set: RestoreSet,
  ask: (id: string, work: () => Promise<readonly Result[]>) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { access, probe } = scratch;
  if (access !== null)
    await ask("restore.access", async () =>
      accessResult(await access.asRestricted(place, set, signal), await access.asOutsider(place, set, signal), set),
    );
  if (probe === null) return;
  await ask("restore.reconnects", async () => [reconnectResult(await probe.reconnect(place, signal))]);
  await ask("audit.continuous", async () => {
    const audit = await probe.audit(place, signal);
    if (audit === null) return [result("audit.continuous", "skip", "The product keeps no audit trail that can be read.")];
    return audit.mentionsLoad
      ? [result("audit.continuous", "pass", "The audit trail goes on: it holds this restore.", { count: audit.entries })]
      : [result("audit.continuous", "fail", "The audit trail does not hold this restore.", { count: 1 })];
  });
  await ask("records.sequence", async () => {
    const tried: string[] = [];
    for (const collection of set.collections.filter((one) => !one.computed && (set.records.get(one.id)?.length ?? 0) > 0)) {
      const said = await probe.nextInsert(place, collection, signal);
      if (said === "collides")
        return [result("records.sequence", "fail", `${collection.name}: the next record would get a key that is taken.`, { count: 1 })];
      if (said === "ok") tried.push(collection.name);
    }
    if (tried.length === 0) return [result("records.sequence", "skip", "No collection takes a record without more being known of it.")];
    return [result("records.sequence", "pass", `The next record goes in, in ${tried.length} collections.`, { count: tried.length })];
  });
}

function tellCheck(telemetry: Telemetry, answer: Result): void {
  void telemetry.span(
    SPANS.check,
    {
      [ATTRIBUTES.checkId]: answer.id,
      [ATTRIBUTES.checkLayer]: answer.layer,
      [ATTRIBUTES.checkStatus]: answer.status,
      [ATTRIBUTES.checkObserved]: answer.observed,
      [ATTRIBUTES.checkItems]: answer.count,
    },
    async (span) => {
      if (answer.status === "fail") span.fail("check-failed");
    },
  );
}

function troubleOf(thrown: unknown): { readonly code: string; readonly message: string } {
  const error = thrown instanceof AgentError ? thrown : asAgentError(thrown);
  return { code: error.code, message: error.mend === null ? error.message : `${error.message}; ${error.mend}` };
}
