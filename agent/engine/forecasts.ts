/** What a drill's restore cost, taken together, and what follows from it for the full restore. */
import type { OpenArtifact, Repositories } from "../core/ports.ts";
import { boundedSteps, type RestoreCost, type StepCost } from "../core/forecasting/costs.ts";
import { FORECAST_PAPER, type Forecast, forecastAfter, forecastOf } from "../core/forecasting/predict.ts";
import type { DrillRecord } from "../core/values.ts";
import type { Phase } from "../core/words.ts";

/** What went before the product was asked for anything. */
export interface ReadingCost {
  /** The artifact from its vault, ms. */
  readonly fetchMs: number;
  readonly opened: Pick<OpenArtifact, "entry" | "unread">;
  /** Of the child alone. */
  readonly phases: Readonly<Partial<Record<Phase, number>>>;
  /** Records loaded into the sandbox; null where it did not come to that. */
  readonly loaded: number | null;
}

/** @param product what the restore into the product cost; null where there was none */
export function restoreCost(
  { fetchMs, opened, phases, loaded }: ReadingCost,
  product: { readonly steps: readonly StepCost[]; readonly perSecond: number | null } | null,
): RestoreCost | null {
  if (loaded === null) return null;
  const left = (opened.unread ?? []).reduce((sum, file) => sum + file.bytes, 0);
  const bytes = Math.max(0, opened.entry.bytes - left);
  const of = (step: StepCost["step"], ms: number, items: number): StepCost => ({
    step,
    collection: null,
    items,
    bytes,
    ms,
    requests: 0,
    waitMs: 0,
    retries: 0,
  });
  const reading = (phases.open ?? 0) + (phases.decrypt ?? 0) + (phases.parse ?? 0);
  return {
    steps: boundedSteps([
      of("fetch", fetchMs, 0),
      of("read", reading, 0),
      of("sandbox", phases.load ?? 0, loaded),
      ...(product?.steps ?? []),
    ]),
    perSecond: product?.perSecond ?? null,
  };
}

/** Of a drill that was recorded: the paper the forecast follows from. */
export async function rememberRestore(papers: Repositories["papers"], drill: DrillRecord): Promise<void> {
  const { sourceId, restoreCost: cost, facts, finishedAt, artifact } = drill;
  if (cost === undefined) return;
  const before = await papers.get(sourceId, FORECAST_PAPER);
  const after = forecastAfter(before, { at: finishedAt, cost, facts, artifactBytes: artifact.bytes });
  await papers.put(sourceId, FORECAST_PAPER, after);
}

/** @returns null until enough is known */
export async function readForecast({ papers }: Pick<Repositories, "papers">, sourceId: string): Promise<Forecast | null> {
  return forecastOf(await papers.get(sourceId, FORECAST_PAPER));
}
