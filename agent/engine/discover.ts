/** The catalogue as vaults and live products show it now, for the command line: every source is listed afresh, nothing is recorded. */
import { type Catalogue, type CatalogueConfig, catalogue, claimOf, type Sighting } from "../core/catalogue.ts";
import { AgentError, asAgentError } from "../core/errors.ts";
import { pointsFromListing } from "../core/points.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { Clock, Vault } from "../core/ports.ts";
import type { Layer } from "../core/words.ts";
import { mapLimit } from "../kit/map-limit.ts";
import { askProducts, type ProductsToAsk } from "./ask-products.ts";
import { withDeadline } from "./deadline.ts";
import { lookIntoVaults } from "./look-into-vaults.ts";

export interface DiscoverNowDeps {
  readonly config: CatalogueConfig;
  /** May throw, for a vault that cannot be made. */
  readonly vault: (id: string) => Vault;
  /** Live products; without it there are none. */
  readonly products?: ProductsToAsk;
  readonly clock: Clock;
  /** Layers the newest drill of each source came to a conclusion on, where an agent has kept state; else empty. */
  readonly concluded: ReadonlyMap<string, readonly Layer[]>;
  /** Longest time one source, one vault or one product may take, ms. */
  readonly deadlineMs: number;
  readonly onProgress: (done: number, of: number) => void;
}

const SOURCES_AT_ONCE = 8;

/** A source whose backups could not be listed is `unknown`, and why is in `unseen`. */
export async function discoverNow(deps: DiscoverNowDeps, signal: AbortSignal): Promise<Catalogue> {
  const { config } = deps;
  const [looks, asked] = await Promise.all([
    lookIntoVaults(config.vaults, config.sources.map(claimOf), deps, signal),
    deps.products === undefined ? [] : askProducts(deps.products, deps, signal),
  ]);
  // Where the vault itself does not answer, asking a thousand times more tells nothing new.
  const lost = new Set(looks.filter((look) => look.folders.size === 0).map((look) => look.vaultId));
  const sightings = new Map<string, Sighting>();
  const problems: Catalogue["unseen"][number][] = [];
  let done = 0;
  await mapLimit(config.sources, SOURCES_AT_ONCE, async (source) => {
    const concluded = deps.concluded.get(source.id) ?? [];
    if (!lost.has(source.backups.vaultId)) {
      try {
        sightings.set(source.id, { looked: true, newestAt: await newestOf(source, deps, signal), concluded });
      } catch (thrown) {
        if (signal.aborted) throw new AgentError("transient", "aborted", "It was stopped.", { cause: thrown });
        problems.push({
          vaultId: source.backups.vaultId,
          sourceId: source.id,
          problem: `source ${source.id}: ${sentence(asAgentError(thrown))}`,
        });
      }
    }
    if (!sightings.has(source.id)) sightings.set(source.id, { looked: false, newestAt: null, concluded });
    done += 1;
    deps.onProgress(done, config.sources.length);
  });
  const made = catalogue(config, sightings, looks, asked);
  return { ...made, unseen: [...made.unseen, ...problems.sort((a, b) => (a.problem < b.problem ? -1 : 1))] };
}

/** @throws AgentError when it cannot be told: also where nothing was found and something could not be looked at */
async function newestOf(source: SourcePolicy, deps: DiscoverNowDeps, signal: AbortSignal): Promise<number | null> {
  const { vaultId, path, pattern } = source.backups;
  const { entries, problems, reports } = await withDeadline(deps.clock, deps.deadlineMs, signal, async (bounded) => {
    try {
      return await deps.vault(vaultId).list(path, { pattern, signal: bounded });
    } catch (thrown) {
      // The vault is there, as was just seen: a folder that nobody has made yet holds no backup.
      if (asAgentError(thrown).kind === "not_found") return { entries: [], reports: [], problems: [] };
      throw thrown;
    }
  });
  const { alive } = pointsFromListing(source, { entries, reports, problems }, [], [], deps.clock.now());
  const [newest] = alive;
  const [problem] = problems;
  if (newest === undefined && problem !== undefined) throw new AgentError("transient", "not-seen", problem);
  // What may still be written is a backup too: it is only not judged yet.
  return newest?.createdAt ?? (entries.length === 0 ? null : Math.max(...entries.map((entry) => entry.modifiedAt)));
}

function sentence({ message, mend }: AgentError): string {
  return `${message.replace(/\.$/u, "")}${mend === null ? "" : `; mend: ${mend}`}`;
}
