import fc from "fast-check";
import { expect, test } from "vitest";
import { leaveBehind } from "../../../agent/engine/unread.ts";

const spares = (files: readonly string[]): readonly string[] => files.filter((path) => path.startsWith("big/"));
const files = [{ path: "list", bytes: 1_000_000 }, ...Array.from({ length: 40 }, (_, n) => ({ path: `big/${n}`, bytes: 100 + n }))];
const left = (maxBytes: number, seed = "aa") =>
  leaveBehind(maxBytes, spares, seed)
    .leave?.(files)
    .map((file) => file.path) ?? [];

test("without a limit, or where nothing can be spared, everything is fetched", () => {
  expect(leaveBehind(undefined, spares, "aa")).toEqual({});
  expect(leaveBehind(1000, undefined, "aa")).toEqual({});
  expect(leaveBehind(0, () => [], "aa").leave?.(files)).toEqual([]);
});

test("what is fetched of the sparable stays within the limit, and what cannot be spared is never left", () => {
  fc.assert(
    fc.property(fc.nat(6000), fc.stringMatching(/^[0-9a-f]{8}$/u), (maxBytes, seed) => {
      const gone = new Set(left(maxBytes, seed));
      const fetched = files.filter((file) => !gone.has(file.path) && file.path.startsWith("big/"));
      expect(fetched.reduce((sum, file) => sum + file.bytes, 0)).toBeLessThanOrEqual(maxBytes);
      expect(gone.has("list")).toBe(false);
      // Nothing is left that would still have fitted the whole limit alone with nothing fetched.
      if (maxBytes >= 139) expect(fetched.length).toBeGreaterThan(0);
    }),
  );
  expect(left(1_000_000)).toEqual([]);
});

test("another seed draws others, the same seed the same", () => {
  expect(left(1000, "aa")).toEqual(left(1000, "aa"));
  expect(left(1000, "aa")).not.toEqual(left(1000, "bb"));
  const drawn = new Set(Array.from({ length: 60 }, (_, n) => files.filter((file) => !left(1000, `${n}`).includes(file.path))).flat());
  expect(drawn.size).toBe(files.length);
});
