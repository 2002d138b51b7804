/** Whatever happens on the way to production, a backup is not blamed for it, nor called compared where it was not. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { emptied, halved, type Rule } from "../../doubles/faulty-proxy.ts";
import type { Trial } from "./faults.ts";
import { type Looked, type Looking, looking } from "./looking.ts";
import type { Through } from "./through.ts";

/** @param places answers of a comparison, spread evenly over it, that are shortened one at a time */
export function liveCases(through: () => Through, trials: readonly Trial[], places: number): void {
  describe("the layer live", () => {
    let under: Looking;
    let whole: Looked;
    let requests = 0;

    const look = (rule: Rule): Promise<Looked> => {
      const { proxy, opening, started, url } = through();
      proxy.set(rule);
      return under.look("live", opening.open(started, url), null);
    };

    beforeAll(async () => {
      const { opening, started, proxy } = through();
      under = await looking(opening.open(started, started.url));
      whole = await look(() => null);
      requests = proxy.asked.length;
    });
    afterAll(() => under.close());

    test("compares everything where nothing happens", () => {
      expect(whole).toMatchObject({
        verdict: "verified",
        reasons: [],
        trouble: null,
        compared: { changed: 0, mismatch: 0, unverifiable: 0 },
      });
      expect(whole.compared?.["match"]).toBeGreaterThan(20);
    });

    test.each(trials)("%s", async (_, fault, count, ofCapture) => {
      const middle = Math.floor(requests / 2);
      const looked = await look(({ at }) => (at >= middle && at < middle + count ? fault() : null));
      expect(through().proxy.spoilt(), "the fault came about").toBeGreaterThan(0);
      if (ofCapture.test("complete")) expect(withoutTimes(looked)).toEqual(withoutTimes(whole));
      else expectDoubt(looked, through());
    });

    test("once, anywhere: half of a list is missing, or all of it: never called a failure of the backup", async () => {
      const outcomes: string[] = [];
      for (let place = 0; place < requests; place += Math.max(1, requests / places))
        for (const change of [halved, emptied]) {
          const bad = Math.floor(place);
          const looked = await look(({ at }) => (at === bad ? { kind: "edit", change } : null));
          outcomes.push(`${looked.verdict} ${JSON.stringify(looked.compared)} · ${change.name} ${through().proxy.asked[bad]?.url ?? ""}`);
          if (looked.verdict === "inconclusive") expectDoubt(looked, through());
        }
      expect(outcomes.filter((one) => /^failed|"mismatch":[1-9]/u.test(one))).toEqual([]);
    });
  });
}

/** Nothing is blamed, something is said that a person can act upon, and no secret is in it. */
export function expectDoubt(looked: Looked, { started }: Pick<Through, "started">, where = ""): void {
  expect(
    looked.checks.filter((one) => one.status === "fail"),
    where,
  ).toEqual([]);
  expect(looked.verdict, where).toBe("inconclusive");
  expect(looked.reasons.join(" ")).toMatch(/\w+ \w+ \w+/u);
  for (const secret of Object.values(started.secrets)) expect(JSON.stringify(looked)).not.toContain(secret);
}

export function withoutTimes(looked: Looked): unknown {
  return { ...looked, checks: looked.checks.map((one) => ({ ...one, durationMs: 0 })) };
}
