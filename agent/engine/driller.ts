/** One drill, the parent's half: opens the artifact, lets a supervised child restore and check it, judges, records. */
import { randomBytes } from "node:crypto";
import { criticalPath, type PathStep } from "../core/critical-path.ts";
import type { Differences } from "../core/differences.ts";
import { AgentError, asAgentError } from "../core/errors.ts";
import type { EvidenceEntry } from "../core/evidence.ts";
import type { DueDrill } from "../core/plan.ts";
import type { SourceProducts } from "../core/platform-ports.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { Clock, OpenArtifact, Repositories, Span, Telemetry, Vault, Work } from "../core/ports.ts";
import type { DrillRecord, Isolation, RecoveryPoint } from "../core/values.ts";
import { judge } from "../core/verdict.ts";
import type { DrillJob } from "../drill/protocol.ts";
import { ATTRIBUTES, SPANS } from "../telemetry/names.ts";
import { withDeadline } from "./deadline.ts";
import type { ChildOutcome } from "./drill-child/index.ts";
import { restoreCost } from "./forecasts.ts";
import type { RestoreCost } from "../core/forecasting/costs.ts";
import { samplingRequest } from "./sampled.ts";
import { expectationOf } from "./drill-expectation.ts";
import { recordDrill, tellSpan } from "./drill-record.ts";
import { lookAtProducts, type Looked, restoreRequest } from "./products.ts";
import { leaveBehind, type Spares } from "./unread.ts";

export interface DrillerDeps {
  readonly vault: (id: string) => Vault;
  readonly repositories: Repositories;
  readonly record: (entries: readonly EvidenceEntry[]) => Promise<void>;
  readonly work: Work;
  readonly holder: string;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** False while the wall clock is not believed. */
  readonly settled: () => boolean;
  readonly isolation: () => Isolation;
  /** Runs the child over the job and resolves with what it found; never rejects for what the child does. */
  readonly runChild: (job: DrillJob, span: Span, signal: AbortSignal) => Promise<ChildOutcome>;
  readonly createWorkDir: (drillId: string) => Promise<{ readonly path: string; remove(): Promise<void> }>;
  /** Hex key of the digests that natural keys are shown as. */
  readonly digestKey: string;
  /** Without it every file of a backup is fetched. */
  readonly spares?: Spares;
  /** Live products of sources that have a connection; null for the others. */
  readonly products?: (sourceId: string) => SourceProducts | null;
  /** A scratch workspace could not be removed, or all could. */
  readonly scratchLeaks?: (sourceId: string, leaks: number) => void;
  readonly keepDifferences?: (differences: Differences) => Promise<void>;
  /** A small file of the configuration's, as text. */
  readonly readText: (path: string) => Promise<string>;
  /** The poll that found a point, for the link from the drill's trace. */
  readonly foundBy: (pointId: string) => { readonly traceId: string; readonly spanId: string } | null;
}

const LEASE_MS = 60_000;

/** @returns the finished drill, or null when another agent holds it, its point is gone from state, or `signal` aborted it before it told us anything */
export async function runDrill(
  due: DueDrill,
  policy: SourcePolicy,
  trigger: DrillRecord["trigger"],
  deps: DrillerDeps,
  signal: AbortSignal,
): Promise<DrillRecord | null> {
  const { work, holder } = deps;
  const point = await deps.repositories.points.get(due.pointId);
  if (point === null || !(await work.lease(due.id, holder, LEASE_MS))) return null;
  const lost = new AbortController();
  const stopRenewing = new AbortController();
  const renewing = keepLease(due.id, deps, lost, stopRenewing.signal);
  try {
    return await drillUnderSpan(due, policy, point, trigger, deps, AbortSignal.any([signal, lost.signal]));
  } finally {
    stopRenewing.abort();
    await renewing;
    await work.release(due.id, holder);
  }
}

/** Renews the lease at a third of its life; when it is lost, someone else runs the drill, and ours is abandoned. */
async function keepLease(id: string, deps: DrillerDeps, lost: AbortController, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    try {
      await deps.clock.sleep(LEASE_MS / 3, stop);
      if (!(await deps.work.renew(id, deps.holder, LEASE_MS)) && !(await takeAgain(id, deps))) {
        lost.abort();
        return;
      }
    } catch {
      if (!stop.aborted) lost.abort();
      return;
    }
  }
}

/** A process that was stopped for a while, and a clock that jumped, let a lease run out that nobody else wanted. */
async function takeAgain(id: string, deps: DrillerDeps): Promise<boolean> {
  return (await deps.repositories.drills.get(id)) === null && (await deps.work.lease(id, deps.holder, LEASE_MS));
}

