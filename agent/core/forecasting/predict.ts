/**
 * How long the full restore would take, from what samples of it took. The unit costs of a step are fitted over all its collections together,
 * then each collection gets its own factor as far as it has shown one. The interval is Student's on logarithms: how much the drills themselves
 * swing, with a prior that counts as a few drills, wider the further the sample is from everything. Never below what the rate limit allows.
 */
import { median } from "../statistics/order.ts";
import { studentQuantile } from "../statistics/student.ts";
import { PRODUCT_STEPS, type RestoreCost, type RestoreStep } from "./costs.ts";
import { costOf, fitCosts, type Row, type Sizes, type UnitCosts } from "./fit.ts";
import { collectionOf, type ForecastState, type Observed, parseForecast, remember, serialiseForecast, stepOf } from "./state.ts";

/** Paper of a source. */
export const FORECAST_PAPER = "forecast.restore";
/** With fewer nothing is said. */
export const LEAST_DRILLS = 3;
export const FORECAST_CONFIDENCE = 0.9;

/** Standard deviation of the logarithm before anything is known, and how many drills that counts for. */
const PRIOR_SD = 0.22;
const PRIOR_DRILLS = 2;
/** So much more is unknown for each time a sample has to be multiplied by e. */
const PER_E_FOLD = 0.06;
/** Standard deviation of what a busy machine or a collected heap holds up any restore, however short. */
const PAUSE_MS = 30;
/** Of the logarithm of what the rate alone makes of a known number of requests. */
const PACED_SD = 0.03;
/** Pairs of samples of different sizes, to tell what of their bytes grows with them. */
const LEAST_SLOPES = 3;
/** A collection's own factor counts half after so many drills of it. */
const FACTOR_DRILLS = 3;

export interface Forecast {
  /** `sandbox`: the product's own share was never measured, so that this is only a part of a restore. */
  readonly basis: "product" | "sandbox";
  readonly expectedMs: number;
  /** Of a 90 % interval. */
  readonly lowerMs: number;
  readonly upperMs: number;
  /** What the rate limit alone takes; null where none is known. */
  readonly floorMs: number | null;
  readonly drills: number;
  /** End of the newest of these drills, ms since the epoch. */
  readonly at: number;
  /** What takes most of the time, and its share of it; `collection` null where it is of several or of none. */
  readonly dominates: { readonly step: RestoreStep; readonly collection: string | null; readonly share: number };
}

/** The paper after a drill; pure, so that it can be made again from the evidence. */
export function forecastAfter(paper: string | null, observed: Observed): string {
  const state = parseForecast(paper);
  // Evidence is applied again where it is not sure that it was.
  if (paper !== null && state.drills.at(-1)?.at === observed.at) return paper;
  return serialiseForecast(remember(state, observed, residualOf(state, observed)));
}

export function forecastOf(paper: string | null): Forecast | null {
  return forecast(parseForecast(paper));
}

/** @returns null until there are enough drills */
export function forecast(state: ForecastState): Forecast | null {
  const model = modelOf(state);
  if (model === null || model.drills.length < LEAST_DRILLS) return null;
  const parts = model.parts;
  const paced = (part: Part): number =>
    model.perSecond === null || !isProductStep(part.group) ? 0 : (part.requests * 1000) / model.perSecond;
  const taking = (part: Part): number => Math.max(part.ms, paced(part));
  const expected = parts.reduce((sum, part) => sum + taking(part), 0);
  if (!(expected > 0)) return null;
  const { sd, degrees } = spreadOf(state, model);
  const t = studentQuantile((1 + FORECAST_CONFIDENCE) / 2, degrees);
  const wide = (part: Part): number => t * Math.hypot(sd, PER_E_FOLD * part.folds, PAUSE_MS / expected);
  const least = floorOf(model);
  const pacedWide = t * PACED_SD;
  // What is wrong about one collection is mostly wrong about the others too: they do not make up for each other.
  const upper = parts.reduce((sum, part) => sum + Math.max(part.ms * Math.exp(wide(part)), paced(part) * Math.exp(pacedWide)), 0);
  const lower = parts.reduce((sum, part) => {
    const leastPaced = part.requests === 0 ? 0 : (paced(part) * part.fewest) / part.requests;
    return sum + Math.max(part.ms * Math.exp(-wide(part)), leastPaced * Math.exp(-pacedWide));
  }, 0);
  const most = parts.reduce((a, b) => (taking(b) > taking(a) ? b : a));
  return {
    basis: model.restored ? "product" : "sandbox",
    expectedMs: expected,
    lowerMs: Math.min(expected, Math.max(lower, least ?? 0)),
    upperMs: upper,
    floorMs: least,
    drills: model.drills.length,
    at: model.drills.at(-1)?.at ?? 0,
    dominates: { step: stepOf(most.group), collection: collectionOf(state, most.group), share: taking(most) / expected },
  };
}

