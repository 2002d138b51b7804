/**
 * What is wrong with the order of a log, from what lies where. Pure.
 * An untouched log is one run of lines that follow each other; every tampering cuts it, so little has to be remembered of millions of lines.
 */

export interface Place {
  readonly file: string;
  readonly line: number;
}

/** Lines that lie one after the other, have sound hashes, and are numbered without a gap. */
export interface Run {
  readonly kind: "run";
  readonly first: number;
  readonly last: number;
  /** What the first line says the hash before it is. */
  readonly firstPrev: string;
  readonly lastHash: string;
  /** Where the run begins, and where it goes on in another file. */
  readonly spans: readonly (Place & { readonly seq: number })[];
}

/** A line that is no line of ours or does not match its hash. */
export interface Broken {
  readonly kind: "broken";
  readonly place: Place;
  /** The number it claims, or null. */
  readonly claimed: number | null;
  readonly looksTorn: boolean;
}

export type Segment = Run | Broken;

export type ProblemKind = "changed" | "missing" | "reordered" | "duplicate" | "foreign" | "torn";

export interface Finding extends Place {
  readonly kind: ProblemKind;
  /** First and last number concerned; null for a line that has none. */
  readonly seq: number | null;
  readonly through: number | null;
}

/** @param segments in the order in which they lie. @param nothing what the first entry says the hash before it is */
export function findingsOf(segments: readonly Segment[], nothing: string): Finding[] {
  const plausible = withoutStrayNumbers(segments);
  const runs = plausible.filter((segment) => segment.kind === "run");
  const kept = heaviestOrder(runs);
  const displaced = runs.filter((run) => !kept.includes(run));
  const { findings, loose } = displacedFindings(plausible, kept, displaced);
  return [...findings, ...overlaps(kept), ...gaps(plausible, kept, loose), ...brokenLinks(kept, loose, nothing)].sort(
    (a, b) => (a.seq ?? Infinity) - (b.seq ?? Infinity),
  );
}

export function lastSeq(segments: readonly Segment[]): Run | null {
  const runs = withoutStrayNumbers(segments).filter((segment) => segment.kind === "run");
  return heaviestOrder(runs).at(-1) ?? null;
}

export function placeOf(run: Run, seq: number): Place {
  const span = run.spans.findLast((candidate) => candidate.seq <= seq) ?? { file: "", line: 0, seq };
  return { file: span.file, line: span.line + seq - span.seq };
}

/** A single sound line whose number is beyond what all lines could reach was forged: it is treated as a changed line. */
function withoutStrayNumbers(segments: readonly Segment[]): Segment[] {
  const kept = heaviestOrder(segments.filter((segment) => segment.kind === "run"));
  const elsewhere = segments.reduce((sum, segment) => {
    if (segment.kind === "broken") return sum + 1;
    return kept.includes(segment) ? sum : sum + segment.last - segment.first + 1;
  }, 0);
  const reach = (kept.at(-1)?.last ?? 0) + elsewhere;
  return segments.map((segment) =>
    segment.kind === "run" && segment.first === segment.last && segment.first > reach
      ? { kind: "broken", place: placeOf(segment, segment.first), claimed: segment.first, looksTorn: false }
      : segment,
  );
}

/** The runs that can stay where they are so that as many entries as possible are in order. */
function heaviestOrder(runs: readonly Run[]): Run[] {
  const best: { weight: number; from: number }[] = [];
  let end = -1;
  for (const [index, run] of runs.entries()) {
    let weight = run.last - run.first + 1;
    let from = -1;
    for (let other = 0; other < index; other += 1) {
      const before = runs[other];
      if (before === undefined || before.first >= run.first || before.last >= run.last) continue;
      const gained = (best[other]?.weight ?? 0) + run.last - Math.max(before.last, run.first - 1);
      if (gained > weight) {
        weight = gained;
        from = other;
      }
    }
    best.push({ weight, from });
    const leader = best[end]?.weight ?? 0;
    if (weight > leader || (weight === leader && run.last < (runs[end]?.last ?? 0))) end = index;
  }
  const chain: Run[] = [];
  for (let index = end; index >= 0; index = best[index]?.from ?? -1) {
    const run = runs[index];
    if (run !== undefined) chain.unshift(run);
  }
  return chain;
}

function displacedFindings(
  segments: readonly Segment[],
  kept: readonly Run[],
  displaced: readonly Run[],
): { readonly findings: Finding[]; readonly loose: Run[] } {
  const findings: Finding[] = [];
  /** Displaced runs cut down to what lies nowhere else. */
  const loose: Run[] = [];
  const lies = new Map(segments.map((segment, index) => [segment, index]));
  for (const run of displaced) {
    for (const part of parts(run, [...kept, ...loose])) {
      findings.push({ kind: part.twice ? "duplicate" : "reordered", seq: part.first, through: part.last, ...placeOf(run, part.first) });
      if (part.twice) continue;
      const whole = part.first === run.first && part.last === run.last;
      loose.push(whole ? run : { ...run, first: part.first, last: part.last, firstPrev: "", lastHash: "" });
      if (whole) findings.push(...exchangedWith(run, lies, kept));
    }
  }
  return { findings, loose };
}

