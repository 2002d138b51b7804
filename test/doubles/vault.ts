/** A vault held in memory, which spools what is opened, and one that breaks where it is told to. */
import { createHash } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AgentError } from "../../agent/core/errors.ts";
import type { OpenArtifact, Vault, VaultBrowser, VaultEntry, VaultListing, VaultName } from "../../agent/core/ports.ts";
import { MAX_REPORT_BYTES, matchesPattern, nameKind, parseChecksums, vaultSegments } from "../../agent/core/vault-names.ts";

interface MemoryFile {
  readonly bytes: Uint8Array;
  readonly mtime: number;
}

export interface MemoryVault {
  readonly vault: Vault & VaultBrowser;
  put(path: string, bytes: string | Uint8Array, mtime: number): Promise<void>;
  remove(path: string): Promise<void>;
}

export function memoryVault(id = "memory"): MemoryVault {
  const files = new Map<string, MemoryFile>();
  const inside = (path: string): [string, MemoryFile][] => [...files].filter(([name]) => name.startsWith(`${path}/`));
  const textOf = (path: string): string => new TextDecoder().decode(files.get(path)?.bytes);

  const entryOf = (path: string, problems: string[]): VaultEntry => {
    const file = files.get(path);
    const parts = file === undefined ? inside(path).map(([, each]) => each) : [file];
    if (parts.length === 0) throw new AgentError("not_found", "not-found", `${JSON.stringify(path)}: There is no such file or directory.`);
    return {
      path,
      kind: file === undefined ? "directory" : "file",
      bytes: parts.reduce((sum, part) => sum + part.bytes.byteLength, 0),
      modifiedAt: Math.max(...parts.map((part) => part.mtime)),
      immutableUntil: null,
      checksum: checksumOf(path, problems),
    };
  };
  const checksumOf = (path: string, problems: string[]): VaultEntry["checksum"] => {
    const name = path.split("/").at(-1) ?? "";
    const own = `${path}.sha256`;
    if (files.has(own)) {
      const value = parseChecksums(textOf(own), name).get(name);
      if (value !== undefined) return { algorithm: "sha256", value, from: own };
      problems.push(`${own}: It holds no SHA-256 digest of the artifact beside it.`);
    }
    const common = path.slice(0, path.length - name.length) + "SHA256SUMS";
    const value = files.has(common) ? parseChecksums(textOf(common), null).get(name) : undefined;
    return value === undefined ? null : { algorithm: "sha256", value, from: common };
  };
  const reportOf = (path: string, problems: string[]): VaultListing["reports"] => {
    const file = files.get(path);
    if (file === undefined) return [];
    if (file.bytes.byteLength <= MAX_REPORT_BYTES) return [{ path, text: textOf(path), modifiedAt: file.mtime }];
    problems.push(`${path}: The run report is larger than 64 KiB.`);
    return [];
  };

  const vault: Vault & VaultBrowser = {
    id,
    async names(folder, signal) {
      const path = vaultSegments(folder).join("/");
      await turn(signal);
      const base = path === "" ? "" : `${path}/`;
      const below = [...files.keys()].filter((name) => name.startsWith(base)).map((name) => name.slice(base.length));
      if (path !== "" && below.length === 0)
        throw new AgentError("not_found", "not-found", `${JSON.stringify(path)}: There is no such file or directory.`);
      const kinds = new Map(
        below.map((name): [string, VaultName["kind"]] => [name.split("/")[0] ?? "", name.includes("/") ? "directory" : "file"]),
      );
      return [...kinds].map(([name, kind]) => ({ name, kind })).sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    async list(prefix, { pattern, signal }) {
      const path = vaultSegments(prefix).join("/");
      await turn(signal);
      const problems: string[] = [];
      if (files.has(path)) return { entries: [entryOf(path, problems)], reports: reportOf(`${path}.run.json`, problems), problems };
      const base = path === "" ? "" : `${path}/`;
      const below = [...files.keys()].filter((name) => name.startsWith(base));
      if (path !== "" && below.length === 0)
        throw new AgentError("not_found", "not-found", `${JSON.stringify(path)}: There is no such file or directory.`);
      const names = [...new Set(below.map((name) => name.slice(base.length).split("/")[0] ?? ""))].sort();
      return {
        entries: names
          .filter((name) => nameKind(name) === "artifact" && matchesPattern(name, pattern))
          .map((name) => entryOf(base + name, problems)),
        reports: names.filter((name) => nameKind(name) === "report").flatMap((name) => reportOf(base + name, problems)),
        problems: problems.sort(),
      };
    },
    async stat(path, signal) {
      const clean = vaultSegments(path).join("/");
      await turn(signal);
      return entryOf(clean, []);
    },
    async open(path, { spoolDir, maxBytes, signal }): Promise<OpenArtifact> {
      const clean = vaultSegments(path).join("/");
      await turn(signal);
      const entry = entryOf(clean, []);
      if (entry.bytes > maxBytes) throw new AgentError("limit", "artifact-too-large", "The artifact is larger than the limit allows.");
      const parts = (): [string, MemoryFile][] => (files.has(clean) ? [[clean, files.get(clean) as MemoryFile]] : inside(clean));
      const state = (): string =>
        createHash("sha256")
          .update(JSON.stringify(parts().map(([name, file]) => [name, file.mtime, [...file.bytes]])))
          .digest("hex");
      const before = state();
      const localPath = join(spoolDir, clean.split("/").at(-1) ?? "");
      for (const [name, file] of parts()) {
        const target = join(localPath, name.slice(clean.length));
        await mkdir(dirname(target), { recursive: true });
        await writeFile(target, file.bytes);
      }
      return {
        entry,
        localPath,
        spooled: true,
        async assertUnchanged() {
          if (state() !== before) throw new AgentError("transient", "artifact-changed", "The artifact changed while it was read.");
        },
        close: () => rm(localPath, { recursive: true, force: true }),
      };
    },
  };
  return {
    vault,
    async put(path, bytes, mtime) {
      files.set(path, { bytes: typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes, mtime });
    },
    async remove(path) {
      files.delete(path);
      for (const [name] of inside(path)) files.delete(name);
    },
  };
}

/** Gives way once, so that an abort right after the call is met as it is in a real vault. */
async function turn(signal: AbortSignal): Promise<void> {
  await Promise.resolve();
  if (signal.aborted) throw new AgentError("transient", "aborted", "The vault was no longer waited for.");
}

export interface VaultFault {
  readonly on: "list" | "names" | "stat" | "open" | "assertUnchanged" | "close" | "hang";
  /** What is thrown; `hang` throws nothing: the next `list` waits until its signal aborts. */
  readonly error?: Error;
}

/** A vault that behaves like `inner` except for its faults, each of which strikes once. */
export interface FaultyVault extends Vault {
  /** Throws when a fault was never met: the test did not exercise what it says. */
  verifyAllStruck(): void;
}

export function faultyVault(inner: Vault & Partial<VaultBrowser>, faults: readonly VaultFault[] = []): FaultyVault {
  const waiting = [...faults];
  const take = (on: VaultFault["on"]): VaultFault | null => {
    const index = waiting.findIndex((fault) => fault.on === on);
    return index < 0 ? null : (waiting.splice(index, 1)[0] ?? null);
  };
  const strike = (on: VaultFault["on"]): void => {
    const fault = take(on);
    if (fault !== null) throw fault.error ?? new AgentError("transient", "planted", "A planted fault.");
  };
  return {
    id: inner.id,
    ...(inner.names === undefined
      ? {}
      : {
          async names(folder: string, signal: AbortSignal) {
            strike("names");
            return inner.names?.(folder, signal) ?? [];
          },
        }),
    async list(prefix, options) {
      if (take("hang") !== null) await untilAborted(options.signal);
      strike("list");
      return inner.list(prefix, options);
    },
    async stat(path, signal) {
      strike("stat");
      return inner.stat(path, signal);
    },
    async open(path, options) {
      strike("open");
      const artifact = await inner.open(path, options);
      return {
        ...artifact,
        async assertUnchanged() {
          strike("assertUnchanged");
          await artifact.assertUnchanged();
        },
        async close() {
          await artifact.close();
          strike("close");
        },
      };
    },
    verifyAllStruck() {
      if (waiting.length > 0) throw new Error(`Faults that never struck: ${waiting.map((fault) => fault.on).join(", ")}`);
    },
  };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new AgentError("transient", "aborted", "The vault was no longer waited for."));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
