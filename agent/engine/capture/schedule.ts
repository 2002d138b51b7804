/** When captures are due, and that each is tried once at a time; what was missed while the agent was off is made up for once. */
import { Cron } from "croner";
import type { CapturePolicy } from "../../core/policy.ts";

export interface Attempt {
  /** Begin of the newest attempt, ms since the epoch. */
  readonly at: number;
  /** Attempts that failed since the last that did not. */
  readonly failures: number;
}

const FIRST_RETRY_MS = 5 * 60_000;
const MOST_RETRY_MS = 4 * 3_600_000;

/** @param last null: none was ever tried; `since`: when the source was first configured, before which nothing was due */
export function captureDue(policy: CapturePolicy, last: Attempt | null, since: number, now: number): boolean {
  if (last !== null && last.failures > 0)
    return now - last.at >= Math.min(MOST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(last.failures - 1, 10));
  const cron = new Cron(policy.schedule, { timezone: policy.timezone, paused: true });
  const [dated] = cron.previousRuns(1, new Date(now + 1000));
  return dated !== undefined && dated.getTime() > (last?.at ?? since);
}

export function parseAttempt(stored: string | null): Attempt | null {
  const [at, failures] = (stored ?? "").split(" ").map(Number);
  return at === undefined || failures === undefined || !Number.isFinite(at) || !Number.isFinite(failures) || stored === null
    ? null
    : { at, failures };
}

export function formatAttempt(attempt: Attempt): string {
  return `${attempt.at} ${attempt.failures}`;
}
