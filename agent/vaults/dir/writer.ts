/** Captures put into a directory: whole or not at all, never over something else, on the disk when it says so. */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, link, lstat, mkdir, open, readdir, realpath, rm, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AgentError, asAgentError } from "../../core/errors.ts";
import type { VaultWriter } from "../../core/platform-ports.ts";
import { vaultSegments } from "../../core/vault-names.ts";

/**
 * @param root absolute path of the vault
 * @param prefix the one folder below it that may be written to
 */
export function dirVaultWriter(root: string, prefix: string): VaultWriter {
  const own = vaultSegments(prefix);
  const placeOf = async (path: string): Promise<string> => {
    const segments = vaultSegments(path);
    if (segments.length <= own.length || own.some((segment, index) => segments[index] !== segment))
      throw new AgentError("config", "outside-prefix", `${JSON.stringify(path)} lies outside the folder of this source's captures.`);
    const base = await realpath(root);
    const directory = join(base, ...segments.slice(0, -1));
    await mkdir(directory, { recursive: true });
    if ((await realpath(directory)) !== directory)
      throw new AgentError("unsupported", "symlink", "A directory on the way is a symbolic link, which is never followed.");
    return join(directory, segments.at(-1) ?? "");
  };
  return {
    put: (path, file, { immutableUntil, signal }) =>
      guarded(path, async () => {
        if (immutableUntil !== null)
          throw new AgentError("config", "no-object-lock", "A directory cannot protect a capture from change.", {
            mend: "take capture.immutable out, or use an s3 vault with object lock",
          });
        signal.throwIfAborted();
        const place = await placeOf(path);
        const growing = join(dirname(place), `.${process.pid}-${place.slice(dirname(place).length + 1)}.growing`);
        try {
          if ("text" in file) await writeFile(growing, file.text, { mode: 0o640 });
          else await copyFile(file.localPath, growing, constants.COPYFILE_FICLONE);
          await sync(growing);
          if (!("text" in file) && (await sha256Of(growing)) !== file.sha256)
            throw new AgentError("transient", "copy-differs", "What was written is not what was to be written.");
          signal.throwIfAborted();
          await createOnly(growing, place);
          await sync(dirname(place));
        } finally {
          await rm(growing, { force: true });
        }
      }),
    remove: (path) =>
      guarded(path, async () => {
        const place = await placeOf(path);
        const name = place.slice(dirname(place).length + 1);
        // The artifact first: what lies beside it means nothing without it.
        await rm(place, { force: true, recursive: true });
        for (const child of await readdir(dirname(place)))
          if (child === `${name}.run.json` || child === `${name}.sha256`) await unlink(join(dirname(place), child));
        await sync(dirname(place));
      }),
  };
}

/** A hard link fails where something is; a rename would put it away. */
async function createOnly(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code !== "EEXIST") throw thrown;
    const there = await lstat(to);
    if (there.isFile() && (await sha256Of(to)) === (await sha256Of(from))) return;
    throw new AgentError("limit", "exists-already", "There is something else under that name already, which is never overwritten.");
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  const handle = await open(path, "r");
  try {
    for await (const part of handle.createReadStream({ autoClose: false })) hash.update(part as Uint8Array);
  } finally {
    await handle.close();
  }
  return hash.digest("hex");
}

/** Every error leaves as an AgentError about the path within the vault. */
async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof AgentError) throw thrown;
    const error = asAgentError(thrown);
    throw new AgentError(error.kind, error.code, `${JSON.stringify(path.slice(0, 300))}: It could not be written.`, { cause: thrown });
  }
}
