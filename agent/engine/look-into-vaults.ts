/** What lies in the configured vaults, by name, where a source may have been forgotten. What could not be looked at is named. */
import { type Claim, foldersToLookInto, type VaultLook } from "../core/catalogue.ts";
import { AgentError, asAgentError } from "../core/errors.ts";
import type { Clock, Vault, VaultBrowser, VaultName } from "../core/ports.ts";
import { mapLimit } from "../kit/map-limit.ts";
import { withDeadline } from "./deadline.ts";

export interface LookDeps {
  /** May throw, for a vault that cannot be made. */
  readonly vault: (id: string) => Vault;
  readonly clock: Clock;
  /** Longest time one vault may take, ms. */
  readonly deadlineMs: number;
}

const FOLDERS_AT_ONCE = 8;

/** One look for each vault, in the order of `vaultIds`; never throws but for an aborted `signal`. */
export async function lookIntoVaults(
  vaultIds: readonly string[],
  claims: readonly Claim[],
  deps: LookDeps,
  signal: AbortSignal,
): Promise<VaultLook[]> {
  return Promise.all(vaultIds.map((id) => lookIntoVault(id, foldersToLookInto(claims, id), deps, signal)));
}

async function lookIntoVault(vaultId: string, folders: readonly string[], deps: LookDeps, signal: AbortSignal): Promise<VaultLook> {
  const seen = new Map<string, readonly VaultName[]>();
  const problems: string[] = [];
  const problem = (thrown: unknown): void => {
    const { message, mend }: AgentError = asAgentError(thrown);
    problems.push(`vault ${vaultId}: ${message.replace(/^the vault: /u, "").replace(/\.$/u, "")}${mend === null ? "" : `; mend: ${mend}`}`);
  };
  try {
    const vault = deps.vault(vaultId);
    await withDeadline(deps.clock, deps.deadlineMs, signal, (bounded) =>
      mapLimit(folders, FOLDERS_AT_ONCE, async (folder) => {
        try {
          seen.set(folder, await namesIn(vault, folder, bounded));
        } catch (thrown) {
          if (bounded.aborted) throw thrown;
          // A folder that a source names and nobody has made yet holds nothing; without the vault itself nothing was seen.
          if (asAgentError(thrown).kind === "not_found" && folder !== "") seen.set(folder, []);
          else problem(thrown);
        }
      }),
    );
  } catch (thrown) {
    if (signal.aborted) throw new AgentError("transient", "aborted", "It was stopped.", { cause: thrown });
    problem(thrown);
  }
  return { vaultId, folders: seen, problems };
}

async function namesIn(vault: Vault, folder: string, signal: AbortSignal): Promise<readonly VaultName[]> {
  if ("names" in vault) return (vault as Vault & VaultBrowser).names(folder, signal);
  const { entries } = await vault.list(folder, { pattern: "*", signal });
  return entries.map(({ path, kind }) => ({ name: path.slice(path.lastIndexOf("/") + 1), kind }));
}
