/**
 * One trial of the forecast: a source of some size, a few sample restores, what they foretell, and then the full restore itself. Whatever
 * restores is measured by the agent's own code; nothing of a trial is known to the model before it is foretold.
 */
import type { ContentRecord } from "../../../agent/core/content.ts";
import { forecastAfter, forecastOf, type Forecast } from "../../../agent/core/forecasting/predict.ts";
import { PRODUCT_STEPS, type StepCost } from "../../../agent/core/forecasting/costs.ts";
import type { Observed } from "../../../agent/core/forecasting/state.ts";
import type { OpenScratch, PlatformProbe, RestoreSet } from "../../../agent/core/platform-ports.ts";
import type { Clock, Random } from "../../../agent/core/ports.ts";
import { closeUnderLinks } from "../../../agent/core/sampling/close.ts";
import { fairShares } from "../../../agent/drill/restore-set.ts";
import { costedStep, loadCosts } from "../../../agent/engine/scratch/load-costs.ts";

export interface TrialWorld {
  readonly scratch: OpenScratch;
  readonly production: PlatformProbe["identity"];
  readonly clock: Clock;
  readonly random: Random;
}

export interface Trial {
  readonly records: number;
  readonly drills: number;
  readonly forecast: Forecast;
  readonly actualMs: number;
  /** What it was foretold from. */
  readonly told: readonly Observed[];
}

const never = new AbortController().signal;
let made = 0;

/** Records drawn from each collection in turns, and what they point to, as a drill draws them. */
export function sampleOf(full: RestoreSet, drawn: number, random: Random): RestoreSet {
  const shares = fairShares(
    full.collections.map(({ id }) => full.records.get(id)?.length ?? 0),
    drawn,
  );
  const sample = new Map(
    full.collections.map(({ id }, at): [string, readonly string[]] => [
      id,
      (full.records.get(id) ?? [])
        .map(({ key }) => ({ key, order: random.next() }))
        .sort((a, b) => a.order - b.order)
        .slice(0, shares[at])
        .map(({ key }) => key),
    ]),
  );
  const byKey = new Map([...full.records].map(([id, records]) => [id, new Map(records.map((record) => [record.key, record]))]));
  const { keys, cut } = closeUnderLinks(full.collections, byKey, sample, { most: 4 * drawn });
  const records = new Map(
    [...full.records].map(([id, all]): [string, readonly ContentRecord[]] => [
      id,
      all.filter(({ key }) => keys.get(id)?.has(key) === true),
    ]),
  );
  const held = new Set(
    full.collections.flatMap(({ id, fields }) =>
      (records.get(id) ?? []).flatMap(({ values }) =>
        fields.flatMap((field, at) => (field.type === "file" || field.type === "files" ? [values[at] ?? []].flat() : [])),
      ),
    ),
  );
  const fileBytes = new Map([...full.fileBytes].filter(([id]) => held.has(id)));
  return { ...full, records, fileBytes, files: full.files.filter(({ id }) => fileBytes.has(id)), cut };
}

/** Into a place of its own, which is removed again. @throws where the product did not take everything */
export async function restore(set: RestoreSet, { scratch, production, clock }: TrialWorld): Promise<readonly StepCost[]> {
  made += 1;
  const { value: place, cost } = await costedStep("provision", clock, scratch.use, () =>
    scratch.workspace.provision(`restorewatch-forecast-000000-${made}`, production, never),
  );
  try {
    const measured = loadCosts(set, clock, scratch.use);
    const loaded = await scratch.workspace.load(place, set, never, measured.turn);
    const steps = measured.end();
    for (const [id, records] of set.records)
      if ((loaded.claimed.get(id) ?? 0) < records.length)
        throw new Error(`of ${records.length} records of ${id} it took ${loaded.claimed.get(id)}: ${JSON.stringify(loaded.refused)}`);
    return [cost, ...steps];
  } finally {
    await scratch.workspace.dispose(place, never);
  }
}

export async function trial(full: RestoreSet, drills: number, drawn: () => number, world: TrialWorld): Promise<Trial> {
  const told: Observed[] = [];
  for (let drill = 0; drill < drills; drill += 1)
    told.push(observed(full, await restore(sampleOf(full, drawn(), world.random), world), drill, world));
  const forecast = foretold(told);
  if (forecast === null) throw new Error("nothing was foretold");
  const steps = await restore(full, world);
  const records = [...full.records.values()].reduce((sum, list) => sum + list.length, 0);
  return { records, drills, forecast, actualMs: msOf(steps), told };
}

export function foretold(told: readonly Observed[]): Forecast | null {
  return forecastOf(told.reduce<string | null>(forecastAfter, null));
}

function msOf(steps: readonly StepCost[]): number {
  return steps.reduce((sum, one) => sum + (PRODUCT_STEPS.has(one.step) ? one.ms : 0), 0);
}

/** What a drill's record would say of the whole artifact. */
function observed(full: RestoreSet, steps: readonly StepCost[], at: number, { scratch }: TrialWorld): Observed {
  const links = full.collections.flatMap((collection) =>
    collection.fields.flatMap((field, place) => {
      if (field.link === null || field.computed) return [];
      const pairs = (full.records.get(collection.id) ?? []).reduce((sum, { values }) => sum + [values[place] ?? []].flat().length, 0);
      return [{ collection: collection.id, field: field.id, pairs, sources: pairs, targets: pairs, digest: "" }];
    }),
  );
  const collections = full.collections.map(({ id, name }) => ({ id, name, records: full.records.get(id)?.length ?? 0, fields: [] }));
  const inventory = {
    collections: collections.length,
    records: collections.reduce((sum, one) => sum + one.records, 0),
    links: links.reduce((sum, one) => sum + one.pairs, 0),
    automations: full.automations.length,
    credentials: 0,
    files: full.fileBytes.size,
    views: full.views.length,
    roles: full.access.length,
  };
  return { at, cost: { steps, perSecond: scratch.use?.().perSecond ?? null }, facts: { collections, links, inventory }, artifactBytes: 0 };
}

export interface Calibration {
  readonly restores: number;
  readonly inside: number;
  readonly above: number;
  /** Median of |expected − actual| / actual. */
  readonly error: number;
  /** Median of upper / expected. */
  readonly width: number;
}

export function calibration(trials: readonly Trial[]): Calibration {
  const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  return {
    restores: trials.length,
    inside: trials.filter(({ forecast, actualMs }) => actualMs >= forecast.lowerMs && actualMs <= forecast.upperMs).length,
    above: trials.filter(({ forecast, actualMs }) => actualMs > forecast.upperMs).length,
    error: middle(trials.map(({ forecast, actualMs }) => Math.abs(forecast.expectedMs - actualMs) / actualMs)),
    width: middle(trials.map(({ forecast }) => forecast.upperMs / forecast.expectedMs)),
  };
}
