/** What an alarm says, in one sentence: observed, expected, band, how far, how rare, since when, and what to look at next. */
import { describeNumber, describeTime } from "../words-for-people.ts";
import type { Signal } from "../words.ts";
import type { Drifting } from "./drift.ts";
import { TRAITS } from "./signals.ts";

function compared(signal: Signal, value: number, expected: number): string {
  if (value <= 0) return "nothing is left";
  const ratio = value < expected ? expected / value : value / expected;
  return `${describeNumber(Math.round(ratio * 100) / 100)} times ${value < expected ? "less" : "more"}`;
}

function look(signal: Signal, value: number, expected: number): string {
  return TRAITS[signal][value < expected ? "less" : "more"];
}

/** @param allowed longest that was on time, s */
export function explainLate(value: number, usual: number, allowed: number, at: number): string {
  const { what, show, more } = TRAITS.gap;
  return `${what} ${show(value)}, expected about ${show(usual)} and no more than ${show(allowed)}, at ${describeTime(at)}; ${more}.`;
}

export function explainRule(signal: Signal, value: number, usual: number, at: number): string {
  const against =
    usual > 0 ? `, expected about ${TRAITS[signal].show(usual)} (median of the runs before): ${compared(signal, value, usual)}` : "";
  return `${TRAITS[signal].what} ${TRAITS[signal].show(value)}${against}, since ${describeTime(at)}; ${look(signal, value, Math.max(usual, value <= 0 ? 1 : 0))}.`;
}

/** A tail that was seen for so many runs says nothing of what is ten times rarer. */
const BEYOND_SEEN = 10;

function howRare({ rate, runs }: { readonly rate: number; readonly runs: number }): string {
  const seen = BEYOND_SEEN * Math.max(1, runs);
  if (1 / rate >= seen) return `rarer than 1 in ${describeNumber(rounded(seen))} runs`;
  return `as rare as 1 in ${describeNumber(rounded(1 / rate))} runs`;
}

/** To two digits: no tail is known better. */
function rounded(value: number): number {
  return Number(value.toPrecision(2));
}

/** @param rarity share of runs that lie so far out by chance, and how many runs were seen */
export function explainSpike(
  signal: Signal,
  value: number,
  expected: number,
  [lower, upper]: readonly [number, number],
  rarity: { readonly rate: number; readonly runs: number },
  at: number,
): string {
  const band = `expected ${TRAITS[signal].show(expected)} (${TRAITS[signal].show(Math.max(0, lower))} to ${TRAITS[signal].show(upper)})`;
  return `${TRAITS[signal].what} ${TRAITS[signal].show(value)}, ${band}: ${compared(signal, value, expected)}, ${howRare(rarity)}, at ${describeTime(at)}; ${look(signal, value, expected)}.`;
}

export function explainShift(signal: Signal, value: number, before: number, since: number): string {
  return `${TRAITS[signal].what} ${TRAITS[signal].show(value)} and stays there: a new normal since ${describeTime(since)}, ${compared(signal, value, before)} than the ${TRAITS[signal].show(before)} before; ${look(signal, value, before)}.`;
}

export function explainDrift(signal: Signal, value: number, { change, points, since }: Drifting): string {
  const percent = Math.round((Math.exp(Math.abs(change)) - 1) * 100);
  return `${TRAITS[signal].what} ${TRAITS[signal].show(value)}: slowly ${change > 0 ? "growing" : "shrinking"}, by about ${percent} % over the last ${points} points since ${describeTime(since)} beyond what it did before; ${TRAITS[signal][change > 0 ? "more" : "less"]}.`;
}
