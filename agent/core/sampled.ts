/**
 * What a drill drew for the layers that only look at a sample, and how it went: the part of its record that the ledger, coverage and bounds
 * follow from. JSON.
 */
import { createHmac } from "node:crypto";
import { boundsOf } from "./sampling/bounds.ts";
import { hashPrefix, itemHash, stratumId } from "./sampling/buckets.ts";
import { censusAfter, type StratumCensus } from "./sampling/census.ts";
import { type CoverageFacts, coverageFacts } from "./sampling/coverage.ts";
import { drawnOf } from "./sampling/drawn.ts";
import { EMPTY_LEDGER, type Ledger, type OpenItem, type Outcome, record, type TakenStratum } from "./sampling/ledger.ts";
import { parseLedger, serialiseLedger } from "./sampling/packing.ts";
import type { Layer } from "./words.ts";

/** Kind of item that is sampled; others come whole with every drill. */
export const RECORDS = "records";
export const CONFIDENCE = 0.95;

/** One layer that ran. */
export interface SampledLayer {
  readonly layer: Layer;
  readonly taken: readonly TakenStratum[];
  readonly outcome: Outcome;
  /** As it stands once this is recorded. */
  readonly coverage: readonly CoverageFacts[];
  /** With this confidence fewer than such a share of all items is bad; null where nothing was drawn at random. */
  readonly badRateUpper: number | null;
}

/** A result that is not `match`. */
export interface SampledResult {
  readonly collection: string;
  readonly key: string;
  readonly result: OpenItem["result"];
}

/** Papers of a source. */
export const LEDGER_PAPER = "sampling.ledger";
export const COVERAGE_PAPER = "sampling.coverage";

/** Nobody can predict a sample who does not hold the key; whoever does can draw it again. @returns hex */
export function sampleSeed(digestKey: string, sourceId: string): string {
  return createHmac("sha256", digestKey).update(`sample/${sourceId}`).digest("hex");
}

export function ledgerOf(paper: string | null): Ledger {
  return paper === null ? EMPTY_LEDGER : parseLedger(paper);
}

/** What the sample was drawn for is one layer; another that looked at the very same items has read them too. */
export function asLayer(taken: readonly TakenStratum[], layer: Layer): readonly TakenStratum[] {
  return taken.map((one) => ({ ...one, layer }));
}

/** @param census of the items before they were read, as the child told it */
export function sampledLayer(
  layer: Layer,
  drawn: { readonly taken: readonly TakenStratum[]; readonly census: readonly StratumCensus[] },
  results: readonly SampledResult[],
  before: Ledger,
  seed: string,
  at: number,
): SampledLayer {
  const taken = asLayer(drawn.taken, layer);
  const census = drawn.census.map((one) => ({ ...one, layer, id: stratumId(layer, one.stratum) }));
  const open = results.map(({ collection, key, result }) => {
    const stratum = { collection, kind: RECORDS };
    return { id: stratumId(layer, stratum), hash: itemHash(hashPrefix(seed, stratum), key), result };
  });
  const known = new Set(taken.map((one) => stratumId(one.layer, one.stratum)));
  const outcome: Outcome = { at, open: open.filter((one) => known.has(one.id)) };
  const after = record(before, taken, outcome);
  const random = drawnOf(taken, outcome);
  const drew = [...random.values()].some((one) => one.sampled > 0);
  return {
    layer,
    taken,
    outcome,
    coverage: coverageFacts(censusAfter(census, before, taken, outcome), after).filter((one) => one.layer === layer),
    badRateUpper: drew ? boundsOf(random, CONFIDENCE).overall.badRateUpper : null,
  };
}

/** What is told of a source's coverage, by layer. */
export interface CoveragePaper {
  readonly facts: readonly CoverageFacts[];
  readonly bounds: Readonly<Partial<Record<Layer, number>>>;
}

/** The papers after a drill; pure, so that they can be made again from the evidence. */
export function papersAfter(
  ledger: string | null,
  coverage: string | null,
  sampled: readonly SampledLayer[],
): { readonly ledger: string; readonly coverage: string } {
  let next = ledgerOf(ledger);
  let told = parseCoverage(coverage);
  for (const one of sampled) {
    next = record(next, one.taken, one.outcome);
    const bounds = { ...told.bounds };
    if (one.badRateUpper === null) delete bounds[one.layer];
    else bounds[one.layer] = one.badRateUpper;
    told = { facts: [...told.facts.filter((fact) => fact.layer !== one.layer), ...one.coverage], bounds };
  }
  return { ledger: serialiseLedger(next), coverage: JSON.stringify(told) };
}

export function parseCoverage(paper: string | null): CoveragePaper {
  return paper === null ? { facts: [], bounds: {} } : (JSON.parse(paper) as CoveragePaper);
}