interface Part extends Sizes {
  readonly group: string;
  /** Requests it takes if as many items go into one as the samples leave open. */
  readonly fewest: number;
  readonly ms: number;
  /** Logarithm of how many times the largest sample goes into everything; at least 0. */
  readonly folds: number;
}

interface DrillRows {
  readonly at: number;
  readonly rows: readonly (Row & { readonly group: string })[];
}

interface Model {
  readonly restored: boolean;
  readonly perSecond: number | null;
  readonly drills: readonly DrillRows[];
  readonly parts: readonly Part[];
  cost(group: string, sizes: Sizes): number;
}

function modelOf(state: ForecastState): Model | null {
  const all = state.drills.map((drill) => ({
    at: drill.at,
    perSecond: drill.perSecond,
    rows: drill.figures.map(([at, items, bytes, requests, ms]) => ({ group: state.groups[at] ?? "", items, bytes, requests, ms })),
  }));
  const isProduct = ({ group }: { readonly group: string }): boolean => isProductStep(group);
  const restored = all.some(({ rows }) => rows.some(isProduct));
  // Loading into our own database is no part of restoring where the product itself was restored into.
  const counts = ({ group }: { readonly group: string }): boolean => (restored ? stepOf(group) !== "sandbox" : true);
  const drills = all
    .filter(({ rows }) => !restored || rows.some(isProduct))
    .map(({ at, rows, perSecond }) => ({ at, perSecond, rows: rows.filter(counts).map(withFixed) }));
  if (drills.length === 0) return null;
  const byStep = new Map<RestoreStep, UnitCosts>();
  for (const [step, rows] of Map.groupBy(
    drills.flatMap((drill) => drill.rows),
    ({ group }) => stepOf(group),
  )) {
    const fitted = fitCosts(rows);
    if (fitted !== null) byStep.set(step, fitted);
  }
  const factors = new Map<string, number>();
  const base = (group: string, sizes: Sizes): number => {
    const units = byStep.get(stepOf(group));
    return units === undefined ? 0 : costOf(sizes, units);
  };
  for (const [group, rows] of Map.groupBy(
    drills.flatMap((drill) => drill.rows),
    (row) => row.group,
  )) {
    const logs = rows.flatMap((row) => (row.ms > 0 && base(group, row) > 0 ? [Math.log(row.ms / base(group, row))] : []));
    if (logs.length > 0) factors.set(group, Math.exp((median(logs) * logs.length) / (logs.length + FACTOR_DRILLS)));
  }
  const cost = (group: string, sizes: Sizes): number => (factors.get(group) ?? 1) * base(group, sizes);
  const parts = state.full
    .map(([at, items, bytes]) => ({ group: state.groups[at] ?? "", items, bytes }))
    .filter(counts)
    .map((size) => {
      const sizes = fullSizes(size, drills);
      const most = Math.max(0, ...drills.flatMap(({ rows }) => rows.filter((row) => row.group === size.group).map(largeness)));
      const folds = most === 0 ? foldsOfStep(size, drills) : Math.max(0, Math.log(largeness(sizes) / most));
      return { group: size.group, ...sizes, ms: cost(size.group, sizes), folds };
    });
  return { restored, perSecond: drills.at(-1)?.perSecond ?? null, drills, parts, cost };
}

/** What asks nobody anything has a fixed cost all the same. */
function withFixed<T extends Sizes & { readonly group: string }>(row: T): T {
  return row.requests > 0 ? row : { ...row, requests: 1 };
}

function largeness({ items, bytes }: Pick<Sizes, "items" | "bytes">): number {
  return items > 0 ? items : bytes;
}

/** A collection no sample has held yet is told from the others of its step. */
function foldsOfStep(size: { readonly group: string } & Pick<Sizes, "items" | "bytes">, drills: readonly DrillRows[]): number {
  const rows = drills.flatMap((drill) => drill.rows.filter((row) => stepOf(row.group) === stepOf(size.group)));
  const most = Math.max(1, ...rows.map(largeness));
  return Math.max(1, Math.log(largeness(size) / most));
}

/** Bytes as large as those of the samples, and as many requests as items have to be spread over. */
function fullSizes(
  { group, items, bytes }: { readonly group: string; readonly items: number; readonly bytes: number },
  drills: readonly DrillRows[],
): Sizes & Pick<Part, "fewest"> {
  const ofStep = drills.flatMap((drill) => drill.rows.filter((row) => stepOf(row.group) === stepOf(group)));
  const own = ofStep.filter((row) => row.group === group && row.items > 0);
  const step = stepOf(group);
  if (step !== "records" && step !== "links" && step !== "files") {
    const last = own.at(-1) ?? ofStep.at(-1);
    return { requests: last?.requests ?? 1, fewest: last?.requests ?? 1, items, bytes };
  }
  const rows = own.length > 0 ? own : ofStep;
  // A request takes at least as many as one ever took.
  const together = Math.max(
    1,
    ...rows.map((row) => row.items / row.requests),
    ...(step === "records" ? ofStep.map((row) => row.items / row.requests) : []),
  );
  // Where it took several, one fewer would not have done; where it never did, it may be that all go into one.
  const open = Math.min(
    ...[...rows, ...ofStep].flatMap((row) => (row.requests >= 2 && row.items > 0 ? [row.items / (row.requests - 1)] : [])),
  );
  const requests = items > 0 ? Math.max(1, items / together) : 0;
  const fewest = Math.min(requests, Math.max(1, items / Math.max(open, together)));
  return { requests, fewest: items > 0 ? fewest : 0, items, bytes: bytes > 0 ? bytes : bytesOf(items, rows) };
}

