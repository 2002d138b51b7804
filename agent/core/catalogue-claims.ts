/** Who claims what in a vault: what lies there that no source counts as its own, and what two sources both do. Pure. */
import type { SourcePolicy } from "./policy.ts";
import type { VaultName } from "./ports.ts";
import { matchesPattern, nameKind } from "./vault-names.ts";

/** The part of a vault a source takes its backups from. */
export interface Claim {
  readonly sourceId: string;
  readonly vaultId: string;
  /** Folder whose entries are backups, or one file; empty for the whole vault. */
  readonly path: string;
  readonly pattern: string;
}

/** What lies in a vault, as far as it was looked at. */
export interface VaultLook {
  readonly vaultId: string;
  /** By folder within the vault, what lies directly in it; a folder that could not be looked at is not in here. */
  readonly folders: ReadonlyMap<string, readonly VaultName[]>;
  /** What could not be looked at, one sentence each. */
  readonly problems: readonly string[];
}

/** Something in a vault that no source counts as its backup. */
export interface Unclaimed {
  readonly vaultId: string;
  /** Within the vault. Several names that differ in digits only are one, with `*` for the digits. */
  readonly path: string;
  readonly kind: "file" | "directory";
  /** How many names it stands for. */
  readonly count: number;
  /** The one source whose folder it lies in without matching its pattern; null where none claims the folder, or others have backups in it too. */
  readonly beside: string | null;
}

/** Two sources that would count the same artifact as theirs. `path`: where, within the vault. */
export interface Overlap {
  readonly vaultId: string;
  readonly path: string;
  /** By name; of `nested` ones the outer comes first. */
  readonly sources: readonly [string, string];
  /** `nested`: the first takes the whole folder of the second for one backup of its own. */
  readonly how: "pattern" | "nested";
}

export function claimOf({ id, backups }: Pick<SourcePolicy, "id" | "backups">): Claim {
  return { sourceId: id, vaultId: backups.vaultId, path: backups.path, pattern: backups.pattern };
}

/** Folders of the vault to look into: everything above a claim, and the folders claims take only a part of. Sorted. */
export function foldersToLookInto(claims: readonly Claim[], vaultId: string): string[] {
  const folders = new Set<string>();
  for (const claim of claims) {
    if (claim.vaultId !== vaultId) continue;
    for (const folder of foldersAbove(claim.path)) folders.add(folder);
    if (claim.pattern !== "*") folders.add(claim.path);
  }
  // Of a vault that nobody claims, or one that is claimed whole, the top is what there is to see.
  if (folders.size === 0) folders.add("");
  return [...folders].sort();
}

