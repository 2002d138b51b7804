/** Durations (`24h`, `1h30m`) and sizes (`256MB`, `5GB`) as people write them in configuration and on command lines. */

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

/** Source of a regular expression for every duration `parseDuration` takes; for schemas. */
export const DURATION_PATTERN = "^\\s*(\\d+(\\.\\d+)?\\s*(ms|s|m|h|d|w)\\s*)+$";
/** Source of a regular expression for every size `parseSize` takes; for schemas. */
export const SIZE_PATTERN = "^\\s*\\d+(\\.\\d+)?\\s*([KkMmGgTt][Ii]?)?[Bb]\\s*$";

/**
 * @param text one or more numbers each followed by ms, s, m, h, d or w: `90s`, `1h30m`, `0s`
 * @returns milliseconds, rounded to a whole one, or null where `text` is no duration (a bare number is none)
 */
export function parseDuration(text: string): number | null {
  if (text.length > 64 || !new RegExp(DURATION_PATTERN, "u").test(text)) return null;
  let sum = 0;
  for (const [, number = "", unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|[smhdw])/gu)) {
    sum += Number(number) * (DURATION_UNITS[unit] ?? Number.NaN);
  }
  const ms = Math.round(sum);
  return Number.isSafeInteger(ms) ? ms : null;
}

/**
 * @param text a number and a unit: B, KB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB (powers of 1024)
 * @returns bytes, rounded to a whole one, or null where `text` is no size
 */
export function parseSize(text: string): number | null {
  if (text.length > 64 || !new RegExp(SIZE_PATTERN, "u").test(text)) return null;
  const [, number = "", unit = ""] = /([\d.]+)\s*([a-z]+)/iu.exec(text) ?? [];
  const bytes = Math.round(Number(number) * (SIZE_UNITS[unit.toUpperCase()] ?? Number.NaN));
  return Number.isSafeInteger(bytes) ? bytes : null;
}
