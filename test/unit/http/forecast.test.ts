import { expect, test } from "vitest";
import { FORECAST_PAPER, forecastAfter, forecastOf } from "../../../agent/core/forecasting/predict.ts";
import { describeForecast } from "../../../agent/core/forecasting/words.ts";
import { policy } from "../../doubles/policy.ts";
import { memoryState } from "../../doubles/state.ts";
import { anyWorld, dice, observedIn, restoreIn } from "../core/forecasting/worlds.ts";
import { NOW, world } from "./world.ts";

const made = anyWorld(dice(3), { day: () => 1, moment: (random) => Math.exp(0.05 * random.normal()) });

function paperOf(drills: number): string {
  const random = dice(4);
  let paper: string | null = null;
  for (let drill = 0; drill < drills; drill += 1)
    paper = forecastAfter(
      paper,
      observedIn(
        made,
        restoreIn(made, () => 40, random),
        NOW - 1000 * (drills - drill),
      ),
    );
  return paper ?? "";
}

async function opened(drills: number, rtoMs: number | null) {
  const state = memoryState();
  const one = policy("crm", { objectives: { rpoMs: null, rtoMs, verifyMs: 86_400_000 } });
  await state.repositories.papers.put(one.id, FORECAST_PAPER, paperOf(drills));
  const { app } = world({ state, sources: [one] });
  const [page, api] = await Promise.all([app.request(`/sources/${one.id}`), app.request(`/api/v1/sources/${one.id}`)]);
  const text = (await page.text()).replaceAll(/\s+/gu, " ");
  return { text, api: (await api.json()) as { forecast: { expectedSeconds: number; upperSeconds: number } | null } };
}

test("page and API tell how long a full restore would take, and what of it takes longest", async () => {
  const forecast = forecastOf(paperOf(5));
  if (forecast === null) throw new Error("nothing was foretold");
  const { text, api } = await opened(5, 100 * forecast.upperMs);
  expect(text).toContain(`${describeForecast(forecast, { rtoMs: 100 * forecast.upperMs })}.`);
  expect(text).toContain("Foretold from");
  expect(text).not.toContain("The RTO");
  expect(api.forecast).toMatchObject({ basis: "product", objective: "within", drills: 5, rateLimitSeconds: null });
  expect(api.forecast?.expectedSeconds).toBeCloseTo(forecast.expectedMs / 1000, 2);
  expect(api.forecast?.upperSeconds).toBeGreaterThan(api.forecast?.expectedSeconds ?? 0);
});

test("an objective that is in danger is a warning", async () => {
  const forecast = forecastOf(paperOf(5));
  const between = ((forecast?.expectedMs ?? 0) + (forecast?.upperMs ?? 0)) / 2;
  expect((await opened(5, between)).text).toContain("The RTO may be missed.");
  const beyond = await opened(5, (forecast?.expectedMs ?? 0) / 2);
  expect(beyond.text).toContain("The RTO would be missed.");
  expect(beyond.api.forecast).toMatchObject({ objective: "beyond" });
});

test("of too few drills nothing is told", async () => {
  const { text, api } = await opened(2, 1000);
  expect(api.forecast).toBeNull();
  expect(text).not.toContain("expected to take");
});