/** What lies in the folders looked into under no claim, by path. */
export function unclaimedIn(look: VaultLook, claims: readonly Claim[]): Unclaimed[] {
  const own = claims.filter((claim) => claim.vaultId === look.vaultId);
  const byPath = Map.groupBy(own, (claim) => claim.path);
  const above = new Set(own.flatMap((claim) => foldersAbove(claim.path)));
  const left: { readonly path: string; readonly stem: string; readonly kind: VaultName["kind"]; readonly beside: string | null }[] = [];
  for (const [folder, names] of look.folders) {
    const here = byPath.get(folder) ?? [];
    const takers = takersOf(here);
    // Where several sources have their backups, a name that none takes may well be one that was forgotten.
    const shared = here.length > 1 || above.has(folder);
    const within = folder === "" ? "" : `${folder}/`;
    for (const { name, kind } of names) {
      const path = within + name;
      if (nameKind(name) !== "artifact" || above.has(path) || byPath.has(path) || takers(name).length > 0) continue;
      left.push({
        path,
        stem: `${within}${name.replaceAll(/\d+/gu, "*")}`,
        kind,
        beside: shared ? null : (here[0]?.sourceId ?? null),
      });
    }
  }
  return [...Map.groupBy(left, ({ kind, stem }) => `${kind} ${stem}`).values()]
    .flatMap((alike): Unclaimed[] => {
      const [first] = alike;
      if (first === undefined) return [];
      const { kind, stem, beside } = first;
      // Two or three folders are things of their own; a hundred that differ in digits are the nights of one.
      const together = alike.length > 1 && (kind === "file" || alike.length >= MANY_FOLDERS);
      if (together) return [{ vaultId: look.vaultId, path: stem, kind, count: alike.length, beside }];
      return alike.map(({ path }) => ({ vaultId: look.vaultId, path, kind, count: 1, beside }));
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

const MANY_FOLDERS = 10;

/**
 * @param looks where a folder was looked into, what really lies there tells whether two patterns meet
 * @returns one for each pair of sources
 */
export function overlaps(claims: readonly Claim[], looks: readonly VaultLook[]): Overlap[] {
  const found: Overlap[] = [];
  const folders = new Map(looks.map((look) => [look.vaultId, look.folders]));
  for (const [vaultId, own] of Map.groupBy(claims, (claim) => claim.vaultId)) {
    const byPath = Map.groupBy(own, (claim) => claim.path);
    for (const [path, same] of byPath) {
      found.push(...meetingPatterns(vaultId, path, same, folders.get(vaultId)?.get(path) ?? []));
      for (const inner of same) found.push(...nestedIn(inner, byPath));
    }
  }
  return found;
}

function meetingPatterns(vaultId: string, path: string, same: readonly Claim[], names: readonly VaultName[]): Overlap[] {
  if (same.length < 2) return [];
  const found = new Map<string, Overlap>();
  const meet = (one: Claim, other: Claim): void => {
    const sources = one.sourceId < other.sourceId ? ([one.sourceId, other.sourceId] as const) : ([other.sourceId, one.sourceId] as const);
    found.set(sources.join(" "), { vaultId, path, sources, how: "pattern" });
  };
  const all = (claims: readonly Claim[]): void => {
    for (const [index, one] of claims.entries()) for (const other of claims.slice(index + 1)) meet(one, other);
  };
  for (const equal of Map.groupBy(same, (claim) => claim.pattern).values()) all(equal);
  for (const whole of same) if (whole.pattern === "*") for (const other of same) if (other !== whole) meet(whole, other);
  const takers = takersOf(same);
  for (const { name } of names) if (nameKind(name) === "artifact") all(takers(name));
  return [...found.values()];
}

/** Which claims on one folder take a name in. Patterns are tried only where what stands before their first wildcard fits: a folder may hold the backups of a thousand sources. */
function takersOf(claims: readonly Claim[]): (name: string) => readonly Claim[] {
  const byStart = Map.groupBy(claims, (claim) => /^[^*?[\]{}()!+@\\]*/u.exec(claim.pattern)?.[0] ?? "");
  const lengths = [...new Set([...byStart.keys()].map((start) => start.length))];
  return (name) =>
    lengths
      .filter((length) => length <= name.length)
      .flatMap((length) => (byStart.get(name.slice(0, length)) ?? []).filter((claim) => matchesPattern(name, claim.pattern)));
}

/** Claims on a folder above whose pattern takes in the folder that leads to this one. */
function nestedIn(inner: Claim, byPath: ReadonlyMap<string, readonly Claim[]>): Overlap[] {
  return foldersAbove(inner.path).flatMap((folder) => {
    const next = inner.path.slice(folder === "" ? 0 : folder.length + 1).split("/")[0] ?? "";
    return (byPath.get(folder) ?? [])
      .filter((outer) => matchesPattern(next, outer.pattern) && nameKind(next) === "artifact")
      .map((outer): Overlap => ({ vaultId: inner.vaultId, path: inner.path, sources: [outer.sourceId, inner.sourceId], how: "nested" }));
  });
}

/** `a/b/c` lies under ``, `a`, `a/b`. */
function foldersAbove(path: string): string[] {
  if (path === "") return [];
  const segments = path.split("/");
  return segments.map((_, index) => segments.slice(0, index).join("/"));
}
