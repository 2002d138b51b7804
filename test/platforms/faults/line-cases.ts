/** What a network does to the bytes themselves, below every answer: a capture is whole or there is none, and says why. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startToxicLine, type Toxic, type ToxicLine } from "../../servers/toxiproxy.ts";
import { type Capturing, capturing, type Outcome, reasonOf } from "./capturing.ts";
import type { FaultyProduct } from "./products.ts";
import type { Through } from "./through.ts";

/** Time a request has, except where a slow line is to be waited for. */
const SHORT_MS = 400;
const PATIENT_MS = 20_000;

const toxic = (type: Toxic["type"], attributes: Toxic["attributes"] = {}, more: Pick<Toxic, "upstream"> = {}): Toxic => ({
  type,
  attributes,
  ...more,
});

/** [what, the line, time a request has, what comes of a capture] */
const LINES: readonly (readonly [string, readonly Toxic[], number, RegExp])[] = [
  ["slow to begin", [toxic("latency", { latency: 60, jitter: 30 })], PATIENT_MS, /^complete$/u],
  ["thin", [toxic("bandwidth", { rate: 8000 })], PATIENT_MS, /^complete$/u],
  ["in small pieces", [toxic("slicer", { average_size: 1400, size_variation: 700, delay: 10 })], PATIENT_MS, /^complete$/u],
  ["so thin that it drips", [toxic("bandwidth", { rate: 1 })], SHORT_MS, /^transient no-answer-in-time$/u],
  ["dead after the connection", [toxic("timeout", { timeout: 0 })], SHORT_MS, /^transient no-answer-in-time$/u],
  [
    "closed in the middle of an answer",
    [toxic("limit_data", { bytes: 20_000 })],
    PATIENT_MS,
    /^transient (?:answer-cut-short|not-reachable)$/u,
  ],
  ["reset", [toxic("reset_peer", { timeout: 0 })], PATIENT_MS, /^transient (?:answer-cut-short|not-reachable)$/u],
  ["reset while it asks", [toxic("reset_peer", { timeout: 0 }, { upstream: true })], PATIENT_MS, /^transient not-reachable$/u],
];

export function lineCases(product: FaultyProduct, through: () => Through): void {
  describe("a capture over a line that is", () => {
    let line: ToxicLine;
    let under: Capturing;
    let whole: Extract<Outcome, { kind: "complete" }>;

    const capture = (timeoutMs: number): Promise<Outcome> => {
      const { started, opening } = through();
      const { origin } = new URL(started.url);
      return under.capture(opening.open(started, started.url.replace(origin, line.url), timeoutMs));
    };
    const told = (outcome: Outcome): string => (outcome.kind === "complete" ? outcome.kind : reasonOf(outcome.error));

    beforeAll(async () => {
      line = await startToxicLine(through().started.url);
      under = await capturing(product);
      const outcome = await capture(PATIENT_MS);
      if (outcome.kind === "error") throw outcome.error;
      whole = outcome;
      await under.clear();
    });
    afterAll(async () => {
      await line.stop();
      await under.close();
    });
    afterEach(() => under.clear());

    async function expectOutcome(outcome: Outcome, wanted: RegExp): Promise<void> {
      expect(told(outcome)).toMatch(wanted);
      if (outcome.kind === "complete") expect(outcome).toEqual(whole);
      else expect(await under.visible()).toEqual([]);
    }

    test.each(LINES)("%s", async (_, toxics, timeoutMs, wanted) => {
      await line.set(toxics);
      await expectOutcome(await capture(timeoutMs), wanted);
      await line.set([]);
      expect(await capture(PATIENT_MS), "it goes on afterwards").toEqual(whole);
    });

    test("gone", async () => {
      await line.enable(false);
      await expectOutcome(await capture(PATIENT_MS), /^transient not-reachable$/u);
      await line.enable(true);
      expect(await capture(PATIENT_MS)).toEqual(whole);
    });
  });
}
