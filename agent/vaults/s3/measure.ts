/** Size, time, protection and identity of one artifact; a folder is the sum of its files. */
import { createHash } from "node:crypto";
import { AgentError } from "../../core/errors.ts";
import type { VaultEntry } from "../../core/ports.ts";
import { mapLimit } from "../../kit/map-limit.ts";
import type { Bucket, Known, Listed } from "./bucket.ts";

export const CONCURRENCY = 16;
const MAX_FILES = 100_000;
const MAX_DEPTH = 64;

export type Measured = Pick<VaultEntry, "kind" | "bytes" | "modifiedAt" | "immutableUntil" | "lockUnknown"> & {
  /** Changes when any file is written, added or removed. */
  readonly identity: string;
  /** SHA-256 the bucket keeps of the one file, in hex. */
  readonly sha256: string | null;
  readonly files: readonly Pick<Known, "key" | "bytes" | "modifiedAt" | "etag" | "versionId">[];
};

/** @param afresh false where what was learnt within the hour of the same object is good enough */
export async function measureFile(bucket: Bucket, listed: Listed, afresh: boolean, signal: AbortSignal): Promise<Measured> {
  const canLock = await bucket.canLock(signal);
  if (!canLock && !listed.sha256) return measured({ ...listed, versionId: null, sha256: null, lockedUntil: null });
  return measured(await knownOf(bucket, listed, canLock, afresh, signal));
}

/** One file by name, asked afresh. @throws AgentError `not_found` */
export async function measureKey(bucket: Bucket, key: string, signal: AbortSignal): Promise<Measured> {
  const known = await bucket.head(key, signal);
  const canLock = await bucket.canLock(signal);
  if (!canLock) return measured(known);
  try {
    return measured(await withLock(bucket, known, signal));
  } catch (thrown) {
    if (mayNotAsk(thrown)) return { ...measured(known), lockUnknown: true };
    throw thrown;
  }
}

/** What may be read and not asked for its lock is a backup all the same. */
export function mayNotAsk(thrown: unknown): boolean {
  return thrown instanceof AgentError && thrown.code === "no-permission";
}

function measured(known: Known): Measured {
  return {
    kind: "file",
    bytes: known.bytes,
    modifiedAt: known.modifiedAt,
    immutableUntil: known.lockedUntil,
    identity: identityOf(known),
    sha256: known.sha256,
    files: [known],
  };
}

export function identityOf(known: Pick<Known, "key" | "etag" | "bytes" | "modifiedAt">): string {
  return JSON.stringify([known.key, known.etag, known.bytes, known.modifiedAt]);
}

async function knownOf(bucket: Bucket, listed: Listed, canLock: boolean, afresh: boolean, signal: AbortSignal): Promise<Known> {
  const name = identityOf(listed);
  const before = afresh ? undefined : bucket.facts.get(name);
  if (before !== undefined) return before;
  const head = await bucket.head(listed.key, signal);
  const known = canLock ? await withLock(bucket, head, signal) : head;
  if (identityOf(known) === name) bucket.facts.set(name, known, 1);
  return known;
}

/** A HEAD leaves the lock out where there is none, and also where it may not be told: only asked by name it is said which. */
async function withLock(bucket: Bucket, known: Known, signal: AbortSignal): Promise<Known> {
  return known.lockedUntil === null ? { ...known, lockedUntil: await bucket.lockedUntil(known.key, known.versionId, signal) } : known;
}

/**
 * @param folder relative to the vault, with a slash at its end
 * @throws AgentError `not_found`, `limit` / `directory-too-large`
 */
export async function measureFolder(
  bucket: Bucket,
  folder: string,
  options: { readonly keep: boolean; readonly locks: boolean; readonly afresh: boolean; readonly signal: AbortSignal },
): Promise<Measured> {
  const { signal } = options;
  const hash = createHash("sha256");
  const kept: Listed[] = [];
  let [bytes, newest, count, exists, marker] = [0, 0, 0, false, 0];
  let lockedUntil: number | null = Number.POSITIVE_INFINITY;
  const canLock = options.locks && (await bucket.canLock(signal));
  for await (const { objects } of bucket.pages(folder, { deep: true, signal })) {
    exists ||= objects.length > 0;
    // What consoles make to show an empty folder is no file.
    const files = objects.filter((object) => !(object.key.endsWith("/") && object.bytes === 0));
    for (const object of objects) marker = Math.max(marker, object.modifiedAt);
    count += files.length;
    if (count > MAX_FILES) throw tooLarge(`more than ${MAX_FILES} files`);
    for (const file of files) {
      if (file.key.slice(folder.length).split("/").length > MAX_DEPTH) throw tooLarge(`deeper than ${MAX_DEPTH} levels`);
      bytes += file.bytes;
      newest = Math.max(newest, file.modifiedAt);
      hash.update(identityOf(file));
      if (options.keep) kept.push(file);
    }
    // Protected as long as the first of its files that is not: once one is open to change, the others need not be asked.
    if (canLock && lockedUntil !== null) {
      const locks = await mapLimit(
        files,
        CONCURRENCY,
        async (file) => (await knownOf(bucket, file, true, options.afresh, signal)).lockedUntil,
      );
      lockedUntil = locks.reduce<number | null>(
        (least, one) => (least === null || one === null ? null : Math.min(least, one)),
        lockedUntil,
      );
    }
  }
  if (!exists) throw new AgentError("not_found", "not-found", "There is no such file or directory in the vault.");
  return {
    kind: "directory",
    bytes,
    modifiedAt: count === 0 ? marker : newest,
    immutableUntil: canLock && lockedUntil !== null && Number.isFinite(lockedUntil) ? lockedUntil : null,
    identity: hash.digest("hex"),
    sha256: null,
    files: kept.map((file) => ({ ...file, versionId: null })),
  };
}

function tooLarge(what: string): AgentError {
  return new AgentError("limit", "directory-too-large", `The directory is ${what}.`, { mend: "back up into one archive file" });
}
