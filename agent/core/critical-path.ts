/**
 * Where the time of a drill went, from the spans of its trace: at every instant the innermost span that was open is what the drill waited
 * for, and of several side by side the one that ended last. A call counts for the vault, platform or database it asked.
 */
import type { Phase } from "./words.ts";

/** A span that has ended, with what it is part of. Times are milliseconds of one clock, fractions allowed. */
export interface EndedSpan {
  readonly from: number;
  readonly to: number;
  /** 1 directly under the root. */
  readonly depth: number;
  readonly phase: Phase | null;
  /** What was asked, or waited for: `vault:nightly`, `airtable`, `airtable (waiting)`, `sandbox`; null where the agent itself was busy. */
  readonly peer: string | null;
}

export interface PathStep {
  readonly phase: Phase | null;
  readonly peer: string | null;
  readonly ms: number;
}

/** Steps below this share of the whole are left out of the sentence, not of the sums. */
const TOLD_SHARE = 0.01;
const MOST_TOLD = 12;

/**
 * @param spans in any order; what lies outside of the drill is cut off
 * @param from when the drill began, and `to` when it ended
 * @returns steps in the order in which they first came up; their `ms` sum up to the whole, and what no span tells of is `{phase: null, peer: null}`
 */
export function criticalPath(spans: readonly EndedSpan[], from: number, to: number): readonly PathStep[] {
  const open = new Set<EndedSpan>();
  const inside = spans.filter((span) => span.to > from && span.from < to && span.to > span.from);
  const edges = [
    ...inside.map((span) => ({ at: Math.max(from, span.from), span, begins: true })),
    ...inside.map((span) => ({ at: Math.min(to, span.to), span, begins: false })),
  ].sort((a, b) => a.at - b.at || Number(a.begins) - Number(b.begins));
  const sums = new Map<string, { phase: Phase | null; peer: string | null; ms: number }>();
  const add = (ms: number): void => {
    if (ms <= 0) return;
    const waitedFor = innermost(open);
    const [phase, peer] = [waitedFor?.phase ?? null, waitedFor?.peer ?? null];
    const key = `${phase ?? ""} ${peer ?? ""}`;
    const sum = sums.get(key) ?? { phase, peer, ms: 0 };
    sum.ms += ms;
    sums.set(key, sum);
  };
  let at = from;
  for (const edge of edges) {
    add(edge.at - at);
    at = Math.max(at, edge.at);
    if (edge.begins) open.add(edge.span);
    else open.delete(edge.span);
  }
  add(to - at);
  return [...sums.values()];
}

function innermost(open: ReadonlySet<EndedSpan>): EndedSpan | null {
  let found: EndedSpan | null = null;
  for (const span of open)
    if (found === null || span.depth > found.depth || (span.depth === found.depth && span.to > found.to)) found = span;
  return found;
}

/** `readback airtable`, `load`, `the agent itself`. */
export function describeStep({ phase, peer }: Pick<PathStep, "phase" | "peer">): string {
  return [phase, peer].filter((word) => word !== null).join(" ") || "the agent itself";
}

/** `open vault:nightly 12 % › load sandbox 40 % › readback airtable 47 %`; empty where no time went by. */
export function describePath(steps: readonly PathStep[]): string {
  const whole = steps.reduce((sum, { ms }) => sum + ms, 0);
  if (whole <= 0) return "";
  const told = new Set(
    steps
      .filter(({ ms }) => ms / whole >= TOLD_SHARE)
      .toSorted((a, b) => b.ms - a.ms)
      .slice(0, MOST_TOLD),
  );
  return steps
    .filter((step) => told.has(step))
    .map((step) => `${describeStep(step)} ${Math.round((step.ms / whole) * 100)} %`)
    .join(" › ");
}

/** What took longest, as one of few words, to group traces by; null where no time went by. */
export function longestStep(steps: readonly PathStep[]): PathStep | null {
  return steps.reduce<PathStep | null>((longest, step) => (longest === null || step.ms > longest.ms ? step : longest), null);
}