/**
 * A few large items may be in every sample, because they matter or because others lead to them: what grows with a sample is multiplied, what
 * is always there is not.
 */
function bytesOf(items: number, rows: readonly Row[]): number {
  const most = rows.reduce<Row | null>((a, b) => (a === null || b.items > a.items ? b : a), null);
  if (most === null || most.items === 0) return 0;
  const each =
    rows.reduce((sum, row) => sum + row.bytes, 0) /
    Math.max(
      1,
      rows.reduce((sum, row) => sum + row.items, 0),
    );
  const slopes = rows.flatMap((a, at) =>
    rows.slice(at + 1).flatMap((b) => (a.items === b.items ? [] : [(b.bytes - a.bytes) / (b.items - a.items)])),
  );
  const slope = slopes.length < LEAST_SLOPES ? each : Math.min(each, Math.max(0, median(slopes)));
  return items <= most.items ? (most.bytes * items) / most.items : most.bytes + slope * (items - most.items);
}

/** By the rate alone, with as few requests as may be; null where there is no limit. A limiter lets some through at once. */
function floorOf({ perSecond, parts }: Model): number | null {
  if (perSecond === null) return null;
  const requests = parts.filter(({ group }) => isProductStep(group)).reduce((sum, part) => sum + part.fewest, 0);
  return (Math.max(0, requests - Math.max(1, perSecond)) * 1000) / perSecond;
}

function isProductStep(group: string): boolean {
  return PRODUCT_STEPS.has(stepOf(group));
}

/** How far the drills lie about what the model makes of them, weighed by what the full restore spends its time on. */
function spreadOf(state: ForecastState, model: Model): { readonly sd: number; readonly degrees: number } {
  const shares = new Map<RestoreStep, number>();
  for (const part of model.parts) shares.set(stepOf(part.group), (shares.get(stepOf(part.group)) ?? 0) + part.ms);
  const logs = model.drills.flatMap(({ rows }) => {
    const ratio = ratioOf(rows, model, shares);
    return ratio === null ? [] : [Math.log(ratio)];
  });
  const n = Math.max(1, logs.length);
  const mean = logs.reduce((sum, log) => sum + log, 0) / n;
  const own = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0);
  const degrees = PRIOR_DRILLS + n - 1;
  const inside = ((PRIOR_DRILLS * PRIOR_SD ** 2 + own) / degrees) * (1 + 1 / n);
  const told = state.residuals.reduce((sum, residual) => sum + residual ** 2, 0);
  const outside = (PRIOR_DRILLS * PRIOR_SD ** 2 + told) / (PRIOR_DRILLS + state.residuals.length);
  return { sd: Math.sqrt(Math.max(inside, outside)), degrees };
}

function ratioOf(
  rows: readonly (Row & { readonly group: string })[],
  model: Pick<Model, "cost">,
  shares: ReadonlyMap<RestoreStep, number>,
): number | null {
  let [weighted, total] = [0, 0];
  for (const [step, own] of Map.groupBy(rows, ({ group }) => stepOf(group))) {
    const taken = own.reduce((sum, row) => sum + row.ms, 0);
    const made = own.reduce((sum, row) => sum + model.cost(row.group, row), 0);
    const share = shares.get(step) ?? 0;
    if (!(taken > 0 && made > 0 && share > 0)) continue;
    weighted += (share * taken) / made;
    total += share;
  }
  return total === 0 ? null : weighted / total;
}

/** What the drill took by what the state foretold for just its sizes, as a logarithm; null where it foretold nothing. */
function residualOf(state: ForecastState, observed: Observed): number | null {
  const model = modelOf(state);
  if (model === null || model.drills.length < LEAST_DRILLS) return null;
  const next = modelRows(remember(EMPTY_OF(state), { ...observed, facts: observed.facts }, null));
  const shares = new Map<RestoreStep, number>();
  for (const part of model.parts) shares.set(stepOf(part.group), (shares.get(stepOf(part.group)) ?? 0) + part.ms);
  const ratio = ratioOf(next, model, shares);
  return ratio === null ? null : Math.log(ratio);
}

function EMPTY_OF(state: ForecastState): ForecastState {
  return { ...state, drills: [], full: [], residuals: [] };
}

function modelRows(state: ForecastState): readonly (Row & { readonly group: string })[] {
  return (state.drills.at(-1)?.figures ?? []).map(([at, items, bytes, requests, ms]) =>
    withFixed({ group: state.groups[at] ?? "", items, bytes, requests, ms }),
  );
}

export type { RestoreCost };
