/**
 * One capture of one source: everything a product gives out, read into a bag and put into a vault. It is whole or it is an error: what
 * changed meanwhile is detected and written into it, what is missing makes it no capture at all.
 */
import { createHash } from "node:crypto";
import { AgentError } from "../../core/errors.ts";
import type { ContentRecord } from "../../core/content.ts";
import type {
  CaptureInfo,
  Capturer,
  CaptureWriter,
  LiveInventory,
  OpenPlatform,
  Platform,
  PlatformProbe,
  VaultWriter,
} from "../../core/platform-ports.ts";
import type { Clock, Telemetry } from "../../core/ports.ts";
import { ATTRIBUTES } from "../../telemetry/names.ts";
import { type PreviousCapture, readsChangesOnly, writeChanged } from "./incremental.ts";
import { changedMetadata, changedOriginals, countsOf, type ReadCollection, structureOf } from "./consistency.ts";

export interface CaptureDeps {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Opens or resumes the bag of this source. */
  readonly openWriter: (begin: {
    readonly now: number;
    readonly notBefore: number;
    readonly fingerprint: string;
  }) => Promise<CaptureWriter>;
  /** Removes what the writer kept between processes. */
  readonly discard: () => Promise<void>;
  /** Null: nobody gave a recipient, so secrets are left out and that is said. */
  readonly seal: ((clear: Uint8Array) => Promise<string>) | null;
  readonly vault: VaultWriter;
  /** The capture before, where it is still here and was of the same thing in the same shape; null: everything is read. */
  readonly previous?: (fingerprint: string) => Promise<PreviousCapture | null>;
  /** Keeps this one for the next to be laid over. */
  readonly keep?: (made: KeptCapture) => Promise<void>;
}

/** A capture as the next one needs it. */
export interface KeptCapture {
  readonly localPath: string;
  readonly sha256: string;
  readonly fingerprint: string;
  readonly startedAt: number;
  readonly fullAt: number;
  readonly clockSkewMs: number | null;
}

export interface CaptureOrder {
  readonly sourceId: string;
  readonly platform: string;
  /** Folder of the captures within the vault, with a slash at its end or empty. */
  readonly prefix: string;
  readonly immutableMs: number | null;
  /** A killed capture that began longer ago is not gone on with. */
  readonly resumeWithinMs: number;
  /** Everything is read again when the last capture that did is older than this; absent: always. */
  readonly fullMs?: number;
}

export interface CaptureResult {
  readonly path: string;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly records: number;
  readonly files: number;
  readonly resumed: boolean;
  /** Whether everything was read, or only what changed since the capture before; what lies in the vault is whole in both cases. */
  readonly mode: CaptureInfo["mode"];
  readonly changed: readonly string[];
  readonly fidelity: readonly string[];
}

/** @throws AgentError: no capture was made, and nothing of it is visible in the vault */
export async function captureSource(
  order: CaptureOrder,
  open: OpenPlatform,
  deps: CaptureDeps,
  signal: AbortSignal,
): Promise<CaptureResult> {
  const { telemetry } = deps;
  const attributes = { [ATTRIBUTES.source]: order.sourceId, [ATTRIBUTES.platform]: order.platform };
  return telemetry.span(
    "backup.capture",
    attributes,
    async (span) => {
      const result = await capture(order, open, deps, signal);
      span.set({ [ATTRIBUTES.items]: result.records, [ATTRIBUTES.bytes]: result.bytes });
      return result;
    },
    { root: true },
  );
}

