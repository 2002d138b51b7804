/** Backups in a directory. Nothing here writes. */
import { join, resolve } from "node:path";
import type { VaultDefinition } from "../../core/definitions.ts";
import { AgentError, asAgentError } from "../../core/errors.ts";
import type { Vault, VaultBrowser, VaultEntry, VaultName } from "../../core/ports.ts";
import { nameKind, vaultSegments } from "../../core/vault-names.ts";
import { systemFiles, type VaultFiles } from "./files.ts";
import { describe, listMatching, listPlace, type Place, readChecksums } from "./listing.ts";
import { measure } from "./measure.ts";
import { type DirVaultConfig, dirVaultSchema } from "./schema.ts";
import { dirVaultWriter } from "./writer.ts";

export const dirVaultDefinition: VaultDefinition = {
  type: "dir",
  summary: "a directory on this machine, or one that is mounted",
  schema: dirVaultSchema,
  create: (id, config, deps) => dirVault(id, resolve(deps.baseDir, (config as DirVaultConfig).path)),
  createWriter: (_id, config, prefix, deps) => dirVaultWriter(resolve(deps.baseDir, (config as DirVaultConfig).path), prefix),
};

/**
 * @param root absolute path of the directory
 * @returns a vault whose artifacts are read where they lie
 */
export function dirVault(id: string, root: string, files: VaultFiles = systemFiles): Vault & VaultBrowser {
  const placeOf = (segments: readonly string[], signal: AbortSignal): Promise<Place> => enter(files, root, segments, signal);
  return {
    id,
    list: (prefix, { pattern, signal }) =>
      guarded(prefix, signal, async () => {
        const segments = vaultSegments(prefix);
        const name = segments.at(-1);
        if (name === undefined) return listMatching(await placeOf([], signal), pattern);
        const parent = await placeOf(segments.slice(0, -1), signal);
        const stats = await files.lstat(join(parent.directory, name));
        if (stats.isDirectory()) return listMatching(await placeOf(segments, signal), pattern);
        // Throws for whatever is no regular file, which a listing would only mention.
        await measure(files, join(parent.directory, name), signal);
        return listPlace(
          parent,
          (candidate) => candidate === name,
          (candidate) => candidate === `${name}.run.json`,
        );
      }),
    names: (folder, signal) =>
      guarded(folder, signal, async () => {
        const { directory } = await placeOf(vaultSegments(folder), signal);
        const children = await files.readdir(directory);
        signal.throwIfAborted();
        return children
          .flatMap((child): VaultName[] =>
            child.isFile() ? [{ name: child.name, kind: "file" }] : child.isDirectory() ? [{ name: child.name, kind: "directory" }] : [],
          )
          .sort((a, b) => (a.name < b.name ? -1 : 1));
      }),
    stat: (path, signal) => guarded(path, signal, async () => (await look(path, signal)).entry),
    open: (path, { maxBytes, signal }) =>
      guarded(path, signal, async () => {
        const { entry, localPath, identity } = await look(path, signal);
        if (entry.bytes > maxBytes)
          throw new AgentError("limit", "artifact-too-large", `It is ${entry.bytes} bytes, more than the ${maxBytes} allowed.`);
        return {
          entry,
          localPath,
          spooled: false,
          assertUnchanged: async () => {
            const now = await measure(files, localPath, new AbortController().signal).catch((thrown: unknown) => asAgentError(thrown));
            if (now instanceof AgentError && now.kind !== "not_found" && now.kind !== "unsupported") throw now;
            if (now instanceof AgentError || now.identity !== identity)
              throw new AgentError("transient", "artifact-changed", `${path}: It changed while it was read.`, {
                mend: "it is looked at again at the next poll",
              });
          },
          // Nothing was copied, so there is nothing to remove.
          close: async () => {},
        };
      }),
  };

  async function look(path: string, signal: AbortSignal): Promise<{ entry: VaultEntry; localPath: string; identity: string }> {
    const segments = vaultSegments(path);
    const name = segments.at(-1);
    if (name === undefined) throw new AgentError("not_found", "not-found", "The path names no artifact.");
    const place = await placeOf(segments.slice(0, -1), signal);
    const localPath = join(place.directory, name);
    const { kind, bytes, modifiedAt, identity } = await measure(files, localPath, signal);
    const names = new Set((await files.readdir(place.directory)).map((child) => child.name));
    const checksum = nameKind(name) === "artifact" ? await (await readChecksums(place, names, []))(name) : null;
    return { entry: { path: segments.join("/"), kind, bytes, modifiedAt, immutableUntil: null, checksum }, localPath, identity };
  }
}

/** Only the vault's own path may hold symlinks; below it, a directory that is not where its path says is not entered. */
async function enter(files: VaultFiles, root: string, segments: readonly string[], signal: AbortSignal): Promise<Place> {
  signal.throwIfAborted();
  const base = await files.realpath(root);
  const directory = join(base, ...segments);
  if ((await files.realpath(directory)) !== directory)
    throw new AgentError("unsupported", "symlink", "A directory on the way is a symbolic link, which is never followed.");
  return { files, directory, prefix: segments.map((segment) => `${segment}/`).join(""), signal };
}

/** Every error leaves as an AgentError about the path within the vault. */
async function guarded<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (signal.aborted) throw new AgentError("transient", "aborted", "The vault was no longer waited for.", { cause: thrown });
    const error = asAgentError(thrown);
    const said = error.kind === "not_found" ? "There is no such file or directory in the vault." : describe(error);
    const where = path === "" ? "the vault" : JSON.stringify(path.slice(0, 300));
    throw new AgentError(error.kind, error.code, `${where}: ${said}`, {
      cause: thrown,
      ...(error.mend === null ? {} : { mend: error.mend }),
    });
  }
}
