/** What an alarm says, in one sentence: observed, expected, band, how far, how rare, since when, and what to look at next. */
import { describeBytes, describeDuration, describeNumber, describeTime } from "../words-for-people.ts";
import type { Signal } from "../words.ts";
import type { Drifting } from "./drift.ts";

const WHAT: Readonly<Record<Signal, string>> = {
  bytes: "The backup is",
  records: "The backup holds",
  duration: "The backup took",
  gap: "The backup came after",
  outcome: "The outcome is",
};

const LOOK: Readonly<Record<Signal, { readonly more: string; readonly less: string }>> = {
  bytes: { more: "look for duplicated or unexpected data", less: "look at which collections shrank and at the backup job's own log" },
  records: { more: "look for duplicated or unexpected records", less: "look at which collections shrank and at what was deleted" },
  duration: { more: "look at the slowest phase and peer of the run", less: "look whether the run did all of its work" },
  gap: { more: "look at the backup job's schedule and log", less: "nothing is wrong with an early backup" },
  outcome: { more: "look at the backup job's own log", less: "look at the backup job's own log" },
};

export function showValue(signal: Signal, value: number): string {
  if (signal === "bytes") return describeBytes(Math.round(value));
  if (signal === "records") return `${describeNumber(Math.round(value))} records`;
  return signal === "outcome" ? String(value) : describeDuration(value * 1000);
}

function compared(signal: Signal, value: number, expected: number): string {
  if (value <= 0) return "nothing is left";
  const ratio = value < expected ? expected / value : value / expected;
  return `${describeNumber(Math.round(ratio * 100) / 100)} times ${value < expected ? "less" : "more"}`;
}

function look(signal: Signal, value: number, expected: number): string {
  return LOOK[signal][value < expected ? "less" : "more"];
}

export function explainRule(signal: Signal, value: number, usual: number, at: number): string {
  const against =
    usual > 0 ? `, expected about ${showValue(signal, usual)} (median of the runs before): ${compared(signal, value, usual)}` : "";
  return `${WHAT[signal]} ${showValue(signal, value)}${against}, since ${describeTime(at)}; ${look(signal, value, Math.max(usual, value <= 0 ? 1 : 0))}.`;
}

/** @param rate share of runs that lie so far out by chance */
export function explainSpike(
  signal: Signal,
  value: number,
  expected: number,
  [lower, upper]: readonly [number, number],
  rate: number,
  at: number,
): string {
  const band = `expected ${showValue(signal, expected)} (${showValue(signal, Math.max(0, lower))} to ${showValue(signal, upper)})`;
  return `${WHAT[signal]} ${showValue(signal, value)}, ${band}: ${compared(signal, value, expected)}, as fewer than 1 in ${describeNumber(Math.round(1 / rate))} runs are, at ${describeTime(at)}; ${look(signal, value, expected)}.`;
}

export function explainShift(signal: Signal, value: number, before: number, since: number): string {
  return `${WHAT[signal]} ${showValue(signal, value)} and stays there: a new normal since ${describeTime(since)}, ${compared(signal, value, before)} than the ${showValue(signal, before)} before; ${look(signal, value, before)}.`;
}

export function explainDrift(signal: Signal, value: number, { change, points, since }: Drifting): string {
  const percent = Math.round((Math.exp(Math.abs(change)) - 1) * 100);
  return `${WHAT[signal]} ${showValue(signal, value)}: slowly ${change > 0 ? "growing" : "shrinking"}, by about ${percent} % over the last ${points} points since ${describeTime(since)} beyond what it did before; ${LOOK[signal][change > 0 ? "more" : "less"]}.`;
}