/** Where moving other lines would mend the order just as well, they are out of order too: two neighbours that changed places. */
function exchangedWith(run: Run, lies: ReadonlyMap<Segment, number>, kept: readonly Run[]): Finding[] {
  const placed = (segment: Segment): number => lies.get(segment) ?? 0;
  const at = placed(run);
  const between = kept.filter((other) => (placed(other) < at && other.first > run.last) || (placed(other) > at && other.last < run.first));
  const weight = between.reduce((sum, other) => sum + other.last - other.first + 1, 0);
  if (weight !== run.last - run.first + 1) return [];
  return between.map((other) => ({ kind: "reordered", seq: other.first, through: other.last, ...placeOf(other, other.first) }));
}

/** Cuts a run where it overlaps others. */
function parts(run: Run, others: readonly Run[]): { readonly first: number; readonly last: number; readonly twice: boolean }[] {
  const found: { first: number; last: number; twice: boolean }[] = [];
  let at = run.first;
  while (at <= run.last) {
    const covering = others.filter((other) => other.first <= at && other.last >= at);
    const twice = covering.length > 0;
    const ends = twice ? covering.map((other) => other.last) : others.filter((other) => other.first > at).map((other) => other.first - 1);
    const last = Math.min(run.last, twice ? Math.max(...ends) : Math.min(Infinity, ...ends));
    found.push({ first: at, last, twice });
    at = last + 1;
  }
  return found;
}

function overlaps(kept: readonly Run[]): Finding[] {
  return kept.flatMap((run, index) => {
    const before = kept[index - 1];
    if (before === undefined || before.last < run.first) return [];
    return [{ kind: "duplicate", seq: run.first, through: before.last, ...placeOf(run, run.first) }];
  });
}

/** Between two runs: broken lines take the numbers that are missing there; what is left over on either side is missing, or foreign. */
function gaps(segments: readonly Segment[], kept: readonly Run[], loose: readonly Run[]): Finding[] {
  const findings: Finding[] = [];
  let broken: Broken[] = [];
  let before = 0;
  let next = 0;
  for (const segment of segments) {
    if (segment.kind === "broken") broken.push(segment);
    else if (segment === kept[next]) {
      const absent = absentBetween(before, segment.first, loose);
      findings.push(...assign(broken, absent, placeOf(segment, segment.first)));
      before = Math.max(before, segment.last);
      broken = [];
      next += 1;
    }
  }
  return [...findings, ...atTheEnd(broken, Math.max(before, ...loose.map((run) => run.last)))];
}

type Range = { first: number; last: number };

function absentBetween(before: number, after: number, loose: readonly Run[]): Range[] {
  const found: Range[] = [];
  let at = before + 1;
  for (const run of loose.filter((other) => other.last > before && other.first < after).toSorted((a, b) => a.first - b.first)) {
    if (run.first > at) found.push({ first: at, last: run.first - 1 });
    at = Math.max(at, run.last + 1);
  }
  if (after > at) found.push({ first: at, last: after - 1 });
  return found;
}

function assign(broken: readonly Broken[], absent: readonly Range[], behind: Place): Finding[] {
  const findings: Finding[] = [];
  let left = absent.map((range) => ({ ...range }));
  for (const [index, line] of broken.entries()) {
    const count = left.reduce((sum, range) => sum + range.last - range.first + 1, 0);
    const { claimed } = line;
    const fits = claimed !== null && left.some((range) => range.first <= claimed && range.last >= claimed);
    // As many broken lines as numbers: each has its own, whatever it claims.
    const seq = fits && count > broken.length - index ? claimed : (left[0]?.first ?? null);
    if (seq === null) {
      findings.push({ kind: "foreign", seq: null, through: null, ...line.place });
      continue;
    }
    findings.push({ kind: "changed", seq, through: seq, ...line.place });
    left = without(left, seq);
  }
  // What a line claims may lie behind numbers that then have no line: they are missing.
  return [...findings, ...left.map(({ first, last }): Finding => ({ kind: "missing", seq: first, through: last, ...behind }))];
}

function without(ranges: readonly Range[], seq: number): Range[] {
  return ranges.flatMap(({ first, last }) =>
    seq < first || seq > last
      ? [{ first, last }]
      : [
          { first, last: seq - 1 },
          { first: seq + 1, last },
        ].filter((range) => range.first <= range.last),
  );
}

/** Broken lines behind the last run go on counting. */
function atTheEnd(broken: readonly Broken[], last: number): Finding[] {
  return broken.map((line, index) => {
    const torn = index === broken.length - 1 && line.looksTorn;
    const seq = last + 1 + index;
    return { kind: torn ? "torn" : "changed", seq, through: seq, ...line.place };
  });
}

/** A line changed together with its hash shows in the next one, which names the hash it had. */
function brokenLinks(kept: readonly Run[], loose: readonly Run[], nothing: string): Finding[] {
  const inOrder = [...kept, ...loose].sort((a, b) => a.first - b.first || a.last - b.last);
  return inOrder.flatMap((run, index): Finding[] => {
    if (run.firstPrev === "") return [];
    if (run.first === 1) return run.firstPrev === nothing ? [] : [{ kind: "changed", seq: 1, through: 1, ...placeOf(run, 1) }];
    const before = inOrder.slice(0, index).findLast((other) => other.last === run.first - 1);
    if (before === undefined || before.lastHash === "" || before.lastHash === run.firstPrev) return [];
    return [{ kind: "changed", seq: before.last, through: before.last, ...placeOf(before, before.last) }];
  });
}
