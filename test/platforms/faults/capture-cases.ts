/** Whatever happens on the way to a product, a capture is whole or there is none, for a reason somebody can act upon. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { emptied, halved, type Rule } from "../../doubles/faulty-proxy.ts";
import { type Capturing, capturing, type Outcome, reasonOf } from "./capturing.ts";
import { answer, CUT, HTML, type Trial } from "./faults.ts";
import type { FaultyProduct } from "./products.ts";
import type { Through } from "./through.ts";

/** Time a request has while something drips. */
const SHORT_MS = 500;

/** @param places answers of a capture, spread evenly over it, that are shortened one at a time */
export function captureCases(product: FaultyProduct, through: () => Through, trials: readonly Trial[], places: number): void {
  describe("a capture", () => {
    let under: Capturing;
    /** A capture that nothing happened to. */
    let whole: Extract<Outcome, { kind: "complete" }>;
    let requests = 0;
    const proxy = () => through().proxy;
    const open = (timeoutMs?: number) => through().opening.open(through().started, through().url, timeoutMs);

    beforeAll(async () => {
      under = await capturing(product);
      proxy().set(() => null);
      const outcome = await under.capture(open());
      if (outcome.kind === "error") throw outcome.error;
      whole = outcome;
      requests = proxy().asked.length;
      await under.clear();
    });
    afterAll(() => under.close());
    afterEach(() => under.clear());

    /** @returns what comes of a capture under the rule */
    async function told(rule: Rule, timeoutMs?: number): Promise<string> {
      proxy().set(rule);
      const outcome = await under.capture(open(timeoutMs));
      expect(proxy().spoilt(), "the fault came about").toBeGreaterThan(0);
      proxy().set(() => null);
      if (outcome.kind === "complete") {
        if (outcome.changed.length > 0) return "says that it changed";
        return outcome.content === whole.content ? "complete" : "not whole, and looks so";
      }
      expect(await under.visible(), "nothing of it can be seen").toEqual([]);
      return reasonOf(outcome.error);
    }

    const middle = (): number => Math.floor(requests / 2);

    test.each(trials)("%s", async (_, fault, count, wanted) => {
      const rule: Rule = ({ at }) => (at >= middle() && at < middle() + count ? fault() : null);
      const outcome = await told(rule, fault().kind === "drip" ? SHORT_MS : undefined);
      expect(outcome).toMatch(wanted);
      if (outcome === "complete") return;
      const again = await under.capture(open());
      expect(again.kind === "complete" ? again : reasonOf(again.error), "it goes on afterwards").toEqual(whole);
    });

    test("an upgrade renames a member of the answers", async () => {
      const [from, to] = product.renamed;
      const change = (body: string): string => body.replaceAll(`"${from}":`, `"${to}":`);
      expect(await told(({ at }) => (at >= middle() ? { kind: "edit", change } : null))).toMatch(
        /^(?:unsupported unexpected-answer|transient schema-changed)$/u,
      );
    });

    test(
      "once, anywhere: half of a list is missing, or all of it, as in JSON that was closed too early",
      { timeout: 300_000 },
      async () => {
        const step = Math.max(1, requests / places);
        const outcomes: string[] = [];
        for (let place = 0; place < requests; place += step)
          for (const change of [halved, emptied]) {
            const bad = Math.floor(place);
            let url = "";
            const rule: Rule = (asked) => {
              if (asked.at !== bad) return null;
              url = asked.url;
              return { kind: "edit", change };
            };
            outcomes.push(`${await told(rule)} · ${change.name} ${bad} ${url}`);
            await under.clear();
          }
        expect(outcomes.filter((one) => /^(?:not |internal|damaged)/u.test(one))).toEqual([]);
      },
    );

    const { lists } = product;
    const clamped = lists === null ? [] : [lists];
    test.each(clamped)("always: a list of records or links that is clamped to its half (%s)", async (path) => {
      const outcome = await told(({ url }) => (url.startsWith(path) ? { kind: "edit", change: halved } : null));
      expect(outcome).toMatch(/^(?:complete$|transient |unsupported )/u);
    });

    test("a look at the product is as good as its answers: probe, keys and records", async () => {
      const { platform } = open();
      const signal = new AbortController().signal;
      proxy().set(() => null);
      const { collections } = await platform.inventory(signal);
      const collection = collections.toSorted((a, b) => (b.declaredRecords ?? 0) - (a.declaredRecords ?? 0))[0];
      if (collection === undefined) throw new Error("nothing to look at");
      const keysOf = async (): Promise<string[]> => {
        const keys: string[] = [];
        for await (const page of platform.listKeys(collection, signal)) keys.push(...page.map((one) => one.key));
        return keys;
      };
      const keys = await keysOf();
      for (const fault of [HTML, answer(500), answer(401), CUT]) {
        proxy().set(() => fault);
        for (const look of [() => platform.probe(signal), keysOf, () => platform.readItems(collection, keys, signal)]) {
          const thrown: unknown = await look().then(
            () => "it answered",
            (error: unknown) => error,
          );
          expect(reasonOf(thrown)).toMatch(/^(?:auth|transient|unsupported) /u);
        }
      }
    });
  });
}