async function drillUnderSpan(
  due: DueDrill,
  policy: SourcePolicy,
  point: RecoveryPoint,
  trigger: DrillRecord["trigger"],
  deps: DrillerDeps,
  signal: AbortSignal,
): Promise<DrillRecord | null> {
  const found = deps.foundBy(point.id);
  const attributes = {
    [ATTRIBUTES.source]: policy.id,
    [ATTRIBUTES.platform]: policy.platform,
    [ATTRIBUTES.domain]: policy.domain,
    [ATTRIBUTES.pointId]: point.id,
    [ATTRIBUTES.drillId]: due.id,
    [ATTRIBUTES.drillKind]: due.kind,
    [ATTRIBUTES.drillAttempt]: due.attempt,
  };
  return deps.telemetry.span(
    SPANS.drill,
    attributes,
    async (span) => {
      const startedAt = deps.clock.now();
      const started = deps.clock.monotonic();
      const { outcome, name, compared, sampled, cost } = await restore(due, policy, point, deps, span, signal);
      if (signal.aborted) {
        span.fail("aborted");
        return null;
      }
      const finishedAt = startedAt + Math.max(0, Math.round(deps.clock.monotonic() - started));
      const { verdict, layers, reasons } = judge(policy.verify.layers, outcome.checks, outcome.trouble);
      const drill: DrillRecord = {
        id: due.id,
        kind: due.kind,
        sourceId: policy.id,
        pointId: point.id,
        trigger,
        attempt: due.attempt,
        startedAt,
        finishedAt,
        verdict,
        layers,
        reasons: reasons.slice(0, 20),
        trouble: outcome.trouble?.code ?? null,
        artifact: {
          path: name,
          format: outcome.recognised?.format ?? null,
          formatVersion: outcome.recognised?.formatVersion ?? null,
          bytes: outcome.artifact?.bytes ?? point.bytes,
          sha256: outcome.artifact?.sha256 ?? null,
          ...(outcome.artifact?.unread === undefined ? {} : { unread: outcome.artifact.unread }),
        },
        checks: outcome.checks,
        phases: outcome.phases,
        sample: outcome.sample,
        facts: outcome.facts,
        resources: outcome.resources,
        isolation: outcome.isolation,
        traceId: span.traceId,
        ...(compared === null || compared === undefined ? {} : { compared }),
        ...(sampled.length === 0 ? {} : { sampled }),
        ...(cost === null ? {} : { restoreCost: cost }),
        ...pathOf(span, startedAt, finishedAt),
      };
      tellSpan(span, drill);
      await recordDrill(drill, policy, deps, span);
      return drill;
    },
    { root: true, ...(found === null ? {} : { links: [found] }) },
  );
}

function pathOf(span: Span, from: number, to: number): Pick<DrillRecord, "criticalPath"> {
  const spans = span.below?.() ?? null;
  // Whole milliseconds, as everything that is kept of a drill.
  const whole = (steps: readonly PathStep[]): PathStep[] => steps.map((step) => ({ ...step, ms: Math.round(step.ms) }));
  return spans === null ? {} : { criticalPath: whole(criticalPath(spans, from, to)) };
}

