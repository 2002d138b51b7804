/**
 * What is remembered of a source's drills to foretell its full restore: of the newest ones what each step took, by collection for the largest
 * collections and added up for the others, and how much a full restore would bring. Small however large the source; JSON.
 */
import { z } from "zod";
import { idOf } from "../ids.ts";
import type { PointFacts } from "../values.ts";
import { added, PRODUCT_STEPS, RESTORE_STEPS, type RestoreCost, type RestoreStep, type StepCost, workMs } from "./costs.ts";

/** Drills remembered; older ones were of another machine, another version, another load. */
export const KEPT_DRILLS = 10;
/** Collections with figures of their own. */
export const OWN_COLLECTIONS = 12;
/** Of past predictions, newest last. */
export const KEPT_RESIDUALS = 20;
const LONGEST_NAME = 60;

const number = z.number().nonnegative();
const schema = z.strictObject({
  version: z.literal(1),
  /** `step` or `step/collection`; figures name them by their place here. */
  groups: z.array(z.string().max(60)),
  names: z.record(z.string(), z.string()),
  drills: z.array(
    z.strictObject({
      at: z.number(),
      perSecond: number.nullable(),
      /** Group, items, bytes, requests, milliseconds of work. */
      figures: z.array(z.tuple([number, number, number, number, number])),
    }),
  ),
  /** Group, items, bytes: of the newest recovery point whose drill told them. Bytes: 0 where only a sample's are known. */
  full: z.array(z.tuple([number, number, number])),
  /** Logarithms: what a drill took by what had been foretold for it. */
  residuals: z.array(z.number()),
});

export type ForecastState = Readonly<z.infer<typeof schema>>;
export type Figure = ForecastState["drills"][number]["figures"][number];

export const EMPTY_FORECAST: ForecastState = { version: 1, groups: [], names: {}, drills: [], full: [], residuals: [] };

/** @returns what was kept, or nothing where another version kept it */
export function parseForecast(paper: string | null): ForecastState {
  if (paper === null) return EMPTY_FORECAST;
  const parsed = schema.safeParse(parseJson(paper));
  return parsed.success ? parsed.data : EMPTY_FORECAST;
}

