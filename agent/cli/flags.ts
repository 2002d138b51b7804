/** What flags may say; anything else is refused in words that name an example. */
import { InvalidArgumentError } from "commander";
import { parseDuration, parseSize } from "../kit/duration.ts";

export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

export function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 64) throw new InvalidArgumentError("a whole number from 1 to 64 is wanted.");
  return value;
}

export function sizeMb(text: string): number {
  const bytes = parseSize(text);
  if (bytes === null || bytes < 64e6) throw new InvalidArgumentError("a size from 64MB on is wanted, such as 256MB.");
  return Math.round(bytes / 1e6);
}

export function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms < 1000) throw new InvalidArgumentError("a duration from 1s on is wanted, such as 10m.");
  return ms;
}

/** A share of everything, `1%` or `0.01`. */
export function portion(text: string): number {
  const value = /^[\d.]+\s*%$/.test(text) ? Number(text.replace("%", "")) / 100 : Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError("a share between 0 and 1 is wanted, such as 1% or 0.01.");
  return value;
}

/** More than none. */
export function positive(text: string): number {
  const value = amount(text);
  if (value === 0) throw new InvalidArgumentError("a number above 0 is wanted.");
  return value;
}

export function amount(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1e15)) throw new InvalidArgumentError("a number from 0 on is wanted.");
  return value;
}

export function bytes(text: string): number {
  const value = parseSize(text);
  if (value === null) throw new InvalidArgumentError("a size is wanted, such as 256MB.");
  return value;
}
