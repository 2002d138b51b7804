/**
 * The ledger as text: a list of the readings there were, and columns of small numbers, one a bucket. About 20 characters a bucket, and 8
 * more an item where digests of keys are kept.
 */
import { z } from "zod";
import { AgentError } from "../errors.ts";
import { LAYERS } from "../words.ts";
import { HASH_DIGITS } from "./buckets.ts";
import { type BucketEntry, type ItemMark, type Ledger, OPEN_RESULTS, type Segment, type StratumLedger } from "./ledger.ts";

const VERSION = 1;
/** In a column of counts: nobody knows. */
const UNKNOWN = 0xffffffff;
/** In a column of places: none. */
const NONE = 0xffff;

const pair = z.tuple([z.number(), z.number()]);
const stratumSchema = z.object({
  layer: z.enum(LAYERS),
  collection: z.string(),
  kind: z.string(),
  since: z.number(),
  readAt: z.number().nullable(),
  bits: z.number().int().min(0).max(16),
  cycle: z.number().int(),
  /** Distinct readings: point, time, cycle. */
  readings: z.array(z.tuple([z.number(), z.number(), z.number()])),
  /** Place of each bucket's reading, two bytes; count of items, four; XOR of their hashes, eight. */
  which: z.string(),
  items: z.string(),
  digests: z.string(),
  /** Distinct segments; bucket, how many items it held, places of its own. */
  segments: z.array(pair),
  fresh: z.array(z.tuple([z.number(), z.number().nullable(), z.array(z.number().int())])),
  edited: z.array(pair),
  keys: z.array(z.string().nullable()).nullable(),
  part: z.object({ bucket: z.number().int(), after: z.string(), point: z.number(), at: z.number() }).nullable(),
  /** Point and time of marks, and their hashes one behind the other. */
  again: z.array(z.tuple([z.number(), z.number(), z.string()])),
  open: z.array(z.tuple([z.enum(OPEN_RESULTS), z.number(), z.string()])),
});
const schema = z.object({ version: z.literal(VERSION), strata: z.record(z.string(), stratumSchema) });
type Packed = z.infer<typeof stratumSchema>;

export function serialiseLedger(ledger: Ledger): string {
  const strata = Object.fromEntries(Object.entries(ledger.strata).map(([id, one]) => [id, pack(one)]));
  return JSON.stringify({ version: VERSION, strata });
}

/** @throws AgentError `internal` code `ledger-damaged` */
export function parseLedger(text: string): Ledger {
  try {
    const { strata } = schema.parse(JSON.parse(text));
    return { strata: Object.fromEntries(Object.entries(strata).map(([id, one]) => [id, unpack(one)])) };
  } catch (cause) {
    throw new AgentError("internal", "ledger-damaged", "What was sampled so far cannot be read.", {
      cause,
      mend: "restorewatch state rebuild",
    });
  }
}

function pack(ledger: StratumLedger): Packed {
  const places = new Map<string, number>();
  const readings: [number, number, number][] = [];
  const which = Buffer.alloc(ledger.buckets.length * 2);
  const items = Buffer.alloc(ledger.buckets.length * 4);
  const digests = Buffer.alloc(ledger.buckets.length * 8);
  for (const [bucket, entry] of ledger.buckets.entries()) {
    which.writeUInt16BE(entry === null ? NONE : placeOf(entry, places, readings), bucket * 2);
    items.writeUInt32BE(entry?.items ?? UNKNOWN, bucket * 4);
    if (entry?.digest != null) digests.write(entry.digest, bucket * 8, "hex");
  }
  const segments: [number, number][] = [];
  const segmentPlaces = new Map<string, number>();
  const segmentPlace = ({ to, at }: Segment): number => {
    const place = segmentPlaces.get(`${to} ${at}`) ?? segments.push([to, at]) - 1;
    segmentPlaces.set(`${to} ${at}`, place);
    return place;
  };
  return {
    layer: ledger.layer,
    collection: ledger.stratum.collection,
    kind: ledger.stratum.kind,
    since: ledger.since,
    readAt: ledger.readAt,
    bits: ledger.bits,
    cycle: ledger.cycle,
    readings,
    segments,
    which: which.toString("base64"),
    items: items.toString("base64"),
    digests: digests.toString("base64"),
    fresh: ledger.buckets.flatMap((entry, bucket): Packed["fresh"] =>
      entry === null || entry.fresh.length === 0 ? [] : [[bucket, entry.held, entry.fresh.map(segmentPlace)]],
    ),
    edited: ledger.buckets.flatMap((entry, bucket): Packed["edited"] => (entry?.edited == null ? [] : [[bucket, entry.edited]])),
    keys: ledger.buckets.some((entry) => entry?.keys != null) ? ledger.buckets.map((entry) => entry?.keys ?? null) : null,
    part: ledger.part,
    again: grouped(ledger.again, (mark) => `${mark.point} ${mark.at}`).map(([mark, hashes]) => [mark.point, mark.at, hashes]),
    open: grouped(ledger.open, (one) => `${one.result} ${one.at}`).map(([one, hashes]) => [one.result, one.at, hashes]),
  };
}

