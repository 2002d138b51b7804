/** What a sample is drawn from, and each stratum while it is. */
import type { Layer } from "../words.ts";
import { bitsFor, stratumId } from "./buckets.ts";
import type { Budget } from "./budget.ts";
import { doubtsOf, type Readings, readingsOf } from "./census.ts";
import { type Buckets, type Frame, inBuckets } from "./frame.ts";
import { type Ledger, split, type StratumLedger } from "./ledger.ts";

export interface LaneRules {
  /** By stratum id: read in every drill. */
  readonly critical: ReadonlyMap<string, ReadonlySet<string>>;
  /** Items to be deleted within this are read once more in it, ms. */
  readonly endingWithinMs: number;
  /** Of every budget, for all lanes but the first together; what they leave is the cycle's. */
  readonly share: number;
  /** Ids of strata whose update times tell every change; absent: all that have any. */
  readonly updatesTold?: ReadonlySet<string>;
}

export const NO_LANES: LaneRules = { critical: new Map(), endingWithinMs: 0, share: 0.5 };

export interface DrawInput {
  /** Secret of the source. */
  readonly seed: string;
  readonly layer: Layer;
  readonly ledger: Ledger;
  /** Every stratum of the recovery point. */
  readonly frames: readonly Frame[];
  /** Everything created by then is in the recovery point: when it began to be made, less what the clocks may be apart. ms. */
  readonly point: number;
  readonly now: number;
  readonly budget: Budget;
  readonly lanes: LaneRules;
}

/** A stratum while a sample is drawn of it. */
export interface Drawing {
  readonly id: string;
  readonly frame: Frame;
  readonly ledger: StratumLedger | null;
  readonly bits: number;
  readonly buckets: Buckets;
  /** Buckets of which nothing is believed any more. */
  readonly doubts: readonly number[];
  readonly readings: Readings;
  /** By item: 0, or 1 + the place of its lane; CYCLE for the random part. */
  readonly why: Uint8Array;
}

export function drawingOf({ layer, ledger }: DrawInput, frame: Frame): Drawing {
  const id = stratumId(layer, frame.stratum);
  const known = ledger.strata[id] ?? null;
  const bits = Math.max(known?.bits ?? 0, bitsFor(frame.keys.length));
  const own = known === null ? null : split(known, bits);
  const buckets = inBuckets(frame, bits);
  const children = known === null ? 1 : 2 ** (bits - known.bits);
  const doubts =
    known === null ? [] : doubtsOf(frame, known).flatMap((bucket) => [...Array(children).keys()].map((at) => bucket * children + at));
  const readings = readingsOf(frame, buckets, own, new Set(doubts));
  return { id, frame, ledger: own, bits, buckets, doubts, readings, why: new Uint8Array(frame.keys.length) };
}
