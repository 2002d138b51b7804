/** Numbers, sizes, times and durations as people read them. Pure; English; UTC. */

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** `463.9 kB`; decimal units. */
export function describeBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? String(Math.round(value)) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `5,302`; below 100 with at most one decimal. */
export function describeNumber(value: number): string {
  const digits = Math.abs(value) < 100 && !Number.isInteger(value) ? 1 : 0;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}

/** `850 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `4 days 3 h`. */
export function describeDuration(ms: number): string {
  const sign = ms < 0 ? "-" : "";
  const abs = Math.abs(ms);
  if (abs < 1000) return `${sign}${Math.round(abs)} ms`;
  const seconds = Math.round(abs / 1000);
  if (seconds < 60) return `${sign}${abs < 10_000 ? (abs / 1000).toFixed(1).replace(/\.0$/, "") : seconds} s`;
  if (seconds < 3600) return `${sign}${two(Math.floor(seconds / 60), "min", seconds % 60, "s")}`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 48 * 60) return `${sign}${two(Math.floor(minutes / 60), "h", minutes % 60, "min")}`;
  const hours = Math.round(minutes / 60);
  return `${sign}${two(Math.floor(hours / 24), "days", hours % 24, "h")}`;
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** `2026-11-22 03:00 UTC`. */
export function describeTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** `3 records`, `1 record`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${describeNumber(count)} ${count === 1 ? one : many}`;
}
