/** Backups in a bucket of an S3 server. Nothing here writes. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { VaultDefinition } from "../../core/definitions.ts";
import { AgentError, asAgentError } from "../../core/errors.ts";
import type { ArtifactFile, RangeReader, Vault, VaultBrowser, VaultName } from "../../core/ports.ts";
import { matchesPattern, nameKind, vaultSegments } from "../../core/vault-names.ts";
import { type Bucket, bucketOf, type Listed } from "./bucket.ts";
import { remembering } from "./cache.ts";
import { passes, type S3Deps, s3Calls, TRIES } from "./client.ts";
import { download, fetchRange } from "./download.ts";
import { findObject, readFolder } from "./folder.ts";
import { guarded } from "./guarded.ts";
import { canBeFile } from "./keys.ts";
import { listingOf, ownChecksum, readChecksums, toEntry } from "./listing.ts";
import { mayNotAsk, type Measured, measureFolder, measureKey } from "./measure.ts";
import { type S3VaultConfig, s3VaultSchema } from "./schema.ts";
import { s3VaultWriter } from "./writer.ts";

export const s3VaultDefinition: VaultDefinition = {
  type: "s3",
  summary: "a bucket of AWS S3 or of a server that speaks its language",
  schema: s3VaultSchema,
  create: (id, config, { clock, env }) => s3Vault(id, config as S3VaultConfig, { clock, env }),
  createWriter: (_, config, prefix, { clock, env }) => s3VaultWriter(config as S3VaultConfig, prefix, { clock, env }),
};

const MAX_RANGE_BYTES = 64 * 1024 * 1024;

/** @returns a vault whose artifacts are copied into the spool directory before they are read, or read in parts */
export function s3Vault(id: string, config: S3VaultConfig, deps: S3Deps): Vault & VaultBrowser & RangeReader {
  const bucket = bucketOf(config, s3Calls(config, deps), deps.clock);
  // What was read first pins what is read after it, closer than size and time do.
  const etags = remembering<string>(1000, 3_600_000, deps.clock);
  return {
    id,
    list: (prefix, { pattern, signal }) =>
      guarded(prefix, signal, async () => {
        const path = vaultSegments(prefix).join("/");
        const base = path === "" ? "" : `${path}/`;
        const folder = await readFolder(
          bucket,
          base,
          (name) => matchesPattern(name, pattern),
          () => true,
          signal,
        );
        if (folder.exists) return listingOf(bucket, base, folder, signal);
        const [file, report, sum, list] = await beside(bucket, path, signal);
        if (file === null) throw absent();
        const parent = path.slice(0, path.lastIndexOf("/") + 1);
        const sums = new Map(sum === null ? [] : [[path.slice(parent.length), sum]]);
        const reports = report === null ? [] : [report];
        return listingOf(bucket, parent, { exists: true, files: [file], folders: [], reports, sums, list, problems: [] }, signal);
      }),
    names: (folder, signal) =>
      guarded(folder, signal, async () => {
        const segments = vaultSegments(folder);
        const base = segments.map((segment) => `${segment}/`).join("");
        const kinds = new Map<string, VaultName["kind"]>();
        let exists = base === "";
        for await (const page of bucket.pages(base, { deep: false, signal })) {
          exists ||= page.objects.length + page.folders.length > 0;
          for (const object of page.objects) kinds.set(object.key.slice(base.length), "file");
          const folders = page.folders.map((key) => key.slice(base.length, -1));
          // Of a file and a folder of one name, the file is what is listed.
          for (const name of folders) if (!kinds.has(name)) kinds.set(name, "directory");
          if (kinds.size > config.maxArtifacts)
            throw new AgentError("limit", "too-many-artifacts", `More than ${config.maxArtifacts} names lie here.`, {
              mend: "raise maxArtifacts of the vault",
            });
        }
        if (!exists) throw absent();
        kinds.delete("");
        return [...kinds].map(([name, kind]) => ({ name, kind })).sort((a, b) => (a.name < b.name ? -1 : 1));
      }),
    stat: (path, signal) => guarded(path, signal, async () => (await look(path, false, signal)).entry),
    open: (path, { spoolDir, maxBytes, signal, leave }) =>
      guarded(path, signal, async () => {
        const { entry, measured } = await look(path, true, signal);
        if (entry.bytes > maxBytes)
          throw new AgentError("limit", "artifact-too-large", `It is ${entry.bytes} bytes, more than the ${maxBytes} allowed.`);
        const localPath = join(spoolDir, localName(entry.path.slice(entry.path.lastIndexOf("/") + 1)));
        const close = (): Promise<void> => rm(localPath, { recursive: true, force: true });
        const unread = measured.kind === "file" || leave === undefined ? [] : leave(filesBelow(entry.path, measured));
        const left = new Set(unread.map((file) => `${entry.path}/${file.path}`));
        const wanted = { ...measured, files: measured.files.filter((file) => !left.has(file.key)) };
        try {
          await spool(bucket, entry.path, wanted, localPath, signal);
        } catch (thrown) {
          await close();
          throw thrown;
        }
        const opened = { entry, localPath, spooled: true, close, assertUnchanged: () => assertUnchanged(entry.path, measured) };
        return unread.length === 0 ? opened : { ...opened, unread };
      }),
    read: (entry, from, to, signal) =>
      guarded(entry.path, signal, async () => {
        const key = vaultSegments(entry.path).join("/");
        if (
          !Number.isSafeInteger(from) ||
          !Number.isSafeInteger(to) ||
          from < 0 ||
          to < from ||
          to > entry.bytes ||
          to - from > MAX_RANGE_BYTES
        )
          throw new AgentError("internal", "bad-range", `Bytes ${from} to ${to} of ${entry.bytes} are no range that is read at once.`);
        const version = JSON.stringify([key, entry.bytes, entry.modifiedAt]);
        const bytes = new Uint8Array(to - from);
        let filled = 0;
        for (let tried = 0; filled < bytes.length; tried += 1) {
          if (tried >= TRIES) throw new AgentError("transient", "connection", "The connection was cut again and again.");
          if (tried > 0) await bucket.calls.pause(tried, signal);
          const file = { key, bytes: entry.bytes, modifiedAt: entry.modifiedAt, etag: etags.get(version) ?? "", versionId: null };
          try {
            etags.set(version, await fetchRange(bucket, file, from + filled, to, signal, take), 1);
          } catch (thrown) {
            if (!passes(thrown) || tried + 1 >= TRIES) throw thrown;
          }
          async function take(chunk: Uint8Array): Promise<void> {
            bytes.set(chunk, filled);
            filled += chunk.byteLength;
          }
        }
        return bytes;
      }),
  };

  /** The artifact of that name as it is now: a file before a folder. */
  async function look(path: string, keep: boolean, signal: AbortSignal) {
    const key = vaultSegments(path).join("/");
    if (key === "") throw new AgentError("not_found", "not-found", "The path names no artifact.");
    const measured = await measureKey(bucket, key, signal).catch((thrown: unknown) => {
      if (!(thrown instanceof AgentError) || thrown.code !== "not-found") throw thrown;
      const measure = (locks: boolean): Promise<Measured> => measureFolder(bucket, `${key}/`, { keep, locks, afresh: true, signal });
      return measure(true).catch(async (refused: unknown): Promise<Measured> => {
        if (!mayNotAsk(refused)) throw refused;
        return { ...(await measure(false)), lockUnknown: true };
      });
    });
    const parent = key.slice(0, key.lastIndexOf("/") + 1);
    const name = key.slice(parent.length);
    if (nameKind(name) !== "artifact") return { entry: toEntry(key, measured, null), measured };
    const [sum, list] = await Promise.all([findObject(bucket, `${key}.sha256`, signal), findObject(bucket, `${parent}SHA256SUMS`, signal)]);
    const checksums = await readChecksums(bucket, parent, { sums: new Map(sum === null ? [] : [[name, sum]]), list }, [], signal);
    return { entry: toEntry(key, measured, (await checksums(name)) ?? ownChecksum(key, measured)), measured };
  }

  async function assertUnchanged(path: string, before: Measured): Promise<void> {
    const { signal } = new AbortController();
    const now = await guarded(path, signal, () =>
      before.kind === "file"
        ? measureKey(bucket, path, signal)
        : measureFolder(bucket, `${path}/`, { keep: false, locks: false, afresh: true, signal }),
    ).catch((thrown: unknown) => asAgentError(thrown));
    if (now instanceof AgentError && now.code !== "not-found") throw now;
    if (now instanceof AgentError || now.identity !== before.identity)
      throw new AgentError("transient", "artifact-changed", `${JSON.stringify(path)}: It changed while it was read.`, {
        mend: "it is looked at again at the next poll",
      });
  }
}

