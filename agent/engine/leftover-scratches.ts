/** Scratch workspaces that a killed agent left behind: found by their tag and removed before any drill of this one begins. */
import { asAgentError } from "../core/errors.ts";
import type { SourceProducts } from "../core/platform-ports.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { Clock, Telemetry } from "../core/ports.ts";
import { ATTRIBUTES } from "../telemetry/names.ts";
import { withDeadline } from "./deadline.ts";
import { scratchPrefix } from "./scratch/scratch.ts";

export interface LeftoverDeps {
  readonly products: (sourceId: string) => SourceProducts | null;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** Longest time all of it may take, ms: a product that is down does not keep the agent from its work. */
  readonly deadlineMs: number;
}

/**
 * To be called while no drill runs: every workspace with our tag is taken for a leftover.
 * @returns by source id, how many could not be removed; a source whose scratch place could not be asked is left out. Never throws.
 */
export async function removeLeftovers(
  policies: readonly SourcePolicy[],
  deps: LeftoverDeps,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const left = new Map<string, number>();
  await Promise.all(
    policies.map(async ({ id }) => {
      try {
        const scratch = deps.products(id)?.scratch ?? null;
        if (scratch === null) return;
        const { found, removed } = await withDeadline(deps.clock, deps.deadlineMs, signal, (bounded) =>
          scratch.workspace.sweep(scratchPrefix(id), new Set(), bounded),
        );
        left.set(id, found - removed);
        if (found > 0)
          deps.telemetry.log("warn", "scratch workspaces of a killed run were found", { [ATTRIBUTES.source]: id, found, removed });
      } catch (thrown) {
        const error = asAgentError(thrown);
        deps.telemetry.log("warn", "it could not be seen whether scratch workspaces were left behind", {
          [ATTRIBUTES.source]: id,
          [ATTRIBUTES.errorType]: error.code,
        });
      }
    }),
  );
  return left;
}
