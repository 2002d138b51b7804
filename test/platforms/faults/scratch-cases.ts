/** Whatever happens on the way to a scratch place, a backup is not blamed for it, and what was made there is removed or reported. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scratchPrefix } from "../../../agent/engine/scratch/scratch.ts";
import type { Asked, FaultyProxy, Rule } from "../../doubles/faulty-proxy.ts";
import { answer, CUT, HTML, type Trial } from "./faults.ts";
import { expectDoubt } from "./live-cases.ts";
import { type Looked, type Looking, looking, SOURCE } from "./looking.ts";
import type { Place, ScratchPlace } from "./products.ts";
import { proxyTo, type Through } from "./through.ts";

/** @param places requests of a restore, spread evenly over it, that meet a fault one at a time */
export function scratchCases(through: () => Through, trials: readonly Trial[], places: number): void {
  describe("the layer scratch", () => {
    let under: Looking;
    let place: ScratchPlace;
    let source: Place;
    let line: { readonly proxy: FaultyProxy; readonly url: string };
    let whole: Looked;
    let asked: readonly Asked[] = [];

    /** Faults are only on the way to the scratch place. */
    const look = (rule: Rule): Promise<Looked> => {
      const { opening } = through();
      line.proxy.set(rule);
      return under.look("scratch", opening.open(source, source.url), opening.openScratch(place, line.url));
    };
    const left = () => place.leftovers(scratchPrefix(SOURCE));

    beforeAll(async () => {
      const { opening, started } = through();
      place = await started.scratch();
      source = place.of ?? started;
      line = await proxyTo(place);
      under = await looking(opening.open(source, source.url));
      whole = await look(() => null);
      asked = line.proxy.asked;
    });
    afterAll(async () => {
      await line.proxy.close();
      await under.close();
    });

    /** Nothing is left behind unless it was told; and that goes with the next drill. */
    async function expectSwept(looked: Looked, where = ""): Promise<void> {
      const told = looked.checks.some((one) => one.id === "restore.rollback" && one.status === "error");
      if (looked.leaks > 0) expect(told, where).toBe(true);
      if (!told) {
        expect(await left(), `${where}: left behind, and nobody said so`).toBe(0);
        return;
      }
      expect(await look(() => null)).toMatchObject({ verdict: "verified", leaks: 0 });
      expect(await left()).toBe(0);
    }

    test("restores, reads back and takes away where nothing happens", async () => {
      expect(whole).toMatchObject({ verdict: "verified", reasons: [], trouble: null, leaks: 0 });
      expect(await left()).toBe(0);
    });

    test.each(trials)("%s", async (_, fault, count) => {
      const middle = Math.floor(asked.length / 2);
      const looked = await look(({ at }) => (at >= middle && at < middle + count ? fault() : null));
      expect(line.proxy.spoilt(), "the fault came about").toBeGreaterThan(0);
      if (looked.verdict !== "verified") expectDoubt(looked, through());
      if (count === Infinity) expect(looked).toMatchObject({ verdict: "inconclusive", leaks: 1 });
      await expectSwept(looked);
    });

    test.each([
      ["an answer is cut off after the product did what was asked", [CUT]],
      ["an answer is 500, HTML, or 401", [answer(500), HTML, answer(401)]],
    ] as const)("once, anywhere: %s", async (_, kinds) => {
      let tried = 0;
      for (let at = 0; at < asked.length; at += Math.max(1, asked.length / places)) {
        const bad = Math.floor(at);
        const fault = kinds[(tried += 1) % kinds.length] ?? null;
        const looked = await look((one) => (one.at === bad ? fault : null));
        const where = `request ${bad}, ${asked[bad]?.method ?? ""} ${asked[bad]?.url ?? ""}`;
        if (looked.verdict !== "verified") expectDoubt(looked, through(), where);
        await expectSwept(looked, where);
      }
    });
  });
}
