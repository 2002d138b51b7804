/** What goes wrong on the way to a product. */
import type { Fault } from "../../doubles/faulty-proxy.ts";

export const answer = (status: number, headers: Readonly<Record<string, string>> = {}, body = "{}"): Fault => ({
  kind: "answer",
  status,
  headers,
  body,
});

export const HTML = answer(200, { "content-type": "text/html" }, "<!doctype html><title>Maintenance</title>");
export const CUT: Fault = { kind: "cut", announced: true };
const inAnHour = (): string => new Date(Date.now() + 3_600_000).toUTCString();
const soon = (): string => new Date(Date.now() + 3000).toUTCString();

/** [what, the fault, how many answers it spoils, what comes of a capture] */
export type Trial = readonly [string, () => Fault, number, RegExp];

/** What a connector could take for something else. */
export const COMMON: readonly Trial[] = [
  ["three 429 without Retry-After", () => answer(429), 3, /^complete$/u],
  ["429 for ever", () => answer(429), Infinity, /^rate_limited rate-limited$/u],
  ["three 503", () => answer(503), 3, /^complete$/u],
  ["500 for ever", () => answer(500), Infinity, /^transient platform-error$/u],
  ["one answer cut off", () => CUT, 1, /^complete$/u],
  ["every answer cut off", () => CUT, Infinity, /^transient (?:answer-cut-short|not-reachable)$/u],
  ["HTML with 200", () => HTML, Infinity, /^transient unexpected-answer$/u],
  ["JSON null with 200", () => answer(200, {}, "null"), Infinity, /^unsupported unexpected-answer$/u],
  ["an empty object with 200", () => answer(200), Infinity, /^(?:unsupported|transient) \S+$/u],
  ["a token revoked", () => answer(401), Infinity, /^auth \S+$/u],
];

/** What is settled before a connector sees anything: in the one HTTP client of them all. */
export const OF_THE_CLIENT: readonly Trial[] = [
  ["three 429 with Retry-After in seconds", () => answer(429, { "retry-after": "2" }), 3, /^complete$/u],
  ["three 429 with Retry-After as a date", () => answer(429, { "retry-after": soon() }), 3, /^complete$/u],
  ["429 until in an hour", () => answer(429, { "retry-after": inAnHour() }), Infinity, /^rate_limited rate-limited$/u],
  ["502 in HTML for ever", () => answer(502, { "content-type": "text/html" }, "<html>"), Infinity, /^transient platform-error$/u],
  ["one answer of no announced length cut off", () => ({ kind: "cut", announced: false }), 1, /^complete$/u],
  [
    "every answer of no announced length cut off",
    () => ({ kind: "cut", announced: false }),
    Infinity,
    /^transient (?:answer-cut-short|not-reachable)$/u,
  ],
  ["answers shorter than announced", () => ({ kind: "longer", by: 100 }), Infinity, /^transient (?:answer-cut-short|not-reachable)$/u],
  ["answers longer than announced", () => ({ kind: "shorter" }), Infinity, /^(?:transient|unsupported) \S+$/u],
  ["answers that drip", () => ({ kind: "drip", everyMs: 400 }), Infinity, /^transient no-answer-in-time$/u],
];
