/** `restorewatch plan`: reads configuration and state, changes nothing. */
import { openStateForReading, readConfig } from "../../app.ts";
import { asAgentError } from "../../core/errors.ts";
import type { SampledLayer } from "../../core/sampling/plan-facts.ts";
import type { PlanFacts } from "../../core/sampling/planner.ts";
import { planCommand } from "../plan.ts";
import type { Shell } from "../program.ts";
import { quiet } from "./quiet.ts";
import { configPath, type How } from "./world.ts";

export interface PlanFlags {
  readonly config?: string;
  readonly output: How;
  readonly layer?: SampledLayer;
  /** Absent: what each source promises. */
  readonly within?: number;
  readonly rate?: number;
  readonly confidence: number;
  readonly items?: number;
  readonly bytes?: number;
  readonly calls?: number;
  readonly time?: number;
  readonly population?: number;
  readonly growth?: number;
  readonly edited?: number;
  readonly drills?: number;
  readonly callsPerItem?: number;
  readonly pricePerCall?: number;
  readonly pricePerGb?: number;
}

/** How many drills of a source are looked back on. */
const DRILLS = 200;

export async function plan(source: string | null, flags: PlanFlags, shell: Shell): Promise<number> {
  const world = quiet(shell);
  const config = await readConfig(configPath(flags.config ?? null, shell), shell.env);
  // A plan may be made before there is an agent: then nothing was measured.
  const state = await openStateForReading(config, world.clock).catch((thrown: unknown) => {
    if (asAgentError(thrown).code === "state-missing") return null;
    throw thrown;
  });
  try {
    return await planCommand(
      source,
      {
        output: flags.output,
        layer: flags.layer ?? null,
        target: { badRate: flags.rate ?? null, confidence: flags.confidence, coverWithinMs: flags.within ?? null },
        facts: factsOf(flags),
        budget: {
          ...(flags.items === undefined ? {} : { items: flags.items }),
          ...(flags.bytes === undefined ? {} : { bytes: flags.bytes }),
          ...(flags.calls === undefined ? {} : { calls: flags.calls }),
          ...(flags.time === undefined ? {} : { seconds: flags.time / 1000 }),
        },
      },
      {
        out: shell.out,
        now: () => world.clock.now(),
        read: (only) =>
          Promise.all(
            config.sources
              .filter((policy) => only === null || policy.id === only)
              .map(async (policy) => ({
                policy,
                connection: config.connections.find((one) => one.sourceId === policy.id) ?? null,
                drills: (await state?.repositories.drills.list({ sourceId: policy.id, limit: DRILLS })) ?? [],
              })),
          ),
      },
    );
  } finally {
    await state?.close();
  }
}

function factsOf(flags: PlanFlags): Partial<PlanFacts> {
  return {
    ...(flags.population === undefined ? {} : { population: flags.population }),
    ...(flags.growth === undefined ? {} : { growthPerDay: flags.growth }),
    ...(flags.edited === undefined ? {} : { changedPerDay: flags.edited }),
    ...(flags.drills === undefined ? {} : { drillsPerDay: flags.drills }),
    ...(flags.callsPerItem === undefined ? {} : { callsPerItem: flags.callsPerItem }),
    ...(flags.pricePerCall === undefined ? {} : { pricePerCall: flags.pricePerCall }),
    ...(flags.pricePerGb === undefined ? {} : { pricePerGb: flags.pricePerGb }),
  };
}
