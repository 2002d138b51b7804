/** How long a full restore would take, on the source's page. */
import { html } from "hono/html";
import type { Forecast } from "../../core/forecasting/predict.ts";
import { describeDominant, describeForecast, rtoStanding } from "../../core/forecasting/words.ts";
import type { SourcePolicy } from "../../core/policy.ts";
import { describeCount, describeDuration } from "../../core/words-for-people.ts";
import { ago, type Html, term } from "./html.ts";

export function forecastWords(forecast: Forecast, objectives: SourcePolicy["objectives"]): Html {
  const standing = rtoStanding(forecast, objectives);
  const warning = standing === "beyond" ? "The RTO would be missed." : standing === "doubtful" ? "The RTO may be missed." : null;
  return html`<p id="forecast">
    ${warning === null ? "" : html`<strong class="warn">${warning}</strong> `}${describeForecast(forecast, objectives)}.
  </p>`;
}

export function forecastTerms(forecast: Forecast, at: number): Html {
  const { floorMs, drills } = forecast;
  return html`${term("Most of it", describeDominant(forecast), "What of a full restore takes longest, and its share")}
  ${floorMs === null ? "" : term("Rate limit alone", describeDuration(floorMs), "No restore is quicker than the product takes requests")}
  ${term("Foretold from", html`${describeCount(drills, "drill")}, the last ${ago(forecast.at, at)}`)}`;
}