async function capture(order: CaptureOrder, open: OpenPlatform, deps: CaptureDeps, signal: AbortSignal): Promise<CaptureResult> {
  const { clock } = deps;
  const { platform, capturer } = open;
  if (capturer === null)
    throw new AgentError("unsupported", "no-capture", `${order.platform} has a backup of its own; captures are not made of it.`);
  const probe = await platform.probe(signal);
  refuseWithoutPermission(order, probe);
  const before = await platform.inventory(signal);
  const now = clock.now();
  const fingerprint = fingerprintOf(order, probe, before);
  const previous = await usablePrevious(order, fingerprint, deps, now);
  const mode: CaptureInfo["mode"] = previous === null ? "full" : "incremental";
  const writer = await openWriter(order, fingerprint, previous, before, deps, now);
  let read: readonly ReadCollection[];
  try {
    read = await readRecords(before, { platform, capturer }, previous, writer, probe, signal);
  } finally {
    await previous?.close();
  }
  await readFiles(before, capturer, writer, signal);
  const after = await platform.inventory(signal);
  if (structureOf(after) !== structureOf(before)) {
    await deps.discard();
    throw new AgentError("transient", "schema-changed", `${order.platform}: Collections or fields changed while they were read.`, {
      mend: "it is captured again from the beginning at the next attempt",
    });
  }
  const counts = countsOf(
    read.map((one) => ({ ...one, after: after.collections.find(({ id }) => id === one.collection.id)?.declaredRecords ?? null })),
  );
  if (counts.short.length > 0) {
    await deps.discard();
    throw new AgentError("transient", "capture-short", `${order.platform}: ${counts.short[0] ?? ""}`, {
      mend: "it is captured again from the beginning at the next attempt",
    });
  }
  const changed = [...counts.changed, ...changedMetadata(before, after), ...changedOriginals(before.originals, after.originals)];
  const { sealed, unsealed } = await sealSecrets(capturer, deps.seal, signal);
  const finishedAt = clock.now();
  const info: Omit<CaptureInfo, "startedAt"> = {
    finishedAt,
    platform: order.platform,
    platformVersion: probe.version,
    scope: probe.identity.scope,
    clockSkewMs: probe.clockSkewMs,
    changed,
    mode,
    fidelity: fidelityOf(after, unsealed),
    sealed,
  };
  // Counts of people who work meanwhile say nothing of what we read.
  const collections = after.collections.map((one) => (counts.changed.length === 0 ? one : { ...one, declaredRecords: null }));
  const finished = await writer.finish({ ...after, collections }, after.originals, info);
  const path = `${order.prefix}${new Date(writer.startedAt).toISOString().replace(/[:.]/gu, "-")}.bag.zip`;
  const immutableUntil = order.immutableMs === null ? null : finishedAt + order.immutableMs;
  await deps.vault.put(path, { localPath: finished.path, sha256: finished.sha256 }, { immutableUntil, signal });
  const records = read.reduce((sum, one) => sum + one.read, 0);
  const report = {
    started: new Date(writer.startedAt).toISOString(),
    finished: new Date(finishedAt).toISOString(),
    outcome: "success",
    bytes: finished.bytes,
    items: { records, collections: collections.length, automations: after.automations.length, files: after.files.length },
    sha256: finished.sha256,
  };
  await deps.vault.put(`${path}.run.json`, { text: `${JSON.stringify(report)}\n` }, { immutableUntil: null, signal });
  const { startedAt } = writer;
  if (before.collections.some((one) => readsChangesOnly(one, capturer)))
    await deps.keep?.({
      localPath: finished.path,
      sha256: finished.sha256,
      fingerprint,
      startedAt,
      fullAt: previous?.fullAt ?? startedAt,
      clockSkewMs: probe.clockSkewMs,
    });
  await deps.discard();
  return {
    path,
    startedAt: writer.startedAt,
    finishedAt,
    bytes: finished.bytes,
    sha256: finished.sha256,
    records,
    files: after.files.length,
    resumed: writer.resumed,
    mode,
    changed,
    fidelity: info.fidelity,
  };
}

function refuseWithoutPermission(order: CaptureOrder, probe: PlatformProbe): void {
  const missing = probe.permissions.filter((one) => one.neededFor === "capture" && one.granted === false).map((one) => one.name);
  if (missing.length > 0)
    throw new AgentError("auth", "permission-missing", `${order.platform}: The token may not ${missing.join(", ")}.`, {
      mend: "grant it as the connector's readme says; a capture without it would be short",
    });
}

