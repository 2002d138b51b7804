import { expect, test } from "vitest";
import type { Forecast } from "../../../../agent/core/forecasting/predict.ts";
import { describeDominant, describeForecast, rtoStanding } from "../../../../agent/core/forecasting/words.ts";

const minute = 60_000;
const forecast: Forecast = {
  basis: "product",
  expectedMs: 42 * minute,
  lowerMs: 30 * minute,
  upperMs: 58 * minute,
  floorMs: null,
  drills: 5,
  at: 0,
  dominates: { step: "files", collection: null, share: 0.5 },
};

test.each([
  [240, "within", "A full restore is expected to take 42 min (90 %: up to 58 min), RTO 4 h"],
  [50, "doubtful", "A full restore is expected to take 42 min (90 %: up to 58 min), RTO 50 min, which it may miss"],
  [41, "beyond", "A full restore is expected to take 42 min (90 %: up to 58 min), RTO 41 min, which it would miss"],
  [null, "none", "A full restore is expected to take 42 min (90 %: up to 58 min), no RTO is set"],
] as const)("beside an RTO of %s min it is %s", (rto, standing, sentence) => {
  const objectives = { rtoMs: rto === null ? null : rto * minute };
  expect(rtoStanding(forecast, objectives)).toBe(standing);
  expect(describeForecast(forecast, objectives)).toBe(sentence);
});

test("a part of a restore never promises that the objective is kept", () => {
  const part: Forecast = { ...forecast, basis: "sandbox" };
  expect(rtoStanding(part, { rtoMs: 240 * minute })).toBe("doubtful");
  expect(rtoStanding(part, { rtoMs: 10 * minute })).toBe("beyond");
  expect(describeForecast(part, { rtoMs: null })).toContain("before the product itself");
  expect(describeForecast(part, { rtoMs: 240 * minute })).toMatch(/, RTO 4 h; how long the product itself takes is not known$/u);
  expect(describeForecast(part, { rtoMs: 50 * minute })).toMatch(/, RTO 50 min, which it may miss$/u);
});

test("what takes longest", () => {
  expect(describeDominant(forecast)).toBe("files, 50 %");
});
