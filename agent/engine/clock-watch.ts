/**
 * A wall clock that jumps is not believed at once: for some minutes no drill is begun by it, no alarm is raised or ended by it and no gauge
 * follows it. A jump that is soon taken back then leaves no trace; one that stays is believed.
 */
import type { Clock, Telemetry } from "../core/ports.ts";
import { describeDuration } from "../core/words-for-people.ts";

export interface ClockWatch {
  /** False for some minutes after the wall clock went another way than time did. */
  settled(): boolean;
  /** One sentence while it is not settled, else null. */
  problem(): string | null;
}

/** Further than any slewing goes, and less than what would make a drill or an alarm due. */
const JUMP_MS = 5 * 60_000;
export const UNBELIEVED_MS = 5 * 60_000;

export function createClockWatch(clock: Pick<Clock, "now" | "monotonic">, telemetry: Telemetry): ClockWatch {
  let offset = clock.now() - clock.monotonic();
  let until = Number.NEGATIVE_INFINITY;
  let jump = 0;
  const settled = (): boolean => {
    const now = clock.now() - clock.monotonic();
    if (Math.abs(now - offset) > JUMP_MS) {
      jump = now - offset;
      until = clock.monotonic() + UNBELIEVED_MS;
      telemetry.log("warn", "the clock jumped", { seconds: Math.round(jump / 1000) });
    }
    offset = now;
    return clock.monotonic() >= until;
  };
  return {
    settled,
    problem: () =>
      settled()
        ? null
        : `The clock of this machine jumped ${jump > 0 ? "ahead" : "back"} by ${describeDuration(Math.abs(jump))}; drills and alarms wait until it has been steady for a while.`,
  };
}
