/** What a child drew for the sampled layers, read back, and made into the part of a drill's record the ledger follows from. */
import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AgentError } from "../core/errors.ts";
import type { SourcePolicy } from "../core/policy.ts";
import type { Repositories } from "../core/ports.ts";
import { LEDGER_PAPER, ledgerOf, sampleSeed } from "../core/sampled.ts";
import type { StratumCensus } from "../core/sampling/census.ts";
import type { TakenStratum } from "../core/sampling/ledger.ts";
import { serialiseLedger } from "../core/sampling/packing.ts";
import type { Layer } from "../core/words.ts";
import { SAMPLED_FILE, type SamplingRequest } from "../drill/protocol.ts";

const MAX_BYTES = 128 * 1024 * 1024;
const stratum = z.looseObject({ collection: z.string(), kind: z.string() });
const schema = z.object({
  taken: z.array(
    z.looseObject({
      layer: z.string(),
      stratum,
      bits: z.number(),
      point: z.number(),
      population: z.number(),
      sampled: z.number(),
      buckets: z.array(z.looseObject({ bucket: z.number() })),
    }),
  ),
  census: z.array(
    z.looseObject({ id: z.string(), stratum, population: z.number(), buckets: z.array(z.looseObject({ present: z.number() })) }),
  ),
});

export interface DrawnSample {
  readonly taken: readonly TakenStratum[];
  readonly census: readonly StratumCensus[];
}

const SAMPLED: readonly Layer[] = ["scratch", "live"];
/** Clocks of who made a backup and of who made its records may be so far apart. */
const APART_MS = 60_000;

/** @returns what a child needs to draw by the ledger: for the layer that has come the least far, if several are promised */
export async function samplingRequest(
  policy: SourcePolicy,
  { papers }: Repositories,
  digestKey: string,
  point: number,
  now: number,
): Promise<SamplingRequest | null> {
  const ledger = ledgerOf(await papers.get(policy.id, LEDGER_PAPER));
  const promised = SAMPLED.filter((layer) => policy.verify.layers.includes(layer));
  const read = (layer: Layer): number =>
    Object.values(ledger.strata)
      .filter((one) => one.layer === layer)
      .reduce(
        (sum, one) => sum + one.cycle * one.buckets.length + one.buckets.filter((entry) => (entry?.cycle ?? -1) >= one.cycle).length,
        0,
      );
  const layer = promised.toSorted((a, b) => read(a) - read(b))[0];
  if (layer === undefined) return null;
  return { seed: sampleSeed(digestKey, policy.id), layer, ledger: serialiseLedger(ledger), point: point - APART_MS, now };
}

/** @returns null where the child drew without the ledger; @throws AgentError `internal` where what it left is not what it should be */
export async function readSampled(workDir: string): Promise<DrawnSample | null> {
  const path = join(workDir, SAMPLED_FILE);
  const stats = await lstat(path).catch(() => null);
  if (stats === null) return null;
  const parsed = stats.isFile() && stats.size <= MAX_BYTES ? schema.safeParse(parseJson(await readFile(path, "utf8"))) : null;
  if (parsed?.success !== true) throw new AgentError("internal", "sample-not-whole", "What the drill drew cannot be read.");
  return parsed.data as unknown as DrawnSample;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
