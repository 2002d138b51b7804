/** How long a full restore would take, as the API tells it. */
import { z } from "@hono/zod-openapi";
import { RESTORE_STEPS } from "../../core/forecasting/costs.ts";
import type { Forecast } from "../../core/forecasting/predict.ts";
import { RTO_STANDINGS, rtoStanding } from "../../core/forecasting/words.ts";
import type { SourcePolicy } from "../../core/policy.ts";

const seconds = z.number().nonnegative();

const count = z.number().int().nonnegative();

export const restoreCostSchema = z
  .strictObject({
    steps: z.array(
      z.strictObject({
        step: z.enum(RESTORE_STEPS),
        collection: z.string().nullable(),
        items: z.number().nonnegative(),
        bytes: z.number().nonnegative(),
        ms: z.number().nonnegative().openapi({ description: "Waits included" }),
        requests: count,
        waitMs: z
          .number()
          .nonnegative()
          .openapi({ description: "Held back so that no more requests went out than may, added up over requests" }),
        retries: count,
      }),
    ),
    perSecond: z.number().nullable().openapi({ description: "Requests a second the product takes; null: as many as it answers" }),
  })
  .openapi("RestoreCost", { description: "What each step of the drill's restore cost; absent where it came to none" });

export const forecastSchema = z
  .strictObject({
    basis: z
      .enum(["product", "sandbox"])
      .openapi({ description: "sandbox: the product's own share was never measured; this is only a part of a restore" }),
    expectedSeconds: seconds,
    lowerSeconds: seconds.openapi({ description: "Of a 90 % interval" }),
    upperSeconds: seconds.openapi({ description: "Of a 90 % interval" }),
    rateLimitSeconds: seconds.nullable().openapi({ description: "What the product's rate limit alone takes; null where none is known" }),
    objective: z.enum(RTO_STANDINGS).openapi({
      description: "Beside the RTO. within: the slow end keeps it; doubtful: the slow end breaks it; beyond: what is expected breaks it",
    }),
    drills: z.number().int().nonnegative().openapi({ description: "It rests on" }),
    asOf: z.iso.datetime().openapi({ description: "End of the newest of these drills" }),
    dominates: z.strictObject({ step: z.enum(RESTORE_STEPS), collection: z.string().nullable(), share: z.number() }),
  })
  .openapi("RestoreForecast");

/** Durations in seconds, to the millisecond. */
export function presentForecast(forecast: Forecast, objectives: SourcePolicy["objectives"]): z.infer<typeof forecastSchema> {
  const { basis, expectedMs, lowerMs, upperMs, floorMs, drills, at, dominates } = forecast;
  const rounded = (ms: number): number => Math.round(ms) / 1000;
  return {
    basis,
    expectedSeconds: rounded(expectedMs),
    lowerSeconds: rounded(lowerMs),
    upperSeconds: rounded(upperMs),
    rateLimitSeconds: floorMs === null ? null : rounded(floorMs),
    objective: rtoStanding(forecast, objectives),
    drills,
    asOf: new Date(at).toISOString(),
    dominates: { ...dominates, share: Number(dominates.share.toFixed(3)) },
  };
}
