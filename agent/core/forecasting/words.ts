/** What is foretold of a source's full restore, beside its objective, for people. */
import type { SourcePolicy } from "../policy.ts";
import { describeDuration, describeNumber } from "../words-for-people.ts";
import type { RestoreStep } from "./costs.ts";
import type { Forecast } from "./predict.ts";

/**
 * `within`: even the slow end of the interval keeps the objective · `doubtful`: the slow end breaks it · `beyond`: what is expected breaks it ·
 * `none`: there is no objective.
 */
export const RTO_STANDINGS = ["within", "doubtful", "beyond", "none"] as const;
export type RtoStanding = (typeof RTO_STANDINGS)[number];

export function rtoStanding({ basis, expectedMs, upperMs }: Forecast, { rtoMs }: Pick<SourcePolicy["objectives"], "rtoMs">): RtoStanding {
  if (rtoMs === null) return "none";
  if (expectedMs > rtoMs) return "beyond";
  // What only a part of the restore takes keeps no objective.
  return upperMs > rtoMs || basis === "sandbox" ? "doubtful" : "within";
}

/** One sentence without its full stop: `A full restore is expected to take 42 min (90 %: up to 61 min), RTO 4 h`. */
export function describeForecast(forecast: Forecast, objectives: Pick<SourcePolicy["objectives"], "rtoMs">): string {
  const what = forecast.basis === "product" ? "A full restore" : "Fetching, reading and loading everything, before the product itself,";
  const { rtoMs } = objectives;
  const rto = rtoMs === null ? "no RTO is set" : `RTO ${describeDuration(rtoMs)}${standing(forecast, objectives)}`;
  return `${what} is expected to take ${describeDuration(forecast.expectedMs)} (90 %: up to ${describeDuration(forecast.upperMs)}), ${rto}`;
}

function standing(forecast: Forecast, objectives: Pick<SourcePolicy["objectives"], "rtoMs">): string {
  if (forecast.basis === "sandbox" && forecast.upperMs <= (objectives.rtoMs ?? 0))
    return "; how long the product itself takes is not known";
  return MORE[rtoStanding(forecast, objectives)];
}

const MORE: Readonly<Record<RtoStanding, string>> = {
  within: "",
  doubtful: ", which it may miss",
  beyond: ", which it would miss",
  none: "",
};

/** `records of Orders, 72 %`. */
export function describeDominant({ dominates: { step, collection, share } }: Forecast): string {
  return `${STEPS[step]}${collection === null ? "" : ` of ${collection}`}, ${describeNumber(Math.round(share * 100))} %`;
}

const STEPS: Readonly<Record<RestoreStep, string>> = {
  fetch: "fetching from the vault",
  read: "opening and reading",
  sandbox: "loading into the sandbox",
  provision: "making a place in the product",
  structure: "tables, automations, views and access",
  records: "records",
  links: "links",
  files: "files",
};
