/** Asks the live product of a source how it is, beside a poll of its vault. It says nothing about backups, so nothing of the poll hangs on it. */
import { asAgentError } from "../core/errors.ts";
import type { PlatformProbe, SourceProducts } from "../core/platform-ports.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { Clock, ProbeFound, ProbeStatus, Repositories, Telemetry } from "../core/ports.ts";
import { ATTRIBUTES, SPANS } from "../telemetry/names.ts";
import { withDeadline } from "./deadline.ts";

export interface ProbeDeps {
  /** Live products of sources that have a connection; may throw, for one that cannot be opened. */
  readonly products: (sourceId: string) => SourceProducts | null;
  readonly repositories: Repositories;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** Longest time it may take, ms. */
  readonly deadlineMs: number;
}

/** Every probe costs some of the requests a day that the product or its owner allows. */
export const PROBE_EVERY_MS = 3_600_000;
/** After one that failed: somebody may just be mending it. */
export const PROBE_AGAIN_MS = 300_000;

/**
 * Probes when it is time to, and keeps what was found. What a probe runs into is kept as its trouble.
 * @throws AgentError only when state cannot be read or written
 */
export async function probeProduct(policy: SourcePolicy, deps: ProbeDeps, signal: AbortSignal): Promise<void> {
  const { clock, telemetry } = deps;
  const { sources } = deps.repositories;
  const known = await sources.probe(policy.id);
  if (!isConnected(policy, deps)) {
    if (known !== null) await sources.dropProbe(policy.id);
    return;
  }
  // On another product everything begins anew.
  const before = known?.platform === policy.platform ? known : null;
  if (!isDue(before, clock.now())) return;
  const after = await telemetry.span(
    SPANS.probe,
    { [ATTRIBUTES.source]: policy.id, [ATTRIBUTES.platform]: policy.platform },
    async (span): Promise<ProbeStatus | null> => {
      try {
        const probe = await withDeadline(clock, deps.deadlineMs, signal, async (bounded) =>
          deps.products(policy.id)?.open.platform.probe(bounded),
        );
        return probe === undefined ? null : reached(policy, before, foundBy(probe), clock.now());
      } catch (thrown) {
        if (signal.aborted) return null;
        const { code, message, mend } = asAgentError(thrown);
        span.fail(code);
        const since = { reachedAt: before?.reachedAt ?? null, found: before?.found ?? null, changed: before?.changed ?? null };
        return { sourceId: policy.id, platform: policy.platform, probedAt: clock.now(), ...since, trouble: { code, message, mend } };
      }
    },
  );
  if (after === null) return;
  await sources.putProbe(after);
  tell(before, after, telemetry);
}

function isConnected(policy: SourcePolicy, deps: ProbeDeps): boolean {
  try {
    return deps.products(policy.id) !== null;
  } catch {
    // There is a connection that cannot be opened: the probe says why.
    return true;
  }
}

/** A time ahead of now is one of a clock that was set back since. */
function isDue(before: ProbeStatus | null, now: number): boolean {
  if (before === null || before.probedAt > now) return true;
  return now - before.probedAt >= (before.trouble === null ? PROBE_EVERY_MS : PROBE_AGAIN_MS);
}

function foundBy({ version, permissions, clockSkewMs, nativeBackups }: PlatformProbe): ProbeFound {
  const [newest] = nativeBackups ?? [];
  const native =
    nativeBackups === null
      ? null
      : { count: nativeBackups.length, newestAt: newest?.createdAt ?? null, complete: newest?.complete ?? null };
  return { version, permissions, clockSkewMs, nativeBackups: native };
}

function reached(policy: SourcePolicy, before: ProbeStatus | null, found: ProbeFound, now: number): ProbeStatus {
  const was = before?.found?.version ?? null;
  const differs = was !== null && found.version !== null && was !== found.version;
  // A product that does not tell its version this once has not changed it.
  const kept = { ...found, version: found.version ?? was };
  const changed = differs ? { from: was, at: now } : (before?.changed ?? null);
  return { sourceId: policy.id, platform: policy.platform, probedAt: now, reachedAt: now, found: kept, changed, trouble: null };
}

/** What differs from the probe before, once. */
function tell(before: ProbeStatus | null, after: ProbeStatus, telemetry: Telemetry): void {
  const about = { [ATTRIBUTES.source]: after.sourceId, [ATTRIBUTES.platform]: after.platform };
  if (after.trouble !== null) {
    if (before?.trouble?.code !== after.trouble.code)
      telemetry.log("warn", "a live product could not be asked", { ...about, [ATTRIBUTES.errorType]: after.trouble.code });
    return;
  }
  if (before !== null && before.trouble !== null) telemetry.log("info", "a live product answers again", about);
  if (after.changed !== null && after.changed.at === after.probedAt)
    telemetry.log("warn", "a live product changed its version", { ...about, from: after.changed.from, to: after.found?.version ?? "" });
  const refused = (status: ProbeStatus | null): string[] =>
    (status?.found?.permissions ?? []).filter((one) => one.granted === false).map((one) => one.name);
  const known = new Set(refused(before));
  const missing = refused(after).filter((name) => !known.has(name));
  if (missing.length > 0) telemetry.log("warn", "a token lacks permissions", { ...about, missing: missing.join(", ") });
}
