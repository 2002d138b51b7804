/** Where captures meet their implementations: products, bags, vaults, sealing. Beside app.ts, which the running agent is made in. */
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { LoadedConfig } from "./config/load.ts";
import type { VaultDeps } from "./core/definitions.ts";
import { AgentError, asAgentError } from "./core/errors.ts";
import type { SourceProducts, VaultWriter } from "./core/platform-ports.ts";
import type { CapturePolicy, SourcePolicy } from "./core/policy.ts";
import type { Clock, Content, MetaRepository, Telemetry, Vault } from "./core/ports.ts";
import { captureSource, type CaptureResult } from "./engine/capture/capture.ts";
import { keepCapture, readKept } from "./engine/capture/kept.ts";
import { expiredCaptures, type Expired } from "./engine/capture/retention.ts";
import { captureDue, formatAttempt, parseAttempt } from "./engine/capture/schedule.ts";
import { openBagWriter } from "./formats/bag/writer.ts";
import { probeArtifact } from "./kit/artifact-probe.ts";
import { sealFor } from "./kit/seal.ts";
import { ATTRIBUTES } from "./telemetry/names.ts";
import { vaults } from "./vaults/api.ts";

export interface CaptureWorld {
  readonly config: LoadedConfig;
  readonly products: (sourceId: string) => SourceProducts | null;
  readonly vault: (id: string) => Vault;
  readonly clock: Clock;
  readonly env: VaultDeps["env"];
  readonly telemetry: Telemetry;
}

interface Capturable {
  readonly policy: SourcePolicy;
  readonly capture: CapturePolicy;
  readonly products: SourceProducts;
  readonly writer: VaultWriter;
  readonly prefix: string;
}

/** @throws AgentError `config` where the source is not set up for captures */
function capturable(sourceId: string, world: CaptureWorld): Capturable {
  const { config, clock, env } = world;
  const policy = config.sources.find((source) => source.id === sourceId);
  const products = world.products(sourceId);
  if (policy === undefined) throw new AgentError("usage", "no-such-source", `The configuration has no source "${sourceId}" with backups.`);
  if (products === null || products.connection.capture === null)
    throw new AgentError("config", "no-capture", `Source "${sourceId}" is not set up for captures.`, {
      mend: "add platform with its address and token, and capture: {}",
    });
  const vault = config.vaults.find((one) => one.id === policy.backups.vaultId);
  const definition = vaults.find((one) => one.type === vault?.type);
  const prefix = `${policy.backups.path.replace(/\/+$/u, "")}/`;
  const writer = definition?.createWriter?.(policy.backups.vaultId, vault?.config, prefix, { baseDir: config.baseDir, clock, env });
  if (writer === undefined)
    throw new AgentError("config", "vault-read-only", `Captures cannot be put into vault "${policy.backups.vaultId}".`, {
      mend: "use a dir or s3 vault",
    });
  return { policy, capture: products.connection.capture, products, writer, prefix };
}

/** One capture now. @throws AgentError: none was made, and nothing of it can be seen in the vault */
export async function captureNow(sourceId: string, world: CaptureWorld, signal: AbortSignal): Promise<CaptureResult> {
  const { config, clock, telemetry } = world;
  const { capture, products, writer, prefix, policy } = capturable(sourceId, world);
  // Beside the state, not in the work directory: what is here has to outlive a killed agent.
  const staging = join(dirname(config.statePath), "restorewatch-captures", sourceId);
  const kept = `${staging}.last`;
  const { recipients } = capture;
  return captureSource(
    {
      sourceId,
      platform: policy.platform,
      prefix,
      immutableMs: capture.immutableMs,
      resumeWithinMs: capture.resumeMs,
      fullMs: capture.fullMs,
    },
    products.open,
    {
      clock,
      telemetry,
      openWriter: (begin) => openBagWriter(staging, begin),
      discard: () => rm(staging, { recursive: true, force: true }),
      seal: recipients.length === 0 ? null : (clear) => sealFor(recipients, clear),
      vault: writer,
      previous: (fingerprint) => readKept(kept, fingerprint, (path, workDir) => openKept(path, workDir, signal)),
      keep: (made) => keepCapture(kept, made),
    },
    signal,
  );
}

/** What we wrote ourselves and whose digest was just seen: it is read in this process. */
async function openKept(path: string, workDir: string, signal: AbortSignal): Promise<Content> {
  const probed = await probeArtifact(path, signal);
  if (!probed.ok) throw new AgentError("transient", "kept-unreadable", `The capture before could not be read: ${probed.message}`);
  const limits = { maxBytes: 2 ** 40, maxEntries: 10_000_000, maxRatio: 10_000, maxDepth: 1000 };
  // Only a capture that is laid over another needs the reader.
  const { bag } = await import("./formats/bag/index.ts");
  return bag.create().open(probed.probe, { workDir, key: null, limits, signal });
}

