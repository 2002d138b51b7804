/** What every command needs of the machine, and how a drill is run: all that `verify` is made of, so that it loads no more. */
import type { Clock, Random, Span } from "./core/ports.ts";
import type { Phase } from "./core/words.ts";
import type { DrillJob } from "./drill/protocol.ts";
import { type ChildOutcome, runDrillChild } from "./engine/drill-child/index.ts";
import { type IsolationReport, probeIsolation } from "./engine/drill-child/isolation.ts";
import { systemClock } from "./kit/clock.ts";
import { systemRandom } from "./kit/random.ts";
import type { LogThreshold } from "./telemetry/logger.ts";

export const VERSION = "0.1.0";

/** What the machine gives; tests give their own. */
export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly hostname: string;
  readonly pid: number;
  readonly nodePath: string;
  readonly log: { readonly level: LogThreshold; readonly write: (line: string) => void };
}

export function systemWorld(more: Omit<World, "clock" | "random">): World {
  return { clock: systemClock(), random: systemRandom(), ...more };
}

export type RunChild = (
  job: DrillJob,
  span: Span,
  signal: AbortSignal,
  onProgress?: (phase: Phase, done: number, of: number | null) => void,
) => Promise<ChildOutcome>;

/** Drills in child processes with the isolation this machine gives. */
export async function drillRunner(
  world: Pick<World, "clock" | "nodePath">,
): Promise<{ readonly isolation: IsolationReport; readonly runChild: RunChild }> {
  const isolation = await probeIsolation();
  return {
    isolation,
    runChild: (job, span, signal, onProgress) =>
      runDrillChild(job, {
        isolation,
        clock: world.clock,
        span,
        signal,
        nodePath: world.nodePath,
        ...(onProgress === undefined ? {} : { onProgress }),
      }),
  };
}
