import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { criticalPath, describePath, describeStep, type EndedSpan, longestStep } from "../../../agent/core/critical-path.ts";
import { PHASES } from "../../../agent/core/words.ts";

const span = (from: number, to: number, depth: number, more: Partial<EndedSpan> = {}): EndedSpan => ({
  from,
  to,
  depth,
  phase: null,
  peer: null,
  ...more,
});

describe("the critical path", () => {
  test("counts for whoever was asked, and what no span tells of for the agent", () => {
    const path = criticalPath(
      [
        span(10, 30, 1, { phase: "open", peer: "vault:nightly" }),
        span(40, 90, 1, { phase: "load" }),
        span(50, 80, 2, { phase: "load", peer: "sandbox" }),
      ],
      0,
      100,
    );
    expect(path).toEqual([
      { phase: null, peer: null, ms: 30 },
      { phase: "open", peer: "vault:nightly", ms: 20 },
      { phase: "load", peer: null, ms: 20 },
      { phase: "load", peer: "sandbox", ms: 30 },
    ]);
    expect(describePath(path)).toBe("the agent itself 30 % › open vault:nightly 20 % › load 20 % › load sandbox 30 %");
  });

  test("of two side by side it is the one that ends last", () => {
    const both = [span(0, 100, 1, { phase: "readback", peer: "slow" }), span(0, 60, 1, { phase: "readback", peer: "quick" })];
    expect(criticalPath(both, 0, 100)).toEqual([{ phase: "readback", peer: "slow", ms: 100 }]);
  });

  test("what lies outside is cut off, and nothing is longer than the drill", () => {
    expect(criticalPath([span(-50, 500, 1, { phase: "load" })], 0, 100)).toEqual([{ phase: "load", peer: null, ms: 100 }]);
    expect(criticalPath([span(200, 300, 1)], 0, 100)).toEqual([{ phase: null, peer: null, ms: 100 }]);
    expect([describePath([]), longestStep([]), describePath(criticalPath([], 5, 5))]).toEqual(["", null, ""]);
  });

  test("small steps are left out of the sentence", () => {
    const path = criticalPath([span(0, 1, 1, { phase: "open" }), span(1, 1000, 1, { phase: "load", peer: "sandbox" })], 0, 1000);
    expect(describePath(path)).toBe("load sandbox 100 %");
    expect(describeStep(longestStep(path) ?? { phase: null, peer: null })).toBe("load sandbox");
  });

  test("it sums up to the whole, whatever the spans, and agrees with asking every millisecond", () => {
    const any = fc.record({
      from: fc.integer({ min: -20, max: 120 }),
      length: fc.integer({ min: 0, max: 80 }),
      depth: fc.integer({ min: 1, max: 4 }),
      phase: fc.constantFrom(null, ...PHASES),
      peer: fc.constantFrom(null, "vault:a", "sandbox"),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 12 }), (drawn) => {
        const spans = drawn.map(({ from, length, ...rest }) => ({ ...rest, from, to: from + length }));
        const path = criticalPath(spans, 0, 100);
        expect(path.reduce((sum, { ms }) => sum + ms, 0)).toBe(100);
        const asked = new Map<string, number>();
        for (let at = 0; at < 100; at += 1) {
          const open = spans.filter(({ from, to }) => from <= at && to > at);
          const depth = Math.max(0, ...open.map((one) => one.depth));
          const deepest = open.filter((one) => one.depth === depth);
          const last = Math.max(...deepest.map(({ to }) => to));
          const words = new Set(deepest.filter(({ to }) => to === last).map(describeStep));
          // Which of two that end together is left open.
          if (words.size > 1) return;
          const word = [...words][0] ?? "the agent itself";
          asked.set(word, (asked.get(word) ?? 0) + 1);
        }
        for (const step of path) expect(step.ms, describeStep(step)).toBe(asked.get(describeStep(step)));
      }),
      { numRuns: 500 },
    );
  });
});