/** What a listing of one file needs: itself, its report, its checksum, the common list. */
function beside(bucket: Bucket, path: string, signal: AbortSignal) {
  const find = (key: string): Promise<Listed | null> => findObject(bucket, key, signal);
  const parent = path.slice(0, path.lastIndexOf("/") + 1);
  return Promise.all([find(path), find(`${path}.run.json`), find(`${path}.sha256`), find(`${parent}SHA256SUMS`)]);
}

function filesBelow(path: string, { files }: Measured): readonly ArtifactFile[] {
  return files.map((file) => ({ path: file.key.slice(path.length + 1), bytes: file.bytes }));
}

async function spool(bucket: Bucket, path: string, measured: Measured, localPath: string, signal: AbortSignal): Promise<void> {
  if (measured.kind === "file") return download(bucket, measured.files, localPath, () => "", signal);
  const relative = (key: string): string => key.slice(path.length + 1);
  const odd = measured.files.find((file) => !canBeFile(relative(file.key)));
  if (odd !== undefined)
    throw new AgentError(
      "unsupported",
      "odd-key",
      `It holds a key that no file can be named after: ${JSON.stringify(relative(odd.key).slice(0, 200))}.`,
      {
        mend: "back up into one archive file",
      },
    );
  await mkdir(localPath, { recursive: true });
  return download(bucket, measured.files, localPath, relative, signal);
}

/** A name of the bucket that is too long for a file keeps its endings, which tell what it is. */
function localName(name: string): string {
  return canBeFile(name) ? name : `artifact${/(\.\w{1,10}){0,3}$/u.exec(name)?.[0] ?? ""}`;
}

function absent(): AgentError {
  return new AgentError("not_found", "not-found", "There is no such file or directory in the vault.");
}
