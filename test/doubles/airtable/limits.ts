/** Five requests a second and base; over it everything is refused for thirty seconds. And the plan's calls of a month. */
import { listed } from "./errors.ts";
import type { BaseState, World } from "./world.ts";

const A_SECOND = 5;
export const PENALTY_MS = 30_000;

/** @throws Refusal 429 */
export function admit(world: World, base: BaseState): void {
  const now = world.clock.monotonic();
  if (now < base.penaltyUntil) throw limited();
  base.recent = base.recent.filter((at) => now - at < 1000);
  if (base.recent.length >= A_SECOND) {
    base.penaltyUntil = now + PENALTY_MS;
    throw limited();
  }
  base.recent.push(now);
}

/** The schema goes on answering when records are not given out any more. @throws Refusal 429 */
export function charge(world: World): void {
  if (world.quotaSpent)
    throw listed(
      429,
      "PUBLIC_API_BILLING_LIMIT_EXCEEDED",
      "The API calls of this workspace for the month are used up. Please upgrade your plan to continue.",
    );
}

function limited(): Error {
  return listed(429, "RATE_LIMIT_REACHED", "Rate limit exceeded. Please try again later");
}
