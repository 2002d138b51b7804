/** Colours that several dashboards share: what is good, what needs a look, what is broken. */
import type { Step } from "./panels.ts";

/** Anything above nothing is bad. */
export const NONE_IS_GOOD: readonly Step[] = [
  { from: null, color: "green" },
  { from: 1, color: "red" },
];
/** Anything above nothing wants a look. */
export const NONE_IS_CALM: readonly Step[] = [
  { from: null, color: "green" },
  { from: 1, color: "orange" },
];
/** A share of an objective that is used up. */
export const USED_UP: readonly Step[] = [
  { from: null, color: "green" },
  { from: 0.8, color: "orange" },
  { from: 1, color: "red" },
];
/** A share that should be whole. */
export const WHOLE_IS_GOOD: readonly Step[] = [
  { from: null, color: "red" },
  { from: 0.9, color: "orange" },
  { from: 0.99, color: "green" },
];
/** 1 is well, 0 is not. */
export const ONE_IS_GOOD: readonly Step[] = [
  { from: null, color: "red" },
  { from: 1, color: "green" },
];