/** Removes captures that need not be kept any longer; with `dryRun` it only says which. */
export async function pruneCaptures(
  sourceId: string,
  world: CaptureWorld,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<readonly Expired[]> {
  const { capture, writer, prefix, policy } = capturable(sourceId, world);
  const { entries } = await world.vault(policy.backups.vaultId).list(prefix.replace(/\/$/u, ""), { pattern: "*.bag.zip", signal });
  const expired = expiredCaptures(entries, capture.keepMs, world.clock.now());
  if (dryRun) return expired;
  const removed: Expired[] = [];
  for (const one of expired) {
    try {
      await writer.remove(one.path, signal);
      removed.push(one);
    } catch (thrown) {
      // A listing may not tell every protection; one that is protected keeps none of the others.
      if (asAgentError(thrown).code !== "still-immutable") throw thrown;
    }
  }
  return removed;
}

/** Captures by their schedules, one of a source at a time; `close` ends those under way, which go on where they were when started again. */
export interface CaptureSchedule {
  tick(): Promise<void>;
  close(): Promise<void>;
}

export interface ScheduleWorld extends Omit<CaptureWorld, "config" | "products" | "vault"> {
  readonly config: () => LoadedConfig;
  readonly products: () => (sourceId: string) => SourceProducts | null;
  readonly vault: () => (id: string) => Vault;
  readonly meta: MetaRepository;
  readonly firstSeen: (sourceId: string) => Promise<number | null>;
  /** A capture that did not come about is a backup run that failed. */
  readonly failed: (sourceId: string, at: { readonly startedAt: number; readonly finishedAt: number }, code: string) => Promise<void>;
  /** A capture lies in the vault: the source is worth a look now. */
  readonly made: (sourceId: string) => Promise<void>;
}

export function scheduleCaptures(world: ScheduleWorld): CaptureSchedule {
  const { clock, env, telemetry, meta } = world;
  const running = new Map<string, Promise<void>>();
  const ending = new AbortController();

  async function attempt(sourceId: string, failures: number): Promise<void> {
    const startedAt = clock.now();
    const key = `capture:${sourceId}`;
    // Noted before it begins, as a failure: a process that dies of it does not begin again at once.
    await meta.set(key, formatAttempt({ at: startedAt, failures: failures + 1 }));
    const now = { config: world.config(), products: world.products(), vault: world.vault(), clock, env, telemetry };
    try {
      const made = await captureNow(sourceId, now, ending.signal);
      await meta.set(key, formatAttempt({ at: startedAt, failures: 0 }));
      telemetry.log("info", "captured", {
        [ATTRIBUTES.source]: sourceId,
        [ATTRIBUTES.items]: made.records,
        [ATTRIBUTES.bytes]: made.bytes,
      });
      await pruneCaptures(sourceId, now, false, ending.signal);
      await world.made(sourceId);
    } catch (thrown) {
      const error = asAgentError(thrown);
      // An agent that ends in the middle goes on with it at the next start.
      if (ending.signal.aborted) {
        await meta.set(key, formatAttempt({ at: startedAt - 4 * 3_600_000, failures: Math.max(1, failures) })).catch(() => undefined);
        return;
      }
      telemetry.log("warn", "capture failed", { [ATTRIBUTES.source]: sourceId, [ATTRIBUTES.errorType]: error.code });
      await world.failed(sourceId, { startedAt, finishedAt: clock.now() }, error.code).catch(() => undefined);
    }
  }

  return {
    async tick() {
      for (const { sourceId, capture } of world.config().connections) {
        if (capture === null || running.has(sourceId) || ending.signal.aborted) continue;
        const last = parseAttempt(await meta.get(`capture:${sourceId}`));
        const since = (await world.firstSeen(sourceId)) ?? clock.now();
        if (!captureDue(capture, last, since, clock.now())) continue;
        const work = attempt(sourceId, last?.failures ?? 0)
          .catch((thrown: unknown) =>
            telemetry.log("error", "capture could not be noted", { [ATTRIBUTES.errorType]: asAgentError(thrown).code }),
          )
          .finally(() => running.delete(sourceId));
        running.set(sourceId, work);
      }
    },
    async close() {
      ending.abort();
      await Promise.allSettled(running.values());
    },
  };
}
