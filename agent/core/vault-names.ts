/** What the names in a vault mean, the same for every kind of vault: which are artifacts, which stand beside one, which are unfinished. Pure. */
import { matchesGlob } from "node:path";
import { AgentError } from "./errors.ts";

/** A sidecar with a run report larger than this is not read. */
export const MAX_REPORT_BYTES = 64 * 1024;
/** A checksum file larger than this is not read. */
export const MAX_CHECKSUM_BYTES = 4 * 1024 * 1024;
export const CHECKSUM_LIST = "SHA256SUMS";

export type NameKind = "artifact" | "report" | "checksum" | "checksum-list" | "left-out";

const UNFINISHED = [".tmp", ".part", ".partial", ".crdownload", "~"];

/** @param name last segment of a path */
export function nameKind(name: string): NameKind {
  if (name === "" || name.startsWith(".") || UNFINISHED.some((ending) => name.endsWith(ending))) return "left-out";
  if (name.endsWith(".run.json")) return "report";
  if (name === CHECKSUM_LIST) return "checksum-list";
  return name.endsWith(".sha256") ? "checksum" : "artifact";
}

/** @param pattern a glob over the last segment: `*`, `?`, `[…]`, `{a,b}` */
export function matchesPattern(name: string, pattern: string): boolean {
  return pattern === "*" || matchesGlob(name, pattern);
}

/**
 * @param path `/`-separated path within a vault; slashes at its end and empty segments do not count; empty is the vault itself
 * @returns its segments
 * @throws AgentError `config` / `path-outside-vault` for an absolute path, `..`, `.` or a NUL
 */
export function vaultSegments(path: string): string[] {
  const segments = path.split("/").filter((segment) => segment !== "");
  if (path.startsWith("/") || segments.some((segment) => segment === ".." || segment === "." || segment.includes("\0")))
    throw new AgentError("config", "path-outside-vault", "The path does not lie within the vault.", {
      mend: "give it relative to the vault, without `..`",
    });
  return segments;
}

/**
 * Checksums by file name out of `sha256sum` output, its BSD form, or a bare digest.
 * @param only name of the one artifact a bare digest belongs to, or null where names are needed
 */
export function parseChecksums(text: string, only: string | null): ReadonlyMap<string, string> {
  const sums = new Map<string, string>();
  for (const line of text.replace(/^\uFEFF/, "").split(/\r?\n/)) {
    const plain = /^\\?(?<sum>[0-9a-fA-F]{64})(?:[ \t]+\*?(?<name>.+?))?\s*$/.exec(line)?.groups;
    const found = plain ?? /^SHA256 ?\((?<name>.+)\) ?= ?(?<sum>[0-9a-fA-F]{64})\s*$/.exec(line)?.groups;
    const sum = found?.["sum"]?.toLowerCase();
    if (sum === undefined) continue;
    const name = found?.["name"];
    const key = name === undefined ? only : only === null ? name.replace(/^(\.\/)+/, "") : (name.split(/[/\\]/).at(-1) ?? name);
    if (key !== null) sums.set(key, sum);
  }
  return sums;
}
