/** Removal of one object with all its versions, and only where nothing protects any of them. */
import { AgentError } from "../../core/errors.ts";
import { mapLimit } from "../../kit/map-limit.ts";
import type { Bucket } from "./bucket.ts";
import { refusalOf } from "./errors.ts";
import { decodeKey } from "./keys.ts";

export interface Version {
  /** Null where the bucket keeps no versions. */
  readonly id: string | null;
  /** A mark that something was deleted, which nothing protects. */
  readonly mark: boolean;
}

/**
 * @returns the versions of exactly that key, oldest first
 * @throws AgentError `auth` / `still-immutable` where one of them is protected after `now`
 */
export async function stillLocked(bucket: Bucket, key: string, now: number, signal: AbortSignal): Promise<readonly Version[]> {
  const versions = await versionsOf(bucket, key, signal);
  if (!(await bucket.canLock(signal))) return versions;
  const until = await mapLimit(
    versions.filter((version) => !version.mark),
    8,
    async (version) => (await bucket.lockedUntil(key, version.id, signal)) ?? 0,
  );
  const latest = until.reduce((a, b) => Math.max(a, b), 0);
  if (latest > now) throw immutable(` until ${new Date(latest).toISOString()}`);
  return versions;
}

export async function removeKey(bucket: Bucket, key: string, versions: readonly Version[], signal: AbortSignal): Promise<void> {
  const canLock = await bucket.canLock(signal);
  // The oldest first and marks last, so that no older version comes to light on the way.
  for (const { id } of [...versions].sort((a, b) => Number(a.mark) - Number(b.mark)))
    await bucket.calls.call(signal, async (sdk, client, abortSignal) => {
      const command = new sdk.DeleteObjectCommand({
        Bucket: bucket.config.bucket,
        Key: `${bucket.root}${key}`,
        ...(id === null ? {} : { VersionId: id }),
      });
      await client.send(command, { abortSignal }).catch((thrown: unknown) => {
        // A legal hold, or a lock set meanwhile.
        if (canLock && refusalOf(thrown).name === "AccessDenied") throw immutable("");
        throw thrown;
      });
    });
}

async function versionsOf(bucket: Bucket, key: string, signal: AbortSignal): Promise<readonly Version[]> {
  const Key = `${bucket.root}${key}`;
  const found: Version[] = [];
  let next: { readonly KeyMarker: string; readonly VersionIdMarker?: string } | null = { KeyMarker: "" };
  while (next !== null) {
    const from: { readonly KeyMarker: string; readonly VersionIdMarker?: string } = next;
    const answer = await bucket.calls.call(signal, (sdk, client, abortSignal) =>
      client
        .send(
          new sdk.ListObjectVersionsCommand({
            Bucket: bucket.config.bucket,
            Prefix: Key,
            EncodingType: "url",
            ...(from.KeyMarker === "" ? {} : from),
          }),
          { abortSignal },
        )
        .catch((thrown: unknown) => {
          // A server without versions knows no such question: there is the one object.
          const { name, status } = refusalOf(thrown);
          if (name === "NotImplemented" || status === 501) return null;
          throw thrown;
        }),
    );
    if (answer === null) return [{ id: null, mark: false }];
    const named = (one: { readonly Key?: string | undefined }): boolean => decodeKey(one.Key ?? "", answer.EncodingType) === Key;
    for (const one of answer.Versions ?? []) if (named(one)) found.push({ id: one.VersionId ?? null, mark: false });
    for (const one of answer.DeleteMarkers ?? []) if (named(one)) found.push({ id: one.VersionId ?? null, mark: true });
    const marker = decodeKey(answer.NextKeyMarker ?? "", answer.EncodingType);
    // Versions of one key stand together; what comes after another key is not asked for.
    next =
      answer.IsTruncated === true && marker === Key
        ? { KeyMarker: marker, ...(answer.NextVersionIdMarker === undefined ? {} : { VersionIdMarker: answer.NextVersionIdMarker }) }
        : null;
  }
  return found.toReversed();
}

function immutable(until: string): AgentError {
  return new AgentError("auth", "still-immutable", `The vault protects it from removal${until}.`, {
    mend: "it is removed when its protection has ended",
  });
}