function placeOf(entry: BucketEntry, places: Map<string, number>, readings: [number, number, number][]): number {
  const name = `${entry.point} ${entry.at} ${entry.cycle}`;
  const known = places.get(name);
  if (known !== undefined) return known;
  places.set(name, readings.length);
  return readings.push([entry.point, entry.at, entry.cycle]) - 1;
}

/** Runs of neighbours alike: the order tells which is the oldest. */
function grouped<T extends { readonly hash: string }>(list: readonly T[], name: (one: T) => string): [T, string][] {
  const groups: [T, string][] = [];
  for (const one of list) {
    const last = groups.at(-1);
    if (last !== undefined && name(last[0]) === name(one)) last[1] += one.hash;
    else groups.push([one, one.hash]);
  }
  return groups.map(([one, hashes]) => [one, Buffer.from(hashes, "hex").toString("base64")]);
}

function unpack(packed: Packed): StratumLedger {
  const [which, items, digests] = [packed.which, packed.items, packed.digests].map((text) => Buffer.from(text, "base64"));
  const count = 2 ** packed.bits;
  if (which?.length !== count * 2 || items?.length !== count * 4 || digests?.length !== count * 8)
    throw new Error("columns of another length");
  const fresh = new Map(
    packed.fresh.map(([bucket, held, places]) => [bucket, { held, segments: places.map((place) => segmentOf(packed, place)) }]),
  );
  const edited = new Map(packed.edited);
  const buckets = Array.from({ length: count }, (_, bucket): BucketEntry | null => {
    const place = which.readUInt16BE(bucket * 2);
    if (place === NONE) return null;
    const reading = packed.readings[place];
    if (reading === undefined) throw new Error("a reading is missing");
    const [point, at, cycle] = reading;
    const known = items.readUInt32BE(bucket * 4);
    return {
      point,
      at,
      cycle,
      items: known === UNKNOWN ? null : known,
      digest: known === UNKNOWN ? null : digests.toString("hex", bucket * 8, bucket * 8 + 8),
      fresh: fresh.get(bucket)?.segments ?? [],
      held: fresh.get(bucket)?.held ?? null,
      edited: edited.get(bucket) ?? null,
      keys: packed.keys?.[bucket] ?? null,
    };
  });
  return {
    layer: packed.layer,
    stratum: { collection: packed.collection, kind: packed.kind },
    since: packed.since,
    readAt: packed.readAt,
    bits: packed.bits,
    cycle: packed.cycle,
    buckets,
    part: packed.part,
    again: packed.again.flatMap(([point, at, hashes]) => hashesIn(hashes).map((hash): ItemMark => ({ hash, point, at }))),
    open: packed.open.flatMap(([result, at, hashes]) => hashesIn(hashes).map((hash) => ({ hash, result, at }))),
  };
}

function segmentOf({ segments }: Packed, place: number): Segment {
  const segment = segments[place];
  if (segment === undefined) throw new Error("a segment is missing");
  return { to: segment[0], at: segment[1] };
}

function hashesIn(packed: string): string[] {
  const text = Buffer.from(packed, "base64").toString("hex");
  return Array.from({ length: text.length / HASH_DIGITS }, (_, at) => text.slice(at * HASH_DIGITS, (at + 1) * HASH_DIGITS));
}
