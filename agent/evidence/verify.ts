/** Proof, or disproof, that no entry of the log was changed, removed, added or put elsewhere. Needs no lock and changes nothing. */
import { join } from "node:path";
import type { EvidenceHead } from "../core/evidence.ts";
import { listFiles, readLines, type RawLine, sizeOf } from "./files.ts";
import { claimedSeq, isJson, type Line, NO_HASH, parseLine } from "./line.ts";
import { type Broken, type Finding, findingsOf, lastSeq, type Place, type ProblemKind, type Run, type Segment } from "./order.ts";

export interface EvidenceProblem {
  readonly file: string;
  /** From 1; where a missing entry should be, what lies there instead. */
  readonly line: number;
  /** Number of the entry concerned, or null for a line that belongs to none. */
  readonly seq: number | null;
  /** Last number concerned, where several in a row share one problem; else as `seq`. */
  readonly through: number | null;
  readonly kind: ProblemKind | "head-mismatch";
  readonly sentence: string;
}

export interface EvidenceReport {
  /** Sound entries that lie in order. */
  readonly entries: number;
  readonly head: EvidenceHead;
  /** The log ends with the head that was given, and nothing is wrong. Without a head a cut-off end cannot be seen: false. */
  readonly tailProven: boolean;
  /** Number of the entry whose hash is the head that was given, or null. */
  readonly provenThrough: number | null;
  readonly problems: readonly EvidenceProblem[];
  /** Breaks that were found after so many that the rest is not told apart any more. */
  readonly untold: number;
}

/** More cuts than these are not told apart: a log in so many pieces was not tampered with here and there. */
const SEGMENTS_MOST = 2000;

/**
 * Reads the whole log, line by line, and goes on after each problem.
 * @param options.head hash noted earlier: the newest proves the end, an older one all up to its entry
 * @throws AgentError `not_found` when there is no directory; other kinds when it cannot be read: that says nothing about the log
 */
export async function verifyEvidence(options: { readonly directory: string; readonly head?: string }): Promise<EvidenceReport> {
  const head = options.head?.toLowerCase();
  for (let attempt = 1; ; attempt += 1) {
    const scan = await scanLog(options.directory, head);
    const report = judgeScan(scan, head);
    // A writer may just be in the middle of its last line: then the file has grown meanwhile, and another look shows more.
    const torn = report.problems.some((problem) => problem.kind === "torn");
    if (!torn || attempt === 3 || scan.newest === null) return report;
    if ((await sizeOf(join(options.directory, scan.newest.file))) === scan.newest.size) return report;
  }
}

interface Scan {
  readonly segments: readonly Segment[];
  /** Changed entries inside a run, and lines that lack their line end. */
  readonly findings: readonly Finding[];
  readonly strangers: readonly string[];
  readonly provenThrough: number | null;
  readonly newest: { readonly file: string; readonly size: number } | null;
  readonly untold: number;
}

async function scanLog(directory: string, head: string | undefined): Promise<Scan> {
  const { files, strangers } = await listFiles(directory);
  const segments: Segment[] = [];
  const findings: Finding[] = [];
  let open: { -readonly [Key in keyof Run]: Run[Key] } | null = null;
  let provenThrough: number | null = null;
  let untold = 0;

  const add = (segment: Segment): boolean => {
    if (segments.length >= SEGMENTS_MOST) {
      untold += 1;
      return false;
    }
    segments.push(segment);
    return true;
  };
  const take = (line: Line, place: Place): void => {
    if (line.hash === head) provenThrough = line.seq;
    if (open !== null && line.seq === open.last + 1) {
      if (line.prev !== open.lastHash) findings.push({ kind: "changed", seq: open.last, through: open.last, ...placeBefore(open, place) });
      if (open.spans.at(-1)?.file !== place.file) open.spans = [...open.spans, { ...place, seq: line.seq }];
      open.last = line.seq;
      open.lastHash = line.hash;
      return;
    }
    const run = {
      kind: "run" as const,
      first: line.seq,
      last: line.seq,
      firstPrev: line.prev,
      lastHash: line.hash,
      spans: [{ ...place, seq: line.seq }],
    };
    open = add(run) ? run : null;
  };

  for (const file of files) {
    const newest = file === files.at(-1);
    for await (const lines of readLines(join(directory, file))) {
      for (const raw of lines) {
        const place = { file, line: raw.number };
        const line = raw.tooLong ? null : parseLine(raw.bytes);
        if (line?.sound === true) {
          take(line, place);
          if (!raw.ended) findings.push({ kind: newest ? "torn" : "changed", seq: line.seq, through: line.seq, ...place });
        } else {
          open = null;
          add(broken(raw, place, newest));
        }
      }
    }
  }
  const last = files.at(-1);
  return {
    segments,
    findings,
    strangers,
    provenThrough,
    newest: last === undefined ? null : { file: last, size: await sizeOf(join(directory, last)) },
    untold,
  };
}