/** What a killed capture must agree with to be gone on with. */
function fingerprintOf(order: CaptureOrder, probe: PlatformProbe, inventory: LiveInventory): string {
  const parts = [order.sourceId, order.platform, probe.identity, probe.version, structureOf(inventory)];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

async function usablePrevious(
  order: CaptureOrder,
  fingerprint: string,
  deps: Pick<CaptureDeps, "previous">,
  now: number,
): Promise<PreviousCapture | null> {
  const previous = (await deps.previous?.(fingerprint)) ?? null;
  // A clock that was set back makes the last one lie ahead: then nothing is known of how old it is.
  if (previous === null || (previous.startedAt <= now && now - previous.fullAt < (order.fullMs ?? 0))) return previous;
  await previous.close();
  return null;
}

async function openWriter(
  order: CaptureOrder,
  fingerprint: string,
  previous: PreviousCapture | null,
  inventory: LiveInventory,
  deps: CaptureDeps,
  now: number,
): Promise<CaptureWriter> {
  const begin = {
    now,
    notBefore: now - order.resumeWithinMs,
    fingerprint: previous === null ? fingerprint : `${fingerprint} over ${previous.startedAt}`,
  };
  const writer = await deps.openWriter(begin);
  const halfway = inventory.collections.some(({ id }) => !writer.progress(id).done && writer.progress(id).records > 0);
  if (previous === null || !halfway) return writer;
  // What is laid over another capture has no place to go on from within a collection.
  await deps.discard();
  return deps.openWriter(begin);
}

async function readRecords(
  inventory: LiveInventory,
  product: { readonly platform: Platform; readonly capturer: Capturer },
  previous: PreviousCapture | null,
  writer: CaptureWriter,
  probe: PlatformProbe,
  signal: AbortSignal,
): Promise<readonly ReadCollection[]> {
  const began = writer.startedAt + (probe.clockSkewMs ?? 0);
  const { capturer } = product;
  const read: ReadCollection[] = [];
  for (const collection of inventory.collections) {
    let edited = 0;
    const progress = writer.progress(collection.id);
    const note = (record: ContentRecord): void => {
      if (record.updatedAt !== null && record.updatedAt > began) edited += 1;
    };
    const laid =
      !progress.done && previous !== null && readsChangesOnly(collection, capturer)
        ? await writeChanged(collection, previous, product, writer, note, signal)
        : null;
    if (laid !== null) await writer.endCollection(collection);
    else if (!progress.done) {
      for await (const page of capturer.records(collection, { after: progress.cursor, since: null, signal })) {
        signal.throwIfAborted();
        page.records.forEach(note);
        await writer.page(collection, page.records, page.cursor);
      }
      // A stream that an abort ended quietly is not a whole one.
      signal.throwIfAborted();
      await writer.endCollection(collection);
    }
    read.push({
      collection,
      read: writer.progress(collection.id).records,
      before: collection.declaredRecords,
      after: null,
      editedMeanwhile: capturer.incremental(collection) ? edited : null,
    });
  }
  return read;
}

async function readFiles(inventory: LiveInventory, capturer: Capturer, writer: CaptureWriter, signal: AbortSignal): Promise<void> {
  for (const file of inventory.files) {
    if (file.presence !== "inside" || writer.hasFile(file.id)) continue;
    const { bytes } = await writer.file(file.id, capturer.fileBytes(file, signal));
    if (file.bytes !== null && file.bytes !== bytes)
      throw new AgentError("transient", "file-cut-short", `A file has ${bytes} bytes, and the product says ${file.bytes}.`);
  }
}

async function sealSecrets(
  capturer: Capturer,
  seal: CaptureDeps["seal"],
  signal: AbortSignal,
): Promise<{ readonly sealed: Readonly<Record<string, string>>; readonly unsealed: boolean }> {
  if (seal === null) return { sealed: {}, unsealed: true };
  const sealed: Record<string, string> = {};
  for await (const { credential, clear } of capturer.secrets(signal)) sealed[credential] = await seal(clear);
  return { sealed, unsealed: false };
}

function fidelityOf(inventory: LiveInventory, unsealed: boolean): readonly string[] {
  const missing = Object.entries(inventory.aspects).flatMap(([aspect, state]) => (state.included ? [] : [`${aspect}: ${state.reason}`]));
  const secrets = inventory.credentials.length > 0 && unsealed ? ["credentials: without capture.recipient no secret is taken along"] : [];
  return [...missing, ...secrets];
}
