/** Whatever happens on the way to a product, a capture is whole or there is none, for a reason somebody can act upon. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { emptied, type Fault, type FaultyProxy, halved, type Rule, startFaultyProxy } from "../../doubles/faulty-proxy.ts";
import { type Capturing, capturing, type Outcome, reasonOf } from "./capturing.ts";
import { PRODUCTS, type Started } from "./products.ts";

/** Time a request has while something drips. */
const SHORT_MS = 1000;
const PLACES = 24;

const answer = (status: number, headers: Readonly<Record<string, string>> = {}, body = "{}"): Fault => ({
  kind: "answer",
  status,
  headers,
  body,
});
const HTML = answer(200, { "content-type": "text/html" }, "<!doctype html><title>Maintenance</title>");
const inAnHour = (): string => new Date(Date.now() + 3_600_000).toUTCString();
const soon = (): string => new Date(Date.now() + 3000).toUTCString();

/** [what, the fault, how many answers it spoils, what comes of it]; the first spoilt is in the middle of the capture. */
const FAULTS: readonly (readonly [string, () => Fault, number, RegExp])[] = [
  ["three 429 without Retry-After", () => answer(429), 3, /^complete$/u],
  ["three 429 with Retry-After in seconds", () => answer(429, { "retry-after": "2" }), 3, /^complete$/u],
  ["three 429 with Retry-After as a date", () => answer(429, { "retry-after": soon() }), 3, /^complete$/u],
  ["429 for ever", () => answer(429), Infinity, /^rate_limited rate-limited$/u],
  ["429 until in an hour", () => answer(429, { "retry-after": inAnHour() }), Infinity, /^rate_limited rate-limited$/u],
  ["three 503", () => answer(503), 3, /^complete$/u],
  ["502 in HTML for ever", () => answer(502, { "content-type": "text/html" }, "<html>"), Infinity, /^transient platform-error$/u],
  ["500 for ever", () => answer(500), Infinity, /^transient platform-error$/u],
  ["one answer cut off", () => ({ kind: "cut", announced: true }), 1, /^complete$/u],
  ["one answer of no announced length cut off", () => ({ kind: "cut", announced: false }), 1, /^complete$/u],
  ["every answer cut off", () => ({ kind: "cut", announced: true }), Infinity, /^transient (?:answer-cut-short|not-reachable)$/u],
  [
    "every answer of no announced length cut off",
    () => ({ kind: "cut", announced: false }),
    Infinity,
    /^transient (?:answer-cut-short|not-reachable)$/u,
  ],
  ["answers shorter than announced", () => ({ kind: "longer", by: 100 }), Infinity, /^transient (?:answer-cut-short|not-reachable)$/u],
  ["answers longer than announced", () => ({ kind: "shorter" }), Infinity, /^(?:transient|unsupported) \S+$/u],
  ["answers that drip", () => ({ kind: "drip", everyMs: 400 }), Infinity, /^transient no-answer-in-time$/u],
  ["HTML with 200", () => HTML, Infinity, /^transient unexpected-answer$/u],
  ["JSON null with 200", () => answer(200, {}, "null"), Infinity, /^unsupported unexpected-answer$/u],
  ["an empty object with 200", () => answer(200), Infinity, /^(?:unsupported|transient) \S+$/u],
  ["a token revoked", () => answer(401), Infinity, /^auth \S+$/u],
];

describe.each(PRODUCTS)("$definition.type", (product) => {
  let started: Started;
  let proxy: FaultyProxy;
  let under: Capturing;
  /** A capture that nothing happened to. */
  let whole: Extract<Outcome, { kind: "complete" }>;
  let requests = 0;

  beforeAll(async () => {
    started = await product.start();
    proxy = await startFaultyProxy(started.url);
    under = await capturing(product, started, proxy.url);
    const outcome = await under.capture();
    if (outcome.kind === "error") throw outcome.error;
    whole = outcome;
    requests = proxy.asked.length;
    await under.clear();
  });
  afterAll(async () => {
    await under.close();
    await proxy.close();
    await started.stop();
  });
  afterEach(() => under.clear());

  /** Captures under the rule, and again without it. @returns what came of the first */
  async function told(rule: Rule, timeoutMs?: number): Promise<string> {
    proxy.set(rule);
    const outcome = await under.capture(timeoutMs);
    expect(proxy.spoilt(), "the fault came about").toBeGreaterThan(0);
    proxy.set(() => null);
    if (outcome.kind === "complete") {
      if (outcome.changed.length > 0) return "says that it changed";
      return outcome.content === whole.content ? "complete" : "not whole, and looks so";
    }
    expect(await under.visible(), "nothing of it can be seen").toEqual([]);
    const again = await under.capture();
    expect(again.kind === "complete" ? again : reasonOf(again.error), "it goes on afterwards").toEqual(whole);
    return reasonOf(outcome.error);
  }

  const middle = (): number => Math.floor(requests / 2);

  test.each(FAULTS)("%s", async (_, fault, count, wanted) => {
    const rule: Rule = ({ at }) => (at >= middle() && at < middle() + count ? fault() : null);
    expect(await told(rule, fault().kind === "drip" ? SHORT_MS : undefined)).toMatch(wanted);
  });

  test("an upgrade renames a member of the answers", async () => {
    const [from, to] = product.renamed;
    const change = (body: string): string => body.replaceAll(`"${from}":`, `"${to}":`);
    expect(await told(({ at }) => (at >= middle() ? { kind: "edit", change } : null))).toMatch(
      /^(?:unsupported unexpected-answer|transient schema-changed)$/u,
    );
  });

  test.each([
    ["half of a list is missing", halved],
    ["lists are empty, as in JSON that was closed too early", emptied],
  ] as const)(
    "once, anywhere: %s",
    async (_, change) => {
      const step = Math.max(1, requests / PLACES);
      const outcomes: string[] = [];
      for (let place = 0; place < requests; place += step) {
        const bad = Math.floor(place);
        let url = "";
        const rule: Rule = (asked) => {
          if (asked.at !== bad) return null;
          url = asked.url;
          return { kind: "edit", change };
        };
        outcomes.push(`${await told(rule)} · ${bad} ${url}`);
        await under.clear();
      }
      expect(outcomes.filter((one) => /^(?:not |internal|damaged)/u.test(one))).toEqual([]);
    },
    300_000,
  );

  const { lists } = product;
  const clamped = lists === null ? [] : [lists];
  test.each(clamped)("always: a list of records or links that is clamped to its half (%s)", async (path) => {
    const outcome = await told(({ url }) => (url.startsWith(path) ? { kind: "edit", change: halved } : null));
    expect(outcome).toMatch(/^(?:complete$|transient |unsupported )/u);
  });

  test("a look at the product is as good as its answers: probe, keys and records", async () => {
    const { platform } = under.open();
    const signal = new AbortController().signal;
    proxy.set(() => null);
    const { collections } = await platform.inventory(signal);
    const collection = collections.toSorted((a, b) => (b.declaredRecords ?? 0) - (a.declaredRecords ?? 0))[0];
    if (collection === undefined) throw new Error("nothing to look at");
    const keysOf = async (): Promise<string[]> => {
      const keys: string[] = [];
      for await (const page of platform.listKeys(collection, signal)) keys.push(...page.map((one) => one.key));
      return keys;
    };
    const keys = await keysOf();
    for (const fault of [HTML, answer(500), answer(401), { kind: "cut", announced: true } as const]) {
      proxy.set(() => fault);
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
