/**
 * Every reader against mutations of real documents: a fixed number of rounds, the same ones everywhere. `npm run fuzz` has as many as
 * there is time for.
 */
import { describe, expect, it } from "vitest";
import { openDescriptors, type Round, startCampaign } from "../../fuzz/campaign.ts";
import { FORMATS } from "../../fuzz/seeds.ts";

const ROUNDS = 60;
const SEED = 20_260_101;

describe("mutations of real documents", () => {
  it.each(FORMATS)(
    "%s: nothing but AgentErrors, nothing that hangs, no false verdict, nothing left behind",
    async (format) => {
      const campaign = await startCampaign(format, SEED);
      try {
        await campaign.run(0);
        const descriptors = openDescriptors() ?? 0;
        const rounds: Round[] = [];
        for (let round = 1; round <= ROUNDS; round += 1) rounds.push(await campaign.run(round));
        expect(rounds.filter((round) => round.violation !== null)).toEqual([]);
        expect((openDescriptors() ?? 0) - descriptors).toBeLessThanOrEqual(3);
        // A fuzzer that only ever breaks the outermost bracket, or never breaks anything, tests nothing.
        const times = (...results: readonly string[]): number => rounds.filter((round) => results.includes(round.result)).length;
        expect(times("damaged")).toBeGreaterThan(ROUNDS / 20);
        expect(times("neutral", "opened", "caught", "unseen", "mended")).toBeGreaterThan(ROUNDS / 5);
        expect(times("caught", "opened")).toBeGreaterThan(0);
      } finally {
        await campaign.close();
      }
    },
    120_000,
  );

  it("a round is the same every time", async () => {
    const [one, two] = [await startCampaign("csv", 5), await startCampaign("csv", 5)];
    try {
      for (let round = 1; round <= 20; round += 1) expect(two.artifact(round)).toEqual(one.artifact(round));
      expect([one.artifact(3), one.artifact(4)]).not.toEqual([one.artifact(5), one.artifact(6)]);
    } finally {
      await Promise.all([one.close(), two.close()]);
    }
  });
});