export function serialiseForecast(state: ForecastState): string {
  return JSON.stringify(state);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export interface Observed {
  readonly at: number;
  readonly cost: RestoreCost;
  /** Null where they are not known: then what a full restore brings stays as it was. */
  readonly facts: Pick<PointFacts, "collections" | "links" | "inventory"> | null;
  /** Bytes of the whole artifact. */
  readonly artifactBytes: number;
}

/** The drill's figures beside those of before; `residual` null where nothing had been foretold. */
export function remember(state: ForecastState, observed: Observed, residual: number | null): ForecastState {
  const own = largest(observed.facts, observed.cost);
  const groupOf = (step: RestoreStep, collection: string | null): string =>
    collection === null || !own.has(collection) ? step : `${step}/${idOf("forecast", collection).slice(0, 8)}`;
  const sums = new Map<string, StepCost>();
  for (const one of observed.cost.steps) {
    const group = groupOf(one.step, one.collection);
    sums.set(group, added(sums.get(group), one));
  }
  const full = observed.facts === null ? null : fullOf(observed, observed.facts, groupOf);
  const drill = {
    at: observed.at,
    perSecond: observed.cost.perSecond,
    sums: [...sums].map(([group, sum]) => ({ group, sum, ms: workMs(sum, observed.cost.perSecond) })),
  };
  return packed(state, drill, full, own, residual);
}

interface Full {
  readonly items: number;
  readonly bytes: number;
}

/** By the records a point holds; where nobody told, by those of the sample. */
function largest(facts: Observed["facts"], { steps }: RestoreCost): ReadonlyMap<string, string> {
  const sizes = new Map<string, { readonly name: string; readonly records: number }>();
  for (const { id, name, records } of facts?.collections ?? []) sizes.set(id, { name, records });
  if (facts === null)
    for (const { collection, items } of steps) if (collection !== null) sizes.set(collection, { name: collection, records: items });
  const sorted = [...sizes].sort(([a, x], [b, y]) => y.records - x.records || (a < b ? -1 : 1));
  return new Map(sorted.slice(0, OWN_COLLECTIONS).map(([id, { name }]) => [id, name.slice(0, LONGEST_NAME)]));
}

function fullOf(
  { cost, artifactBytes }: Observed,
  facts: NonNullable<Observed["facts"]>,
  groupOf: (step: RestoreStep, collection: string | null) => string,
): ReadonlyMap<string, Full> {
  const full = new Map<string, Full>();
  const add = (step: RestoreStep, collection: string | null, items: number, bytes: number): void => {
    const group = groupOf(step, collection);
    const before = full.get(group) ?? { items: 0, bytes: 0 };
    full.set(group, { items: before.items + items, bytes: before.bytes + bytes });
  };
  const records = new Map(facts.collections.map((one) => [one.id, one.records]));
  const pairs = new Map<string, number>();
  for (const one of facts.links ?? []) pairs.set(one.collection, (pairs.get(one.collection) ?? 0) + one.pairs);
  const sampled = new Map(cost.steps.flatMap((one) => (one.step === "records" ? [[one.collection ?? "", one.items] as const] : [])));
  const restored = cost.steps.some((one) => PRODUCT_STEPS.has(one.step));
  if (restored) for (const [id, count] of records) if (count > 0) add("records", id, count, 0);
  for (const one of cost.steps) {
    if (one.step === "records") continue;
    if (one.step === "links" && one.items > 0) add("links", one.collection, linksIn(one, pairs, records, sampled), 0);
    else if (one.step === "files" && one.items > 0)
      add("files", one.collection, one.collection === null ? facts.inventory.files : scaled(one, records, sampled), 0);
    // A file that was left in the vault is fetched when everything is restored.
    else if (one.step === "fetch" || one.step === "read") add(one.step, null, one.items, Math.max(one.bytes, artifactBytes));
    else add(one.step, one.collection, one.items, one.bytes);
  }
  return full;
}

function linksIn(one: StepCost, pairs: ReadonlyMap<string, number>, ...sizes: Parameters<typeof shareOf>): number {
  const told = one.collection === null ? [...pairs.values()].reduce((sum, count) => sum + count, 0) : pairs.get(one.collection);
  return Math.max(told ?? 0, told === undefined || told === 0 ? scaled(one, ...sizes) : one.items);
}

function scaled(one: StepCost, ...sizes: Parameters<typeof shareOf>): number {
  return one.items * (one.collection === null ? 1 : shareOf(...sizes)(one.collection));
}

/** How many times the sample of a collection goes into it; at least once. */
function shareOf(records: ReadonlyMap<string, number>, sampled: ReadonlyMap<string, number>): (collection: string) => number {
  return (collection) => Math.max(1, (records.get(collection) ?? 0) / Math.max(1, sampled.get(collection) ?? 1));
}

/** Names groups by number, leaving out those nothing is known of any more. */
function packed(
  state: ForecastState,
  drill: {
    readonly at: number;
    readonly perSecond: number | null;
    readonly sums: readonly { readonly group: string; readonly sum: StepCost; readonly ms: number }[];
  },
  full: ReadonlyMap<string, Full> | null,
  own: ReadonlyMap<string, string>,
  residual: number | null,
): ForecastState {
  const earlier = state.drills.slice(-(KEPT_DRILLS - 1));
  const before = (at: number): string => state.groups[at] ?? "";
  const wanted = [
    ...earlier.flatMap((one) => one.figures.map(([at]) => before(at))),
    ...(full === null ? state.full.map(([at]) => before(at)) : full.keys()),
    ...drill.sums.map(({ group }) => group),
  ];
  const groups = [...new Set(wanted)].sort();
  const place = new Map(groups.map((group, at) => [group, at]));
  const moved = (at: number): number => place.get(before(at)) ?? 0;
  const ids = new Set(groups.flatMap((group) => group.split("/").slice(1)));
  const names = new Map(Object.entries(state.names));
  for (const [id, name] of own) names.set(idOf("forecast", id).slice(0, 8), name);
  return {
    version: 1,
    groups,
    names: Object.fromEntries([...names].filter(([id]) => ids.has(id)).sort(([a], [b]) => (a < b ? -1 : 1))),
    drills: [
      ...earlier.map((one) => ({
        ...one,
        figures: one.figures.map(([at, ...rest]): Figure => [moved(at), ...rest]),
      })),
      {
        at: drill.at,
        perSecond: drill.perSecond,
        figures: drill.sums.map(({ group, sum, ms }): Figure => [
          place.get(group) ?? 0,
          ...([sum.items, sum.bytes, sum.requests, ms].map(short) as [number, number, number, number]),
        ]),
      },
    ],
    full:
      full === null
        ? state.full.map(([at, items, bytes]): [number, number, number] => [moved(at), items, bytes])
        : [...full].map(([group, { items, bytes }]): [number, number, number] => [place.get(group) ?? 0, short(items), short(bytes)]),
    residuals: [...state.residuals, ...(residual === null ? [] : [short(residual)])].slice(-KEPT_RESIDUALS),
  };
}

/** Five digits say enough. */
function short(value: number): number {
  return Number(value.toPrecision(5));
}

export function stepOf(group: string): RestoreStep {
  const [step] = group.split("/");
  return RESTORE_STEPS.find((one) => one === step) ?? "records";
}

/** Name of the collection a group is of; null for the sum over several. */
export function collectionOf(state: ForecastState, group: string): string | null {
  const id = group.split("/")[1];
  return id === undefined ? null : (state.names[id] ?? null);
}