async function restore(
  due: DueDrill,
  policy: SourcePolicy,
  point: RecoveryPoint,
  deps: DrillerDeps,
  span: Span,
  signal: AbortSignal,
): Promise<{
  readonly outcome: ChildOutcome;
  readonly name: string;
  readonly compared: DrillRecord["compared"] | null;
  readonly sampled: Looked["sampled"];
  readonly cost: RestoreCost | null;
}> {
  const products = deps.products?.(policy.id) ?? null;
  let compared: DrillRecord["compared"] | null = null;
  let sampled: Looked["sampled"] = [];
  let cost: RestoreCost | null = null;
  let opened: OpenArtifact | null = null;
  let workDir: { readonly path: string; remove(): Promise<void> } | null = null;
  let outcome: ChildOutcome = {
    recognised: null,
    artifact: null,
    createdAt: null,
    checks: [],
    facts: null,
    sample: null,
    phases: {},
    resources: null,
    restoreSet: null,
    trouble: null,
    isolation: deps.isolation(),
  };
  try {
    const vault = deps.vault(point.vaultId);
    workDir = await deps.createWorkDir(due.id).catch((thrown: unknown) => {
      const error = asAgentError(thrown);
      throw new AgentError(error.kind, error.code, `A drill's working directory could not be made: ${error.message}`, { cause: thrown });
    });
    const dir = workDir.path;
    const seed = randomBytes(16).toString("hex");
    const fetching = deps.clock.monotonic();
    opened = await deps.telemetry.span(
      "vault.open",
      { [ATTRIBUTES.peerName]: `vault:${vault.id}`, [ATTRIBUTES.peerService]: `vault:${vault.id}`, [ATTRIBUTES.bytes]: point.bytes },
      () =>
        atVault(deps, policy, signal, (bounded) => {
          const leave = leaveBehind(policy.verify.fetchBytes, deps.spares, seed);
          const opening = vault.open(point.path, { spoolDir: dir, maxBytes: policy.verify.limits.maxBytes, signal: bounded, ...leave });
          // What opens after nobody waits for it any more is closed again.
          void opening.then((late) => (bounded.aborted ? closeQuietly(late, deps) : undefined)).catch(() => undefined);
          return opening;
        }),
      { kind: "client" },
    );
    const fetchMs = deps.clock.monotonic() - fetching;
    requirePoint(point, opened);
    const expectation = await expectationOf(policy, point, opened, deps);
    const made = expectation.run?.startedAt ?? point.createdAt;
    const sampling = products === null ? null : await samplingRequest(policy, deps.repositories, deps.digestKey, made, deps.clock.now());
    const request = restoreRequest(policy, products, randomBytes(16).toString("hex"), sampling);
    const job: DrillJob = {
      drillId: due.id,
      artifactPath: opened.localPath,
      artifactName: point.path,
      workDir: dir,
      format: policy.backups.format,
      key: policy.backups.key === null ? null : await policy.backups.key.reveal(),
      expectation,
      sample: { strategy: "all", count: 0, rate: 1, seed, always: policy.verify.critical },
      limits: policy.verify.limits,
      digestKey: deps.digestKey,
      ...(request === undefined ? {} : { restore: request }),
      ...(opened.unread === undefined ? {} : { unread: opened.unread }),
    };
    const artifact = opened;
    outcome = await deps.runChild(job, span, signal);
    // Checked after the child is done: what changed under its hands proves nothing, in either direction.
    await atVault(deps, policy, signal, () => artifact.assertUnchanged());
    const startedAt = expectation.run?.startedAt ?? outcome.createdAt ?? point.createdAt;
    const order = { policy, point, drillId: due.id, digestKey: deps.digestKey, workDir: dir, startedAt, sampling };
    const { phases, facts } = outcome;
    const looked = await lookAtProducts(order, products, outcome, deps, signal);
    const loaded = outcome.trouble === null ? (facts?.inventory.records ?? null) : null;
    cost = restoreCost({ fetchMs, opened: artifact, phases, loaded }, looked.cost ?? null);
    ({ outcome, compared, sampled } = looked);
    if (policy.verify.layers.includes("scratch")) deps.scratchLeaks?.(policy.id, looked.leaks);
  } catch (thrown) {
    const error = asAgentError(thrown);
    const message = error.mend === null ? error.message : `${error.message.replace(/\.$/, "")}; ${error.mend}`;
    outcome = {
      ...outcome,
      // Where it could not be seen that nothing changed, nothing is proven either: a vault that went away reads like a broken backup.
      checks: [],
      facts: null,
      trouble: { code: error.code, message },
    };
  } finally {
    await closeQuietly(opened, deps);
    await removeQuietly(workDir, deps);
  }
  return { outcome, name: point.path, compared, sampled, cost };
}

/** A mounted vault whose server is gone answers no call at all: it is not waited for longer than a drill may take. */
function atVault<T>(deps: DrillerDeps, policy: SourcePolicy, signal: AbortSignal, work: (bounded: AbortSignal) => Promise<T>): Promise<T> {
  return withDeadline(deps.clock, policy.verify.limits.timeMs, signal, work);
}

/** What lies there now must be what the poll saw: a backup job may have begun to write the next one to the same place. */
function requirePoint(point: RecoveryPoint, { entry }: OpenArtifact): void {
  if (entry.bytes === point.bytes && entry.modifiedAt === point.modifiedAt) return;
  throw new AgentError("transient", "artifact-changed", `${point.path}: It is no longer what the last poll saw there.`, {
    mend: "it is looked at again at the next poll",
  });
}

async function closeQuietly(opened: OpenArtifact | null, deps: DrillerDeps): Promise<void> {
  try {
    await opened?.close();
  } catch (thrown) {
    deps.telemetry.log("warn", "an artifact could not be closed", { [ATTRIBUTES.errorType]: asAgentError(thrown).code });
  }
}

async function removeQuietly(workDir: { remove(): Promise<void> } | null, deps: DrillerDeps): Promise<void> {
  try {
    await workDir?.remove();
  } catch (thrown) {
    deps.telemetry.log("error", "a sandbox could not be removed", { [ATTRIBUTES.errorType]: asAgentError(thrown).code });
  }
}
