/** What is known of each signal before any of its values: how it is measured, which way matters, how it is said. */
import { describeBytes, describeDuration, describeNumber } from "../words-for-people.ts";
import type { Signal } from "../words.ts";

export interface SignalTraits {
  /** Added before the logarithm is taken: values may be 0, and what is small beside it is all the same. Null: 0 is a failed run. */
  readonly offset: number | null;
  /** Whether only more is trouble. */
  readonly upperOnly: boolean;
  /** Begins a sentence that the value goes on. */
  readonly what: string;
  readonly show: (value: number) => string;
  /** What to look at next. */
  readonly more: string;
  readonly less: string;
}

const seconds = (value: number): string => describeDuration(value * 1000);
const counted =
  (unit: string) =>
  (value: number): string =>
    `${describeNumber(Math.round(value))} ${unit}`;
const JOB = "look at the backup job's own log";

export const TRAITS: Readonly<Record<Signal, SignalTraits>> = {
  bytes: {
    offset: null,
    upperOnly: false,
    what: "The backup is",
    show: (value) => describeBytes(Math.round(value)),
    more: "look for duplicated or unexpected data",
    less: "look at which collections shrank and at the backup job's own log",
  },
  records: {
    offset: null,
    upperOnly: false,
    what: "The backup holds",
    show: counted("records"),
    more: "look for duplicated or unexpected records",
    less: "look at which collections shrank and at what was deleted",
  },
  duration: {
    offset: null,
    upperOnly: false,
    what: "The backup took",
    show: seconds,
    more: "look at the slowest phase and peer of the run",
    less: "look whether the run did all of its work",
  },
  gap: {
    offset: null,
    upperOnly: true,
    what: "The backup came after",
    show: seconds,
    more: "look at the backup job's schedule and log",
    less: "nothing is wrong with an early backup",
  },
  outcome: { offset: null, upperOnly: false, what: "The outcome is", show: String, more: JOB, less: JOB },
  restore_seconds: {
    offset: null,
    upperOnly: true,
    what: "The restore drill took",
    show: seconds,
    more: "look at the drill's slowest phase and peer in its trace",
    less: "nothing is wrong with a quick restore",
  },
  restore_seconds_per_gb: {
    offset: null,
    upperOnly: true,
    what: "Restoring a gigabyte took",
    show: seconds,
    more: "look at the vault's and the sandbox's speed in the drill's trace",
    less: "nothing is wrong with a quick restore",
  },
  bytes_per_record: {
    offset: null,
    upperOnly: false,
    what: "A record of the backup takes",
    show: (value) => describeBytes(Math.round(value)),
    more: "look for new attachments, long texts or metadata that grew",
    less: "look for attachments or fields that are empty now",
  },
  links: {
    offset: null,
    upperOnly: false,
    what: "The backup holds",
    show: counted("links"),
    more: "look for links that were made twice",
    less: "look at which relations lost links",
  },
  files: {
    offset: null,
    upperOnly: false,
    what: "The backup holds",
    show: counted("files"),
    more: "look for files that are kept twice",
    less: "look at which attachments are gone",
  },
  changed_share: {
    offset: 0.01,
    upperOnly: true,
    what: "The share of items that changed in production since the backup is",
    show: (value) => `${describeNumber(Math.round(value * 1000) / 10)} %`,
    more: "look at what edited so many items in production since the backup",
    less: "nothing is wrong with a calm production",
  },
  wait_seconds: {
    offset: 1,
    upperOnly: true,
    what: "The drill waited for the platform's limits and retries",
    show: seconds,
    more: "look at who else uses the platform's API and at its status page",
    less: "nothing is wrong with short waits",
  },
};

/** Told with their bands; all others only while something is the matter with them. */
export const BANDED = ["bytes", "records", "duration", "gap"] as const satisfies readonly Signal[];

/** Shares of a source's budget. What a backup's job or vault tells comes first: the other signals mostly move with it. */
const WEIGHTS: Readonly<Partial<Record<Signal, number>>> = { bytes: 2, records: 2, duration: 2, restore_seconds: 1 };
const OTHER_WEIGHT = 0.5;

/**
 * Splits the false alarms of a source a year over the signals that are watched; a gap's lateness is a rule's affair and takes no share.
 * @returns false alarms a year for this one
 */
export function budgetOf(signal: Signal, watched: readonly Signal[], falseAlarmsPerYear: number): number {
  const weight = (one: Signal): number => (one === "gap" ? 0 : (WEIGHTS[one] ?? OTHER_WEIGHT));
  const all = watched.reduce((sum, one) => sum + weight(one), 0);
  return all === 0 ? falseAlarmsPerYear : (falseAlarmsPerYear * Math.max(weight(signal), OTHER_WEIGHT)) / all;
}
