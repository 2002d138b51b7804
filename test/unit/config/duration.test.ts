import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DURATION_PATTERN, parseDuration, parseSize, SIZE_PATTERN } from "../../../agent/kit/duration.ts";

describe("durations", () => {
  test.each([
    ["0s", 0],
    ["250ms", 250],
    ["90s", 90_000],
    ["1h30m", 5_400_000],
    ["1h 30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["24h", 86_400_000],
    ["400d", 34_560_000_000],
    [" 2w ", 1_209_600_000],
    ["1m5ms", 60_005],
  ])("%s is %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(["", "24", "h", "-1h", "1 fortnight", "1h30", "1e3s", "١h", "1H", "Infinity", "9".repeat(40) + "d", "1h".repeat(40)])(
    "%j is none",
    (text) => {
      expect(parseDuration(text)).toBeNull();
    },
  );

  test("parts add up, and the pattern takes exactly what is parsed", () => {
    const part = fc.tuple(fc.nat(9999), fc.constantFrom("ms", "s", "m", "h", "d", "w"));
    fc.assert(
      fc.property(part, part, ([a, unit], [b, other]) => {
        const sum = (parseDuration(`${a}${unit}`) ?? Number.NaN) + (parseDuration(`${b}${other}`) ?? Number.NaN);
        expect(parseDuration(`${a}${unit}${b}${other}`)).toBe(sum);
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9. hmsdw]{0,8}$/u), (text) => {
        expect(parseDuration(text) !== null).toBe(new RegExp(DURATION_PATTERN, "u").test(text));
      }),
    );
  });
});

describe("sizes", () => {
  test.each([
    ["0B", 0],
    ["256MB", 256_000_000],
    ["5 gb", 5e9],
    ["1.5KB", 1500],
    ["1GiB", 2 ** 30],
    ["2TB", 2e12],
  ])("%s is %d bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(["", "256", "MB", "-1MB", "1XB", "1M", "9999999999TB", "1.2.3MB"])("%j is none", (text) => {
    expect(parseSize(text)).toBeNull();
  });

  test("the pattern takes exactly what is parsed", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9. kKMGiB]{0,7}$/u), (text) => {
        expect(parseSize(text) !== null).toBe(new RegExp(SIZE_PATTERN, "u").test(text));
      }),
    );
  });
});