function broken(raw: RawLine, place: Place, newest: boolean): Broken {
  return {
    kind: "broken",
    place,
    claimed: claimedSeq(raw.bytes),
    looksTorn: newest && raw.bytes.length > 0 && (!raw.ended || !isJson(raw.bytes)),
  };
}

/** The line before `place`, which may be the last of the file before. */
function placeBefore(run: Run, place: Place): Place {
  if (place.line > 1) return { file: place.file, line: place.line - 1 };
  const span = run.spans.at(-1);
  return span === undefined ? place : { file: span.file, line: span.line + run.last - span.seq };
}

function judgeScan(scan: Scan, head: string | undefined): EvidenceReport {
  const findings = [...scan.findings, ...findingsOf(scan.segments, NO_HASH)].sort((a, b) => (a.seq ?? Infinity) - (b.seq ?? Infinity));
  const problems: EvidenceProblem[] = findings.map((finding) => ({ ...finding, sentence: sentenceOf(finding) }));
  for (const file of scan.strangers)
    problems.push({
      file,
      line: 0,
      seq: null,
      through: null,
      kind: "foreign",
      sentence: `${file} is no file of the log, but lies where its files lie.`,
    });
  const end = lastSeq(scan.segments);
  const last = end === null ? { seq: 0, hash: NO_HASH } : { seq: end.last, hash: end.lastHash };
  const empty = head === NO_HASH && last.seq === 0;
  if (head !== undefined && scan.provenThrough === null && !empty)
    problems.push({
      file: scan.newest?.file ?? "",
      line: 0,
      seq: last.seq,
      through: last.seq,
      kind: "head-mismatch",
      sentence: `No entry has the hash ${head}: the log ends at entry ${last.seq}, and what came up to that head was cut off or changed.`,
    });
  return {
    entries: soundEntries(scan.segments),
    head: last,
    tailProven: problems.length === 0 && scan.untold === 0 && head !== undefined && (empty || scan.provenThrough === last.seq),
    provenThrough: problems.length === 0 ? scan.provenThrough : null,
    problems,
    untold: scan.untold,
  };
}

/** How many different numbers have a sound line. */
function soundEntries(segments: readonly Segment[]): number {
  let count = 0;
  let covered = 0;
  const runs = segments.filter((segment) => segment.kind === "run").toSorted((a, b) => a.first - b.first);
  for (const run of runs) {
    count += Math.max(0, run.last - Math.max(covered, run.first - 1));
    covered = Math.max(covered, run.last);
  }
  return count;
}

function sentenceOf({ kind, file, line, seq, through }: Finding): string {
  const several = seq !== null && through !== null && through > seq;
  const what = seq === null ? "A line" : several ? `Entries ${seq} to ${through}` : `Entry ${seq}`;
  const where = `${file} line ${line}`;
  const sentences: Readonly<Record<ProblemKind, string>> = {
    changed: `${what} (${where}) was changed after it was written.`,
    missing: `${what} ${several ? "are" : "is"} missing: ${several ? "they" : "it"} should lie before ${where}.`,
    reordered: `${what} ${several ? "are" : "is"} out of order at ${where}.`,
    duplicate: `${what} ${several ? "lie" : "lies"} there once more at ${where}.`,
    foreign: `${what} that belongs to no entry lies at ${where}.`,
    torn: `${what} (${where}) is cut short: the agent was ended while writing it, or its end was cut off.`,
  };
  return sentences[kind];
}
